# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Hands what happens to whoever listens, without ever waiting for one of them.

Each listener has a queue of its own. One whose queue is full is cut off and comes back for a fresh
picture, which costs it nothing: every event carries the whole play.
"""

from __future__ import annotations

import asyncio
import collections
import datetime
from collections.abc import Callable, Sequence

import msgspec

from ..plays import Play, PlaybackEvent, Transition
from .discretion import without_address

# Messages that may wait for one listener: more than a minute of a busy evening.
WAITING = 500


class CutOff(Exception):
    """The listener hears nothing more.

    Attributes:
        code: Of the websocket's closing.
    """

    def __init__(self, code: int, reason: str):
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Full(Exception):
    """There are as many listeners as may be."""


class Happened(msgspec.Struct, frozen=True):
    """A change of a play."""

    play_id: str
    transition: Transition
    at: datetime.datetime


class Snapshot(msgspec.Struct, frozen=True, tag_field='type', tag='snapshot'):
    """Everything that plays; the first message."""

    plays: Sequence[Play]


class Events(msgspec.Struct, frozen=True, tag_field='type', tag='events'):
    """What happened, and how the plays are after it; the greatest ordinal of a play is true."""

    plays: Sequence[Play]
    events: Sequence[Happened]


class Alert(msgspec.Struct, frozen=True, tag_field='type', tag='alert'):
    """Something that people should look at, such as a token that is no longer valid."""

    text: str


class Libraries(msgspec.Struct, frozen=True, tag_field='type', tag='libraries'):
    """Libraries of a server change, or are being scanned: ask for them again."""

    server: str


class Ping(msgspec.Struct, frozen=True, tag_field='type', tag='ping'):
    """Nothing happened for a while."""


class Listener:
    """One who listens.

    Attributes:
        admin: Whether it hears everything.
        who: Whose it is.
    """

    def __init__(self, who: str, admin: bool, most: int):
        self.who = who
        self.admin = admin
        self._most = most
        self._waiting = collections.deque[bytes]()
        self._end: CutOff | None = None
        self._changed = asyncio.Event()

    def put(self, message: bytes) -> bool:
        """Hand a message over; False when there is no room for it."""
        if len(self._waiting) >= self._most:
            return False
        self._waiting.append(message)
        self._changed.set()
        return True

    def end(self, reason: CutOff) -> None:
        """Let it hear nothing more, not even what waits."""
        self._end = reason
        self._waiting.clear()
        self._changed.set()

    async def next(self) -> bytes:
        """Wait for the next message.

        Raises:
            CutOff: There will be none.
        """
        while not self._waiting:
            if self._end is not None:
                raise self._end
            self._changed.clear()
            await self._changed.wait()
        return self._waiting.popleft()


class Feed:
    """All who listen.

    Args:
        cut_off: Called when one is too slow.
        most: Listeners at a time.
        most_of_one: Listeners at a time that belong to the same person or token.
        waiting: Messages that may wait for one of them.
    """

    def __init__(
        self,
        cut_off: Callable[[], None],
        *,
        most: int = 200,
        most_of_one: int = 50,
        waiting: int = WAITING,
    ):
        self._cut_off = cut_off
        self._most = most
        self._most_of_one = most_of_one
        self._waiting = waiting
        self._listeners = set[Listener]()
        self._closed = False

    def __len__(self) -> int:
        return len(self._listeners)

    def join(self, who: str, admin: bool) -> Listener:
        """Begin to listen; :meth:`leave` must follow.

        Raises:
            Full: Too many do already.
            CutOff: The hub stops.
        """
        if self._closed:
            raise CutOff(1001, 'the hub stops')
        of_one = sum(listener.who == who for listener in self._listeners)
        if len(self._listeners) >= self._most or of_one >= self._most_of_one:
            raise Full
        listener = Listener(who, admin, self._waiting)
        self._listeners.add(listener)
        return listener

    def leave(self, listener: Listener) -> None:
        """Stop listening."""
        self._listeners.discard(listener)

    def publish(self, events: Sequence[PlaybackEvent]) -> None:
        """Hand a batch of events to all; it is encoded once. Returns at once."""
        if not self._listeners or not events:
            return
        latest: dict[str, Play] = {}
        for event in events:
            known = latest.get(event.play.play_id)
            if known is None or known.ordinal <= event.play.ordinal:
                latest[event.play.play_id] = event.play
        happened = [Happened(event.play.play_id, event.transition, event.at) for event in events]
        everything = Events(list(latest.values()), happened)
        less = Events([without_address(play) for play in latest.values()], happened)
        self._send(msgspec.json.encode(everything), msgspec.json.encode(less))

    def alert(self, text: str) -> None:
        """Tell all of something that they should look at."""
        message = msgspec.json.encode(Alert(text))
        self._send(message, message)

    def libraries(self, server: str) -> None:
        """Tell all that libraries of a server, by its name, are not as they were."""
        message = msgspec.json.encode(Libraries(server))
        self._send(message, message)

    def _send(self, everything: bytes, less: bytes) -> None:
        for listener in list(self._listeners):
            if not listener.put(everything if listener.admin else less):
                self._listeners.discard(listener)
                self._cut_off()
                listener.end(CutOff(1013, 'too slow; connect again'))

    def close(self) -> None:
        """Send everybody away: the hub stops."""
        self._closed = True
        for listener in list(self._listeners):
            listener.end(CutOff(1001, 'the hub stops'))
        self._listeners.clear()
