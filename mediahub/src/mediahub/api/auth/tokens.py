# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""API tokens: made by an administrator, shown once, kept as hashes; and those of the settings."""

from __future__ import annotations

import dataclasses
import datetime
import re
from collections.abc import Mapping, Sequence

import msgspec

from ...store.database import Database, Row, stored
from ..envelope import Problem, invalid
from . import tickets
from .people import Clock, Role, moment, now

# So that a scanner for leaked secrets, and whoever finds one in a log, knows what it is.
PREFIX = 'mediahub_'

MOST = 200

_NAME = re.compile(r'[^\x00-\x1f\x7f]{1,80}')


class ApiToken(msgspec.Struct, frozen=True, kw_only=True):
    """An API token, without what opens the door.

    Attributes:
        key: Names it.
        name: For people: what uses it.
        created_by: Who made it.
        expires_at: None where it lasts until it is revoked.
        used_at: To the minute; None where it never was.
        configured: It is one of the settings', and only goes away with them.
    """

    key: str
    name: str
    role: Role
    created_by: str = ''
    created_at: datetime.datetime | None = None
    expires_at: datetime.datetime | None = None
    used_at: datetime.datetime | None = None
    configured: bool = False


@dataclasses.dataclass(frozen=True)
class Made:
    """A new token and its text, which is never to be had again."""

    token: ApiToken
    text: str = dataclasses.field(repr=False)


class TokenBook:
    """All API tokens.

    Args:
        database: Where they are kept.
        configured: Texts of the settings' tokens by their names, and what each may do.
        clock: The time.
    """

    def __init__(
        self,
        database: Database,
        configured: Mapping[str, tuple[str, Role]],
        clock: Clock = now,
    ):
        self._database = database
        self._clock = clock
        self._tokens = dict[str, ApiToken]()
        self._dirty = set[str]()
        self._configured = {
            tickets.hashed(text): ApiToken(key=name, name=name, role=role, configured=True)
            for name, (text, role) in configured.items()
        }

    async def load(self) -> None:
        """Read the tokens of the database."""
        rows = await self._database.run(lambda: self._database.rows(_SELECT))
        self._tokens = dict(map(_restored, rows))

    def find(self, text: str) -> ApiToken | None:
        """The token of that text, which counts as a use of it; None where there is none."""
        mark = tickets.hashed(text)
        if mark in self._configured:
            return self._configured[mark]
        token = self._tokens.get(mark)
        if token is None or self._expired(token):
            return None
        today = self._clock().replace(second=0, microsecond=0)
        if token.used_at != today:
            token = msgspec.structs.replace(token, used_at=today)
            self._tokens[mark] = token
            self._dirty.add(mark)
        return token

    async def make(self, name: str, role: Role, created_by: str, days: int | None = None) -> Made:
        """Make a token.

        Args:
            name: For people.
            role: What may be done with it.
            created_by: Who makes it.
            days: After how many it expires; never where it is None.

        Raises:
            Problem: The name or the number of days cannot be, or there are too many tokens.
            StoreError: It could not be kept; there is none then.
        """
        if not _NAME.fullmatch(name.strip()):
            raise invalid('name needs 1 to 80 characters, without line ends')
        if len(self._tokens) >= MOST:
            raise Problem(409, 'CONFLICT', f'there are {MOST} API tokens; revoke one first')
        began, text = self._clock(), PREFIX + tickets.fresh()
        token = ApiToken(
            key=tickets.fresh()[:16],
            name=name.strip(),
            role=role,
            created_by=created_by,
            created_at=began,
            expires_at=began + datetime.timedelta(days=days) if days is not None else None,
        )
        mark = tickets.hashed(text)
        await self._execute(_INSERT, _values(mark, token))
        self._tokens[mark] = token
        return Made(token, text)

    async def revoke(self, key: str) -> bool:
        """Revoke a token; False where there is none of that key.

        Raises:
            Problem: It is one of the settings'.
            StoreError: It is revoked until the hub starts again, but not in the database.
        """
        if any(token.key == key for token in self._configured.values()):
            raise Problem(409, 'CONFLICT', f'{key} is set by its variable; unset it there')
        found = [mark for mark, token in self._tokens.items() if token.key == key]
        for mark in found:
            del self._tokens[mark]
        await self._execute('DELETE FROM api_tokens WHERE token = ?', [key])
        return bool(found)

    def all(self) -> list[ApiToken]:
        """All tokens that open something: the settings' first, then the newest."""
        made = [token for token in self._tokens.values() if not self._expired(token)]
        made.sort(key=lambda token: token.created_at or self._clock(), reverse=True)
        return [*self._configured.values(), *made]

    async def sweep(self) -> None:
        """Remember when tokens were used, and forget those that expired."""
        gone = [mark for mark, token in self._tokens.items() if self._expired(token)]
        for mark in gone:
            del self._tokens[mark]
        used = [(mark, self._tokens[mark]) for mark in self._dirty if mark in self._tokens]
        self._dirty.clear()
        if gone or used:
            await self._database.run(lambda: self._note(gone, used))

    def _note(self, gone: Sequence[str], used: Sequence[tuple[str, ApiToken]]) -> None:
        with self._database.transaction():
            for mark in gone:
                self._database.execute('DELETE FROM api_tokens WHERE mark = ?', [mark])
            for mark, token in used:
                values = [stored(token.used_at), mark]
                self._database.execute('UPDATE api_tokens SET used_at = ? WHERE mark = ?', values)

    def _expired(self, token: ApiToken) -> bool:
        return token.expires_at is not None and token.expires_at <= self._clock()

    async def _execute(self, sql: str, values: Sequence[object]) -> None:
        await self._database.run(lambda: self._database.execute(sql, values))


_COLUMNS = 'token, mark, name, role, created_by, created_at, expires_at, used_at'
_SELECT = f'SELECT {_COLUMNS} FROM api_tokens'  # noqa: S608 - of constants
_INSERT = f'INSERT INTO api_tokens ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)'  # noqa: S608 - of constants


def _values(mark: str, token: ApiToken) -> list[object]:
    return [
        token.key,
        mark,
        token.name,
        token.role.value,
        token.created_by,
        stored(token.created_at),
        stored(token.expires_at),
        stored(token.used_at),
    ]


def _restored(row: Row) -> tuple[str, ApiToken]:
    key, mark, name, role, created_by, created_at, expires_at, used_at = row
    token = ApiToken(
        key=key,
        name=name,
        role=Role(role),
        created_by=created_by,
        created_at=moment(created_at),
        expires_at=moment(expires_at) if expires_at else None,
        used_at=moment(used_at) if used_at else None,
    )
    return mark, token
