# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The hub's time zone: whose days and hours plays are counted by.

Every play keeps its local days and hour in columns, computed when it is written, so that no query
has to. When the hub is started with another zone, they are computed again (:func:`adopt`).
"""

from __future__ import annotations

import datetime
import functools
import logging
from collections.abc import Iterable

from . import rollups
from .database import Database, restored

_log = logging.getLogger(__name__)

# Offsets of all zones have been multiples of this since 1970, but for Liberia's until 1972.
_STEP = datetime.timedelta(minutes=15)

_DAY = datetime.timedelta(days=1)

# Midnights that are remembered: those of 27 years, some megabytes.
_MIDNIGHTS = 10_000


def name(zone: datetime.tzinfo) -> str:
    """What the database remembers a zone by."""
    return str(zone)


@functools.lru_cache(_MIDNIGHTS)
def midnight(day: datetime.date, zone: datetime.tzinfo) -> datetime.datetime:
    """The moment in which a day begins, as the database keeps moments."""
    begun = datetime.datetime.combine(day, datetime.time(), zone)
    return begun.astimezone(datetime.UTC).replace(tzinfo=None)


def adopt(database: Database, zone: datetime.tzinfo) -> bool:
    """Count by this zone from now on; answers whether another one was used before."""
    known = database.one("SELECT value FROM facts WHERE name = 'zone'")
    if known == name(zone):
        return False
    with database.transaction():
        database.execute("DELETE FROM facts WHERE name = 'zone'")
        database.execute("INSERT INTO facts VALUES ('zone', ?)", [name(zone)])
        if known is not None:
            _log.warning('counting by the time zone %s now, by %s before', name(zone), known)
            _recompute(database, zone)
    if known is not None:
        rollups.fold(database)
    return known is not None


def _recompute(database: Database, zone: datetime.tzinfo) -> None:
    rollups.note(database, -1, 'finished_plays', [])
    database.execute('CREATE OR REPLACE TEMP TABLE quarters (utc TIMESTAMP, local TIMESTAMP)')
    _fill(database, zone)
    database.execute(_UPDATE)
    database.execute('DROP TABLE quarters')
    rollups.note(database, 1, 'finished_plays', [])


def _fill(database: Database, zone: datetime.tzinfo) -> None:
    """Write down the local time of every quarter of an hour in which a play begins or ends.

    By Python's rules of time zones, as when a play is recorded, and not by DuckDB's own.
    """
    rows = database.rows(_QUARTERS, [_STEP])
    utc = [row[0] for row in rows]
    local = [_local(moment, zone) for moment in utc]
    database.execute(
        'INSERT INTO quarters SELECT unnest(?::TIMESTAMP[]), unnest(?::TIMESTAMP[])', [utc, local]
    )


def _local(moment: datetime.datetime, zone: datetime.tzinfo) -> datetime.datetime:
    aware = restored(moment) or moment
    return aware.astimezone(zone).replace(tzinfo=None)


_QUARTERS = """
SELECT DISTINCT time_bucket(?, moment) FROM (
    SELECT started_at AS moment FROM finished_plays
    UNION ALL SELECT stopped_at FROM finished_plays
)
"""

_UPDATE = f"""
UPDATE finished_plays SET
    day = begun.local::DATE, hour = hour(begun.local),
    last_day = greatest(begun.local, ended.local)::DATE
FROM quarters AS begun, quarters AS ended
WHERE begun.utc = time_bucket(INTERVAL '{_STEP}', started_at)
    AND ended.utc = time_bucket(INTERVAL '{_STEP}', stopped_at)
"""  # noqa: S608 - constants


def today(zone: datetime.tzinfo) -> datetime.date:
    """The day that it is there."""
    return datetime.datetime.now(zone).date()


def bounds(
    chosen: Iterable[datetime.date], zone: datetime.tzinfo
) -> list[tuple[datetime.date, datetime.datetime, datetime.datetime]]:
    """Days with the moments in which they begin and end."""
    return [(day, midnight(day, zone), midnight(day + _DAY, zone)) for day in chosen]


def days(first: datetime.date, last: datetime.date) -> list[datetime.date]:
    """All days from one to another, both included; none where they are in the wrong order."""
    return [first + _DAY * number for number in range((last - first).days + 1)]
