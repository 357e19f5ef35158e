# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What it costs a writer and a dashboard when most of a great history is removed beside them.

Ten years of plays are made, then a writer records a batch of 20 plays ten times a second and a
dashboard asks for two charts and a page of history, first alone, then while all but the last year
is removed as `mediahub serve` does it. Told are the waits of both, side by side, and how the file
grows.

    python tests/benchmarks/bench_mediahub_retention.py [PLAYS]
"""

from __future__ import annotations

import asyncio
import datetime
import pathlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable

import history_made

from mediahub.serve import upkeep
from mediahub.store import removal, retention
from mediahub.store.database import Database
from mediahub.store.expiry import Expiry
from mediahub.store.history import HistoryQuery
from mediahub.store.plays import Plays
from mediahub.store.stats import Stats, StatsQuery
from mediahub.testing.plays import began, ended, event

ALONE = 30.0  # seconds
DAYS = 365
NOW = history_made.END


class Loads:
    """What goes on beside the removal, with the milliseconds that each took."""

    def __init__(self, database: Database):
        self._plays = Plays(database)
        self._stats = Stats(database)
        self._database = database
        self._number = 0
        self.waits: dict[str, list[float]] = {'write': [], 'read': []}

    def write(self) -> None:
        """Record a batch."""
        moment = NOW + datetime.timedelta(seconds=self._number)
        batch = [ended(began(self._number + place, moment), 60) for place in range(20)]
        self._number += 20
        self._plays.record([event(play) for play in batch])

    def read(self) -> None:
        """What a page shows."""
        last_month = StatsQuery(first=(NOW - datetime.timedelta(days=30)).date())
        self._stats.by_day(last_month)
        self._stats.by_user(last_month)
        self._plays.history(HistoryQuery(limit=50))

    async def go_on(self, what: str, work: Callable[[], None]) -> None:
        """Do it ten times a second."""
        while True:
            began_at = time.perf_counter()
            await self._database.run(work)
            self.waits[what].append(1000 * (time.perf_counter() - began_at))
            await asyncio.sleep(0.1)

    def told(self, when: str) -> None:
        """Print the waits since the last time."""
        for what, waits in self.waits.items():
            cuts = statistics.quantiles(waits, n=100)
            print(
                f'{when:>14} {what}: {len(waits):>5} times, median {cuts[49]:7.1f} ms, '
                f'p95 {cuts[94]:7.1f} ms, p99 {cuts[98]:7.1f} ms, longest {max(waits):7.1f} ms'
            )
            waits.clear()


def size(path: pathlib.Path) -> str:
    """Of the file and its log, in MB."""
    log = path.with_name(f'{path.name}.wal')
    return ' + '.join(f'{one.stat().st_size / 1024**2:.0f}' for one in (path, log) if one.exists())


async def measure(path: pathlib.Path, database: Database) -> None:
    """Alone, then beside the removal."""
    loads = Loads(database)
    plays = Plays(database)
    expiry = Expiry(database, plays, DAYS, path.parent / 'backups', lambda: NOW)
    tasks = [
        asyncio.create_task(loads.go_on('write', loads.write)),
        asyncio.create_task(loads.go_on('read', loads.read)),
    ]
    await asyncio.sleep(ALONE)
    loads.told('alone')
    until = NOW - datetime.timedelta(days=DAYS)
    due = removal.due(database.read, until)
    print(f'{"":>14} {due:,} plays to be removed, file {size(path)} MB')
    retention.remember(database, retention.Memory(days=DAYS, until=until))
    began_at = time.monotonic()
    while expiry.standing.removed < due:
        await database.run(lambda: upkeep.once(database, datetime.UTC))
        await database.run(lambda: expiry.look(60))
        await upkeep.remove(database, expiry)
    took = time.monotonic() - began_at
    loads.told('while removing')
    print(f'{"":>14} took {took:.0f} s, {due / took:,.0f} plays a second, file {size(path)} MB')
    began_at = time.monotonic()
    await database.run(database.checkpoint)
    free = database.rows('SELECT free_blocks, total_blocks FROM pragma_database_size()')[0]
    print(
        f'{"":>14} checkpoint {time.monotonic() - began_at:.1f} s, file {size(path)} MB, '
        f'{free[0]} of {free[1]} blocks free for what comes'
    )
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def main() -> None:
    """Make the history, and measure."""
    plays = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / 'mediahub.duckdb'
        history_made.make(path, plays)
        with Database(path) as database:
            asyncio.run(measure(path, database))


if __name__ == '__main__':
    main()
