# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What Juju refuses, in its words. One model serves all, because a refusal changes nothing."""

import io
import pathlib
from collections.abc import Iterator

import pytest

from rehearsal import catalogue, commands, engine, errors, session

CHARMS = pathlib.Path(__file__).parent / 'charms'


def carry_out(at: session.Session, line: str) -> None:
    invocation = commands.parse(line)
    assert invocation is not None, line
    commands.execute(at, invocation)


@pytest.fixture(scope='module')
def at() -> Iterator[session.Session]:
    with engine.Rehearsal(catalogue.Catalogue(catalogue.in_folder(CHARMS))) as rehearsal:
        made = session.Session(rehearsal, io.StringIO(), io.StringIO())
        for line in ('deploy teller --trust', 'deploy reader', 'relate teller reader'):
            carry_out(made, line)
        yield made


@pytest.mark.parametrize(
    ('line', 'text'),
    [
        ('config nope', 'application "nope" not found'),
        (
            'config teller nope',
            'key "nope" not found in "teller" application config or charm settings.',
        ),
        ('config teller nope=1', 'parsing settings for application: unknown option "nope"'),
        ('config teller count=abc', 'option "count" expected int, got "abc"'),
        ('config teller text count=1', 'cannot set and retrieve values simultaneously'),
        ('config teller text=1 --reset text', 'cannot set and reset key "text" simultaneously'),
        ('config teller text count', 'can only retrieve a single value, or all values'),
        ('relate teller nope', 'application "nope" not found'),
        ('relate teller:nope reader', 'application "teller" has no "nope" relation'),
        ('relate teller:archive reader', 'no relations found'),
        ('remove-relation teller:archive reader:news', 'archive'),
        ('scale-application teller -- -1', 'scale must be a positive integer'),
        ('scale-application teller two', 'invalid scale "two"'),
        ('scale-application nope 2', 'application "nope" not found'),
        (
            'trust reader',
            "'juju trust' currently grants full access to the cluster itself.\n"
            "Set the scope to 'cluster' using '--scope=cluster' to confirm this choice.",
        ),
        ('trust nope --scope=cluster', 'application "nope" not found'),
        ('run nope/0 greet', 'nope/0'),
        ('run teller/0 nope', 'action "nope" not defined on unit "teller/0"'),
        ('run teller greet', 'invalid unit name "teller"'),
        ('run nope/leader greet', 'application "nope" not found'),
        ('run teller/0 greet --format table', 'unknown format "table"'),
        ('deploy nope', 'charm "nope" not found; known are: reader, teller'),
        ('deploy teller reader', 'reader'),
        ('remove-application reader', 'nobody is there to confirm; add --no-prompt'),
        ('remove-application nope --no-prompt', 'application "nope" not found'),
        ('show-task 99', 'task "99" not found'),
        ('show-secret nope', 'secret "nope" not found'),
        ('status -m other', 'model other not found'),
    ],
)
def test_refuses_in_jujus_words(at: session.Session, line: str, text: str):
    with pytest.raises(errors.RehearsalError) as caught:
        carry_out(at, line)
    assert text in str(caught.value)
