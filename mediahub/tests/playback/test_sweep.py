# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import datetime
import random
from collections.abc import AsyncGenerator, Callable
from typing import Any

import httpx2
import pytest

from mediahub import plays
from mediahub.engine import wire
from mediahub.playback import plex_api
from mediahub.playback.sweep import Sweep
from mediahub.store.database import Database
from mediahub.store.outbox import Outbox
from mediahub.store.plays import Plays
from mediahub.testing.clocks import HandClock
from mediahub.testing.faults import Fault
from mediahub.testing.http import Answer, Asked, InProcess, answer_json
from mediahub.testing.plex_living import LivingPlex

pytestmark = pytest.mark.anyio

POLICY = wire.Policy(attempts=1, wait=0)


class Broom:
    """A sweep of the living Plex."""

    def __init__(self, plex: LivingPlex, database: Database, clock: HandClock):
        self.plex, self.database, self.clock = plex, database, clock
        self.record = Plays(database)
        self.outbox = Outbox(database)
        self.asked: list[Asked] = []
        self.machine = plex.machine
        self.bend: Callable[[Asked, Answer], Answer] = lambda asked, answer: answer
        self.viewed_at = clock.now
        self.pool: httpx2.AsyncClient = wire.pool(InProcess(self._answer))

    def _answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        fault = self.plex.faults.take(asked)
        answer = (fault.answer() if fault else None) or self.plex(asked)
        return self.bend(asked, answer)

    def pages(self) -> int:
        return sum(asked.path == '/status/sessions/history/all' for asked in self.asked)

    def sweep(self, page: int = 10) -> Sweep:
        address = plex_api.Address('den', 'http://plex.test', self.plex.token)
        return Sweep(
            plex_api.PlexApi(address, self.pool, POLICY),
            self.record,
            self.database,
            machine=lambda: self.machine,
            outbox=self.outbox,
            clock=self.clock,
            page=page,
        )

    def kept(self) -> list[plays.Play]:
        """What the hub has, in the order of the ends."""
        rows = self.database.read('SELECT play_id::VARCHAR FROM finished_plays')
        found = [play for (play_id,) in rows if (play := self.record.find(play_id))]
        return sorted(found, key=lambda play: play.seen_at)

    def view(self, count: int, apart: float = 7200, account: int = 1) -> None:
        """Let a viewer see films to their end."""
        films = self.plex.shelves.of_kind('movie')
        device = self.plex.device('TV')
        for number in range(count):
            self.clock.go(apart)
            node = self.plex.shelves.node(films[number % len(films)])
            self.plex.history.add(node, self.plex.seconds(), account, device.id)
        self.viewed_at = self.clock.now
        self.clock.go(300)


@pytest.fixture
async def broom(database: Database, hand_clock: HandClock) -> AsyncGenerator[Broom]:
    made = Broom(LivingPlex(hand_clock).stocked(), database, hand_clock)
    async with made.pool:
        yield made


async def test_the_first_sweep_reads_everything_page_by_page(broom: Broom):
    broom.view(35)
    sweep = broom.sweep()
    assert await sweep.try_once()
    assert len(broom.kept()) == 35
    assert broom.pages() == 4
    assert (sweep.state.read, sweep.state.new, sweep.state.problem) == (35, 35, '')
    assert sweep.state.reached == broom.viewed_at


async def test_an_entry_tells_who_what_when_and_with_what(broom: Broom):
    anna = broom.plex.person('Anna')
    broom.view(1, account=anna.id)
    await broom.sweep().try_once()
    (play,) = broom.kept()
    film = broom.plex.shelves.of_kind('movie')[0]
    assert play.source is plays.Source.PLEX_HISTORY
    assert play.stream.decision is plays.Decision.UNKNOWN
    assert (play.viewer.account_id, play.viewer.name) == (str(anna.id), 'Anna')
    assert play.player.title == 'TV'
    assert play.item.duration_ms == film.duration_ms
    assert play.stopped_at == broom.viewed_at
    assert play.stopped_at is not None
    length = datetime.timedelta(milliseconds=film.duration_ms)
    assert play.started_at == play.stopped_at - length
    assert (play.played_ms, play.percent) == (film.duration_ms, 100)


async def test_a_later_sweep_begins_two_intervals_before(broom: Broom):
    broom.view(30)
    await broom.sweep().try_once()
    broom.view(1)
    broom.asked.clear()
    sweep = broom.sweep()
    await sweep.try_once()
    assert (sweep.state.read, sweep.state.new) == (2, 1)
    first = next(asked for asked in broom.asked if 'history' in asked.path)
    reached = broom.viewed_at - datetime.timedelta(seconds=7500)
    assert first.first('viewedAt>') == str(int(reached.timestamp()) - 600)


async def test_what_the_server_enters_late_is_found(broom: Broom):
    broom.view(5)
    await broom.sweep().try_once()
    film = broom.plex.shelves.node(broom.plex.shelves.of_kind('movie')[0])
    broom.plex.history.add(film, broom.plex.seconds() - 700, 1, 1)
    await broom.sweep().try_once()
    assert len(broom.kept()) == 6


async def test_a_sweep_that_broke_off_goes_on_where_it_was(broom: Broom):
    broom.view(50)
    pages = 0

    def bend(asked: Asked, answer: Answer) -> Answer:
        nonlocal pages
        pages += 'history' in asked.path
        return Answer(503) if pages == 4 and 'history' in asked.path else answer

    broom.bend = bend
    sweep = broom.sweep()
    assert not await sweep.try_once()
    assert (len(broom.kept()), sweep.state.read) == (30, 30)
    assert '503' in sweep.state.problem
    again = broom.sweep()
    assert await again.try_once()
    assert len(broom.kept()) == 50
    assert again.state.read < 25


