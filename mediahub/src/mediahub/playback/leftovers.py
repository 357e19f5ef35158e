# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Ends the plays of servers that nobody watches any more: they were taken out of the settings."""

from __future__ import annotations

import asyncio
import datetime
import logging
from collections.abc import Callable, Iterable

from ..store.database import Database, StoreError
from ..store.watched import Watched
from . import tracker
from .timing import RULES, Rules

_logger = logging.getLogger(__name__)

_EVERY = 60.0


class Leftovers:
    """Plays that were followed when the hub last ran, on servers that it does not watch now.

    Args:
        watched: What was followed.
        database: Runs the store's calls.
        machines: Machine identifiers of the servers that are watched, as far as they are known.
        wake: Called when there are events for the bus.
        clock: The time, aware and in UTC.
        rules: When a play has ended.
    """

    def __init__(
        self,
        watched: Watched,
        database: Database,
        machines: Callable[[], Iterable[str]],
        *,
        wake: Callable[[], object] = lambda: None,
        clock: Callable[[], datetime.datetime] = lambda: datetime.datetime.now(datetime.UTC),
        rules: Rules = RULES,
    ):
        self._watched = watched
        self._database = database
        self._machines = machines
        self._wake = wake
        self._clock = clock
        self._rules = rules

    async def run(self) -> None:
        """Look once a minute, until cancelled; watchers come first."""
        while True:
            await asyncio.sleep(_EVERY)
            try:
                await self.look()
            except StoreError as error:
                _logger.warning('%s', error)

    async def look(self) -> int:
        """End what is over; returns how many plays that were.

        A server may be watched without being known yet, since it has not answered so far. So a
        play is ended like any other that is not seen, and its watcher can still continue it.
        """
        ended = 0
        for server in await self._database.run(self._watched.servers):
            if server not in set(self._machines()):
                ended += await self._database.run(lambda server=server: self._end(server))
        if ended:
            self._wake()
        return ended

    def _end(self, server: str) -> int:
        state = tracker.restore(self._watched.load(server))
        step = tracker.silence(server, state, self._clock(), self._rules)
        self._watched.commit(step.changed, step.ended, step.events)
        return len(step.events)
