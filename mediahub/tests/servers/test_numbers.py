# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A hundred thousand tracks: counted requests, and memory that does not grow with the library."""

from __future__ import annotations

import gc
import math
import tracemalloc
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest

from mediahub.engine import wire
from mediahub.engine.contract import MediaServerClient
from mediahub.engine.registry import ServerType, Surroundings
from mediahub.engine.values import LIBRARY_KINDS, Kind
from mediahub.servers import jellyfin, plex, subsonic
from mediahub.testing.http import InProcess
from mediahub.testing.jellyfin import JellyfinDouble
from mediahub.testing.library import MusicLibrary
from mediahub.testing.plex import PlexDouble
from mediahub.testing.subsonic import SubsonicDouble

pytestmark = pytest.mark.anyio

Server = tuple[ServerType, Any, dict[str, object]]


def plex_server() -> Server:
    double = PlexDouble()
    return plex.SERVER_TYPE, double, {'token': double.token}


def jellyfin_server() -> Server:
    double = JellyfinDouble()
    return jellyfin.SERVER_TYPE, double, {'token': double.api_key}


def subsonic_server() -> Server:
    double = SubsonicDouble()
    return subsonic.SERVER_TYPE, double, {'username': 'alice', 'password': 'sesame'}


SERVERS = [plex_server, jellyfin_server, subsonic_server]
PAGES = {'plex': 1000, 'jellyfin': 1000, 'subsonic': 500}


async def connected(
    make: Callable[[], Server], tracks: int, **more: object
) -> AsyncGenerator[Any]:
    server_type, double, credential = make()
    library: MusicLibrary = double.library
    library.fill(artists=tracks // 50, albums=5, tracks=10)
    transport = InProcess(double)
    chosen = {'url': 'http://server.test', **credential, **more}
    settings = server_type.settings.model_validate(chosen)
    async with wire.pool(transport) as pool:
        around = Surroundings(pool, wire.Policy(wait=0), lambda: 0.0)
        client = MediaServerClient(server_type.build('server', settings, around))
        await client.probe()
        transport.asked.clear()
        yield client, transport, PAGES[server_type.name]


@pytest.mark.parametrize('make', SERVERS)
async def test_tracks_take_no_more_requests_than_pages_and_two(make: Callable[[], Server]):
    async for client, transport, page in connected(make, 100_000):
        seen = 0
        snapshot = client.snapshot((Kind.TRACK,))
        async for found in snapshot:
            seen += len(found.items)
            transport.asked[:] = [None] * len(transport.asked)  # their number is enough

        assert seen == 100_000
        assert snapshot.proof.complete
        assert len(transport.asked) <= math.ceil(100_000 / page) + 2


@pytest.mark.parametrize('make', SERVERS)
async def test_a_library_takes_no_more_requests_than_pages_and_two(make: Callable[[], Server]):
    async for client, transport, page in connected(make, 4_000):
        counts = dict.fromkeys(LIBRARY_KINDS, 0)
        snapshot = client.snapshot()
        async for found in snapshot:
            counts[found.kind] += len(found.items)

        assert counts == {Kind.ARTIST: 80, Kind.ALBUM: 400, Kind.TRACK: 4_000}
        assert snapshot.proof.complete
        pages = sum(math.ceil(count / page) for count in counts.values())
        assert len(transport.asked) <= pages + 2


@pytest.mark.parametrize('make', SERVERS)
async def test_memory_does_not_grow_with_the_library(make: Callable[[], Server]):
    assert await peak(make, pages=12) < 1.2 * await peak(make, pages=3) + 100_000


async def peak(make: Callable[[], Server], pages: int) -> int:
    """Bytes that reading takes at most, beside what the double itself holds."""
    async for client, transport, _ in connected(make, pages * 250, **{'page-size': 250}):
        async for _ in client.snapshot((Kind.TRACK,)):
            transport.asked.clear()  # the double fills its caches
        gc.collect()
        tracemalloc.start()
        try:
            async for _ in client.snapshot((Kind.TRACK,)):
                transport.asked.clear()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    raise AssertionError('nothing was connected')
