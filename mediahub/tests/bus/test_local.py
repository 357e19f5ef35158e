# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import asyncio
import json
from collections.abc import Sequence

import duckdb
import msgspec
import pytest

from mediahub.bus import ports, subjects, waiting
from mediahub.bus.local import LocalBus
from mediahub.bus.recorder import Recorder
from mediahub.plays import PlaybackEvent
from mediahub.store.database import Database, StoreError
from mediahub.store.letters import DeadLetters
from mediahub.store.outbox import Outbox
from mediahub.store.plays import Plays, Recorded
from mediahub.testing.plays import began, ended, event
from mediahub.testing.tasks import running, until

pytestmark = pytest.mark.anyio


class Disk:
    """Plays on a disk that is full for a while, or that chokes on one session."""

    def __init__(self, plays: Plays):
        self._plays = plays
        self.full = False
        self.poison = ''
        self.tries = 0

    def record(self, events: Sequence[PlaybackEvent]) -> Recorded:
        self.tries += 1
        if self.full:
            error = StoreError('hub.duckdb: No space left on device')
            raise error from duckdb.IOException('No space left on device')
        if any(found.play.session_id == self.poison for found in events):
            raise KeyError(self.poison)
        return self._plays.record(events)


@pytest.fixture
def disk(plays: Plays) -> Disk:
    return Disk(plays)


@pytest.fixture
def bus(database: Database, outbox: Outbox, letters: DeadLetters, disk: Disk) -> LocalBus:
    recorder = Recorder(disk, database.run)
    return LocalBus(
        outbox, recorder, letters, database.run, batch=10, backoff=waiting.Backoff(0.01, 0.02)
    )


async def test_events_go_from_the_outbox_into_the_database(
    bus: LocalBus, outbox: Outbox, plays: Plays
):
    outbox.add([event(began(number)) for number in range(25)])

    async with running(bus):
        await until(lambda: outbox.size() == 0)

    assert len(plays.live()) == 25


async def test_a_bus_that_sleeps_is_woken(bus: LocalBus, outbox: Outbox, plays: Plays):
    async with running(bus):
        await until(lambda: bus.status.state is ports.State.RUNNING)
        outbox.add([event(began())])
        bus.wake()
        async with asyncio.timeout(3):  # well before it would look by itself
            await until(lambda: bool(plays.live()))


async def test_a_full_disk_is_waited_for_and_nothing_leaves_the_outbox(
    bus: LocalBus, outbox: Outbox, plays: Plays, disk: Disk
):
    disk.full = True
    outbox.add([event(began(number)) for number in range(15)])

    async with running(bus):
        await until(lambda: disk.tries >= 3)
        assert bus.status.state is ports.State.WAITING
        assert 'No space left' in bus.status.reason
        assert bus.status.outbox == outbox.size() == 15

        disk.full = False
        await until(lambda: outbox.size() == 0)

        await until(lambda: bus.status.state is ports.State.RUNNING)
        assert bus.status.reason == ''
    assert len(plays.live()) == 15


async def test_trouble_is_logged_when_it_comes_and_when_it_goes(
    bus: LocalBus, outbox: Outbox, disk: Disk, caplog: pytest.LogCaptureFixture
):
    caplog.set_level('INFO')
    disk.full = True
    outbox.add([event(began())])

    async with running(bus):
        await until(lambda: disk.tries >= 5)
        disk.full = False
        await until(lambda: outbox.size() == 0)
        await until(lambda: bus.status.state is ports.State.RUNNING)

    lines = [record.message for record in caplog.records if record.name.startswith('mediahub')]
    assert len(lines) == 2
    assert 'No space left' in lines[0]
    assert 'goes on' in lines[1]


async def test_killed_between_commit_and_acknowledgement_nothing_is_counted_twice(
    bus: LocalBus, outbox: Outbox, plays: Plays
):
    first, last = event(began()), event(ended(began(), 60))
    outbox.add([first, last])
    plays.record([first, last])  # and then the process was gone

    async with running(bus):
        await until(lambda: outbox.size() == 0)

    assert plays.find(last.play.play_id) == last.play
    assert (bus.status.recorded, bus.status.repeated) == (0, 2)


async def test_an_event_of_a_newer_hub_is_set_aside_and_blocks_nobody(
    database: Database, bus: LocalBus, outbox: Outbox, plays: Plays, letters: DeadLetters
):
    newer = json.dumps({'schema_version': 99, 'event_id': 'x'})
    database.execute("INSERT INTO outbox VALUES (nextval('outbox_numbers'), ?)", [newer])
    database.execute("INSERT INTO outbox VALUES (nextval('outbox_numbers'), 'rubbish')")
    outbox.add([event(began())])

    async with running(bus):
        await until(lambda: outbox.size() == 0)

    assert len(plays.live()) == 1
    assert bus.status.dead == 2
    kept = [letter for _, letter in letters.list()]
    assert [letter.payload for letter in kept] == [newer.encode(), b'rubbish']
    assert 'schema version 99' in kept[0].reason


async def test_an_event_that_the_store_cannot_keep_is_set_aside_at_once(
    bus: LocalBus, outbox: Outbox, plays: Plays, letters: DeadLetters
):
    odd = event(msgspec.structs.replace(began(2), play_id='no uuid'))
    outbox.add([event(began(1)), odd])

    async with running(bus):
        await until(lambda: outbox.size() == 0)

    assert len(plays.live()) == 1
    (letter,) = (letter for _, letter in letters.list())
    assert subjects.decode(letter.payload) == odd
    assert (letter.subject, letter.times) == ('playback.plex.movie', 1)


async def test_an_event_that_fails_for_no_known_reason_gets_several_attempts(
    bus: LocalBus,
    outbox: Outbox,
    plays: Plays,
    letters: DeadLetters,
    disk: Disk,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr('mediahub.bus.local.AGAIN', 0.05)
    disk.poison = 's3'
    outbox.add([event(began(number)) for number in range(5)])

    async with running(bus):
        await until(lambda: len(plays.live()) == 4)
        for number in range(10, 60):  # alone, it could be the store's fault
            outbox.add([event(began(number))])
            bus.wake()
            await asyncio.sleep(0.02)
            if outbox.size() == 0 and bus.status.dead:
                break
        await until(lambda: outbox.size() == 0)

    (letter,) = (letter for _, letter in letters.list())
    assert (letter.times, letter.reason) == (5, "KeyError: 's3'")


async def test_an_error_that_nobody_foresaw_does_not_end_the_bus(
    bus: LocalBus, outbox: Outbox, plays: Plays, monkeypatch: pytest.MonkeyPatch
):
    def broken(limit: int) -> list[tuple[int, bytes]]:
        raise RuntimeError('not foreseen')

    outbox.add([event(began())])
    monkeypatch.setattr(outbox, 'documents', broken)

    async with running(bus):
        await until(lambda: bus.status.state is ports.State.WAITING)
        assert 'not foreseen' in bus.status.reason
        monkeypatch.undo()
        await until(lambda: bool(plays.live()))


async def test_a_bus_that_was_stopped_says_so(bus: LocalBus):
    async with running(bus):
        await until(lambda: bus.status.state is ports.State.RUNNING)

    assert bus.status.state is ports.State.STOPPED
