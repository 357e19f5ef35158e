# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Reading Juju's commands."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal import commands, errors, script


def parsed(line: str) -> commands.Invocation:
    invocation = commands.parse(line)
    assert invocation is not None
    return invocation


def test_the_word_juju_is_optional():
    for line in ('juju deploy plex-k8s plex --trust', 'deploy plex-k8s plex --trust'):
        invocation = parsed(line)
        assert invocation.command.name == 'deploy'
        assert invocation.parsed.arguments == ('plex-k8s', 'plex')
        assert invocation.parsed.switch('trust')


@pytest.mark.parametrize('name', ['relate', 'integrate', 'add-relation'])
def test_relating_has_three_names(name: str):
    assert parsed(f'juju {name} plex charmarr-storage').command.name == 'integrate'


def test_quotes_and_comments_are_those_of_a_shell():
    invocation = parsed('config plex name=\'living room\' other="a b"  # why not')
    assert invocation.parsed.arguments == ('plex', 'name=living room', 'other=a b')


@pytest.mark.parametrize('line', ['', '   ', '# only a comment', '\t# x'])
def test_a_line_may_hold_no_command(line: str):
    assert commands.parse(line) is None


@pytest.mark.parametrize(
    ('line', 'message'),
    [
        ('deploy', 'no charm or bundle specified'),
        ('deploy a b c', 'unrecognized args: ["c"]'),
        ('integrate plex', 'an integration must involve two applications'),
        ('config', 'no application name specified'),
        ('run', 'no unit specified'),
        ('run plex/0', 'no action specified'),
        ('scale-application plex', 'no scale specified'),
        ('deploy plex --color', 'option provided but not defined: --color'),
        ("deploy 'plex", 'cannot read the line: no closing quotation'),
    ],
)
def test_refuses_in_jujus_words(line: str, message: str):
    with pytest.raises(errors.InputError) as caught:
        commands.parse(line)
    assert str(caught.value) == message


def test_an_unknown_command_is_named_with_those_there_are():
    with pytest.raises(errors.InputError) as caught:
        commands.parse('juju ssh plex/0')
    message = str(caught.value)
    assert message.startswith('juju: "ssh" is not a command of a rehearsal; known: deploy, ')
    assert 'remove-application' in message


def test_what_may_be_secret_is_masked_where_a_command_is_repeated():
    assert parsed('run plex/0 claim-server token=claim-x').shown == (
        'juju run plex/0 claim-server token=********'
    )
    assert parsed('add-secret plex token=claim-x --info "a b"').shown == (
        "juju add-secret plex token=******** --info 'a b'"
    )
    assert 'claim-x' not in parsed('run plex/0 claim-server claim-x').shown
    assert parsed('config plex a=b').shown == 'juju config plex a=b'


def test_every_command_describes_itself():
    for command in commands.COMMANDS:
        text = commands.describe(command)
        assert text.startswith(f'Usage: {command.prefix}{command.name}')
        assert command.summary in text


def test_no_two_commands_share_a_name():
    names = [name for each in commands.COMMANDS for name in (each.name, *each.aliases)]
    assert len(names) == len(set(names))


NAMES = st.sampled_from([command.name for command in commands.COMMANDS])
WORDS = st.one_of(
    st.sampled_from(
        ['--', '-m', '--trust', '-n', '3', '=', 'a=b', 'plex/0', '--format', '"', "'"]
    ),
    st.text(max_size=8),
)


LINES = st.tuples(NAMES, st.lists(WORDS)).map(lambda parts: ' '.join((parts[0], *parts[1])))


@given(st.one_of(st.text(), LINES))
def test_no_line_makes_anything_but_a_command_or_a_refusal(line: str):
    with contextlib.suppress(errors.InputError):
        invocation = commands.parse(line)
        assert invocation is None or invocation.command in commands.COMMANDS
        if invocation is not None:
            assert invocation.shown.startswith('juju ') == invocation.command.of_juju


@given(st.text())
def test_no_script_makes_anything_but_steps_or_a_refusal_with_its_line(text: str):
    try:
        steps = script.parse(text, 'x.juju')
    except errors.InputError as error:
        places = [str(error)]
    else:
        places = [step.place for step in steps]
    assert all(place.startswith('x.juju:') for place in places)


def test_a_script_names_the_line_of_each_step():
    steps = script.parse('# first\njuju status\n\njuju relate \\\n  a b\nstatus\n', 's')
    assert [step.place for step in steps] == ['s:2', 's:4', 's:6']
    assert steps[1].invocation.parsed.arguments == ('a', 'b')


def test_a_script_is_refused_as_a_whole_before_any_of_it_runs():
    with pytest.raises(errors.InputError, match=r'^s:3: juju: "frob" is not a command'):
        script.parse('status\nstatus\nfrob\n', 's')
