# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""``mediahub check`` says what would keep the hub from starting, and changes nothing."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import duckdb
import pytest

from mediahub import cli
from mediahub.store import schema
from mediahub.store.database import Database, StoreError


@pytest.fixture
def home(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    made = tmp_path / 'home'
    made.mkdir()
    monkeypatch.setenv('MEDIAHUB_HOME', str(made))
    return made


@pytest.fixture
def database(home: pathlib.Path) -> pathlib.Path:
    with Database(home / 'mediahub.duckdb'):
        pass
    return home / 'mediahub.duckdb'


def check(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, list[str]]:
    status = cli.main([*words, 'check'])
    shown = capsys.readouterr()
    assert shown.out == ''
    return status, shown.err.splitlines()


def files(home: pathlib.Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in home.iterdir()}


def test_nothing_is_said_of_a_hub_that_would_start(
    capsys: pytest.CaptureFixture[str], database: pathlib.Path
):
    before = files(database.parent)
    assert check(capsys) == (0, [])
    assert files(database.parent) == before


def test_a_home_that_is_not_there_is_not_made(
    capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv('MEDIAHUB_HOME', str(tmp_path / 'a' / 'b'))
    assert check(capsys) == (0, [])
    assert not list(tmp_path.iterdir())


def test_every_mistake_in_the_settings_is_a_line(
    capsys: pytest.CaptureFixture[str], home: pathlib.Path
):
    (home / 'mediahub.toml').write_text('[hub]\nport = 99999\nlog-level = "loud"\n')
    status, lines = check(capsys)
    assert status == 2
    assert [line.split(':')[1].strip() for line in lines] == ['hub.port', 'hub.log-level']
    assert all(line.startswith('mediahub: ') for line in lines)


def test_a_configuration_that_was_named_has_to_be_there(
    capsys: pytest.CaptureFixture[str], home: pathlib.Path
):
    status, lines = check(capsys, '--config', str(home / 'absent.toml'))
    assert (status, len(lines)) == (2, 1)
    assert 'absent.toml' in lines[0]


def test_a_newer_database_is_named_and_left_alone(
    capsys: pytest.CaptureFixture[str], database: pathlib.Path
):
    with Database(database) as opened:
        opened.execute('INSERT INTO schema_version VALUES (999)')
    before = files(database.parent)
    newest = len(schema.STEPS)
    line = f'{database} has version 999, this program knows up to {newest}'
    assert check(capsys) == (
        2,
        [f'mediahub: {line}; use a newer mediahub, nothing was changed'],
    )
    assert files(database.parent) == before


def test_an_older_database_is_not_brought_up_to_date(
    capsys: pytest.CaptureFixture[str], database: pathlib.Path
):
    with duckdb.connect(str(database)) as opened:
        opened.execute('DELETE FROM schema_version WHERE version > 1')
    before = files(database.parent)
    assert check(capsys) == (0, [])
    assert files(database.parent) == before


def test_a_database_of_another_program_is_named_as_the_hub_would_name_it(
    capsys: pytest.CaptureFixture[str], home: pathlib.Path
):
    path = home / 'mediahub.duckdb'
    with duckdb.connect(str(path)) as opened:
        opened.execute('CREATE TABLE somebody (id INTEGER)')
    before = files(home)
    said = f'{path} is a database of another program; use another file'
    assert check(capsys) == (2, [f'mediahub: {said}'])
    assert files(home) == before
    with pytest.raises(StoreError, match='of another program'):
        Database(path)


def test_a_damaged_database_is_named(capsys: pytest.CaptureFixture[str], home: pathlib.Path):
    (home / 'mediahub.duckdb').write_bytes(b'no database' * 4096)
    status, lines = check(capsys)
    assert (status, len(lines)) == (2, 1)
    assert lines[0].startswith(
        f'mediahub: {home / "mediahub.duckdb"} is damaged: bring back a backup with '
        '`mediahub restore`, which keeps the damaged file beside it '
    )


def test_a_database_in_use_is_named(capsys: pytest.CaptureFixture[str], database: pathlib.Path):
    holding = (
        'import duckdb, sys; held = duckdb.connect(sys.argv[1]); '
        'print(flush=True); sys.stdin.read()'
    )
    other = subprocess.Popen(  # noqa: S603 - our own line
        [sys.executable, '-c', holding, str(database)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with other:
        assert other.stdout
        other.stdout.readline()
        status, lines = check(capsys)
        assert other.stdin
        other.stdin.close()
    assert (status, len(lines)) == (2, 1)
    assert lines[0] == (
        f'mediahub: {database} is in use by another process (PID {other.pid}); '
        'stop it, or use another file with --database'
    )
    assert check(capsys) == (0, [])


@pytest.mark.skipif(os.geteuid() == 0, reason='root can write everywhere')
def test_a_home_that_cannot_be_written_to_is_named(
    capsys: pytest.CaptureFixture[str], home: pathlib.Path
):
    home.chmod(0o500)
    try:
        status, lines = check(capsys)
    finally:
        home.chmod(0o700)
    assert (status, lines) == (
        2,
        [f'mediahub: MEDIAHUB_HOME: {home} cannot be written to by this user'],
    )


def test_a_home_that_is_a_file_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / 'home').write_text('')
    monkeypatch.setenv('MEDIAHUB_HOME', str(tmp_path / 'home'))
    status, lines = check(capsys)
    assert (status, lines) == (2, [f'mediahub: MEDIAHUB_HOME: {tmp_path / "home"} is no folder'])
