# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""How many plays match a query, and how long they were watched; from counts where these know."""

from __future__ import annotations

import msgspec

from . import ranges, rollups
from .asking import HistoryQuery, about
from .database import Query
from .ranges import Part

# What a query may ask for beside one table's own, if counts shall answer it.
_COMMON = {'server', 'first', 'last'}
_PLACE = {'order', 'descending', 'limit', 'offset', 'after', 'counted'}
_TABLES = {
    'account': rollups.ACCOUNT,
    'library': rollups.LIBRARY,
    'platform': rollups.PLATFORM,
}
_DECISIONS = {value: name for name, value in rollups.DECISIONS.items()}


def of(run: Query, query: HistoryQuery) -> tuple[int, int]:
    """Plays, and milliseconds."""
    part = _from_counts(query) or _from_plays(query)
    plays, played_ms = run(part.sql, part.parameters)[0]
    return plays, played_ms


def _from_plays(query: HistoryQuery) -> Part:
    condition = about(query)
    return Part(
        'SELECT count(*), coalesce(sum(played_ms), 0)::BIGINT FROM finished_plays '  # noqa: S608 - constants
        f'WHERE {condition.sql}',
        condition.parameters,
    )


def _from_counts(query: HistoryQuery) -> Part | None:
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
    measures = (f'{kind}_plays', f'{kind}_ms') if kind else ranges.FEW
    return _added_up(query, rollup, measures)


def _kind(query: HistoryQuery) -> str:
    """The name of the counts of a media type or a decision; empty where there are none."""
    if query.decision is not None:
        return _DECISIONS[query.decision.value]
    if query.media_type is not None and query.media_type.value in rollups.MEDIA:
        return '' if query.media_type.value == 'other' else query.media_type.value
    return ''


def _added_up(query: HistoryQuery, rollup: rollups.Rollup, measures: tuple[str, ...]) -> Part:
    given = {
        'day >= ?': query.first,
        'day <= ?': query.last,
        'server = ?': query.server,
        'account = ?': query.account,
        'library = ?': query.library,
        'platform = ?': query.platform,
    }
    parts = ranges.counted(rollup, (), ranges.all_of(given), measures)
    plays, watched = (f'coalesce(sum({name}), 0)::BIGINT' for name in measures)
    union = ' UNION ALL BY NAME '.join(part.sql for part in parts)
    return Part(
        f'SELECT {plays}, {watched} FROM ({union})',  # noqa: S608 - constants
        tuple(value for part in parts for value in part.parameters),
    )
