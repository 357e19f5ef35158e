# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Finds the plays of a page of history, where they are likely before everywhere.

Plays lie in the file about in the order of time, so a condition on the time lets DuckDB pass over
most of it. Every way to look only where the page must be, or is likely to be, gives the page that
sorting everything gives.
"""

from __future__ import annotations

import datetime
import itertools
import math
from collections.abc import Sequence

import msgspec

from . import cursors, totals
from .asking import Found, HistoryQuery, Order
from .database import Query, Row, stored
from .ranges import EVERYTHING, Part, QueryError, all_of, together
from .totals import Totals

_COLUMNS = {
    Order.STARTED: 'started_at',
    Order.STOPPED: 'stopped_at',
    Order.PLAYED: 'played_ms',
    Order.PAUSED: 'paused_ms',
    Order.TITLE: 'heading',
    Order.USER: 'viewer_name',
    Order.PLATFORM: 'player_platform',
    Order.PLAYER: 'player_title',
}

_TEXTS = {Order.TITLE, Order.USER, Order.PLATFORM, Order.PLAYER}

_DAY = datetime.timedelta(days=1)

# How far a page by time looks for its plays, in days, before it looks everywhere.
_NEAR = (14, 120, 1000)

# The days on which the first and the last play began.
_ENDS = """
SELECT min(day), max(day) FROM (
    SELECT day FROM count_day WHERE plays <> 0 UNION ALL SELECT day FROM uncounted
)
"""

# A page is looked for in so much more time than plays that are spread evenly would need.
_ROOM = 4

# Plays to pass over, from which on it is worth to count the days.
_DEEP = 500

# Plays around a page that are sorted at once, rather than looked for value by value.
_FEW = 5000

# Plays behind a page that are looked at for whether they agree with its last one. With fewer rows
# DuckDB would sort numbers of rows and look up the rest of them (see `limits`): ten times as long.
_TIES = 1001


class Asked(msgspec.Struct, frozen=True):
    """A page.

    Attributes:
        words: What the query's words stand for.
        condition: What it says of plays.
        total: How many plays match; None where they were not counted.
    """

    query: HistoryQuery
    words: Found
    condition: Part
    total: Totals | None


def of(run: Query, asked: Asked) -> Sequence[Row]:
    """Where the page's plays are, and one more, which tells whether there is another page.

    A place is a row number and what is sorted by; behind these the play's id and ordinal, where
    they had to be read anyway.

    Raises:
        QueryError: The cursor belongs to another query.
    """
    query = asked.query
    total = asked.total.plays if asked.total else None
    if not query.limit or total == 0:
        return []
    wanted = query.limit + 1
    condition = together((asked.condition, behind(query)))
    bounds = (query.offset, wanted)
    if query.order in _TEXTS and (rows := _by_counts(run, asked)) is not None:
        return rows
    if query.order is Order.PLAYED:
        within, bounds = _by_minutes(run, asked, bounds)
        return _by_value(run, query, together((condition, within)), bounds)
    if query.order is not Order.STARTED:
        return _by_value(run, query, condition, bounds)
    if query.after is None and (deep := _deep(run, asked)) is not None:
        days, offset = deep
        return _sorted(run, query, together((condition, days)), (offset, wanted))
    return _by_time(run, query, condition, bounds, total)


def behind(query: HistoryQuery) -> Part:
    """That a play comes behind the cursor.

    Raises:
        QueryError: It is none, or belongs to another query.
    """
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


def _sorted(
    run: Query, query: HistoryQuery, condition: Part, bounds: tuple[int, int], *keys: str
) -> list[Row]:
    """Some of the plays for which a condition holds.

    Args:
        run: Runs a query.
        query: Whose order counts.
        condition: On plays.
        bounds: Plays to pass over, and how many at most.
        keys: What they are sorted by, if that is not all that the order says.
    """
    column, direction = _COLUMNS[query.order], 'DESC' if query.descending else 'ASC'
    order = ', '.join(f'{key} {direction}' for key in keys or (column, 'started_at', 'play_id'))
    return run(
        f'SELECT rowid, {column}, play_id, ordinal FROM finished_plays '  # noqa: S608 - constants
        f'WHERE {condition.sql} ORDER BY {order} LIMIT ? OFFSET ?',
        [*condition.parameters, bounds[1], bounds[0]],
    )


# By time


def _by_time(
    run: Query,
    query: HistoryQuery,
    condition: Part,
    bounds: tuple[int, int],
    total: int | None,
) -> list[Row]:
    """Plays in the order of their beginning, by looking in more and more time."""
    rows: list[Row] = []
    for window in _windows(run, query, bounds, total):
        narrowed = together((condition, window))
        rows = _sorted(run, query, narrowed, bounds, 'started_at', 'play_id')
        if len(rows) == bounds[1]:
            break
    return rows


def _windows(
    run: Query, query: HistoryQuery, bounds: tuple[int, int], total: int | None
) -> list[Part]:
    """Conditions on the time, each of which holds more than the one before; all plays at last.

    All hold what comes first, so as soon as there are enough plays they are the right ones.
    """
    first, last = run(_ENDS)[0]
    if first is None:
        return []
    # Wherever the windows begin, each holds all that comes before its end.
    earliest = datetime.datetime.combine(first, datetime.time())
    latest = datetime.datetime.combine(last, datetime.time()) + _DAY
    if query.after is not None and query.order is Order.STARTED:
        start = cursors.read(query.after).started_at
    elif query.descending:
        start = min(filter(None, (latest, stored(query.until))))
    else:
        start = max(filter(None, (earliest, stored(query.since))))
    sign, way = ('>=', -1) if query.descending else ('<=', 1)
    near = _NEAR if total is None else _likely(sum(bounds) / total, latest - earliest)
    limits = [_moved(start, way * days) for days in near]
    return [*(Part(f'started_at {sign} ?', (bound,)) for bound in limits), EVERYTHING]


def _likely(share: float, span: datetime.timedelta) -> Sequence[int]:
    """Days in which such a share of plays is likely, and more; none where that is all the time.

    Plays are not spread evenly: there may be a month without one that matches.
    """
    days = math.ceil(span.days * share * _ROOM) + 1
    steps = (days, 8 * days + 14, 64 * days + 120)
    return [step for step in steps if step < span.days / 2]


def _moved(moment: datetime.datetime, days: int) -> datetime.datetime:
    """So many days later or earlier, as far as the calendar goes."""
    try:
        return moment + datetime.timedelta(days=days)
    except OverflowError:
        return datetime.datetime.min if days < 0 else datetime.datetime.max


def _deep(run: Query, asked: Asked) -> tuple[Part, int] | None:
    """The days in which a page lies, and the plays of these to pass over.

    None where that is not known, or takes longer to find out than to look for the page.

    Plays of a day need not all begin before those of the next: some clocks were put back over
    midnight. So a day on either side is taken in as well.
    """
    query = asked.query
    counted = asked.total.days if asked.total else None
    if counted is None and query.offset >= _DEEP:
        counted = totals.by_day(run, query, asked.words)
    if counted is None:
        return None
    days = [day for day, _ in counted]
    counts = [plays for _, plays in counted]
    if query.descending:
        days.reverse()
        counts.reverse()
    upto = [0, *itertools.accumulate(counts)]
    # Of the days that the offset passes over as a whole, the last may reach into the next.
    passed = max(0, _last(upto, query.offset) - 1)
    end = min(len(days), _first(upto, query.offset + query.limit + 1) + 1)
    inside = days[passed:end]
    if not inside:
        return Part('false'), 0
    between = {'day >= ?': min(inside), 'day <= ?': max(inside)}
    return all_of(between), query.offset - upto[passed]


def _last(upto: Sequence[int], plays: int) -> int:
    """How many days have no more than so many plays together."""
    return max(number for number, sum_ in enumerate(upto) if sum_ <= plays)


def _first(upto: Sequence[int], plays: int) -> int:
    """How many days have so many plays together; all if they have not."""
    return next((number for number, sum_ in enumerate(upto) if sum_ >= plays), len(upto))


# By a text


def _by_counts(run: Query, asked: Asked) -> list[Row] | None:
    """The page by what is known to be there of each value; None where that is not known.

    Of the page's first and last value there may be very many plays, of which those are taken that
    begin first or last. Those of the values between them are all on the page.
    """
    query, column = asked.query, _COLUMNS[asked.query.order]
    wanted, rows, value = query.limit + 1, list[Row](), None
    if query.after is not None:
        value = cursors.read(query.after).value
        same = together((asked.condition, behind(query), Part(f'{column} = ?', (value,))))
        rows = _by_time(run, query, same, (0, wanted), None)
    bounds = (query.offset, wanted - len(rows))
    found = totals.by_value(run, query, asked.words, bounds, value)
    if found is None:
        return None
    if not found or not bounds[1]:
        return rows
    return rows + _of_values(run, asked, found, bounds)


def _of_values(
    run: Query, asked: Asked, found: Sequence[totals.Same], bounds: tuple[int, int]
) -> list[Row]:
    """Those plays of some values, which follow each other, that are within the bounds."""
    query, column = asked.query, _COLUMNS[asked.query.order]
    first, last = found[0], found[-1]
    passed, end = bounds[0] - first.before, sum(bounds)
    # Of one value the newest or oldest plays are quick to find, however many there are.
    if len(found) > 2 and last.before + last.plays - first.before <= _FEW:
        ends = sorted((first.value, last.value))
        within = Part(f'{column} BETWEEN ? AND ?', tuple(ends))
        return _sorted(run, query, together((asked.condition, within)), (passed, bounds[1]))
    rows = _of_value(run, asked, first, (passed, min(bounds[1], first.plays - passed)))
    if len(found) > 2:
        ends = sorted((first.value, last.value))
        between = Part(f'{column} > ? AND {column} < ?', tuple(ends))
        rows += _sorted(run, query, together((asked.condition, between)), (0, bounds[1]))
    if len(found) > 1:
        rows += _of_value(run, asked, last, (0, end - last.before))
    return rows


def _of_value(run: Query, asked: Asked, same: totals.Same, bounds: tuple[int, int]) -> list[Row]:
    equal = Part(f'{_COLUMNS[asked.query.order]} = ?', (same.value,))
    condition = together((asked.condition, equal))
    return _by_time(run, asked.query, condition, bounds, same.plays)


# By something else


_MINUTE = 60_000


def _by_minutes(run: Query, asked: Asked, bounds: tuple[int, int]) -> tuple[Part, tuple[int, int]]:
    """Between which minutes of watching a page lies, and its bounds there; all if unknown."""
    query, begin = asked.query, None
    if query.after is not None:
        begin = max(0, cursors.read(query.after).value) // _MINUTE
    found = totals.by_value(run, query, asked.words, bounds, begin)
    if not found:
        return EVERYTHING, bounds
    ends = sorted((found[0].value if begin is None else begin, found[-1].value))
    # What is less than nothing, which a server may say, counts as nothing.
    given = {'played_ms >= ?': ends[0] * _MINUTE or None, 'played_ms < ?': (ends[1] + 1) * _MINUTE}
    return all_of(given), (bounds[0] - found[0].before, bounds[1])


def _by_value(
    run: Query, query: HistoryQuery, condition: Part, bounds: tuple[int, int]
) -> Sequence[Row]:
    """The page, from what is sorted by alone at first.

    That is one column, of which DuckDB passes over what cannot be on the page. Plays that agree
    in it at the page's end may be very many; of these, those that begin first or last are taken.
    """
    column, direction = _COLUMNS[query.order], 'DESC' if query.descending else 'ASC'
    found = run(
        f'SELECT rowid, {column} FROM finished_plays WHERE {condition.sql} '  # noqa: S608 - constants
        f'ORDER BY {column} {direction} LIMIT ? OFFSET ?',
        [*condition.parameters, bounds[1] + _TIES, bounds[0]],
    )
    if len(found) < bounds[1]:
        return _sorted(run, query, condition, bounds)
    edge = found[bounds[1] - 1][1]
    sign = '>' if query.descending else '<'
    if len(found) < bounds[1] + _TIES or found[-1][1] != edge:
        if not bounds[0]:  # all plays that agree with any on the page are there
            last = max(place for place, (_, value) in enumerate(found) if value == edge)
            return _told_apart(run, query, found[: last + 1])[: bounds[1]]
        upto = together((condition, Part(f'{column} {sign}= ?', (edge,))))
        return _sorted(run, query, upto, bounds)
    before = together((condition, Part(f'{column} {sign} ?', (edge,))))
    same = together((condition, Part(f'{column} = ?', (edge,))))
    apart = sum(value != edge for _, value in found[: bounds[1]])
    rows = _sorted(run, query, before, bounds) if apart else []
    passed = 0 if apart or not bounds[0] else bounds[0] - _count(run, before)
    return rows + _by_time(run, query, same, (passed, bounds[1] - apart), None)


def _told_apart(run: Query, query: HistoryQuery, found: Sequence[Row]) -> Sequence[Row]:
    """Places that are sorted by a number or a time alone, those that agree in it by the rest."""
    if len({value for _, value in found}) == len(found):
        return found
    rest = {
        number: behind
        for number, *behind in run(
            'SELECT rowid, started_at, play_id, ordinal FROM finished_plays '
            'WHERE rowid IN (SELECT unnest(?::BIGINT[]))',
            [[number for number, _ in found]],
        )
    }
    places = [(value, *rest[number], number) for number, value in found]
    return [
        (number, value, play_id, ordinal)
        for value, _, play_id, ordinal, number in sorted(places, reverse=query.descending)
    ]


def _count(run: Query, condition: Part) -> int:
    sql = f'SELECT count(*) FROM finished_plays WHERE {condition.sql}'  # noqa: S608 - constants
    return int(run(sql, condition.parameters)[0][0])
