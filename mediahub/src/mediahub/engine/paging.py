# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Reads long lists in pages that shrink where a server is slow and grow again where it is not."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from . import errors

T = TypeVar('T')

# A page this small that still fails does not fail for its size.
SMALLEST_PAGE = 25


@dataclasses.dataclass(frozen=True, slots=True)
class Batch(Generic[T]):
    """One page as it came.

    Attributes:
        items: The items, decoded.
        ids: Their ids in the same order.
        total: Length of the whole list as this answer gives it; None where it does not.
    """

    items: Sequence[T]
    ids: Sequence[str]
    total: int | None = None


class PageSize:
    """How many items to ask for.

    At most ``largest``, halved after a failure, doubled after a success.
    """

    def __init__(self, largest: int, smallest: int = SMALLEST_PAGE):
        self._largest = largest
        self._smallest = min(smallest, largest)
        self.current = largest

    def shrink(self) -> bool:
        """Ask for half as much; False when that makes no sense any more."""
        if self.current <= self._smallest:
            return False
        self.current = max(self._smallest, self.current // 2)
        return True

    def grow(self) -> None:
        """Ask for more again."""
        self.current = min(self._largest, self.current * 2)


async def pages(
    server: str,
    fetch: Callable[[int, int], Awaitable[Batch[T]]],
    size: PageSize,
    *,
    confirm: bool = False,
    expected: int | None = None,
) -> AsyncGenerator[Batch[T]]:
    """Yield the pages of a list until its total is reached, or an empty page where there is none.

    A short page alone is no end: servers that filter after they have cut send them in the middle.

    Args:
        server: Name for errors.
        fetch: Asks for a page, given the number of items to skip and to take.
        size: Shared by all lists of a server, so that what was learnt on one serves the next.
        confirm: Ask again for a page that is empty, where nothing else tells the end.
        expected: Length of the list by another one. A short page that reaches it is the last.

    Raises:
        ProtocolError: The server sends the same page again; reading on would never end.
        MediaServerError: Whatever ``fetch`` raises, once a smaller page does not help either.
    """
    start = 0
    previous: Sequence[str] = ()
    first: Sequence[str] = ()
    while True:
        batch, asked = await _smaller_until_it_comes(fetch, start, size)
        if not batch.ids and confirm:
            batch, asked = await _smaller_until_it_comes(fetch, start, size)
        if not batch.ids:
            return
        if batch.ids == previous or batch.ids == first:
            raise errors.ProtocolError(server, f'the page from item {start} on came before')
        yield batch
        start += len(batch.ids)
        previous, first = batch.ids, first or batch.ids
        if batch.total is not None and start >= batch.total:
            return
        if start == expected and len(batch.ids) < asked:
            return


async def _smaller_until_it_comes(
    fetch: Callable[[int, int], Awaitable[Batch[T]]], start: int, size: PageSize
) -> tuple[Batch[T], int]:
    """A page, and how many items it was asked for with."""
    while True:
        asked = size.current
        try:
            batch = await fetch(start, asked)
        except (errors.TimedOut, errors.ServerFailed):
            if not size.shrink():
                raise
        else:
            size.grow()
            return batch, asked
