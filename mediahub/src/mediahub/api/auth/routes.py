# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The routes under ``/api/v1/auth``: signing in, sessions, API tokens."""

from __future__ import annotations

import datetime
from typing import Annotated, cast

import fastapi
import msgspec
import pydantic
from fastapi import Path, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ...store.database import StoreError
from .. import envelope, front
from ..access import Admin, Identity, Viewer
from ..envelope import Problem
from ..openapi import answers
from . import pages, place, returning, throttle, tickets
from .people import Caller, Person, Role, Way
from .place import Place
from .service import Auth, address
from .sessions import Opened, Session
from .tokens import ApiToken

router = fastapi.APIRouter(prefix='/auth', tags=['auth'])

Key = Annotated[str, Path(pattern=r'^[A-Za-z0-9_-]{1,64}$')]
Ticket = Annotated[str, Path(pattern=r'^[A-Za-z0-9_-]{1,64}$')]
ReturnTo = Annotated[
    str,
    Query(
        max_length=returning.LONGEST,
        description='Path of the hub to go to at the end.',
        json_schema_extra={'pattern': returning.PATTERN},
    ),
]


class Start(msgspec.Struct, frozen=True):
    """A sign-in was begun: send the browser to ``authorization_url``."""

    authorization_url: str
    state: str


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """Who is signed in.

    Attributes:
        kind: ``session`` or ``token``.
        csrf_token: To be sent in X-CSRF-Token with every change; empty with API tokens.
        expires_at: When the session ends in any case; null with API tokens.
    """

    name: str
    role: Role
    kind: str
    csrf_token: str = ''
    expires_at: datetime.datetime | None = None


class SignedIn(msgspec.Struct, frozen=True):
    """Somebody signed in; ``return_to`` is the path to go to."""

    me: Me
    return_to: str


class Refreshed(msgspec.Struct, frozen=True):
    """A session was renewed; its CSRF token is another now.

    Attributes:
        upstream_checked: Whether plex.tv was asked if the person still has access.
    """

    me: Me
    upstream_checked: bool


class SignedOut(msgspec.Struct, frozen=True):
    """A session has ended; ``upstream_revoked``: so has the token at plex.tv."""

    revoked: bool
    upstream_revoked: bool


class Ended(msgspec.Struct, frozen=True):
    """So many have ended."""

    ended: int


class SessionShown(msgspec.Struct, frozen=True):
    """A session; ``mine`` is the one that asks."""

    session: Session
    mine: bool


class TokenMade(msgspec.Struct, frozen=True):
    """A new API token. ``secret`` is shown this once."""

    token: ApiToken
    secret: str


class NewToken(pydantic.BaseModel):
    """An API token to be made."""

    model_config = pydantic.ConfigDict(extra='forbid')

    name: str = pydantic.Field(
        min_length=1,
        max_length=80,
        description='What will use it.',
        json_schema_extra={'pattern': r'^[^\x00-\x1f\x7f]+$'},
    )
    role: Role = Role.VIEWER
    expires_in_days: int | None = pydantic.Field(default=None, ge=1, le=3650)


def auth_of(request: Request) -> Auth:
    """The hub's own."""
    return cast('Auth', request.app.state.hub.auth)


def _own(identity: Identity) -> Caller:
    """The caller, who has to be a person with a session.

    Raises:
        Problem: It is an API token.
    """
    found = cast('Caller', identity)
    if found.kind != 'session':
        raise Problem(403, 'NO_SESSION', 'an API token has no session; revoke it as a token')
    return found


def _session(request: Request, identity: Identity) -> tuple[Session, str]:
    ticket = _own(identity).ticket
    session = auth_of(request).sessions.find(ticket)
    if session is None:
        raise Problem(401, 'UNAUTHORIZED', 'the session has ended; sign in')
    return session, ticket


def _me(session: Session, ticket: str) -> Me:
    return Me(
        name=session.name,
        role=session.role,
        kind='session',
        csrf_token=place.csrf(ticket),
        expires_at=session.expires_at,
    )


@router.get('/plex/start')
@answers(Start, 403, 502, 504, open=True)
async def start_plex(request: Request, return_to: ReturnTo = '/') -> Response:
    """Begin to sign in with Plex, in this browser."""
    auth = auth_of(request)
    path = returning.checked(return_to)
    here = place.of(request, auth.settings)
    place.same_site(request, here)
    auth.throttle.pass_on(throttle.START, throttle.counted(address(request)))
    auth.throttle.pass_on(throttle.START_OF_ALL, 'all')
    verifier = tickets.fresh()
    callback = place.callback(here, auth.settings)
    started = await auth.sign_in.start(path, verifier, callback)
    response = envelope.success(Start(started.page, started.state))
    held = [*place.verifiers(request, here), verifier]
    place.keep_verifiers(response, here, held, started.seconds)
    return response


@router.get('/plex/callback')
@answers(SignedIn, 403, 409, 410, 502, 504, media=('text/html',), open=True, redirects=True)
async def finish_plex(
    request: Request,
    state: Annotated[str, Query(max_length=100)],
    code: Annotated[str, Query(max_length=2048, description='Not used.')] = '',
) -> Response:
    """Finish to sign in with Plex: Plex sends the browser here."""
    auth = auth_of(request)
    try:
        auth.throttle.pass_on(throttle.FINISH, throttle.counted(address(request)))
        here = place.of(request, auth.settings)
        person, path = await auth.sign_in.finish(state, place.verifiers(request, here))
        response = await _welcome(request, here, person, Way.PLEX, path)
    except (Problem, StoreError) as error:
        return _refusal(request, error)
    place.keep_verifiers(response, here, [], 0)
    return response


