# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""How many plays match a query, and how they are spread; from counts where these know."""

from __future__ import annotations

import datetime
from collections.abc import Hashable, Sequence
from typing import Any, cast

import msgspec

from . import keptdays, ranges, rollups
from .asking import Found, HistoryQuery, Order, of_accounts
from .database import Query, Row
from .ranges import EVERYTHING, Part, together

# What a query may ask for, and the column of counts that knows of it.
_COLUMNS = {
    'server': 'server',
    'first': 'day',
    'last': 'day',
    'account': 'account',
    'viewer': 'account',
    'library': 'library',
    'platform': 'platform',
    'text': 'piece',
}
_KINDS = {'media_type', 'decision'}
_PLACE = {'order', 'descending', 'limit', 'offset', 'after', 'counted'}

# Columns of counts by which pages are sorted.
_SORTED = {
    Order.TITLE: 'heading',
    Order.USER: 'viewer_name',
    Order.PLATFORM: 'platform',
    Order.PLAYER: 'player_title',
    Order.PLAYED: 'minutes',
}

# Of tables that know enough the first one is asked: those with few rows come first.
_TABLES = (
    rollups.DAY,
    rollups.HEADING,
    rollups.WORK,
    rollups.VIEWER_NAME,
    rollups.PLAYER_TITLE,
    rollups.MINUTES,
    rollups.PLATFORM,
    rollups.LIBRARY,
    rollups.PIECE,
    rollups.PLAYER_MONTH,
    rollups.ACCOUNT_MONTH,
    rollups.ACCOUNT,
    rollups.AUDIENCE,
)

_DECISIONS = {value: name for name, value in rollups.DECISIONS.items()}


class Kept(msgspec.Struct, frozen=True):
    """Where totals are kept that no counts know.

    Attributes:
        days: What is kept of the database.
        number: Of its last sweep before the state of the database that is read.
    """

    days: keptdays.Kept
    number: int


class Totals(msgspec.Struct, frozen=True):
    """Plays that match.

    Attributes:
        plays: How many.
        played_ms: Milliseconds that they were watched.
        days: Plays of each day that has some, the first day first; None where that is not known.
    """

    plays: int
    played_ms: int
    days: Sequence[tuple[datetime.date, int]] | None = None


def of(run: Query, query: HistoryQuery, words: Found, condition: Part, kept: Kept) -> Totals:
    """How many plays match.

    Args:
        run: Runs a query.
        query: What is asked for.
        words: What its words stand for.
        condition: What it says of plays.
        kept: Totals that were found before.
    """
    part = _counted(query, words)
    if part is None:
        return _looked_through(run, words, condition, kept)
    return Totals(*run(part.sql, part.parameters)[0])


def by_day(
    run: Query, query: HistoryQuery, words: Found
) -> list[tuple[datetime.date, int]] | None:
    """Plays of each day that has some, the first day first; None where no counts know."""
    source = _source(query, words, 'day')
    if source is None:
        return None
    part = _each(source, 'day')
    rows = run(f'{part.sql} ORDER BY day', part.parameters)
    return [(day, plays) for day, plays in rows]


class Same(msgspec.Struct, frozen=True):
    """Plays that agree in what they are sorted by, or in its minute.

    Attributes:
        before: Plays that come before all of these.
    """

    value: Any
    plays: int
    before: int


def by_value(
    run: Query, query: HistoryQuery, words: Found, bounds: tuple[int, int], behind: Any
) -> list[Same] | None:
    """Where a page lies, in the query's order; None where no counts know.

    Args:
        run: Runs a query.
        query: What is asked for.
        words: What its words stand for.
        bounds: Plays to pass over, and how many are wanted behind them.
        behind: Only plays with a value behind this one are counted; None for all.
    """
    column = _SORTED.get(query.order)
    source = _source(query, words, column) if column else None
    if column is None or source is None:
        return None
    sign, direction = ('<', 'DESC') if query.descending else ('>', 'ASC')
    beyond = EVERYTHING if behind is None else Part(f'{column} {sign} ?', (behind,))
    condition = together((source.condition, beyond))
    each = _each(msgspec.structs.replace(source, condition=condition), column)
    rows = run(
        f'SELECT {column}, plays, upto - plays FROM ('  # noqa: S608 - constants
        f'SELECT *, (sum(plays) OVER (ORDER BY {column} {direction}))::BIGINT AS upto '
        f'FROM ({each.sql})) '
        f'WHERE upto > ? AND upto - plays < ? ORDER BY {column} {direction}',
        [*each.parameters, bounds[0], sum(bounds)],
    )
    return [Same(*row) for row in rows]


