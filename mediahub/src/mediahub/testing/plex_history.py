# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What a Plex server remembers of what was watched."""

from __future__ import annotations

import bisect
import dataclasses
import itertools
import operator
from collections.abc import Callable, Iterator

from .http import Asked
from .plex_documents import Node, container

_KEPT = (
    'key', 'ratingKey', 'librarySectionID', 'parentKey', 'grandparentKey', 'title', 'parentTitle',
    'grandparentTitle', 'type', 'thumb', 'parentThumb', 'grandparentThumb', 'index', 'parentIndex',
    'originallyAvailableAt',
)  # fmt: skip
_GONE = frozenset({'key', 'ratingKey', 'parentKey', 'grandparentKey', 'thumb'})
_BY_TIME = operator.attrgetter('viewed_at')
_ORDERS = {'viewedAt': 'viewed_at', 'accountID': 'account'}


@dataclasses.dataclass(frozen=True)
class View:
    """One entry; ``viewed_at`` is when it was finished, in seconds since 1970."""

    number: int
    viewed_at: int
    account: int
    device: int
    item: Node

    def node(self, *, gone: bool) -> Node:
        """As the server shows it.

        Args:
            gone: Whether the item was removed from the library: then its title is all there is.
        """
        kept = {name: self.item[name] for name in _KEPT if name in self.item}
        if gone:
            kept = {name: value for name, value in kept.items() if name not in _GONE}
        if 'librarySectionID' in kept:
            kept['librarySectionID'] = str(kept['librarySectionID'])
        who = {'viewedAt': self.viewed_at, 'accountID': self.account, 'deviceID': self.device}
        return {'historyKey': f'/status/sessions/history/{self.number}', **kept, **who}

    @property
    def keys(self) -> frozenset[str]:
        """Ids of the item and of those above it."""
        names = ('ratingKey', 'parentRatingKey', 'grandparentRatingKey')
        return frozenset(self.item[name] for name in names if name in self.item)


class History:
    """The entries, oldest first.

    Attributes:
        gone: Ids of items that were removed.
    """

    def __init__(self) -> None:
        self.views: list[View] = []
        self.gone: set[str] = set()
        self._owners: dict[str, tuple[int, int]] = {}
        self._numbers: Iterator[int] = itertools.count(1)

    def add(self, item: Node, viewed_at: int, account: int, device: int) -> View:
        """Remember that an item was watched."""
        view = View(next(self._numbers), viewed_at, account, device, item)
        bisect.insort(self.views, view, key=_BY_TIME)
        if account == 1:
            count, last = self._owners.get(item['ratingKey'], (0, 0))
            self._owners[item['ratingKey']] = (count + 1, max(last, viewed_at))
        return view

    def of_owner(self, rating_key: str) -> tuple[int, int]:
        """How often the owner watched something, and when last; zeros for never."""
        return self._owners.get(rating_key, (0, 0))

    def answer(self, asked: Asked, start: int, size: int | None) -> Node:
        """A page of the entries that a request asks for."""
        # A sweep asks for what is new, again and again: it shall not cost what is old.
        since = bisect.bisect_left(self.views, asked.number('viewedAt>', 0), key=_BY_TIME)
        found = self._ordered(asked, _wanted(asked, self.views[since:]))
        page = found[start : None if size is None else start + size]
        nodes = [view.node(gone=view.item['ratingKey'] in self.gone) for view in page]
        return container('Metadata', nodes, total=len(found), offset=start)

    def _ordered(self, asked: Asked, views: list[View]) -> list[View]:
        # The last order given first: sorting keeps what an earlier one did.
        orders = asked.first('sort', 'viewedAt:asc')
        if orders == 'viewedAt:desc':
            return views[::-1]
        for order in reversed(orders.split(',')):
            name, _, direction = order.partition(':')
            if name in _ORDERS:
                key = operator.attrgetter(_ORDERS[name])
                views.sort(key=key, reverse=direction == 'desc')
        return views


def _wanted(asked: Asked, views: list[View]) -> list[View]:
    for name, value in asked.query:
        if name in _TESTS:
            views = [view for view in views if _TESTS[name](view, value)]
    return views


# The filters; dates as media queries compare them.
_TESTS: dict[str, Callable[[View, str], bool]] = {
    'viewedAt>': lambda view, value: view.viewed_at >= int(value),
    'viewedAt>>': lambda view, value: view.viewed_at > int(value),
    'viewedAt<': lambda view, value: view.viewed_at <= int(value),
    'viewedAt<<': lambda view, value: view.viewed_at < int(value),
    'accountID': lambda view, value: view.account == int(value),
    'deviceID': lambda view, value: view.device == int(value),
    'librarySectionID': lambda view, value: str(view.item.get('librarySectionID', '')) == value,
    'metadataItemID': lambda view, value: value in view.keys,
}
