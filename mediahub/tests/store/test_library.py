# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import asyncio
import datetime
import pathlib
import signal
import subprocess
import sys
from typing import Any

import httpx2
import pytest

from mediahub.engine import errors
from mediahub.engine.values import Kind
from mediahub.store import merge
from mediahub.store.database import Database, StoreError
from mediahub.store.library import Guard, LibraryIndex, Mode, Progress, RunState
from mediahub.testing.rig import Calendar, PlexRig

pytestmark = pytest.mark.anyio

SERVER = 'living-room'


class DiesAfterArtists(httpx2.AsyncBaseTransport):
    """Answers until the list of artists was sent, then never again."""

    def __init__(self, inner: httpx2.AsyncBaseTransport):
        self._inner = inner
        self.dead = False

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if self.dead:
            raise httpx2.ConnectError('connection refused', request=request)
        self.dead = request.url.params.get('type') == '8'
        return await self._inner.handle_async_request(request)


async def indexed(rig: PlexRig, database: Database, clock: Calendar, guard: Guard | None = None):
    index = LibraryIndex(database, guard, clock)
    async with rig.connect() as client:
        run = await index.update(client, Mode.FULL)
    assert run.succeeded
    return index


async def go(rig: PlexRig, index: LibraryIndex, mode: Mode = Mode.FULL, **options: Any):
    async with rig.connect() as client:
        return await index.update(client, mode, **options)


async def test_server_that_dies_after_the_artist_list_costs_nothing(
    rig: PlexRig, database: Database, clock: Calendar
):
    index = await indexed(rig, database, clock, Guard(grace=datetime.timedelta(0)))
    rig.wrap = DiesAfterArtists

    for _ in range(3):
        clock.pass_days(30)
        run = await go(rig, index, Mode.DEEP)
        assert run.state is RunState.FAILED
        assert 'connection refused' in run.reason
        assert (run.deleted, run.missing) == (0, 0)

    assert index.native_ids(SERVER, Kind.TRACK) == frozenset(rig.server.library.tracks)
    assert [state for _, state, _ in index.runs(SERVER)] == ['failed'] * 3 + ['complete']


async def test_first_incremental_run_reads_everything(
    rig: PlexRig, database: Database, clock: Calendar
):
    run = await go(rig, LibraryIndex(database, clock=clock), Mode.INCREMENTAL)

    assert run.succeeded
    assert run.added == 3 + 6 + 24


async def test_incremental_run_asks_for_changes_only(
    rig: PlexRig, database: Database, clock: Calendar
):
    index = await indexed(rig, database, clock)
    album = rig.server.library.add_album(
        next(iter(rig.server.library.artists.values())), 'Newcomer'
    )
    track = rig.server.library.add_track(album, 'Fresh')
    for row in (album, track):
        row.added = row.updated = 1_760_000_000
    changed = next(iter(rig.server.library.tracks.values()))
    changed.title, changed.updated = 'Renamed', 1_760_000_000
    rig.transport.asked.clear()

    run = await go(rig, index, Mode.INCREMENTAL)

    assert (run.added, run.changed) == (2, 1)
    listings = [asked for asked in rig.transport.asked if asked.first('type')]
    assert all(asked.first('updatedAt>') or asked.first('addedAt>') for asked in listings)


class EmptyTracks(httpx2.AsyncBaseTransport):
    """Answers every listing of tracks with nothing, and tells their number when asked."""

    def __init__(self, inner: httpx2.AsyncBaseTransport):
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        wanted = request.url.params
        if wanted.get('type') == '10' and wanted.get('X-Plex-Container-Size') != '0':
            return httpx2.Response(200, json={'MediaContainer': {'size': 0, 'totalSize': 0}})
        return await self._inner.handle_async_request(request)


async def test_change_that_was_lost_on_the_way_is_asked_for_again(
    rig: PlexRig, database: Database, clock: Calendar
):
    index = await indexed(rig, database, clock)
    library = rig.server.library
    artist = next(iter(library.artists.values()))
    for title, moment in (('Earlier', 1_760_000_000), ('Later', 1_770_000_000)):
        album = library.add_album(artist, title)
        track = library.add_track(album, title)
        for row in (album, track):
            row.added = row.updated = moment
    plain, rig.wrap = rig.wrap, EmptyTracks
    lost = await go(rig, index, Mode.INCREMENTAL)
    rig.wrap = plain
    found = await go(rig, index, Mode.INCREMENTAL)

    assert (lost.state, lost.added) == (RunState.UNPROVEN, 2)
    assert 'tracks arrived' in lost.reason
    assert (found.state, found.added) == (RunState.COMPLETE, 2)


