# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Records batches of events, and tells whoever listens after the commit.

One event that the store refuses does not keep the others out: a batch that fails is halved until
what is at fault stands alone. A store that takes nothing at all is another matter; then nothing is
at fault but the store, and the caller keeps everything and tries again.
"""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

import duckdb

from ..engine.errors import MediaHubError
from ..plays import Play, PlaybackEvent
from . import ports, waiting

T = TypeVar('T')

_logger = logging.getLogger(__name__)

# DuckDB's words for rows that it cannot keep, whatever the state of disk and memory.
_DATA_ERRORS = (
    duckdb.DataError,
    duckdb.IntegrityError,
    duckdb.InvalidInputException,
    duckdb.InvalidTypeException,
)


class StoreUnavailable(MediaHubError):
    """The store takes nothing at the moment."""


@dataclasses.dataclass(frozen=True, slots=True)
class Refused:
    """An event that the store does not take.

    Attributes:
        place: Its place in the batch.
        reason: In one line.
        certain: Whether the event is at fault beyond doubt.
    """

    place: int
    reason: str
    certain: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Committed:
    """What listeners are told.

    Attributes:
        events: Those of a batch that told something new.
        finished: Plays that ended with them.
    """

    events: Sequence[PlaybackEvent]
    finished: Sequence[Play]


Listener = Callable[[Committed], None]


class Recorder:
    """Records events in the hub's database.

    Args:
        plays: Where they become plays.
        run: Does blocking work in a thread.
        clock: The time.

    Attributes:
        recorded: Events that told something, since the start.
        repeated: Events that were known already.
        lags: Seconds from event to commit, of the last few thousand new events.
    """

    def __init__(self, plays: ports.Plays, run: ports.Runner, clock: ports.Clock = ports.utc_now):
        self._plays = plays
        self._run = run
        self._clock = clock
        self._listeners: list[Listener] = []
        self.recorded = 0
        self.repeated = 0
        self.lags: collections.deque[float] = collections.deque(maxlen=4096)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Tell a listener of each batch after its commit; call the answer to end that.

        A listener runs on the event loop and must not block.
        """
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def record(self, events: Sequence[PlaybackEvent]) -> list[Refused]:
        """Commit a batch; the answer names the events that the store refused.

        Raises:
            StoreUnavailable: The store takes nothing. Parts of the batch may be committed;
                recording them once more does no harm.
        """
        refused = await self._split(events, 0)
        if refused and len(refused) == len(events) and not all(row.certain for row in refused):
            raise StoreUnavailable(refused[0].reason)
        return refused

    async def _split(self, events: Sequence[PlaybackEvent], place: int) -> list[Refused]:
        """Commit what can be; places in the answer count from the one given."""
        if not events:
            return []
        try:
            refused = await uninterrupted(self._commit(events))
        except Exception as error:
            if _is_about_the_store(error):
                raise StoreUnavailable(waiting.explained(error)) from error
            if len(events) == 1:
                reason = waiting.explained(error)
                return [Refused(place, reason, _is_about_the_event(error))]
        else:
            return [Refused(place + at, reason, True) for at, reason in refused]
        half = len(events) // 2
        first = await self._split(events[:half], place)
        return first + await self._split(events[half:], place + half)

    async def _commit(self, events: Sequence[PlaybackEvent]) -> list[tuple[int, str]]:
        """Commit all, and answer which of them the store set aside."""
        outcome = await self._run(lambda: self._plays.record(events))
        self.recorded += outcome.new
        self.repeated += outcome.known
        if outcome.told:
            self._measure(outcome.told)
            self._tell(Committed(outcome.told, outcome.finished))
        aside = {id(event): reason for event, reason in outcome.refused}
        return [(at, aside[id(event)]) for at, event in enumerate(events) if id(event) in aside]

    def _measure(self, events: Sequence[PlaybackEvent]) -> None:
        moment = self._clock()
        # Another hub's clock may be ahead of ours.
        self.lags.extend(max(0.0, (moment - event.at).total_seconds()) for event in events)

    def _tell(self, committed: Committed) -> None:
        for listener in tuple(self._listeners):
            try:
                listener(committed)
            except Exception:
                _logger.exception('a listener of the live feed failed')


async def uninterrupted(work: Coroutine[Any, Any, T]) -> T:
    """Do something to its end even when the caller is cancelled, who then hears of it.

    What was committed is told to listeners, or a browser would go on showing a play that ended.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def _is_about_the_event(error: Exception) -> bool:
    causes = (error, error.__cause__)
    return any(isinstance(cause, (*_DATA_ERRORS, ValueError, OverflowError)) for cause in causes)


def _is_about_the_store(error: Exception) -> bool:
    """Whether it is an error of the database that no event can be blamed for."""
    database = isinstance(error, MediaHubError | duckdb.Error)
    return database and not _is_about_the_event(error)
