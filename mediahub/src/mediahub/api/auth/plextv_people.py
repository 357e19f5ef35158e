# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Reads the list of people that an account shares its servers with, which plex.tv has in XML only.

Reading stops at a document type, so that no entity is ever expanded.
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.parsers import expat

import msgspec


class Guest(msgspec.Struct, frozen=True):
    """Somebody whom an account shares something with.

    Attributes:
        account: Their id at plex.tv.
        home: Whether they belong to the account's Plex Home.
        machines: machineIdentifiers of the servers that are shared; of invitations that wait for
            an answer, none.
    """

    account: str
    home: bool
    machines: frozenset[str]


class NoList(ValueError):
    """It is no list, or not a whole one."""


def guests(document: bytes) -> list[Guest]:
    """The people.

    An empty document is no empty list, and a page is no whole one: it has to say how many there
    are, and that they are all of them.

    Raises:
        NoList: Nothing can be concluded from it.
    """
    reader = _Reader()
    try:
        reader.read(document)
    except expat.ExpatError as error:
        raise NoList('it is no XML') from error
    if reader.size is None or reader.total is None or reader.total > reader.size:
        raise NoList('it does not say that it is complete')
    if reader.size and not reader.people:
        raise NoList(f'it counts {reader.size} people and lists none')
    return [Guest(account, home, frozenset(m)) for account, home, m in reader.people]


class _Reader:
    """Notes what elements say, outermost first."""

    def __init__(self) -> None:
        self.size: int | None = None
        self.total: int | None = None
        self.people: list[tuple[str, bool, set[str]]] = []
        self._depth = 0

    def read(self, document: bytes) -> None:
        parser = expat.ParserCreate()
        parser.StartDoctypeDeclHandler = _refuse
        parser.StartElementHandler = self._begin
        parser.EndElementHandler = self._end
        parser.Parse(document, True)

    def _begin(self, name: str, values: Mapping[str, str]) -> None:
        self._depth += 1
        if self._depth == 1 and name == 'MediaContainer':
            self.size, self.total = _number(values, 'size'), _number(values, 'totalSize')
        elif self._depth == 2 and name == 'User':
            self.people.append((values.get('id', ''), values.get('home') == '1', set()))
        elif self._depth == 3 and name == 'Server' and values.get('pending', '0') == '0':
            for _, _, machines in self.people[-1:]:
                machines.add(values.get('machineIdentifier', ''))

    def _end(self, name: str) -> None:
        self._depth -= 1


def _refuse(*_: object) -> None:
    raise NoList('it has a document type')


def _number(values: Mapping[str, str], name: str) -> int | None:
    text = values.get(name, '')
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
