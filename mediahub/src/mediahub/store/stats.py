# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The charts: plays and watched time by day, hour, user and more, and what was played most.

Only plays that have ended count, all of each on the day and in the hour in which it began, in the
hub's time zone. Every chart is exact at every moment and read from one state of the database.

A chart of one account over other things than days and titles reads the plays themselves, and so
does the part of a month at the edge of a range.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import msgspec

from ..plays import Decision
from . import keptcharts, keptdays, names, peaks, ranges, rollups, titles, zones
from .database import Database, Query, Row
from .peaks import Peak
from .ranges import Apart, Measure, QueryError, StatsQuery
from .titles import Level, Title

__all__ = [
    'Apart',
    'Level',
    'Measure',
    'Peak',
    'QueryError',
    'Slice',
    'Stats',
    'StatsQuery',
    'Tally',
    'Title',
]

T = TypeVar('T')

_DAY = datetime.timedelta(days=1)

# Days behind which no end is given that a chart is filled up to.
_LONGEST = 36_600


class Tally(msgspec.Struct, frozen=True, gc=False):
    """How many plays, and the milliseconds that they were watched."""

    plays: int = 0
    played_ms: int = 0


class Slice(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A bar of a chart.

    Attributes:
        key: What it stands for: an ISO day or month, an hour, a weekday (1 is Monday), an id.
        label: The same for people.
        server: Of an account or a library.
        apart: What its plays are told apart by.
        counts: Its plays, and those that were told apart, as :attr:`Apart.measures` has them.
        detail: What else is known of it, such as a player's product.
    """

    key: str
    label: str = ''
    server: str = ''
    plays: int = 0
    played_ms: int = 0
    apart: Apart = Apart.NOTHING
    counts: Sequence[int] = ()
    detail: dict[str, str] = msgspec.field(default_factory=dict[str, str])

    @property
    def decisions(self) -> dict[str, Tally]:
        """Its plays by :class:`mediahub.plays.Decision`, where they are told apart by that."""
        return _tallies(_WAYS[self.apart], self.counts)

    @property
    def media_types(self) -> dict[str, Tally]:
        """By media type; ``other`` is all that is no film, episode, track or live TV."""
        return _tallies(_KINDS[self.apart], self.counts)

    def parts(self, make: Callable[[int, int], T]) -> dict[str, T]:
        """What its plays are told apart by, without that of which there are none.

        Args:
            make: Makes a part of its plays and the milliseconds that they were watched.
        """
        counts = self.counts
        return {
            name: make(counts[place], counts[place + 1])
            for name, place in _PARTS[self.apart]
            if counts[place]
        }


class Stats:
    """Charts of all plays.

    Args:
        database: Where plays are.
        zone: The one that :class:`Plays` was given.
    """

    def __init__(self, database: Database, zone: datetime.tzinfo = datetime.UTC):
        self._database = database
        self._zone = zone

    def totals(self, query: StatsQuery) -> Slice:
        """Everything together."""
        rows = self._added_up(query, _by_days())
        return _slice(query, '', rows[0] if rows else _NOTHING)

    def by_day(self, query: StatsQuery) -> list[Slice]:
        """Every day of the range, or from the first to the last that has plays."""
        return _continuous(self._added_up(query, _by_days('day'), 'day'), query, _following_day)

    def by_month(self, query: StatsQuery) -> list[Slice]:
        """Every month; its key is its first day."""
        count = _by_days("date_trunc('month', day)::DATE AS month")
        return _continuous(self._added_up(query, count, 'month'), query, ranges.next_month)

    def by_weekday(self, query: StatsQuery) -> list[Slice]:
        """Monday (1) to Sunday (7)."""
        count = _by_days('isodow(day) AS weekday')
        return _complete(self._added_up(query, count, 'weekday'), query, range(1, 8))

    def by_hour(self, query: StatsQuery) -> list[Slice]:
        """The hours of a day, 0 to 23."""
        count = _by(rollups.HOUR, ('hour',))
        return _complete(self._added_up(query, count, 'hour'), query, range(24))

    def by_decision(self, query: StatsQuery) -> list[Slice]:
        """Direct play, copy, transcode, and those of which nobody told."""
        found = self.totals(msgspec.structs.replace(query, apart=Apart.DECISIONS))
        return [_of_tally(key, tally) for key, tally in found.decisions.items()]

    def by_media_type(self, query: StatsQuery) -> list[Slice]:
        """Films, episodes, tracks, live TV and the rest."""
        found = self.totals(msgspec.structs.replace(query, apart=Apart.MEDIA_TYPES))
        return [_of_tally(key, tally) for key, tally in found.media_types.items()]

    def by_platform(self, query: StatsQuery, measure: Measure = Measure.PLAYS) -> list[Slice]:
        """Platforms of players."""
        count = _by(rollups.PLATFORM, ('platform',))
        return self._ranked(count, ('platform',), query, measure)

    def by_resolution(self, query: StatsQuery, measure: Measure = Measure.PLAYS) -> list[Slice]:
        """Resolutions of what was sent."""
        count = _by(rollups.RESOLUTION, ('resolution',))
        return self._ranked(count, ('resolution',), query, measure)

    def by_source_resolution(
        self, query: StatsQuery, measure: Measure = Measure.PLAYS
    ) -> list[Slice]:
        """Resolutions of the files."""
        count = _by(rollups.SOURCE_RESOLUTION, ('source_resolution',))
        return self._ranked(count, ('source_resolution',), query, measure)

    def by_library(self, query: StatsQuery, measure: Measure = Measure.PLAYS) -> list[Slice]:
        """Libraries."""
        keys = ('library', 'server')
        return self._ranked(_by(rollups.LIBRARY, keys), keys, query, measure, names.SECTIONS)

    def by_user(self, query: StatsQuery, measure: Measure = Measure.PLAYS) -> list[Slice]:
        """Accounts of servers."""
        keys = ('account', 'server')
        return self._ranked(_by_accounts, keys, query, measure, names.PEOPLE)

    def by_player(self, query: StatsQuery, measure: Measure = Measure.PLAYS) -> list[Slice]:
        """Players, by their own ids."""
        return self._ranked(_by_players, ('player',), query, measure, names.DEVICES)

    def top_titles(
        self, query: StatsQuery, level: Level = Level.MOVIE, measure: Measure = Measure.PLAYS
    ) -> list[Title]:
        """What was played most, or by most accounts.

        Raises:
            QueryError: Viewers are asked for of episodes or tracks.
        """
        return self.rankings(query, [(level, measure)])[0]

    def rankings(
        self, query: StatsQuery, wanted: Sequence[tuple[Level, Measure]]
    ) -> list[list[Title]]:
        """Some rankings of titles, of one state of the database.

        Raises:
            QueryError: Viewers are asked for of episodes or tracks.
        """
        with self._database.snapshot() as run:
            return titles.rankings(run, query, wanted)

    def concurrent(self, query: StatsQuery) -> list[Peak]:
        """The peak of every day that has plays."""
        return peaks.by_day(self._database, query, self._zone)

    def highest(
        self, query: StatsQuery, decisions: Sequence[Decision | None]
    ) -> list[Peak | None]:
        """The first of the highest peaks of each decision, or of all streams together (None)."""
        found = peaks.highest(self._database, query, self._zone)
        return [
            max(found, key=lambda peak: peak.of(decision), default=None) for decision in decisions
        ]

    def _added_up(self, query: StatsQuery, count: _Count, *keys: str) -> list[Row]:
        """Counts by keys, in no order."""
        kept = self._kept()
        with self._database.snapshot() as run:
            if query.account is None:
                return _look(run, query, count, keys)
            return _kept_rows(run, kept, query, count, keys)

    def _ranked(
        self,
        count: _Count,
        keys: tuple[str, ...],
        query: StatsQuery,
        measure: Measure,
        named: names.Names | None = None,
    ) -> list[Slice]:
        """The greatest, with what they are called."""
        kept = self._kept()
        width = len(keys)
        with self._database.snapshot() as run:
            if query.account is None:
                order = f'ORDER BY {measure.order}, {", ".join(keys)} LIMIT ?'
                rows = _look(run, query, count, keys, order, query.limit)
            else:
                rows = _kept_rows(run, kept, query, count, keys)
                rows = sorted(rows, key=_place(measure, width))[: query.limit]
            called = names.called(run, named, keys, [row[:width] for row in rows])
        return [_named(query, row, width, called) for row in rows]

    def _kept(self) -> keptcharts.Kept:
        """Ask before the state of the database begins."""
        days = keptdays.of(self._database)
        return keptcharts.Kept(days, days.number, zones.today(self._zone))


# What counts of a range are read from.
_Count = Callable[[StatsQuery], Sequence[ranges.Part]]


def _look(
    run: Query,
    query: StatsQuery,
    count: _Count,
    keys: Sequence[str],
    order: str = '',
    *limit: int,
) -> list[Row]:
    part = ranges.total(count(query), keys, query.apart.measures, order)
    return run(part.sql, [*part.parameters, *limit])


def _kept_rows(
    run: Query, kept: keptcharts.Kept, query: StatsQuery, count: _Count, keys: tuple[str, ...]
) -> list[Row]:
    return keptcharts.rows(
        run, kept, keys, query, lambda part: _look(run, part, count, keys), len(keys)
    )


def _place(measure: Measure, width: int) -> Callable[[Row], Row]:
    """What rows are sorted by; behind so many keys there are plays and milliseconds."""
    columns = [width + ('plays', 'played_ms').index(name) for name in measure.columns]
    return lambda row: (*(-row[column] for column in columns), *row[:width])


def _by_days(*keys: str) -> _Count:
    """Counts from which days can be told, also those of one account."""

    def count(query: StatsQuery) -> list[ranges.Part]:
        rollup = rollups.DAY if query.account is None else rollups.ACCOUNT
        return ranges.counted(rollup, keys, ranges.about(query), query.apart.measures)

    return count


def _by(rollup: rollups.Rollup, keys: Sequence[str]) -> _Count:
    """Counts of a table that knows of no accounts; for one, from the plays."""

    def count(query: StatsQuery) -> list[ranges.Part]:
        condition = ranges.about(query)
        if query.account is not None:
            return ranges.scanned(keys, condition, query.apart.measures)
        return ranges.counted(rollup, keys, condition, query.apart.measures)

    return count


def _by_accounts(query: StatsQuery) -> list[ranges.Part]:
    span = ranges.split(query.first, query.last)
    measures = query.apart.measures
    parts = ranges.by_months(rollups.ACCOUNT_MONTH, query, span, measures)
    for edge in span.edges:
        condition = ranges.about(query, edge)
        parts += ranges.counted(rollups.ACCOUNT, rollups.ACCOUNT.keys[1:], condition, measures)
    return parts


def _by_players(query: StatsQuery) -> list[ranges.Part]:
    if query.account is not None:
        return ranges.scanned(('player',), ranges.about(query), query.apart.measures)
    span = ranges.split(query.first, query.last)
    parts = ranges.by_months(rollups.PLAYER_MONTH, query, span, query.apart.measures)
    for edge in span.edges:
        condition = ranges.about(query, edge)
        parts += ranges.scanned(rollups.PLAYER_MONTH.keys[1:], condition, query.apart.measures)
    return parts


def _slice(query: StatsQuery, key: str, counts: Sequence[int]) -> Slice:
    """A bar from the columns of :attr:`Apart.measures`."""
    return Slice(key=key, plays=counts[0], played_ms=counts[1], apart=query.apart, counts=counts)


_NONE = Tally()

# Names with the place of their first count; the second one follows.
_Places = tuple[tuple[str, int], ...]


def _tallies(places: _Places, counts: Sequence[int]) -> dict[str, Tally]:
    return {
        name: Tally(counts[place], counts[place + 1]) if counts[place] else _NONE
        for name, place in places
    }


def _places(apart: Apart) -> _Places:
    names = (*(rollups.DECISIONS[name] for name in apart.decisions), *apart.media_types)
    return tuple((name, 2 + 2 * number) for number, name in enumerate(names))


_PARTS = {apart: _places(apart) for apart in Apart}
_WAYS = {apart: places[: len(apart.decisions)] for apart, places in _PARTS.items()}
_KINDS = {apart: places[len(apart.decisions) :] for apart, places in _PARTS.items()}

_NOTHING = (0,) * len(rollups.MEASURES)


def _of_tally(key: str, tally: Tally) -> Slice:
    return Slice(key=key, label=key, plays=tally.plays, played_ms=tally.played_ms)


def _complete(rows: Iterable[Row], query: StatsQuery, keys: Iterable[int]) -> list[Slice]:
    """A bar for every key, also where there is nothing."""
    found = {int(row[0]): row[1:] for row in rows}
    return [_slice(query, str(key), found.get(key, _NOTHING)) for key in keys]


def _continuous(
    rows: Sequence[Row], query: StatsQuery, following: Callable[[datetime.date], datetime.date]
) -> list[Slice]:
    """A bar for every day or month of the range, also where there is nothing."""
    found: dict[datetime.date, Row] = {row[0]: row[1:] for row in rows}
    if not found and (query.first is None or query.last is None):
        return []
    day = query.first or min(found)
    if following is ranges.next_month:
        day = day.replace(day=1)
    last = query.last or max(found, default=day)
    bars: list[Slice] = []
    while day <= last and len(bars) < _LONGEST:
        bars.append(_slice(query, day.isoformat(), found.get(day, _NOTHING)))
        day = following(day)
    return bars


def _following_day(day: datetime.date) -> datetime.date:
    return day + _DAY


def _named(query: StatsQuery, row: Row, width: int, called: Mapping[Row, dict[str, str]]) -> Slice:
    told = dict(called.get(row[:width], {}))
    server = str(row[1]) if width > 1 else ''
    label = told.pop('name', '') or told.pop('title', '') or str(row[0])
    bar = _slice(query, str(row[0]), row[width:])
    return msgspec.structs.replace(bar, label=label, server=server, detail=told)
