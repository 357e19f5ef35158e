# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Every way in which the file is unusable ends in one line, and costs nothing that is stored."""

import asyncio
import gc
import os
import pathlib
import re
import subprocess
import sys
import threading

import duckdb
import pytest

from mediahub.plays import Player
from mediahub.store.database import Database, StoreDamaged, StoreError, StoreInUse
from mediahub.store.plays import Plays
from mediahub.testing.plays import began, ended, event


@pytest.fixture
def path(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / 'mediahub.duckdb'


@pytest.fixture
def filled(path: pathlib.Path) -> pathlib.Path:
    """A database with plays in its file and none in its log."""
    with Database(path) as database:
        player = Player(client_id='tv', address='192.0.2.77')
        made = [ended(began(number, player=player), 60) for number in range(300)]
        Plays(database).record([event(play) for play in made])
    return path


WRITES = """
import os, pathlib, sys
from mediahub.store.database import Database
from mediahub.store.plays import Plays
from mediahub.testing.plays import began, ended, event

plays = Plays(Database(pathlib.Path(sys.argv[1])))
for number in range(400, 500):
    plays.record([event(ended(began(number), 60))])
os._exit(0)
"""


@pytest.fixture
def logged(filled: pathlib.Path) -> pathlib.Path:
    """A database whose last plays are only in its log, because the process was killed."""
    subprocess.run([sys.executable, '-c', WRITES, str(filled)], check=True)  # noqa: S603 - our own interpreter
    assert log_of(filled).stat().st_size > 0
    return filled


def log_of(path: pathlib.Path) -> pathlib.Path:
    return path.with_name(f'{path.name}.wal')


def flip(path: pathlib.Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 0xFF
    path.write_bytes(content)


def refused(path: pathlib.Path, kind: type[StoreError], *words: str) -> None:
    before = path.read_bytes() if path.is_file() else b''
    with pytest.raises(kind) as caught:
        Database(path)
    message = str(caught.value)
    assert '\n' not in message
    assert str(path) in message
    for word in words:
        assert word in message
    assert (path.read_bytes() if path.is_file() else b'') == before


@pytest.mark.parametrize('kept', [100, 4096, 5000, 100_000])
def test_file_that_was_cut_off_is_told(filled: pathlib.Path, kept: int):
    filled.write_bytes(filled.read_bytes()[:kept])

    refused(filled, StoreDamaged, 'is damaged', 'mediahub restore')


@pytest.mark.parametrize('place', [8, 100, 4200])
def test_header_with_a_wrong_bit_is_told(filled: pathlib.Path, place: int):
    flip(filled, place)

    refused(filled, StoreDamaged, 'is damaged', 'mediahub restore')


def test_noise_is_told(path: pathlib.Path):
    path.write_bytes(os.urandom(50_000))

    refused(path, StoreDamaged, 'is damaged')


def test_empty_file_is_told(path: pathlib.Path):
    path.touch()

    refused(path, StoreDamaged, 'is empty', 'mediahub restore', 'begin anew')


def test_folder_in_place_of_the_file_is_told(path: pathlib.Path):
    path.mkdir()

    refused(path, StoreError, 'is a folder')


def test_missing_folder_is_told(tmp_path: pathlib.Path):
    refused(tmp_path / 'nowhere' / 'mediahub.duckdb', StoreError, 'folder does not exist')


@pytest.mark.skipif(os.geteuid() == 0, reason='root may write everywhere')
def test_folder_without_permission_is_told(filled: pathlib.Path):
    filled.parent.chmod(0o500)
    try:
        refused(filled, StoreError, 'may not write to the folder')
    finally:
        filled.parent.chmod(0o700)


@pytest.mark.skipif(os.geteuid() == 0, reason='root may write everywhere')
def test_file_without_permission_is_told(filled: pathlib.Path):
    filled.chmod(0o400)

    refused(filled, StoreError, 'may not write to the file')


HOLDS = """
import pathlib, sys, time
from mediahub.store.database import Database

opened = Database(pathlib.Path(sys.argv[1]))
print('open', flush=True)
sys.stdin.read()
"""


def test_file_of_another_process_is_told_with_the_process(filled: pathlib.Path):
    with subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, '-c', HOLDS, str(filled)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        refused(filled, StoreInUse, 'in use by another process', f'PID {holder.pid}')
        holder.communicate()

    Database(filled).close()


def test_log_is_read_after_a_kill(logged: pathlib.Path):
    with Database(logged) as database:
        assert database.one('SELECT count(*) FROM finished_plays') == 400


@pytest.mark.parametrize('moment', ['before_header', 'after_free_list_write', 'before_truncate'])
def test_kill_in_a_checkpoint_loses_nothing(logged: pathlib.Path, moment: str):
    """Also in its last moment, when the file has all of the log and DuckDB removes that."""
    with duckdb.connect(str(logged)) as connection:
        connection.execute(f"SET debug_checkpoint_abort = '{moment}'")
        with pytest.raises(duckdb.FatalException, match='Checkpoint aborted'):
            connection.execute('CHECKPOINT')
    assert log_of(logged).stat().st_size > 0

    with Database(logged) as database:
        assert database.one('SELECT count(*) FROM finished_plays') == 400


@pytest.mark.parametrize('share', [0.0, 0.1, 0.3, 0.5, 0.7, 0.9])
def test_log_with_a_wrong_bit_is_told_or_kept(
    logged: pathlib.Path, share: float, caplog: pytest.LogCaptureFixture
):
    flip(log_of(logged), int(log_of(logged).stat().st_size * share))
    before = log_of(logged).read_bytes()

    try:
        with Database(logged) as database:
            assert 300 <= database.one('SELECT count(*) FROM finished_plays') < 400
            Plays(database).record([event(ended(began(1000), 60))])
    except StoreDamaged:
        assert log_of(logged).read_bytes() == before
        log_of(logged).rename(logged.with_name('aside'))
        with Database(logged) as database:
            assert database.one('SELECT count(*) FROM finished_plays') == 300
    else:
        assert logged.with_name(f'{logged.name}.wal.kept').read_bytes() == before
        assert 'is kept as' in caplog.text


def entry_at(path: pathlib.Path, share: float) -> int | None:
    """Where the log's entry begins that is at a place, as DuckDB says when it is damaged there."""
    flip(log_of(path), int(log_of(path).stat().st_size * share))
    try:
        Database(path).close()
    except StoreDamaged as error:
        found = re.search(r'entry at byte position (\d+)', str(error))
        return int(found[1]) if found else None
    return None


def test_length_with_a_wrong_bit_costs_no_log(logged: pathlib.Path):
    """DuckDB takes what is behind it for the half-written end of a killed process."""
    content, file = log_of(logged).read_bytes(), logged.read_bytes()
    entry = next(filter(None, (entry_at(logged, share) for share in (0.4, 0.5, 0.6))))
    logged.write_bytes(file)
    log_of(logged).write_bytes(content)
    # Its length and its checksum, eight bytes each, are in front of that place.
    flip(log_of(logged), entry - 16 + 5)
    before = log_of(logged).read_bytes()

    with Database(logged) as database:
        assert database.one('SELECT count(*) FROM finished_plays') < 400

    assert logged.with_name(f'{logged.name}.wal.kept').read_bytes() == before


def test_log_that_was_cut_off_loses_what_was_never_whole(logged: pathlib.Path):
    content = log_of(logged).read_bytes()
    log_of(logged).write_bytes(content[:-10])

    with Database(logged) as database:
        assert database.one('SELECT count(*) FROM finished_plays') == 399


def test_wrong_bit_in_the_data_is_told_by_the_query_that_meets_it(filled: pathlib.Path):
    content = filled.read_bytes()
    place = content.rfind(b'192.0.2.77')
    assert place > 0
    flip(filled, place)

    with Database(filled) as database, pytest.raises(StoreDamaged, match='mediahub restore'):
        database.read('SELECT count(DISTINCT player_address) FROM finished_plays')


def test_leftovers_of_a_kill_are_no_trouble(filled: pathlib.Path):
    spilled = filled.with_name(f'{filled.name}.tmp')
    spilled.mkdir()
    (spilled / 'duckdb_temp_storage_DEFAULT-0.tmp').write_bytes(b'x' * 1000)

    Database(filled).close()


@pytest.mark.anyio
async def test_work_that_fails_after_its_caller_is_gone_is_told_once(
    caplog: pytest.LogCaptureFixture,
):
    complaints = list[object]()
    asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told))
    gone = threading.Event()

    def work() -> None:
        gone.wait(10)
        raise StoreError('nothing to be done')

    with Database() as database:
        task = asyncio.create_task(database.run(work))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(0)
        gone.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        del task
        gc.collect()
        await asyncio.sleep(0)

    assert complaints == []
    told = [record.message for record in caplog.records if record.name.endswith('database')]
    assert told == ['what nobody waits for any more failed: nothing to be done']
