# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""An evening of films on a living Plex, and another, and another, until somebody stops it.

    evening = Evening(clocks.real, speed=60)     # an hour of it takes a minute
    with evening.on_air():                       # evening.plex and evening.tv are served
        ...                                      # evening.plex.url, .token; evening.tv.url

Times are those of the clock; what runs faster is the films. So a hub that goes by the time of day
agrees with the server on when something was watched. Months of history lie before the first
evening. The same seed gives the same evenings.
"""

from __future__ import annotations

import contextlib
import datetime
import heapq
import itertools
import random
import threading
from collections.abc import Generator

from . import evening_library, evening_past
from .clocks import Clock
from .evening_cast import Cast
from .evening_scenes import CUES, House, Scene
from .plex_living import LivingPlex
from .plextv import PlexTv

# Between two evenings, in minutes of the evening.
NIGHT = 15.0

# How often a server tells of progress: seconds of the evening, and at the least of the clock.
_PROGRESS, _LEAST = 10.0, 1.0


class Evening:
    """Evenings on a server of their own.

    Attributes:
        plex: The server; its truth knows all that was played.
        tv: The plex.tv that goes with it.
        number: How many evenings have begun.
    """

    def __init__(self, clock: Clock, *, speed: float = 60.0, seed: int = 8, days: int = 120):
        self.plex = LivingPlex(clock, name='Demonstration', owner='Mira')
        self.plex.stage.pace = speed
        self._cast = Cast(self.plex)
        evening_library.stock(self.plex)
        evening_past.remember(self.plex, self._cast, days, random.Random(seed))  # noqa: S311
        self.tv = PlexTv(clock).around(self.plex)
        self.number = 0
        self._speed, self._seed = speed, seed
        self._waiting: list[tuple[datetime.datetime, int, Scene]] = []
        self._order = itertools.count()
        self._told = clock()

    # One step

    def step(self) -> None:
        """Do all that is due."""
        now = self.plex.clock()
        if not self._waiting:
            self._begin(now)
        while self._waiting and self._waiting[0][0] <= now:
            due, _, scene = heapq.heappop(self._waiting)
            self._go_on(due, scene)
        if (now - self._told).total_seconds() >= self._pulse:
            self._told = now
            self.plex.tick()

    @property
    def wait(self) -> float:
        """Seconds until something is due."""
        now = self.plex.clock()
        pulse = self._pulse - (now - self._told).total_seconds()
        due = (self._waiting[0][0] - now).total_seconds() if self._waiting else 0.0
        return max(0.0, min(due, pulse))

    @property
    def _pulse(self) -> float:
        return max(_PROGRESS / self._speed, min(_LEAST, _PROGRESS))

    def _begin(self, now: datetime.datetime) -> None:
        self.number += 1
        start = now if self.number == 1 else now + self._span(NIGHT)
        for place, cue in enumerate(CUES):
            if self.number % cue.every == 0:
                chance = random.Random(f'{self._seed}/{self.number}/{place}')  # noqa: S311 - a script
                begins = start + self._span(chance.uniform(cue.earliest, cue.latest))
                self._push(begins, cue.scene(House(self.plex, self._cast, chance)))

    def _push(self, due: datetime.datetime, scene: Scene) -> None:
        heapq.heappush(self._waiting, (due, next(self._order), scene))

    def _go_on(self, due: datetime.datetime, scene: Scene) -> None:
        minutes = next(scene, None)
        if minutes is not None:
            self._push(due + self._span(minutes), scene)

    def _span(self, minutes: float) -> datetime.timedelta:
        return datetime.timedelta(minutes=minutes / self._speed)

    # By itself

    def run(self, stop: threading.Event) -> None:
        """Go on until it is stopped."""
        while not stop.is_set():
            self.step()
            stop.wait(min(1.0, self.wait))

    @contextlib.contextmanager
    def on_air(self, plex_port: int = 0, tv_port: int = 0) -> Generator[Evening]:
        """Serve both and let evenings go by in a thread.

        Args:
            plex_port: Port of 127.0.0.1 for the server, a free one for 0.
            tv_port: Likewise for plex.tv.
        """
        stop = threading.Event()
        thread = threading.Thread(target=self.run, args=(stop,), daemon=True)
        with self.plex.served(plex_port, strict=False), self.tv.served(tv_port) as serving:
            self.tv.url = serving.url
            for server in self.tv.servers:
                server.address = self.plex.url
            thread.start()
            try:
                yield self
            finally:
                stop.set()
                thread.join()
                self.plex.hooks.close()
