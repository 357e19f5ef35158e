# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What can go wrong with the database's file, told apart by what has to be done about it."""

from __future__ import annotations

import re

import duckdb

from ..engine.errors import MediaHubError


class StoreError(MediaHubError):
    """The database cannot be used; the message says why, and what to do."""


class StoreFull(StoreError):
    """There is no room to write; nothing stored is lost, and it goes on when there is room."""


class StoreInUse(StoreError):
    """Another process has the file."""


class StoreDamaged(StoreError):
    """The file, or its log, is not what was written."""


_FULL = ('no space left', 'disk quota exceeded', 'file too large', 'out of disk', 'errno 28')
_DAMAGED = (
    'corrupt',
    'checksum',
    'not a valid duckdb',
    'could not read enough bytes',
    'failed to decode',
    'failed to deserialize',
    'serialization error',
)
_CLOSED = ('permission denied', 'read-only file system', 'operation not permitted')
_NEWER = ('was created with a newer', 'newer storage version', 'database file with version number')


def explained(name: str, error: Exception) -> StoreError:
    """An error of DuckDB in one line that says what to do.

    Args:
        name: Of the file.
        error: What DuckDB raised.
    """
    reason = ' '.join(str(error).split())
    lower, short = reason.lower(), reason[:300]
    if any(text in lower for text in _FULL):
        return StoreFull(
            f'{name} cannot grow, the disk is full: make room; nothing stored is lost ({short})'
        )
    if 'could not set lock' in lower or 'conflicting lock' in lower:
        return StoreInUse(
            f'{name} is in use by another process{_holder(reason)}; '
            'stop it, or use another file with --database'
        )
    if any(text in lower for text in _NEWER):
        return StoreError(f'{name} was written by a newer DuckDB; use a newer mediahub ({short})')
    if any(text in lower for text in _DAMAGED):
        return _damaged(name, lower, short)
    return StoreError(f'{name}: {_advised(lower, short)}')


def _damaged(name: str, lower: str, short: str) -> StoreDamaged:
    if '.wal' in lower:
        return StoreDamaged(
            f'the log {name}.wal is damaged: move it aside to open the database without its last '
            f'minutes, or bring back a backup with `mediahub restore` ({short})'
        )
    return StoreDamaged(
        f'{name} is damaged: bring back a backup with `mediahub restore`, which keeps the damaged '
        f'file beside it ({short})'
    )


def _advised(lower: str, short: str) -> str:
    if any(text in lower for text in _CLOSED):
        return f'this user may not write there; give it the folder ({short})'
    if 'is a directory' in lower:
        return f'this is a folder; name a file ({short})'
    if 'no such file or directory' in lower:
        return f'its folder does not exist; make it ({short})'
    return short


def _holder(reason: str) -> str:
    found = re.search(r'PID (\d+)', reason)
    return f' ({found[0]})' if found else ''


def ends_connection(error: Exception) -> bool:
    """Whether DuckDB will do nothing more before the file is opened anew."""
    fatal = isinstance(error, duckdb.FatalException | duckdb.InternalException)
    return fatal or 'has been invalidated' in str(error)
