# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Pulls messages from a consumer, all that are there at once, without waiting for more to come.

The client's own ``fetch`` waits until a batch is full or its time is over, which is as long as a
quiet evening. Here one request stays open at the broker; whatever has arrived is a batch.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import json
from collections.abc import AsyncGenerator

from nats.aio.client import Client
from nats.aio.msg import Msg

from ..engine.errors import MediaHubError

# Seconds that a request stays open, and seconds between the broker's signs of life within it.
OPEN = 30.0
HEARTBEAT = 5.0

# Seconds after which nothing is on its way any more that an earlier connection of ours asked for.
SETTLED = 2 * OPEN

_NANOSECONDS = 1_000_000_000

_ALIVE = '100'
# No messages, request timed out, request cannot be served just now.
_OVER = ('404', '408', '409')
_GONE = ('consumer deleted', 'consumer is push based', 'server shutdown', 'leadership change')


class PullFailed(MediaHubError):
    """The broker answers no more; connect again."""


class Shared(MediaHubError):
    """Somebody else takes messages of this consumer, too."""

    def __init__(self, consumer: str):
        super().__init__(f'another hub reads as {consumer}, from a copy of this database')


class Puller:
    """Messages of one consumer, as they come.

    Args:
        client: The connection.
        stream: The stream's name.
        consumer: The consumer's name.
        batch: The most messages that are taken at once.
    """

    def __init__(self, client: Client, stream: str, consumer: str, batch: int):
        self._client = client
        self._consumer = consumer
        self._request = f'$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}'
        self._inbox = client.new_inbox()
        self._batch = batch
        self._arrived: collections.deque[Msg] = collections.deque()
        self._bell = asyncio.Event()
        self._wanted = 0
        self._last: int | None = None
        self._settled = asyncio.get_running_loop().time() + SETTLED

    @property
    def waiting(self) -> list[Msg]:
        """Messages that have arrived and were not taken."""
        return [message for message in self._arrived if message.reply]

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncGenerator[Puller]:
        """Be there for what the broker sends."""
        subscription = await self._client.subscribe(  # pyright: ignore[reportUnknownMemberType] - a bare Future
            self._inbox, cb=self._arrive
        )
        try:
            yield self
        finally:
            if not self._client.is_closed:
                await subscription.unsubscribe()

    async def take(self) -> list[Msg]:
        """Wait for messages; answer all that have arrived.

        Raises:
            PullFailed: The consumer is gone, or the broker is silent.
            Shared: The consumer is not ours alone.
        """
        taken: list[Msg] = []
        while not taken:
            if self._wanted <= 0:
                await self._ask()
            await self._something()
            while self._arrived and len(taken) < self._batch:
                self._sort(self._arrived.popleft(), taken)
        return taken

    async def _arrive(self, message: Msg) -> None:
        self._arrived.append(message)
        self._bell.set()

    async def _something(self) -> None:
        """Wait until something has arrived."""
        self._bell.clear()
        if self._arrived:
            return
        try:
            async with asyncio.timeout(3 * HEARTBEAT):
                await self._bell.wait()
        except TimeoutError as error:
            raise PullFailed('the broker is silent') from error

    async def _ask(self) -> None:
        request = {
            'batch': self._batch,
            'expires': int(OPEN * _NANOSECONDS),
            'idle_heartbeat': int(HEARTBEAT * _NANOSECONDS),
        }
        await self._client.publish(self._request, json.dumps(request).encode(), self._inbox)
        self._wanted = self._batch

    def _sort(self, message: Msg, taken: list[Msg]) -> None:
        """Take a message, or heed what the broker says between them."""
        # A message has an address for its acknowledgement. Headers prove nothing: anybody who
        # publishes can write some that look like the broker's.
        if message.reply:
            self._wanted -= 1
            self._in_turn(message)
            taken.append(message)
            return
        headers = message.headers or {}
        status, description = headers.get('Status', ''), headers.get('Description', '')
        if status == _ALIVE:
            return
        if status not in _OVER or any(word in description.lower() for word in _GONE):
            raise PullFailed(
                f'the consumer {self._consumer} sends no more: {description or status}'
            )
        self._wanted = 0

    def _in_turn(self, message: Msg) -> None:
        """Deliveries of a consumer are numbered; one that did not come here went elsewhere."""
        number, last = message.metadata.sequence.consumer, self._last
        self._last = number
        settled = asyncio.get_running_loop().time() >= self._settled
        if settled and last is not None and number > last + 1:
            raise Shared(self._consumer)
