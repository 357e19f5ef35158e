# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What a chart is asked for, and the counts that answer it: of months, and of days beside them."""

from __future__ import annotations

import datetime
import enum
from collections.abc import Mapping, Sequence

import msgspec

from ..engine.errors import MediaHubError
from . import rollups

_DAY = datetime.timedelta(days=1)

# Counts that a chart adds up; a ranking of titles needs no more than the first two.
ALL = tuple(rollups.MEASURES)
FEW = ALL[:2]


class QueryError(MediaHubError):
    """The query makes no sense; the message says which part of it."""


class Measure(enum.Enum):
    """What a ranking goes by; VIEWERS is the number of accounts, and only for titles."""

    PLAYS = 'plays'
    TIME = 'time'
    VIEWERS = 'viewers'

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns to sort by, the greatest first."""
        return _ORDERS[self.value]

    @property
    def order(self) -> str:
        """Likewise as SQL."""
        return ', '.join(f'{column} DESC' for column in self.columns)


_ORDERS = {
    'plays': ('plays', 'played_ms'),
    'time': ('played_ms', 'plays'),
    'viewers': ('viewers', 'plays', 'played_ms'),
}


class Apart(enum.Enum):
    """What plays are told apart by; the less, the quicker."""

    NOTHING = 'nothing'
    DECISIONS = 'decisions'
    MEDIA_TYPES = 'media types'
    BOTH = 'both'

    @property
    def decisions(self) -> tuple[str, ...]:
        """Names of decisions that are counted."""
        return tuple(rollups.DECISIONS) if self in (Apart.DECISIONS, Apart.BOTH) else ()

    @property
    def media_types(self) -> tuple[str, ...]:
        """Names of media types that are counted."""
        return tuple(rollups.MEDIA) if self in (Apart.MEDIA_TYPES, Apart.BOTH) else ()

    @property
    def measures(self) -> tuple[str, ...]:
        """Counts: all plays and their time, and then those of each name."""
        names = (*self.decisions, *self.media_types)
        return (*FEW, *(f'{name}_{what}' for name in names for what in ('plays', 'ms')))


class StatsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What plays a chart is about.

    Attributes:
        first, last: Days on which they began, both included; None for no bound.
        server: Machine identifier of a server; None for all.
        account: Account on its server; None for everybody. It means little without a server.
        limit: Rows of a ranking.
        apart: What a chart tells apart; a ranking of titles tells nothing.
    """

    first: datetime.date | None = None
    last: datetime.date | None = None
    server: str | None = None
    account: str | None = None
    limit: int = 10
    apart: Apart = Apart.BOTH

    @property
    def everything(self) -> bool:
        """Whether no day is left out."""
        return self.first is None and self.last is None


class Part(msgspec.Struct, frozen=True):
    """A SELECT or a condition, and its parameters."""

    sql: str
    parameters: tuple[object, ...] = ()


EVERYTHING = Part('true')


Days = tuple[datetime.date | None, datetime.date | None]


class Split(msgspec.Struct, frozen=True):
    """A range as whole months and the days beside them.

    Attributes:
        months: First days of the first and the last whole month; None for no bound.
        none: Whether there is no whole month.
        edges: Ranges of days that are in none of them.
    """

    months: Days
    none: bool
    edges: tuple[tuple[datetime.date, datetime.date], ...]


def about(query: StatsQuery, days: Days | None = None, column: str = 'day') -> Part:
    """The condition that a query makes.

    Args:
        query: Whose server and account count, where they are given.
        days: A range in place of the query's own.
        column: Of the day or month.
    """
    first, last = days or (query.first, query.last)
    given = {
        f'{column} >= ?': first,
        f'{column} <= ?': last,
        'server = ?': query.server,
        'account = ?': query.account,
    }
    return all_of(given)


def all_of(given: Mapping[str, object]) -> Part:
    """Conditions of which each has one parameter; those whose parameter is None do not count."""
    chosen = {text: value for text, value in given.items() if value is not None}
    return Part(' AND '.join(chosen) or 'true', tuple(chosen.values()))


def together(parts: Sequence[Part]) -> Part:
    """All conditions together; those that ask for everything are left out."""
    some = [part for part in parts if part != EVERYTHING]
    return Part(
        ' AND '.join(f'({part.sql})' for part in some) or 'true',
        tuple(value for part in some for value in part.parameters),
    )


def counted(
    rollup: rollups.Rollup,
    keys: Sequence[str],
    condition: Part,
    measures: Sequence[str] = ALL,
    fresh: Sequence[str] | None = None,
) -> list[Part]:
    """Counts of a table, and what is not counted yet.

    Args:
        rollup: The table.
        keys: Expressions on its columns, each a column or ``… AS name``.
        condition: On its columns.
        measures: Which of the counts.
        fresh: The keys on what is not counted, where they are other expressions.
    """
    return [
        _select(keys, measures, rollup.table, condition),
        _select(fresh or keys, _expressions(measures), 'uncounted', condition),
    ]