async def test_removal_in_incremental_run_is_not_noticed(
    rig: PlexRig, database: Database, clock: Calendar
):
    index = await indexed(rig, database, clock)
    rig.server.library.remove_album(next(iter(rig.server.library.albums)))

    run = await go(rig, index, Mode.INCREMENTAL)

    assert run.missing == 0


async def test_deletes_only_after_two_observations_and_the_grace_period(
    rig: PlexRig, database: Database, clock: Calendar
):
    index = await indexed(rig, database, clock)
    gone = next(iter(rig.server.library.albums))
    rig.server.library.remove_album(gone)

    first = await go(rig, index, Mode.DEEP)
    clock.pass_days(6)
    second = await go(rig, index, Mode.DEEP)
    clock.pass_days(2)
    third = await go(rig, index, Mode.DEEP)

    assert [run.deleted for run in (first, second, third)] == [0, 0, 5]
    assert [run.missing for run in (first, second, third)] == [5, 5, 0]
    assert gone not in index.native_ids(SERVER, Kind.ALBUM)


async def test_long_grace_does_not_replace_the_second_observation(
    rig: PlexRig, database: Database, clock: Calendar
):
    index = await indexed(rig, database, clock, Guard(grace=datetime.timedelta(0)))
    rig.server.library.remove_album(next(iter(rig.server.library.albums)))

    first = await go(rig, index, Mode.DEEP)
    clock.pass_days(100)
    second = await go(rig, index, Mode.DEEP)

    assert (first.deleted, second.deleted) == (0, 5)


async def test_full_run_marks_but_never_deletes(rig: PlexRig, database: Database, clock: Calendar):
    index = await indexed(rig, database, clock, Guard(grace=datetime.timedelta(0)))
    rig.server.library.remove_album(next(iter(rig.server.library.albums)))

    runs = [await go(rig, index, Mode.FULL) for _ in range(4)]

    assert [run.deleted for run in runs] == [0] * 4
    assert runs[-1].missing == 5


async def test_item_that_comes_back_is_no_longer_missing(
    rig: PlexRig, database: Database, clock: Calendar
):
    index = await indexed(rig, database, clock, Guard(grace=datetime.timedelta(0)))
    library = rig.server.library
    kept = next(iter(library.tracks.values()))
    del library.tracks[kept.id]
    assert (await go(rig, index)).missing == 1
    library.tracks[kept.id] = kept

    assert (await go(rig, index)).missing == 0

    del library.tracks[kept.id]
    assert (await go(rig, index, Mode.DEEP)).deleted == 0


async def test_large_loss_is_held_back_until_it_is_accepted(
    rig: PlexRig, database: Database, clock: Calendar
):
    rig.server.library.fill(artists=10, albums=2, tracks=4)
    index = await indexed(rig, database, clock)
    for album in list(rig.server.library.albums)[:12]:
        rig.server.library.remove_album(album)

    await go(rig, index, Mode.DEEP)
    clock.pass_days(8)
    held = await go(rig, index, Mode.DEEP)
    accepted = await go(rig, index, Mode.DEEP, accept_loss=True)

    assert (held.deleted, held.held) == (0, 60)
    assert (accepted.deleted, accepted.held) == (60, 0)


async def test_emptied_library_is_doubted(rig: PlexRig, database: Database, clock: Calendar):
    index = await indexed(rig, database, clock, Guard(grace=datetime.timedelta(0)))
    for table in (
        rig.server.library.tracks,
        rig.server.library.albums,
        rig.server.library.artists,
    ):
        table.clear()

    runs = [await go(rig, index, Mode.DEEP) for _ in range(3)]

    assert {run.state for run in runs} == {RunState.UNPROVEN}
    assert 'no track is left of 24' in runs[-1].reason
    assert index.counts(SERVER)['track'] == 24


async def test_scan_that_runs_makes_no_item_missing(
    rig: PlexRig, database: Database, clock: Calendar
):
    index = await indexed(rig, database, clock)
    rig.server.library.remove_album(next(iter(rig.server.library.albums)))
    rig.server.refreshing = True

    run = await go(rig, index)

    assert (run.state, run.missing) == (RunState.UNPROVEN, 0)
    assert 'scanning' in run.reason


async def test_other_scope_begins_the_observations_anew(
    rig: PlexRig, database: Database, clock: Calendar
):
    index = await indexed(rig, database, clock, Guard(grace=datetime.timedelta(0)))
    rig.server.library.remove_album(next(iter(rig.server.library.albums)))
    await go(rig, index, Mode.DEEP)
    rig.server.title = 'Renamed library'

    run = await go(rig, index, Mode.DEEP)

    assert (run.deleted, run.missing) == (0, 5)


async def test_replaced_server_is_refused_until_it_is_accepted(
    rig: PlexRig, database: Database, clock: Calendar
):
    index = await indexed(rig, database, clock)
    rig.server.machine = 'fedcba9876543210'

    refused = await go(rig, index)
    accepted = await go(rig, index, accept_replacement=True)

    assert refused.state is RunState.FAILED
    assert 'another installation' in refused.reason
    assert accepted.succeeded


