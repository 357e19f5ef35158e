# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What the hub asks plex.tv. Errors are typed, and none shows a token, a PIN or what was answered.

plex.tv offers applications no OAuth code exchange; they make a PIN, the user confirms it on
Plex's own page, and the PIN then holds a token.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn, TypeVar
from urllib.parse import quote, urlencode

import httpx2
import msgspec

from ...engine import errors, wire
from ...settings import Settings
from . import plextv_people
from .plextv_people import Guest

T = TypeVar('T')

NAME = 'plex.tv'

# A browser waits for the answer.
POLICY = wire.Policy(timeout=10, attempts=2, wait=0.3, longest_wait=2, concurrency=8)


class Pin(msgspec.Struct, frozen=True, rename='camel'):
    """A PIN. ``auth_token`` appears when the user has confirmed it."""

    id: int | str
    code: str
    expires_in: float = 900.0
    auth_token: str | None = None

    def __repr__(self) -> str:
        return 'Pin(…)'


class User(msgspec.Struct, frozen=True):
    """Whose token it is."""

    id: int | str
    uuid: str = ''
    username: str = ''
    title: str = ''

    @property
    def name(self) -> str:
        """For people."""
        return self.username or self.title or str(self.id)


class Resource(msgspec.Struct, frozen=True, rename='camel'):
    """A device that the user can reach."""

    client_identifier: str
    name: str = ''
    provides: str = ''
    owned: bool = False

    @property
    def is_server(self) -> bool:
        """Whether it is a media server; its identifier then is the machineIdentifier."""
        return 'server' in self.provides.split(',')


class _Webhook(msgspec.Struct, frozen=True):
    url: str


class _Nonce(msgspec.Struct, frozen=True):
    nonce: str


class _Granted(msgspec.Struct, frozen=True):
    auth_token: str


class _Keys(msgspec.Struct, frozen=True):
    keys: list[dict[str, Any]]


class Expired(errors.CredentialsRefused):
    """The token was good, and its time is over (HTTP 498)."""


class KeyRefused(errors.MediaServerError):
    """plex.tv does not take our key or what was signed with it (HTTP 422)."""


