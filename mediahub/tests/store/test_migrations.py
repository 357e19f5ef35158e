# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import datetime
import pathlib
import shutil
import subprocess
import sys

import duckdb
import pytest

from mediahub.engine.values import Kind
from mediahub.plays import Item, MediaType, Play, Viewer
from mediahub.store import migrations, removal, rollups, schema
from mediahub.store.database import Database, StoreError, StoreFull
from mediahub.store.history import HistoryQuery, Order
from mediahub.store.library import LibraryIndex, Mode
from mediahub.store.plays import Plays
from mediahub.store.ranges import Measure, StatsQuery
from mediahub.store.stats import Level, Stats
from mediahub.testing.plays import began, ended, event
from mediahub.testing.rig import Calendar, PlexRig

BEGIN = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
RELEASED = pathlib.Path(__file__).parent / 'version_1.sql'


@pytest.fixture
def path(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / 'mediahub.duckdb'


@pytest.fixture
def old(path: pathlib.Path) -> pathlib.Path:
    """A database as version 0.1.0 left it."""
    with duckdb.connect(str(path)) as connection:
        connection.execute('CREATE TABLE schema_version (version INTEGER)')
        connection.execute(RELEASED.read_text())
        connection.execute('INSERT INTO schema_version VALUES (1)')
        connection.execute("INSERT INTO plays VALUES (7, TIMESTAMP '2026-01-01', 'anna', true)")
        connection.execute(
            "INSERT INTO playlist_journal (entry, server, place) VALUES ('e', 's', -1)"
        )
    return path


def backups(path: pathlib.Path) -> list[pathlib.Path]:
    return sorted(path.parent.glob('*.backup*'))


def content(path: pathlib.Path) -> dict[str, list[tuple[object, ...]]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        tables = connection.execute('SELECT table_name FROM duckdb_tables()').fetchall()
        return {name: connection.execute(f'FROM {name}').fetchall() for (name,) in tables}


def squeezed(sql: str) -> str:
    lines = (line for line in sql.splitlines() if not line.startswith('--'))
    return ' '.join(' '.join(lines).split())


def test_released_step_is_as_it_was():
    assert squeezed(schema.STEPS[0]) == squeezed(RELEASED.read_text())


def test_new_database_needs_no_backup(path: pathlib.Path):
    Database(path).close()

    assert backups(path) == []


def test_old_database_becomes_todays_with_everything_in_it(old: pathlib.Path):
    before = content(old)

    with Database(old) as database:
        assert database.one('SELECT max(version) FROM schema_version') == len(schema.STEPS)

    after = content(old)
    assert {name: after[name] for name in before if name != 'schema_version'} == {
        name: rows for name, rows in before.items() if name != 'schema_version'
    }
    assert 'finished_plays' in after


def test_old_database_is_kept_beside(old: pathlib.Path):
    before = content(old)

    Database(old).close()
    Database(old).close()

    assert [copy.name for copy in backups(old)] == ['mediahub.duckdb.v1.backup']
    assert content(backups(old)[0]) == before


@pytest.mark.anyio
async def test_library_index_goes_on_where_it_was(
    path: pathlib.Path, rig: PlexRig, clock: Calendar, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as patch:
        patch.setattr(schema, 'STEPS', schema.STEPS[:1])
        patch.setattr(migrations, 'NEWEST', 1)
        with Database(path) as database:
            async with rig.connect() as client:
                await LibraryIndex(database, clock=clock).update(client, Mode.FULL)

    with Database(path) as database:
        index = LibraryIndex(database, clock=clock)
        assert index.native_ids('living-room', Kind.TRACK) == frozenset(rig.server.library.tracks)
        async with rig.connect() as client:
            run = await index.update(client, Mode.FULL)
    assert (run.succeeded, run.added, run.missing) == (True, 0, 0)


@pytest.mark.parametrize('broken', range(1, len(schema.STEPS)))
def test_step_that_fails_leaves_the_old_database(
    old: pathlib.Path, broken: int, monkeypatch: pytest.MonkeyPatch
):
    before = content(old)
    steps = [*schema.STEPS]
    steps[broken] += '; SELECT no_such_function()'
    with monkeypatch.context() as patch:
        patch.setattr(schema, 'STEPS', tuple(steps))
        for _ in range(2):
            with pytest.raises(StoreError, match='no_such_function'):
                Database(old)

    assert content(old) == before
    assert len(backups(old)) == 1
    Database(old).close()
    assert len(backups(old)) == 1


AS_STEP_5 = """
DROP TABLE count_heading; DROP TABLE count_viewer_name; DROP TABLE count_player_title;
DROP TABLE count_minutes; DROP TABLE count_work; DROP TABLE count_viewers;
ALTER TABLE uncounted DROP heading; ALTER TABLE uncounted DROP viewer_name;
ALTER TABLE uncounted DROP player_title; ALTER TABLE uncounted DROP minutes;
DELETE FROM schema_version WHERE version > 5;
"""

ORDERS = (Order.TITLE, Order.USER, Order.PLATFORM, Order.PLAYER, Order.PLAYED)


def evening(number: int) -> Play:
    kind = (MediaType.MOVIE, MediaType.EPISODE, MediaType.TRACK, MediaType.CLIP)[number % 4]
    item = Item(media_type=kind, title=f'Film {number % 7}', grandparent_title=f'{number % 3}')
    viewer = Viewer(account_id=str(number % 5), name=f'user {number % 5}')
    begun = BEGIN + datetime.timedelta(hours=number)
    return ended(began(number, begun, item, viewer=viewer), 50 + 7 * number)


def answers(database: Database) -> object:
    """What is asked of the tables that step 6 fills."""
    plays, stats = Plays(database), Stats(database)
    return (
        [
            plays.history(HistoryQuery(order=order, limit=7, offset=at, server=server))
            for order in ORDERS
            for at in (0, 20, 40)
            for server in (None, 'here')
        ],
        stats.rankings(
            StatsQuery(),
            [(level, by) for level in (Level.MOVIE, Level.SHOW, Level.ARTIST) for by in Measure],
        ),
    )


@pytest.mark.parametrize('folded', [0, 30, 60])
@pytest.mark.parametrize('removed', [0, 9])
def test_plays_that_were_there_before_are_counted_by_what_pages_are_sorted_by(
    path: pathlib.Path, folded: int, removed: int
):
    with Database(path) as database:
        plays = Plays(database)
        plays.record([event(evening(number)) for number in range(folded)])
        rollups.fold(database)
        plays.record([event(evening(number)) for number in range(folded, 60)])
        removal.batch(database, BEGIN + datetime.timedelta(hours=removed), 5)
        expected = answers(database)
        database.execute(AS_STEP_5)

    with Database(path) as database:
        plays = Plays(database)
        assert answers(database) == expected
        plays.record([event(evening(60))])
        removal.batch(database, BEGIN + datetime.timedelta(hours=20), 3)
        expected = answers(database)
        rollups.fold(database)
        assert answers(database) == expected
        for table in ('heading', 'viewer_name', 'player_title', 'minutes', 'work'):
            counted = database.one(f'SELECT sum(plays) FROM count_{table}')  # noqa: S608 - constants
            assert counted == database.one('SELECT count(*) FROM finished_plays')


KILLED = """
import os, pathlib, sys
import duckdb
from mediahub.store import migrations, schema
from mediahub.store.database import Database

class Dies(tuple):
    def __getitem__(self, place):
        found = super().__getitem__(place)
        return Dies(found) if isinstance(place, slice) else found
    def __iter__(self):
        for number, step in enumerate(super().__iter__()):
            if number == int(sys.argv[2]):
                os._exit(9)
            yield step

schema.STEPS = Dies(schema.STEPS)
Database(pathlib.Path(sys.argv[1]))
"""


@pytest.mark.parametrize('step', [0, 1, 2])
def test_kill_in_the_middle_leaves_the_old_database(old: pathlib.Path, step: int):
    before = content(old)

    done = subprocess.run([sys.executable, '-c', KILLED, str(old), str(step)], check=False)  # noqa: S603 - our own interpreter

    assert done.returncode == 9
    assert content(old) == before
    with Database(old) as database:
        assert database.one('SELECT account FROM plays') == 'anna'


def test_newer_database_is_refused_and_stays_as_it_is(path: pathlib.Path):
    with Database(path) as database:
        database.execute('INSERT INTO schema_version VALUES (99)')
    before = content(path)

    with pytest.raises(StoreError, match=r'has version 99.*use a newer mediahub') as caught:
        Database(path)

    assert '\n' not in str(caught.value)
    assert content(path) == before
    assert backups(path) == []


def test_database_of_another_program_is_refused_and_stays_as_it_is(path: pathlib.Path):
    with duckdb.connect(str(path)) as connection:
        connection.execute('CREATE TABLE theirs AS SELECT 1 AS one')

    with pytest.raises(StoreError, match='of another program'):
        Database(path)

    assert content(path) == {'theirs': [(1,)]}


def test_backup_of_another_time_is_not_overwritten(old: pathlib.Path):
    other = old.with_name(f'{old.name}.v1.backup')
    other.write_text('kept from the year before')

    Database(old).close()

    assert other.read_text() == 'kept from the year before'
    assert [copy.name for copy in backups(old)] == [
        'mediahub.duckdb.v1.backup',
        'mediahub.duckdb.v1.backup.2',
    ]


def test_disk_without_room_for_the_copy_is_told_before_anything_is_changed(
    old: pathlib.Path, monkeypatch: pytest.MonkeyPatch
):
    before = content(old)
    usage = shutil.disk_usage(old.parent)._replace(free=100)

    def nearly_none(folder: pathlib.Path) -> object:
        return usage

    monkeypatch.setattr(shutil, 'disk_usage', nearly_none)

    with pytest.raises(StoreFull, match='nothing was changed'):
        Database(old)

    assert content(old) == before
    assert backups(old) == []
