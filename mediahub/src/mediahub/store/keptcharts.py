# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Charts of an account, of which all but the latest days are kept in memory.

They are read from the plays themselves, or from counts of all accounts, of which those of one are
spread over the whole table. Both take as long as reading everything. But what is recorded is about
today; so of a chart that was asked for before, only the latest days are read again, and everything
only where an earlier day has changed (see :mod:`mediahub.store.keptdays`).
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Hashable

import msgspec

from . import keptdays
from .database import Query, Row
from .ranges import StatsQuery

_DAY = datetime.timedelta(days=1)

# Days that are read at once rather than kept.
_FEW = 31


class Kept(msgspec.Struct, frozen=True):
    """Where charts are kept, as a reader finds it.

    Attributes:
        days: What is kept of the database.
        number: Of its last sweep before the state of the database that is read.
        today: In the hub's time zone.
    """

    days: keptdays.Kept
    number: int
    today: datetime.date


def rows(
    run: Query,
    kept: Kept,
    name: Hashable,
    asked: StatsQuery,
    look: Callable[[StatsQuery], list[Row]],
    width: int,
) -> list[Row]:
    """The rows of a chart, in no order.

    Args:
        run: Runs a query.
        kept: Where it is kept.
        name: What the rows are by; what is asked for is told apart here.
        asked: What is asked for.
        look: Reads the rows of a range of days: keys, then counts.
        width: How many columns are keys.
    """
    if asked.first is not None and asked.first > kept.today - _FEW * _DAY:
        return look(asked)
    border, before = _before(run, kept, (name, asked), asked, look)
    if asked.last is not None and asked.last < border:
        return before
    return _together(before, look(msgspec.structs.replace(asked, first=border)), width)


def _before(
    run: Query,
    kept: Kept,
    name: Hashable,
    asked: StatsQuery,
    look: Callable[[StatsQuery], list[Row]],
) -> tuple[datetime.date, list[Row]]:
    """A day, and the rows of what was before it."""
    if found := kept.days.find(name):
        chart, since = found
        border, before = next(iter(chart.rows.items()))
        changed = since.union(row[0] for row in run(keptdays.STALE))
        if kept.today - border <= _FEW * _DAY and all(day >= border for day in changed):
            return border, list(before)
    border = kept.today - _DAY
    last = border - _DAY if asked.last is None else min(asked.last, border - _DAY)
    before = look(msgspec.structs.replace(asked, last=last))
    kept.days.keep(name, keptdays.Chart(kept.number, {border: tuple(before)}))
    return border, before


def _together(before: list[Row], after: list[Row], width: int) -> list[Row]:
    """Rows of two ranges, those with the same keys added up."""
    found = {row[:width]: row for row in before}
    for row in after:
        key = row[:width]
        known = found.get(key)
        if known is not None:
            sums = (one + other for one, other in zip(known[width:], row[width:], strict=True))
            found[key] = (*key, *sums)
        else:
            found[key] = row
    return list(found.values())
