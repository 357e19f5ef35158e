# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""How many streams went on at once: the peak of every day, of all servers and of each.

A peak does not add up from parts, so a day in which something changed is swept again: all begins
and ends of its plays in order, one more and one less. Of days that wait for that, a reader sweeps
those that it asks for. Of accounts nothing is kept in the database.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from ..plays import Decision
from . import keptdays, ranges, rollups, zones
from .database import Database, Query, Row, restored
from .ranges import Part, StatsQuery

# Days that are swept in one transaction; sweeping holds all their plays in memory.
_AT_ONCE = 31

_DECISIONS = tuple(rollups.DECISIONS.values())
_PLACES = {name: place for place, name in enumerate(_DECISIONS)}

T = TypeVar('T')


class Peak(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The most streams at once on a day.

    Attributes:
        began: When there were so many for the first time, as the database keeps moments.
        most: The most of each decision, each at a time of its own, in the order of
            :data:`rollups.DECISIONS`.
    """

    day: datetime.date
    streams: int = 0
    began: datetime.datetime | None = None
    most: Sequence[int] = (0,) * len(_DECISIONS)

    @property
    def moment(self) -> datetime.datetime | None:
        """When there were so many for the first time."""
        return restored(self.began)

    @property
    def told(self) -> str:
        """The moment in ISO's form, which this makes quicker than of one with its zone."""
        return f'{self.began.isoformat()}+00:00' if self.began else ''

    @property
    def decisions(self) -> dict[str, int]:
        """The most of each, by :class:`mediahub.plays.Decision`."""
        return dict(zip(_DECISIONS, self.most, strict=True))

    def of(self, decision: Decision | None) -> int:
        """The most of a decision, or of all together."""
        return self.streams if decision is None else self.most[_PLACES[decision.value]]

    def parts(self, make: Callable[[int], T]) -> dict[str, T]:
        """The decisions of which there were streams, made of the most of each."""
        return {name: make(most) for name, most in zip(_DECISIONS, self.most, strict=True) if most}


# Columns of the peaks of each decision.
_EACH = ', '.join(rollups.DECISIONS)

# Bits of a number that count the streams of one decision. All decisions fit into one HUGEINT, so
# that one running sum counts them all; it is never negative, for a stream ends after it began.
_BITS = 31
_LOWEST = ' '.join(
    f"WHEN '{value}' THEN {_BITS * number}" for number, value in enumerate(_DECISIONS)
)
_COUNTED = ', '.join(
    f'((at_once >> {_BITS * number}) & {2**_BITS - 1})::BIGINT AS {name}'
    for number, name in enumerate(rollups.DECISIONS)
)
_TOGETHER = ' + '.join(rollups.DECISIONS)
_HIGHEST = ', '.join(f'max({name}) AS {name}' for name in rollups.DECISIONS)

# More microseconds than any moment of a day is away from that day's midnight in UTC.
_SPAN = 2**38

# Of a play over several days each day gets its part, so that at midnight all are counted anew.
# What is read of a few among many plays comes in crumbs: it is put together before anything is
# computed.
_OF_DAYS = """
WITH days AS (
    SELECT unnest(?::DATE[]) AS day, unnest(?::TIMESTAMP[]) AS begins,
        unnest(?::TIMESTAMP[]) AS ends
), played AS MATERIALIZED (
    SELECT day, last_day, started_at, stopped_at, stream_decision, {server} AS server
    FROM finished_plays WHERE day <= ? AND last_day >= ? AND {condition}
), parts AS (
    SELECT day, server, stream_decision, started_at AS begun, stopped_at AS ended
    FROM played SEMI JOIN days USING (day) WHERE last_day = day
    UNION ALL
    SELECT day, server, stream_decision, greatest(started_at, begins), least(stopped_at, ends)
    FROM (
        SELECT unnest(generate_series(day, last_day, INTERVAL 1 DAY))::DATE AS day,
            server, stream_decision, started_at, stopped_at
        FROM played WHERE last_day > day
    ) JOIN days USING (day)
)"""

# Of a single day, which is mostly today; this is planned in half the time.
_OF_DAY = """
WITH played AS MATERIALIZED (
    SELECT started_at, stopped_at, stream_decision, {server} AS server
    FROM finished_plays WHERE day <= ? AND last_day >= ? AND {condition}
), parts AS (
    SELECT ?::DATE AS day, server, stream_decision,
        greatest(started_at, ?::TIMESTAMP) AS begun, least(stopped_at, ?::TIMESTAMP) AS ended
    FROM played
)"""

# Streams begin and end at moments; in order of these, what has begun and not ended adds up.
# `early` is the greatest where the streams are, and among these where the moment is the first.
_SWEEP = f"""
, streams AS (
    SELECT day, server, epoch_us(begun) AS begun, epoch_us(ended) AS ended,
        1::HUGEINT << CASE stream_decision {_LOWEST} END AS one
    FROM parts WHERE begun < ended
), steps AS (
    SELECT day, server, unnest([begun, ended]) AS moment, unnest([one, -one]) AS step
    FROM streams
), running AS (
    SELECT day, server, moment, step, sum(step) OVER following AS at_once
    FROM steps
    WINDOW following AS (ORDER BY server, moment, step ROWS UNBOUNDED PRECEDING)
), counted AS (
    SELECT day, server, moment - epoch_us(day) AS since, {_COUNTED}
    FROM running WHERE step > 0
), highest AS (
    SELECT day, server, max({_TOGETHER}) AS streams, {_HIGHEST},
        max(({_TOGETHER}) * {_SPAN} - since) AS early
    FROM counted GROUP BY day, server
)
SELECT day, server, streams, make_timestamp(epoch_us(day) + streams * {_SPAN} - early) AS moment,
    {_EACH}
FROM highest
"""  # noqa: S608 - constants


def sweep(
    query: Query,
    days: Sequence[datetime.date],
    zone: datetime.tzinfo,
    *,
    by_server: bool = False,
    about: Part = ranges.EVERYTHING,
) -> list[Row]:
    """Find the peaks of days.

    Args:
        query: Runs a query.
        days: One or more, in any order.
        zone: Whose days they are.
        by_server: Whether to answer for each server, or for all together.
        about: A condition on the plays that are looked at.

    Returns:
        Day, server (empty for all), streams, their first moment, streams of each decision.
    """
    bounds = zones.bounds(days, zone)
    within = (max(days), min(days), *about.parameters)
    if len(bounds) == 1:
        parts, parameters = _OF_DAY, (*within, *bounds[0])
    else:
        parts, parameters = (
            _OF_DAYS,
            (*(list(each) for each in zip(*bounds, strict=True)), *within),
        )
    named = parts.format(server='server' if by_server else "''", condition=about.sql)
    return query(named + _SWEEP, parameters)


# The first and the last day on which a stream went on. Plays themselves would have to be looked
# through for that as soon as some came in that are not written into the file proper.
_ENDS = f'SELECT min(day), max(day) FROM (SELECT day FROM peaks UNION ALL ({keptdays.STALE}))'  # noqa: S608 - constants

_NEXT = 'SELECT day FROM stale_peaks ORDER BY day DESC LIMIT ?'


def refresh(database: Database, zone: datetime.tzinfo, limit: int = 400) -> int:
    """Sweep days again that are stale, the newest first; answers how many remain.

    What has been swept is committed in parts, so a kill loses little and breaks nothing.
    """
    for _ in range(0, limit, _AT_ONCE):
        with database.transaction():
            rows = database.rows(_NEXT, [_AT_ONCE])
            if not rows:
                return 0
            _replace(database, zone, [row[0] for row in rows])
    return int(database.one('SELECT count(*) FROM stale_peaks') or 0)


def _replace(database: Database, zone: datetime.tzinfo, days: Sequence[datetime.date]) -> None:
    keptdays.of(database).sweep(days)
    rows = sweep(database.rows, days, zone) + sweep(database.rows, days, zone, by_server=True)
    for table in ('peaks', 'stale_peaks'):
        database.execute(f'DELETE FROM {table} WHERE day IN (SELECT unnest(?::DATE[]))', [days])  # noqa: S608 - constants
    if rows:
        columns = [list(column) for column in zip(*rows, strict=True)]
        counts = ', '.join(['unnest(?::BIGINT[])'] * len(rollups.DECISIONS))
        database.execute(
            'INSERT INTO peaks SELECT unnest(?::DATE[]), unnest(?::VARCHAR[]), '
            f'unnest(?::BIGINT[]), unnest(?::TIMESTAMP[]), {counts}',
            columns,
        )


def by_day(database: Database, asked: StatsQuery, zone: datetime.tzinfo) -> list[Peak]:
    """The peaks of the days that a chart is asked for, where there are plays."""
    number = keptdays.of(database).number
    with database.snapshot() as run:
        stale = _stale(run, asked)
        if asked.account is None:
            rows = _stored(run, asked, stale)
            rows += sweep(run, stale, zone, about=_who(asked)) if stale else []
        else:
            rows = _OfAccount(run, asked, zone).rows(keptdays.of(database), number, stale)
    return [_peak(row) for row in sorted(rows, key=lambda row: row[0])]


def highest(database: Database, asked: StatsQuery, zone: datetime.tzinfo) -> list[Peak]:
    """Of the days that a chart is asked for those with the most streams, of all and of each kind.

    Among them are, of equally high ones, the first; there may be others.
    """
    if asked.account is not None:
        return by_day(database, asked, zone)
    with database.snapshot() as run:
        stale = _stale(run, asked)
        rows = _summits(run, asked, stale)
        rows += sweep(run, stale, zone, about=_who(asked)) if stale else []
    return [_peak(row) for row in sorted(rows, key=lambda row: row[0])]


def _peak(row: Row) -> Peak:
    return Peak(day=row[0], streams=row[2], began=row[3], most=row[4:])


def _who(asked: StatsQuery) -> Part:
    """The condition on plays, less the days: a play counts on every day on which it goes on."""
    return ranges.all_of({'server = ?': asked.server, 'viewer_account_id = ?': asked.account})


def _when(asked: StatsQuery) -> Part:
    return ranges.about(StatsQuery(first=asked.first, last=asked.last))


def _stale(query: Query, asked: StatsQuery) -> list[datetime.date]:
    when = _when(asked)
    rows = query(f'SELECT day FROM ({keptdays.STALE}) WHERE {when.sql}', when.parameters)  # noqa: S608 - constants
    return [row[0] for row in rows]


def _stored(query: Query, asked: StatsQuery, stale: Sequence[datetime.date]) -> list[Row]:
    there = _there(asked)
    passed_over = set(stale)
    return [row for row in query(there.sql, there.parameters) if row[0] not in passed_over]


def _summits(query: Query, asked: StatsQuery, stale: Sequence[datetime.date]) -> list[Row]:
    """Of the stored peaks the first of the highest, of all streams and of each decision."""
    there = _there(asked)
    each = ' UNION ALL '.join(
        f'(SELECT * FROM fit ORDER BY {column} DESC, day LIMIT 1)'  # noqa: S608 - constants
        for column in ('streams', *rollups.DECISIONS)
    )
    return query(
        f'WITH fit AS MATERIALIZED (FROM ({there.sql}) WHERE day NOT IN '
        f'(SELECT unnest(?::DATE[]))) {each}',
        [*there.parameters, stale],
    )


def _there(asked: StatsQuery) -> Part:
    """The stored peaks of days."""
    when = _when(asked)
    return Part(
        f'SELECT day, server, streams, moment, {_EACH} FROM peaks '  # noqa: S608 - constants
        f'WHERE server = ? AND {when.sql}',
        (asked.server or '', *when.parameters),
    )


class _OfAccount:
    """Reads the peaks of an account."""

    def __init__(self, run: Query, asked: StatsQuery, zone: datetime.tzinfo):
        self._run, self._asked, self._zone = run, asked, zone

    def rows(
        self, kept: keptdays.Kept, number: int, stale: Sequence[datetime.date]
    ) -> Sequence[Row]:
        """The rows of all days; of many days, those that are kept where these did not change.

        Args:
            kept: What is kept of the database.
            number: Of the last sweep before this state of it.
            stale: Days that changed and were not swept since.
        """
        days = self._days()
        if len(days) <= _AT_ONCE:
            return self._swept(days)
        asked = self._asked
        zone = zones.name(self._zone)
        name = (asked.server, asked.account, asked.first, asked.last, zone)

        def look(some: list[datetime.date] | None) -> dict[datetime.date, Row]:
            swept = days if some is None else sorted(set(some).intersection(days))
            return {row[0]: row for row in self._swept(swept)}

        return list(keptdays.rows(kept, number, name, lambda: stale, look).values())

    def _days(self) -> list[datetime.date]:
        ends = self._run(_ENDS)[0]
        if ends[0] is None:
            return []
        first, last = self._asked.first or ends[0], self._asked.last or ends[1]
        return zones.days(max(first, ends[0]), min(last, ends[1]))

    def _swept(self, days: Sequence[datetime.date]) -> list[Row]:
        return sweep(self._run, days, self._zone, about=_who(self._asked)) if days else []
