# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Reads a Plex library of many tracks in three ways, side by side, on one double.

The double runs in a process of its own and lets every answer wait 5 ms, as a server in the house
does. It is written in Python and renders slowly, so it keeps what it has rendered, and everybody
reads once before the clock runs: what is measured is the way of reading. Compared are mediahub's
bulk listing, python-plexapi's own listing with its default page, and a walk from artists to albums
to tracks, which is how N+1 clients read. The walk is made for a tenth of the artists and its time
multiplied by ten.

    python tests/benchmarks/bench_mediahub_reads.py [TRACKS]
"""

from __future__ import annotations

import asyncio
import multiprocessing
import multiprocessing.connection
import pathlib
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import plexapi.server

from mediahub.engine import config
from mediahub.engine.engine import MediaServerEngine
from mediahub.engine.registry import Registry
from mediahub.engine.values import Kind
from mediahub.servers import plex
from mediahub.store.database import Database
from mediahub.store.library import LibraryIndex, Mode
from mediahub.testing.http import Answer, Asked, loopback
from mediahub.testing.plex import PlexDouble

LATENCY = 0.005
WALKED = 10  # one artist of so many

GOAL = 10  # times faster than python-plexapi with its defaults


def serve(tracks: int, pipe: multiprocessing.connection.Connection) -> None:
    """Run the double; say how many requests came whenever the other end asks."""
    double = PlexDouble()
    double.library.fill(artists=tracks // 100, albums=10, tracks=10)
    requests = 0
    rendered: dict[tuple[object, ...], Answer] = {}

    def counted(asked: Asked) -> Answer:
        nonlocal requests
        requests += 1
        window = [asked.headers.get(f'x-plex-container-{name}') for name in ('start', 'size')]
        key = (asked.path, asked.query, asked.headers.get('accept'), *window)
        if key not in rendered:
            rendered[key] = double(asked)
        return rendered[key]

    with loopback(counted, LATENCY) as address:
        pipe.send((address, double.token))
        while pipe.recv() == 'count':
            pipe.send(requests)


def with_mediahub(address: str, token: str) -> int:
    """Stream all tracks with their proof."""

    async def read() -> int:
        async with engine(address, token) as opened:
            snapshot = opened.active.snapshot((Kind.TRACK,))
            count = 0
            async for page in snapshot:
                count += len(page.items)
            if not snapshot.proof.complete:
                raise SystemExit(f'no proof: {snapshot.proof.problems}')
            return count

    return asyncio.run(read())


def with_index(address: str, token: str) -> int:
    """Bring a new index on disk up to date: artists, albums, tracks, identities."""

    async def read(folder: str) -> int:
        with Database(pathlib.Path(folder) / 'hub.duckdb') as database:
            async with engine(address, token) as opened:
                run = await LibraryIndex(database).update(opened.active, Mode.FULL)
            if not run.succeeded:
                raise SystemExit(f'no complete run: {run.reason}')
            return LibraryIndex(database).counts('server')['track']

    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(read(folder))


def engine(address: str, token: str) -> MediaServerEngine:
    """An engine for the double."""
    table = {'name': 'server', 'type': 'plex', 'url': address, 'token': token}
    return MediaServerEngine(config.parse({'servers': [table]}, Registry([plex.SERVER_TYPE])))


def with_plexapi(address: str, token: str) -> int:
    """List all tracks as python-plexapi does when nobody tells it otherwise."""
    server: Any = plexapi.server.PlexServer(address, token)
    return len(server.library.section('Music').searchTracks())


def with_walk(address: str, token: str) -> int:
    """Ask every artist for albums and every album for tracks."""
    server: Any = plexapi.server.PlexServer(address, token)
    artists = server.fetchItems('/library/sections/3/all?type=8')[::WALKED]
    count = 0
    for artist in artists:
        for album in server.fetchItems(f'/library/metadata/{artist.ratingKey}/children'):
            count += len(server.fetchItems(f'/library/metadata/{album.ratingKey}/children'))
    return count


def main(arguments: list[str]) -> int:
    """Measure and print; 1 where the goal is missed."""
    tracks = int(arguments[0]) if arguments else 100_000
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=serve, args=(tracks, theirs), daemon=True)
    process.start()
    address, token = ours.recv()

    def measured(title: str, read: Callable[[str, str], int], share: int = 1) -> float:
        read(address, token)  # both ends warm up
        ours.send('count')
        before = ours.recv()
        started, worked = time.perf_counter(), time.process_time()
        count = read(address, token)
        seconds = (time.perf_counter() - started) * share
        cpu = (time.process_time() - worked) * share
        ours.send('count')
        requests = (ours.recv() - before) * share
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        read_in = f'{count * share:>8} tracks {requests:>7} requests'
        took = f'{seconds:>8.2f} s, {cpu:>6.2f} s of CPU, peak {memory:.0f} MB so far'
        print(f'{title:<28}{read_in}{took}', flush=True)
        return seconds

    bulk = measured('mediahub, streamed', with_mediahub)
    measured('mediahub, into the index', with_index)
    default = measured('python-plexapi, default', with_plexapi)
    walk = measured('walk, N+1', with_walk, share=WALKED)
    ours.send('stop')
    process.join()
    print(f'{default / bulk:.1f} times faster than python-plexapi, {walk / bulk:.1f} than a walk')
    return 0 if default / bulk >= GOAL else 1


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
