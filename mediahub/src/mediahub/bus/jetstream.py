# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The bus over a NATS broker: outbox to stream, and from the stream into the recorder.

Both ways are open at the same time on one connection. When anything about it breaks, all is torn
down, and after a pause the streams are looked at anew and it begins again, for ever.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

import nats.errors
from nats.aio.client import Client

from ..engine.errors import MediaHubError
from . import broker, ports, publishing, pulling, streams, subjects, waiting
from .consuming import Consumer
from .recorder import Recorder
from .rivals import Rivals

# The most messages that are recorded at once.
BATCH = 500

# The outbox is looked at so often, in seconds, whether somebody rang or not.
IDLE = 5.0

# Events in the outbox from which on an operator is warned. Nothing is ever dropped from it.
MANY = 100_000


# Seconds that a connection has to last for the next one to be tried at once.
STEADY = 10.0

_logger = logging.getLogger(__name__)


class ConnectionLost(MediaHubError):
    """The connection to the broker is gone."""


class JetStreamBus:
    """Moves events by way of a broker.

    Args:
        where: The broker.
        outbox: Where this hub's events come from.
        recorder: Where everybody's events go to.
        letters: Where events go that cannot travel.
        run: Does blocking work in a thread.
        hub: The hub's id, which belongs to its database.
        renew: Gives the database another id, for when it turns out to be a copy of one that is in
            use elsewhere; in a thread.
    """

    def __init__(
        self,
        where: broker.Broker,
        outbox: ports.Outbox,
        recorder: Recorder,
        letters: ports.DeadLetters,
        run: ports.Runner,
        hub: str,
        renew: Callable[[], str],
        *,
        backoff: waiting.Backoff | None = None,
        store_backoff: waiting.Backoff | None = None,
        again: float | None = None,
        clock: ports.Clock = ports.utc_now,
    ):
        self._broker = where
        self._recorder = recorder
        self._hub = hub
        self._renew = renew
        self._run = run
        self._backoff = backoff or waiting.Backoff()
        self._bell = waiting.Bell()
        self._troubles = waiting.Troubles('the bus')
        self._publisher = publishing.Publisher(outbox, letters, run, hub, clock)
        self._rivals = Rivals(hub, lambda: self._publisher.servers, clock)
        self._consumer = Consumer(
            recorder,
            hub,
            self._troubles,
            self._rivals,
            backoff=store_backoff,
            clock=clock,
            **({} if again is None else {'again': again}),
        )
        self._state = ports.State.STARTING
        self._remark = ''

    def wake(self) -> None:
        """There is something new in the outbox."""
        self._bell.ring()

    @property
    def status(self) -> ports.Status:
        """How the bus is."""
        lags = self._recorder.lags
        reason = self._troubles.reason
        running = self._state is ports.State.RUNNING
        return ports.Status(
            'nats',
            ports.State.WAITING if reason and running else self._state,
            reason=reason,
            warning='; '.join(filter(None, (self._remark, self._crowded(), self._rivals.warning))),
            outbox=self._publisher.size,
            behind=self._consumer.behind,
            recorded=self._recorder.recorded,
            repeated=self._recorder.repeated,
            published=self._publisher.published,
            dead=self._publisher.dead + self._consumer.dead,
            lag=lags[-1] if lags else None,
        )

    def _crowded(self) -> str:
        size = self._publisher.size
        return f'{size} events wait in the outbox for the broker' if size >= MANY else ''

    async def run(self) -> None:
        """Move events until cancelled."""
        try:
            while True:
                await self._attempt()
                waiting.heed()
                await asyncio.sleep(self._backoff.pause())
        finally:
            self._state = ports.State.STOPPED

    async def _attempt(self) -> None:
        """Connect, and work until that breaks."""
        began = asyncio.get_running_loop().time()
        try:
            async with broker.connected(self._broker, f'mediahub {self._hub}') as connection:
                await self._work(connection)
        except pulling.Shared as error:
            await self._part(error)
        except Exception as error:
            self._state = ports.State.WAITING
            self._troubles.say('the broker', _explained(error))
            with contextlib.suppress(MediaHubError):
                await self._publisher.look()
        if asyncio.get_running_loop().time() - began >= STEADY:
            self._backoff.reset()

    async def _part(self, error: pulling.Shared) -> None:
        """Go on as another hub, which reads everything from the beginning.

        Each of the two would get half of all events otherwise, and nobody would notice.
        """
        try:
            fresh = await self._run(self._renew)
        except MediaHubError as trouble:
            self._troubles.say('the broker', f'{error}; {trouble}')
            return
        _logger.warning('the bus: %s; this one goes on as %s and reads everything', error, fresh)
        self._hub = self._publisher.hub = self._consumer.hub = self._rivals.hub = fresh

    async def _work(self, connection: broker.Connection) -> NoReturn:
        client, name = connection.client, streams.durable(self._hub)
        self._remark = await streams.ensure_events(client)
        await streams.ensure_letters(client)
        await streams.ensure_consumer(client, name)
        waiting.heed()
        puller = pulling.Puller(client, subjects.STREAM, name, BATCH)
        async with puller.open():
            self._troubles.clear('the broker')
            self._state = ports.State.RUNNING
            try:
                await first_end(
                    _lost(connection), self._publish(connection), self._consume(connection, puller)
                )
            except pulling.Shared:
                await self._leave(client, name)
                raise
        raise ConnectionLost('the connection to the broker is gone')

    async def _leave(self, client: Client, name: str) -> None:
        """Have the other one that reads by this name begin anew.

        What came here and was acknowledged never reached it, and it need not have noticed.
        """
        try:
            await streams.forget_consumer(client, name)
        except (MediaHubError, nats.errors.Error, TimeoutError) as error:
            _logger.warning('the bus: %s; the other hub may miss events', _explained(error))

    async def _publish(self, connection: broker.Connection) -> NoReturn:
        """Keep the outbox empty."""
        backoff = waiting.Backoff()
        while True:
            waiting.heed()
            try:
                moved = await self._publisher.move(connection.client)
            except MediaHubError as error:
                self._troubles.say('publishing', str(error))
                await asyncio.sleep(backoff.pause())
                continue
            self._troubles.clear('publishing')
            backoff.reset()
            if not moved:
                await self._bell.heard(IDLE)

    async def _consume(self, connection: broker.Connection, puller: pulling.Puller) -> NoReturn:
        """Record what is delivered."""
        while True:
            waiting.heed()
            await self._consumer.move(connection.client, puller)


async def _lost(connection: broker.Connection) -> NoReturn:
    await connection.closed.wait()
    raise ConnectionLost('the connection to the broker broke')


async def first_end(*works: Coroutine[Any, Any, NoReturn]) -> None:
    """Work at several things until one of them fails, and raise that."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await waiting.ended(tasks)
    for task in done:
        task.result()


def _explained(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return 'the broker does not answer'
    if isinstance(error, nats.errors.Error):
        return str(error).removeprefix('nats: ')
    return waiting.explained(error)
