# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Hands what happens to whoever listens, without ever waiting for one of them.

Each listener has a queue of its own. One whose queue is full is cut off and comes back for a fresh
picture, which costs it nothing: every event carries the whole play.
"""

from __future__ import annotations

import asyncio
import collections
from collections.abc import Callable, Iterable

import msgspec

from ..plays import PlaybackEvent

# Messages that may wait for one listener: more than a minute of a busy evening.
WAITING = 1000


class CutOff(Exception):
    """The listener was too slow, or the hub stops."""

    def __init__(self, code: int, reason: str):
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Full(Exception):
    """There are as many listeners as may be."""


class EventMessage(msgspec.Struct, frozen=True, tag_field='type', tag='event'):
    """Something happened to a play."""

    event: PlaybackEvent


class Listener:
    """One who listens."""

    def __init__(self, most: int):
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
        waiting: Messages that may wait for one of them.
    """

    def __init__(self, cut_off: Callable[[], None], most: int = 200, waiting: int = WAITING):
        self._cut_off = cut_off
        self._most = most
        self._waiting = waiting
        self._listeners = set[Listener]()

    def __len__(self) -> int:
        return len(self._listeners)

    def join(self) -> Listener:
        """Begin to listen; :meth:`leave` must follow.

        Raises:
            Full: Too many do already.
        """
        if len(self._listeners) >= self._most:
            raise Full
        listener = Listener(self._waiting)
        self._listeners.add(listener)
        return listener

    def leave(self, listener: Listener) -> None:
        """Stop listening."""
        self._listeners.discard(listener)

    def publish(self, events: Iterable[PlaybackEvent]) -> None:
        """Hand events to all; each is encoded once. Returns at once."""
        if not self._listeners:
            return
        for event in events:
            self.send(EventMessage(event))

    def send(self, message: object) -> None:
        """Hand one message to all."""
        encoded = msgspec.json.encode(message)
        for listener in list(self._listeners):
            if not listener.put(encoded):
                self._listeners.discard(listener)
                self._cut_off()
                listener.end(CutOff(1013, 'too slow; connect again'))

    def close(self) -> None:
        """Send everybody away: the hub stops."""
        for listener in list(self._listeners):
            listener.end(CutOff(1001, 'the hub stops'))
        self._listeners.clear()