class PlexTv:
    """plex.tv, as one client sees it.

    Args:
        settings: The addresses.
        client_id: Identifies this installation.
        pool: HTTP connections.
        policy: How patiently it is asked.
    """

    def __init__(
        self,
        settings: Settings,
        client_id: str,
        pool: httpx2.AsyncClient,
        policy: wire.Policy = POLICY,
    ):
        headers = {
            'Accept': 'application/json',
            'X-Plex-Client-Identifier': client_id,
            'X-Plex-Product': wire.PRODUCT,
            'X-Plex-Version': wire.VERSION,
            'X-Plex-Platform': 'Web',
            'X-Plex-Device': wire.PRODUCT,
            'X-Plex-Device-Name': wire.PRODUCT,
        }
        self.client_id = client_id
        self._app = settings.plextv_app_url
        self._main, self._clients = (
            wire.Wire(NAME, url, pool, headers=headers, policy=policy)
            for url in (settings.plextv_url, settings.plextv_clients_url)
        )
        for connection in (self._main, self._clients):
            connection.explained_by(_judge)

    def page(self, pin: Pin, forward: str) -> str:
        """Address of Plex's page on which the user confirms a PIN, to come back from there."""
        query = {
            'clientID': self.client_id,
            'code': pin.code,
            'context[device][product]': wire.PRODUCT,
            'forwardUrl': forward,
        }
        return f'{self._app}/auth#?{urlencode(query, quote_via=quote)}'

    async def make(self) -> Pin:
        """Make a PIN."""
        answer = await self._main.send('POST', '/api/v2/pins', [('strong', 'true')])
        return _decoded(answer, Pin)

    async def make_pin_for(self, key: Mapping[str, Any]) -> Pin:
        """Make a PIN that only the holder of a key can redeem.

        Args:
            key: The public key as a JWK.
        """
        answer = await self._post('/api/v2/pins', {'jwk': key, 'strong': True})
        return _decoded(answer, Pin)

    async def confirmed(self, pin: str) -> str | None:
        """The token of a confirmed PIN; None while it is not confirmed.

        Raises:
            NotFound: It has expired.
        """
        answer = await self._main.get(f'/api/v2/pins/{quote(pin, safe="")}')
        return _decoded(answer, Pin).auth_token or None

    async def confirmed_for(self, pin: str, signed: str) -> str | None:
        """The same with a key.

        Args:
            pin: Its id.
            signed: A JWT of ours that shows that we hold the key.
        """
        path = f'/api/v2/pins/{quote(pin, safe="")}'
        answer = await self._clients.get(path, [('deviceJWT', signed)])
        return _decoded(answer, Pin).auth_token or None

    async def user(self, token: str) -> User:
        """Whose token it is.

        Raises:
            CredentialsRefused: It is nobody's, or nobody's any more.
        """
        return _decoded(await self._main.get('/api/v2/user', headers=_bearing(token)), User)

    async def resources(self, token: str) -> list[Resource]:
        """All that the token's user can reach."""
        query = [('includeHttps', '1'), ('includeRelay', '1'), ('includeIPv6', '1')]
        answer = await self._clients.get('/api/v2/resources', query, headers=_bearing(token))
        return _decoded(answer, list[Resource])

    async def guests(self, token: str) -> list[Guest]:
        """All whom the token's user shares something with.

        Raises:
            ProtocolError: It is no list, or not all of it.
        """
        headers = _bearing(token) | {'Accept': 'application/xml'}
        answer = await self._main.get('/api/users/', headers=headers)
        try:
            return plextv_people.guests(answer.content)
        except plextv_people.NoList as error:
            detail = f'answered {_place(answer)} with something that is no list: {error}'
            raise errors.ProtocolError(NAME, detail) from None

    async def ping(self, token: str) -> None:
        """Keep a token alive: one that is not used for weeks dies.

        Raises:
            CredentialsRefused: It is dead.
        """
        await self._main.get('/api/v2/ping', headers=_bearing(token))

    async def sign_out(self, token: str) -> None:
        """Have plex.tv forget a token."""
        await self._main.send('DELETE', '/api/v2/users/signout', headers=_bearing(token))

    async def webhooks(self, token: str) -> list[str]:
        """The addresses that the token's user has webhooks sent to."""
        answer = await self._main.get('/api/v2/user/webhooks', headers=_bearing(token))
        return [each.url for each in _decoded(answer, list[_Webhook])]

    async def set_webhooks(self, token: str, urls: Sequence[str]) -> None:
        """Have webhooks sent to these addresses and to no other.

        Raises:
            Forbidden: The user has no Plex Pass.
        """
        form = [('urls[]', url) for url in urls]
        path = '/api/v2/user/webhooks'
        await self._main.send('POST', path, form=form, headers=_bearing(token))

    async def nonce(self) -> str:
        """A word to sign, good for five minutes."""
        return _decoded(await self._clients.get('/api/v2/auth/nonce'), _Nonce).nonce

    async def exchange(self, signed: str) -> str:
        """The token for a JWT of ours.

        Raises:
            KeyRefused: The key is not known, or the signature is wrong.
        """
        answer = await self._post('/api/v2/auth/token', {'jwt': signed})
        return _decoded(answer, _Granted).auth_token

    async def keys(self) -> list[dict[str, Any]]:
        """The keys that plex.tv signs with, as JWKs."""
        return _decoded(await self._clients.get('/api/v2/auth/keys'), _Keys).keys

    async def _post(self, path: str, document: object) -> httpx2.Response:
        content = msgspec.json.encode(document)
        return await self._clients.send(
            'POST', path, content=content, content_type='application/json'
        )


def _bearing(token: str) -> dict[str, str]:
    return {'X-Plex-Token': token}


def _place(response: httpx2.Response) -> str:
    """The request as errors name it, without the id of a PIN."""
    parts = response.request.url.path.split('/')
    shown = '/'.join(parts[:4]) if 'pins' in parts else '/'.join(parts)
    return f'{response.request.method} {shown}'


def _decoded(response: httpx2.Response, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(response.content, type=shape, strict=False)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # Without what it was: that may hold a token.
        detail = f'answered {_place(response)} with something that is no {shape_name(shape)}'
        raise errors.ProtocolError(NAME, detail) from None


def shape_name(shape: Any) -> str:
    """What a shape is called in an error."""
    return str(getattr(shape, '__name__', 'list')).strip('_').lower()


_KINDS: Mapping[int, type[errors.MediaServerError]] = {
    401: errors.CredentialsRefused,
    403: errors.Forbidden,
    404: errors.NotFound,
    422: KeyRefused,
    498: Expired,
    504: errors.TimedOut,
}


def _judge(response: httpx2.Response) -> NoReturn:
    """Name what went wrong, without what was answered."""
    status = response.status_code
    detail = f'{_place(response)} was answered with HTTP {status}'
    if status == 429:
        raise errors.RateLimited(NAME, wire.retry_after(response))
    if status >= 500 and status not in _KINDS:
        raise errors.ServerFailed(NAME, detail)
    raise _KINDS.get(status, errors.ProtocolError)(NAME, detail)


def roles(resources: Sequence[Resource], machines: Mapping[str, str]) -> dict[str, bool]:
    """The hub's servers among them, by machineIdentifier, and whether the user owns each."""
    found = dict[str, bool]()
    for one in resources:
        if one.is_server and one.client_identifier in machines:
            found[one.client_identifier] = found.get(one.client_identifier, False) or one.owned
    return found
