# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A circuit breaker: stops asking a server that keeps failing, and tries again later.

It opens when at least ``minimum`` calls ended within ``window`` seconds and the share of failures
among them reached ``ratio``. After ``rest`` seconds it lets ``probes`` calls through at a time;
that many successes in a row close it, one failure opens it again.
"""

from __future__ import annotations

import collections
import dataclasses
import enum
import time
from collections.abc import Callable

from . import errors

Clock = Callable[[], float]


class Circuit(enum.Enum):
    """State of a breaker."""

    CLOSED = 'closed'
    OPEN = 'open'
    HALF_OPEN = 'half-open'


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """When a breaker opens and closes; times are seconds."""

    ratio: float = 0.6
    minimum: int = 10
    window: float = 60.0
    rest: float = 30.0
    probes: int = 2


class Breaker:
    """Guards the calls to one server.

    Args:
        server: Name for errors.
        limits: When to open and close.
        clock: Monotonic seconds.
    """

    def __init__(self, server: str, limits: Limits | None = None, clock: Clock = time.monotonic):
        self._server = server
        self._limits = limits or Limits()
        self._clock = clock
        self._calls: collections.deque[tuple[float, bool]] = collections.deque()
        self._opened_at: float | None = None
        self._probing = 0
        self._proven = 0

    @property
    def circuit(self) -> Circuit:
        """The state just now."""
        if self._opened_at is None:
            return Circuit.CLOSED
        rested = self._clock() - self._opened_at >= self._limits.rest
        return Circuit.HALF_OPEN if rested else Circuit.OPEN

    def admit(self) -> None:
        """Let a call pass; exactly one of the three others must follow it.

        Raises:
            CircuitOpen: The call must not be made.
        """
        circuit = self.circuit
        if circuit is Circuit.CLOSED:
            return
        if circuit is Circuit.OPEN or self._probing >= self._limits.probes:
            raise errors.CircuitOpen(self._server, self._remaining())
        self._probing += 1

    def succeeded(self) -> None:
        """The server answered, if only to refuse."""
        if self._opened_at is None:
            self._note(True)
            return
        self.abandoned()
        self._proven += 1
        if self._proven >= self._limits.probes:
            self._close()

    def failed(self) -> None:
        """The server could not be reached, was too late, or failed."""
        if self._opened_at is not None:
            self._open()
            return
        self._note(False)
        if self._too_many():
            self._open()

    def abandoned(self) -> None:
        """The caller gave up; that says nothing about the server."""
        self._probing = max(0, self._probing - 1)

    def _remaining(self) -> float:
        opened = self._opened_at if self._opened_at is not None else self._clock()
        return max(0.0, opened + self._limits.rest - self._clock())

    def _note(self, success: bool) -> None:
        now = self._clock()
        self._calls.append((now, success))
        while self._calls and now - self._calls[0][0] > self._limits.window:
            self._calls.popleft()

    def _too_many(self) -> bool:
        failures = sum(not success for _, success in self._calls)
        enough = len(self._calls) >= self._limits.minimum
        return enough and failures / len(self._calls) >= self._limits.ratio

    def _open(self) -> None:
        self._opened_at = self._clock()
        self._probing = self._proven = 0

    def _close(self) -> None:
        self._opened_at = None
        self._probing = self._proven = 0
        self._calls.clear()
