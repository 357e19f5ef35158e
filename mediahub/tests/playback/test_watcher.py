# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import asyncio
import datetime
import logging
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest

from mediahub.engine import wire
from mediahub.playback import plex_api, watcher
from mediahub.playback.leftovers import Leftovers
from mediahub.playback.listener import Pace
from mediahub.playback.watcher import Intervals, Watcher
from mediahub.plays import Transition
from mediahub.store.database import Database
from mediahub.store.outbox import Outbox
from mediahub.store.watched import Watched
from mediahub.testing.clocks import HandClock
from mediahub.testing.faults import Fault
from mediahub.testing.plex_living import LivingPlex
from mediahub.testing.plex_sessions import Session

from .post import POLICY, Post
from .waiting import eventually, running

pytestmark = pytest.mark.anyio


@pytest.fixture
def plex(hand_clock: HandClock) -> LivingPlex:
    return LivingPlex(hand_clock).stocked()


@pytest.fixture
async def post(
    plex: LivingPlex, database: Database, hand_clock: HandClock
) -> AsyncGenerator[Post]:
    made = Post(plex, database, hand_clock)
    async with made.pool:
        yield made


def film(plex: LivingPlex, number: int = 0, **more: Any) -> Session:
    rows = plex.shelves.of_kind('movie')
    return plex.play(plex.owner, plex.device('TV'), rows[number].id, **more)


async def test_a_play_goes_from_the_server_to_the_database(post: Post, plex: LivingPlex):
    session = film(plex)
    await post.look()
    await post.look(after=60)
    session.pause()
    await post.look()
    await post.look(after=30)
    session.resume()
    await post.look()
    post.clock.go(30)
    session.stop()
    await post.look(after=10)
    await post.look(after=10)
    assert post.transitions() == [
        Transition.STARTED, Transition.PROGRESS, Transition.PAUSED, Transition.RESUMED,
        Transition.STOPPED,
    ]  # fmt: skip
    (play,) = post.recorded()
    (true,) = plex.truth
    assert (play.pauses, play.paused_ms) == (1, true.paused_ms)
    assert play.item.title == true.title
    assert play.server == plex.machine
    assert post.woken == 5


async def test_a_snapshot_that_failed_is_none(post: Post, plex: LivingPlex):
    film(plex)
    await post.look()
    for fault in (
        Fault('/status/sessions', status=500, times=1),
        Fault('/status/sessions', status=429, times=1),
        Fault('/status/sessions', body=b'{"MediaContainer": {}}', times=1),
        Fault('/status/sessions', body=b'{"MediaContainer": {"size": 2}}', times=1),
        Fault('/status/sessions', body=b'<html>', times=1),
    ):
        plex.faults.add(fault)
        await post.look(after=30)
        assert not post.watcher.state.connected
        assert post.watcher.state.problem
        assert post.watcher.state.streams == 1
    await post.look(after=10)
    assert post.watcher.state.connected
    assert post.watcher.state.problem == ''
    assert Transition.STOPPED not in post.transitions()


async def test_a_late_answer_shows_what_was_so_when_it_came(post: Post, plex: LivingPlex):
    """Among it plays that began when the hub had asked already."""
    early = film(plex)
    await post.look()
    begun: list[datetime.datetime] = []

    def dawdle(asked: object) -> None:
        post.clock.go(7)
        film(plex, 1)
        begun.append(post.clock.now)
        post.clock.go(1)

    post.before_the_answer = dawdle
    await post.look(after=10)
    post.before_the_answer = None
    early.stop()
    for _ in range(2):
        await post.look(after=10)
    first, second = post.recorded()
    assert second.started_at == begun[0]
    assert first.stopped_at == begun[0]


async def test_a_restart_of_the_hub_continues(post: Post, plex: LivingPlex):
    session = film(plex)
    await post.look()
    await post.look(after=10)
    post.anew()
    await post.look(after=300)
    session.stop()
    await post.look(after=1)
    await post.look(after=10)
    (play,) = post.recorded()
    assert play.played_ms == 310_000
    assert play.stopped_at is not None


