# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The list of plays that have ended: filtered, searched, sorted, and a page at a time.

Pages are asked for by number of plays to pass over, as tables do, or behind the last play of the
page before, which costs the same however far one has come and misses nothing when plays are added.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

import msgspec

from ..plays import Play
from . import asking, cursors, keptdays, places, playrows, totals
from .asking import LARGEST_PAGE, HistoryQuery, Order
from .database import Database, Query, Row, stored
from .ranges import QueryError
from .readplays import ReadPlays, Version

__all__ = ['LARGEST_PAGE', 'HistoryPage', 'HistoryQuery', 'Order', 'QueryError', 'page']


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


def page(database: Database, query: HistoryQuery, kept: ReadPlays) -> HistoryPage:
    """Read a page, and its totals from the same state of the database.

    Args:
        database: Where plays are.
        query: What is asked for.
        kept: Plays that were read before.

    Raises:
        QueryError: The query makes no sense.
    """
    _check(query)
    days = keptdays.of(database)
    before = totals.Kept(days, days.number)
    with database.snapshot() as run:
        words = asking.found(run, query)
        condition = asking.about(query, words)
        total = totals.of(run, query, words, condition, before) if query.counted else None
        found = places.of(run, places.Asked(query, words, condition, total))
        plays = _plays(run, found[: query.limit], kept)
    more = bool(plays) and len(found) > query.limit
    return HistoryPage(
        plays=plays,
        total=total.plays if total else None,
        played_ms=total.played_ms if total else None,
        next=_cursor(query, found[query.limit - 1][1], plays[-1]) if more else None,
    )


def _check(query: HistoryQuery) -> None:
    if not 0 <= query.limit <= LARGEST_PAGE:
        raise QueryError(f'a page has 0 to {LARGEST_PAGE} plays, not {query.limit}')
    if query.offset < 0:
        raise QueryError(f'an offset is not negative, as {query.offset} is')
    if query.offset and query.after is not None:
        raise QueryError('ask for a page by its offset or by a cursor, not by both')
    places.behind(query)
    for moment in (query.since, query.until):
        if moment is not None and moment.tzinfo is None:
            raise QueryError(f'the time {moment} has no zone')


# Row numbers are another play's after DuckDB has tidied the file up, so plays are told by these.
_VERSIONS = """
SELECT rowid, play_id, ordinal FROM finished_plays
WHERE rowid IN (SELECT unnest(?::BIGINT[]))
"""


def _plays(run: Query, at: Sequence[Row], kept: ReadPlays) -> list[Play]:
    """The plays at places, in that order."""
    numbers = [place[0] for place in at]
    versions: dict[int, Version] = {place[0]: place[2:] for place in at if place[2:]}
    if unknown := [number for number in numbers if number not in versions]:
        rows = run(_VERSIONS, [unknown])
        versions |= {number: (play_id, ordinal) for number, play_id, ordinal in rows}
    found = kept.find(versions.values())
    missing = [number for number in numbers if versions[number] not in found]
    if missing:
        fresh = _read(run, missing, versions)
        kept.keep(fresh)
        found |= fresh
    return [found[versions[number]] for number in numbers]


def _read(run: Query, numbers: list[int], versions: Mapping[int, Version]) -> dict[Version, Play]:
    """The plays at row numbers; only these rows are read in full."""
    rows = run(
        f'SELECT rowid, {playrows.SELECTED} FROM finished_plays '  # noqa: S608 - constants
        'WHERE rowid IN (SELECT unnest(?::BIGINT[]))',
        [numbers],
    )
    return {versions[row[0]]: playrows.play(row[1:]) for row in rows}


def _cursor(query: HistoryQuery, value: object, last: Play) -> str:
    """That behind a play, of which plays are sorted by a value."""
    started_at = stored(last.started_at) or last.started_at
    place = cursors.Place(
        query.order, query.descending, value, started_at, uuid.UUID(last.play_id)
    )
    return cursors.written(place)
