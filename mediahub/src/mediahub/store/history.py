# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The list of plays that have ended: filtered, searched, sorted, and a page at a time.

Pages are asked for by number of plays to pass over, as tables do, or behind the last play of the
page before, which costs the same however far one has come and misses nothing when plays are added.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence

import msgspec

from ..plays import Play
from . import cursors, playrows, totals
from .asking import LARGEST_PAGE, HistoryQuery, Order, about
from .database import Database, Query, Row, stored
from .ranges import EVERYTHING, Part, QueryError

__all__ = ['LARGEST_PAGE', 'HistoryPage', 'HistoryQuery', 'Order', 'QueryError', 'page']


_COLUMNS = {
    Order.STARTED: 'started_at',
    Order.STOPPED: 'stopped_at',
    Order.PLAYED: 'played_ms',
    Order.PAUSED: 'paused_ms',
    Order.TITLE: "coalesce(nullif(item_grandparent_title, ''), item_title)",
    Order.USER: 'viewer_name',
    Order.PLATFORM: 'player_platform',
    Order.PLAYER: 'player_title',
}


class HistoryPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page.

    Attributes:
        total: Plays that match, on all pages; None where that was not asked for.
        played_ms: Time that these were watched; likewise.
        next: The cursor for the page behind; None where this is the last one.
    """

    plays: list[Play]
    total: int | None = None
    played_ms: int | None = None
    next: str | None = None


def page(database: Database, query: HistoryQuery) -> HistoryPage:
    """Read a page, and its totals from the same state of the database.

    Raises:
        QueryError: The query makes no sense.
    """
    _check(query)
    with database.snapshot() as run:
        total, played_ms = totals.of(run, query) if query.counted else (None, None)
        places = _places(run, query, total)
        plays = _plays(run, [place[0] for place in places[: query.limit]])
    more = bool(plays) and len(places) > query.limit
    return HistoryPage(
        plays=plays,
        total=total,
        played_ms=played_ms,
        next=_cursor(query, places[query.limit - 1]) if more else None,
    )


def _check(query: HistoryQuery) -> None:
    if not 0 <= query.limit <= LARGEST_PAGE:
        raise QueryError(f'a page has 0 to {LARGEST_PAGE} plays, not {query.limit}')
    if query.offset < 0:
        raise QueryError(f'an offset is not negative, as {query.offset} is')
    if query.offset and query.after is not None:
        raise QueryError('ask for a page by its offset or by a cursor, not by both')
    _behind(query)
    for moment in (query.since, query.until):
        if moment is not None and moment.tzinfo is None:
            raise QueryError(f'the time {moment} has no zone')


def _places(run: Query, query: HistoryQuery, total: int | None) -> list[Row]:
    """Where the page's plays are, and one more, which tells whether there is another page.

    A place is a row number, what is sorted by, when the play began, and its id.
    """
    if not query.limit or total == 0:
        return []
    wanted = query.limit + 1
    condition = _all((about(query), _behind(query)))
    if query.order is not Order.STARTED:
        bound = _bound(run, query, condition)
        return _sorted_places(run, query, _all((condition, bound)), wanted)
    rows: list[Row] = []
    for window in _windows(run, query, total):
        rows = _sorted_places(run, query, _all((condition, window)), wanted)
        if len(rows) == wanted:
            break
    return rows


def _all(parts: Sequence[Part]) -> Part:
    """All conditions together."""
    return Part(
        ' AND '.join(f'({part.sql})' for part in parts),
        tuple(value for part in parts for value in part.parameters),
    )


def _bound(run: Query, query: HistoryQuery, condition: Part) -> Part:
    """Up to what the page goes by what is sorted by alone, which one column tells.

    Sorting everything by all that decides would read the ids of all plays.
    """
    if query.order is Order.TITLE:
        return EVERYTHING  # which is no column, and takes long to make twice
    column, direction = _COLUMNS[query.order], 'DESC' if query.descending else 'ASC'
    rows = run(
        f'SELECT {column} FROM finished_plays WHERE {condition.sql} '  # noqa: S608 - constants
        f'ORDER BY 1 {direction} LIMIT 1 OFFSET ?',
        [*condition.parameters, query.offset + query.limit],
    )
    if not rows:
        return EVERYTHING
    return Part(f'{column} {">=" if query.descending else "<="} ?', (rows[0][0],))


# How far a page by time looks for its plays, in days, before it looks everywhere.
_NEAR = (14, 120, 1000)

# A page is looked for in so much more time than plays that are spread evenly would need.
_ROOM = 4


def _windows(run: Query, query: HistoryQuery, total: int | None) -> list[Part]:
    """Conditions on the time, each of which holds more than the one before; all plays at last.

    Most pages are full of plays that lie close together in the file.
    """
    earliest, latest = run('SELECT min(started_at), max(started_at) FROM finished_plays')[0]
    if earliest is None:
        return []
    if query.after is not None:
        start = cursors.read(query.after).started_at
    elif query.descending:
        start = min(filter(None, (latest, stored(query.until))))
    else:
        start = max(filter(None, (earliest, stored(query.since))))
    sign, way = ('>=', -1) if query.descending else ('<=', 1)
    near = _NEAR
    if total is not None:
        share = (query.offset + query.limit + 1) / total
        near = (
            (math.ceil((latest - earliest).days * share * _ROOM) + 1,) if share < 1 / _ROOM else ()
        )
    ends = [_moved(start, way * days) for days in near]
    return [*(Part(f'started_at {sign} ?', (end,)) for end in ends), EVERYTHING]


def _moved(moment: datetime.datetime, days: int) -> datetime.datetime:
    """So many days later or earlier, as far as the calendar goes."""
    try:
        return moment + datetime.timedelta(days=days)
    except OverflowError:
        return datetime.datetime.min if days < 0 else datetime.datetime.max


def _sorted_places(run: Query, query: HistoryQuery, condition: Part, wanted: int) -> list[Row]:
    column, direction = _COLUMNS[query.order], 'DESC' if query.descending else 'ASC'
    return run(
        f'SELECT rowid, {column}, started_at, play_id FROM finished_plays '  # noqa: S608 - constants
        f'WHERE {condition.sql} '
        f'ORDER BY {column} {direction}, started_at {direction}, play_id {direction} '
        'LIMIT ? OFFSET ?',
        [*condition.parameters, wanted, query.offset],
    )


def _plays(run: Query, places: list[int]) -> list[Play]:
    """The plays at row numbers, in that order; only these rows are read in full."""
    rows = run(
        f'SELECT rowid, {playrows.SELECTED} FROM finished_plays '  # noqa: S608 - constants
        'WHERE rowid IN (SELECT unnest(?::BIGINT[]))',
        [places],
    )
    found = {row[0]: row[1:] for row in rows}
    return [playrows.play(playrows.COLUMNS, found[place]) for place in places]


def _behind(query: HistoryQuery) -> Part:
    """That a play comes behind the cursor."""
    if query.after is None:
        return EVERYTHING
    place = cursors.read(query.after)
    if (place.order, place.descending) != (query.order, query.descending):
        raise QueryError('the cursor belongs to another order; begin at the first page')
    column, sign = _COLUMNS[query.order], '<' if query.descending else '>'
    return Part(
        # The first condition says nothing new, but lets DuckDB pass over parts of the file.
        f'{column} {sign}= ? AND ({column} {sign} ? '
        f'OR started_at {sign} ? OR (started_at = ? AND play_id {sign} ?))',
        (place.value, place.value, place.started_at, place.started_at, place.play_id),
    )


def _cursor(query: HistoryQuery, row: Row) -> str:
    _, value, started_at, play_id = row
    place = cursors.Place(query.order, query.descending, value, started_at, play_id)
    return cursors.written(place)
