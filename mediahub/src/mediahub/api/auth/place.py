# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Where the browser believes to be, as far as that can be believed; and what follows for cookies.

A ``Host`` header is whatever somebody wrote. Addresses become part of links and decide over
cookies only if the host is one that is known to be ours: that of the settings, a further allowed
one, ``localhost``, or an address in figures, which no name server can point elsewhere.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import re
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.responses import Response

from ...settings import CALLBACK, Settings
from ..envelope import Problem
from . import tickets

_AUTHORITY = re.compile(r'(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>\d{1,5}))?')

SESSION = 'mediahub'
FLOW = 'plex_flow'

# Sign-ins that one browser may have on their way, in as many tabs.
TABS = 4

CSRF_HEADER = 'X-CSRF-Token'
SAFE = frozenset({'GET', 'HEAD', 'OPTIONS'})


@dataclasses.dataclass(frozen=True)
class Place:
    """Scheme and authority that a request was sent to; ``secure`` is TLS up to the browser."""

    scheme: str
    authority: str

    @property
    def secure(self) -> bool:
        """Whether the browser speaks TLS, with us or with a proxy of ours."""
        return self.scheme == 'https'

    @property
    def origin(self) -> str:
        """As browsers spell it in ``Origin``."""
        return f'{self.scheme}://{self.authority}'

    def cookie(self, name: str) -> str:
        """A cookie's name here. With TLS the prefix makes browsers hold others off from it."""
        return f'__Host-{name}' if self.secure else name


def of(connection: HTTPConnection, settings: Settings) -> Place:
    """The place of a request.

    Raises:
        Problem: Its host is not known to be ours.
    """
    authority = connection.headers.get('host', '').lower()
    match = _AUTHORITY.fullmatch(authority)
    if not match or not _ours(match['host'].strip('[]'), settings):
        message = 'the hub does not go by this name; set MEDIAHUB_PUBLIC_URL or _ALLOWED_HOSTS'
        raise Problem(400, 'HOST_NOT_ALLOWED', message)
    scheme = 'https' if connection.scope['scheme'] in {'https', 'wss'} else 'http'
    public = urlsplit(settings.origin or '')
    if public.scheme == 'https' and _same(match, public.hostname, public.port):
        scheme = 'https'  # of a proxy that does not say so
    return Place(scheme, _without_default(scheme, authority))


def _ours(host: str, settings: Settings) -> bool:
    known = {settings.host, *settings.allowed_hosts, urlsplit(settings.origin or '').hostname}
    if host in known or host == 'localhost' or host.endswith('.localhost'):
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _same(match: re.Match[str], host: str | None, port: int | None) -> bool:
    return match['host'].strip('[]') == host and int(match['port'] or 443) == (port or 443)


def _without_default(scheme: str, authority: str) -> str:
    default = ':443' if scheme == 'https' else ':80'
    return authority.removesuffix(default)


def callback(place: Place, settings: Settings) -> str:
    """Where Plex is to send the browser back to."""
    if settings.plex_oauth_redirect_uri:
        return settings.plex_oauth_redirect_uri
    return (settings.origin or place.origin) + CALLBACK


def ticket(connection: HTTPConnection, place: Place) -> str:
    """What the session's cookie holds; empty where there is none."""
    return connection.cookies.get(place.cookie(SESSION), '')


def verifiers(connection: HTTPConnection, place: Place) -> list[str]:
    """Of the sign-ins that this browser has on their way, newest last."""
    held = connection.cookies.get(place.cookie(FLOW), '')
    return [one for one in held.split('.') if 40 <= len(one) <= 64][-TABS:]


def keep_ticket(response: Response, place: Place, value: str, seconds: int) -> None:
    """Give the browser its session."""
    _set(response, place, SESSION, value, seconds)


def drop_ticket(response: Response, place: Place) -> None:
    """Take the session from the browser."""
    _set(response, place, SESSION, '', 0)


def keep_verifiers(response: Response, place: Place, held: list[str], seconds: int) -> None:
    """Give the browser the verifiers of its sign-ins; none takes them all away."""
    _set(response, place, FLOW, '.'.join(held[-TABS:]), seconds if held else 0)


def _set(response: Response, place: Place, name: str, value: str, seconds: int) -> None:
    # Lax, not strict: the browser comes back from Plex with a link, and needs the cookie then.
    response.set_cookie(
        place.cookie(name),
        value,
        max_age=seconds,
        path='/',
        secure=place.secure,
        httponly=True,
        samesite='lax',
    )


def csrf(held: str) -> str:
    """The token that changing requests of a session have to bring in a header."""
    return tickets.derived(held, 'csrf')


def same_site(connection: HTTPConnection, place: Place) -> None:
    """Let only our own pages send this.

    Browsers say where a request comes from in ``Sec-Fetch-Site``, those that do not know it, or
    for which plain HTTP is not worth it, in ``Origin``.

    Raises:
        Problem: Another site sends it.
    """
    site = connection.headers.get('sec-fetch-site')
    origin = connection.headers.get('origin')
    strange = site not in {None, 'same-origin', 'none'}
    if strange or (origin is not None and origin.lower() != place.origin):
        message = 'this was sent by a page of another site; if it was not, set MEDIAHUB_PUBLIC_URL'
        raise Problem(403, 'OTHER_ORIGIN', message)


def guard(connection: HTTPConnection, place: Place, held: str) -> None:
    """Let what a cookie vouches for change nothing unless our own page asks for it.

    Raises:
        Problem: It is not shown to come from our own page.
    """
    if connection.scope['type'] == 'websocket':
        if connection.headers.get('origin', '').lower() != place.origin:
            raise Problem(403, 'OTHER_ORIGIN', 'the socket was opened by a page of another site')
        return
    if connection.scope['method'] in SAFE:
        return
    same_site(connection, place)
    if not tickets.same(connection.headers.get(CSRF_HEADER, ''), csrf(held)):
        message = f'the header {CSRF_HEADER} is missing or of another session; see auth/session'
        raise Problem(403, 'CSRF', message)
