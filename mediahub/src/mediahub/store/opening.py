# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Opens the database's file, or says in one line why that cannot be done."""

from __future__ import annotations

import contextlib
import logging
import os
import pathlib
from collections.abc import Generator

import duckdb

from . import limits, migrations
from .troubles import StoreDamaged, StoreError, explained

_log = logging.getLogger(__name__)


def opened(
    path: pathlib.Path | None, memory: int | None = None, *, again: bool = False
) -> duckdb.DuckDBPyConnection:
    """Open a file, made where it is not there, and bring it up to date.

    Args:
        path: None for a database in memory.
        memory: Bytes that it may hold in memory.
        again: This process wrote it, and closed it after a failure to write.

    Raises:
        StoreError: It is in use, damaged, of a newer version, or cannot be written to.
    """
    name = str(path or ':memory:')
    if path is not None:
        _check(path)
    log = 0 if again else _log_of(path)
    try:
        connection = duckdb.connect(
            name, config=limits.configuration(path, memory or limits.memory())
        )
    except duckdb.Error as error:
        raise explained(name, error) from error
    try:
        if path is not None and log:
            _keep_what_was_passed_over(connection, path, log)
        migrations.migrate(connection, path)
    except duckdb.Error as error:
        connection.close()
        raise explained(name, error) from error
    except BaseException:
        connection.close()
        raise
    return connection


@contextlib.contextmanager
def examined(path: pathlib.Path) -> Generator[tuple[duckdb.DuckDBPyConnection, int]]:
    """Look into a file without changing it; yields a connection and the version.

    Raises:
        StoreError: It is in use, damaged, of a newer version or of another program.
    """
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            yield connection, migrations.checked(connection, str(path))
    except duckdb.Error as error:
        raise explained(str(path), error) from error


def _check(path: pathlib.Path) -> None:
    """What DuckDB finds out late, or explains badly."""
    if not path.parent.is_dir():
        raise StoreError(f'{path}: its folder does not exist; make it')
    if path.is_dir():
        raise StoreError(f'{path} is a folder; name a file')
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise StoreError(f'{path}: this user may not write to the folder; give it the folder')
    if path.exists() and not os.access(path, os.R_OK | os.W_OK):
        raise StoreError(f'{path}: this user may not write to the file; give it the file')
    if path.exists() and not path.stat().st_size:
        raise StoreDamaged(
            f'{path} is empty: bring back a backup with `mediahub restore`, '
            'or delete the file to begin anew'
        )


def _log_of(path: pathlib.Path | None) -> int:
    """Bytes of the log that was left behind by a process that did not end orderly."""
    try:
        return pathlib.Path(f'{path}.wal').stat().st_size if path else 0
    except OSError:
        return 0


def _keep_what_was_passed_over(
    connection: duckdb.DuckDBPyConnection, path: pathlib.Path, size: int
) -> None:
    """Copy a log that DuckDB did not read to its end, before its first write replaces it.

    That is right where a kill left the end half-written, or came in the middle of a checkpoint.
    But a length with a wrong bit looks the same to DuckDB, and what is behind it is worth keeping.
    """
    wal = path.with_name(f'{path.name}.wal')
    if not wal.exists():  # a kill came when all of it was in the file, and DuckDB removed it
        return
    row = connection.execute('SELECT wal_size FROM pragma_database_size()').fetchone()
    if row is None or _most(row[0]) >= size:
        return
    kept = migrations.keep(wal, 'kept')
    _log.warning('the end of %s was not taken over; it is kept as %s', wal, kept)


_UNITS = {'bytes': 1, 'KiB': 1024, 'MiB': 1024**2, 'GiB': 1024**3}


def _most(told: str) -> int:
    """The greatest number of bytes that DuckDB writes so: 15.8 KiB is up to 15.85."""
    number, _, unit = told.partition(' ')
    scale = _UNITS.get(unit, 1)
    return round((float(number) + (0.05 if scale > 1 else 0)) * scale)