async def test_rekeyed_library_keeps_every_identity_and_its_history(
    rig: PlexRig, database: Database, clock: Calendar
):
    index = await indexed(rig, database, clock)
    before = {
        track.path: index.uid(SERVER, Kind.TRACK, track.id)
        for track in rig.server.library.tracks.values()
    }
    played = next(iter(rig.server.library.tracks.values()))
    rig.server.plays.append((played.id, 1_767_000_000))
    await go(rig, index, Mode.DEEP)
    rig.server.library.rekey()

    run = await go(rig, index, Mode.DEEP)

    assert (run.rekeyed, run.missing, run.added) == (33, 0, 0)
    after = {
        track.path: index.uid(SERVER, Kind.TRACK, track.id)
        for track in rig.server.library.tracks.values()
    }
    assert after == before
    assert index.plays(before[played.path] or 0) == 1


async def test_identity_survives_an_incremental_run_that_took_the_new_ids_for_new_items(
    rig: PlexRig, database: Database, clock: Calendar
):
    index = await indexed(rig, database, clock)
    track = next(iter(rig.server.library.tracks.values()))
    uid = index.uid(SERVER, Kind.TRACK, track.id)
    clock.pass_days(1)
    rig.server.library.rekey()
    for row in rig.server.library.tracks.values():
        row.updated = 1_767_000_000
    assert (await go(rig, index, Mode.INCREMENTAL)).added > 0
    clock.pass_days(1)

    run = await go(rig, index)

    assert run.rekeyed == 33
    assert index.uid(SERVER, Kind.TRACK, track.id) == uid
    assert index.counts(SERVER) == {'artist': 3, 'album': 6, 'track': 24}


async def test_deleted_item_that_comes_back_under_another_id_keeps_its_identity(
    rig: PlexRig, database: Database, clock: Calendar
):
    index = await indexed(rig, database, clock, Guard(grace=datetime.timedelta(0)))
    library = rig.server.library
    track = next(iter(library.tracks.values()))
    uid = index.uid(SERVER, Kind.TRACK, track.id)
    del library.tracks[track.id]
    for _ in range(2):
        await go(rig, index, Mode.DEEP)
        clock.pass_days(1)
    assert track.id not in index.native_ids(SERVER, Kind.TRACK)
    track.id = '4711'
    library.tracks[track.id] = track

    await go(rig, index)

    assert index.uid(SERVER, Kind.TRACK, '4711') == uid


async def test_twins_are_not_taken_for_each_other(
    rig: PlexRig, database: Database, clock: Calendar
):
    library = rig.server.library
    album = next(iter(library.albums.values()))
    twins = [library.add_track(album, 'Twin', 9) for _ in range(2)]
    for twin in twins:
        twin.mbid, twin.path, twin.size, twin.duration_ms = twins[0].mbid, 'same.flac', 1, 1
    index = await indexed(rig, database, clock)
    uids = {index.uid(SERVER, Kind.TRACK, twin.id) for twin in twins}
    for twin in twins:
        del library.tracks[twin.id]
        twin.id = str(int(twin.id) + 5000)
        library.tracks[twin.id] = twin

    run = await go(rig, index)

    assert (run.rekeyed, run.added, run.missing) == (0, 2, 2)
    assert uids.isdisjoint({index.uid(SERVER, Kind.TRACK, twin.id) for twin in twins})


async def test_same_play_is_kept_once(rig: PlexRig, database: Database, clock: Calendar):
    index = await indexed(rig, database, clock)
    one, other = list(rig.server.library.tracks.values())[:2]
    rig.server.plays = [
        (one.id, 1_767_000_000),
        (one.id, 1_767_000_100),
        (other.id, 1_767_000_000),
    ]

    for _ in range(3):
        await go(rig, index, Mode.DEEP)

    plays = [index.plays(index.uid(SERVER, Kind.TRACK, row.id) or 0) for row in (one, other)]
    assert plays == [2, 1]


async def test_tells_how_far_it_is(rig: PlexRig, database: Database, clock: Calendar):
    seen: list[Progress] = []

    await go(rig, LibraryIndex(database, clock=clock), report=seen.append)

    tracks = [step.done for step in seen if step.kind is Kind.TRACK]
    assert tracks == [5, 10, 15, 20, 24]


async def test_cancelled_run_takes_nothing_over(rig: PlexRig, database: Database, clock: Calendar):
    index = LibraryIndex(database, clock=clock)

    def stop(_: Progress) -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await go(rig, index, report=stop)

    assert index.counts(SERVER) == {}
    assert index.runs(SERVER)[0][1] == 'cancelled'


