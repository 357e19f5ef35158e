# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Flags of a command line as Juju reads them.

Flags and arguments mix freely, ``--flag value`` and ``--flag=value`` mean the same, one dash
introduces a flag of one letter, and ``--`` ends the flags. argparse reads several of these
differently (abbreviations, arguments after flags) and leaves the process on an error.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterator, Mapping, Sequence

from . import errors


class Takes(enum.Enum):
    """What follows a flag."""

    NOTHING = 'nothing'
    TEXT = 'text'
    NUMBER = 'number'


@dataclasses.dataclass(frozen=True)
class Flag:
    """A flag a command knows.

    Attributes:
        name: The long name without dashes; what the flag is looked up by afterwards.
        short: The letter that means the same, empty when there is none.
        takes: What follows it.
        repeats: Whether it may be given several times; otherwise the last one counts, as in Juju.
    """

    name: str
    short: str = ''
    takes: Takes = Takes.NOTHING
    repeats: bool = False


@dataclasses.dataclass(frozen=True)
class Parsed:
    """The flags and arguments of one command line."""

    arguments: tuple[str, ...]
    values: Mapping[str, tuple[str, ...]]

    def switch(self, name: str) -> bool:
        """Tell whether the flag was given, ``--flag=false`` counting as not given."""
        return self.text(name) == 'true'

    def text(self, name: str) -> str | None:
        """Return what followed the flag, None when it was not given."""
        given = self.values.get(name)
        return given[-1] if given else None

    def texts(self, name: str) -> tuple[str, ...]:
        """Return everything that followed a flag which repeats."""
        return self.values.get(name, ())

    def number(self, name: str) -> int | None:
        """Return the number that followed the flag, None when it was not given."""
        text = self.text(name)
        return None if text is None else int(text)


def parse(words: Sequence[str], known: Sequence[Flag]) -> Parsed:
    """Sort words into flags and arguments.

    Raises:
        errors.InputError: A flag is not known, lacks its value or has one of the wrong kind.
    """
    reader = _Reader(iter(words), {**{f'--{f.name}': f for f in known}, **_short(known)})
    for word in reader.words:
        if word == '--':
            reader.arguments.extend(reader.words)
        elif word.startswith('--'):
            reader.take_long(word)
        elif word.startswith('-') and word != '-':
            reader.take_short(word)
        else:
            reader.arguments.append(word)
    return Parsed(tuple(reader.arguments), {k: tuple(v) for k, v in reader.values.items()})


def _short(known: Sequence[Flag]) -> dict[str, Flag]:
    return {f'-{flag.short}': flag for flag in known if flag.short}


@dataclasses.dataclass
class _Reader:
    words: Iterator[str]
    known: Mapping[str, Flag]
    arguments: list[str] = dataclasses.field(default_factory=list[str])
    values: dict[str, list[str]] = dataclasses.field(default_factory=dict[str, list[str]])

    def take_long(self, word: str) -> None:
        name, given, value = word.partition('=')
        flag = self._find(name)
        if given:
            self._keep(flag, name, value)
        else:
            self._keep(flag, name, self._value(flag, name))

    def take_short(self, word: str) -> None:
        """Read ``-n 3``, ``-n3``, ``-n=3`` and switches that share one dash."""
        letters = word[1:]
        while letters:
            name, letters = f'-{letters[0]}', letters[1:]
            flag = self._find(name)
            if letters and (flag.takes is not Takes.NOTHING or letters.startswith('=')):
                self._keep(flag, name, letters.removeprefix('='))
                return
            self._keep(flag, name, self._value(flag, name))

    def _find(self, name: str) -> Flag:
        flag = self.known.get(name)
        if flag is None:
            raise errors.InputError(f'option provided but not defined: {name}')
        return flag

    def _value(self, flag: Flag, name: str) -> str:
        if flag.takes is Takes.NOTHING:
            return 'true'
        value = next(self.words, None)
        if value is None:
            raise errors.InputError(f'option needs an argument: {name}')
        return value

    def _keep(self, flag: Flag, name: str, value: str) -> None:
        check(flag, name, value)
        kept = self.values.setdefault(flag.name, [])
        if not flag.repeats:
            kept.clear()
        kept.append(value)


def check(flag: Flag, name: str, value: str) -> None:
    """Refuse a value the flag cannot hold.

    Raises:
        errors.InputError: The value is of the wrong kind.
    """
    if flag.takes is Takes.NUMBER and not _is_number(value):
        wanted = 'a whole number'
    elif flag.takes is Takes.NOTHING and value not in ('true', 'false'):
        wanted = 'true or false'
    else:
        return
    raise errors.InputError(f'invalid value "{value}" for option {name}: expected {wanted}')


def _is_number(value: str) -> bool:
    digits = value.removeprefix('-')
    # int() also takes underscores, spaces, other scripts' digits, and refuses very long ones.
    return digits.isascii() and digits.isdigit() and len(digits) < 10
