# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What the double of Seerr keeps on disk: settings and a database in WAL mode.

Defaults, migrations and crashes are those that were recorded from Overseerr 1.33 and Seerr 3.1.
"""

from __future__ import annotations

import base64
import copy
import json
import pathlib
import sqlite3
import time
import typing
import uuid
from collections.abc import Mapping
from typing import Any, Final

from .workload import CannotStart

Json = dict[str, Any]

PLEX: Final = 1
JELLYFIN: Final = 2
NOT_CONFIGURED: Final = 4

_MIGRATIONS: Final = ['0007_migrate_arr_tags', '0008_migrate_blacklist_to_blocklist']
_NETWORK: Final[Json] = {
    'csrfProtection': False,
    'forceIpv4First': False,
    'trustProxy': False,
    'proxy': {
        'enabled': False,
        'hostname': '',
        'port': 8080,
        'useSsl': False,
        'user': '',
        'password': '',
        'bypassFilter': '',
        'bypassLocalAddresses': True,
    },
}
_COMMON_MAIN: Final[Json] = {
    'applicationUrl': '',
    'cacheImages': False,
    'defaultPermissions': 32,
    'defaultQuotas': {'movie': {}, 'tv': {}},
    'hideAvailable': False,
    'localLogin': True,
    'newPlexLogin': True,
    'originalLanguage': '',
    'partialRequestsEnabled': True,
    'locale': 'en',
}
_SEERR_MAIN: Final[Json] = {
    **_COMMON_MAIN,
    'hideBlocklisted': False,
    'mediaServerLogin': True,
    'discoverRegion': '',
    'streamingRegion': '',
    'blocklistedTags': '',
    'blocklistedTagsLimit': 50,
    'mediaServerType': NOT_CONFIGURED,
    'enableSpecialEpisodes': False,
    'youtubeUrl': '',
}
_OVERSEERR_MAIN: Final[Json] = {
    **_COMMON_MAIN,
    'csrfProtection': False,
    'region': '',
    'trustProxy': False,
}
_PLEX: Final[Json] = {'name': '', 'ip': '', 'port': 32400, 'useSsl': False, 'libraries': []}
_JELLYFIN: Final[Json] = {
    'name': '',
    'ip': '',
    'port': 8096,
    'useSsl': False,
    'urlBase': '',
    'externalHostname': '',
    'jellyfinForgotPasswordUrl': '',
    'libraries': [],
    'serverId': '',
    'apiKey': '',
}


def new_key() -> str:
    """Return an API key as Seerr makes them."""
    return base64.b64encode(f'{time.time_ns() // 10**6}{uuid.uuid4()}'.encode()).decode()


def defaults(overseerr: bool) -> Json:
    """Return the settings of a fresh installation."""
    values: Json = {
        'clientId': str(uuid.uuid4()),
        'vapidPrivate': 'vapid-private',
        'vapidPublic': 'vapid-public',
        'main': {
            'apiKey': new_key(),
            'applicationTitle': 'Overseerr' if overseerr else 'Seerr',
            **copy.deepcopy(_OVERSEERR_MAIN if overseerr else _SEERR_MAIN),
        },
        'plex': copy.deepcopy(_PLEX),
        'public': {'initialized': False},
    }
    if not overseerr:
        values['jellyfin'] = copy.deepcopy(_JELLYFIN)
        values['network'] = {
            **copy.deepcopy(_NETWORK),
            'dnsCache': {'enabled': False, 'forceMinTtl': 0, 'forceMaxTtl': -1},
            'apiRequestTimeout': 10000,
        }
        values['migrations'] = list(_MIGRATIONS)
    return values


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> Json:
    """Merge two trees as lodash does: what is in ``over`` wins, lists included."""
    merged = copy.deepcopy(dict(base))
    for name, value in over.items():
        mine = merged.get(name)
        if isinstance(mine, dict) and isinstance(value, dict):
            merged[name] = merge(typing.cast('Json', mine), typing.cast('Json', value))
        elif value is not None or name not in merged:
            merged[name] = copy.deepcopy(value)
    return merged


class Database:
    """``db/db.sqlite3``: a real one, so that a backup can be opened.

    A program that is killed does not fold its write-ahead log, and neither does this.
    """

    def __init__(self, folder: pathlib.Path) -> None:
        self._path = folder / 'db' / 'db.sqlite3'
        self._open: sqlite3.Connection | None = None

    def open(self) -> None:
        """Open the database, making the file if need be."""
        self._path.parent.mkdir(exist_ok=True)
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        for pragma in ('journal_mode=WAL', 'synchronous=OFF', 'wal_autocheckpoint=0'):
            connection.execute(f'PRAGMA {pragma}').fetchall()
        self._open = connection

    def create(self) -> None:
        """Make the tables that are missing."""
        self.run('CREATE TABLE IF NOT EXISTS migrations (name TEXT)')
        self.run(
            'CREATE TABLE IF NOT EXISTS user ('
            'id INTEGER PRIMARY KEY, email TEXT, plexUsername TEXT, plexId INTEGER, '
            'plexToken TEXT, jellyfinUsername TEXT, jellyfinUserId TEXT, permissions INTEGER, '
            'userType INTEGER, createdAt TEXT)'
        )

    def run(self, statement: str, *values: object) -> list[sqlite3.Row]:
        """Run one statement."""
        assert self._open is not None, 'the program does not run'  # noqa: S101
        cursor = self._open.execute(statement, values)
        cursor.row_factory = sqlite3.Row
        return cursor.fetchall()

    def has_table(self, name: str) -> bool:
        """Tell whether there is a table."""
        found = self.run("SELECT 1 FROM sqlite_master WHERE type='table' AND name=?", name)
        return bool(found)

    def close(self) -> None:
        """Let go of the database and leave its files as a kill leaves them."""
        if self._open is None:
            return
        names = ('db.sqlite3', 'db.sqlite3-wal', 'db.sqlite3-shm')
        files = [self._path.with_name(name) for name in names]
        left = {file: file.read_bytes() for file in files if file.exists()}
        self._open.close()  # this folds the log
        self._open = None
        for file, content in left.items():
            file.write_bytes(content)


class Settings:
    """``settings.json``, and what the program has of it in memory."""

    def __init__(self, folder: pathlib.Path, *, overseerr: bool) -> None:
        self.path = folder / 'settings.json'
        self.values: Json = {}
        self._overseerr = overseerr

    def load(self, database: Database, environment_key: str) -> None:
        """Read the file as the program does when it starts, and write it back.

        Raises:
            CannotStart: if the program would crash.
        """
        text = self.path.read_text('utf-8') if self.path.exists() else ''
        if not text:
            self.values = defaults(self._overseerr)
            self._key(environment_key)
            self.save()
            return
        raw = _parsed(text)
        if self._overseerr:
            self.values = merge(defaults(overseerr=True), raw)
            return
        self._load_seerr(raw, database)
        self._key(environment_key)

    def _key(self, environment_key: str) -> None:
        if environment_key and not self._overseerr:
            self.values['main']['apiKey'] = environment_key

    def _load_seerr(self, raw: Json, database: Database) -> None:
        if not isinstance(raw.get('main'), dict):
            raise CannotStart("TypeError: Cannot read properties of undefined (reading 'apiKey')")
        main: Json = raw['main']
        if not main.get('apiKey'):
            main['apiKey'] = new_key()
        raw.setdefault('clientId', str(uuid.uuid4()))
        self._write(raw)
        if 'mediaServerType' not in main:
            _take_over(raw, database)
        _migrate(raw)
        self._write(raw)
        self.values = merge(defaults(overseerr=False), raw)

    def save(self) -> None:
        """Write what is in memory, as a whole."""
        self._write(self.values)

    def _write(self, values: Json) -> None:
        text = json.dumps(values, indent=1)
        if self._overseerr:
            self.path.write_text(text, 'utf-8')
            return
        temporary = self.path.with_name('settings.json.tmp')
        temporary.write_text(text, 'utf-8')
        temporary.chmod(0o644)
        temporary.replace(self.path)


def _parsed(text: str) -> Json:
    try:
        return json.loads(text)
    except ValueError:
        raise CannotStart('SyntaxError: Unexpected end of JSON input') from None


def _take_over(raw: Json, database: Database) -> None:
    """Take a folder of Overseerr over: that is what a file without a media server type is."""
    if not database.has_table('migrations'):
        raise CannotStart(
            '[Seerr Migration]: Failed to insert migration records '
            '{"error":"SQLITE_ERROR: no such table: migrations"}'
        )
    database.run('INSERT INTO migrations VALUES (?)', 'seerr-takes-over')
    main: Json = raw['main']
    main['mediaServerType'] = PLEX
    if main.get('applicationTitle') == 'Overseerr':
        main['applicationTitle'] = 'Seerr'


def _migrate(raw: Json) -> None:
    main: Json = raw['main']
    if 'discoverRegion' not in main or 'streamingRegion' not in main:
        main['discoverRegion'] = main.pop('region', '')
        main['streamingRegion'] = 'US'
    if 'network' not in raw:
        raw['network'] = {
            **copy.deepcopy(_NETWORK),
            'csrfProtection': main.pop('csrfProtection', False),
            'trustProxy': main.pop('trustProxy', False),
        }
    raw['migrations'] = list(_MIGRATIONS)
