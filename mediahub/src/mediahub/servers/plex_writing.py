# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Writes what Plex knows of artists and albums, and looks whether it took it."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from ..engine import coerce, errors, wire
from ..engine.contract import image_type
from ..engine.values import Kind
from .plex_requests import Requests
from .plex_wire import TYPES


class Writing:
    """Writes to one server.

    Args:
        server: The server's name in the configuration.
        connection: Its HTTP connection.
        requests: Reads back what was written.

    Every method raises :class:`~mediahub.engine.errors.Unverified` where the server shows
    something else afterwards.
    """

    def __init__(self, server: str, connection: wire.Wire, requests: Requests):
        self._server = server
        self._wire = connection
        self._requests = requests

    async def genres(self, artist_id: str, genres: Sequence[str]) -> None:
        """Add and remove in one request, then look."""
        tags = (await self._requests.item(artist_id)).genres
        current = [coerce.text(tag.tag) or '' for tag in tags]
        params = [(f'genre[{place}].tag.tag', genre) for place, genre in enumerate(genres)]
        gone = [quote(genre, safe='') for genre in current if genre not in genres]
        params += [('genre[].tag.tag-', ','.join(gone))] if gone else []
        await self._edit(artist_id, [*params, ('genre.locked', '1')])
        now = {coerce.text(tag.tag) for tag in (await self._requests.item(artist_id)).genres}
        if now != set(genres):
            raise errors.Unverified(self._server, f'artist {artist_id} still has other genres')

    async def biography(self, artist_id: str, biography: str) -> None:
        """Set and lock the summary, then look."""
        await self._edit(artist_id, [('summary.value', biography), ('summary.locked', '1')])
        shown = coerce.text((await self._requests.item(artist_id)).summary) or ''
        if shown != biography.strip():
            detail = f'artist {artist_id} still has another biography'
            raise errors.Unverified(self._server, detail)

    async def poster(self, item_id: str, image: bytes) -> None:
        """Upload a picture of an artist, or an album's cover."""
        before = coerce.text((await self._requests.item(item_id)).thumb)
        path = f'/library/metadata/{quote(item_id, safe="")}'
        kind = image_type(image)
        try:
            await self._wire.send('POST', f'{path}/thumb', content=image, content_type=kind)
        except errors.NotFound:
            await self._wire.send('POST', f'{path}/posters', content=image, content_type=kind)
        after = coerce.text((await self._requests.item(item_id)).thumb)
        if after is None or (after == before and not await self._shows(after, image)):
            raise errors.Unverified(self._server, f'item {item_id} still has another picture')

    async def _shows(self, thumb: str, image: bytes) -> bool:
        """Whether a picture that kept its address is the wanted one already."""
        if not thumb.startswith('/') or thumb.startswith('//'):
            return False  # on another host, where our token must not go
        return (await self._wire.get(thumb)).content == image

    async def _edit(self, artist_id: str, params: wire.Params) -> None:
        section = coerce.text((await self._requests.item(artist_id)).library_section_id) or ''
        path = f'/library/sections/{quote(section, safe="")}/all'
        target = (('type', TYPES[Kind.ARTIST]), ('id', artist_id))
        await self._wire.send('PUT', path, (*target, *params))
