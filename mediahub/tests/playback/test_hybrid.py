# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The watcher, the server's history and a Tautulli tell of the same evening: each play is one."""

from __future__ import annotations

import datetime
import itertools
import random

import pytest

from mediahub import plays
from mediahub.engine import wire
from mediahub.playback import plex_api
from mediahub.playback.sweep import Sweep
from mediahub.playback.tautulli import Tautulli
from mediahub.playback.tautulli_import import TautulliImport
from mediahub.store.database import Database
from mediahub.store.plays import Plays
from mediahub.testing.clocks import HandClock
from mediahub.testing.evening import Evening
from mediahub.testing.http import InProcess
from mediahub.testing.plex_people import TruePlay
from mediahub.testing.tally import tally
from mediahub.testing.tautulli import Row, TautulliDouble, User

from .post import POLICY, Post

pytestmark = pytest.mark.anyio


def told(double: TautulliDouble, true: TruePlay) -> None:
    """Have a Tautulli record a play, a few seconds late as it does."""
    assert true.stopped is not None
    users = {user.user_id: user for user in double.users}
    number = true.person.plextv
    if number not in users:
        users[number] = User(number, true.person.name)
        double.users.append(users[number])
    late = datetime.timedelta(seconds=random.Random(true.title).uniform(0, 8))  # noqa: S311
    seconds = int((true.stopped - true.started).total_seconds())
    double.rows.append(
        Row(
            users[number], true.started + late, seconds, true.paused_ms // 1000,
            fields={
                'rating_key': int(true.rating_key),
                'title': true.title,
                'guid': '',
                'machine_id': true.device.client_id,
                'media_type': 'episode' if true.kind == 'live' else true.kind,
                'live': int(true.kind == 'live'),
            },
        )
    )  # fmt: skip


class Three:
    """The three who tell of an evening, and the hub that hears them."""

    def __init__(self, evening: Evening, post: Post, clock: HandClock):
        self.plex, self.post, self.clock = evening.plex, post, clock
        self.record = Plays(post.database)
        self.double = TautulliDouble(self.plex.machine)
        self.double.users[0].user_id = self.plex.owner.plextv
        self.pool = wire.pool(InProcess(self.double))
        self.begun = clock.now
        self._written: set[int] = set()
        api = plex_api.PlexApi(
            plex_api.Address('den', 'http://plex.test', self.plex.token), post.pool, POLICY
        )
        self.sweep = Sweep(
            api, self.record, post.database, machine=lambda: self.plex.machine,
            outbox=post.outbox, clock=clock,
        )  # fmt: skip
        self.tautulli = Tautulli('http://t.test', self.double.api_key, self.pool, POLICY)
        self.imports = self.importing(post.database)

    def importing(self, waypoints: Database) -> TautulliImport:
        """Takes over what Tautulli recorded; it remembers in a database how far it came."""
        return TautulliImport(
            self.tautulli, self.record, waypoints, outbox=self.post.outbox, clock=self.clock
        )

    def write(self) -> None:
        """Have Tautulli record what has ended."""
        for number, true in enumerate(self.plex.truth):
            if true.stopped and number not in self._written:
                self._written.add(number)
                told(self.double, true)

    async def watch(self) -> None:
        """Have the watcher look, and the bus bring what it told to the database."""
        await self.post.look()
        waiting = self.post.outbox.pending(100_000)
        if waiting:
            self.record.record([event for _, event in waiting])
            self.post.outbox.acknowledge([number for number, _ in waiting])

    def recorded(self) -> list[plays.Play]:
        """What the hub has of the evening."""
        rows = self.post.database.read('SELECT play_id::VARCHAR FROM finished_plays')
        found = [play for (play_id,) in rows if (play := self.record.find(play_id))]
        return [play for play in found if play.seen_at > self.begun]


async def test_an_evening_that_three_tell_of_has_each_play_once(
    database: Database, hand_clock: HandClock
):
    evening = Evening(hand_clock, speed=1, days=0)
    three = Three(evening, Post(evening.plex, database, hand_clock), hand_clock)
    chance = random.Random(5)  # noqa: S311 - an evening that can be repeated
    async with three.post.pool, three.pool:
        for step in itertools.count():
            if evening.number > 1:
                break
            evening.step()
            three.write()
            if step // 200 % 2 == 0:  # half of the time the hub is not there at all
                await three.watch()
                if step % 50 == 0:
                    assert await three.sweep.try_once(), three.sweep.state.problem
                if step % 75 == 0:
                    assert await three.imports.try_once(), three.imports.state.problem
            elif step % 200 == 199:
                three.post.anew()
            hand_clock.go(chance.uniform(6, 14))
        for session in evening.plex.stage.sessions:
            session.stop()
        three.write()
        for _ in range(40):
            hand_clock.go(10)
            await three.watch()
        assert await three.sweep.try_once()
        assert await three.imports.try_once()
        before = len(three.recorded())
        with Database() as empty:  # once more, from the beginning
            assert await three.importing(empty).try_once()
    recorded = three.recorded()
    assert len(recorded) == before
    count = tally(evening.plex.truth, recorded)
    assert count.right, str(count)
    sources = {play.source for play in recorded}
    assert sources == {plays.Source.PLEX, plays.Source.TAUTULLI}
