# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Rankings of films, shows, artists, episodes and tracks."""

from __future__ import annotations

import enum
from collections.abc import Sequence

import msgspec

from . import ranges, retention, rollups
from .database import Query, Row
from .ranges import FEW, Measure, Part, StatsQuery


class Level(enum.Enum):
    """What is ranked."""

    MOVIE = 'movie'
    SHOW = 'show'
    ARTIST = 'artist'
    EPISODE = 'episode'
    TRACK = 'track'

    @property
    def media_type(self) -> str:
        """Media type of what is played."""
        return {'show': 'episode', 'artist': 'track'}.get(self.value, self.value)

    @property
    def key(self) -> str:
        """Column that tells titles apart."""
        return 'piece' if self in (Level.EPISODE, Level.TRACK) else 'work'


class Title(msgspec.Struct, frozen=True, kw_only=True):
    """A place in a ranking.

    Attributes:
        key: The same on every server, and when a server gives the title another id.
        server: Where it was played last.
        rating_key: Its id there; of the show or artist where these are ranked.
        viewers: How many accounts played it; None where that was not asked for.
    """

    key: str
    server: str = ''
    rating_key: str = ''
    title: str = ''
    parent_title: str = ''
    grandparent_title: str = ''
    year: int | None = None
    thumb: str = ''
    plays: int = 0
    played_ms: int = 0
    viewers: int | None = None


def top(query: Query, asked: StatsQuery, level: Level, measure: Measure) -> list[Title]:
    """The first places."""
    part = _viewers(asked, level) if measure is Measure.VIEWERS else _plays(query, asked, level)
    ordered = f'{part.sql} ORDER BY {measure.order}, {level.key} LIMIT ?'
    ranked = query(ordered, [*part.parameters, asked.limit])
    described = _described(query, level, [row[0] for row in ranked])
    return [_title(row, described.get(row[0]), level) for row in ranked]


def _plays(query: Query, asked: StatsQuery, level: Level) -> Part:
    keys = (level.key,)
    condition = ranges.about(asked)
    kind = level.media_type
    if level.key == 'work' and asked.account is None:
        parts = _months(query, asked, kind)
    elif level.key == 'work' and asked.everything:
        parts = ranges.counted(rollups.AUDIENCE, keys, condition, FEW, kind)
    elif asked.everything and asked.account is None:
        parts = ranges.counted(rollups.PIECE, keys, condition, FEW, kind)
    else:
        parts = ranges.scanned(keys, condition, FEW, kind)
    return ranges.total(parts, keys, FEW)


def _months(query: Query, asked: StatsQuery, kind: str) -> list[Part]:
    keys = rollups.WORK_MONTH.keys[1:]
    span = ranges.split(asked.first, asked.last, retention.horizon(query))
    parts = ranges.by_months(rollups.WORK_MONTH, asked, span, FEW, kind)
    for edge in span.edges:
        parts += ranges.scanned(keys, ranges.about(asked, edge), FEW, kind)
    return parts


def _viewers(asked: StatsQuery, level: Level) -> Part:
    """Titles with the number of accounts that played them."""
    keys = (level.key, 'server', 'account')
    condition = ranges.about(asked)
    if level.key == 'work' and asked.everything:
        parts = ranges.counted(rollups.AUDIENCE, keys, condition, FEW, level.media_type)
    else:
        parts = ranges.scanned(keys, condition, FEW, level.media_type)
    inner = ranges.total(parts, keys, FEW)
    return Part(
        f'SELECT {level.key}, sum(plays)::BIGINT AS plays, '  # noqa: S608 - constants
        'sum(played_ms)::BIGINT AS played_ms, '
        f'count(*) AS viewers FROM ({inner.sql}) GROUP BY {level.key}',
        inner.parameters,
    )


_TOLD = (
    'server',
    'rating_key',
    'title',
    'parent_title',
    'grandparent_title',
    'year',
    'thumb',
    'grandparent_rating_key',
)


def _described(query: Query, level: Level, keys: Sequence[int]) -> dict[int, Row]:
    """What titles are called, by the play that came last."""
    if not keys:
        return {}
    return {
        row[0]: row[1:]
        for row in query(
            f'SELECT {level.key}, {", ".join(_TOLD)} FROM titles '  # noqa: S608 - constants
            f'WHERE {level.key} IN (SELECT unnest(?::UBIGINT[])) '
            f'QUALIFY row_number() OVER (PARTITION BY {level.key} '
            'ORDER BY seen_at DESC, server, rating_key) = 1',
            [list(keys)],
        )
    }


def _title(row: Row, told: Row | None, level: Level) -> Title:
    key, plays, played_ms, *viewers = row
    place = Title(
        key=str(key), plays=plays, played_ms=played_ms, viewers=viewers[0] if viewers else None
    )
    if told is None:
        return place
    words = dict(zip(_TOLD, told, strict=True))
    owner = words.pop('grandparent_rating_key')
    if level in (Level.SHOW, Level.ARTIST):
        words['title'] = words['grandparent_title'] or words['title']
        words |= {'parent_title': '', 'grandparent_title': '', 'year': None}
        words |= (
            {'rating_key': owner, 'thumb': f'/library/metadata/{owner}/thumb'} if owner else {}
        )
    return msgspec.structs.replace(place, **words)
