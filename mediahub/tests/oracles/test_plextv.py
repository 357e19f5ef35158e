# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The double of plex.tv, held to python-plexapi's ways to sign in."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from mediahub.testing import clocks
from mediahub.testing.plex_living import LivingPlex
from mediahub.testing.plextv import PlexTv

myplex = pytest.importorskip('plexapi.myplex', reason='python-plexapi is not installed')
server_module = pytest.importorskip('plexapi.server')
exceptions = pytest.importorskip('plexapi.exceptions')
requests = pytest.importorskip('requests')


@pytest.fixture
def tv(living_plex: LivingPlex, monkeypatch: pytest.MonkeyPatch) -> Generator[PlexTv]:
    """A plex.tv by the clock of this machine, where plexapi finds it."""
    made = PlexTv(clocks.real).around(living_plex)
    with made.served() as serving:
        api = f'{serving.url}/api/v2'
        account, login, signed = myplex.MyPlexAccount, myplex.MyPlexPinLogin, myplex.MyPlexJWTLogin
        for owner, name, address in (
            (login, 'PINS', f'{api}/pins'),
            (signed, 'PINS', f'{api}/pins'),
            (signed, 'AUTH', f'{api}/auth'),
            (account, 'key', f'{api}/user'),
            (account, 'SIGNOUT', f'{api}/users/signout'),
            (account, 'PING', f'{api}/ping'),
            (account, 'WEBHOOKS', f'{api}/user/webhooks'),
            (myplex.MyPlexResource, 'key', f'{api}/resources?includeHttps=1'),
            (myplex.MyPlexUser, 'key', f'{serving.url}/api/users/'),
        ):
            monkeypatch.setattr(owner, name, address)
        yield made


@pytest.fixture
def http() -> Generator[Any]:
    with requests.Session() as session:
        yield session


def code_of(url: str) -> str:
    """The code in the address of the page to sign in on."""
    return parse_qs(urlsplit(url).fragment.lstrip('!?'))['code'][0]


def signed_in(tv: PlexTv, http: Any, user: Any) -> Any:
    login = myplex.MyPlexPinLogin(session=http, oauth=True)
    assert tv.claim(code_of(login.oauthUrl()), user)
    assert login.checkLogin()
    return myplex.MyPlexAccount(token=login.token, session=http)


def test_a_pin_becomes_a_token_when_it_is_claimed(tv: PlexTv, http: Any):
    login = myplex.MyPlexPinLogin(session=http)
    assert (len(login.pin), login.checkLogin()) == (4, False)

    tv.claim(login.pin, tv.friend)

    assert login.checkLogin()
    account = myplex.MyPlexAccount(token=login.token, session=http)
    assert (account.title, account.id, account.subscriptionActive) == (
        tv.friend.name, tv.friend.id, False
    )  # fmt: skip


def test_an_account_knows_its_servers_and_reaches_them(
    tv: PlexTv, http: Any, living_plex: LivingPlex
):
    account = signed_in(tv, http, tv.owner)
    resource = account.resource(living_plex.machine)

    assert (resource.owned, resource.provides, account.ping()) == (True, 'server', True)
    assert 'webhooks' in account.subscriptionFeatures
    server = server_module.PlexServer(resource.connections[0].uri, resource.accessToken, http)
    assert server.machineIdentifier == living_plex.machine


def test_resources_tell_friends_from_strangers(tv: PlexTv, http: Any, living_plex: LivingPlex):
    friend = signed_in(tv, http, tv.friend).resource(living_plex.machine)
    assert (friend.owned, friend.sourceTitle) == (False, tv.owner.name)
    with pytest.raises(exceptions.NotFound):
        signed_in(tv, http, tv.stranger).resource(living_plex.machine)


