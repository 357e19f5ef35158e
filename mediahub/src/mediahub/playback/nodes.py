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
from collections.abc import Mapping
from typing import Any, cast

from ..engine import coerce


class Node:
    """An object of an answer; one that is not there is an empty one.

    Args:
        value: What was decoded; anything but an object counts as empty.
    """

    __slots__ = ('_fields',)

    def __init__(self, value: object):
        self._fields: Mapping[str, Any] = (
            cast('Mapping[str, Any]', value) if isinstance(value, Mapping) else {}
        )

    def __bool__(self) -> bool:
        return bool(self._fields)

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    def value(self, name: str) -> object:
        """A field as it was sent."""
        return self._fields.get(name)

    def text(self, *names: str) -> str:
        """The first of these fields that says something, as text."""
        found = (coerce.text(self._fields.get(name)) for name in names)
        return next((value for value in found if value), '')

    def integer(self, *names: str) -> int | None:
        """The first of these fields that is a whole number."""
        found = (coerce.integer(self._fields.get(name)) for name in names)
        return next((value for value in found if value is not None), None)

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
        found = self.nodes(name)
        return found[0] if found else Node(None)

    def nodes(self, name: str) -> list[Node]:
        """The objects of a list; a single object counts as a list of one."""
        value = self._fields.get(name)
        values = cast('list[object]', value) if isinstance(value, list) else [value]
        return [node for node in map(Node, values) if node]


_FLAGS = {'1': True, 'true': True, 'yes': True, '0': False, 'false': False, 'no': False}


def chosen(nodes: list[Node]) -> Node:
    """The one that is marked as selected, else the first, else an empty one."""
    first = nodes[0] if nodes else Node(None)
    return next((node for node in nodes if node.flag('selected')), first)
