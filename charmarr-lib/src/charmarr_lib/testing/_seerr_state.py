# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What the double of Seerr has in memory while it runs."""

from __future__ import annotations

import dataclasses
import uuid
from datetime import UTC, datetime
from typing import Final

import httpx2

from ._seerr_answers import Json
from ._seerr_store import Database, Settings
from .workload import Launch

_ADMIN: Final = 2
_QUOTAS: Final = ('movieQuotaLimit', 'movieQuotaDays', 'tvQuotaLimit', 'tvQuotaDays')


@dataclasses.dataclass
class State:
    """One run of the program.

    Attributes:
        store: Its settings.
        database: Its database.
        launch: How it was started.
        overseerr: Whether it is the oldest of the three.
        version: Its release.
        sessions: Cookies it has given out.
        restart_required: Whether a setting was changed that is only read at the start.
    """

    store: Settings
    database: Database
    launch: Launch
    overseerr: bool
    version: str
    sessions: set[str] = dataclasses.field(default_factory=set[str])
    restart_required: bool = False

    @property
    def settings(self) -> Json:
        """The settings."""
        return self.store.values

    @property
    def server_type(self) -> int:
        """Number of the kind of media server."""
        return self.settings['main']['mediaServerType']

    @property
    def users(self) -> list[Json]:
        """The accounts."""
        return [dict(row) for row in self.database.run('SELECT * FROM user ORDER BY id')]

    def add_administrator(self, **columns: object) -> None:
        """Make user 1."""
        columns |= {
            'id': 1,
            'permissions': _ADMIN,
            'createdAt': datetime.now(UTC).strftime('%Y-%m-%dT%H:%M:%S.000Z'),
        }
        names = ', '.join(columns)
        marks = ', '.join('?' for _ in columns)
        statement = f'INSERT INTO user ({names}) VALUES ({marks})'  # noqa: S608  # own names
        self.database.run(statement, *columns.values())

    def administrator(self, *, full: bool) -> Json:
        """Describe user 1; ``full`` as that user sees it."""
        row = self.users[0]
        body: Json = {key: row[key] for key in ('permissions', 'id', 'plexUsername', 'userType')}
        body |= dict.fromkeys(('username', 'recoveryLinkExpirationDate', *_QUOTAS))
        body |= {'avatar': '', 'createdAt': row['createdAt'], 'updatedAt': row['createdAt']}
        if not self.overseerr:
            body |= {'warnings': [], 'avatarETag': None, 'avatarVersion': None}
            body |= {key: row[key] for key in ('jellyfinUsername', 'jellyfinUserId')}
        if row['jellyfinUserId']:
            body['avatar'] = f'/avatarproxy/{row["jellyfinUserId"]}?v=undefined'
        if full:
            name = row['plexUsername'] or row['jellyfinUsername']
            body |= {'email': row['email'], 'plexId': row['plexId'], 'settings': None}
            body |= {'requestCount': 0, 'displayName': name}
        return body

    def signed_in(self, body: Json) -> httpx2.Response:
        """Answer a sign-in with a cookie."""
        session = uuid.uuid4().hex
        self.sessions.add(session)
        cookie = f'connect.sid={session}; Path=/; HttpOnly'
        return httpx2.Response(200, json=body, headers={'Set-Cookie': cookie})
