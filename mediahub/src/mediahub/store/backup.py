# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Copies of the database's file, and its way back. A copy is opened before it counts as one."""

from __future__ import annotations

import contextlib
import datetime
import pathlib
import shutil
import subprocess

import duckdb

from . import migrations, opening
from .database import Database, StoreDamaged, StoreError, StoreFull, StoreInUse
from .troubles import explained

_TABLES = 'SELECT table_name FROM duckdb_tables()'


def backup(
    database: Database, folder: pathlib.Path, now: datetime.datetime, named: str = 'mediahub'
) -> pathlib.Path:
    """Copy the file as it is at this moment; writers wait meanwhile, readers do not.

    Args:
        database: The open database.
        folder: Where the copy goes; made where it is not there.
        now: For the copy's name.
        named: How that begins.

    Returns:
        The copy.

    Raises:
        StoreError: There is no room, or the copy cannot be read; there is none then.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f'{folder} cannot be made ({error.strerror})') from error
    target = _free_name(folder, f'{named}-{now:%Y%m%dT%H%M%SZ}')
    part = target.with_suffix('.part')
    try:
        with database.at_rest() as path:
            _copy(path, part)
        verified(part)
        migrations.synced(part)
        part.replace(target)
        migrations.synced(folder)
    finally:
        part.unlink(missing_ok=True)
    return target


def _free_name(folder: pathlib.Path, stem: str) -> pathlib.Path:
    names = [f'{stem}.duckdb', *(f'{stem}-{number}.duckdb' for number in range(2, 100))]
    return next(folder / name for name in names if not (folder / name).exists())


def _copy(path: pathlib.Path, part: pathlib.Path) -> None:
    """Copy a file that this process has open.

    By a process of its own: if this one opened and closed the file again, its lock would be gone.
    """
    size, room = path.stat().st_size, shutil.disk_usage(part.parent).free
    if size > room:
        raise StoreFull(
            f'a backup needs {size // 1024**2} MB and {part.parent} has {room // 1024**2}: '
            'make room; nothing was changed'
        )
    copied = subprocess.run(  # noqa: S603 - our own paths
        ['/bin/cp', '--', path, part], capture_output=True, text=True, check=False
    )
    if copied.returncode:
        reason = ' '.join(copied.stderr.split())[-200:]
        raise StoreError(f'the backup cannot be written: {reason}')


def verified(path: pathlib.Path) -> None:
    """Open a copy and read from every table of it.

    Raises:
        StoreError: It is none, damaged, empty, or of a newer version.
    """
    if not path.is_file():
        raise StoreError(f'{path} is no backup: there is no such file; nothing was changed')
    try:
        with opening.examined(path) as (connection, version):
            for (table,) in connection.execute(_TABLES).fetchall():
                connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()  # noqa: S608 - ours
    except StoreDamaged as error:
        raise StoreDamaged(
            f'{path} is no backup that can be read; nothing was changed ({error})'
        ) from error
    if not version:
        raise StoreError(f'{path} is no backup: it is empty; nothing was changed')


def restore(
    file: pathlib.Path, database: pathlib.Path, now: datetime.datetime
) -> pathlib.Path | None:
    """Put a copy in the place of the database, whose hub must not run.

    Args:
        file: The copy; it stays.
        database: The hub's file.
        now: For the name under which the file there is now is kept.

    Returns:
        Where that is kept; None where there was none.

    Raises:
        StoreError: The copy cannot be used, the database is in use, or there is no room. Nothing
            was changed then.
    """
    verified(file)
    database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept = _kept(database, now) if database.exists() else None
    staged = database.with_name(f'{database.name}.restoring')
    migrations.copied(file, staged)
    try:
        _replace(database, staged, kept)
    except OSError as error:
        staged.unlink(missing_ok=True)
        reason = f'{database} cannot be kept beside itself ({error.strerror}); nothing was changed'
        raise StoreError(reason) from error
    migrations.synced(database.parent)
    return kept


def _kept(database: pathlib.Path, now: datetime.datetime) -> pathlib.Path:
    """Where the present file is kept; folds its log in, where that can be done."""
    try:
        duckdb.connect(str(database)).close()
    except duckdb.Error as error:
        meant = explained(str(database), error)
        if isinstance(meant, StoreInUse):
            raise meant from error
        # Damaged: that is why somebody restores.
    stem = f'{database.name}.before-{now:%Y%m%dT%H%M%SZ}'
    names = [stem, *(f'{stem}-{number}' for number in range(2, 100))]
    return next(place for name in names if not (place := database.with_name(name)).exists())


def _replace(database: pathlib.Path, staged: pathlib.Path, kept: pathlib.Path | None) -> None:
    """Put a file in the place of the database, or leave everything as it was."""
    if kept is None:
        staged.replace(database)
        return
    kept.hardlink_to(database)  # at no moment is there no database
    try:
        _move_log(database, kept)
        staged.replace(database)
    except OSError:
        _move_log(kept, database)
        kept.unlink()  # a second name of the file that is still there
        raise


def _move_log(database: pathlib.Path, other: pathlib.Path) -> None:
    """A log goes where its file is: it must not be read into a restored one, nor be missed."""
    with contextlib.suppress(FileNotFoundError):
        database.with_name(f'{database.name}.wal').replace(other.with_name(f'{other.name}.wal'))
