# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Records what a hub's consumer delivers; the broker is told after the commit.

A store that takes nothing is waited for, with the messages in hand: the broker hears that they are
worked on. An event that alone is refused goes back for a while, and is a dead letter after some
attempts. What is no event is one at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Sequence

from nats.aio.client import Client
from nats.aio.msg import Msg

from ..plays import PlaybackEvent
from ..store.letters import DeadLetter
from . import ports, publishing, pulling, subjects, waiting
from .recorder import Recorder, Refused, StoreUnavailable
from .rivals import Rivals

# How often an event is tried.
MAX_DELIVER = 5

# Seconds until an event that was refused comes again, which doubles with each time.
AGAIN = 1.0

# Seconds within which the broker hears from us of messages that we hold.
PROGRESS = 2.0

_logger = logging.getLogger(__name__)


class Consumer:
    """Moves what the broker delivers into the recorder.

    Args:
        recorder: Where events go to.
        hub: The hub's id.
        troubles: Where it is said that the store is away.
        rivals: Told of every event.
        clock: The time.

    Attributes:
        hub: The hub's id, told with dead letters.
        behind: Events in the stream that this hub has not read; None before the first.
        dead: Dead letters since the start.
    """

    def __init__(
        self,
        recorder: Recorder,
        hub: str,
        troubles: waiting.Troubles,
        rivals: Rivals,
        *,
        backoff: waiting.Backoff | None = None,
        again: float = AGAIN,
        clock: ports.Clock = ports.utc_now,
    ):
        self._recorder = recorder
        self.hub = hub
        self._troubles = troubles
        self._rivals = rivals
        self._backoff = backoff or waiting.Backoff()
        self._again = again
        self._clock = clock
        self.behind: int | None = None
        self.dead = 0

    async def move(self, client: Client, puller: pulling.Puller) -> None:
        """Wait for a batch and record it.

        Raises:
            PullFailed: The broker delivers no more.
            PublishFailed: A dead letter could not be kept; its message comes again.
        """
        messages = await puller.take()
        events, garbage = _sorted(messages)
        for message, event in events:
            self._rivals.note((message.headers or {}).get(publishing.HUB, ''), event)
        refused = await self._record(events, puller)
        again = await self._judge(client, events, refused)
        for message, reason in garbage:
            await self._bury(client, message, reason)
        for message in messages:
            if id(message) not in again:
                await message.ack()
        self.behind = messages[-1].metadata.num_pending

    async def _record(
        self, events: Sequence[tuple[Msg, PlaybackEvent]], puller: pulling.Puller
    ) -> list[Refused]:
        """Record, for as long as it takes until the store does."""
        async with _held([message for message, _ in events], puller):
            while True:
                waiting.heed()
                try:
                    refused = await self._recorder.record([event for _, event in events])
                except StoreUnavailable as error:
                    self._troubles.say('the store', str(error))
                    await asyncio.sleep(self._backoff.pause())
                else:
                    self._troubles.clear('the store')
                    self._backoff.reset()
                    return refused

    async def _judge(
        self,
        client: Client,
        events: Sequence[tuple[Msg, PlaybackEvent]],
        refused: Sequence[Refused],
    ) -> set[int]:
        """Send back what was refused, or bury it; the answer names what was sent back."""
        again: set[int] = set()
        for entry in refused:
            message = events[entry.place][0]
            times = message.metadata.num_delivered
            if times >= MAX_DELIVER:
                await self._bury(client, message, entry.reason)
            else:
                await message.nak(delay=self._again * 2 ** (times - 1))
                again.add(id(message))
        return again

    async def _bury(self, client: Client, message: Msg, reason: str) -> None:
        metadata = message.metadata
        letter = DeadLetter(
            subject=message.subject,
            payload=message.data,
            reason=reason,
            times=metadata.num_delivered,
            at=self._clock(),
        )
        await publishing.bury(client, letter, self.hub, metadata.sequence.stream)
        self.dead += 1
        _logger.warning(
            'event %d of the stream is a dead letter now: %s', metadata.sequence.stream, reason
        )


@contextlib.asynccontextmanager
async def _held(messages: Sequence[Msg], puller: pulling.Puller) -> AsyncGenerator[None]:
    """Let the broker know, while the block runs, that it need not send these again."""

    async def tell() -> None:
        while True:
            await asyncio.sleep(PROGRESS)
            for message in (*messages, *puller.waiting):
                await message.in_progress()

    telling = asyncio.ensure_future(tell())
    try:
        yield
    finally:
        # That it could not be told any more is no matter: they come again then.
        await waiting.ended([telling])


def _sorted(
    messages: Sequence[Msg],
) -> tuple[list[tuple[Msg, PlaybackEvent]], list[tuple[Msg, str]]]:
    """What are events, and what is none with the reason."""
    events: list[tuple[Msg, PlaybackEvent]] = []
    garbage: list[tuple[Msg, str]] = []
    for message in messages:
        try:
            events.append((message, subjects.decode(message.data)))
        except subjects.Unreadable as error:
            garbage.append((message, str(error)))
    return events, garbage
