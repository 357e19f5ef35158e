# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The prompt: reading, asking, completing."""

import io
from collections.abc import Callable, Iterator, Sequence

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from rehearsal import completion, prompt, session


def asking(*answers: str | type[BaseException]) -> prompt.Ask:
    left: Iterator[str | type[BaseException]] = iter(answers)

    def ask(_: str) -> str:
        answer = next(left)
        if isinstance(answer, str):
            return answer
        raise answer

    return ask


def test_goes_on_after_a_refusal_and_ends_with_the_input(
    at: session.Session, out: io.StringIO, err: io.StringIO
):
    assert not prompt.run(at, asking('frob', 'deploy teller', KeyboardInterrupt, EOFError))
    assert err.getvalue().startswith('ERROR juju: "frob" is not a command of a rehearsal')
    assert 'teller' in at.rehearsal.applications


@pytest.mark.parametrize('word', ['exit', 'quit', ' exit '])
def test_leaves_when_told(at: session.Session, word: str):
    assert prompt.run(at, asking('# nothing', '', word))


@pytest.mark.parametrize(
    ('answer', 'yes'), [('y', True), ('YES', True), ('', False), ('no', False), (EOFError, False)]
)
def test_only_a_yes_confirms(answer: str | type[BaseException], yes: bool):
    assert prompt.confirmer(asking(answer))('Continue [y/N]? ') is yes


def test_reads_lines_without_a_terminal(at: session.Session):
    ask = prompt.asker(at.rehearsal, io.StringIO('status\n'))
    assert ask('juju> ') == 'status\n'
    with pytest.raises(EOFError):
        ask('juju> ')


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_remembers_commands_but_not_answers(at: session.Session):
    with (
        create_pipe_input() as keys,
        create_app_session(input=keys, output=DummyOutput()),
    ):
        ask = prompt.asker(at.rehearsal, Terminal())
        keys.send_text('status --storage\r')
        assert ask(prompt.PROMPT) == 'status --storage'
        keys.send_text('yes\r')
        assert ask('Continue [y/N]? ') == 'yes'
        keys.send_text('\x1b[A\r')  # arrow up
        assert ask(prompt.PROMPT) == 'status --storage'


@pytest.mark.parametrize(
    ('words', 'expected'),
    [
        (['dep'], ['deploy']),
        (['juju', 'scale'], ['scale-application']),
        (['ex'], ['exit']),
        (['deploy', ''], ['reader', 'teller']),
        (['deploy', 'teller', '--tr'], ['--trust']),
        (['relate', 'teller:'], ['teller:archive', 'teller:news']),
        (['config', ''], ['teller']),
        (['config', 'teller', 'co'], ['count=']),
        (['config', '--format', 'json', 'teller', 't'], ['text=']),
        (['run', 't'], ['teller/0', 'teller/leader']),
        (['run', 'teller/0', ''], ['crash', 'greet', 'refuse']),
        (['run', 'teller/0', 'greet', ''], ['name=']),
        (['run', 'nope/0', ''], []),
        (['run', 'teller/0', 'nope', ''], []),
        (['help', 'run'], ['run']),
        (['frob', ''], []),
    ],
)
def test_completes_what_can_come_next(
    at: session.Session,
    types: Callable[..., str],
    words: Sequence[str],
    expected: Sequence[str],
):
    types('deploy teller')
    assert completion.candidates(at.rehearsal, words) == expected


def test_a_completion_replaces_the_word_that_was_begun(at: session.Session):
    completer = completion.Completer(at.rehearsal)
    (found,) = completer.get_completions(Document('juju depl'), CompleteEvent())
    assert (found.text, found.start_position) == ('deploy', -4)
    offered = [
        each.text for each in completer.get_completions(Document('deploy '), CompleteEvent())
    ]
    assert offered == ['reader', 'teller']
