# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Notifications of a Plex server, from its websocket or its server-sent events.

Nobody has published what they look like. Over the websocket a container names its type and holds a
list; as an event there is a single object and no container. One film that is added makes some 150
frames that mean nothing to us, so a frame is not decoded before its type says that it is wanted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from . import plex_shapes
from .nodes import Node


class Playing(msgspec.Struct, frozen=True, kw_only=True):
    """What a player told the server of a session. It need not name an item, nor be true.

    Attributes:
        state: In Plex's word: ``playing``, ``paused``, ``buffering``, ``stopped``, ``error``.
    """

    session_key: str
    rating_key: str
    client_id: str
    state: str
    offset_ms: int | None


class Transcoding(msgspec.Struct, frozen=True, kw_only=True):
    """A transcode that began or ended."""

    key: str
    began: bool


class ActivityChange(msgspec.Struct, frozen=True, kw_only=True):
    """Something that the server does in the background.

    Attributes:
        event: ``started``, ``updated`` or ``ended``.
    """

    event: str
    activity: plex_shapes.Activity


class LibraryChange(msgspec.Struct, frozen=True, kw_only=True):
    """An item on its way into a library, or out of it.

    Attributes:
        state: Of its treatment, as the server counts: 0 is new, 5 done, 9 deleted.
    """

    library_id: str
    item_id: str
    title: str
    state: int | None


class Reachability(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the server can be reached from outside."""

    reachable: bool | None


Frame = Playing | Transcoding | ActivityChange | LibraryChange | Reachability

_NOTHING = msgspec.Raw()


class _Body(msgspec.Struct):
    """Everything undecoded; ``type`` of whatever type it is."""

    type: object = None
    playing: msgspec.Raw = msgspec.field(default=_NOTHING, name='PlaySessionStateNotification')
    transcode: msgspec.Raw = msgspec.field(default=_NOTHING, name='TranscodeSession')
    activity: msgspec.Raw = msgspec.field(default=_NOTHING, name='ActivityNotification')
    timeline: msgspec.Raw = msgspec.field(default=_NOTHING, name='TimelineEntry')
    reachability: msgspec.Raw = msgspec.field(default=_NOTHING, name='ReachabilityNotification')


class _Message(_Body):
    """With a container over the websocket, without one as a server-sent event."""

    container: _Body | None = msgspec.field(default=None, name='NotificationContainer')


_DECODER = msgspec.json.Decoder(_Message)


class Reader:
    """Decodes frames. It never raises: what cannot be read is counted.

    Attributes:
        read: Frames that were wanted.
        skipped: Frames of types that are not.
        garbage: Frames that are no notification.
    """

    def __init__(self) -> None:
        self.read = 0
        self.skipped = 0
        self.garbage = 0

    def frames(self, data: str | bytes, event: str = '') -> list[Frame]:
        """The notifications of one message.

        Args:
            data: JSON.
            event: The name of a server-sent event; empty for a message of the websocket.
        """
        if event and event not in _MAKERS:
            self.skipped += 1
            return []
        try:
            message = _DECODER.decode(data)
            body = message.container or message
            kind = event or body.type
            if not isinstance(kind, str):
                self.garbage += 1
                return []
            make = _MAKERS.get(kind)
            found = [] if make is None else [make[1](node) for node in _nodes(make[0](body))]
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            self.garbage += 1
            return []
        self.read += make is not None
        self.skipped += make is None
        return found


def _nodes(raw: msgspec.Raw) -> list[Node]:
    if not bytes(raw):
        return []
    return Node({'': msgspec.json.decode(raw)}).nodes('')


def _playing(node: Node) -> Playing:
    return Playing(
        session_key=node.text('sessionKey'),
        rating_key=node.text('ratingKey'),
        client_id=node.text('clientIdentifier'),
        state=node.text('state'),
        offset_ms=node.integer('viewOffset'),
    )


def _transcoding(began: bool) -> Callable[[Node], Transcoding]:
    return lambda node: Transcoding(key=node.text('key').rpartition('/')[2], began=began)


def _activity(node: Node) -> ActivityChange:
    return ActivityChange(
        event=node.text('event'), activity=plex_shapes.activity(node.node('Activity'))
    )


def _library(node: Node) -> LibraryChange:
    return LibraryChange(
        library_id=node.text('sectionID'),
        item_id=node.text('itemID'),
        title=node.text('title'),
        state=node.integer('state'),
    )


def _reachability(node: Node) -> Reachability:
    return Reachability(reachable=node.flag('reachability'))


_MAKERS: Mapping[str, tuple[Callable[[_Body], msgspec.Raw], Callable[[Node], Frame]]] = {
    'playing': (lambda body: body.playing, _playing),
    'transcodeSession.start': (lambda body: body.transcode, _transcoding(True)),
    'transcodeSession.end': (lambda body: body.transcode, _transcoding(False)),
    'activity': (lambda body: body.activity, _activity),
    'timeline': (lambda body: body.timeline, _library),
    'reachability': (lambda body: body.reachability, _reachability),
}
