# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What a Plex server tells those who listen: frames for websockets, events for event sources."""

from __future__ import annotations

import dataclasses
import random
import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol, cast

import msgspec

from .plex_documents import Node

# The list in a container of each type of frame.
LISTS = {
    'playing': 'PlaySessionStateNotification',
    'timeline': 'TimelineEntry',
    'activity': 'ActivityNotification',
    'progress': 'ProgressNotification',
    'status': 'StatusNotification',
    'reachability': 'ReachabilityNotification',
    'preference': 'Setting',
    'backgroundProcessingQueue': 'BackgroundProcessingQueueEventNotification',
    'account': 'AccountUpdateNotification',
    'update.statechange': 'UpdateStateChangeNotification',
    'transcodeSession.start': 'TranscodeSession',
    'transcodeSession.update': 'TranscodeSession',
    'transcodeSession.end': 'TranscodeSession',
    'log': 'LogNotification',
}

_IDS = frozenset({'sessionKey', 'ratingKey', 'sectionID', 'itemID', 'userID', 'queueID'})


class Manner(Protocol):
    """How frames are written and sent; see :class:`mediahub.testing.plex_quirks.Quirks`."""

    frame_ids: str
    text_sizes: bool
    repeats: int
    shuffle: int
    silent: bool


@dataclasses.dataclass(frozen=True)
class Listener:
    """Somebody who listens.

    Attributes:
        events: Whether it gets events, one object each, and not frames.
        wants: Whether it asked for a type.
        send: Takes the type and the text; may be called from any thread.
    """

    events: bool
    wants: Callable[[str], bool]
    send: Callable[[str, str], None]


def wanted(filters: str | None) -> Callable[[str], bool]:
    """What a filter lets through: ``foo,bar`` only those, ``-foo`` all but that one.

    Args:
        filters: None for the default, which is all but ``log``; empty for all.
    """
    names = ['-log'] if filters is None else [name for name in filters.split(',') if name]
    refused = {name[1:] for name in names if name.startswith('-')}
    if refused:
        return lambda kind: kind not in refused
    return lambda kind: not names or kind in names


class Notices:
    """Sends to all who listen.

    Attributes:
        sent: How many frames left, to however many.
    """

    def __init__(self, manner: Manner):
        self._manner = manner
        self._listeners: list[Listener] = []
        self._held: list[tuple[str, list[Node]]] = []
        self._random = random.Random(8)  # noqa: S311 - an order, not a secret
        self._lock = threading.Lock()
        self.sent = 0

    @property
    def listeners(self) -> int:
        """How many listen."""
        return len(self._listeners)

    def join(self, listener: Listener) -> None:
        """Listen from now on."""
        with self._lock:
            self._listeners.append(listener)

    def leave(self, listener: Listener) -> None:
        """Listen no longer."""
        with self._lock:
            self._listeners.remove(listener)

    def tell(self, kind: str, *entries: Node) -> None:
        """Send a frame of a type that :data:`LISTS` names."""
        with self._lock:
            self._held.append((kind, [self._written(entry) for entry in entries]))
            if len(self._held) > self._manner.shuffle:
                self._release()

    def flush(self) -> None:
        """Send what is held back so that it can leave in another order."""
        with self._lock:
            self._release()

    def _release(self) -> None:
        held, self._held = self._held, []
        if self._manner.shuffle:
            self._random.shuffle(held)
        for kind, entries in held:
            for _ in range(1 + self._manner.repeats):
                self._send(kind, entries)

    def _send(self, kind: str, entries: Sequence[Node]) -> None:
        self.sent += 1
        if self._manner.silent or not self._listeners:
            return
        frame = self._frame(kind, entries)
        for listener in self._listeners:
            if not listener.wants(kind):
                continue
            if not listener.events:
                listener.send(kind, frame)
                continue
            for entry in entries:
                listener.send(kind, _text({LISTS[kind]: entry}))

    def _frame(self, kind: str, entries: Sequence[Node]) -> str:
        size = str(len(entries)) if self._manner.text_sizes else len(entries)
        return _text({'NotificationContainer': {'type': kind, 'size': size, LISTS[kind]: entries}})

    def _written(self, entry: Node) -> Node:
        style = self._manner.frame_ids
        if style == 'mixed':
            style = self._random.choice(('text', 'number'))
        return cast('Node', with_ids(entry, _IDS, style))


def with_ids(value: Any, names: frozenset[str], style: str) -> Any:
    """A document with the ids of these names as ``text`` or as ``number``."""
    if isinstance(value, list):
        return [with_ids(child, names, style) for child in cast('list[Any]', value)]
    if not isinstance(value, dict):
        return value
    return {
        name: _id(child, style) if name in names else with_ids(child, names, style)
        for name, child in cast('Node', value).items()
    }


def _id(value: Any, style: str) -> Any:
    if style == 'number':
        return int(value) if str(value).lstrip('-').isdigit() else value
    return str(value)


def _text(document: Node) -> str:
    return msgspec.json.encode(document).decode()
