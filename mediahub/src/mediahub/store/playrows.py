# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Plays as rows of ``finished_plays``, and back.

A field of a nested value is a column under both names: ``item.title`` is ``item_title``. Columns
repeat few values and are packed by DuckDB, so a row costs little although nothing is normalised.
"""

from __future__ import annotations

import datetime
import hashlib
import math
import uuid
from collections.abc import Iterable
from typing import Any, cast

import msgspec

from ..engine import matching
from ..plays import Item, MediaType, Play, Player, Stream, Viewer
from .database import Row, stored

_NESTED = {'item': Item, 'viewer': Viewer, 'player': Player, 'stream': Stream}

# Bounds of BIGINT; a server can send any number.
_LARGEST = 2**63 - 1

# Years of media servers, and of clocks that stand at the beginning of theirs.
_FIRST, _LAST = 1970, 9998


def _columns() -> tuple[str, ...]:
    names: list[str] = []
    for field in msgspec.structs.fields(Play):
        nested = _NESTED.get(field.name)
        if nested is None:
            names.append(field.name)
        else:
            names += [f'{field.name}_{inner.name}' for inner in msgspec.structs.fields(nested)]
    return tuple(names)


# Of a play, and what is derived from it.
COLUMNS = _columns()
DERIVED = ('day', 'last_day', 'hour', 'work', 'piece', 'heading')

_TIMES = ('started_at', 'seen_at', 'stopped_at')


def unfit(play: Play) -> str:
    """Why a play cannot be kept; empty where it can."""
    if not is_uuid(play.play_id):
        return f'its id {play.play_id[:50]!r} is no UUID in small letters'
    for moment in (play.started_at, play.seen_at, play.stopped_at):
        if moment is None:
            continue
        if moment.tzinfo is None or not _FIRST <= moment.year <= _LAST:
            return f'{moment} is no time with a zone between the years {_FIRST} and {_LAST}'
    return ''


def is_uuid(text: str) -> bool:
    """Whether a text is a UUID as :func:`mediahub.plays.play_id` writes it."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def row(play: Play, zone: datetime.tzinfo) -> dict[str, object]:
    """A finished play as columns; days and hour are those of its beginning and end in the zone."""
    flat: dict[str, object] = {}
    for name, value in cast(
        'dict[str, Any]', msgspec.to_builtins(play, builtin_types=(datetime.datetime,))
    ).items():
        if name in _NESTED:
            flat |= {f'{name}_{inner}': bounded(part) for inner, part in value.items()}
        else:
            flat[name] = bounded(value)
    flat |= {name: stored(getattr(play, name)) for name in _TIMES}
    begun = play.started_at.astimezone(zone)
    ended = max(begun, (play.stopped_at or play.seen_at).astimezone(zone))
    return flat | {
        'day': begun.date(),
        'last_day': ended.date(),
        'hour': begun.hour,
        'work': work_key(play.item),
        'piece': piece_key(play.item),
        'heading': play.item.grandparent_title or play.item.title,
    }


def bounded(value: object) -> object:
    """A value as the database can keep it; a number too great for it becomes its greatest."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int) and not isinstance(value, bool):
        return max(-_LARGEST, min(_LARGEST, value))
    return value


_DECODER = msgspec.json.Decoder(Play)


def play(found: Row) -> Play:
    """The play of a row of :data:`SELECTED`."""
    return _DECODER.decode(found[0])


def work_key(item: Item) -> int:
    """Key of the film, show or artist, the same on every server and under every id."""
    match item.media_type:
        case MediaType.MOVIE:
            return _hashed('movie', matching.key(item.title), str(item.year or ''))
        case MediaType.EPISODE:
            return _hashed('show', matching.key(item.grandparent_title or item.title))
        case MediaType.TRACK:
            return _hashed('artist', matching.key(item.grandparent_title or item.title))
        case other:
            return _hashed(other.value, matching.key(item.title))


def piece_key(item: Item) -> int:
    """Key of what was played itself: the film, the episode, the track."""
    work = str(work_key(item))
    match item.media_type:
        case MediaType.EPISODE if item.index is not None:
            return _hashed('episode', work, str(item.parent_index), str(item.index))
        case MediaType.EPISODE | MediaType.TRACK:
            parent, title = matching.key(item.parent_title), matching.key(item.title)
            return _hashed(item.media_type.value, work, parent, title)
        case _:
            return int(work)


def _hashed(*parts: str) -> int:
    digest = hashlib.blake2b('\n'.join(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, 'big')


def encoded(rows: Iterable[dict[str, object]]) -> str:
    """Rows as the one JSON parameter of an INSERT."""
    return msgspec.json.encode(list(rows)).decode()


_TYPES = {
    'play_id': 'UUID',
    **dict.fromkeys(_TIMES, 'TIMESTAMP'),
    **dict.fromkeys(('day', 'last_day'), 'DATE'),
    'hour': 'UTINYINT',
    **dict.fromkeys(('work', 'piece'), 'UBIGINT'),
    **dict.fromkeys(
        (
            'ordinal',
            'start_offset_ms',
            'offset_ms',
            'played_ms',
            'paused_ms',
            'pauses',
            'item_year',
            'item_index',
            'item_parent_index',
            'item_duration_ms',
            'stream_bitrate',
            'stream_bandwidth',
        ),
        'BIGINT',
    ),
    **dict.fromkeys(
        (
            'transcoded',
            'player_local',
            'player_relayed',
            'player_secure',
            'stream_throttled',
            'stream_hardware',
        ),
        'BOOLEAN',
    ),
    **dict.fromkeys(('stream_transcode_progress', 'stream_speed'), 'DOUBLE'),
}

# Types of all columns, in their order.
SHAPE = {column: _TYPES.get(column, 'VARCHAR') for column in (*COLUMNS, *DERIVED)}


def unpacked(shape: dict[str, str]) -> str:
    """The SELECT that makes rows of such a parameter."""
    return (
        f"SELECT unnest(from_json(?, '{msgspec.json.encode([shape]).decode()}'), "
        'recursive := true)'
    )


STAGE = f'CREATE OR REPLACE TEMP TABLE fresh_plays AS {unpacked(SHAPE)}'
_ALL = ', '.join(SHAPE)
KEEP_STAGED = f'INSERT INTO finished_plays ({_ALL}) SELECT {_ALL} FROM fresh_plays'  # noqa: S608 - constants


def _document() -> str:
    """The expression that makes a play's JSON of a row; its moments are told with their zone."""
    fields: list[str] = []
    for field in msgspec.structs.fields(Play):
        name, nested = field.name, _NESTED.get(field.name)
        if nested is not None:
            inner = (part.name for part in msgspec.structs.fields(nested))
            value = f'{{{", ".join(f"{part!r}: {name}_{part}" for part in inner)}}}'
        else:
            value = f"{name}::VARCHAR || 'Z'" if name in _TIMES else name
        fields.append(f'{name!r}: {value}')
    return f'to_json({{{", ".join(fields)}}})'


# A play in one column. DuckDB puts it together beside all other work, where Python would have to
# make an object of each of fifty values.
SELECTED = _document()
