# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Names on the bus, and how an event is written and read.

An event is JSON. A reader ignores fields that it does not know. Events of a newer schema than its
own it does not guess at: they are set aside as dead letters, as is what is no event at all.
"""

from __future__ import annotations

import msgspec

from ..engine.errors import MediaHubError
from ..plays import SCHEMA_VERSION, PlaybackEvent

STREAM = 'MEDIA_EVENTS'
EVENTS = 'playback.>'

DEAD_STREAM = 'MEDIA_DEAD_LETTERS'
DEAD_LETTERS = 'dlq.playback'

# So much of a payload as is quoted where the whole cannot be.
SHORT = 4096

_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(PlaybackEvent)


class _Versioned(msgspec.Struct):
    """So much of an event as every version has."""

    schema_version: int = 0


_VERSION = msgspec.json.Decoder(_Versioned)


class Unreadable(MediaHubError):
    """What arrived is no event that this hub can use; the message says why."""


def subject(event: PlaybackEvent) -> str:
    """Where an event is published: ``playback.<source>.<media_type>``."""
    return f'playback.{event.play.source.value}.{event.play.item.media_type.value}'


def encode(event: PlaybackEvent) -> bytes:
    """An event as it travels.

    Raises:
        Unreadable: It holds text that is no Unicode.
    """
    try:
        return _ENCODER.encode(event)
    except UnicodeEncodeError as error:
        raise Unreadable(f'the event {event.event_id} holds text that is no Unicode') from error


def decode(payload: bytes) -> PlaybackEvent:
    """An event as it arrived.

    Raises:
        Unreadable: It is of a newer schema, or no event.
    """
    try:
        version = _VERSION.decode(payload).schema_version
        if version > SCHEMA_VERSION:
            raise Unreadable(
                f'the event has schema version {version}, this hub knows up to {SCHEMA_VERSION}; '
                'upgrade it, then replay'
            )
        event = _DECODER.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f'no playback event: {error}') from error
    _check(event)
    return event


def _check(event: PlaybackEvent) -> None:
    """Refuse what has the right shape and would still mislead."""
    if not event.event_id or not event.play.play_id or not event.play.server:
        raise Unreadable('no playback event: it lacks an id of its own, of its play or its server')
    play = event.play
    moments = (event.at, play.started_at, play.seen_at, play.stopped_at)
    if any(moment is not None and moment.tzinfo is None for moment in moments):
        raise Unreadable('no playback event: it holds a time without a zone')