async def test_run_that_is_cancelled_while_it_takes_over_says_that_it_did(
    rig: PlexRig, database: Database, clock: Calendar, monkeypatch: pytest.MonkeyPatch
):
    index = LibraryIndex(database, clock=clock)
    loop, plain = asyncio.get_running_loop(), merge.merge
    tasks: list[asyncio.Task[Any]] = []

    def cancel_and_merge(*arguments: Any, **options: Any) -> merge.Merged:
        loop.call_soon_threadsafe(tasks[0].cancel)
        return plain(*arguments, **options)

    monkeypatch.setattr(merge, 'merge', cancel_and_merge)
    tasks.append(asyncio.create_task(go(rig, index, Mode.DEEP)))
    with pytest.raises(asyncio.CancelledError):
        await tasks[0]

    assert index.counts(SERVER) == {'artist': 3, 'album': 6, 'track': 24}
    assert index.runs(SERVER) == [('deep', 'complete', '')]


async def test_tag_with_absurd_numbers_and_nul_is_taken_in(
    rig: PlexRig, database: Database, clock: Calendar
):
    track = next(iter(rig.server.library.tracks.values()))
    track.title = '"quoted" \0 🎸 ' + 'x' * 10_000
    track.number, track.size = 10**12, 2**62

    index = await indexed(rig, database, clock)

    assert track.id in index.native_ids(SERVER, Kind.TRACK)


async def test_errors_of_our_own_are_not_swallowed(
    rig: PlexRig, database: Database, clock: Calendar
):
    def stumble(_: Progress) -> None:
        raise ZeroDivisionError

    index = LibraryIndex(database, clock=clock)
    with pytest.raises(ZeroDivisionError):
        await go(rig, index, report=stumble)

    assert index.runs(SERVER)[0][1:] == ('failed', 'ZeroDivisionError')


async def test_failed_handshake_is_a_failed_run(rig: PlexRig, database: Database, clock: Calendar):
    async with rig.connect() as client:
        rig.server.token = 'changed'
        run = await LibraryIndex(database, clock=clock).update(client)

    assert run.state is RunState.FAILED
    assert '401' in run.reason
    assert isinstance(client.status.reason, str)


def test_file_of_a_newer_version_is_left_alone(tmp_path: pathlib.Path):
    path = tmp_path / 'hub.duckdb'
    with Database(path) as database:
        database.execute('INSERT INTO schema_version VALUES (99)')

    with pytest.raises(StoreError, match='version 99'):
        Database(path)


def test_damaged_file_is_named(tmp_path: pathlib.Path):
    path = tmp_path / 'hub.duckdb'
    path.write_bytes(b'this is no database' * 1000)

    with pytest.raises(StoreError, match=r'hub\.duckdb'):
        Database(path)
    assert path.read_bytes().startswith(b'this is no database')


KILLED = """
import asyncio, os, pathlib, signal, sys
from mediahub.engine import config, wire
from mediahub.engine.engine import MediaServerEngine
from mediahub.engine.registry import Registry
from mediahub.servers import plex
from mediahub.store import merge
from mediahub.store.database import Database
from mediahub.store.library import LibraryIndex, Mode
from mediahub.testing.http import InProcess
from mediahub.testing.plex import PlexDouble

server = PlexDouble()
server.library.fill(artists=3, albums=2, tracks=4)
table = {'name': 'living-room', 'type': 'plex', 'url': 'http://plex.test', 'token': server.token}
chosen = config.parse({'servers': [table]}, Registry([plex.SERVER_TYPE]))

def die(*arguments, **options):
    os.kill(os.getpid(), signal.SIGKILL)

async def main():
    with Database(pathlib.Path(sys.argv[1])) as database:
        index = LibraryIndex(database)
        async with MediaServerEngine(chosen, transport=InProcess(server)) as engine:
            run = await index.update(engine.active, Mode.FULL)
            assert run.succeeded
            print(index.counts('living-room'), flush=True)
            server.library.fill(artists=2, albums=2, tracks=4)
            # Dead in the middle of the take-over: the old rows are deleted, the new ones are in,
            # nothing is committed.
            merge.remember = die
            await index.update(engine.active, Mode.FULL)

asyncio.run(main())
"""


def test_kill_in_the_middle_of_the_take_over_leaves_the_generation_before(
    tmp_path: pathlib.Path,
):
    path = tmp_path / 'hub.duckdb'
    killed = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, '-c', KILLED, str(path)], capture_output=True, text=True, timeout=120
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr

    with Database(path) as database:
        index = LibraryIndex(database)
        assert index.counts(SERVER) == {'artist': 3, 'album': 6, 'track': 24}
        states = [state for _, state, _ in index.runs(SERVER)]
        assert states == ['interrupted', 'complete']


def test_store_errors_are_for_operators():
    assert issubclass(StoreError, errors.MediaHubError)
