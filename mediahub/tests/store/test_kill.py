# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What was acknowledged is there after a kill, and what was not is not half there."""

import datetime
import pathlib
import random
import subprocess
import sys
import time

from mediahub.store import removal, rollups
from mediahub.store.database import Database
from mediahub.store.outbox import Outbox
from mediahub.store.plays import Plays
from mediahub.store.stats import Stats, StatsQuery
from mediahub.testing.plays import START, began, ended, event

# Acknowledges on its output what it has kept: the number of a batch of 20 plays.
WRITES = """
import pathlib, sys
from mediahub.store import peaks, rollups
from mediahub.store.database import Database
from mediahub.store.outbox import Outbox
from mediahub.store.plays import Plays
from mediahub.store.watched import Watched
from mediahub.testing.plays import began, ended, event, later

database = Database(pathlib.Path(sys.argv[1]))
plays, outbox = Plays(database), Outbox(database)
watched = Watched(database, outbox)
for number in range(int(sys.argv[2]), 10**9):
    first = [began(number * 20 + place) for place in range(20)]
    last = [ended(later(play, 5), 60) for play in first]
    watched.commit(last, [play.play_id for play in first], [event(play) for play in last])
    while waiting := outbox.pending(50):  # and those that a kill left
        plays.record([waited for _, waited in waiting])
        outbox.acknowledge(waiting[-1][0])
    print(number, flush=True)
    if number % 10 == 0:
        rollups.fold(database)
        peaks.refresh(database, plays.zone)
    if number % 25 == 0:
        database.checkpoint()
"""

# Removes what ended before a moment, a few plays at a time, and says how many after each.
REMOVES = """
import datetime, pathlib, sys
from mediahub.store import removal
from mediahub.store.database import Database
from mediahub.store.plays import Plays

database = Database(pathlib.Path(sys.argv[1]))
plays, until = Plays(database), datetime.datetime.fromisoformat(sys.argv[2])
while removed := removal.batch(database, until, 7):
    print(removed, flush=True)
    removal.tidy(database, until, plays.forget_names)
print('done', flush=True)
"""


def killed_after(path: pathlib.Path, first: int, seconds: float) -> list[int]:
    """The batches that a process acknowledged before it was killed."""
    with subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, '-c', WRITES, str(path), str(first)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        kept = [int(process.stdout.readline())]
        time.sleep(seconds)
        process.kill()
        lines = process.stdout.read().split('\n')
        # A line that the kill cut off is a shorter number.
        return kept + [int(line) for line in lines[:-1]]


def test_nothing_acknowledged_is_lost(tmp_path: pathlib.Path):
    path = tmp_path / 'mediahub.duckdb'
    chance = random.Random(9)  # noqa: S311  # no secret
    acknowledged: list[int] = []
    for _ in range(5):
        following = max(acknowledged, default=-1) + 1000
        acknowledged += killed_after(path, following, chance.uniform(0.05, 1.5))
        with Database(path) as database:
            check(database, acknowledged)


def check(database: Database, acknowledged: list[int]) -> None:
    plays, stats = Plays(database), Stats(database)
    found = {str(row[0]) for row in database.rows('SELECT play_id FROM finished_plays')}
    count = database.one('SELECT count(*) FROM finished_plays')
    assert len(found) == count
    ids = {began(batch * 20 + place).play_id for batch in acknowledged for place in range(20)}
    assert ids <= found
    assert plays.live() == []
    for _ in range(2):
        assert stats.totals(StatsQuery()).plays == count
        assert sum(bar.plays for bar in stats.by_user(StatsQuery())) == count
        rollups.fold(database)
    waiting = [waited for _, waited in Outbox(database).pending()]
    assert len(waiting) <= 20
    assert plays.record([waited for waited in waiting if waited.play.play_id in ids]).new == 0


def test_removal_that_is_killed_goes_on_and_takes_nothing_else(tmp_path: pathlib.Path):
    path = tmp_path / 'mediahub.duckdb'
    day = datetime.timedelta(days=1)
    until = START + 200 * day
    given = [ended(began(number, START + number * day), 60) for number in range(400)]
    kept = {play.play_id for play in given if play.stopped_at and play.stopped_at >= until}
    with Database(path) as database:
        Plays(database).record([event(play) for play in given])
    counts = [400]
    while counts[-1] > len(kept):
        remove_some(path, until, batches=12)
        with Database(path) as database:
            found = {str(row[0]) for row in database.rows('SELECT play_id FROM finished_plays')}
            counts.append(len(found))
            assert kept <= found
            check(database, [])
    assert counts == sorted(counts, reverse=True)
    assert len(counts) > 2
    with Database(path) as database:
        removal.tidy(database, until, lambda: None)
        days = {row[0] for row in database.rows('SELECT day FROM count_day')}
        assert days == {(START + number * day).date() for number in range(200, 400)}


def remove_some(path: pathlib.Path, until: datetime.datetime, batches: int) -> None:
    """Let a process remove so many batches, and kill it in the next one."""
    with subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, '-c', REMOVES, str(path), until.isoformat()],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        for _ in range(batches):
            if process.stdout.readline() == 'done\n':
                break
        process.kill()
