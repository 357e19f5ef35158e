# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Stormy evenings: in the end the hub has every play that took place, and each of them once."""

from __future__ import annotations

import asyncio
import collections
import datetime
import random
from collections.abc import Callable, Generator

import pytest

from mediahub.engine import wire
from mediahub.playback import plex_api
from mediahub.playback.listener import Pace
from mediahub.playback.watcher import Intervals, Watcher
from mediahub.store.database import Database
from mediahub.store.outbox import Outbox
from mediahub.store.plays import Plays
from mediahub.store.watched import Watched
from mediahub.testing import plex_delivery
from mediahub.testing.clocks import HandClock
from mediahub.testing.evening import Evening
from mediahub.testing.faults import Fault
from mediahub.testing.plex_living import LivingPlex
from mediahub.testing.plex_sessions import Session
from mediahub.testing.tally import tally

from .post import POLICY, Post
from .waiting import eventually, running

pytestmark = pytest.mark.anyio

# How a snapshot can fail.
FAULTS = (
    Fault('/status/sessions', status=500),
    Fault('/status/sessions', status=429),
    Fault('/status/sessions', body=b''),
    Fault('/status/sessions', body=b'{"MediaContainer": {}}'),
    Fault('/status/sessions', body=b'{"MediaContainer": {"size": 3, "Metadata": []}}'),
    Fault('/status/sessions', body=b'<html>maintenance</html>'),
    Fault('/identity', status=503),
)


class Weather:
    """What goes wrong during an evening, one thing at a time and none longer than a minute.

    Attributes:
        troubles: How often what happened.
    """

    def __init__(self, post: Post, chance: random.Random):
        self._post = post
        self._chance = chance
        self._until: datetime.datetime | None = None
        self._over: Callable[[], None] = lambda: None
        self._quiet_until = post.clock.now
        self.away = False
        self.troubles: collections.Counter[str] = collections.Counter()

    def blow(self) -> None:
        """Begin or end a trouble."""
        now = self._post.clock.now
        if self._until is not None:
            if now >= self._until:
                self.calm()
        elif now >= self._quiet_until and self._chance.random() < 0.05:
            kinds = (self._fault, self._restart, self._hub, self._disk)
            trouble = self._chance.choice(kinds)
            self.troubles[trouble.__name__.strip('_')] += 1
            trouble()
            self._until = now + datetime.timedelta(seconds=self._chance.uniform(5, 60))

    def calm(self) -> None:
        """End it, and give the hub the time to find out what happened meanwhile."""
        self._over()
        self._over = lambda: None
        self._until = None
        self._quiet_until = self._post.clock.now + datetime.timedelta(seconds=60)

    def _fault(self) -> None:
        fault = self._post.plex.faults.add(self._chance.choice(FAULTS))
        self._over = lambda: self._post.plex.faults.remove(fault)

    def _restart(self) -> None:
        starting = self._chance.choice(['503', 'empty'])
        self._post.plex.restart(survivors=True, starting=starting)
        self._over = self._post.plex.ready

    def _hub(self) -> None:
        self.away = True

        def back() -> None:
            self.away = False
            self._post.anew()

        self._over = back

    def _disk(self) -> None:
        self._post.watched.full = True

        def room() -> None:
            self._post.watched.full = False

        self._over = room


def steps(evening: Evening, clock: HandClock, chance: random.Random) -> Generator[None]:
    """One evening, and the next one until it has begun to be told; a few seconds at a time."""
    while evening.number <= 1:
        evening.step()
        yield
        clock.go(chance.uniform(2, 12))


async def end(post: Post) -> None:
    """Let everything that still plays stop, and give it time to be noticed."""
    for session in post.plex.stage.sessions:
        session.stop()
    for _ in range(30):
        await post.look(after=10)


