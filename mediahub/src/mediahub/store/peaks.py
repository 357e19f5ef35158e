# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""How many streams went on at once: the peak of every day, of all servers and of each.

A peak does not add up from parts, so a day in which something changed is swept again: all begins
and ends of its plays in order, one more and one less. Of days that wait for that, a reader sweeps
those that it asks for.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import msgspec

from . import ranges, retention, zones
from .database import Database, Query, Row, restored
from .ranges import Part, StatsQuery

# Days that are swept in one transaction; sweeping holds all their plays in memory.
_AT_ONCE = 31


class Peak(msgspec.Struct, frozen=True, kw_only=True):
    """The most streams at once on a day.

    Attributes:
        moment: When there were so many for the first time.
        decisions: The most of each decision, each at a time of its own.
    """

    day: datetime.date
    streams: int = 0
    moment: datetime.datetime | None = None
    decisions: dict[str, int] = msgspec.field(default_factory=dict[str, int])


# A day of no server in particular, and of no decision, stands for all of them.
_SWEEP = """
WITH days AS (
    SELECT unnest(?::DATE[]) AS day, unnest(?::TIMESTAMP[]) AS begins,
        unnest(?::TIMESTAMP[]) AS ends
), played AS (
    SELECT day, last_day, server, stream_decision AS decision, started_at, stopped_at
    FROM finished_plays
    WHERE day <= (SELECT max(day) FROM days) AND last_day >= (SELECT min(day) FROM days)
        AND {condition}
), parts AS (
    SELECT day, server, decision, started_at, stopped_at FROM played
    UNION ALL
    SELECT unnest(generate_series(day + 1, last_day, INTERVAL 1 DAY))::DATE AS day,
        server, decision, started_at, stopped_at FROM played WHERE last_day > day
), clipped AS (
    SELECT day, server, decision, greatest(started_at, begins) AS begun,
        least(stopped_at, ends) AS ended
    FROM parts JOIN days USING (day)
), steps AS (
    SELECT day, server, decision, begun AS moment, 1 AS step FROM clipped WHERE begun < ended
    UNION ALL
    SELECT day, server, decision, ended AS moment, -1 AS step FROM clipped WHERE begun < ended
), grouped AS (
    SELECT day, CASE WHEN of_server THEN server ELSE '' END AS server,
        CASE WHEN of_decision THEN decision ELSE '' END AS decision, moment, step
    FROM steps, (SELECT unnest(?::BOOLEAN[]) AS of_server, unnest(?::BOOLEAN[]) AS of_decision)
), running AS (
    SELECT day, server, decision, moment, sum(step) OVER (
        PARTITION BY day, server, decision ORDER BY moment, step
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    )::BIGINT AS streams
    FROM grouped
)
SELECT day, server, decision, max(streams) AS streams,
    make_timestamp(-(max({{'streams': streams, 'early': -epoch_us(moment)}}).early)) AS moment
FROM running GROUP BY day, server, decision
"""


def sweep(
    query: Query,
    days: Sequence[datetime.date],
    zone: datetime.tzinfo,
    *,
    servers: Sequence[bool] = (False, True),
    about: Part = ranges.EVERYTHING,
) -> list[Row]:
    """Find the peaks of days.

    Args:
        query: Runs a query.
        days: In any order.
        zone: Whose days they are.
        servers: Whether to answer for all servers together (False), for each (True), or both.
        about: A condition on the plays that are looked at.

    Returns:
        Day, server, decision, streams and the first moment of so many.
    """
    bounds = zones.bounds(days, zone)
    combinations = [(server, decision) for server in servers for decision in (False, True)]
    return query(
        _SWEEP.format(condition=about.sql),
        [
            [day for day, _, _ in bounds],
            [begins for _, begins, _ in bounds],
            [ends for _, _, ends in bounds],
            *about.parameters,
            [server for server, _ in combinations],
            [decision for _, decision in combinations],
        ],
    )


# Days that wait for being swept, and those with plays that are not even counted.
_STALE = """
SELECT day FROM stale_peaks
UNION SELECT unnest(generate_series(day, last_day, INTERVAL 1 DAY))::DATE FROM uncounted
"""


_NEXT = 'SELECT day FROM stale_peaks ORDER BY day DESC LIMIT ?'


