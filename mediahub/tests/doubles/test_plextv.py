# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""plex.tv's double: lives of PINs and tokens, and what it refuses."""

from __future__ import annotations

from typing import Any, cast

import httpx2
import pytest
from joserfc import jwk, jws, jwt

from mediahub.testing.clocks import HandClock
from mediahub.testing.faults import Fault
from mediahub.testing.plex_living import LivingPlex
from mediahub.testing.plextv import PlexTv

DAY = 86_400
CLIENT = 'hub-1'


@pytest.fixture
def tv(hand_clock: HandClock) -> PlexTv:
    return PlexTv(hand_clock).around(LivingPlex(hand_clock))


class Client:
    """Asks as an application does."""

    def __init__(self, tv: PlexTv, client: str = CLIENT):
        self._tv = tv
        self.headers = {'accept': 'application/json', 'x-plex-client-identifier': client}

    def ask(self, method: str, path: str, token: str = '', **more: Any) -> httpx2.Response:
        headers = self.headers | ({'x-plex-token': token} if token else {})
        request = httpx2.Request(method, f'http://plex.tv{path}', headers=headers, **more)
        answer = self._tv(asked_from(request))
        return httpx2.Response(answer.status, headers=answer.headers, content=answer.content)

    def pin(self, **more: Any) -> Any:
        return self.ask('POST', '/api/v2/pins?strong=true', **more).json()

    def check(self, pin: Any, **query: str) -> httpx2.Response:
        return self.ask('GET', f'/api/v2/pins/{pin["id"]}', params=query)

    def signed_in(self) -> str:
        pin = self.pin()
        self._tv.claim(pin['code'], self._tv.friend)
        return self.check(pin).json()['authToken']


def asked_from(request: httpx2.Request) -> Any:
    from mediahub.testing.http import asked_from as convert

    return convert(request, request.read())


@pytest.fixture
def client(tv: PlexTv) -> Client:
    return Client(tv)


def test_a_strong_pin_is_long_and_lives_longer(client: Client):
    strong, weak = client.pin(), client.ask('POST', '/api/v2/pins').json()

    assert (len(strong['code']), len(weak['code'])) == (25, 4)
    assert strong['expiresIn'] > weak['expiresIn'] == 900
    assert strong['authToken'] is None


def test_a_pin_expires(tv: PlexTv, client: Client, hand_clock: HandClock):
    pin = client.pin()
    hand_clock.go(pin['expiresIn'])

    assert client.check(pin).status_code == 404
    assert not tv.claim(pin['code'], tv.friend)


def test_a_pin_is_known_to_the_one_who_made_it(tv: PlexTv, client: Client):
    assert Client(tv, 'somebody-else').check(client.pin()).status_code == 404


def test_who_has_no_client_identifier_is_refused(tv: PlexTv):
    client = Client(tv)
    del client.headers['x-plex-client-identifier']

    answer = client.ask('POST', '/api/v2/pins')

    assert (answer.status_code, answer.json()['errors'][0]['code']) == (400, 1000)


def test_a_token_that_nobody_uses_dies_and_a_ping_keeps_it_alive(
    client: Client, hand_clock: HandClock
):
    kept, left = client.signed_in(), client.signed_in()
    for _ in range(3):
        hand_clock.go(30 * DAY)
        assert client.ask('GET', '/api/v2/ping', kept).json() == {'pong': True}

    assert client.ask('GET', '/api/v2/user', kept).status_code == 200
    assert client.ask('GET', '/api/v2/user', left).status_code == 401


def test_a_new_password_ends_all_tokens(tv: PlexTv, client: Client):
    token = client.signed_in()
    tv.tokens.end_all(tv.friend.id)

    assert client.ask('GET', '/api/v2/user', token).status_code == 401


class Key:
    """A device's key."""

    def __init__(self, name: str = 'key-1'):
        self.key = jwk.OKPKey.generate_key('Ed25519', {'kid': name, 'use': 'sig', 'alg': 'EdDSA'})

    @property
    def public(self) -> Any:
        return self.key.as_dict(private=False)

    def sign(self, clock: HandClock, **claims: Any) -> str:
        now = int(clock().timestamp())
        common = {'aud': 'plex.tv', 'iss': CLIENT, 'iat': now, 'exp': now + 300}
        header = {'alg': 'EdDSA', 'kid': self.key.kid, 'typ': 'JWT'}
        registry = Quiet(algorithms=['EdDSA'])
        return jwt.encode(cast('Any', header), common | claims, self.key, registry=registry)


class Quiet(jws.JWSRegistry):
    """Knows the algorithm by the name that Plex has for it."""

    def get_alg(self, name: str) -> Any:
        return self.algorithms[name]


@pytest.fixture
def key() -> Key:
    return Key()


@pytest.fixture
def token(tv: PlexTv, client: Client, key: Key, hand_clock: HandClock) -> str:
    """A signed token."""
    pin = client.pin(json={'jwk': key.public, 'strong': True})
    tv.claim(pin['code'], tv.friend)
    return client.check(pin, deviceJWT=key.sign(hand_clock)).json()['authToken']


