# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import asyncio
import datetime
from collections.abc import Callable, Sequence
from typing import TypeVar

import duckdb
import msgspec
import pytest

from mediahub.bus.recorder import Committed, Recorder, StoreUnavailable
from mediahub.plays import PlaybackEvent
from mediahub.store.database import Database, StoreError
from mediahub.store.plays import Plays, Recorded
from mediahub.testing.plays import START, began, ended, event

T = TypeVar('T')

pytestmark = pytest.mark.anyio


class Picky:
    """Plays that refuse some events with an error, as the store does with the whole batch."""

    def __init__(self, plays: Plays, errors: dict[str, Exception]):
        self._plays = plays
        self.errors = errors
        self.batches = 0

    def record(self, events: Sequence[PlaybackEvent]) -> Recorded:
        self.batches += 1
        for found in events:
            if found.play.session_id in self.errors:
                raise self.errors[found.play.session_id]
        return self._plays.record(events)


def data_error() -> StoreError:
    error = StoreError('a value is out of range')
    error.__cause__ = duckdb.ConversionException('a value is out of range')
    return error


async def test_listeners_hear_of_what_is_committed(recorder: Recorder, plays: Plays):
    heard: list[Committed] = []
    there: list[int] = []
    recorder.subscribe(heard.append)
    recorder.subscribe(lambda committed: there.append(len(plays.live())))
    first, last = event(began(1)), event(ended(began(2), 60))

    assert await recorder.record([first, last]) == []

    assert [{found.event_id for found in batch.events} for batch in heard] == [
        {first.event_id, last.event_id}
    ]
    assert heard[0].finished == [last.play]
    assert there == [1]  # it was in the database by then


async def test_nobody_hears_of_an_event_twice(recorder: Recorder):
    heard: list[Committed] = []
    recorder.subscribe(heard.append)

    await recorder.record([event(began())])
    await recorder.record([event(began()), event(began())])

    assert [len(batch.events) for batch in heard] == [1]
    assert (recorder.recorded, recorder.repeated) == (1, 2)


async def test_whoever_ended_it_hears_no_more(recorder: Recorder):
    heard: list[Committed] = []
    end = recorder.subscribe(heard.append)
    end()

    await recorder.record([event(began())])

    assert heard == []


async def test_a_listener_that_fails_harms_nobody(
    recorder: Recorder, caplog: pytest.LogCaptureFixture
):
    heard: list[Committed] = []

    def failing(committed: Committed) -> None:
        raise RuntimeError('no browser')

    recorder.subscribe(failing)
    recorder.subscribe(heard.append)

    assert await recorder.record([event(began())]) == []

    assert len(heard) == 1
    assert 'listener' in caplog.text


@pytest.mark.parametrize('place', [0, 4, 8])
async def test_one_event_that_is_refused_keeps_no_other_out(
    database: Database, plays: Plays, place: int
):
    recorder = Recorder(Picky(plays, {f's{place}': data_error()}), database.run)

    refused = await recorder.record([event(began(number)) for number in range(9)])

    assert [(entry.place, entry.certain) for entry in refused] == [(place, True)]
    assert len(plays.live()) == 8


async def test_an_error_that_nobody_foresaw_is_blamed_on_the_event_that_has_it(
    database: Database, plays: Plays
):
    recorder = Recorder(Picky(plays, {'s2': TypeError('unhashable')}), database.run)

    refused = await recorder.record([event(began(number)) for number in range(4)])

    assert [(entry.place, entry.certain) for entry in refused] == [(2, False)]
    assert refused[0].reason == 'TypeError: unhashable'
    assert len(plays.live()) == 3


async def test_a_store_that_takes_nothing_is_not_blamed_on_events(
    database: Database, plays: Plays
):
    full = StoreError('No space left on device')
    full.__cause__ = duckdb.IOException('No space left on device')
    picky = Picky(plays, {'s0': full})
    recorder = Recorder(picky, database.run)

    with pytest.raises(StoreUnavailable, match='No space left'):
        await recorder.record([event(began(number)) for number in range(100)])

    assert picky.batches == 1


async def test_errors_of_every_single_event_are_the_store_s(database: Database, plays: Plays):
    errors: dict[str, Exception] = {f's{number}': KeyError('x') for number in range(3)}
    recorder = Recorder(Picky(plays, errors), database.run)

    with pytest.raises(StoreUnavailable):
        await recorder.record([event(began(number)) for number in range(3)])


async def test_what_the_store_itself_sets_aside_is_named(recorder: Recorder, plays: Plays):
    odd = event(msgspec.structs.replace(began(2), play_id='not a uuid'))

    refused = await recorder.record([event(began(1)), odd])

    assert [(entry.place, entry.certain) for entry in refused] == [(1, True)]
    assert 'UUID' in refused[0].reason
    assert len(plays.live()) == 1


async def test_lag_is_from_the_event_to_its_commit(database: Database, plays: Plays):
    moment = START + datetime.timedelta(seconds=3)
    recorder = Recorder(plays, database.run, clock=lambda: moment)

    await recorder.record([event(began())])
    await recorder.record([event(began(2, at=START + datetime.timedelta(seconds=9)))])

    assert list(recorder.lags) == [3.0, 0.0]  # another hub's clock may be ahead


async def test_listeners_hear_of_a_commit_whose_caller_was_cancelled_meanwhile(
    database: Database, plays: Plays
):
    began_to, go_on = asyncio.Event(), asyncio.Event()

    async def slow(work: Callable[[], T]) -> T:
        began_to.set()
        await go_on.wait()
        return await database.run(work)

    recorder = Recorder(plays, slow)
    heard: list[Committed] = []
    recorder.subscribe(heard.append)
    task = asyncio.ensure_future(recorder.record([event(began())]))
    await began_to.wait()
    task.cancel()
    go_on.set()

    with pytest.raises(asyncio.CancelledError):
        await task

    assert len(heard) == len(plays.live()) == recorder.recorded == 1


async def test_nothing_is_nothing(recorder: Recorder):
    assert await recorder.record([]) == []