def refresh(database: Database, zone: datetime.tzinfo, limit: int = 400) -> int:
    """Sweep days again that are stale, the newest first; answers how many remain.

    What has been swept is committed in parts, so a kill loses little and breaks nothing.
    """
    for _ in range(0, limit, _AT_ONCE):
        with database.transaction():
            # Not all plays of these are there any more, so what was found before is better.
            closed = retention.horizon(database.rows) or datetime.date.min
            database.execute('DELETE FROM stale_peaks WHERE day <= ?', [closed])
            rows = database.rows(
                'SELECT day FROM stale_peaks ORDER BY day DESC LIMIT ?', [_AT_ONCE]
            )
            if not rows:
                return 0
            _replace(database, zone, [row[0] for row in rows])
    return int(database.one('SELECT count(*) FROM stale_peaks') or 0)


def _replace(database: Database, zone: datetime.tzinfo, days: Sequence[datetime.date]) -> None:
    found = [list(column) for column in zip(*sweep(database.rows, days, zone), strict=True)]
    for table in ('peaks', 'stale_peaks'):
        database.execute(f'DELETE FROM {table} WHERE day IN (SELECT unnest(?::DATE[]))', [days])  # noqa: S608 - constants
    if found:
        database.execute(
            'INSERT INTO peaks SELECT unnest(?::DATE[]), unnest(?::VARCHAR[]), '
            'unnest(?::VARCHAR[]), unnest(?::BIGINT[]), unnest(?::TIMESTAMP[])',
            found,
        )


def by_day(query: Query, asked: StatsQuery, zone: datetime.tzinfo) -> list[Peak]:
    """The peaks of the days that a chart is asked for, where there are plays."""
    if asked.account is not None:
        rows = _of_account(query, asked, zone)
    else:
        stale = _stale(query, asked)
        rows = _stored(query, asked, stale)
        rows += sweep(query, stale, zone, servers=(False,), about=_who(asked)) if stale else []
    found: dict[datetime.date, dict[str, Row]] = {}
    for day, _, decision, streams, moment in rows:
        found.setdefault(day, {})[decision] = (streams, moment)
    return [_peak(day, found[day]) for day in sorted(found)]


def _peak(day: datetime.date, by_decision: dict[str, Row]) -> Peak:
    streams, moment = by_decision.get('', (0, None))
    decisions = {name: int(row[0]) for name, row in sorted(by_decision.items()) if name}
    return Peak(day=day, streams=int(streams), moment=restored(moment), decisions=decisions)


def _who(asked: StatsQuery) -> Part:
    """The condition on plays, less the days: a play counts on every day on which it goes on."""
    given = {'server = ?': asked.server, 'viewer_account_id = ?': asked.account}
    chosen = {text: value for text, value in given.items() if value is not None}
    return Part(' AND '.join(chosen) or 'true', tuple(chosen.values()))


def _when(asked: StatsQuery) -> Part:
    return ranges.about(StatsQuery(first=asked.first, last=asked.last))


def _stale(query: Query, asked: StatsQuery) -> list[datetime.date]:
    when = _when(asked)
    rows = query(f'SELECT day FROM ({_STALE}) WHERE {when.sql}', when.parameters)  # noqa: S608 - constants
    closed = retention.horizon(query) or datetime.date.min
    return [row[0] for row in rows if row[0] > closed]


def _stored(query: Query, asked: StatsQuery, stale: Sequence[datetime.date]) -> list[Row]:
    when = _when(asked)
    rows = query(
        'SELECT day, server, decision, streams, moment FROM peaks '  # noqa: S608 - constants
        f'WHERE server = ? AND {when.sql}',
        [asked.server or '', *when.parameters],
    )
    passed_over = set(stale)
    return [row for row in rows if row[0] not in passed_over]


def _of_account(query: Query, asked: StatsQuery, zone: datetime.tzinfo) -> list[Row]:
    """Nothing is kept of accounts; they have few plays."""
    who, when = _who(asked), _when(asked)
    rows = query(
        'SELECT DISTINCT day FROM ('  # noqa: S608 - constants
        'SELECT unnest(generate_series(day, last_day, INTERVAL 1 DAY))::DATE AS day '
        f'FROM finished_plays WHERE {who.sql}) WHERE {when.sql}',
        [*who.parameters, *when.parameters],
    )
    days = [row[0] for row in rows]
    return sweep(query, days, zone, servers=(False,), about=who) if days else []
