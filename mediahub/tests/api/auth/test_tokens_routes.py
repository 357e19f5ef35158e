# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""API tokens and sign-in links, as they are used."""

import logging

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from mediahub import sign_in_link
from mediahub.api.auth import throttle
from mediahub.api.auth.links import LIFETIME, PATH

from .conftest import BROWSER, MakeRig, Rig, problem

pytestmark = pytest.mark.anyio

ADMIN = 'of-the-settings-and-long-enough'
VIEWER = 'another-of-the-settings-long'


@pytest.fixture
async def configured(make_rig: MakeRig) -> Rig:
    return await make_rig(MEDIAHUB_API_TOKEN=ADMIN, MEDIAHUB_VIEWER_API_TOKEN=VIEWER)


async def test_token_is_made_shown_once_used_and_revoked(rig: Rig):
    owner, program = await rig.signed_in(rig.network.tv.owner), await rig.browser()

    made = await owner.change('POST', '/api/v1/auth/tokens', json={'name': 'grafana'})

    assert made.status_code == 201
    data = made.json()['data']
    assert data['token']['role'] == 'viewer'
    assert data['token']['created_by'] == 'owner'
    bearer = {'Authorization': f'Bearer {data["secret"]}'}
    me = (await program.get('/api/v1/auth/session', headers=bearer)).json()['data']
    assert (me['name'], me['role'], me['kind']) == ('grafana', 'viewer', 'token')
    assert me['csrf_token'] == ''
    listed = await owner.get('/api/v1/auth/tokens')
    assert data['secret'] not in listed.text
    key = data['token']['key']
    assert (await owner.change('DELETE', f'/api/v1/auth/tokens/{key}')).status_code == 200
    assert (await program.get('/api/v1/auth/session', headers=bearer)).status_code == 401
    again = await owner.change('DELETE', f'/api/v1/auth/tokens/{key}')
    assert problem(again) == (404, 'NOT_FOUND')


@pytest.mark.parametrize('header', ['Authorization', 'X-Api-Key'])
async def test_token_of_the_settings_opens_by_either_header(configured: Rig, header: str):
    program = await configured.browser()
    value = f'Bearer {ADMIN}' if header == 'Authorization' else ADMIN
    answer = await program.get('/api/v1/auth/tokens', headers={header: value})
    assert answer.status_code == 200
    assert [one['configured'] for one in answer.json()['data']] == [True, True]
    assert ADMIN not in answer.text


async def test_token_of_a_viewer_changes_nothing(configured: Rig):
    program = await configured.browser()
    bearer = {'X-Api-Key': VIEWER}
    body = {'name': 'x', 'role': 'admin'}
    answer = await program.post('/api/v1/auth/tokens', headers=bearer, json=body)
    assert problem(answer) == (403, 'FORBIDDEN')


async def test_token_changes_without_csrf_because_no_browser_sends_it_by_itself(configured: Rig):
    program = await configured.browser()
    answer = await program.post(
        '/api/v1/auth/tokens', headers={'X-Api-Key': ADMIN}, json={'name': 'x'}
    )
    assert answer.status_code == 201


async def test_token_works_under_any_host_name(configured: Rig):
    program = await configured.browser('http://mediahub.media.svc.cluster.local:8484')
    answer = await program.get('/api/v1/auth/session', headers={'X-Api-Key': VIEWER})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    'headers',
    [
        {'Authorization': 'Bearer'},
        {'Authorization': 'Bearer '},
        {'Authorization': f'Bearer {ADMIN}x'},
        {'Authorization': f'Bearer {ADMIN[:-1]}'},
        {'Authorization': f'Basic {ADMIN}'},
        {'X-Api-Key': ''},
        {'X-Api-Key': 'x' * 10_000},
        {'Authorization': 'Bearer é'},
    ],
)
async def test_wrong_token_opens_nothing(configured: Rig, headers: dict[str, str]):
    program = await configured.browser()
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    answer = await program.get('/api/v1/auth/session', headers=encoded)
    assert problem(answer) == (401, 'UNAUTHORIZED')


async def test_token_in_the_address_opens_nothing(configured: Rig):
    program = await configured.browser()
    for name in ('apikey', 'token', 'access_token', 'X-Plex-Token'):
        answer = await program.get('/api/v1/auth/session', params={name: ADMIN})
        assert problem(answer) == (401, 'UNAUTHORIZED')


async def test_wrong_token_is_not_saved_by_a_good_cookie(rig: Rig):
    owner = await rig.signed_in(rig.network.tv.owner)
    answer = await owner.get('/api/v1/auth/session', headers={'X-Api-Key': 'wrong'})
    assert problem(answer) == (401, 'UNAUTHORIZED')


async def test_guessing_is_slowed_down_and_hinders_nobody_else(configured: Rig):
    program = await configured.browser()
    for _ in range(throttle.WRONG.amount):
        await program.get('/api/v1/auth/session', headers={'X-Api-Key': 'guess'})
    guess = await program.get('/api/v1/auth/session', headers={'X-Api-Key': 'guess'})
    good = await program.get('/api/v1/auth/session', headers={'X-Api-Key': VIEWER})
    assert (guess.status_code, good.status_code) == (429, 200)