def test_a_pin_with_a_key_gives_nothing_without_a_signature(
    tv: PlexTv, client: Client, key: Key, hand_clock: HandClock
):
    pin = client.pin(json={'jwk': key.public, 'strong': True})
    tv.claim(pin['code'], tv.friend)

    assert client.check(pin).status_code == 400
    assert client.check(pin, deviceJWT=Key().sign(hand_clock)).status_code == 422
    assert client.check(pin, deviceJWT=key.sign(hand_clock, iss='another')).status_code == 422
    assert client.check(pin, deviceJWT=key.sign(hand_clock, aud='plex.com')).status_code == 422
    assert client.check(pin, deviceJWT=key.sign(hand_clock, exp=1)).status_code == 498
    assert client.check(pin, deviceJWT=key.sign(hand_clock)).json()['authToken'].count('.') == 2


@pytest.mark.parametrize('broken', ['text', {}, {'kty': 'RSA'}, {'kty': 'OKP', 'crv': 'Ed25519'}])
def test_what_is_no_key_is_refused(client: Client, broken: Any):
    answer = client.ask('POST', '/api/v2/pins', json={'jwk': broken})

    assert answer.status_code == 400


def test_a_signed_token_is_good_for_a_week(client: Client, token: str, hand_clock: HandClock):
    hand_clock.go(6 * DAY)
    assert client.ask('GET', '/api/v2/user', token).status_code == 200
    hand_clock.go(DAY + 120)
    assert client.ask('GET', '/api/v2/user', token).status_code == 498


def renew(
    client: Client, key: Key, clock: HandClock, nonce: str, **claims: Any
) -> httpx2.Response:
    signed = key.sign(clock, nonce=nonce, scope='username', **claims)
    return client.ask('POST', '/api/v2/auth/token', json={'jwt': signed})


def nonce_of(client: Client) -> str:
    return client.ask('GET', '/api/v2/auth/nonce').json()['nonce']


def test_a_signed_token_is_renewed_even_after_its_end(
    client: Client, key: Key, token: str, hand_clock: HandClock
):
    hand_clock.go(30 * DAY)

    renewed = renew(client, key, hand_clock, nonce_of(client)).json()['auth_token']

    assert client.ask('GET', '/api/v2/user', renewed).status_code == 200


def test_a_nonce_is_good_once_and_not_for_long(
    client: Client, key: Key, token: str, hand_clock: HandClock
):
    nonce, late = nonce_of(client), nonce_of(client)

    assert renew(client, key, hand_clock, nonce).status_code == 200
    assert renew(client, key, hand_clock, nonce).status_code == 422
    hand_clock.go(301)
    assert renew(client, key, hand_clock, late).status_code == 422


def test_nonces_are_limited(tv: PlexTv, client: Client, token: str, hand_clock: HandClock):
    tv.tokens.nonces = 2
    answers = [client.ask('GET', '/api/v2/auth/nonce') for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].headers['retry-after'] == '30'
    hand_clock.go(60)
    assert client.ask('GET', '/api/v2/auth/nonce').status_code == 200


def test_a_key_ends_the_undated_tokens_of_its_device(
    tv: PlexTv, client: Client, key: Key, hand_clock: HandClock
):
    old, others = client.signed_in(), Client(tv, 'another-client').signed_in()
    client.ask('POST', '/api/v2/auth/jwk', old, json={'jwk': key.public})
    assert client.ask('GET', '/api/v2/user', old).status_code == 200
    renew(client, key, hand_clock, nonce_of(client))

    assert client.ask('GET', '/api/v2/user', old).status_code == 401
    assert client.ask('GET', '/api/v2/user', others).status_code == 200


def test_signing_out_ends_a_signed_token(client: Client, token: str):
    assert client.ask('DELETE', '/api/v2/users/signout', token).status_code == 204
    assert client.ask('GET', '/api/v2/user', token).status_code == 401


def test_plextv_is_out(tv: PlexTv):
    with tv.served() as serving:
        tv.faults.add(Fault('/api/v2/.*', 503))
        assert httpx2.get(f'{serving.url}/api/v2/user').status_code == 503
        tv.faults.clear()
        assert httpx2.get(f'{serving.url}/api/v2/user').status_code == 401


def test_the_page_offers_everybody_and_claims_for_the_chosen_one(tv: PlexTv, client: Client):
    page = client.ask('GET', '/auth').text
    pin = client.pin()
    form = {'code': pin['code'], 'user': str(tv.stranger.id)}

    answer = client.ask('POST', '/auth/claim', data=form)

    assert [name in page for name in ('Owner', 'Friend', 'Stranger')] == [True] * 3
    assert answer.status_code == 204
    token = client.check(pin).json()['authToken']
    assert client.ask('GET', '/api/v2/user', token).json()['id'] == tv.stranger.id
    assert client.ask('POST', '/auth/claim', data={'code': 'none', 'user': '1'}).status_code == 404
