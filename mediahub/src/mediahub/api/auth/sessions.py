# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Sessions of people who signed in. They live here, so that ending one ends it at once.

A browser holds a ticket, the database its hash. Every request asks for a session, so they are all
in memory; the database is written when one begins, is renewed or ends, and now and then to
remember when it was last used.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Iterable, Sequence

import msgspec

from ...store.database import Database, Row, StoreError, stored
from . import tickets
from .people import TOLERANCE, Clock, Person, Role, Way, moment, now

# Seconds for which the ticket before a renewal still counts: requests that were under way have it.
GRACE = datetime.timedelta(seconds=30)

# Of one person. Beyond that the one that was idle longest ends.
MOST = 50


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A session.

    Attributes:
        key: Names it, and opens nothing.
        account: At plex.tv; empty for who came by a link.
        address: From where it was begun.
        agent: What the browser called itself then.
        expires_at: When it ends even if it is used.
    """

    key: str
    account: str
    name: str
    role: Role
    way: Way
    address: str
    agent: str
    created_at: datetime.datetime
    seen_at: datetime.datetime
    expires_at: datetime.datetime


@dataclasses.dataclass
class _Entry:
    """A session in memory; ``noted`` is the last use that the database knows."""

    session: Session
    hash: str
    seen_at: datetime.datetime
    noted: datetime.datetime

    def current(self) -> Session:
        return msgspec.structs.replace(self.session, seen_at=self.seen_at)


@dataclasses.dataclass(frozen=True)
class Opened:
    """A session and the ticket to it, which is never to be had again."""

    session: Session
    ticket: str = dataclasses.field(repr=False)


class SessionBook:
    """All sessions.

    Args:
        database: Where they are kept.
        idle: One that is not used for so long ends.
        lifetime: One ends so long after it began.
        clock: The time.
    """

    def __init__(
        self,
        database: Database,
        idle: datetime.timedelta,
        lifetime: datetime.timedelta,
        clock: Clock = now,
    ):
        self._database = database
        self._idle = idle
        self._lifetime = lifetime
        self._clock = clock
        self._entries = dict[str, _Entry]()
        self._hashes = dict[str, str]()
        self._former = dict[str, tuple[str, datetime.datetime]]()
        self._ended = set[str]()

    async def load(self) -> None:
        """Go on with the sessions of the database."""
        rows = await self._database.run(lambda: self._database.rows(_SELECT))
        for row in rows:
            entry = _restored(row)
            self._entries[entry.session.key] = entry
            self._hashes[entry.hash] = entry.session.key

    def find(self, ticket: str) -> Session | None:
        """The session that a ticket opens, which counts as a use; None where it has ended."""
        entry = self._entry(ticket)
        if entry is None or not self._lives(entry):
            return None
        entry.seen_at = max(entry.seen_at, self._clock())
        return entry.current()

    async def open(self, person: Person, way: Way, address: str, agent: str) -> Opened:
        """Begin a session.

        Raises:
            StoreError: It could not be kept; there is none then.
        """
        began, ticket = self._clock(), tickets.fresh()
        session = Session(
            key=tickets.fresh()[:16],
            account=person.account,
            name=person.name,
            role=person.role,
            way=way,
            address=address,
            agent=agent[:200],
            created_at=began,
            seen_at=began,
            expires_at=began + self._lifetime,
        )
        await self._crowd_out(person)
        await self._insert(session, tickets.hashed(ticket))
        return Opened(session, ticket)

    async def renew(self, ticket: str, role: Role | None = None) -> Opened | None:
        """Give a session another ticket; the one before ends after a moment of grace.

        Args:
            ticket: Of the session.
            role: What its person may do from now on.

        Returns:
            The session with its new ticket. The ticket is empty where another request has just
            done the same: the browser has the new one, or will in a moment. None where the
            session has ended.
        """
        entry = self._entry(ticket)
        if entry is None or not self._lives(entry):
            return None
        if tickets.hashed(ticket) in self._former:
            return Opened(entry.current(), '')
        fresh = tickets.fresh()
        renewed, role = tickets.hashed(fresh), role or entry.session.role
        before = entry.hash, entry.session.role
        # At once, and not when it is written: other requests come in between.
        self._former[entry.hash] = (entry.session.key, self._clock() + GRACE)
        self._move(entry, renewed, role)
        try:
            await self._execute(_RENEW, [renewed, role.value, entry.session.key])
        except StoreError:
            self._move(entry, *before)
            del self._former[entry.hash]
            raise
        return Opened(entry.current(), fresh)

    async def end(self, key: str) -> bool:
        """End a session; False where there is none of that key."""
        return bool(await self._end(lambda entry: entry.session.key == key))

    async def end_all(self, but: str = '') -> int:
        """End all sessions.

        Args:
            but: Key of one that goes on.

        Returns:
            How many ended.
        """
        return await self._end(lambda entry: entry.session.key != but)

    async def end_account(self, account: str) -> int:
        """End all sessions of an account at plex.tv; says how many there were."""
        return await self._end(lambda entry: entry.session.account == account)

    async def end_shared(self) -> int:
        """End the sessions of those whom a server is shared with; says how many there were."""

        def of_shared(entry: _Entry) -> bool:
            return entry.session.role is Role.VIEWER and entry.session.way is Way.PLEX

        return await self._end(of_shared)

    def living(self) -> list[Session]:
        """Those that have not ended, last used first."""
        found = [entry.current() for entry in self._all() if self._lives(entry)]
        return sorted(found, key=lambda session: session.seen_at, reverse=True)

    async def sweep(self) -> None:
        """Remember when sessions were used, and forget those that ended.

        A session that has expired is only refused at first: a clock that was wrong for a moment
        must not sign everybody out for good.
        """
        today = self._clock()
        self._former = {old: kept for old, kept in self._former.items() if kept[1] > today}
        await self._end(lambda entry: not self._lives(entry, TOLERANCE))
        await self._forget()
        used = [entry for entry in self._all() if entry.seen_at != entry.noted]
        if used:
            await self._database.run(lambda: self._note(used))

    def _note(self, used: Iterable[_Entry]) -> None:
        with self._database.transaction():
            for entry in used:
                seen = entry.seen_at
                self._database.execute(_SEEN, [stored(seen), entry.session.key])
                entry.noted = seen

    def _all(self) -> list[_Entry]:
        return list(self._entries.values())

    def _entry(self, ticket: str) -> _Entry | None:
        mark = tickets.hashed(ticket)
        key = self._hashes.get(mark)
        if key is None and mark in self._former:
            key, until = self._former[mark]
            key = key if self._clock() < until else None
        return self._entries.get(key) if key else None

    def _lives(self, entry: _Entry, longer: datetime.timedelta = datetime.timedelta(0)) -> bool:
        today, session = self._clock(), entry.session
        return (
            today < session.expires_at + longer
            and today < entry.seen_at + self._idle + longer
            and session.created_at <= today + TOLERANCE + longer
        )

    def _move(self, entry: _Entry, mark: str, role: Role) -> None:
        del self._hashes[entry.hash]
        entry.hash = mark
        entry.session = msgspec.structs.replace(entry.session, role=role)
        self._hashes[mark] = entry.session.key

    async def _crowd_out(self, person: Person) -> None:
        own = [s for s in self.living() if (s.account, s.name) == (person.account, person.name)]
        extra = {session.key for session in own[MOST - 1 :]}
        if extra:
            await self._end(lambda entry: entry.session.key in extra)

    async def _insert(self, session: Session, mark: str) -> None:
        values = [
            session.key,
            mark,
            session.account,
            session.name,
            session.role.value,
            session.way.value,
            session.address,
            session.agent,
            stored(session.created_at),
            stored(session.seen_at),
            stored(session.expires_at),
        ]
        await self._execute(_INSERT, values)
        entry = _Entry(session, mark, session.seen_at, session.seen_at)
        self._entries[session.key] = entry
        self._hashes[mark] = session.key

    async def _end(self, chosen: Callable[[_Entry], bool]) -> int:
        """End the chosen ones: in memory first, so that they are over whatever the disk says."""
        ended = [entry for entry in self._all() if chosen(entry)]
        for entry in ended:
            self._entries.pop(entry.session.key, None)
            self._hashes.pop(entry.hash, None)
            self._ended.add(entry.session.key)
        await self._forget()
        return len(ended)

    async def _forget(self) -> None:
        """Take those that ended out of the database; what fails now is tried again later."""
        if self._ended:
            keys = sorted(self._ended)
            await self._execute(_DELETE, [keys])
            self._ended.difference_update(keys)

    async def _execute(self, sql: str, values: Sequence[object]) -> None:
        await self._database.run(lambda: self._database.execute(sql, values))


def _restored(row: Row) -> _Entry:
    key, mark, account, name, role, way, address, agent, created_at, seen_at, expires_at = row
    session = Session(
        key=key,
        account=account,
        name=name,
        role=Role(role),
        way=Way(way),
        address=address,
        agent=agent,
        created_at=moment(created_at),
        seen_at=moment(seen_at),
        expires_at=moment(expires_at),
    )
    return _Entry(session, mark, session.seen_at, session.seen_at)


_COLUMNS = (
    'session, mark, account, name, role, way, address, agent, created_at, seen_at, expires_at'
)
_SELECT = f'SELECT {_COLUMNS} FROM auth_sessions'  # noqa: S608 - of constants
_INSERT = f'INSERT INTO auth_sessions ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)'  # noqa: S608 - of constants
_RENEW = 'UPDATE auth_sessions SET mark = ?, role = ? WHERE session = ?'
_SEEN = 'UPDATE auth_sessions SET seen_at = ? WHERE session = ?'
_DELETE = 'DELETE FROM auth_sessions WHERE list_contains(?::VARCHAR[], session)'
