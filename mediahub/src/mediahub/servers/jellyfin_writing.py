# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Writes what Jellyfin knows of artists and albums, and looks whether it took it."""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, cast
from urllib.parse import quote

from ..engine import coerce, errors
from ..engine.contract import image_type
from .jellyfin_account import Account
from .jellyfin_requests import Requests

# Fields that a full overwrite could lose without anybody noticing.
KEPT = ('Name', 'Overview', 'Genres', 'ProviderIds', 'Tags', 'ProductionYear', 'LockData')


class Writing:
    """Writes to one server.

    Args:
        server: The server's name in the configuration.
        requests: The requests to it.
        account: Answers whose view of an item is read.

    Every method raises :class:`~mediahub.engine.errors.Unverified` where the server shows
    something else afterwards.
    """

    def __init__(self, server: str, requests: Requests, account: Callable[[], Awaitable[Account]]):
        self._server = server
        self._requests = requests
        self._account = account

    async def genres(self, artist_id: str, genres: Sequence[str]) -> None:
        """Replace the genres."""
        await self._rewrite(artist_id, {'Genres': list(genres)})

    async def biography(self, artist_id: str, biography: str) -> None:
        """Replace the overview."""
        await self._rewrite(artist_id, {'Overview': biography})

    async def _rewrite(self, item_id: str, fields: Mapping[str, object]) -> None:
        """Change fields of an item; the server takes whole items only, and forgets the rest.

        Raises:
            Unverified: Read again, the item is not what was sent.
        """
        before = await self._whole(item_id)
        wanted = {**before, **fields}
        await self._requests.post(f'/Items/{quote(item_id, safe="")}', json.dumps(wanted).encode())
        after = await self._whole(item_id)
        wrong = [name for name in KEPT if after.get(name) != wanted.get(name)]
        if wrong:
            detail = f'item {item_id} still differs in {", ".join(wrong)}'
            raise errors.Unverified(self._server, detail)

    async def _whole(self, item_id: str) -> dict[str, Any]:
        """An item with all its fields, those that we do not know included."""
        account = await self._account()
        path = f'/Items/{quote(item_id, safe="")}'
        item = await self._requests.get(path, dict[str, Any], (('userId', account.id),))
        if item.get('Id') != item_id:
            raise errors.ProtocolError(self._server, f'{path} answers another item')
        return item

    async def poster(self, item_id: str, image: bytes) -> None:
        """Upload a picture, in base64 as the server wants it, and see it change."""
        before = _picture(await self._whole(item_id))
        path = f'/Items/{quote(item_id, safe="")}/Images/Primary'
        kind = image_type(image) or 'image/jpeg'
        await self._requests.post(path, base64.b64encode(image), kind)
        after = _picture(await self._whole(item_id))
        if after is None or after == before:
            shown = await self._requests.picture(path) if after else None
            if shown != image:
                raise errors.Unverified(self._server, f'item {item_id} still has another picture')


def _picture(item: Mapping[str, Any]) -> str | None:
    """The tag of an item's picture, which changes with it."""
    tags = item.get('ImageTags')
    return coerce.text(cast('dict[str, object]', tags).get('Primary')) if tags else None
