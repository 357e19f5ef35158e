# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Posters, passed on without the token and without letting anybody choose where they come from."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Annotated

import fastapi
from starlette.responses import Response

from ..playback import plex_pictures
from . import envelope
from .access import Viewer
from .hub import Hub, TheHub
from .openapi import SERVER, answers
from .servers import Chosen, Server

router = fastapi.APIRouter(tags=['images'])

# Sizes that are asked of a server; what is wanted is answered with the next larger one, so that
# nobody fills the cache with every size there is.
_EDGES = (80, 160, 240, 360, 480, 720, 1080)

# The box of a picture that came with a webhook: Plex chose its size.
ANY = 'any'

Edge = Annotated[int, fastapi.Query(ge=1, le=_EDGES[-1])]
Path = Annotated[
    str,
    fastapi.Query(
        pattern=plex_pictures.PATH,
        description='Of the picture on the server, such as `/library/metadata/7/thumb/1700`.',
    ),
]


@router.get('/images')
@answers(None, *SERVER, media=('image/jpeg', 'image/png', 'image/webp', 'image/gif'))
async def images(
    request: fastapi.Request,
    hub: TheHub,
    _: Viewer,
    server: Chosen,
    path: Path,
    width: Edge = 240,
    height: Edge = 360,
) -> Response:
    """A picture of an item or a person that fits into a box of this many pixels, or nearly."""
    if not plex_pictures.is_path(path):
        raise envelope.invalid('path: is no path of a picture')
    picture = await _picture(hub, server, path, _edge(width), _edge(height))
    tag = f'"{hashlib.sha256(picture).hexdigest()[:32]}"'
    headers = {'ETag': tag, 'Cache-Control': 'private, max-age=86400'}
    if tag in request.headers.get('if-none-match', ''):
        return Response(status_code=304, headers=headers)
    return Response(picture, headers=headers, media_type=plex_pictures.kind(picture))


def _edge(wanted: int) -> int:
    return next(edge for edge in _EDGES if edge >= wanted)


async def _picture(hub: Hub, server: Server, path: str, width: int, height: int) -> bytes:
    machine, box = server.machine_id or server.name, f'{width}x{height}'
    for size in (box, ANY):
        kept = await asyncio.to_thread(hub.pictures.get, machine, path, size)
        if kept is not None:
            return kept

    async def ask() -> bytes:
        async with hub.picture_requests:
            return await plex_pictures.fetch(server.api, path, width, height)

    picture, cached = await hub.answers.get((server.name, 'picture', path, box), 0, ask)
    if not cached:
        await asyncio.to_thread(hub.pictures.put, machine, path, box, picture)
    return picture
