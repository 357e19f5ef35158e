# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A watcher with everything around it, asked by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import httpx2

from mediahub import plays
from mediahub.engine import breaker, wire
from mediahub.playback import plex_api
from mediahub.playback.watcher import Watcher, WatchState
from mediahub.plays import Transition
from mediahub.store.database import Database, StoreError
from mediahub.store.outbox import Outbox
from mediahub.store.plays import Plays
from mediahub.store.watched import Watched
from mediahub.testing.clocks import HandClock
from mediahub.testing.http import InProcess
from mediahub.testing.plex_living import LivingPlex

# Patient with a double that fails on purpose: a breaker would only be in the way.
POLICY = wire.Policy(attempts=1, wait=0, timeout=5, limits=breaker.Limits(minimum=10_000))


class Full(Watched):
    """Keeps things while there is room on the disk."""

    full = False

    def commit(
        self,
        changed: Sequence[plays.Play],
        ended: Sequence[str],
        events: Sequence[plays.PlaybackEvent],
    ) -> None:
        if self.full:
            raise StoreError('the disk is full; make room')
        super().commit(changed, ended, events)


class Post:
    """A watcher of the living Plex without a network, asked by hand.

    Attributes:
        renewed: The token that somebody has put where the hub reads it.
        before_the_answer: What happens while the server takes its time; is given the request.
    """

    def __init__(self, plex: LivingPlex, database: Database, clock: HandClock, name: str = 'den'):
        self.plex, self.database, self.clock, self.name = plex, database, clock, name
        self.watched = Full(database)
        self.outbox = Outbox(database)
        self.told: list[WatchState] = []
        self.woken = 0
        self.renewed = ''
        self.before_the_answer: Callable[[Any], object] | None = None
        self.claims: dict[str, str] = {}
        self.transport: httpx2.AsyncBaseTransport = InProcess(self._answer)
        self.pool = wire.pool(self.transport)
        self.watcher = self.anew()

    def _answer(self, asked: Any) -> Any:
        if self.before_the_answer:
            self.before_the_answer(asked)
        fault = self.plex.faults.take(asked)
        return (fault.answer() if fault else None) or self.plex(asked)

    def anew(self, token: str | None = None) -> Watcher:
        """The watcher after a restart of the hub."""
        address = plex_api.Address(self.name, 'http://plex.test', token or self.plex.token)
        self.watcher = Watcher(
            plex_api.PlexApi(address, self.pool, POLICY),
            self.watched,
            self.database,
            clock=self.clock,
            realtime=False,
            wake=self._wake,
            claims=self.claims,
            told=self.told.append,
            renew=self._renewed,
        )
        return self.watcher

    async def _renewed(self, refused: str) -> bool:
        if self.renewed in ('', refused):
            return False
        self.watcher.api.renew(self.renewed)
        return True

    def _wake(self) -> None:
        self.woken += 1

    async def look(self, after: float = 0) -> None:
        """Let time pass, and have a snapshot taken."""
        self.clock.go(after)
        await self.watcher.snapshot()

    def transitions(self) -> list[Transition]:
        return [event.transition for _, event in self.outbox.pending()]

    def recorded(self) -> list[plays.Play]:
        """Every play as the database of the hub has it after the bus."""
        record = Plays(self.database)
        pending = self.outbox.pending(1_000_000)
        record.record([event for _, event in pending])
        ids = dict.fromkeys(event.play.play_id for _, event in pending)
        return [play for play_id in ids if (play := record.find(play_id))]