async def _welcome(request: Request, here: Place, person: Person, way: Way, path: str) -> Response:
    """Open a session, and go on to the page that was asked for."""
    opened = await auth_of(request).admit(request, here, person, way)
    front.identify(request.scope, f'{person.name}/session')
    if pages.wanted(request):
        response: Response = RedirectResponse(path, 303)
    else:
        response = envelope.success(SignedIn(_me(opened.session, opened.ticket), path))
    _keep(request, response, here, opened)
    return response


def _keep(request: Request, response: Response, here: Place, opened: Opened) -> None:
    seconds = int(auth_of(request).settings.session_lifetime.total_seconds())
    place.keep_ticket(response, here, opened.ticket, seconds)


def _refusal(request: Request, error: Problem | StoreError) -> Response:
    problem = envelope.of(error)
    if problem is None or not pages.wanted(request):
        raise error
    front.note(request.scope, problem.code, problem.message)
    return pages.refused(problem)


@router.post('/plex/refresh')
@answers(Refreshed, 403, people=True)
async def refresh(request: Request, identity: Viewer) -> Response:
    """Renew the session: it gets another secret, and another CSRF token."""
    auth = auth_of(request)
    session, ticket = _session(request, identity)
    here = place.of(request, auth.settings)
    opened, checked = await auth.renew(session, ticket)
    if opened is None:
        raise Problem(401, 'UNAUTHORIZED', 'the session has ended; sign in')
    response = envelope.success(Refreshed(_me(opened.session, opened.ticket or ticket), checked))
    if opened.ticket:
        _keep(request, response, here, opened)
    return response


@router.post('/plex/revoke')
@answers(SignedOut, 403, people=True)
async def revoke(request: Request, identity: Viewer) -> Response:
    """Sign out."""
    auth = auth_of(request)
    session, _ = _session(request, identity)
    here = place.of(request, auth.settings)
    response = envelope.success(SignedOut(True, await auth.leave(session)))
    place.drop_ticket(response, here)
    return response


@router.get('/session')
@answers(Me)
async def session(request: Request, identity: Viewer) -> Response:
    """Who is signed in, and the token that changes need."""
    if identity.kind != 'session':
        role = Role.ADMIN if identity.admin else Role.VIEWER
        return envelope.success(Me(name=identity.name, role=role, kind=identity.kind))
    return envelope.success(_me(*_session(request, identity)))


@router.get('/sessions')
@answers(list[SessionShown], 403)
async def sessions(request: Request, identity: Admin) -> Response:
    """All sessions, last used first."""
    mine = cast('Caller', identity).key
    living = auth_of(request).sessions.living()
    return envelope.success([SessionShown(one, one.key == mine) for one in living])


@router.delete('/sessions')
@answers(Ended, 403)
async def end_sessions(
    request: Request,
    identity: Admin,
    mine: Annotated[bool, Query(description='The one that asks, too.')] = False,
) -> Response:
    """End all sessions."""
    but = '' if mine else cast('Caller', identity).key
    return envelope.success(Ended(await auth_of(request).sessions.end_all(but)))


@router.delete('/sessions/{key}')
@answers(Ended, 403, 404)
async def end_session(request: Request, identity: Admin, key: Key) -> Response:
    """End a session."""
    if not await auth_of(request).sessions.end(key):
        raise Problem(404, 'NOT_FOUND', 'there is no such session')
    return envelope.success(Ended(1))


@router.get('/tokens')
@answers(list[ApiToken], 403)
async def tokens(request: Request, identity: Admin) -> Response:
    """All API tokens, without what opens the door."""
    return envelope.success(auth_of(request).tokens.all())


@router.post('/tokens')
@answers(TokenMade, 403, 409, status=201)
async def make_token(request: Request, identity: Admin, wanted: NewToken) -> Response:
    """Make an API token."""
    made = await auth_of(request).tokens.make(
        wanted.name, wanted.role, identity.name, wanted.expires_in_days
    )
    return envelope.success(TokenMade(made.token, made.text), status=201)


@router.delete('/tokens/{key}')
@answers(Ended, 403, 404, 409)
async def revoke_token(request: Request, identity: Admin, key: Key) -> Response:
    """Revoke an API token."""
    if not await auth_of(request).tokens.revoke(key):
        raise Problem(404, 'NOT_FOUND', 'there is no such API token')
    return envelope.success(Ended(1))


@router.get('/link/{ticket}')
@answers(None, 410, media=('text/html',), open=True)
async def show_link(request: Request, ticket: Ticket) -> Response:
    """Ask whether to use a sign-in link."""
    link = auth_of(request).links.look(ticket)
    if link is None:
        return _refusal(request, _over())
    return pages.confirm(f'Sign in here as {link.name} ({link.role.value})?')


@router.post('/link/{ticket}')
@answers(SignedIn, 403, 410, media=('text/html',), open=True, redirects=True)
async def use_link(request: Request, ticket: Ticket) -> Response:
    """Use a sign-in link."""
    auth = auth_of(request)
    try:
        auth.throttle.pass_on(throttle.LINK, throttle.counted(address(request)))
        here = place.of(request, auth.settings)
        place.same_site(request, here)
        link = auth.links.use(ticket)
        if link is None:
            raise _over()
        person = Person('', link.name, link.role)
        return await _welcome(request, here, person, Way.LINK, '/')
    except (Problem, StoreError) as error:
        return _refusal(request, error)


def _over() -> Problem:
    message = 'this link was used or is too old; `mediahub sign-in` makes another'
    return Problem(410, 'LINK_USED', message)
