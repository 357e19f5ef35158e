# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""All that decides who may use the hub, put together. The routes' doorkeeper is this."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Sequence

import httpx2
import pydantic
from starlette.requests import HTTPConnection

from ...engine import errors, wire
from ...settings import Settings
from ...store.database import Database, StoreError
from ..access import Identity
from ..envelope import Problem
from . import installation, place, plextv, throttle
from .flows import FlowBook
from .jwt import SUFFIX, DeviceKey, KeyedPins
from .links import LinkBook
from .liveness import TokenWatch
from .machines import Machines
from .people import Caller, Clock, Person, Role, Way, now
from .pin import PAUSES, Pins, SignIn
from .place import Place
from .plextv import PlexTv
from .sessions import Opened, Session, SessionBook
from .shares import ShareWatch
from .throttle import Throttle
from .tokens import TokenBook

log = logging.getLogger('mediahub.auth')

# Seconds between two rounds of tidying up.
ROUND = 60.0

_NOBODY = {'WWW-Authenticate': 'Bearer'}


class Auth:
    """Signs people in and knows them again. :meth:`load` it, then :meth:`run` it.

    Args:
        settings: The hub's.
        database: Where what lasts is kept.
        pool: HTTP connections.
        clock: The time.
        seconds: Monotonic seconds.
        policy: How patiently plex.tv is asked.
        pauses: Seconds between looks at a PIN.
        control: An administrator's token for this run of the hub.

    Attributes:
        sessions: Of people.
        tokens: Of programs.
        links: Of whoever can write to the hub's home.
        sign_in: With Plex.
        throttle: How often somebody may ask.
        machines: Which servers the hub's are.
        plex_tokens: Whether Plex still takes the servers' tokens.
        shares: Whether those who signed in may still look.

    Raises:
        ConfigurationError: The hub's home cannot be used.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        pool: httpx2.AsyncClient,
        *,
        clock: Clock = now,
        seconds: Callable[[], float] = time.monotonic,
        policy: wire.Policy = plextv.POLICY,
        pauses: Sequence[float] = PAUSES,
        control: str = '',
    ):
        self.settings = settings
        client = installation.client_id(settings)
        plex = PlexTv(settings, client, pool, policy)
        self.throttle = Throttle(settings.rate_limit, seconds)
        self.flows = FlowBook(database, clock)
        self.links = LinkBook(settings.home, clock)
        self.machines = Machines(settings.servers, database, pool)
        self.plex_tokens = TokenWatch(settings.servers, plex, clock)
        self.tokens = TokenBook(database, _configured(settings, control), clock)
        self.sessions = SessionBook(
            database, settings.session_idle, settings.session_lifetime, clock
        )
        self.shares = ShareWatch(plex, self.plex_tokens, self.machines, self.sessions)
        self._keyed: KeyedPins | None = None
        pins: Pins = plex
        if settings.plex_auth_flow == 'jwt':
            plex = PlexTv(settings, client + SUFFIX, pool, policy)
            pins = self._keyed = KeyedPins(plex, DeviceKey(settings.home), clock)
        self._plex = plex
        self.sign_in = SignIn(
            plex,
            pins,
            settings.plex_auth_flow,
            self.flows,
            self.machines,
            settings.shared_users,
            pauses,
        )

    async def load(self) -> None:
        """Go on with what the database knows."""
        await self.sessions.load()
        await self.tokens.load()
        await self.machines.load()
        if not self.settings.shared_users:
            await self.sessions.end_shared()

    async def run(self) -> None:
        """Tidy up every minute, look after Plex's tokens and after who may look; for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._tidy())
            group.create_task(self.shares.run())
            if self.settings.enable_plex_sync:
                group.create_task(self.plex_tokens.run())

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(ROUND)
            await self.sweep()

    async def sweep(self) -> None:
        """Remember who was there, forget what is over. What fails is done in the next round."""
        for book in (self.sessions, self.tokens, self.flows):
            with contextlib.suppress(StoreError):
                await book.sweep()
        self.links.sweep()

    async def identify(self, connection: HTTPConnection) -> Identity:
        """Who sends this: by ``Authorization: Bearer``, ``X-Api-Key`` or the session's cookie.

        Raises:
            Problem: Nobody whom we know; or a change that our own page did not ask for; or one
                request too many.
        """
        token = _given(connection)
        if token is not None:
            return await self.by_token(token, address(connection))
        if not _has_cookie(connection):
            raise _unknown()
        here = place.of(connection, self.settings)
        ticket = place.ticket(connection, here)
        session = self.sessions.find(ticket) if ticket else None
        if session is None:
            self._wrong(address(connection))
            raise Problem(401, 'UNAUTHORIZED', 'the session has ended; sign in', headers=_NOBODY)
        self.throttle.account(session.key)
        place.guard(connection, here, ticket)
        return caller(session, ticket)

    async def by_token(self, token: str, address: str) -> Identity:
        """Whose API token this is.

        Raises:
            Problem: Nobody's, or one request too many.
        """
        found = self.tokens.find(token)
        if found is None:
            self._wrong(address)
            raise _unknown()
        self.throttle.account(found.key)
        admin = found.role is Role.ADMIN
        return Caller(name=found.name, admin=admin, kind='token', key=found.key)

    async def admit(
        self, connection: HTTPConnection, here: Place, person: Person, way: Way
    ) -> Opened:
        """Begin a session for somebody who has just shown who they are.

        What the browser had before ends: nobody carries a session of somebody else's on.
        """
        if before := self.sessions.find(place.ticket(connection, here)):
            await self.sessions.end(before.key)
        agent = connection.headers.get('user-agent', '')
        opened = await self.sessions.open(person, way, address(connection), printable(agent))
        log.info('%s signed in by %s as %s', person.name, way.value, person.role.value)
        return opened

    async def renew(self, session: Session, ticket: str) -> tuple[Opened | None, bool]:
        """Give a session another ticket.

        Returns:
            The session, None where it has ended; and whether plex.tv was asked about the person.

        Raises:
            Problem: The person has no access any more; the session has ended.
        """
        person = await self._again(session)
        if person is None:
            return await self.sessions.renew(ticket), False
        return await self.sessions.renew(ticket, person.role), True

    async def _again(self, session: Session) -> Person | None:
        """Whom the key's token is of, where it is of the session's account.

        Only the way with a key can ask again: of the older way no token is kept.
        """
        token = await self._token_of(session)
        if token is None:
            return None
        try:
            return await self.sign_in.admitted(token)
        except errors.MediaServerError as error:
            log.info('plex.tv was not asked about %s: %s', session.name, error)
            return None
        except Problem as problem:
            if problem.code == 'NO_ACCESS':
                await self.sessions.end_account(session.account)
                raise
            return None

    async def _token_of(self, session: Session) -> str | None:
        if self._keyed is None or session.way is not Way.PLEX:
            return None
        try:
            token = await self._keyed.renewed()
            user = await self._plex.user(token)
        except errors.MediaServerError as error:
            log.info('plex.tv was not asked about %s: %s', session.name, error)
            return None
        return token if str(user.id) == session.account else None

    async def leave(self, session: Session) -> bool:
        """End a session.

        Returns:
            Whether plex.tv has forgotten the user's token, too. The older way keeps none that it
            could hand back, and what is at plex.tv under our identifier may be in use elsewhere.
        """
        await self.sessions.end(session.key)
        log.info('%s signed out', session.name)
        others = [one for one in self.sessions.living() if one.account == session.account]
        if others:
            return False  # they stand on the same key
        token = await self._token_of(session)
        if token is None:
            return False
        try:
            await self._plex.sign_out(token)
        except errors.MediaServerError as error:
            log.info('plex.tv was not told that %s signed out: %s', session.name, error)
            return False
        return True

    def admit_webhook(self, address: str) -> None:
        """Count a webhook.

        Raises:
            Problem: Its sender sends more than any media server does.
        """
        self.throttle.pass_on(throttle.WEBHOOKS, throttle.counted(address))

    def _wrong(self, address: str) -> None:
        """Count a ticket or token that opens nothing."""
        self.throttle.pass_on(throttle.WRONG, throttle.counted(address))