async def test_a_server_that_sorts_in_its_own_way_is_read_whole_before_it_counts(broom: Broom):
    broom.view(30)
    chance = random.Random(1)  # noqa: S311 - an order that can be repeated

    def bend(asked: Asked, answer: Answer) -> Answer:
        if 'history' not in asked.path:
            return answer
        whole = broom.plex.history.answer(Asked('GET', asked.path, (), {}), 0, None)
        rows = list(whole['Metadata'])
        chance.seed(1)
        chance.shuffle(rows)
        start = asked.number('X-Plex-Container-Start', 0)
        if start == 20 and broken:
            return Answer(500)
        page = rows[start : start + 10]
        return answer_json({'MediaContainer': {'totalSize': 30, 'Metadata': page}})

    broom.bend, broken = bend, True
    assert not await broom.sweep().try_once()
    broken = False
    assert await broom.sweep().try_once()
    assert len(broom.kept()) == 30


async def test_a_server_that_knows_no_pages_is_read_once(broom: Broom):
    broom.view(25)

    def bend(asked: Asked, answer: Answer) -> Answer:
        if 'history' not in asked.path:
            return answer
        whole = broom.plex.history.answer(Asked('GET', asked.path, (), {}), 0, None)
        return answer_json({'MediaContainer': {'Metadata': whole['Metadata']}})

    broom.bend = bend
    assert await broom.sweep().try_once()
    assert len(broom.kept()) == 25
    assert broom.pages() == 2


async def test_a_season_marked_as_watched_was_played_for_no_time(broom: Broom):
    broom.clock.go(86_400)
    shelves, device = broom.plex.shelves, broom.plex.device('TV')
    episodes = shelves.of_kind('episode')
    for episode in episodes:
        broom.plex.history.add(shelves.node(episode), broom.plex.seconds(), 1, device.id)
    broom.clock.go(300)
    await broom.sweep(page=1000).try_once()
    played = sorted(play.played_ms for play in broom.kept())
    assert played == [0] * (len(episodes) - 1) + [episodes[0].duration_ms]


async def test_items_that_are_gone_keep_their_title(broom: Broom):
    broom.view(2)
    film = broom.plex.shelves.of_kind('movie')[0]
    broom.plex.remove(film.id)
    await broom.sweep().try_once()
    gone, _ = broom.kept()
    assert (gone.item.title, gone.item.rating_key, gone.item.duration_ms) == (film.title, '', None)
    assert (gone.played_ms, gone.percent) == (0, None)


async def test_a_clock_that_runs_ahead_does_not_hide_what_comes(broom: Broom):
    broom.view(1)
    film = broom.plex.shelves.node(broom.plex.shelves.of_kind('movie')[0])
    broom.plex.history.add(film, broom.plex.seconds() + 90 * 86_400, 1, 1)
    sweep = broom.sweep()
    await sweep.try_once()
    assert sweep.state.reached == broom.viewed_at
    broom.view(1)
    await broom.sweep().try_once()
    assert len(broom.kept()) == 2  # the third comes when its time has come


async def test_what_ended_a_moment_ago_is_left_for_the_next_time(broom: Broom):
    broom.view(1)
    film = broom.plex.shelves.node(broom.plex.shelves.of_kind('movie')[1])
    broom.plex.history.add(film, broom.plex.seconds(), 1, 1)
    await broom.sweep().try_once()
    assert len(broom.kept()) == 1
    broom.clock.go(130)
    await broom.sweep().try_once()
    assert len(broom.kept()) == 2


async def test_nothing_is_imported_while_the_bus_is_behind(broom: Broom):
    broom.view(3)
    watched = plays.Play(
        play_id=plays.play_id('m', 's', '1', '1', 0), server='m', started_at=broom.viewed_at,
        seen_at=broom.viewed_at, item=plays.Item(rating_key='1'),
    )  # fmt: skip
    broom.outbox.add(
        [
            plays.PlaybackEvent(
                event_id='e', transition=plays.Transition.STARTED, at=broom.viewed_at, play=watched
            )
        ]
    )
    sweep = broom.sweep()
    assert not await sweep.try_once()
    assert 'bus is behind' in sweep.state.problem
    assert (broom.asked, broom.kept()) == ([], [])
    broom.outbox.acknowledge(10)
    assert await sweep.try_once()
    assert len(broom.kept()) == 3


async def test_waits_until_the_server_is_known(broom: Broom):
    broom.machine = ''
    sweep = broom.sweep()
    assert not await sweep.try_once()
    assert (broom.asked, sweep.state.problem, sweep.state.done_at) == ([], '', None)


async def test_asks_for_many_items_at_once_and_for_none_twice(broom: Broom):
    broom.view(40)
    sweep = broom.sweep()
    await sweep.try_once()
    await sweep.try_once()
    items = [asked.path for asked in broom.asked if asked.path.startswith('/library/metadata')]
    assert len(items) == 1


async def test_a_failure_is_told_without_a_secret(broom: Broom, caplog: Any):
    broom.plex.faults.add(Fault('/accounts', status=401))
    sweep = broom.sweep()
    assert not await sweep.try_once()
    assert '401' in sweep.state.problem
    assert broom.plex.token not in sweep.state.problem + caplog.text
