# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Asks a Plex server: single requests, and listings a page at a time."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import TypeVar, cast
from urllib.parse import quote

from ..engine import coerce, errors, paging, wire
from .plex_wire import Document, MediaContainer, Metadata

T = TypeVar('T')


class Requests:
    """Requests to one server.

    Args:
        server: The server's name in the configuration.
        connection: Its HTTP connection.
        page: Items that one request asks for.
    """

    def __init__(self, server: str, connection: wire.Wire, page: int):
        self._server = server
        self._wire = connection
        self._page = page
        self._size = paging.PageSize(page)

    async def get(
        self, path: str, params: wire.Params = (), timeout: float | None = None
    ) -> MediaContainer:
        """Ask for one document."""
        response = await self._wire.get(path, params, timeout=timeout)
        return self._wire.decode(response, Document).container

    async def item(self, item_id: str) -> Metadata:
        """One item of the library.

        Raises:
            NotFound: It is not there, or another one came.
        """
        found = (await self.get(f'/library/metadata/{quote(item_id, safe="")}')).metadata
        if [coerce.text(data.rating_key) for data in found] != [item_id]:
            raise errors.NotFound(self._server, f'there is no item {item_id}')
        return found[0]

    async def total(self, path: str, params: wire.Params) -> int | None:
        """How many a listing holds, by a page of nothing; None where the server does not say."""
        return coerce.integer((await self.get(path, (*params, *window(0, 0)))).total_size)

    def pages(
        self,
        path: str,
        params: wire.Params,
        make: Callable[[Metadata], T | None],
        size: paging.PageSize | None = None,
    ) -> AsyncGenerator[paging.Batch[T]]:
        """Page through a listing, each item made by ``make``.

        Raises:
            ProtocolError: An item has no id, or is of another kind.
        """

        async def fetch(start: int, count: int) -> paging.Batch[T]:
            patience = self._wire.policy.first_page_timeout if start == 0 else None
            container = await self.get(path, (*params, *window(start, count)), patience)
            items = [make(data) for data in container.metadata]
            if any(item is None for item in items):
                raise errors.ProtocolError(self._server, f'{path} lists what is no such item')
            ids = [_identity(data) for data in container.metadata]
            return paging.Batch(cast('list[T]', items), ids, coerce.integer(container.total_size))

        return paging.pages(self._server, fetch, size or self._size)

    async def first(
        self, path: str, params: wire.Params, make: Callable[[Metadata], T | None], limit: int
    ) -> list[T]:
        """The first ``limit`` items of a listing, whole or an error."""
        found: list[T] = []
        total: int | None = None
        size = paging.PageSize(min(self._page, limit))
        async for batch in self.pages(path, params, make, size):
            found += batch.items
            total = batch.total if total is None else total
            if len(found) >= limit:
                break
        expected = limit if total is None else min(limit, total)
        if total is not None and len(found) < expected:
            raise errors.Incomplete(self._server, [f'{len(found)} of {expected} items arrived'])
        return found[:limit]

    async def everything(
        self, path: str, params: wire.Params, make: Callable[[Metadata], T | None]
    ) -> list[T]:
        """A whole listing, or an error.

        Raises:
            Incomplete: The server counts more or fewer than came.
        """
        found: list[T] = []
        totals: set[int | None] = set()
        async for batch in self.pages(path, params, make):
            found += batch.items
            totals.add(batch.total)
        if not found:
            totals.add(await self.total(path, params))
        if totals != {len(found)}:
            problem = f'{len(found)} items arrived, the server counts {sorted(map(str, totals))}'
            raise errors.Incomplete(self._server, [problem])
        return found


def window(start: int, count: int) -> wire.Params:
    """The parameters that ask for a part of a listing."""
    return (('X-Plex-Container-Start', str(start)), ('X-Plex-Container-Size', str(count)))


def _identity(data: Metadata) -> str:
    """What tells one line of a listing from another: entries and plays repeat their track."""
    parts = (data.playlist_item_id, data.viewed_at, data.account_id, data.rating_key)
    return ':'.join(str(part) for part in parts if part is not None)
