# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""``mediahub backup``, ``restore``, ``export`` and ``import-tautulli``.

The database belongs to the running hub alone. So where one runs, it is asked; its address and a
token lie in its home.
"""

from __future__ import annotations

import datetime
import pathlib
from typing import Any

import httpx2

from .engine.errors import MediaHubError
from .serve import control
from .settings import Settings
from .store import backup as copies
from .store import export as parquet
from .store import hub as identities
from .store.database import Database, StoreError, StoreInUse

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
    now = datetime.datetime.now(datetime.UTC)
    try:
        with _opened(database) as store:
            return str(copies.backup(store, folder or own, now))
    except StoreInUse:
        if folder is not None and folder.absolute() != own.absolute():
            message = f'the hub runs and writes its backups to {own}; leave --folder out'
            raise Refused(message) from None
    return str(_ask(settings, 'backup')['path'])


def restore(database: pathlib.Path, file: pathlib.Path) -> str:
    """Put a backup back; returns where the former file is kept, empty where there was none.

    Args:
        database: Of a hub that does not run; its lock on the file is what tells.
        file: The backup.

    Raises:
        MediaHubError: It could not be done.
    """
    try:
        kept = copies.restore(file, database, datetime.datetime.now(datetime.UTC))
    except StoreInUse as error:
        raise StoreInUse('the hub runs; stop it first, nothing was changed') from error
    with Database(database) as opened:
        # A broker must not take it for the hub that has read on since.
        identities.renew(opened)
    return str(kept or '')


def export(settings: Settings, database: pathlib.Path) -> list[str]:
    """Write the history as Parquet; returns the files.

    Raises:
        MediaHubError: It could not be done.
    """
    try:
        with _opened(database) as store:
            return [str(path) for path in parquet.export(store, settings.home / 'exports')]
    except StoreInUse:
        return [str(path) for path in _ask(settings, 'export/parquet')['paths']]


def _opened(database: pathlib.Path) -> Database:
    """Open the database of a hub that does not run.

    Whether one does is told by its lock on the file. A process id in ``control.json`` would not
    do: a hub that was killed leaves the file, and in a container the number is soon another's.

    Raises:
        StoreInUse: A hub runs.
        StoreError: There is no database yet, or it cannot be opened.
    """
    if not database.exists():
        raise StoreError(f'{database} is not there yet; run: mediahub serve')
    return Database(database)


def import_tautulli(settings: Settings) -> str:
    """Have the running hub take over Tautulli's history now; returns what it says.

    Raises:
        MediaHubError: No hub runs, or none with a Tautulli in its settings.
    """
    _ask(settings, 'imports/tautulli')
    return 'begun; GET /api/v1/imports tells how far it is'


def _ask(settings: Settings, path: str) -> Any:
    found = control.read(settings.home)
    if found is None:
        raise Refused(f'no hub runs on {settings.home}; start it with: mediahub serve')
    headers = {'Authorization': f'Bearer {found.token}'}
    try:
        response = httpx2.post(
            f'{found.url}/api/v1/{path}', headers=headers, timeout=_PATIENCE, trust_env=False
        )
        answer = response.json()
    except (httpx2.HTTPError, ValueError) as error:
        raise Refused(
            f'the hub on {settings.home} does not answer; is it running? See its log'
        ) from error
    if answer.get('status') != 'success':
        raise Refused(str(answer.get('error', {}).get('message', 'the hub refused')))
    return answer['data']
