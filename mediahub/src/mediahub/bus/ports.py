# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What a bus needs of the store, and what the rest of the hub gets of a bus."""

from __future__ import annotations

import dataclasses
import datetime
import enum
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from ..plays import PlaybackEvent
from ..store.letters import DeadLetter
from ..store.plays import Recorded

T = TypeVar('T')

Clock = Callable[[], datetime.datetime]


def utc_now() -> datetime.datetime:
    """The time."""
    return datetime.datetime.now(datetime.UTC)


class Runner(Protocol):
    """Does blocking work in a thread; see :meth:`mediahub.store.database.Database.run`."""

    def __call__(self, work: Callable[[], T], /) -> Awaitable[T]:
        """Do it, and answer what it answers."""
        ...


class Outbox(Protocol):
    """Events that were committed together with what the watcher knows, and not yet passed on."""

    def documents(self, limit: int) -> list[tuple[int, bytes]]:
        """The oldest ones with their numbers, in JSON."""
        ...

    def acknowledge(self, delivered: Sequence[int]) -> None:
        """Forget those; committed when this returns."""
        ...

    def size(self) -> int:
        """How many there are."""
        ...


class Plays(Protocol):
    """Where events become plays."""

    def record(self, events: Sequence[PlaybackEvent]) -> Recorded:
        """Take in a batch, all of it or nothing; committed when this returns."""
        ...


class DeadLetters(Protocol):
    """Where dead letters are kept when there is no broker for them."""

    def add(self, letters: Sequence[DeadLetter]) -> None:
        """Keep those; committed when this returns."""
        ...


class State(enum.Enum):
    """How a bus is.

    Attributes:
        STARTING: It has not moved anything yet.
        RUNNING: All is well.
        WAITING: Something is in the way: broker away, disk full. Events wait in the outbox.
        STOPPED: It does not run any more.
    """

    STARTING = 'starting'
    RUNNING = 'running'
    WAITING = 'waiting'
    STOPPED = 'stopped'


@dataclasses.dataclass(frozen=True, slots=True)
class Status:
    """A bus at this moment, for readiness and metrics.

    Attributes:
        transport: ``local`` or ``nats``.
        reason: What is in the way, in one line; empty where nothing is.
        warning: What an operator should look at although all is moving; empty where nothing is.
        outbox: Events that wait to be passed on, as far as was last seen.
        behind: Events in the broker's stream that this hub has not read; None without a broker.
        recorded: Events that told something, since the start.
        repeated: Events that were known already, since the start.
        published: Events that the broker confirmed, since the start.
        dead: Dead letters since the start.
        lag: Seconds from the last event to its commit; None before the first.
    """

    transport: str
    state: State
    reason: str = ''
    warning: str = ''
    outbox: int = 0
    behind: int | None = None
    recorded: int = 0
    repeated: int = 0
    published: int = 0
    dead: int = 0
    lag: float | None = None


class Bus(Protocol):
    """Takes events from the outbox to the recorder."""

    async def run(self) -> None:
        """Work until cancelled. Whatever goes wrong outside is waited for, never raised."""
        ...

    def wake(self) -> None:
        """There is something new in the outbox."""
        ...

    @property
    def status(self) -> Status:
        """How it is."""
        ...
