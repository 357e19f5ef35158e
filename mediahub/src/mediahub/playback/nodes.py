# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Reads Plex's JSON whatever types it comes in.

PMS sends an id as text here and as a number there, a yes as ``true``, ``1`` or ``"1"``, and the
official examples disagree with the official schema. Nothing here raises: what cannot be read is
empty or None, and it does not cost what stands beside it. Names are case-sensitive, for ``guid``
and ``Guid`` are two things.
"""

from __future__ import annotations

import datetime
from typing import Any, cast

from ..engine import coerce


class Node:
    """An object of an answer; one that is not there is an empty one.

    Args:
        value: What was decoded; anything but an object counts as empty.
    """

    __slots__ = ('_fields',)

    def __init__(self, value: object):
        # A type is compared and no interface asked for: this runs 20,000 times for a snapshot of
        # 500 sessions, as do the methods below.
        self._fields: dict[str, Any] = cast('dict[str, Any]', value) if type(value) is dict else {}

    def __bool__(self) -> bool:
        return bool(self._fields)

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    def fields(self) -> dict[str, Any]:
        """All fields as they were sent, to be changed at will."""
        return dict(self._fields)

    def value(self, name: str) -> object:
        """A field as it was sent."""
        return self._fields.get(name)

    def text(self, *names: str) -> str:
        """The first of these fields that says something, as text."""
        for name in names:
            found = coerce.text(self._fields.get(name))
            if found:
                return found
        return ''

    def integer(self, *names: str) -> int | None:
        """The first of these fields that is a whole number."""
        for name in names:
            found = coerce.integer(self._fields.get(name))
            if found is not None:
                return found
        return None

    def number(self, name: str) -> float | None:
        """A number with a fraction; None for what is none, infinity included."""
        value = self._fields.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            return None
        try:
            found = float(value)
        except (ValueError, OverflowError):
            return None
        return found if abs(found) < 1e15 else None

    def flag(self, name: str) -> bool | None:
        """A yes or no; None where the server did not say."""
        value = self._fields.get(name)
        if isinstance(value, bool):
            return value
        word = (coerce.text(value) or '').lower()
        return _FLAGS.get(word)

    def epoch(self, name: str) -> datetime.datetime | None:
        """The moment that many seconds after 1970."""
        return coerce.epoch(self._fields.get(name))

    def node(self, name: str) -> Node:
        """An object within; the first one where there is a list."""
        value = self._fields.get(name)
        if type(value) is not list:
            return Node(value)
        found = self.nodes(name)
        return found[0] if found else Node(None)

    def nodes(self, name: str) -> list[Node]:
        """The objects of a list; a single object counts as a list of one."""
        value = self._fields.get(name)
        values = cast('list[object]', value) if type(value) is list else [value]
        return [node for node in map(Node, values) if node]


_FLAGS = {'1': True, 'true': True, 'yes': True, '0': False, 'false': False, 'no': False}


def chosen(nodes: list[Node]) -> Node:
    """The one that is marked as selected, else the first, else an empty one."""
    first = nodes[0] if nodes else Node(None)
    return next((node for node in nodes if node.flag('selected')), first)
