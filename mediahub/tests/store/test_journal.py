# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import functools

import pytest

from mediahub.conformance.faults import Fault, FaultyTransport, Interposer
from mediahub.engine import errors
from mediahub.engine.values import ItemRef, Kind
from mediahub.store.database import Database
from mediahub.store.journal import PlaylistJournal
from mediahub.store.library import LibraryIndex, Mode
from mediahub.testing.rig import Calendar, PlexRig

pytestmark = pytest.mark.anyio


def refs(rig: PlexRig, *places: int) -> list[ItemRef]:
    ids = list(rig.server.library.tracks)
    return [ItemRef('living-room', Kind.TRACK, ids[place]) for place in places]


def ids_of(rig: PlexRig, title: str) -> list[str]:
    row = next(row for row in rig.server.playlists.values() if row.title == title)
    return [track for _, track in row.entries]


async def test_restores_order_and_repetitions(rig: PlexRig, database: Database, clock: Calendar):
    journal = PlaylistJournal(database, clock)
    before = refs(rig, 2, 0, 2, 1)
    async with rig.connect() as client:
        await client.create_playlist('Mix', before)
        outcome = await client.update_playlist('Mix', refs(rig, 5), journal)

        await journal.restore(client, outcome.backup or '')

    assert ids_of(rig, 'Mix') == [ref.native_id for ref in before]


async def test_restores_what_a_failure_half_way_left(
    rig: PlexRig, database: Database, clock: Calendar
):
    journal = PlaylistJournal(database, clock)
    interposer = Interposer()
    rig.wrap = functools.partial(FaultyTransport, interposer=interposer)
    before = refs(rig, 0, 1, 2, 3)
    async with rig.connect() as client:
        await client.create_playlist('Mix', before)
        interposer.arm(Fault.SERVER_ERROR, 9, lasting=True)
        with pytest.raises(errors.MediaServerError):
            await client.update_playlist('Mix', refs(rig, 9, 8, 3, 2), journal)
        interposer.arm(None)

        await journal.restore(client, journal.list('living-room')[0].entry)

    assert ids_of(rig, 'Mix') == [ref.native_id for ref in before]


async def test_restores_a_playlist_that_was_deleted_and_tracks_that_were_rekeyed(
    rig: PlexRig, database: Database, clock: Calendar
):
    journal, index = PlaylistJournal(database, clock), LibraryIndex(database, clock=clock)
    async with rig.connect() as client:
        await index.update(client, Mode.FULL)
        await client.create_playlist('Mix', refs(rig, 0, 1))
        outcome = await client.update_playlist('Mix', refs(rig, 4), journal)
        rig.server.playlists.clear()
        rig.server.library.rekey()
        clock.pass_days(1)
        assert (await index.update(client, Mode.FULL)).succeeded

        await journal.restore(client, outcome.backup or '')

    assert ids_of(rig, 'Mix') == [ref.native_id for ref in refs(rig, 0, 1)]


async def test_restores_what_is_left_and_tells_what_is_not(
    rig: PlexRig, database: Database, clock: Calendar
):
    journal, index = PlaylistJournal(database, clock), LibraryIndex(database, clock=clock)
    gone, stays = refs(rig, 0)[0], refs(rig, 20)[0]
    async with rig.connect() as client:
        await index.update(client, Mode.FULL)
        await client.create_playlist('Mix', [stays, gone, stays])
        outcome = await client.update_playlist('Mix', refs(rig, 22), journal)
        rig.server.library.remove_album(rig.server.library.tracks[gone.native_id].album)
        clock.pass_days(1)
        assert (await index.update(client, Mode.FULL)).missing

        restored = await journal.restore(client, outcome.backup or '')

    assert ids_of(rig, 'Mix') == [stays.native_id] * 2
    assert restored.missing == ('Artist 0 - Song 0.0.1',)


async def test_playlist_of_which_nothing_is_left_is_not_emptied(
    rig: PlexRig, database: Database, clock: Calendar
):
    journal, index = PlaylistJournal(database, clock), LibraryIndex(database, clock=clock)
    gone, stays = refs(rig, 0)[0], refs(rig, 20)[0]
    async with rig.connect() as client:
        await index.update(client, Mode.FULL)
        await client.create_playlist('Mix', [gone])
        outcome = await client.update_playlist('Mix', [stays], journal)
        rig.server.library.remove_album(rig.server.library.tracks[gone.native_id].album)
        clock.pass_days(1)
        await index.update(client, Mode.FULL)

        with pytest.raises(errors.NotFound, match='none of the 1 tracks'):
            await journal.restore(client, outcome.backup or '')

    assert ids_of(rig, 'Mix') == [stays.native_id]


async def test_unchanged_playlist_is_not_kept_again(
    rig: PlexRig, database: Database, clock: Calendar
):
    journal = PlaylistJournal(database, clock)
    async with rig.connect() as client:
        await client.create_playlist('Mix', refs(rig, 0))
        outcome = await client.update_playlist('Mix', refs(rig, 0), journal)

    assert outcome.backup is None
    assert journal.list('living-room') == []


async def test_empty_playlist_can_be_restored(rig: PlexRig, database: Database, clock: Calendar):
    journal = PlaylistJournal(database, clock)
    async with rig.connect() as client:
        await client.create_playlist('Mix', [])
        outcome = await client.update_playlist('Mix', refs(rig, 1), journal)
        await journal.restore(client, outcome.backup or '')

    assert ids_of(rig, 'Mix') == []


async def test_old_states_are_forgotten(rig: PlexRig, database: Database, clock: Calendar):
    journal = PlaylistJournal(database, clock, keep=3)
    async with rig.connect() as client:
        for place in range(6):
            clock.pass_days(1)
            await client.update_playlist('Mix', refs(rig, place), journal)

    assert len(journal.list('living-room')) == 3


async def test_unknown_entry_is_named(rig: PlexRig, database: Database):
    async with rig.connect() as client:
        with pytest.raises(errors.NotFound, match="no entry 'nonsense'"):
            await PlaylistJournal(database).restore(client, 'nonsense')
