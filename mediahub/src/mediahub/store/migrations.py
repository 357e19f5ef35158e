# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Brings a database from any earlier version to today's, or leaves it as it was.

All steps are one transaction. Before it, the file is copied beside itself, so that the version
before can be used again with the program before.
"""

from __future__ import annotations

import contextlib
import filecmp
import logging
import os
import pathlib
import shutil

import duckdb

from . import schema
from .troubles import StoreError, StoreFull

_log = logging.getLogger(__name__)

NEWEST = len(schema.STEPS)


def version(connection: duckdb.DuckDBPyConnection, name: str) -> int:
    """The version of a database; 0 for an empty one.

    Raises:
        StoreError: It belongs to another program.
    """
    tables = {
        row[0] for row in connection.execute('SELECT table_name FROM duckdb_tables()').fetchall()
    }
    if 'schema_version' not in tables:
        if tables:
            raise StoreError(f'{name} is a database of another program; use another file')
        return 0
    row = connection.execute('SELECT coalesce(max(version), 0) FROM schema_version').fetchone()
    return int(row[0]) if row else 0


def checked(connection: duckdb.DuckDBPyConnection, name: str) -> int:
    """The version of a database that this program can use.

    Raises:
        StoreError: It is of a newer version or of another program.
    """
    found = version(connection, name)
    if found > NEWEST:
        raise StoreError(
            f'{name} has version {found}, this program knows up to {NEWEST}; '
            'use a newer mediahub, nothing was changed'
        )
    return found


def migrate(connection: duckdb.DuckDBPyConnection, path: pathlib.Path | None) -> None:
    """Bring a database that was just opened up to date.

    Args:
        connection: The only one.
        path: Its file; None for a database in memory.

    Raises:
        StoreError: It is of a newer version or of another program, and was not changed.
        StoreFull: There is no room for the copy; it was not changed.
    """
    name = str(path or ':memory:')
    found = checked(connection, name)
    if found == NEWEST:
        return
    if found and path is not None:
        connection.execute('CHECKPOINT')
        _log.warning('%s: version %d becomes %d', name, found, NEWEST)
        _log.warning('%s is kept as it was in %s', name, keep(path, f'v{found}.backup'))
    _take_steps(connection, found)


def _take_steps(connection: duckdb.DuckDBPyConnection, found: int) -> None:
    connection.execute('BEGIN')
    try:
        connection.execute('CREATE TABLE IF NOT EXISTS schema_version (version INTEGER)')
        for number, step in enumerate(schema.STEPS[found:], found + 1):
            connection.execute(step)
            connection.execute('INSERT INTO schema_version VALUES (?)', [number])
    except BaseException:
        with contextlib.suppress(duckdb.Error):  # the first error is the one that counts
            connection.rollback()
        raise
    connection.execute('COMMIT')


def keep(path: pathlib.Path, ending: str) -> pathlib.Path:
    """Copy a file beside itself, completely or not at all; a copy that is there already will do.

    Args:
        path: Nobody writes to it meanwhile.
        ending: Of the copy; a number is added where another copy has it.

    Returns:
        The copy.

    Raises:
        StoreFull: There is no room.
    """
    number = 1
    while True:
        copy = path.with_name(f'{path.name}.{ending}' + (f'.{number}' if number > 1 else ''))
        if not copy.exists():
            break
        if filecmp.cmp(path, copy, shallow=False):
            return copy
        number += 1
    copied(path, copy)
    return copy


def copied(path: pathlib.Path, target: pathlib.Path) -> None:
    """Copy a file under a name that it gets only when everything is on the disk.

    Raises:
        StoreFull: There is no room.
    """
    size, room = path.stat().st_size, shutil.disk_usage(target.parent).free
    if size > room:
        raise StoreFull(
            f'{target} needs {size // 1024**2} MB and the disk has {room // 1024**2}: make room; '
            'nothing was changed'
        )
    part = target.with_name(f'{target.name}.part')
    try:
        shutil.copyfile(path, part)
        shutil.copystat(path, part)
        synced(part)
        part.replace(target)
        synced(target.parent)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise StoreFull(
            f'{target} cannot be written ({error.strerror}); nothing changed'
        ) from error


def synced(path: pathlib.Path) -> None:
    """Have a file, or the names in a folder, on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
