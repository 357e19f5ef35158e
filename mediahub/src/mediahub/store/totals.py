# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""How many plays match a query, and how long they were watched; from counts where these know."""

from __future__ import annotations

import datetime

import msgspec

from . import ranges, rollups
from .asking import Found, HistoryQuery, of_accounts
from .database import Query
from .ranges import Part, together

# What a query may ask for beside one table's own, if counts shall answer it.
_COMMON = {'server', 'first', 'last'}
_PLACE = {'order', 'descending', 'limit', 'offset', 'after', 'counted'}
_TABLES = {
    'account': rollups.ACCOUNT,
    'library': rollups.LIBRARY,
    'platform': rollups.PLATFORM,
    'text': rollups.PIECE,
    'rating_key': rollups.WORK_MONTH,
    'viewer': rollups.ACCOUNT,
}
_DECISIONS = {value: name for name, value in rollups.DECISIONS.items()}


def of(run: Query, query: HistoryQuery, words: Found, condition: Part) -> tuple[int, int]:
    """Plays, and milliseconds.

    Args:
        run: Runs a query.
        query: What is asked for.
        words: What its words stand for.
        condition: What it says of plays.
    """
    part = _counted(query, words) or _from_plays(condition)
    plays, played_ms = run(part.sql, part.parameters)[0]
    return plays, played_ms


def by_day(
    run: Query, query: HistoryQuery, words: Found
) -> list[tuple[datetime.date, int]] | None:
    """Plays of each day that has some, the first day first; None where no counts know."""
    source = _source(query, words)
    if source is None or 'day' not in source.rollup.keys:
        return None
    parts = ranges.counted(source.rollup, ('day',), source.condition, source.measures)
    union = ' UNION ALL BY NAME '.join(part.sql for part in parts)
    name = source.measures[0]
    rows = run(
        f'SELECT day, sum({name})::BIGINT FROM ({union}) GROUP BY day '  # noqa: S608 - constants
        f'HAVING sum({name}) <> 0 ORDER BY day',
        [value for part in parts for value in part.parameters],
    )
    return [(day, plays) for day, plays in rows]


def _from_plays(condition: Part) -> Part:
    return Part(
        'SELECT count(*), coalesce(sum(played_ms), 0)::BIGINT FROM finished_plays '  # noqa: S608 - constants
        f'WHERE {condition.sql}',
        condition.parameters,
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


def _source(query: HistoryQuery, words: Found) -> _Source | None:
    """None where no table of counts knows of all that is asked for."""
    asked = {
        field.name
        for field in msgspec.structs.fields(query)
        if field.name not in _PLACE and getattr(query, field.name) is not None
    }
    tables = asked & _TABLES.keys()
    kinds = asked & {'media_type', 'decision'}
    kind = _kind(query)
    if len(tables) > 1 or len(kinds) > 1 or (kinds and not kind):
        return None
    if asked - _COMMON - tables - kinds:
        return None
    rollup = _TABLES[tables.pop()] if tables else rollups.DAY
    if 'rating_key' in asked:
        if words.keyed is None:
            return None
        rollup = rollups.WORK_MONTH if words.keyed.column == 'work' else rollups.PIECE
    if 'day' not in rollup.keys and asked & {'first', 'last'}:
        return None
    measures = (f'{kind}_plays', f'{kind}_ms') if kind else ('plays', 'played_ms')
    return _Source(rollup, _condition(query, words), measures)


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
    }
    parts = [ranges.all_of(given)]
    if words.pieces is not None:
        parts.append(words.pieces)
    if words.keyed is not None:
        parts.append(words.keyed.condition)
    if words.accounts is not None:
        parts.append(of_accounts(words.accounts, 'account'))
    return together(parts)
