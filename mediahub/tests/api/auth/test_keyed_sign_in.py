# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Signing in with Plex by a key of the hub's: PLEX_AUTH_FLOW=jwt."""

import json
import logging
import pathlib

import pytest

from mediahub.api.auth import jwt
from mediahub.engine.errors import ConfigurationError
from mediahub.testing.faults import Fault

from .conftest import MakeRig, Rig, code_in, problem

pytestmark = pytest.mark.anyio


@pytest.fixture
async def keyed(make_rig: MakeRig) -> Rig:
    return await make_rig(PLEX_AUTH_FLOW='jwt')


def key_file(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / jwt.FILE


async def test_owner_friend_and_stranger(keyed: Rig):
    owner = await keyed.signed_in(keyed.network.tv.owner)
    friend = await keyed.signed_in(keyed.network.tv.friend)
    stranger = await keyed.browser()
    begun = await stranger.begin()
    keyed.confirm(begun, keyed.network.tv.stranger)

    refused = await stranger.come_back(begun['state'])

    roles = [
        (await browser.get('/api/v1/auth/session')).json()['data']['role']
        for browser in (owner, friend)
    ]
    assert roles == ['admin', 'viewer']
    assert problem(refused) == (403, 'NO_ACCESS')


async def test_key_has_an_identifier_of_its_own(keyed: Rig):
    """A token by key would end the older tokens of the same identifier."""
    await keyed.signed_in(keyed.network.tv.owner)
    (pin,) = keyed.network.tv.pins.values()
    assert pin.client == f'{keyed.client_id}-jwt'
    assert 'd' not in pin.jwk, 'the private half stays here'


async def test_stolen_pin_is_worth_nothing_without_the_key(keyed: Rig):
    browser = await keyed.browser()
    begun = await browser.begin()
    keyed.confirm(begun, keyed.network.tv.owner)
    (pin,) = keyed.network.tv.pins.values()

    answer = keyed.network.ask(
        'GET', f'/api/v2/pins/{pin.id}', {'x-plex-client-identifier': pin.client}
    )

    assert answer.status == 400
    assert not pin.token


async def test_key_is_kept_for_the_hub_alone(keyed: Rig, tmp_path: pathlib.Path):
    await keyed.signed_in(keyed.network.tv.owner)
    assert key_file(tmp_path).stat().st_mode & 0o777 == 0o600
    assert jwt.DeviceKey(tmp_path).name == jwt.DeviceKey(tmp_path).name


async def test_key_that_others_could_read_is_shut(
    keyed: Rig, tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture
):
    key_file(tmp_path).chmod(0o644)
    jwt.DeviceKey(tmp_path)
    assert key_file(tmp_path).stat().st_mode & 0o777 == 0o600
    assert 'could be read by others' in caplog.text


@pytest.mark.parametrize(
    'content', ['', '{', '[]', '{"kty": "oct", "k": "AAAA"}', '{"kty": "OKP"}']
)
async def test_damaged_key_is_named_and_kept(tmp_path: pathlib.Path, content: str):
    key_file(tmp_path).write_text(content)
    with pytest.raises(ConfigurationError, match='remove it'):
        jwt.DeviceKey(tmp_path)
    assert key_file(tmp_path).read_text() == content


async def test_public_key_alone_is_no_key(tmp_path: pathlib.Path):
    public = jwt.DeviceKey(tmp_path).public
    key_file(tmp_path).write_text(json.dumps(public))
    with pytest.raises(ConfigurationError, match='private'):
        jwt.DeviceKey(tmp_path)


async def test_refreshing_asks_plextv_whether_the_person_still_has_access(keyed: Rig):
    browser = await keyed.signed_in(keyed.network.tv.owner)
    answer = await browser.change('POST', '/api/v1/auth/plex/refresh')
    assert answer.json()['data']['upstream_checked'] is True
    (server,) = keyed.network.tv.servers
    server.owner = keyed.network.tv.stranger

    answer = await browser.change('POST', '/api/v1/auth/plex/refresh')

    assert answer.json()['data']['me']['role'] == 'viewer'


async def test_person_who_lost_access_is_out_with_the_refresh(keyed: Rig):
    browser = await keyed.signed_in(keyed.network.tv.friend)
    (server,) = keyed.network.tv.servers
    del server.tokens[keyed.network.tv.friend.id]

    answer = await browser.change('POST', '/api/v1/auth/plex/refresh')

    assert problem(answer) == (403, 'NO_ACCESS')
    assert (await browser.get('/api/v1/auth/session')).status_code == 401


async def test_refreshing_works_after_the_token_of_seven_days(keyed: Rig):
    browser = await keyed.signed_in(keyed.network.tv.owner)
    for _ in range(4):
        keyed.network.clock.go(2 * 86400)
        await browser.get('/api/v1/auth/session')
    answer = await browser.change('POST', '/api/v1/auth/plex/refresh')
    assert answer.json()['data']['upstream_checked'] is True


async def test_refreshing_does_without_plextv(keyed: Rig):
    browser = await keyed.signed_in(keyed.network.tv.owner)
    keyed.network.down.add('plextv.test')
    answer = await browser.change('POST', '/api/v1/auth/plex/refresh')
    assert answer.status_code == 200
    assert answer.json()['data']['upstream_checked'] is False


async def test_nobody_is_judged_by_the_token_of_somebody_else(keyed: Rig):
    """The key speaks for whoever signed in last."""
    owner = await keyed.signed_in(keyed.network.tv.owner)
    await keyed.signed_in(keyed.network.tv.friend)
    answer = await owner.change('POST', '/api/v1/auth/plex/refresh')
    data = answer.json()['data']
    assert (data['me']['role'], data['upstream_checked']) == ('admin', False)


async def test_revoking_ends_the_token_at_plextv_too(keyed: Rig):
    browser = await keyed.signed_in(keyed.network.tv.owner)
    answer = await browser.change('POST', '/api/v1/auth/plex/revoke')
    assert answer.json()['data'] == {'revoked': True, 'upstream_revoked': True}
    assert keyed.network.count('/api/v2/users/signout') == 1


async def test_revoking_works_without_plextv_and_says_so(keyed: Rig):
    browser = await keyed.signed_in(keyed.network.tv.owner)
    keyed.network.down.add('plextv.test')
    answer = await browser.change('POST', '/api/v1/auth/plex/revoke')
    assert answer.json()['data'] == {'revoked': True, 'upstream_revoked': False}
    assert (await browser.get('/api/v1/auth/session')).status_code == 401


async def test_first_of_two_sessions_leaves_the_key_to_the_second(keyed: Rig):
    first = await keyed.signed_in(keyed.network.tv.owner)
    second = await keyed.signed_in(keyed.network.tv.owner)
    answer = await first.change('POST', '/api/v1/auth/plex/revoke')
    assert answer.json()['data']['upstream_revoked'] is False
    answer = await second.change('POST', '/api/v1/auth/plex/refresh')
    assert answer.json()['data']['upstream_checked'] is True


async def test_key_that_plextv_refuses_is_replaced_and_kept_beside(
    keyed: Rig, tmp_path: pathlib.Path
):
    browser = await keyed.browser()
    begun = await browser.begin()
    keyed.confirm(begun, keyed.network.tv.owner)
    before = key_file(tmp_path).read_bytes()
    keyed.network.tv.faults.add(Fault(r'/api/v2/pins/\d+', 422, times=1))

    refused = await browser.come_back(begun['state'])

    assert problem(refused) == (502, 'PLEXTV_ERROR')
    assert 'begin again' in refused.json()['error']['message']
    assert key_file(tmp_path).read_bytes() != before
    assert key_file(tmp_path).with_suffix('.old').read_bytes() == before
    begun = await browser.begin()
    keyed.confirm(begun, keyed.network.tv.owner)
    assert (await browser.come_back(begun['state'])).status_code == 200


@pytest.mark.parametrize('status', [401, 403, 429, 498, 500])
@pytest.mark.parametrize('path', ['/api/v2/auth/nonce', '/api/v2/auth/keys'])
async def test_trouble_at_plextv_lets_nobody_in(keyed: Rig, path: str, status: int):
    browser = await keyed.browser()
    begun = await browser.begin()
    keyed.confirm(begun, keyed.network.tv.owner)
    fault = keyed.network.tv.faults.add(Fault(path, status))

    refused = await browser.come_back(begun['state'])

    assert refused.status_code in {502, 503}
    assert keyed.auth.sessions.living() == []
    keyed.network.tv.faults.remove(fault)
    assert (await browser.come_back(begun['state'])).status_code == 200


async def test_nonces_are_used_sparingly(keyed: Rig):
    browser = await keyed.browser()
    begun = await browser.begin()
    for _ in range(2):
        await browser.come_back(begun['state'])
    keyed.confirm(begun, keyed.network.tv.owner)
    await browser.come_back(begun['state'])
    assert keyed.network.count('/api/v2/auth/nonce') == 1


async def test_proof_that_is_too_old_is_made_anew(keyed: Rig):
    for _ in range(3):
        await keyed.signed_in(keyed.network.tv.owner)
        keyed.network.clock.go(3600)
    assert keyed.network.count('/api/v2/auth/nonce') == 3


FORGED = {
    'unsigned': 'eyJhbGciOiJub25lIn0.eyJpc3MiOiJwbGV4LnR2In0.',
    'no token': 'garbage',
    'empty': 'a.b.c',
}


@pytest.mark.parametrize('forged', FORGED.values(), ids=FORGED)
async def test_token_that_plextv_did_not_sign_lets_nobody_in(
    keyed: Rig, forged: str, caplog: pytest.LogCaptureFixture
):
    browser = await keyed.browser()
    begun = await browser.begin()
    keyed.confirm(begun, keyed.network.tv.owner)
    pin = {'id': 1, 'code': code_in(begun), 'expiresIn': 900, 'authToken': forged}
    keyed.network.tv.faults.add(Fault(r'/api/v2/pins/\d+', body=json.dumps(pin).encode()))

    refused = await browser.come_back(begun['state'])

    assert problem(refused) == (502, 'PLEXTV_ERROR')
    assert forged not in refused.text + caplog.text


async def test_token_of_another_key_lets_nobody_in(
    keyed: Rig, make_rig: MakeRig, tmp_path: pathlib.Path
):
    """A good token of plex.tv, for somebody else's installation."""
    browser = await keyed.browser()
    home = str(tmp_path / 'other')
    other = await make_rig(PLEX_AUTH_FLOW='jwt', PLEX_OAUTH_CLIENT_ID='other', MEDIAHUB_HOME=home)
    await other.signed_in(keyed.network.tv.owner)
    stolen = next(pin.token for pin in keyed.network.tv.pins.values() if pin.token)
    begun = await browser.begin()
    pin = {'id': 1, 'code': code_in(begun), 'expiresIn': 900, 'authToken': stolen}
    keyed.network.tv.faults.add(Fault(r'/api/v2/pins/\d+', body=json.dumps(pin).encode()))
    assert problem(await browser.come_back(begun['state'])) == (502, 'PLEXTV_ERROR')


async def test_keys_of_plextv_may_change(keyed: Rig):
    await keyed.signed_in(keyed.network.tv.owner)
    keyed.network.tv.tokens.rotate()
    await keyed.signed_in(keyed.network.tv.owner)


async def test_clock_that_is_somewhat_off_hinders_nobody(keyed: Rig):
    for seconds in (-50, 100, -50):
        keyed.network.clock.go(seconds)
        await keyed.signed_in(keyed.network.tv.owner)


async def test_sign_in_that_began_the_other_way_begins_again(keyed: Rig, make_rig: MakeRig):
    browser = await keyed.browser()
    begun = await browser.begin()
    plain = await make_rig()
    other = await plain.browser()
    other.cookies.update(dict(browser.cookies))
    assert problem(await other.come_back(begun['state'])) == (400, 'STATE_INVALID')


async def test_no_secret_of_it_is_in_the_log(keyed: Rig, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    browser = await keyed.signed_in(keyed.network.tv.owner)
    await browser.change('POST', '/api/v1/auth/plex/refresh')
    await browser.change('POST', '/api/v1/auth/plex/revoke')
    secrets = [pin.token for pin in keyed.network.tv.pins.values()]
    secrets += [asked.first('deviceJWT') for _, asked in keyed.network.asked]
    secrets += [pin.code for pin in keyed.network.tv.pins.values()]
    secrets += [str(number) for number in keyed.network.tv.pins]
    for secret in filter(None, secrets):
        assert secret not in caplog.text