def _looked_through(run: Query, words: Found, condition: Part, kept: Kept) -> Totals:
    """Likewise from the plays themselves; of what was asked before, those of the changed days."""

    def look(days: list[datetime.date] | None) -> dict[datetime.date, Row]:
        if days is None:
            return _each_day(run, condition)
        of_these = Part('day IN (SELECT unnest(?::DATE[]))', (days,))
        return _each_day(run, together((of_these, condition)))

    name = (condition.sql, _hashable(condition.parameters), _titles(run, words))
    days = keptdays.rows(
        kept.days, kept.number, name, lambda: [row[0] for row in run(keptdays.STALE)], look
    )
    return Totals(
        sum(row[0] for row in days.values()),
        sum(row[1] for row in days.values()),
        sorted((day, row[0]) for day, row in days.items()),
    )


def _each_day(run: Query, condition: Part) -> dict[datetime.date, Row]:
    rows = run(
        'SELECT day, count(*), sum(played_ms)::BIGINT FROM finished_plays '  # noqa: S608 - constants
        f'WHERE {condition.sql} GROUP BY day',
        condition.parameters,
    )
    return {day: tuple(rest) for day, *rest in rows}


def _titles(run: Query, words: Found) -> Hashable:
    """What tells one set of titles from another, where a condition looks them up itself."""
    if words.sought is None:
        return None
    part = words.sought
    sql = f'SELECT count(*), sum(hash(piece)) FROM ({part.sql})'  # noqa: S608 - constants
    return run(sql, part.parameters)[0]


def _hashable(values: Sequence[object]) -> Hashable:
    return tuple(
        tuple(cast('list[object]', value)) if isinstance(value, list) else value
        for value in values
    )


def _counted(query: HistoryQuery, words: Found) -> Part | None:
    source = _source(query, words)
    if source is None:
        return None
    parts = ranges.counted(source.rollup, (), source.condition, source.measures)
    plays, watched = (f'coalesce(sum({name}), 0)::BIGINT' for name in source.measures)
    union = ' UNION ALL BY NAME '.join(part.sql for part in parts)
    return Part(
        f'SELECT {plays}, {watched} FROM ({union})',  # noqa: S608 - constants
        tuple(value for part in parts for value in part.parameters),
    )


class _Source(msgspec.Struct, frozen=True):
    """Counts that answer a query: a table, what is asked of it, and which of its columns."""

    rollup: rollups.Rollup
    condition: Part
    measures: tuple[str, str]


def _each(source: _Source, column: str) -> Part:
    """How many plays there are of each value of a column that has some."""
    parts = ranges.counted(source.rollup, (column,), source.condition, source.measures)
    union = ' UNION ALL BY NAME '.join(part.sql for part in parts)
    name = source.measures[0]
    return Part(
        f'SELECT {column}, sum({name})::BIGINT AS plays FROM ({union}) '  # noqa: S608 - constants
        f'GROUP BY {column} HAVING sum({name}) <> 0',
        tuple(value for part in parts for value in part.parameters),
    )


def _source(query: HistoryQuery, words: Found, *more: str) -> _Source | None:
    """None where no table of counts knows of all that is asked for, and of more columns."""
    asked = {
        field.name
        for field in msgspec.structs.fields(query)
        if field.name not in _PLACE and getattr(query, field.name) is not None
    }
    kinds, kind = asked & _KINDS, _kind(query)
    columns = _columns(query, words)
    if len(kinds) > 1 or (kinds and not kind) or asked - kinds - columns.keys():
        return None
    needed = {columns[name] for name in asked - kinds} | set(more)
    rollup = next((table for table in _TABLES if needed <= set(table.keys)), None)
    if rollup is None:
        return None
    measures = (f'{kind}_plays', f'{kind}_ms') if kind else ('plays', 'played_ms')
    return _Source(rollup, _condition(query, words), measures)


def _columns(query: HistoryQuery, words: Found) -> dict[str, str]:
    """Columns of counts that know of what a query may ask for."""
    known = dict(_COLUMNS)
    if words.keyed is not None:
        known['rating_key'] = words.keyed.column
    # Players without an id are counted by their names, which have a space in them.
    if query.player and ' ' not in query.player:
        known['player'] = 'player'
    return known


def _kind(query: HistoryQuery) -> str:
    """The name of the counts of a media type or a decision; empty where there are none."""
    if query.decision is not None:
        return _DECISIONS[query.decision.value]
    if query.media_type is not None and query.media_type.value in rollups.MEDIA:
        return '' if query.media_type.value == 'other' else query.media_type.value
    return ''


def _condition(query: HistoryQuery, words: Found) -> Part:
    given = {
        'day >= ?': query.first,
        'day <= ?': query.last,
        'server = ?': query.server,
        'account = ?': query.account,
        'library = ?': query.library,
        'platform = ?': query.platform,
        'player = ?': query.player,
    }
    parts = [ranges.all_of(given)]
    if words.pieces is not None:
        parts.append(words.pieces)
    if words.keyed is not None:
        parts.append(words.keyed.condition)
    if words.accounts is not None:
        parts.append(of_accounts(words.accounts, 'account'))
    return together(parts)
