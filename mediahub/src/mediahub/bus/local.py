# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The bus of a hub by itself: from the outbox straight into the recorder.

Events leave the outbox when their plays are committed. A process that is killed between the two
records some events twice, which changes nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence

from ..plays import PlaybackEvent
from ..store.letters import DeadLetter
from . import ports, subjects, waiting
from .recorder import Recorder, Refused

_logger = logging.getLogger(__name__)

BATCH = 500

# A wake-up can be missed only by a programming error; this is how long that would take.
IDLE = 5.0

# How often an event that is refused beside others that are not is tried.
ATTEMPTS = 5

# Seconds from one such attempt to the next.
AGAIN = 0.5


class LocalBus:
    """Moves events within the process.

    Args:
        outbox: Where they come from.
        recorder: Where they go to.
        letters: Where those go that the store refuses.
        run: Does blocking work in a thread.
    """

    def __init__(
        self,
        outbox: ports.Outbox,
        recorder: Recorder,
        letters: ports.DeadLetters,
        run: ports.Runner,
        *,
        batch: int = BATCH,
        backoff: waiting.Backoff | None = None,
        clock: ports.Clock = ports.utc_now,
    ):
        self._outbox = outbox
        self._recorder = recorder
        self._letters = letters
        self._run = run
        self._batch = batch
        self._backoff = backoff or waiting.Backoff()
        self._clock = clock
        self._bell = waiting.Bell()
        self._troubles = waiting.Troubles('the bus')
        self._state = ports.State.STARTING
        self._size = 0
        self._dead = 0
        self._failures: dict[int, int] = {}

    def wake(self) -> None:
        """There is something new in the outbox."""
        self._bell.ring()

    @property
    def status(self) -> ports.Status:
        """How the bus is."""
        lags = self._recorder.lags
        return ports.Status(
            'local',
            self._state,
            reason=self._troubles.reason,
            outbox=self._size,
            recorded=self._recorder.recorded,
            repeated=self._recorder.repeated,
            dead=self._dead,
            lag=lags[-1] if lags else None,
        )

    async def run(self) -> None:
        """Move events until cancelled."""
        try:
            while True:
                await self._turn()
        finally:
            self._state = ports.State.STOPPED

    async def _turn(self) -> None:
        """Move a batch; sleep where that was the last one, or where nothing can be moved."""
        try:
            more = await self._move()
        except Exception as error:
            self._troubles.say('the store', waiting.explained(error))
            self._state = ports.State.WAITING
            await asyncio.sleep(self._backoff.pause())
            return
        self._troubles.clear('the store')
        self._state = ports.State.RUNNING
        self._backoff.reset()
        if self._failures:
            await asyncio.sleep(AGAIN)
        elif not more:
            await self._bell.heard(IDLE)

    async def _move(self) -> bool:
        """Move a batch; whether there may be another one behind it."""
        batch = await self._run(lambda: self._outbox.documents(self._batch))
        full = len(batch) == self._batch
        self._size = await self._run(self._outbox.size) if full else len(batch)
        if not batch:
            self._failures = {}
            return False
        events, letters = self._read(batch)
        refused = await self._recorder.record(list(events.values()))
        kept = self._judge(events, refused, letters)
        await self._finish([seq for seq, _ in batch if seq not in kept], letters)
        return full

    def _read(
        self, batch: Sequence[tuple[int, bytes]]
    ) -> tuple[dict[int, PlaybackEvent], list[DeadLetter]]:
        """The events by their numbers, and letters for what is none that we know."""
        events: dict[int, PlaybackEvent] = {}
        letters: list[DeadLetter] = []
        for seq, document in batch:
            try:
                events[seq] = subjects.decode(document)
            except subjects.Unreadable as error:
                letters.append(self._letter('outbox', document, str(error), 1))
        return events, letters

    def _judge(
        self,
        events: Mapping[int, PlaybackEvent],
        refused: Sequence[Refused],
        letters: list[DeadLetter],
    ) -> set[int]:
        """The numbers that are tried again; those that were tried often enough become letters."""
        seqs = list(events)
        failures: dict[int, int] = {}
        for entry in refused:
            seq = seqs[entry.place]
            times = self._failures.get(seq, 0) + 1
            if times < ATTEMPTS and not entry.certain:
                failures[seq] = times
                continue
            payload, subject = subjects.encode(events[seq]), subjects.subject(events[seq])
            letters.append(self._letter(subject, payload, entry.reason, times))
        self._failures = failures
        return set(failures)

    async def _finish(self, done: Sequence[int], letters: Sequence[DeadLetter]) -> None:
        """Keep the letters, then let go of everything that needs no other attempt."""
        if letters:
            await self._run(lambda: self._letters.add(letters))
            self._dead += len(letters)
            _logger.warning(
                'the bus: %d events are dead letters now: %s', len(letters), letters[0].reason
            )
        await self._run(lambda: self._outbox.acknowledge(done))
        self._size -= len(done)

    def _letter(self, subject: str, payload: bytes, reason: str, times: int) -> DeadLetter:
        return DeadLetter(
            subject=subject, payload=payload, reason=reason, times=times, at=self._clock()
        )
