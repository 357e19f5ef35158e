# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Rankings of films, shows, artists, episodes and tracks."""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping, Sequence
from typing import Any

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


# A ranking: of what, and by what.
Wanted = tuple[Level, Measure]


def rankings(query: Query, asked: StatsQuery, wanted: Sequence[Wanted]) -> list[list[Title]]:
    """The first places of some rankings; those of films, shows and artists are found together.

    Raises:
        QueryError: Viewers are asked for of what they are not counted of.
    """
    if any(level.key == 'piece' and measure is Measure.VIEWERS for level, measure in wanted):
        raise QueryError('viewers are counted of films, shows and artists, not of their parts')
    once = dict.fromkeys(wanted)
    works = [each for each in once if each[0].key == 'work']
    groups = [works, *([each] for each in once if each[0].key == 'piece')]
    places: dict[Wanted, list[Title]] = {}
    for group in filter(None, groups):
        places |= _ranked(query, asked, group)
    return [places[each] for each in wanted]


def _ranked(
    query: Query, asked: StatsQuery, wanted: Sequence[Wanted]
) -> dict[Wanted, list[Title]]:
    """Rankings of titles that are told apart by the same key."""
    key = wanted[0][0].key
    rows = _placed(query, asked, wanted, _counted(query, asked, key, wanted))
    if _at_most(rows, wanted):
        rows = _placed(query, asked, wanted, _viewed(asked, rollups.FRESH_VIEWERS))
    told = _described(query, key, {row[1] for row in rows})
    places: dict[Wanted, list[Title]] = {each: [] for each in wanted}
    for row in rows:
        ranking = wanted[int(row[0])]
        level, measure = ranking
        title = _title(row[1:5], told.get(row[1]), level)
        if measure is not Measure.VIEWERS:
            title = msgspec.structs.replace(title, viewers=None)
        places[ranking].append(title)
    return places


def _placed(query: Query, asked: StatsQuery, wanted: Sequence[Wanted], part: Part) -> list[Row]:
    """The number of each ranking with what is counted of its titles, the first title first."""
    each = ' UNION ALL '.join(
        f'(SELECT {place} AS place, * EXCLUDE kind FROM counted '  # noqa: S608 - constants
        f"WHERE kind = '{level.media_type}' ORDER BY {measure.order}, {level.key} LIMIT ?)"
        for place, (level, measure) in enumerate(wanted)
    )
    return query(
        f'WITH counted AS MATERIALIZED ({part.sql}) {each}',
        [*part.parameters, *[asked.limit] * len(wanted)],
    )


def _at_most(rows: Sequence[Row], wanted: Sequence[Wanted]) -> bool:
    """Whether a title has its place by viewers of which there may be fewer.

    Where none has, all places are right: whatever comes behind these has fewer still.
    """
    return any(row[5:] == (True,) and wanted[row[0]][1] is Measure.VIEWERS for row in rows)


def _counted(query: Query, asked: StatsQuery, key: str, wanted: Sequence[Wanted]) -> Part:
    """Plays, milliseconds and, where they are wanted, viewers of each title and kind."""
    of_kinds = _of_kinds({level.media_type for level, _ in wanted})
    if all(measure is not Measure.VIEWERS for _, measure in wanted):
        return ranges.total(_parts(asked, key, of_kinds), (key,), FEW, same=('kind',))
    if not asked.everything:
        return _distinct(query, asked, of_kinds)
    if asked.account is not None:
        return _audience(asked)
    return _viewed(asked, rollups.MOST_FRESH_VIEWERS)


def _of_kinds(kinds: Collection[str]) -> Part:
    """A condition without which more titles would be counted than are ranked.

    Worth its time only where most are not. It is on a text that DuckDB puts together first: that
    of a column it compares while it reads that column, which takes longer here.
    """
    if len(kinds) > 1:
        return ranges.EVERYTHING
    return Part("media_type || '' = ?", tuple(kinds))


# The kind of title that a row of counts is about. Each title is of one: its key says so as well,
# and telling titles apart by both takes twice as long.
_KIND = f"""CASE {
    ' '.join(f"WHEN {kind}_plays <> 0 THEN '{kind}'" for kind in ('movie', 'episode', 'track'))
} END AS kind"""
_FRESH_KIND = 'media_type AS kind'


def _parts(asked: StatsQuery, key: str, of_kinds: Part) -> list[Part]:
    condition = ranges.about(asked)
    if asked.everything and (table := _table(asked, key)):
        return ranges.counted(table, (key, _KIND), condition, FEW, (key, _FRESH_KIND))
    if key == 'piece' or asked.account is not None:
        return _scanned(key, ranges.together((condition, of_kinds)))
    span = ranges.split(asked.first, asked.last)
    parts = list[Part]()
    if not span.none:
        months = ranges.about(asked, span.months, 'month')
        parts += ranges.counted(rollups.WORK_MONTH, (key, _KIND), months, FEW, (key, _FRESH_KIND))
    for edge in span.edges:
        parts += _scanned(key, ranges.together((ranges.about(asked, edge), of_kinds)))
    return parts


def _table(asked: StatsQuery, key: str) -> rollups.Rollup | None:
    """That with the counts of all time."""
    if asked.account is None:
        return rollups.WORK if key == 'work' else rollups.PIECE
    return rollups.AUDIENCE if key == 'work' else None


