# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Posters and portraits of a Plex server, made small by the server itself."""

from __future__ import annotations

import re

import httpx2

from ..engine import breaker, errors
from .plex_api import PlexApi

# Bytes. A poster of 1,280 pixels has 300 kB.
LARGEST = 4 * 1024 * 1024

# Seconds; a page with fifty posters must not wait for one.
TIMEOUT = 10.0

# Where pictures are. Nothing else of a server can be had by these paths.
PATH = (
    r'^/(library|playlists|:/resources)/[A-Za-z0-9_:-]{1,64}'
    r'(/[A-Za-z0-9_:-][A-Za-z0-9_.:-]{0,63}){0,6}$'
)
_PATH = re.compile(PATH)

_KINDS = (
    (b'\xff\xd8\xff', 'image/jpeg'),
    (b'\x89PNG\r\n\x1a\n', 'image/png'),
    (b'GIF8', 'image/gif'),
)


def is_path(path: str) -> bool:
    """Whether a path is one of a picture: on the server, and not climbing out of its place."""
    return '..' not in path and bool(_PATH.fullmatch(path))


def kind(picture: bytes | bytearray) -> str | None:
    """Content type of a picture by its first bytes; None where it is none that browsers show."""
    if picture[:4] == b'RIFF' and picture[8:12] == b'WEBP':
        return 'image/webp'
    return next((name for start, name in _KINDS if picture.startswith(start)), None)


async def fetch(api: PlexApi, path: str, width: int, height: int) -> bytes:
    """A picture that fits into a box.

    Args:
        api: The server.
        path: Of the picture on it.
        width: Of the box, in pixels.
        height: Of the box, in pixels.

    Raises:
        InvalidKey: It is no path of a picture.
        NotFound: There is no such picture.
        ProtocolError: What came is no picture, or too large.
    """
    if not is_path(path):
        raise errors.InvalidKey('picture path', path)
    if api.circuit is breaker.Circuit.OPEN:
        raise errors.CircuitOpen(api.address.name, 1)
    params = {'url': path, 'width': width, 'height': height, 'minSize': 1, 'upscale': 0}
    try:
        async with api.client.stream(
            'GET',
            api.address.url.rstrip('/') + '/photo/:/transcode',
            params=params,
            headers=api.address.headers | {'Accept': 'image/*'},
            timeout=TIMEOUT,
        ) as response:
            return await _read(api, response)
    except httpx2.TimeoutException as error:
        raise errors.TimedOut(api.address.name, 'no picture in time') from error
    except httpx2.HTTPError as error:
        raise errors.Unreachable(api.address.name, api.clean(f'picture: {error}')) from error


async def _read(api: PlexApi, response: httpx2.Response) -> bytes:
    name = api.address.name
    if response.status_code == 401:
        raise errors.CredentialsRefused(name, 'the picture was refused with HTTP 401')
    if response.status_code in {400, 404}:
        raise errors.NotFound(name, 'there is no such picture')
    if response.status_code != 200:
        raise errors.ServerFailed(name, f'the picture came with HTTP {response.status_code}')
    picture = bytearray()
    async for piece in response.aiter_bytes():
        picture += piece
        if len(picture) > LARGEST:
            raise errors.ProtocolError(name, 'the picture is too large')
    if kind(picture) is None:
        raise errors.ProtocolError(name, 'what came is no picture')
    return bytes(picture)
