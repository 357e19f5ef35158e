# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Listens to what a Plex server notifies, for ever, and rings the bell when something changed.

Nothing that is heard here is believed: a notification can be late, doubled, lost or invented. The
snapshot that the bell asks for tells what is true. A server that does not know one way to listen
is tried with the next; one that cannot be reached is tried again and again, ever less often.
"""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import datetime
import logging
import random
from collections.abc import Callable, Mapping
from typing import cast

import httpx2
from httpx2 import websockets

from . import frames
from .bell import Bell
from .plex_api import Address
from .tracker import Hint

_logger = logging.getLogger(__name__)

# All clients use the first spelling, the official description has the second.
WEBSOCKETS = ('/:/websockets/notifications', '/:/websocket/notifications')
EVENTS = '/:/eventsource/notifications'
WAYS = (*WEBSOCKETS, EVENTS)

# A timeline of a library that is scanned is long.
_MESSAGE = 1 << 20

# Sessions whose last notification is remembered.
_REMEMBERED = 4096


@dataclasses.dataclass(frozen=True, slots=True)
class Pace:
    """How long what may take; seconds.

    Attributes:
        handshake: Until a connection must stand.
        ping: Between two pings over the websocket.
        pong: Until a ping must be answered; with ``ping``, how long a dead socket goes unnoticed.
        quiet: Without any event, after which an event source counts as dead; servers send a ping
            every ten seconds.
        first: Before the second try; it doubles from try to try.
        longest: Between two tries.
        refused: Between two tries of a server that refuses the token.
        settle: After which a server that has accepted surely tells.
        proven: After which a connection counts as good, so that the next try comes soon.
    """

    handshake: float = 10.0
    ping: float = 10.0
    pong: float = 15.0
    quiet: float = 30.0
    first: float = 1.0
    longest: float = 60.0
    refused: float = 300.0
    settle: float = 2.0
    proven: float = 30.0


class Refused(Exception):
    """The server answers, but not with notifications.

    Attributes:
        status: Of its answer.
    """

    def __init__(self, status: int):
        self.status = status
        super().__init__(f'HTTP {status}')


class Listener:
    """Listens to one server.

    Args:
        address: The server.
        client: The pool of connections.
        bell: Rung when something changed.
        hint: Takes what may be the end of a session.
        notice: Takes everything that is not about sessions.
        clock: The time, aware and in UTC.
        pace: How long what may take.
        chance: For jitter.

    Attributes:
        connected: Whether a connection stands.
        way: The path that it uses, or used last.
        connections: How many there have been.
        problem: Why there is none, in one line without credentials; empty while there is one.
        refused: Whether the server refuses the token.
        reader: Counts what came.
    """

    def __init__(
        self,
        address: Address,
        client: httpx2.AsyncClient,
        bell: Bell,
        hint: Callable[[Hint], None],
        notice: Callable[[frames.Frame], None],
        *,
        clock: Callable[[], datetime.datetime],
        pace: Pace | None = None,
        chance: random.Random | None = None,
    ):
        self._address = address
        self._client = client
        self._bell = bell
        self._hint = hint
        self._notice = notice
        self._clock = clock
        self._pace = pace or Pace()
        self._chance = chance or random.Random()  # noqa: S311 - not for secrets
        self._told: collections.OrderedDict[str, tuple[str, str]] = collections.OrderedDict()
        self.connected = False
        self.way = ''
        self.connections = 0
        self.problem: str = 'not connected yet'
        self.refused = False
        self.reader = frames.Reader()

    async def run(self) -> None:
        """Listen until cancelled."""
        failures = 0
        while True:
            lasted = await self._try_all()
            failures = 0 if lasted >= self._pace.proven else failures + 1
            await asyncio.sleep(self._wait(failures))

    def _wait(self, failures: int) -> float:
        """Seconds until the next try; never the same for two hubs."""
        longest = min(self._pace.longest, self._pace.first * 2 ** min(max(0, failures - 1), 16))
        if self.refused:
            longest = self._pace.refused
        return longest * self._chance.uniform(0.5, 1.0)

    async def _try_all(self) -> float:
        """Try each way until one gives a connection, and stay; returns for how long it stood."""
        ways = sorted(WAYS, key=lambda way: way != self.way) if self.way else WAYS
        for way in ways:
            lasted, other = await self._try(way)
            if not other:
                return lasted
        return 0.0

    async def _try(self, way: str) -> tuple[float, bool]:
        """Listen in one way.

        Returns:
            For how many seconds, and whether another way is worth a try.
        """
        loop = asyncio.get_running_loop()
        connections, began = self.connections, loop.time()
        status = None
        try:
            await self._listen(way)
        except Exception as error:  # a server may send anything, and we listen for ever
            cause = _first(error)
            status = cause.status if isinstance(cause, Refused) else None
            self._failed(f'{way}: {_reason(cause)}', refused=status in (401, 403))
        stood = self.connections > connections
        if stood:
            self._told.clear()
            self._bell.ring('disconnected')
            return loop.time() - began, False
        return 0.0, status is not None and status < 500 and not self.refused

    async def _listen(self, way: str) -> None:
        if way == EVENTS:
            await self._events()
        else:
            await self._websocket(way)

    async def _websocket(self, way: str) -> None:
        pace = self._pace
        try:
            async with self._client.websocket(
                self._address.url.rstrip('/') + way,
                headers=self._address.headers,
                timeout=pace.handshake,
                max_message_size_bytes=_MESSAGE,
                keepalive_ping_interval_seconds=pace.ping,
                keepalive_ping_timeout_seconds=pace.pong,
            ) as socket:
                self._connected(way)
                while True:
                    event = await socket.receive()
                    self._heard(getattr(event, 'data', b''))
        except websockets.WebSocketUpgradeError as error:
            raise Refused(error.response.status_code) from None

    async def _events(self) -> None:
        pace = self._pace
        timeout = httpx2.Timeout(pace.handshake, read=pace.quiet)
        async with self._client.sse(
            self._address.url.rstrip('/') + EVENTS, headers=self._events_headers(), timeout=timeout
        ) as source:
            if source.response.status_code != 200:
                raise Refused(source.response.status_code)
            self._connected(EVENTS)
            async for event in source:
                self._heard(event.data, event.event)
        raise EOFError('the server ended it')

    def _events_headers(self) -> Mapping[str, str]:
        return self._address.headers | {'Accept': 'text/event-stream'}

    # What happened

    def _connected(self, way: str) -> None:
        if not self.connected or self.way != way:
            _logger.info('%s: listening at %s', self._address.name, way)
        self.connected, self.way, self.problem, self.refused = True, way, '', False
        self.connections += 1
        self._bell.ring('connected')
        # A server accepts a moment before it tells; what happens in between nobody tells.
        asyncio.get_running_loop().call_later(self._pace.settle, self._bell.ring, 'settled')

    def _failed(self, problem: str, *, refused: bool) -> None:
        """Note that there is no connection; a token that is refused is everybody's business."""
        for secret in self._address.secrets:
            problem = problem.replace(secret, '***')
        problem = ' '.join(problem.split())
        if refused:
            problem = f'the server refuses the token; give it a new one ({problem})'
            self._bell.ring('refused')
        if self.connected or problem != self.problem:
            level = logging.ERROR if refused else logging.WARNING
            _logger.log(level, '%s: not listening: %s', self._address.name, problem)
        self.connected, self.problem, self.refused = False, problem, refused

    def _heard(self, data: str | bytes, event: str = '') -> None:
        for frame in self.reader.frames(data, event):
            if isinstance(frame, frames.Playing):
                self._playing(frame)
            elif isinstance(frame, frames.Transcoding):
                self._bell.ring('transcode')
            else:
                self._notice(frame)

    def _playing(self, frame: frames.Playing) -> None:
        """Ring unless it only says that what was known goes on."""
        if frame.state == 'stopped':
            self._told.pop(frame.session_key, None)
            self._hint(
                Hint(
                    session_key=frame.session_key,
                    rating_key=frame.rating_key,
                    offset_ms=frame.offset_ms,
                    at=self._clock(),
                )
            )
            self._bell.ring('stopped')
            return
        told = (frame.state, frame.rating_key)
        if self._told.get(frame.session_key) != told:
            self._told[frame.session_key] = told
            self._told.move_to_end(frame.session_key)
            if len(self._told) > _REMEMBERED:
                self._told.popitem(last=False)
            self._bell.ring('playing')


def _first(error: Exception) -> Exception:
    """The first of the exceptions that a group holds, however deep."""
    if isinstance(error, ExceptionGroup):
        return _first(cast('ExceptionGroup[Exception]', error).exceptions[0])
    return error


def _reason(error: Exception) -> str:
    name = type(error).__name__
    if isinstance(error, Refused):
        return f'answered with {error}'
    if isinstance(error, websockets.WebSocketDisconnect):
        return f'closed by the server ({error.code})'
    return f'{name}: {error}' if str(error) else name
