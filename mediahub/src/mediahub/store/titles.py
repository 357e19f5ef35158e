# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Rankings of films, shows, artists, episodes and tracks."""

from __future__ import annotations

import enum
from collections.abc import Sequence

import msgspec

from . import ranges, rollups
from .database import Query, Row
from .ranges import FEW, Measure, Part, QueryError, StatsQuery


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
    """The first places.

    Raises:
        QueryError: Viewers are asked for of what they are not counted of.
    """
    if measure is Measure.VIEWERS and level.key == 'piece':
        raise QueryError('viewers are counted of films, shows and artists, not of their parts')
    part = _viewers(asked, level) if measure is Measure.VIEWERS else _plays(asked, level)
    ordered = f'{part.sql} ORDER BY {measure.order}, {level.key} LIMIT ?'
    ranked = query(ordered, [*part.parameters, asked.limit])
    described = _described(query, level, [row[0] for row in ranked])
    return [_title(row, described.get(row[0]), level) for row in ranked]


def _plays(asked: StatsQuery, level: Level) -> Part:
    keys = (level.key,)
    condition = ranges.about(asked)
    kind = level.media_type
    if level.key == 'work' and asked.account is None:
        parts = _months(asked, kind)
    elif level.key == 'work' and asked.everything:
        parts = ranges.counted(rollups.AUDIENCE, keys, condition, FEW, kind)
    elif asked.everything and asked.account is None:
        parts = ranges.counted(rollups.PIECE, keys, condition, FEW, kind)
    else:
        parts = ranges.scanned(keys, condition, FEW, kind)
    return ranges.total(parts, keys, FEW)


def _months(asked: StatsQuery, kind: str) -> list[Part]:
    keys = rollups.WORK_MONTH.keys[1:]
    span = ranges.split(asked.first, asked.last)
    parts = ranges.by_months(rollups.WORK_MONTH, asked, span, FEW, kind)
    for edge in span.edges:
        parts += ranges.scanned(keys, ranges.about(asked, edge), FEW, kind)
    return parts


def _viewers(asked: StatsQuery, level: Level) -> Part:
    """Titles with the number of accounts that played them."""
    if level.key == 'work' and asked.everything:
        return _audience(ranges.about(asked), level.media_type)
    plays = ranges.stated(ranges.about(asked), level.media_type)
    return Part(
        f'SELECT {level.key}, count(*) AS plays, sum(played_ms)::BIGINT AS played_ms, '  # noqa: S608 - constants
        # Numbers are quicker to tell apart than two texts.
        f'count(DISTINCT hash(server, account)) AS viewers FROM ({plays.sql}) '
        f'GROUP BY {level.key}',
        plays.parameters,
    )


# Of all time: a row of the table is a viewer. What is not counted yet may make one more, or less.
_AUDIENCE = """
WITH fresh AS (
    SELECT server, work, account, sum(sign)::BIGINT AS plays,
        sum(sign * played_ms)::BIGINT AS played_ms
    FROM uncounted WHERE {condition} AND media_type = '{kind}' GROUP BY server, work, account
), parts AS (
    SELECT work, sum(plays) AS plays, sum(played_ms) AS played_ms, count(*) AS viewers
    FROM count_audience WHERE {condition} AND {kind}_plays > 0 GROUP BY work
    UNION ALL
    SELECT work, fresh.plays, fresh.played_ms,
        (coalesce(kept.plays, 0) + fresh.plays > 0)::BIGINT - (coalesce(kept.plays, 0) > 0)::BIGINT
    FROM fresh LEFT JOIN count_audience AS kept USING (server, work, account)
)
SELECT work, sum(plays)::BIGINT AS plays, sum(played_ms)::BIGINT AS played_ms,
    sum(viewers)::BIGINT AS viewers
FROM parts GROUP BY work HAVING sum(viewers) > 0
"""


def _audience(condition: Part, kind: str) -> Part:
    return Part(
        _AUDIENCE.format(condition=condition.sql, kind=kind),
        (*condition.parameters, *condition.parameters),
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
