# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Clocks for doubles: one that is turned by hand, and one that goes faster than life."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable

# Tells the time, aware and in UTC.
Clock = Callable[[], datetime.datetime]

# A winter's evening.
EVENING = datetime.datetime(2026, 1, 17, 20, 0, tzinfo=datetime.UTC)


class HandClock:
    """A clock that stands still until it is moved.

    Attributes:
        now: What it shows.
    """

    def __init__(self, now: datetime.datetime = EVENING):
        self.now = now

    def __call__(self) -> datetime.datetime:
        """The time."""
        return self.now

    def go(self, seconds: float) -> None:
        """Move on, or back where ``seconds`` is negative, as a clock that is set right does."""
        self.now += datetime.timedelta(seconds=seconds)


class FastClock:
    """A clock that starts at a time and goes ``speed`` times as fast as the real one."""

    def __init__(self, start: datetime.datetime, speed: float = 1.0):
        self._start = start
        self._speed = speed
        self._began = time.monotonic()

    def __call__(self) -> datetime.datetime:
        """The time."""
        passed = (time.monotonic() - self._began) * self._speed
        return self._start + datetime.timedelta(seconds=passed)


def real() -> datetime.datetime:
    """The time of this machine."""
    return datetime.datetime.now(datetime.UTC)
