# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A disk that is full stops writing, costs nothing that is stored, and is no trouble afterwards.

What happens is told by a process of its own: a bound on the size of files holds for a whole one.
"""

import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Generator
from typing import Any

import pytest

# Writes until it is refused, reads, is given room, and writes again.
STORY = """
import json, os, pathlib, resource, subprocess, sys
from mediahub.store.database import Database, StoreError, StoreFull
from mediahub.store.outbox import Outbox
from mediahub.store.plays import Plays
from mediahub.store.stats import Stats, StatsQuery
from mediahub.testing.plays import began, ended, event

path, way, reserve = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
kept, told = 0, {}

def squeeze():
    if way == 'bound':
        resource.setrlimit(resource.RLIMIT_FSIZE, (3 * 1024**2, resource.RLIM_INFINITY))

def room():
    if way == 'bound':
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    else:
        subprocess.run(['mount', '-o', 'remount,size=100m', str(path.parent)], check=True)

def write(number):
    global kept
    batch = [event(ended(began(number * 200 + place), 60)) for place in range(200)]
    plays.record(batch)
    kept += 200

with Database(path, reserve=reserve) as database:
    plays, stats = Plays(database), Stats(database)
    squeeze()
    try:
        for number in range(100_000):
            write(number)
    except StoreFull as error:
        told['refused'] = str(error)
    told['full'] = database.health.state.value
    told['read'] = stats.totals(StatsQuery()).plays == kept
    if way == 'bound':
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size, resource.RLIM_INFINITY))
    try:
        database.checkpoint()
        told['checkpoint'] = 'done'
    except StoreError as error:
        told['checkpoint'] = str(error)
    told['read after a checkpoint'] = stats.totals(StatsQuery()).plays == kept
    told['probed'] = database.probe().state.value
    room()
    told['probed again'] = database.probe().state.value
    write(number)
    database.checkpoint()
    told['read at last'] = stats.totals(StatsQuery()).plays == kept
with Database(path) as database:
    told['kept'] = kept
    told['found'] = database.one('SELECT count(*) FROM finished_plays')
print(json.dumps(told))
"""


def told_by(path: pathlib.Path, way: str, reserve: int) -> dict[str, Any]:
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, '-c', STORY, str(path), way, str(reserve)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def went_on(told: dict[str, Any]) -> None:
    assert 'nothing stored is lost' in told['refused']
    assert '\n' not in told['refused']
    assert told['full'] == 'full'
    assert told['read']
    assert told['read after a checkpoint']
    assert told['read at last']
    assert told['probed again'] == 'ok'
    assert told['found'] == told['kept'] > 0


def test_bound_on_the_file_is_a_full_disk(tmp_path: pathlib.Path):
    told = told_by(tmp_path / 'mediahub.duckdb', 'bound', 0)

    went_on(told)
    assert 'the disk is full' in told['checkpoint']


@pytest.fixture
def small_disk(tmp_path: pathlib.Path) -> Generator[pathlib.Path]:
    folder = tmp_path / 'disk'
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip('only root may mount a small disk')
    mounted = subprocess.run(  # noqa: S603 - constants
        ['mount', '-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', str(folder)],  # noqa: S607
        check=False,
        capture_output=True,
        text=True,
    )
    if mounted.returncode:
        pytest.skip(f'a small disk cannot be mounted here: {mounted.stderr.strip()}')
    yield folder
    subprocess.run(['umount', str(folder)], check=True)  # noqa: S603, S607


def test_full_disk_is_noticed_before_duckdb_gives_up(small_disk: pathlib.Path):
    told = told_by(small_disk / 'mediahub.duckdb', 'disk', 4 * 1024**2)

    went_on(told)
    assert 'only 3 MB left' in told['refused']
    assert told['probed'] == 'full'


def test_disk_that_fills_at_the_wrong_moment_is_survived(small_disk: pathlib.Path):
    told = told_by(small_disk / 'mediahub.duckdb', 'disk', 0)

    went_on(told)
