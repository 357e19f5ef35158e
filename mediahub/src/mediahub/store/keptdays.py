# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What was found out about days and has no table of counts, kept in memory for who asks again.

The database keeps no peaks of accounts: there would be more of them than plays on some days. Nor
does it count plays by everything that a page can be asked for at once. To find either, all plays
have to be looked through. So what was found is kept by day, and when it is asked for again, only
those days are looked at that have changed since.

A day that has changed is stale, and seen to be so in the reader's own state of the database, until
:func:`mediahub.store.peaks.refresh` sweeps it. From then on it has the number of that sweep here.
Sweeps are numbered within their transactions, and a reader notes the last number before its state
of the database begins; so what it keeps has all changes before that number, and whoever reads it
later sees either that a day is stale or that it was swept since.
"""

from __future__ import annotations

import collections
import datetime
import threading
import weakref
from collections.abc import Callable, Hashable, Iterable, Mapping

import msgspec

from .database import Database, Row

# Charts that are kept; one of ten years takes a megabyte or two.
_MOST = 24

# Days that wait for being swept, and those with plays that are not even counted.
STALE = """
SELECT day FROM stale_peaks
UNION SELECT unnest(generate_series(day, last_day, INTERVAL 1 DAY))::DATE FROM uncounted
"""


class Chart(msgspec.Struct, frozen=True):
    """What was found about days.

    Attributes:
        number: Of the last sweep before they were looked at.
        rows: By day, where there are some.
    """

    number: int
    rows: Mapping[datetime.date, Row]


class Kept:
    """What is kept of one database."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._number = 0
        self._forgotten = 0
        self._swept: dict[datetime.date, int] = {}
        self._charts: collections.OrderedDict[Hashable, Chart] = collections.OrderedDict()

    @property
    def number(self) -> int:
        """Of the last sweep; ask before the state of the database begins that is read."""
        return self._number

    def sweep(self, days: Iterable[datetime.date]) -> None:
        """Days are not stale any more; tell it in the transaction in which that becomes true."""
        with self._lock:
            self._number += 1
            self._swept.update(dict.fromkeys(days, self._number))

    def forget(self) -> None:
        """Nobody can tell which days are not stale any more; likewise."""
        with self._lock:
            self._number += 1
            self._forgotten = self._number
            self._swept.clear()
            self._charts.clear()

    def find(self, name: Hashable) -> tuple[Chart, set[datetime.date]] | None:
        """A chart, and the days that were swept since; ask in a state of the database."""
        with self._lock:
            chart = self._charts.get(name)
            if chart is None or chart.number < self._forgotten:
                return None
            self._charts.move_to_end(name)
            return chart, {day for day, number in self._swept.items() if number > chart.number}

    def keep(self, name: Hashable, chart: Chart) -> None:
        """Keep a chart, in place of the one that was asked for longest ago."""
        with self._lock:
            self._charts[name] = chart
            self._charts.move_to_end(name)
            if len(self._charts) > _MOST:
                self._charts.popitem(last=False)


def rows(
    kept: Kept,
    number: int,
    name: Hashable,
    stale: Callable[[], Iterable[datetime.date]],
    look: Callable[[list[datetime.date] | None], dict[datetime.date, Row]],
) -> dict[datetime.date, Row]:
    """The rows of all days; only those are looked at that changed since they were kept.

    Args:
        kept: What is kept of the database.
        number: Of the last sweep before the state of it that is read.
        name: Of the chart.
        stale: Tells the days that changed and were not swept since, in that state.
        look: Finds the rows of some days, or of all.
    """
    found = kept.find(name)
    if found is None:
        days = look(None)
    else:
        chart, since = found
        changed = since.union(stale())
        days = {day: row for day, row in chart.rows.items() if day not in changed}
        if changed:
            days |= look(sorted(changed))
    kept.keep(name, Chart(number, days))
    return days


_kept: weakref.WeakKeyDictionary[Database, Kept] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def of(database: Database) -> Kept:
    """What is kept of a database, as long as it is open."""
    with _lock:
        return _kept.setdefault(database, Kept())
