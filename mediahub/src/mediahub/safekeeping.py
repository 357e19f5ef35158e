# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""``mediahub backup``, ``restore``, ``export`` and ``import-tautulli``.

The database belongs to the running hub alone. So where one runs, it is asked; its address and a
token lie in its home.
"""

from __future__ import annotations

import datetime
import os
import pathlib
from typing import Any

import httpx2

from .engine.errors import MediaHubError
from .serve import control
from .settings import Settings
from .store import backup as copies
from .store import export as parquet
from .store import hub as identities
from .store.database import Database, StoreInUse

# Seconds; a copy of ten million plays takes a slow disk a minute.
_PATIENCE = 1800.0


class Refused(MediaHubError):
    """The running hub did not do it; the message is its own line."""


def backup(settings: Settings, database: pathlib.Path, folder: pathlib.Path | None) -> str:
    """Make a backup; returns its path.

    Raises:
        MediaHubError: It could not be made.
    """
    own = settings.home / 'backups'
    if running(settings) is None:
        now = datetime.datetime.now(datetime.UTC)
        with Database(database) as opened:
            return str(copies.backup(opened, folder or own, now))
    if folder is not None and folder.absolute() != own.absolute():
        raise Refused(f'the hub runs and writes its backups to {own}; leave --folder out')
    return str(_ask(settings, 'backup')['path'])


def restore(settings: Settings, database: pathlib.Path, file: pathlib.Path) -> str:
    """Put a backup back; returns where the former file is kept, empty where there was none.

    Raises:
        MediaHubError: It could not be done; nothing was changed.
    """
    if running(settings) is not None:
        raise StoreInUse('the hub runs; stop it first, nothing was changed')
    kept = copies.restore(file, database, datetime.datetime.now(datetime.UTC))
    with Database(database) as opened:
        # A broker must not take it for the hub that has read on since.
        identities.renew(opened)
    return str(kept or '')


def export(settings: Settings, database: pathlib.Path) -> list[str]:
    """Write the history as Parquet; returns the files.

    Raises:
        MediaHubError: It could not be done.
    """
    if running(settings) is not None:
        return [str(path) for path in _ask(settings, 'export/parquet')['paths']]
    with Database(database) as opened:
        return [str(path) for path in parquet.export(opened, settings.home / 'exports')]


def import_tautulli(settings: Settings) -> str:
    """Have the running hub take over Tautulli's history now; returns what it says.

    Raises:
        MediaHubError: No hub runs, or none with a Tautulli in its settings.
    """
    if running(settings) is None:
        raise Refused('no hub runs; set TAUTULLI_URL and TAUTULLI_API_KEY and run: mediahub serve')
    _ask(settings, 'imports/tautulli')
    return 'begun; GET /api/v1/imports tells how far it is'


def running(settings: Settings) -> control.Control | None:
    """The hub that runs on this home, None where there is none."""
    found = control.read(settings.home)
    if found is None:
        return None
    try:
        os.kill(found.pid, 0)
    except ProcessLookupError:
        return None  # it was killed, and its file stayed
    except PermissionError:
        pass
    return found


def _ask(settings: Settings, path: str) -> Any:
    found = running(settings)
    if found is None:
        raise Refused('the hub stopped meanwhile; try again')
    headers = {'Authorization': f'Bearer {found.token}'}
    try:
        response = httpx2.post(
            f'{found.url}/api/v1/{path}', headers=headers, timeout=_PATIENCE, trust_env=False
        )
        answer = response.json()
    except (httpx2.HTTPError, ValueError) as error:
        raise Refused(f'the hub on {settings.home} does not answer; see its log') from error
    if answer.get('status') != 'success':
        raise Refused(str(answer.get('error', {}).get('message', 'the hub refused')))
    return answer['data']
