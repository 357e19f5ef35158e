# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Looks for what would keep the hub from starting and changes nothing; ``mediahub check``."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterator

import duckdb

from .settings import Settings
from .store import schema

_KNOWN = 'SELECT count(*) FROM duckdb_tables() WHERE table_name = ?'
_VERSION = 'SELECT coalesce(max(version), 0) FROM schema_version'


def problems(settings: Settings, database: pathlib.Path) -> list[str]:
    """Everything that is wrong with what the settings name, one line each.

    Args:
        settings: Without mistakes of their own.
        database: The hub's, which need not be there yet.
    """
    found = list(_of_home(settings.home))
    if not database.exists():
        return found
    if not os.access(database, os.R_OK | os.W_OK):
        return [*found, f'{database} cannot be read and written to by this user']
    return [*found, *_of_database(database)]


def _of_home(home: pathlib.Path) -> Iterator[str]:
    """The home, or where it would be made: the nearest folder above that there is."""
    there = next(folder for folder in (home, *home.absolute().parents) if folder.exists())
    if not there.is_dir():
        yield f'MEDIAHUB_HOME: {there} is no folder'
    elif not os.access(there, os.W_OK | os.X_OK):
        yield f'MEDIAHUB_HOME: {there} cannot be written to by this user'


def _of_database(database: pathlib.Path) -> Iterator[str]:
    try:
        version = _version(database)
    except duckdb.Error as error:
        yield _explained(database, error)
        return
    if version > len(schema.STEPS):
        yield (
            f'{database} has version {version}, this program knows up to {len(schema.STEPS)}; '
            'use a newer mediahub, nothing was changed'
        )


def _version(database: pathlib.Path) -> int:
    """The version of the database, read without taking it from whoever writes it."""
    with duckdb.connect(str(database), read_only=True) as connection:
        row = connection.execute(_KNOWN, ['schema_version']).fetchone()
        if row is None or not row[0]:
            return 0
        row = connection.execute(_VERSION).fetchone()
        return int(row[0]) if row else 0


def _explained(database: pathlib.Path, error: duckdb.Error) -> str:
    reason = ' '.join(str(error).split())[:200]
    if 'lock' in reason.lower():
        return f'{database} is in use by another process; stop it first ({reason})'
    return f'{database} cannot be read: {reason}'
