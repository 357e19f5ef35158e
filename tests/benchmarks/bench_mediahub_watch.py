# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What it costs to watch a Plex server with 500 streams: a snapshot, from its bytes to the disk.

Compared with python-plexapi, which reads the same sessions from the XML of the same server: parsed
and made into objects, without the requests that it would send for more. Also told is how many
notifications can be read a second; a server with 500 streams sends some fifty.

    python tests/benchmarks/bench_mediahub_watch.py [STREAMS]
"""

from __future__ import annotations

import datetime
import pathlib
import sys
import tempfile
import time
import xml.etree.ElementTree
from collections.abc import Callable
from typing import Any

import msgspec
import plexapi.server

from mediahub import plays
from mediahub.playback import frames, plex_seen, tracker
from mediahub.store.database import Database
from mediahub.store.watched import Watched
from mediahub.testing.clocks import HandClock
from mediahub.testing.http import Asked, loopback
from mediahub.testing.plex_living import LivingPlex

ROUNDS = 7
FRAMES = 20_000

GOAL = 2  # times faster than python-plexapi

PLAYING = (
    b'{"NotificationContainer":{"type":"playing","size":1,"PlaySessionStateNotification":'
    b'[{"sessionKey":"7","clientIdentifier":"tv","guid":"","ratingKey":"1049","url":"",'
    b'"key":"/library/metadata/1049","viewOffset":12000,"playQueueItemID":5,"state":"playing"}]}}'
)
PROGRESS = (
    b'{"NotificationContainer":{"type":"progress","size":1,"ProgressNotification":'
    b'[{"message":"Scanning the \'Films\' section"}]}}'
)


def best(work: Callable[[], Any]) -> float:
    """Milliseconds, of the quickest of some rounds."""
    times: list[float] = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - began))
    return min(times)


def full_house(streams: int) -> LivingPlex:
    """A server on which so many people watch."""
    plex = LivingPlex(HandClock()).stocked()
    films = plex.shelves.of_kind('movie')
    for number in range(streams):
        person, device = plex.person(f'Viewer {number}'), plex.device(f'Player {number}')
        plex.play(person, device, films[number % len(films)].id)
    return plex


def document(plex: LivingPlex, kind: str) -> bytes:
    """The answer to a look at the sessions, as ``json`` or as ``xml``."""
    headers = {'x-plex-token': plex.token, 'accept': f'application/{kind}'}
    return plex(Asked('GET', '/status/sessions', (), headers)).content


def by_plexapi(plex: LivingPlex, sent: bytes) -> float:
    """What python-plexapi takes to read the sessions."""
    with loopback(plex) as url:
        server: Any = plexapi.server.PlexServer(url, plex.token)

        def read() -> None:
            root = xml.etree.ElementTree.fromstring(sent)  # noqa: S314 - of our own double
            found = [server._buildItemOrNone(each, None, '/status/sessions') for each in root]
            assert len(found) == len(root)
            assert None not in found

        return best(read)


def moved(seen: list[plays.Seen], milliseconds: int) -> list[plays.Seen]:
    """The same sessions a little later."""
    return [
        msgspec.structs.replace(each, offset_ms=(each.offset_ms or 0) + milliseconds)
        for each in seen
    ]


def committed(step: tracker.Step) -> float:
    """What it takes to write down a snapshot's changes and the events that tell of them."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Database(pathlib.Path(folder) / 'hub.duckdb') as database,
    ):
        watched = Watched(database)
        return best(lambda: watched.commit(step.changed, step.ended, step.events))


def heard(frame: bytes) -> float:
    """Notifications that can be read a second."""
    reader = frames.Reader()
    took = best(lambda: [reader.frames(frame) for _ in range(FRAMES)])
    return FRAMES / took * 1000


def main(streams: int) -> int:
    """Measure and tell; 1 where the goal is missed."""
    plex = full_house(streams)
    sent = document(plex, 'json')
    now = plex.clock()
    reader = plex_seen.Sessions()

    def read(known: plex_seen.Sessions) -> list[plays.Seen]:
        return known.read(msgspec.json.decode(sent, type=plex_seen.Document).listing.sessions)

    seen = read(reader)
    state = tracker.observe('m', {}, seen, now).state
    later = moved(seen, 10_000)
    progress = tracker.observe('m', state, later, now + datetime.timedelta(seconds=10))
    assert len(progress.events) == streams
    costs = {
        'read for the first time': best(lambda: read(plex_seen.Sessions())),
        'read again': best(lambda: read(reader)),
        'compare, nothing to tell': best(
            lambda: tracker.observe('m', state, seen, now + datetime.timedelta(seconds=1))
        ),
        'compare, all have gone on': best(
            lambda: tracker.observe('m', state, later, now + datetime.timedelta(seconds=10))
        ),
    }
    costs['commit all of it'] = committed(progress)
    theirs = by_plexapi(plex, document(plex, 'xml'))
    print(f'{streams} streams, {len(sent) / 1000:.0f} kB of JSON; milliseconds, best of {ROUNDS}')
    for what, cost in costs.items():
        print(f'  {what:28} {cost:8.1f}')
    print(f'  {"python-plexapi reads it":28} {theirs:8.1f}')
    for what, frame in (('playing', PLAYING), ('progress, skipped', PROGRESS)):
        print(f'  {what:28} {heard(frame):8.0f} notifications a second')
    ratio = theirs / costs['read for the first time']
    print(f'reading is {ratio:.1f} times as fast as python-plexapi (goal: {GOAL})')
    return int(ratio < GOAL)


if __name__ == '__main__':
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 500))
