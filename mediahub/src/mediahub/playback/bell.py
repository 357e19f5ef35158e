# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Turns any number of rings into a few snapshots, one at a time.

Whatever pushes only rings: a websocket, an event source, a webhook, the timer. A server is asked
at most every half second, and one that takes long to answer rests as long as it took. What the hub
does with the answer is none of the server's trouble, and nobody waits for it twice.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

TIMER = 'timer'

# A server that needs longer than this for an answer is not left alone for as long.
_LONGEST_REST = 10.0


class Time(Protocol):
    """Monotonic seconds, and waiting."""

    def now(self) -> float:
        """Seconds since some moment."""
        ...

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        """Return when the event is set, at the latest after so many seconds."""
        ...


class RealTime:
    """The time of this machine."""

    def now(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        """Return when the event is set, at the latest after so many seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await event.wait()


class Bell:
    """Rings for a snapshot. Ring it on the event loop that answers it.

    Args:
        apart: Seconds between the beginnings of two snapshots.
        clock: Monotonic time.

    Attributes:
        rings: How often it was rung, by reason.
    """

    def __init__(self, apart: float = 0.5, clock: Time | None = None):
        self.rings: collections.Counter[str] = collections.Counter()
        self._apart = apart
        self._clock = clock or RealTime()
        self._rung = asyncio.Event()
        self._reasons: set[str] = set()

    def ring(self, reason: str) -> None:
        """Ask for a snapshot; while one is under way this asks for another one after it.

        Args:
            reason: A word of a small vocabulary, for metrics.
        """
        self.rings[reason] += 1
        self._reasons.add(reason)
        self._rung.set()

    async def answer(
        self,
        snapshot: Callable[[frozenset[str]], Awaitable[float]],
        interval: Callable[[], float],
    ) -> None:
        """Take snapshots until cancelled: the first at once, then at every ring or interval.

        Args:
            snapshot: Takes one; gets the reasons, and answers how many seconds the server needed.
                What it raises ends this.
            interval: Seconds after which one is due without a ring.
        """
        never = asyncio.Event()
        while True:
            reasons = frozenset(self._reasons) or frozenset({TIMER})
            self._reasons.clear()
            self._rung.clear()
            began = self._clock.now()
            needed = await snapshot(reasons)
            await self._clock.wait(self._rung, began + interval() - self._clock.now())
            rest = max(self._apart, needed + min(needed, _LONGEST_REST))
            if (left := began + rest - self._clock.now()) > 0:
                await self._clock.wait(never, left)
