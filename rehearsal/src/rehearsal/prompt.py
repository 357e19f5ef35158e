# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The prompt at which an operator types Juju's commands."""

from __future__ import annotations

import typing
from collections.abc import Callable

from . import commands, engine, errors, session

_LEAVE = ('exit', 'quit')

Ask = Callable[[str], str]
"""Shows a text and returns the line typed; EOFError at the end, KeyboardInterrupt to drop it."""


def asker(rehearsal: engine.Rehearsal, stdin: typing.TextIO) -> Ask:
    """Return what reads lines: with history and completion on a terminal, plainly elsewhere.

    The history lives as long as the prompt. It is not kept in a file, because lines may hold
    tokens and secrets.
    """
    if not stdin.isatty():
        return lambda _: _next_line(stdin)
    # Costs as much to import as all of ops, and only a terminal needs it.
    import prompt_toolkit
    from prompt_toolkit import history

    from . import completion

    asking: prompt_toolkit.PromptSession[str] = prompt_toolkit.PromptSession(
        history=history.InMemoryHistory(),
        completer=completion.Completer(rehearsal),
        complete_while_typing=False,
    )
    # Answers to questions stay out of the history of commands.
    return lambda text: asking.prompt(text) if text == PROMPT else prompt_toolkit.prompt(text)


PROMPT = 'juju> '


def _next_line(stdin: typing.TextIO) -> str:
    try:
        line = stdin.readline()
    except ValueError:
        raise errors.InputError('standard input: not text in UTF-8') from None
    if not line:
        raise EOFError
    return line


def confirmer(ask: Ask) -> Callable[[str], bool]:
    """Return what asks a question and tells whether the answer was yes."""

    def confirm(question: str) -> bool:
        try:
            return ask(question).strip().lower() in ('y', 'yes')
        except EOFError:
            return False

    return confirm


def run(at: session.Session, ask: Ask) -> bool:
    """Carry commands out until the operator leaves.

    A command that is refused is reported, and the prompt comes back.

    Returns:
        Whether every command could be carried out.
    """
    well = True
    while True:
        try:
            line = ask(PROMPT)
        except EOFError:
            return well
        except KeyboardInterrupt:
            continue
        if line.split() and line.split()[0] in _LEAVE:
            return well
        well = _carry_out(at, line) and well


def _carry_out(at: session.Session, line: str) -> bool:
    try:
        invocation = commands.parse(line)
        if invocation is not None:
            commands.execute(at, invocation)
    except errors.RehearsalError as error:
        at.tell(f'ERROR {error}')
        return False
    return True