def _scanned(key: str, condition: Part) -> list[Part]:
    return ranges.scanned((key,), condition, FEW, {'kind': 'media_type'})


# Everybody there are plays of in some months, numbered. Two texts are slow to compare, numbers are
# not.
_PEOPLE = """
SELECT hash(server, account) AS who, (row_number() OVER ())::UINTEGER - 1 AS number FROM (
    SELECT server, account FROM count_account_month WHERE {months}
    UNION SELECT server, account FROM uncounted
)
"""

# People, and no fewer titles than there are.
_MANY = """
SELECT (SELECT count(*) FROM ({people})),
    (SELECT count(*) FROM count_work) + (SELECT count(*) FROM uncounted)
"""

# Bits that may be needed to tell people apart: 64 MiB.
_BITS = 2**29


def _distinct(query: Query, asked: StatsQuery, of_kinds: Part) -> Part:
    """With viewers, from plays."""
    part = ranges.stated(ranges.together((ranges.about(asked), of_kinds)))
    source, viewers = f'({part.sql})', 'count(DISTINCT hash(server, account))'
    parameters = part.parameters
    everybody = _people(asked)
    people, titles = query(_MANY.format(people=everybody.sql), everybody.parameters)[0]
    if people and people * titles <= _BITS:
        # A bit for each of them is set three times as quickly as a set of them is filled.
        source += f' JOIN ({everybody.sql}) ON who = hash(server, account)'
        parameters += everybody.parameters
        viewers = f'bit_count(bitstring_agg(number, 0, {people - 1}))'
    return Part(
        'SELECT work, any_value(media_type) AS kind, count(*) AS plays, '  # noqa: S608 - constants
        f'sum(played_ms)::BIGINT AS played_ms, {viewers} AS viewers FROM {source} GROUP BY work',
        parameters,
    )


def _people(asked: StatsQuery) -> Part:
    first = asked.first.replace(day=1) if asked.first else None
    months = ranges.all_of({'month >= ?': first, 'month <= ?': asked.last})
    return Part(_PEOPLE.format(months=months.sql), months.parameters)


def _audience(asked: StatsQuery) -> Part:
    """With viewers, of an account; its number may be another person on each server."""
    keys = ('server', 'work')
    parts = ranges.counted(
        rollups.AUDIENCE, (*keys, _KIND), ranges.about(asked), FEW, (*keys, _FRESH_KIND)
    )
    each = ranges.total(parts, keys, FEW, same=('kind',))
    return Part(
        'SELECT work, any_value(kind) AS kind, sum(plays)::BIGINT AS plays, '  # noqa: S608 - constants
        'sum(played_ms)::BIGINT AS played_ms, count(*) AS viewers '
        f'FROM ({each.sql}) GROUP BY work',
        each.parameters,
    )


def _viewed(asked: StatsQuery, fresh: str) -> Part:
    """With viewers, of all time, and whether there may be fewer.

    Args:
        asked: The range is all time.
        fresh: The SELECT of viewers that are not counted yet. To find them takes most of the time,
            and what was played in the last minute is hardly ever what most people played.
    """
    condition = ranges.about(asked)
    keys = (('work', _KIND), ('work', _FRESH_KIND))
    counts = ranges.total(
        ranges.counted(rollups.WORK, keys[0], condition, FEW, keys[1]),
        ('work',),
        FEW,
        same=('kind',),
    )
    at_most = fresh == rollups.MOST_FRESH_VIEWERS
    viewers = (
        'SELECT work, sum(viewers)::BIGINT AS viewers, bool_or(at_most) AS at_most FROM ('  # noqa: S608 - constants
        'SELECT *, false AS at_most FROM count_viewers '
        f'UNION ALL BY NAME SELECT *, {at_most} AS at_most FROM ({fresh})'
        f') WHERE {condition.sql} GROUP BY work'
    )
    return Part(
        f'SELECT * FROM ({counts.sql}) JOIN ({viewers}) USING (work)',  # noqa: S608 - constants
        (*counts.parameters, *condition.parameters),
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


# The least of these is what the last play told.
_LAST = f"""{{'seen': -epoch_us(seen_at), {', '.join(f"'{name}': {name}" for name in _TOLD)}}}"""


def _described(query: Query, key: str, wanted: Collection[int]) -> dict[int, dict[str, Any]]:
    """What titles are called, by the play that came last."""
    if not wanted:
        return {}
    rows = query(
        f'SELECT {key}, min({_LAST}) FROM titles '  # noqa: S608 - constants
        f'WHERE {key} IN (SELECT unnest(?::UBIGINT[])) GROUP BY {key}',
        [list(wanted)],
    )
    return {found: {name: told[name] for name in _TOLD} for found, told in rows}


def _title(row: Row, told: Mapping[str, Any] | None, level: Level) -> Title:
    key, plays, played_ms, *viewers = row
    place = Title(
        key=str(key), plays=plays, played_ms=played_ms, viewers=viewers[0] if viewers else None
    )
    if told is None:
        return place
    words = dict(told)
    owner = words.pop('grandparent_rating_key')
    if level in (Level.SHOW, Level.ARTIST):
        words['title'] = words['grandparent_title'] or words['title']
        words |= {'parent_title': '', 'grandparent_title': '', 'year': None}
        words |= (
            {'rating_key': owner, 'thumb': f'/library/metadata/{owner}/thumb'} if owner else {}
        )
    return msgspec.structs.replace(place, **words)
