# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Scripts: Juju's commands, one a line."""

from __future__ import annotations

import dataclasses
import pathlib
import typing
from collections.abc import Callable, Iterator, Sequence

from . import commands, errors, session


@dataclasses.dataclass(frozen=True)
class Step:
    """One command of a script and where it stands."""

    place: str
    invocation: commands.Invocation


def read(name: str, stdin: typing.TextIO) -> list[Step]:
    """Read a script from a file, or from ``stdin`` when its name is ``-``.

    The whole script is read before any of it runs, so that a misspelt command at its end does not
    leave half of the work done.

    Raises:
        errors.InputError: It cannot be read, or a line is not a command.
    """
    shown = 'standard input' if name == '-' else name
    try:
        text = stdin.read() if name == '-' else pathlib.Path(name).read_text(encoding='utf-8')
    except OSError as exc:
        raise errors.InputError(f'{shown}: cannot be read: {exc.strerror}') from None
    except ValueError:
        raise errors.InputError(f'{shown}: not text in UTF-8') from None
    return parse(text, shown)


def parse(text: str, name: str) -> list[Step]:
    """Read the lines of a script; one that ends in a backslash goes on in the next.

    Raises:
        errors.InputError: A line is not a command; the message names file and line.
    """
    steps: list[Step] = []
    for number, line in _logical_lines(text):
        try:
            invocation = commands.parse(line)
        except errors.InputError as error:
            raise errors.InputError(f'{name}:{number}: {error}') from None
        if invocation is not None:
            steps.append(Step(f'{name}:{number}', invocation))
    return steps


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    started, held = 0, ''
    for number, line in enumerate(text.split('\n'), start=1):
        started = started or number
        line = line.removesuffix('\r')
        if line.endswith('\\'):
            held += line[:-1]
            continue
        yield started, held + line
        started, held = 0, ''
    if held:
        yield started, held


def run(at: session.Session, steps: Sequence[Step], announce: Callable[[Step], None]) -> None:
    """Carry a script out, stopping at the first command that fails.

    Args:
        at: The session.
        steps: The commands.
        announce: Is told of each command before it runs.

    Raises:
        errors.RehearsalError: A command failed; the message names file and line.
    """
    for step in steps:
        announce(step)
        try:
            commands.execute(at, step.invocation)
        except errors.RehearsalError as error:
            raise type(error)(f'{step.place}: {error}') from None
