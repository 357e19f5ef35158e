# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Asks a Jellyfin server: single requests, and listings a page at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import httpx2

from ..engine import coerce, errors, paging, wire
from .jellyfin_settings import PAGE, Profile
from .jellyfin_wire import ItemData, ItemList

T = TypeVar('T')


class Requests:
    """Requests to one server.

    Args:
        server: The server's name in the configuration.
        connection: Its HTTP connection.
        profile: Which product it is.
        page: Items that one request asks for.
    """

    def __init__(self, server: str, connection: wire.Wire, profile: Profile, page: int):
        self._server = server
        self._wire = connection
        self._profile = profile
        self._page = page

    async def get(
        self,
        path: str,
        shape: type[T],
        params: wire.Params = (),
        timeout: float | None = None,
    ) -> T:
        """Ask for one document."""
        response = await self._wire.get(self._profile.prefix + path, params, timeout=timeout)
        return self._wire.decode(response, shape)

    async def picture(self, path: str) -> bytes:
        """Ask for a picture."""
        return (await self._wire.get(self._profile.prefix + path)).content

    async def send(self, method: str, path: str, params: wire.Params = ()) -> None:
        """Change something by parameters alone; never repeated."""
        await self._wire.send(method, self._profile.prefix + path, params)

    async def post(
        self, path: str, content: bytes, kind: str = 'application/json'
    ) -> httpx2.Response:
        """Change something by what is sent; never repeated."""
        return await self._wire.send(
            'POST', self._profile.prefix + path, content=content, content_type=kind
        )

    async def page(
        self,
        path: str,
        params: wire.Params,
        make: Callable[[ItemData], T | None],
        start: int,
        count: int,
    ) -> paging.Batch[T]:
        """One page of a listing.

        Raises:
            ProtocolError: An item has no id or is of another kind, or there is no list.
        """
        patience = self._wire.policy.first_page_timeout if start == 0 else None
        window = (('StartIndex', str(start)), ('Limit', str(count)))
        found = await self.get(path, ItemList, (*params, *window), patience)
        if found.items is None:
            raise errors.ProtocolError(self._server, f'{path} answers without a list')
        items = [make(data) for data in found.items]
        if any(item is None for item in items):
            raise errors.ProtocolError(self._server, f'{path} lists what is no such item')
        ids = [coerce.text(data.playlist_item_id or data.id) or '' for data in found.items]
        total = coerce.integer(found.total_record_count)
        return paging.Batch(cast('list[T]', items), ids, total)

    async def everything(
        self,
        path: str,
        params: wire.Params,
        make: Callable[[ItemData], T | None],
        limit: int | None = None,
    ) -> list[T]:
        """A listing, whole or up to a limit, or an error.

        Raises:
            Incomplete: The server counts more or fewer than came.
        """
        found: list[T] = []
        totals: set[int | None] = set()
        size = paging.PageSize(min(self._page, limit or PAGE))

        async def fetch(start: int, count: int) -> paging.Batch[T]:
            return await self.page(path, params, make, start, count)

        async for batch in paging.pages(self._server, fetch, size):
            found += batch.items
            totals.add(batch.total)
            if limit is not None and len(found) >= limit:
                return found[:limit]
        if not found:
            totals.add((await self.page(path, params, make, 0, 1)).total)
        if totals != {len(found)}:
            problem = f'{len(found)} items arrived, the server counts {sorted(map(str, totals))}'
            raise errors.Incomplete(self._server, [problem])
        return found