async def test_token_has_no_session_to_end(configured: Rig):
    program = await configured.browser()
    for path in ('plex/refresh', 'plex/revoke'):
        answer = await program.post(f'/api/v1/auth/{path}', headers={'X-Api-Key': ADMIN})
        assert problem(answer) == (403, 'NO_SESSION')


@pytest.mark.parametrize(
    'body',
    [
        {},
        {'name': ''},
        {'name': 'a\nb'},
        {'name': 'x', 'role': 'owner'},
        {'name': 'x', 'expires_in_days': 0},
        {'name': 'x', 'expires_in_days': 1e9},
        {'name': 'x', 'colour': 'red'},
        {'name': ['x']},
        [],
    ],
)
async def test_what_is_no_token_is_refused(configured: Rig, body: object):
    program = await configured.browser()
    answer = await program.post('/api/v1/auth/tokens', headers={'X-Api-Key': ADMIN}, json=body)
    assert problem(answer) == (400, 'INVALID_REQUEST')


async def test_link_signs_in_once_and_only_when_somebody_presses_the_button(rig: Rig):
    browser = await rig.browser()
    path = rig.auth.links.make()
    for _ in range(2):  # as a program that previews links would
        shown = await browser.get(path)
        assert shown.status_code == 200
        assert '<form method="post">' in shown.text
    assert (await browser.get('/api/v1/auth/session')).status_code == 401

    used = await browser.post(path, headers={**BROWSER, 'Origin': 'http://127.0.0.1:8484'})

    assert (used.status_code, used.headers['location']) == (303, '/')
    me = (await browser.get('/api/v1/auth/session')).json()['data']
    assert (me['name'], me['role']) == ('administrator', 'admin')
    other = await rig.browser()
    assert problem(await other.post(path)) == (410, 'LINK_USED')
    assert problem(await other.get(path)) == (410, 'LINK_USED')


async def test_link_is_soon_over(rig: Rig):
    path = rig.auth.links.make()
    rig.network.clock.go(LIFETIME.total_seconds())
    browser = await rig.browser()
    assert (await browser.get(path, headers=BROWSER)).status_code == 410
    assert problem(await browser.post(path)) == (410, 'LINK_USED')


async def test_link_is_not_used_by_a_page_of_another_site(rig: Rig):
    path = rig.auth.links.make()
    browser = await rig.browser()
    answer = await browser.post(path, headers={'Origin': 'https://evil.example'})
    assert problem(answer) == (403, 'OTHER_ORIGIN')
    assert (await browser.post(path)).status_code == 200


async def test_links_cannot_be_guessed_at_length(rig: Rig):
    browser = await rig.browser()
    codes = [(await browser.post(PATH + f'guess{n}')).status_code for n in range(11)]
    assert codes == [410] * 10 + [429]


async def test_link_works_without_plextv(rig: Rig):
    rig.network.down.update({'plextv.test', 'plex.test'})
    browser = await rig.browser()
    assert (await browser.post(rig.auth.links.make())).status_code == 200
    assert rig.network.asked == []


async def test_session_of_a_link_can_be_refreshed_and_ended(rig: Rig):
    browser = await rig.browser()
    await browser.post(rig.auth.links.make())
    assert (await browser.change('POST', '/api/v1/auth/plex/refresh')).status_code == 200
    answer = await browser.change('POST', '/api/v1/auth/plex/revoke')
    assert answer.json()['data'] == {'revoked': True, 'upstream_revoked': False}


async def test_secrets_of_links_and_tokens_are_in_no_line_of_the_log(
    rig: Rig, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    browser, path = await rig.browser(), rig.auth.links.make()
    await browser.get(path)
    await browser.post(path)
    made = await browser.change('POST', '/api/v1/auth/tokens', json={'name': 'x'})
    secret = made.json()['data']['secret']
    await (await rig.browser()).get('/api/v1/auth/session', headers={'X-Api-Key': secret})
    assert 'by=x/token' in caplog.text
    assert secret not in caplog.text
    assert path.removeprefix(PATH) not in caplog.text
    assert f'{PATH}***' in caplog.text


async def test_command_makes_a_link_that_this_hub_takes(rig: Rig):
    made = sign_in_link.make(rig.hub.settings)
    assert made.url.startswith(f'http://127.0.0.1:8484{PATH}')
    assert 'no hub runs' in made.notes[1]
    # It goes by the real clock, as the hub of this test does not.
    rig.network.clock.now = made.expires_at - LIFETIME
    browser = await rig.browser()
    assert (await browser.post(made.url)).status_code == 200


async def test_socket_of_another_sites_page_hears_nothing(rig: Rig):
    owner = await rig.signed_in(rig.network.tv.owner)
    held = f'mediahub={owner.cookies["mediahub"]}'
    client, url = TestClient(rig.app), 'ws://127.0.0.1:8484/api/v1/ws'
    with (
        pytest.raises(WebSocketDisconnect) as closed,
        client.websocket_connect(
            url, headers={'Cookie': held, 'Origin': 'https://evil.example'}
        ) as socket,
    ):
        socket.receive_text()
    assert 'another site' in closed.value.reason
    with client.websocket_connect(
        url, headers={'Cookie': held, 'Origin': 'http://127.0.0.1:8484'}
    ) as socket:
        assert 'snapshot' in socket.receive_text()