async def test_a_server_that_is_away_when_the_hub_starts_is_remembered(
    post: Post, plex: LivingPlex
):
    film(plex)
    await post.look()
    post.anew()
    plex.faults.add(Fault('.*', status=503))
    await post.look(after=100)
    state = post.watcher.state
    assert (state.machine_id, state.streams, state.connected) == (plex.machine, 1, False)
    await post.look(after=300)
    (play,) = post.recorded()
    assert play.stopped_at is not None
    assert post.watcher.state.streams == 0


async def test_a_full_disk_loses_nothing(post: Post, plex: LivingPlex):
    session = film(plex)
    await post.look()
    post.watched.full = True
    other = film(plex, 1)
    for _ in range(30):
        await post.look(after=10)
    session.stop()
    other.stop()
    await post.look(after=10)
    await post.look(after=10)
    short = film(plex, 2)
    await post.look(after=10)
    short.stop()
    await post.look(after=10)
    await post.look(after=10)
    state = post.watcher.state
    assert 'disk is full' in state.problem
    assert 'lost if the hub stops' in state.problem
    # Of each play its start, its last progress and its end: not what it was every ten seconds.
    assert 0 < state.unsaved <= 8
    assert post.transitions() == [Transition.STARTED]
    post.watched.full = False
    await post.look(after=10)
    assert post.watcher.state.problem == ''
    assert post.watcher.state.unsaved == 0
    assert len(post.recorded()) == 3
    assert all(play.stopped_at for play in post.recorded())


async def test_a_full_disk_is_logged_once(
    post: Post, plex: LivingPlex, caplog: pytest.LogCaptureFixture
):
    film(plex)
    post.watched.full = True
    with caplog.at_level(logging.WARNING, 'mediahub'):
        for _ in range(5):
            await post.look(after=10)
    loud = [each.levelno for each in caplog.records if each.levelno >= logging.WARNING]
    assert loud == [logging.ERROR]


async def test_a_renewed_token_is_taken_before_the_old_one_is_called_dead(
    post: Post, plex: LivingPlex
):
    session = film(plex)
    await post.look()
    plex.token = post.renewed = 'the-token-of-today'
    await post.look(after=10)
    await post.look(after=1)
    session.stop()
    await post.look(after=10)
    await post.look(after=10)
    assert not any(state.token_dead for state in post.told)
    assert post.watcher.state.connected
    (play,) = post.recorded()
    assert play.stopped_at is not None


async def test_a_renewed_token_that_is_refused_too_is_dead(post: Post, plex: LivingPlex):
    await post.look()
    plex.token, post.renewed = 'the-token-of-today', 'a-mistake'
    await post.look(after=10)
    assert not post.watcher.state.token_dead
    await post.look(after=1)
    assert post.watcher.state.token_dead
    assert not {'a-mistake', 'living-plex-token'} & set(post.watcher.state.problem.split())

    post.renewed = plex.token
    await post.look(after=60)
    await post.look(after=1)
    assert not post.watcher.state.token_dead


async def test_a_dead_token_is_loud_and_recovers(
    post: Post, plex: LivingPlex, caplog: pytest.LogCaptureFixture
):
    await post.look()
    token, plex.token = plex.token, 'another'
    with caplog.at_level(logging.WARNING, 'mediahub'):
        await post.look(after=10)
        await post.look(after=60)
    state = post.watcher.state
    assert state.token_dead
    assert 'give the hub a new one' in state.problem
    loud = [each.levelno for each in caplog.records if each.levelno >= logging.WARNING]
    assert loud == [logging.ERROR]
    assert token not in caplog.text
    assert post.told[-1].token_dead
    plex.token = token
    await post.look(after=60)
    assert not post.watcher.state.token_dead
    assert post.told[-1].connected


