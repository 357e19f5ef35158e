# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""plex.tv: PINs, tokens with and without a signature, users, and which servers are theirs.

    tv = PlexTv(clock).around(plex)         # its owner, a friend it is shared with, a stranger
    with tv.served():                       # tv.url: plex.tv, clients.plex.tv and app.plex.tv
        ...                                 # the hub makes a PIN, the browser goes to tv.url/auth
        tv.claim(code, tv.friend)           # what somebody does on that page
        tv.faults.add(Fault('/api/v2/.*', 503))

Client identifiers, signatures, nonces, the life of PINs and of tokens are checked as plex.tv does.
It is held to python-plexapi's ``MyPlexPinLogin``, ``MyPlexJWTLogin`` and ``MyPlexAccount``.
"""

from __future__ import annotations

import dataclasses
import datetime
import itertools
import json
import random
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self, cast

from . import plextv_page
from .clocks import Clock
from .faults import Faults
from .http import Answer, Asked, NotModelled
from .plex_documents import Node
from .plextv_documents import guest_list, refused, rendered
from .plextv_people import Server, User, account, fields, isotime, phone, resource
from .plextv_tokens import TokenRefused, Tokens

if TYPE_CHECKING:
    from .plex_living import LivingPlex
    from .serving import Serving

_LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789'

# How long a PIN to type in is good, and one that nobody types.
WEAK_LIFE = datetime.timedelta(minutes=15)
STRONG_LIFE = datetime.timedelta(minutes=30)

_CODES = {401: 1001, 404: 1020, 429: 1003, 498: 1001, 422: 1000, 400: 1000, 403: 1044}


@dataclasses.dataclass
class Pin:
    """A PIN; ``user`` is None until somebody claims it, ``jwk`` where it came with a key."""

    id: int
    code: str
    client: str
    product: str
    created: datetime.datetime
    expires: datetime.datetime
    jwk: Any = None
    user: User | None = None
    token: str = ''


class PlexTv:
    """The service; call it with a request.

    Attributes:
        url: Its address while it is served.
        owner, friend, stranger: Those whom :meth:`around` makes.
        on_webhooks: Is told the addresses that a user sets.
    """

    def __init__(self, clock: Clock):
        self._clock = clock
        self.url = ''
        self.faults = Faults()
        self.tokens = Tokens(clock)
        self.users: dict[int, User] = {}
        self.servers: list[Server] = []
        self.pins: dict[int, Pin] = {}
        self.webhooks: dict[int, list[str]] = {}
        self.on_webhooks: Callable[[User, list[str]], None] = lambda user, urls: None
        self._numbers = itertools.count(564_964_751)
        self._random = random.Random(8)  # noqa: S311 - codes that a test can repeat
        routes: list[tuple[str, str, Callable[..., Answer]]] = [
            ('POST', '/api/v2/pins', self._make_pin),
            ('GET', r'/api/v2/pins/(\d+)', self._check_pin),
            ('GET', '/api/v2/user', self._user),
            ('GET', '/api/v2/resources', self._resources),
            ('GET', '/api/users/?', self._guests),
            ('GET', '/api/v2/ping', self._ping),
            ('DELETE', '/api/v2/users/signout', self._sign_out),
            ('GET', '/api/v2/user/webhooks', self._list_webhooks),
            ('POST', '/api/v2/user/webhooks', self._set_webhooks),
            ('POST', '/api/v2/auth/jwk', self._register),
            ('GET', '/api/v2/auth/nonce', self._nonce),
            ('POST', '/api/v2/auth/token', self._exchange),
            ('GET', '/api/v2/auth/keys', self._keys),
            ('GET', '/auth/?', self._page),
            ('POST', '/auth/claim', self._claim),
        ]
        self._routes = [(method, re.compile(path), answer) for method, path, answer in routes]

    # Who there is

    def user(self, name: str, *, plex_pass: bool = False, number: int = 0) -> User:
        """Make an account."""
        made = User(number or 40_000_000 + len(self.users), name, plex_pass)
        self.users[made.id] = made
        return made

    def around(self, plex: LivingPlex) -> Self:
        """Know a living Plex, its people, and a stranger; returns itself.

        It is shared with everybody who is known there, and at least with one.
        """
        self.owner = self.user(plex.owner.name, plex_pass=True, number=plex.owner.plextv)
        others = [person for person in plex.people.values() if person.id != 1]
        others = others or [plex.person('Friend')]
        friends = [self.user(person.name, number=person.plextv) for person in others]
        self.friend = friends[0]
        self.stranger = self.user('Stranger')
        shared = {friend.id: f'shared-{friend.uuid}' for friend in friends}
        tokens = {self.owner.id: plex.token} | shared
        address = plex.url or 'http://127.0.0.1:32400'
        self.servers.append(Server(plex.machine, plex.name, address, self.owner, tokens))

        def follow(user: User, urls: list[str]) -> None:
            if user == self.owner:
                plex.hooks.urls[:] = urls

        self.on_webhooks = follow
        return self

    def claim(self, code: str, user: User) -> bool:
        """Let a user sign in with a PIN's code; False where the code is unknown or too old."""
        pin = next((pin for pin in self.pins.values() if pin.code == code), None)
        if pin is None or pin.expires <= self._clock():
            return False
        pin.user = user
        return True

    def served(self, port: int = 0) -> Serving:
        """Serve on a port of 127.0.0.1, a free one for 0; a context."""
        from . import serving  # a test that sends no bytes needs no server

        return serving.Serving.of(self, self.faults, port)

    # Answers

    def __call__(self, asked: Asked) -> Answer:
        """Answer a request."""
        for method, path, answer in self._routes:
            match = path.fullmatch(asked.path)
            if match and asked.method == method:
                try:
                    return answer(asked, *match.groups())
                except TokenRefused as no:
                    return _no(asked, no)
        raise NotModelled(f'{asked.method} {asked.path}')

    def _client(self, asked: Asked) -> str:
        client = asked.headers.get('x-plex-client-identifier', '')
        client = client or asked.first('X-Plex-Client-Identifier')
        if not client:
            raise TokenRefused(400, 'X-Plex-Client-Identifier is missing')
        return client

    def _who(self, asked: Asked) -> User:
        token = asked.headers.get('x-plex-token') or asked.first('X-Plex-Token')
        return self.users[self.tokens.user(token)]

    # PINs

    def _make_pin(self, asked: Asked) -> Answer:
        body = _body(asked)
        key = body.get('jwk')
        client = self._client(asked)
        if key is not None:
            self.tokens.imported(key, client)
        strong = str(body.get('strong', asked.first('strong'))).lower() in {'true', '1'}
        now = self._clock()
        pin = Pin(
            id=next(self._numbers),
            code=self._code(strong=strong),
            client=client,
            product=asked.headers.get('x-plex-product', ''),
            created=now,
            expires=now + (STRONG_LIFE if strong else WEAK_LIFE),
            jwk=key,
        )
        self.pins[pin.id] = pin
        return rendered(asked, 'pin', self._pin(pin), 201)

    def _code(self, *, strong: bool) -> str:
        letters = _LETTERS if strong else 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789'
        return ''.join(self._random.choices(letters, k=25 if strong else 4))

    def _pin(self, pin: Pin) -> Node:
        return {
            'id': pin.id,
            'code': pin.code,
            'product': pin.product,
            'trusted': False,
            'qr': f'https://plex.tv/api/v2/pins/qr/{pin.code}',
            'clientIdentifier': pin.client,
            'location': {
                'code': 'SE',
                'european_union_member': True,
                'continent_code': 'EU',
                'country': 'Sweden',
                'city': 'Uppsala',
                'time_zone': 'Europe/Stockholm',
            },
            'expiresIn': max(0, int((pin.expires - self._clock()).total_seconds())),
            'createdAt': isotime(pin.created),
            'expiresAt': isotime(pin.expires),
            'authToken': pin.token or None,
            'newRegistration': None,
        }

    def _check_pin(self, asked: Asked, number: str) -> Answer:
        pin = self.pins.get(int(number))
        client = self._client(asked)
        if pin is None or pin.client != client or pin.expires <= self._clock():
            raise TokenRefused(404, 'Code not found or expired')
        if pin.user is not None and not pin.token:
            pin.token = self._token(asked, pin, pin.user)
        return rendered(asked, 'pin', self._pin(pin))

    def _token(self, asked: Asked, pin: Pin, user: User) -> str:
        if pin.jwk is None:
            return self.tokens.issue(user.id, pin.client)
        signed = asked.first('deviceJWT')
        if not signed:
            raise TokenRefused(400, 'deviceJWT is missing')
        key = self.tokens.imported(pin.jwk, pin.client)
        claims = self.tokens.check(signed, pin.client, key)
        self.tokens.register(pin.jwk, pin.client, user.id)
        scope = set(str(claims.get('scope', '')).split(','))
        return self.tokens.sign(fields(user, scope), pin.client)

    # Keys

    def _register(self, asked: Asked) -> Answer:
        self.tokens.register(_body(asked).get('jwk'), self._client(asked), self._who(asked).id)
        return Answer(201)

    def _nonce(self, asked: Asked) -> Answer:
        return rendered(asked, 'nonce', {'nonce': self.tokens.nonce(self._client(asked))})

    def _exchange(self, asked: Asked) -> Answer:
        client = self._client(asked)
        user, scope = self.tokens.exchange(str(_body(asked).get('jwt', '')), client)
        token = self.tokens.sign(fields(self.users[user], scope), client)
        return rendered(asked, 'token', {'auth_token': token})

    def _keys(self, asked: Asked) -> Answer:
        return rendered(asked, 'auth', {'keys': self.tokens.public_keys})

    # Accounts

    def _user(self, asked: Asked) -> Answer:
        user = self._who(asked)
        token = asked.headers.get('x-plex-token') or asked.first('X-Plex-Token')
        return rendered(asked, 'user', {**account(user), 'authToken': token})

    def _ping(self, asked: Asked) -> Answer:
        self._who(asked)
        if 'application/json' in asked.headers.get('accept', ''):
            return rendered(asked, 'pong', {'pong': True})
        return rendered(asked, 'pong', True)

    def _sign_out(self, asked: Asked) -> Answer:
        self._who(asked)
        self.tokens.end(asked.headers.get('x-plex-token') or asked.first('X-Plex-Token'))
        return Answer(204)

    def _resources(self, asked: Asked) -> Answer:
        self._client(asked)
        user = self._who(asked)
        theirs = [server for server in self.servers if user.id in server.tokens]
        found = [resource(server, user, self._clock()) for server in theirs]
        return rendered(asked, 'resources', [*found, phone(user)])

    def _guests(self, asked: Asked) -> Answer:
        """In XML, whatever is asked for."""
        owner = self._who(asked)
        theirs = [server for server in self.servers if server.owner == owner]
        people = [
            (user, shared)
            for user in self.all_users
            if user != owner and (shared := [one for one in theirs if user.id in one.tokens])
        ]
        return guest_list(people, self._clock())

    def _list_webhooks(self, asked: Asked) -> Answer:
        urls = self.webhooks.get(self._who(asked).id, [])
        return rendered(asked, 'webhooks', [{'url': url} for url in urls])

    def _set_webhooks(self, asked: Asked) -> Answer:
        user = self._who(asked)
        if not user.plex_pass:
            raise TokenRefused(403, 'Plex Pass required')
        urls = asked.all('urls[]')
        self.webhooks[user.id] = urls
        self.on_webhooks(user, urls)
        return rendered(asked, 'webhooks', [{'url': url} for url in urls], 201)

    # The page

    def _page(self, asked: Asked) -> Answer:
        return plextv_page.page((user.id, user.name, self._role(user)) for user in self.all_users)

    @property
    def all_users(self) -> list[User]:
        """Everybody with an account."""
        return list(self.users.values())

    def _role(self, user: User) -> str:
        if any(server.owner == user for server in self.servers):
            return 'owns the server'
        if any(user.id in server.tokens for server in self.servers):
            return 'has the server shared'
        return 'knows nothing of the server'

    def _claim(self, asked: Asked) -> Answer:
        user = self.users.get(asked.number('user', 0))
        if user is None or not self.claim(asked.first('code'), user):
            raise TokenRefused(404, 'Code not found or expired')
        return Answer(204)


def _no(asked: Asked, no: TokenRefused) -> Answer:
    answer = refused(asked, no.status, _CODES[no.status], str(no))
    if no.status != 429:
        return answer
    return dataclasses.replace(answer, headers={'Retry-After': '30'})


def _body(asked: Asked) -> dict[str, Any]:
    if not asked.headers.get('content-type', '').startswith('application/json'):
        return dict(asked.form)
    try:
        found = json.loads(asked.body)
    except ValueError as error:
        raise TokenRefused(400, 'The body is no JSON') from error
    return cast('dict[str, Any]', found) if isinstance(found, dict) else {}