def _configured(settings: Settings, control: str) -> dict[str, tuple[str, Role]]:
    given = {
        'MEDIAHUB_API_TOKEN': (settings.api_token, Role.ADMIN),
        'MEDIAHUB_VIEWER_API_TOKEN': (settings.viewer_api_token, Role.VIEWER),
        'control': (pydantic.SecretStr(control) if control else None, Role.ADMIN),
    }
    return {
        name: (secret.get_secret_value(), role) for name, (secret, role) in given.items() if secret
    }


def _given(connection: HTTPConnection) -> str | None:
    """The API token that a request brings in a header; None where it brings none."""
    scheme, _, token = connection.headers.get('authorization', '').partition(' ')
    if scheme.lower() == 'bearer':
        return token.strip()
    return connection.headers.get('x-api-key')


def _has_cookie(connection: HTTPConnection) -> bool:
    return bool({place.SESSION, f'__Host-{place.SESSION}'} & set(connection.cookies))


def _unknown() -> Problem:
    message = 'sign in, or send an API token in Authorization: Bearer or X-Api-Key'
    return Problem(401, 'UNAUTHORIZED', message, headers=_NOBODY)


def caller(session: Session, ticket: str) -> Caller:
    """The sender of a request, by the session."""
    admin = session.role is Role.ADMIN
    return Caller(name=session.name, admin=admin, kind='session', key=session.key, ticket=ticket)


def address(connection: HTTPConnection) -> str:
    """From where a request comes: the connection's other end, or what a trusted proxy says."""
    return connection.client.host if connection.client else ''


def printable(text: str) -> str:
    """A text that can be shown and logged."""
    return ''.join(letter for letter in text if letter.isprintable())[:200]