async def test_another_server_at_the_same_address_is_told_and_not_mixed(
    post: Post, plex: LivingPlex, caplog: pytest.LogCaptureFixture
):
    film(plex)
    await post.look()
    old = plex.machine
    await asyncio.to_thread(plex.restart)
    plex.machine = 'f' * 40
    post.clock.go(20)
    film(plex, 1)
    with caplog.at_level(logging.WARNING, 'mediahub'):
        await post.watcher.snapshot(frozenset({'connected'}))
    state = post.watcher.state
    assert (state.machine_id, state.replaced, state.streams) == ('f' * 40, old, 1)
    assert 'another server answers' in caplog.text
    await post.look(after=301)
    found = {play.server: play.stopped_at is None for play in post.recorded()}
    assert found == {old: False, 'f' * 40: True}


async def test_one_server_under_two_names_is_followed_once(
    post: Post, plex: LivingPlex, database: Database, hand_clock: HandClock
):
    film(plex)
    await post.look()
    second = Post(plex, database, hand_clock, 'attic')
    second.claims = post.claims
    second.anew()
    async with second.pool:
        await second.look()
        await second.look(after=400)
        await post.look()
    assert "same server as 'den'" in second.watcher.state.problem
    assert Transition.STOPPED not in post.transitions()
    assert len(post.recorded()) == 1


async def test_what_is_no_plex_says_to_check_the_url(post: Post, plex: LivingPlex):
    plex.faults.add(Fault('/identity', body=b'{"MediaContainer": {"size": 0}}'))
    await post.look()
    assert 'check its URL' in post.watcher.state.problem


async def test_a_mistake_of_ours_does_not_end_the_watch(
    post: Post, plex: LivingPlex, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def broken(*_: Any) -> Any:
        raise KeyError('oops')

    with monkeypatch.context() as patch:
        patch.setattr(watcher.tracker, 'observe', broken)
        await post.look()
    assert 'internal error' in post.watcher.state.problem
    assert 'KeyError' in caplog.text
    await post.look(after=10)
    assert post.watcher.state.problem == ''


async def test_plays_of_a_server_that_was_taken_out_end(
    post: Post, plex: LivingPlex, database: Database, hand_clock: HandClock
):
    film(plex)
    await post.look()
    known = [plex.machine]
    leftovers = Leftovers(post.watched, database, lambda: known, clock=hand_clock)
    hand_clock.go(600)
    assert await leftovers.look() == 0
    known.clear()
    assert await leftovers.look() == 1
    (play,) = post.recorded()
    assert play.stopped_at == play.seen_at
    assert await leftovers.look() == 0
    hand_clock.go(86_400)
    await leftovers.look()
    assert post.watched.servers() == []


async def test_asks_more_often_while_something_plays(post: Post, plex: LivingPlex):
    interval: Callable[[], float] = post.watcher._interval  # pyright: ignore[reportPrivateUsage]
    await post.look()
    assert interval() == Intervals().deaf
    film(plex)
    await post.look()
    assert interval() == Intervals().playing


async def test_a_stop_is_told_by_notification_and_one_snapshot(
    living_plex: LivingPlex, database: Database, hand_clock: HandClock
):
    async with wire.pool() as pool:
        address = plex_api.Address('den', living_plex.url, living_plex.token)
        outbox = Outbox(database)
        watching = Watcher(
            plex_api.PlexApi(address, pool, POLICY),
            Watched(database),
            database,
            clock=hand_clock,
            intervals=Intervals(playing=3600, idle=3600, deaf=3600),
            pace=Pace(first=0.02),
            apart=0.01,
        )
        async with running(watching.run()):
            await eventually(lambda: watching.state.realtime and living_plex.notices.listeners)
            session = film(living_plex)
            await eventually(lambda: watching.state.streams == 1)
            hand_clock.go(5)
            session.pause()
            await eventually(lambda: outbox.size() == 2)
            hand_clock.go(5)
            session.stop()
            await eventually(lambda: outbox.size() == 3)
            assert watching.state.streams == 0
        told = [event for _, event in outbox.pending()]
        assert [event.transition for event in told] == [
            Transition.STARTED, Transition.PAUSED, Transition.STOPPED,
        ]  # fmt: skip
        last = told[-1].play
        assert last.stopped_at == hand_clock.now
        assert (last.played_ms, last.paused_ms) == (5_000, 5_000)
        assert last.started_at == hand_clock.now - datetime.timedelta(seconds=10)