def stated(condition: Part) -> Part:
    """The plays themselves, with the columns of ``uncounted``, on which the condition is."""
    source = f'({rollups.stated(1, "finished_plays")})'
    return Part(f'SELECT * FROM {source} WHERE {condition.sql}', condition.parameters)  # noqa: S608 - constants


def scanned(
    keys: Sequence[str],
    condition: Part,
    measures: Sequence[str] = ALL,
    same: Mapping[str, str] | None = None,
) -> list[Part]:
    """Likewise from the plays themselves; the condition is on columns of ``uncounted``.

    They are added up by decision and media type first: that leaves few rows to tell these apart.

    Args:
        keys: As for :func:`counted`.
        condition: On columns of ``uncounted``.
        measures: Which of the counts.
        same: Expressions by the names of more columns, which are the same in all rows with the
            same keys.
    """
    told = same or {}
    names = [key.rpartition(' AS ')[2] for key in keys]
    apart = ['decision', 'media_type'] if tuple(measures) != FEW else []
    plays = stated(condition)
    grouped = ', '.join((*names, *apart))
    values = (f'any_value({value}) AS {name}' for name, value in told.items())
    inner = (
        f'SELECT {", ".join((*keys, *apart, *values))}, count(*) AS sign, '  # noqa: S608 - constants
        f'sum(played_ms)::BIGINT AS played_ms FROM ({plays.sql})'
    )
    if grouped:
        inner += f' GROUP BY {grouped}'
    expressions = [f'{rollups.GROUPED[name]} AS {name}' for name in measures]
    return [
        Part(
            f'SELECT {", ".join((*names, *told, *expressions))} FROM ({inner})',  # noqa: S608 - constants
            plays.parameters,
        )
    ]


def by_months(
    rollup: rollups.Rollup, query: StatsQuery, span: Split, measures: Sequence[str] = ALL
) -> list[Part]:
    """Counts of the whole months of a range, of a table that counts by month."""
    if span.none:
        return []
    condition = about(query, span.months, 'month')
    return counted(rollup, rollup.keys[1:], condition, measures)


def _expressions(measures: Sequence[str]) -> list[str]:
    return [f'{rollups.MEASURES[name]} AS {name}' for name in measures]


def _select(keys: Sequence[str], values: Sequence[str], source: str, condition: Part) -> Part:
    columns = ', '.join((*keys, *values))
    return Part(
        f'SELECT {columns} FROM {source} WHERE {condition.sql}',  # noqa: S608 - constants
        condition.parameters,
    )


def total(
    parts: Sequence[Part],
    names: Sequence[str],
    measures: Sequence[str] = ALL,
    rest: str = '',
    same: Sequence[str] = (),
) -> Part:
    """Add parts up by the names of their keys.

    Args:
        parts: With the same keys and measures.
        names: Of the keys.
        measures: Which are added up; a row of which the first two are zero is left out.
        rest: ORDER BY and LIMIT.
        same: More columns, which are the same (or NULL) in all rows with the same keys.
    """
    union = ' UNION ALL BY NAME '.join(part.sql for part in parts)
    sums = (f'coalesce(sum({name}), 0)::BIGINT AS {name}' for name in measures)
    values = (f'any_value({name}) AS {name}' for name in same)
    keys = ', '.join(names)
    grouped = f'GROUP BY {keys}' if keys else ''
    return Part(
        f'SELECT {", ".join((*names, *values, *sums))} FROM ({union}) {grouped} '  # noqa: S608 - constants
        f'HAVING sum({measures[0]}) <> 0 OR sum({measures[1]}) <> 0 {rest}',
        tuple(value for part in parts for value in part.parameters),
    )


def split(first: datetime.date | None, last: datetime.date | None) -> Split:
    """Split a range; None is for no bound."""
    start = first if first is None or first.day == 1 else next_month(first)
    end = last if last is None or (last + _DAY).day == 1 else last.replace(day=1) - _DAY
    if start is not None and end is not None and start > end:
        return Split((None, None), True, ((first or start, last or end),))
    edges: list[tuple[datetime.date, datetime.date]] = []
    if first is not None and start is not None and first < start:
        edges.append((first, start - _DAY))
    if last is not None and end is not None and end < last:
        edges.append((end + _DAY, last))
    return Split((start, end.replace(day=1) if end else None), False, tuple(edges))


def next_month(day: datetime.date) -> datetime.date:
    """The first day of the month behind a day's."""
    return (day.replace(day=1) + datetime.timedelta(days=32)).replace(day=1)