def test_an_owner_is_told_whom_a_server_is_shared_with(
    tv: PlexTv, http: Any, living_plex: LivingPlex
):
    def shared() -> dict[int, list[tuple[str, bool]]]:
        people = signed_in(tv, http, tv.owner).users()
        return {
            person.id: [(one.machineIdentifier, one.pending) for one in person.servers]
            for person in people
        }

    assert shared() == {tv.friend.id: [(living_plex.machine, False)]}
    tv.servers[0].invited.add(tv.friend.id)
    assert shared() == {tv.friend.id: [(living_plex.machine, True)]}
    del tv.servers[0].tokens[tv.friend.id]
    assert shared() == {}
    assert signed_in(tv, http, tv.friend).users() == []


def test_webhooks_are_set_for_an_account_with_a_plex_pass(
    tv: PlexTv, http: Any, living_plex: LivingPlex
):
    account = signed_in(tv, http, tv.owner)
    account.addWebhook('http://hub.test/hook')

    assert account.webhooks() == ['http://hub.test/hook'] == living_plex.hooks.urls
    with pytest.raises(exceptions.BadRequest, match='403'):
        signed_in(tv, http, tv.friend).addWebhook('http://hub.test/hook')


def test_signing_out_ends_the_token(tv: PlexTv, http: Any):
    account = signed_in(tv, http, tv.owner)
    account.signout()

    with pytest.raises(exceptions.Unauthorized):
        account.reload()


@pytest.fixture
def signed(http: Any) -> Any:
    made = myplex.MyPlexJWTLogin(session=http, oauth=True, scopes=['username', 'email'])
    made.generateKeypair()
    return made


def sign_in(tv: PlexTv, login: Any, user: Any) -> str:
    login.POLLINTERVAL = 0.01
    login.run()
    tv.claim(code_of(login.oauthUrl()), user)
    assert login.waitForLogin()
    return login.jwtToken


def test_a_key_makes_a_signed_token_of_a_pin(tv: PlexTv, http: Any, signed: Any):
    token = sign_in(tv, signed, tv.friend)

    assert signed.verifyJWT()
    assert signed.decodedJWT['user'] == {
        'id': tv.friend.id, 'uuid': tv.friend.uuid, 'username': 'friend',
        'email': 'friend@example.com',
    }  # fmt: skip
    assert myplex.MyPlexAccount(token=token, session=http).id == tv.friend.id


def test_a_signed_token_is_renewed(tv: PlexTv, http: Any, signed: Any):
    token = sign_in(tv, signed, tv.friend)

    renewed = signed.refreshJWT()

    assert (renewed != token, signed.verifyJWT()) == (True, True)


def test_a_signed_token_survives_a_new_key_of_plextv(tv: PlexTv, signed: Any):
    sign_in(tv, signed, tv.friend)
    tv.tokens.rotate()

    assert signed.verifyJWT()


def test_a_device_with_a_token_gives_its_key_and_loses_the_token(tv: PlexTv, http: Any):
    old = signed_in(tv, http, tv.owner).authToken
    login = myplex.MyPlexJWTLogin(session=http, token=old)
    login.generateKeypair()
    login.registerDevice()
    login.refreshJWT()

    assert myplex.MyPlexAccount(token=login.jwtToken, session=http).id == tv.owner.id
    with pytest.raises(exceptions.Unauthorized):
        myplex.MyPlexAccount(token=old, session=http)


def test_a_media_server_takes_no_signed_token(
    tv: PlexTv, http: Any, signed: Any, living_plex: LivingPlex
):
    token = sign_in(tv, signed, tv.owner)

    with pytest.raises(exceptions.Unauthorized):
        server_module.PlexServer(living_plex.url, token, http)


def test_a_key_of_another_device_is_refused(tv: PlexTv, http: Any, signed: Any):
    sign_in(tv, signed, tv.friend)
    headers = {'X-Plex-Client-Identifier': 'another'}
    keys = signed._privateKey, signed._publicKey
    other = myplex.MyPlexJWTLogin(session=http, headers=headers, oauth=True, keypair=keys)

    with pytest.raises(exceptions.BadRequest, match='422'):
        other.run()
