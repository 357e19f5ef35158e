# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Backups are whole or not there; a restore loses nothing of what it replaces."""

import datetime
import pathlib
import subprocess
import sys

import duckdb
import pytest

from mediahub.store import backup, export
from mediahub.store.database import Database, StoreDamaged, StoreError, StoreInUse
from mediahub.store.plays import Plays
from mediahub.testing import plays as made_plays

NOW = datetime.datetime(2026, 11, 28, 15, 0, tzinfo=datetime.UTC)


def facts(path: pathlib.Path) -> list[tuple[str, str]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute('SELECT name, value FROM facts ORDER BY name').fetchall()


def note(database: Database, name: str) -> None:
    with database.transaction():
        database.execute('INSERT INTO facts VALUES (?, ?)', [name, 'kept'])


@pytest.fixture
def file(tmp_path: pathlib.Path) -> pathlib.Path:
    path = tmp_path / 'mediahub.duckdb'
    with Database(path) as database:
        note(database, 'first')
    return path


def test_a_backup_holds_what_was_committed_and_the_database_goes_on(
    file: pathlib.Path, tmp_path: pathlib.Path
):
    with Database(file) as database:
        note(database, 'second')
        made = backup.backup(database, tmp_path / 'backups', NOW)
        note(database, 'third')
    assert made.name == 'mediahub-20261128T150000Z.duckdb'
    assert [name for name, _ in facts(made)] == ['first', 'second']
    assert [name for name, _ in facts(file)] == ['first', 'second', 'third']


def test_a_second_backup_in_the_same_second_takes_another_name(
    file: pathlib.Path, tmp_path: pathlib.Path
):
    with Database(file) as database:
        made = {backup.backup(database, tmp_path, NOW) for _ in range(2)}
    assert len(made) == 2


def test_the_file_stays_locked_after_a_backup(file: pathlib.Path, tmp_path: pathlib.Path):
    with Database(file) as database:
        backup.backup(database, tmp_path / 'backups', NOW)
        code = f'import duckdb; duckdb.connect({str(file)!r})'
        other = subprocess.run(  # noqa: S603
            [sys.executable, '-c', code], capture_output=True, check=False
        )
    assert b'lock' in other.stderr


def test_a_folder_that_cannot_be_made_is_named(file: pathlib.Path, tmp_path: pathlib.Path):
    (tmp_path / 'backups').write_text('a file')
    with Database(file) as database, pytest.raises(StoreError, match='cannot be made'):
        backup.backup(database, tmp_path / 'backups', NOW)


def test_restore_keeps_what_it_replaces(file: pathlib.Path, tmp_path: pathlib.Path):
    with Database(file) as database:
        made = backup.backup(database, tmp_path / 'backups', NOW)
        note(database, 'later')
    kept = backup.restore(made, file, NOW)
    assert kept is not None
    assert [name for name, _ in facts(file)] == ['first']
    assert [name for name, _ in facts(kept)] == ['first', 'later']
    assert made.exists()


def test_two_restores_in_one_second_keep_both_files(file: pathlib.Path, tmp_path: pathlib.Path):
    copy = tmp_path / 'copy.duckdb'
    backup.restore(file, copy, NOW)
    kept = {backup.restore(copy, file, NOW) for _ in range(2)}
    assert len(kept) == 2
    assert all(each is not None and each.exists() for each in kept)


def test_restore_where_there_was_nothing(file: pathlib.Path, tmp_path: pathlib.Path):
    target = tmp_path / 'elsewhere' / 'mediahub.duckdb'
    assert backup.restore(file, target, NOW) is None
    assert facts(target) == facts(file)


@pytest.mark.parametrize('content', [b'', b'no database', None])
def test_restore_of_something_else_changes_nothing(
    file: pathlib.Path, tmp_path: pathlib.Path, content: bytes | None
):
    wrong = tmp_path / 'wrong'
    if content is not None:
        wrong.write_bytes(content)
    before = file.read_bytes()
    with pytest.raises(StoreError, match='nothing was changed'):
        backup.restore(wrong, file, NOW)
    assert file.read_bytes() == before
    assert sorted(each.name for each in tmp_path.iterdir() if 'before' in each.name) == []


def test_restore_of_an_empty_database_changes_nothing(file: pathlib.Path, tmp_path: pathlib.Path):
    empty = tmp_path / 'empty.duckdb'
    duckdb.connect(str(empty)).close()
    before = file.read_bytes()
    with pytest.raises(StoreError, match='it is empty; nothing was changed'):
        backup.restore(empty, file, NOW)
    assert file.read_bytes() == before


def test_restore_of_a_newer_version_changes_nothing(file: pathlib.Path, tmp_path: pathlib.Path):
    newer = tmp_path / 'newer.duckdb'
    backup.restore(file, newer, NOW)
    with duckdb.connect(str(newer)) as connection:
        connection.execute('INSERT INTO schema_version VALUES (999)')
    before = file.read_bytes()
    with pytest.raises(StoreError, match='version 999'):
        backup.restore(newer, file, NOW)
    assert file.read_bytes() == before


def test_restore_refuses_while_another_process_has_the_database(
    file: pathlib.Path, tmp_path: pathlib.Path
):
    copy = tmp_path / 'copy.duckdb'
    backup.restore(file, copy, NOW)
    code = (
        f'import duckdb, sys; c = duckdb.connect({str(file)!r}); print("up", flush=True); input()'
    )
    with subprocess.Popen(  # noqa: S603
        [sys.executable, '-c', code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b'up\n'
        with pytest.raises(StoreInUse):
            backup.restore(copy, file, NOW)
        other.communicate(b'\n')
    assert [name for name, _ in facts(file)] == ['first']


def test_restore_over_a_damaged_database_keeps_it(file: pathlib.Path, tmp_path: pathlib.Path):
    copy = tmp_path / 'copy.duckdb'
    backup.restore(file, copy, NOW)
    file.write_bytes(b'garbage' * 1000)
    file.with_name(f'{file.name}.wal').write_bytes(b'log')
    kept = backup.restore(copy, file, NOW)
    assert kept is not None
    assert kept.read_bytes() == b'garbage' * 1000
    assert kept.with_name(f'{kept.name}.wal').read_bytes() == b'log'
    assert [name for name, _ in facts(file)] == ['first']
    with pytest.raises(StoreDamaged):
        backup.verified(kept)


def test_exports_every_month_and_again_without_a_trace(tmp_path: pathlib.Path):
    plays = [made_plays.ended(made_plays.began(), 60)]
    with Database(tmp_path / 'mediahub.duckdb') as database:
        Plays(database).record([made_plays.event(play) for play in plays])
        files = export.export(database, tmp_path / 'exports')
        assert export.export(database, tmp_path / 'exports') == files
    assert [each.suffix for each in files] == ['.parquet']
    assert sorted((tmp_path / 'exports').iterdir()) == files
    with duckdb.connect() as reader:
        rows = reader.execute('SELECT count(*) FROM read_parquet(?)', [str(files[0])]).fetchone()
    assert rows == (1,)


def damaged(file: pathlib.Path, folder: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
    """Damage a database that has a log; its backup of before, and the log."""
    with Database(file) as database:
        made = backup.backup(database, folder / 'backups', NOW)
    file.write_bytes(b'damaged, so its log stays')
    log = file.with_name(f'{file.name}.wal')
    log.write_bytes(b'what was written last')
    return made, log


def test_a_restore_that_cannot_replace_the_file_leaves_its_log_with_it(
    file: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
):
    made, log = damaged(file, tmp_path)
    replace = pathlib.Path.replace

    def refused(path: pathlib.Path, target: pathlib.Path) -> pathlib.Path:
        if path.name.endswith('.restoring'):
            raise OSError(5, 'Input/output error')
        return replace(path, target)

    monkeypatch.setattr(pathlib.Path, 'replace', refused)
    with pytest.raises(StoreError, match='nothing was changed'):
        backup.restore(made, file, NOW)
    assert log.read_bytes() == b'what was written last'
    assert file.read_bytes() == b'damaged, so its log stays'
    assert [each.name for each in tmp_path.glob(f'{file.name}.*')] == [log.name]


def test_a_restore_that_cannot_keep_the_file_touches_no_log(
    file: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
):
    made, log = damaged(file, tmp_path)
    other = file.with_name(f'{file.name}.before-{NOW:%Y%m%dT%H%M%SZ}.wal')
    other.write_bytes(b'of somebody else')

    def refused(path: pathlib.Path, target: pathlib.Path) -> None:
        raise OSError(1, 'Operation not permitted')

    monkeypatch.setattr(pathlib.Path, 'hardlink_to', refused)
    with pytest.raises(StoreError, match='nothing was changed'):
        backup.restore(made, file, NOW)
    assert log.read_bytes() == b'what was written last'
    assert other.read_bytes() == b'of somebody else'