@pytest.mark.parametrize('seed', [1, 2])
async def test_a_stormy_evening_is_told_as_it_was(
    database: Database, hand_clock: HandClock, seed: int
):
    chance = random.Random(seed)  # noqa: S311 - an evening that can be repeated
    evening = Evening(hand_clock, speed=1, seed=seed, days=0)
    evening.plex.quirks.number_ids = chance.random() < 0.5
    post = Post(evening.plex, database, hand_clock)
    weather = Weather(post, chance)
    async with post.pool:
        for _ in steps(evening, hand_clock, chance):
            weather.blow()
            if not weather.away:
                await post.look()
        weather.calm()
        await end(post)
    assert weather.troubles.total() > 20
    recorded, truth = post.recorded(), evening.plex.truth
    count = tally(truth, recorded, shortest=datetime.timedelta(seconds=130))
    assert count.right, f'{count}\n{weather.troubles}'
    assert all(play.stopped_at for play in recorded)
    # Times: nothing is counted twice, and little is missed.
    played = sum(play.played_ms for play in recorded)
    really = sum(true.played_ms for true in truth)
    assert 0.97 < played / really < 1.01
    assert database.read('SELECT count(*) FROM watched') == [(0,)]


class Viewer:
    """Somebody who watches one thing after the other, none of them twice."""

    def __init__(self, plex: LivingPlex, number: int):
        self._plex = plex
        self._chance = random.Random(number)  # noqa: S311 - an evening that can be repeated
        self._person = plex.person(f'Viewer {number}')
        self._device = plex.device(f'Player {number}')
        rows = [*plex.shelves.of_kind('movie'), *plex.shelves.of_kind('episode')]
        self._rows = self._chance.sample(rows, len(rows))
        self._session: Session | None = None

    def act(self) -> None:
        """Do something, or nothing."""
        session, chance = self._session, self._chance
        if session is None or not session.live:
            if self._rows and chance.random() < 0.5:
                self._session = self._plex.play(self._person, self._device, self._rows.pop().id)
            return
        chosen = chance.random()
        if chosen < 0.08:
            session.stop()
        elif chosen < 0.2:
            session.pause()
        elif chosen < 0.4:
            session.resume()
        elif chosen < 0.45:
            session.buffer()
        elif chosen < 0.5:
            session.deliver(plex_delivery.picture('720', 4_000))
        elif chosen < 0.53 and self._rows:
            session.next(self._plex.playable(self._rows.pop().id))


async def test_a_network_that_breaks_doubles_and_reorders_loses_nothing(
    database: Database, hand_clock: HandClock
):
    plex = LivingPlex(hand_clock).stocked()
    quirks = plex.quirks
    quirks.triple_stops, quirks.repeats, quirks.shuffle = True, 1, 3
    quirks.frame_ids, quirks.text_sizes = 'mixed', True
    viewers = [Viewer(plex, number) for number in range(12)]
    outbox, record = Outbox(database), Plays(database)
    with plex.served() as serving:
        async with wire.pool() as pool:
            watcher = Watcher(
                plex_api.PlexApi(plex_api.Address('den', plex.url, plex.token), pool, POLICY),
                Watched(database, outbox),
                database,
                clock=hand_clock,
                intervals=Intervals(0.05, 0.05, 0.05, 0.05),
                pace=Pace(first=0.01, longest=0.05),
                apart=0.005,
            )
            async with running(watcher.run()):
                await eventually(lambda: watcher.state.realtime)
                for step in range(100):
                    for viewer in viewers:
                        viewer.act()
                    if step % 30 == 20:
                        await asyncio.to_thread(serving.drop_connections)
                    if step % 40 == 35:
                        await asyncio.to_thread(plex.restart, survivors=True)
                    await _look(watcher, hand_clock)
                    hand_clock.go(5)
                    plex.tick()
                for session in plex.stage.sessions:
                    session.stop()
                for _ in range(5):
                    hand_clock.go(10)
                    await _look(watcher, hand_clock)
                assert watcher.state.streams == 0
    told = [event for _, event in outbox.pending(100_000)]
    record.record(told)
    ids = {event.play.play_id for event in told}
    recorded = [play for play_id in ids if (play := record.find(play_id))]
    count = tally(plex.truth, recorded)
    assert count.right, str(count)
    assert len(recorded) == len(plex.truth) > 40
    assert watcher.listener.connections > 3


async def _look(watcher: Watcher, clock: HandClock) -> None:
    """Wait for a good snapshot of what is now."""
    await eventually(lambda: watcher.state.snapshot_at == clock.now, watcher.state.problem)
