# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Removes plays, and everything that was derived from them.

Each batch is one transaction that also takes back what the plays counted for, so that charts count
what is kept at every moment, and a kill costs nothing. What is not about single plays, such as the
names of people of whom there is no play any more, follows at the end (:func:`tidy`).
"""

from __future__ import annotations

import datetime
from collections.abc import Callable

from . import keptdays, names, rollups
from .database import Database, Query, stored

# Plays of one transaction. Writers wait for it.
BATCH = 10_000

# Rows that may wait for being counted: charts add them up.
_FOLD_AT = 40_000

_DUE = 'SELECT count(*) FROM finished_plays WHERE stopped_at < ?'

_OLDEST = """
SELECT max(stopped_at) FROM (
    SELECT stopped_at FROM finished_plays WHERE stopped_at < ? ORDER BY stopped_at LIMIT ?
)
"""

_ENDED = 'finished_plays WHERE stopped_at <= ?'

_UNTIDY = "SELECT count(*) FROM facts WHERE name = 'untidy'"


def due(query: Query, until: datetime.datetime) -> int:
    """How many plays ended before a moment."""
    return int(query(_DUE, [stored(until)])[0][0])


def batch(database: Database, until: datetime.datetime, limit: int = BATCH) -> int:
    """Remove the oldest of the plays that ended before a moment, in a transaction.

    Args:
        database: Where they are.
        until: The moment.
        limit: About how many; those that ended in the same moment go together.

    Returns:
        How many were removed; 0 when there are none left.
    """
    last = database.read(_OLDEST, [stored(until), limit])[0][0]
    if last is None:
        return 0
    with database.transaction():
        removed = int(database.one(f'SELECT count(*) FROM {_ENDED}', [last]) or 0)  # noqa: S608 - constants
        rollups.note(database, -1, _ENDED, [last])
        database.execute(
            f'DELETE FROM imported_plays WHERE kept IN (SELECT play_id FROM {_ENDED})',  # noqa: S608 - constants
            [last],
        )
        database.execute(f'DELETE FROM {_ENDED}', [last])  # noqa: S608 - constants
        if not database.one(_UNTIDY):
            database.execute("INSERT INTO facts VALUES ('untidy', '')")
    if int(database.one('SELECT count(*) FROM uncounted') or 0) >= _FOLD_AT:
        rollups.fold(database)
        with database.transaction():  # days of which nothing is left need no sweep
            _forget_peaks(database)
    return removed


def _forget_peaks(database: Database) -> None:
    keptdays.of(database).forget()
    for table in ('peaks', 'stale_peaks'):
        database.execute(_BEFORE_ALL.format(table))


def is_tidy(query: Query) -> bool:
    """Whether nothing is left of plays that were removed."""
    return not query(_UNTIDY)[0][0]


def tidy(database: Database, until: datetime.datetime, forget: Callable[[], None]) -> None:
    """Remove what is left of removed plays: empty counts, names, peaks, dead letters.

    Args:
        database: Where they were.
        until: The moment before which plays were removed.
        forget: Called within the transaction: names that are kept in memory are not known any
            more.
    """
    rollups.fold(database)
    with database.transaction():
        for rollup in rollups.ROLLUPS:
            database.execute(f'DELETE FROM {rollup.table} WHERE plays = 0 AND played_ms = 0')  # noqa: S608 - constants
        database.execute('DELETE FROM count_viewers WHERE viewers = 0')
        for table, counts, keys in _NAMED:
            database.execute(_orphans(table, counts, keys))
        _forget_peaks(database)
        database.execute('DELETE FROM dead_letters WHERE buried_at < ?', [stored(until)])
        database.execute("DELETE FROM facts WHERE name = 'untidy'")
        forget()


# Names, the counts that tell whether there are plays of them, and the columns of both.
_NAMED = (
    (names.PEOPLE, rollups.ACCOUNT_MONTH, ('server', 'account')),
    (names.SECTIONS, rollups.LIBRARY, ('server', 'library')),
    (names.DEVICES, rollups.PLAYER_MONTH, ('player',)),
    (names.TITLES, rollups.PIECE, ('server', 'piece')),
)


def _orphans(table: names.Names, counts: rollups.Rollup, keys: tuple[str, ...]) -> str:
    columns = ', '.join(keys)
    used = f'SELECT {columns} FROM {counts.table} UNION SELECT {columns} FROM uncounted'  # noqa: S608 - constants
    return (
        f'DELETE FROM {table.table} WHERE rowid NOT IN ('  # noqa: S608 - constants
        f'SELECT named.rowid FROM {table.table} AS named SEMI JOIN ({used}) USING ({columns}))'
    )


_BEFORE_ALL = """
DELETE FROM {} WHERE day < (
    SELECT coalesce(min(day), DATE '9999-12-31') FROM finished_plays
)
"""
