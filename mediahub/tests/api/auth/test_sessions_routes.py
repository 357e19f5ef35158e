# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What a session is good for, and how it ends."""

import logging

import pytest

from mediahub.api.auth import place, throttle
from mediahub.store.database import Database

from .conftest import MakeRig, Rig, problem

pytestmark = pytest.mark.anyio


async def test_nobody_is_let_in_without_a_sign_in(rig: Rig):
    browser = await rig.browser()
    answer = await browser.get('/api/v1/auth/session')
    assert problem(answer) == (401, 'UNAUTHORIZED')
    assert answer.headers['www-authenticate'] == 'Bearer'


async def test_refreshing_gives_another_ticket_and_csrf_token(rig: Rig):
    browser = await rig.signed_in(rig.network.tv.owner)
    before = browser.cookies['mediahub']
    csrf = (await browser.get('/api/v1/auth/session')).json()['data']['csrf_token']

    answer = await browser.change('POST', '/api/v1/auth/plex/refresh')

    data = answer.json()['data']
    assert answer.status_code == 200
    assert data['upstream_checked'] is False, 'the older way keeps no token to ask with'
    assert browser.cookies['mediahub'] != before
    assert data['me']['csrf_token'] != csrf
    assert (await browser.change('POST', '/api/v1/auth/plex/refresh')).status_code == 200
    stolen = await rig.browser()
    stolen.cookies.set('mediahub', before, domain='127.0.0.1')
    rig.network.clock.go(31)
    assert (await stolen.get('/api/v1/auth/session')).status_code == 401


async def test_two_tabs_that_refresh_at_once_stay_signed_in(rig: Rig):
    browser = await rig.signed_in(rig.network.tv.owner)
    held = browser.cookies['mediahub']
    headers = {'X-CSRF-Token': place.csrf(held), 'Cookie': f'mediahub={held}'}
    first = await browser.post('/api/v1/auth/plex/refresh', headers=headers)
    second = await browser.post('/api/v1/auth/plex/refresh', headers=headers)
    assert (first.status_code, second.status_code) == (200, 200)
    assert 'set-cookie' not in second.headers
    rig.network.clock.go(60)
    assert (await browser.get('/api/v1/auth/session')).status_code == 200


async def test_revoking_ends_the_session_at_once(rig: Rig):
    browser = await rig.signed_in(rig.network.tv.owner)
    held = browser.cookies['mediahub']

    answer = await browser.change('POST', '/api/v1/auth/plex/revoke')

    assert answer.json()['data'] == {'revoked': True, 'upstream_revoked': False}
    assert 'mediahub' not in browser.cookies
    browser.cookies.set('mediahub', held, domain='127.0.0.1')
    assert problem(await browser.get('/api/v1/auth/session')) == (401, 'UNAUTHORIZED')


async def test_token_at_plex_is_left_alone_in_the_older_way(rig: Rig):
    """What is at plex.tv under our identifier may be in use elsewhere, such as PLEX_TOKEN."""
    browser = await rig.signed_in(rig.network.tv.owner)
    await browser.change('POST', '/api/v1/auth/plex/revoke')
    assert rig.network.count('/api/v2/users/signout') == 0


@pytest.mark.parametrize(
    ('method', 'path'),
    [
        ('POST', 'plex/refresh'),
        ('POST', 'plex/revoke'),
        ('POST', 'tokens'),
        ('DELETE', 'tokens/x'),
        ('DELETE', 'sessions'),
        ('DELETE', 'sessions/x'),
    ],
)
async def test_changes_need_the_csrf_token_of_the_session(rig: Rig, method: str, path: str):
    browser = await rig.signed_in(rig.network.tv.owner)
    other = await rig.signed_in(rig.network.tv.owner)
    url = f'/api/v1/auth/{path}'

    assert problem(await browser.request(method, url)) == (403, 'CSRF')
    wrong = {'X-CSRF-Token': place.csrf(other.cookies['mediahub'])}
    assert problem(await browser.request(method, url, headers=wrong)) == (403, 'CSRF')
    right = {'X-CSRF-Token': place.csrf(browser.cookies['mediahub'])}
    for hint in ({'Origin': 'https://evil.example'}, {'Sec-Fetch-Site': 'cross-site'}):
        answer = await browser.request(method, url, headers={**right, **hint})
        assert problem(answer) == (403, 'OTHER_ORIGIN')
    assert len(rig.auth.sessions.living()) == 2


async def test_session_ends_when_it_is_idle(rig: Rig):
    browser = await rig.signed_in(rig.network.tv.owner)
    rig.network.clock.go(3 * 86400 - 1)
    assert (await browser.get('/api/v1/auth/session')).status_code == 200
    rig.network.clock.go(3 * 86400)
    assert problem(await browser.get('/api/v1/auth/session')) == (401, 'UNAUTHORIZED')


async def test_session_outlives_a_restart(rig: Rig, make_rig: MakeRig):
    browser = await rig.signed_in(rig.network.tv.owner)
    restarted = await make_rig()
    other = await restarted.browser()
    other.cookies.update(dict(browser.cookies))
    assert (await other.get('/api/v1/auth/session')).status_code == 200


async def test_administrator_sees_and_ends_sessions(rig: Rig):
    owner = await rig.signed_in(rig.network.tv.owner)
    friend = await rig.signed_in(rig.network.tv.friend)

    listed = (await owner.get('/api/v1/auth/sessions')).json()['data']

    assert {(one['session']['name'], one['mine']) for one in listed} == {
        ('owner', True),
        ('friend', False),
    }
    assert owner.cookies['mediahub'] not in str(listed)
    (key,) = (one['session']['key'] for one in listed if not one['mine'])
    assert (await owner.change('DELETE', f'/api/v1/auth/sessions/{key}')).status_code == 200
    assert (await friend.get('/api/v1/auth/session')).status_code == 401
    gone = await owner.change('DELETE', f'/api/v1/auth/sessions/{key}')
    assert problem(gone) == (404, 'NOT_FOUND')


async def test_administrator_ends_all_sessions_but_the_one_that_asks(rig: Rig):
    owner = await rig.signed_in(rig.network.tv.owner)
    others = [await rig.signed_in(rig.network.tv.friend) for _ in range(2)]

    answer = await owner.change('DELETE', '/api/v1/auth/sessions')

    assert answer.json()['data'] == {'ended': 2}
    assert (await owner.get('/api/v1/auth/session')).status_code == 200
    assert [(await other.get('/api/v1/auth/session')).status_code for other in others] == [401] * 2
    answer = await owner.change('DELETE', '/api/v1/auth/sessions?mine=true')
    assert answer.json()['data'] == {'ended': 1}
    assert (await owner.get('/api/v1/auth/session')).status_code == 401


async def test_viewer_changes_nothing(rig: Rig):
    friend = await rig.signed_in(rig.network.tv.friend)
    for method, path in (
        ('GET', 'sessions'),
        ('DELETE', 'sessions'),
        ('GET', 'tokens'),
        ('POST', 'tokens'),
        ('DELETE', 'tokens/x'),
    ):
        answer = await friend.change(method, f'/api/v1/auth/{path}')
        assert problem(answer)[0] in {400, 403}
        assert answer.status_code == 403 or path == 'tokens'
    assert (await rig.auth.sessions.end('nobody')) is False


async def test_cookie_is_not_taken_at_a_host_that_is_not_ours(rig: Rig):
    browser = await rig.browser('http://evil.example')
    browser.cookies.set('mediahub', 'anything', domain='evil.example')
    assert problem(await browser.get('/api/v1/auth/session')) == (400, 'HOST_NOT_ALLOWED')


async def test_disk_that_is_full_ends_no_session(rig: Rig, database: Database):
    browser = await rig.signed_in(rig.network.tv.owner)
    database.execute('ALTER TABLE auth_sessions RENAME TO away')
    assert (await browser.get('/api/v1/auth/session')).status_code == 200
    answer = await browser.change('POST', '/api/v1/auth/plex/refresh')
    assert problem(answer) == (503, 'STORE_ERROR')
    assert (await browser.get('/api/v1/auth/session')).status_code == 200


async def test_wrong_tickets_are_counted_by_address(rig: Rig, seconds: object):
    signed_in = await rig.signed_in(rig.network.tv.owner)
    mallory = await rig.browser()
    mallory.cookies.set('mediahub', 'guess', domain='127.0.0.1')
    codes = [
        (await mallory.get('/api/v1/auth/session')).status_code
        for _ in range(throttle.WRONG.amount + 1)
    ]
    assert codes == [401] * throttle.WRONG.amount + [429]
    assert (await signed_in.get('/api/v1/auth/session')).status_code == 200


async def test_account_that_asks_too_much_waits(make_rig: MakeRig):
    rig = await make_rig(MEDIAHUB_RATE_LIMIT='5')
    browser = await rig.signed_in(rig.network.tv.owner)
    other = await rig.signed_in(rig.network.tv.friend)
    asked = len(rig.network.asked)
    answers = [await browser.get('/api/v1/auth/session') for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert answers[-1].headers['retry-after'] == '60'
    assert (await other.get('/api/v1/auth/session')).status_code == 200
    assert len(rig.network.asked) == asked, 'no limit makes the hub ask anybody'


async def test_signing_in_is_limited_by_address_and_in_all(rig: Rig):
    browser = await rig.browser()
    for _ in range(throttle.START.amount):
        await browser.begin()
    refused = await browser.get('/api/v1/auth/plex/start')
    assert problem(refused) == (429, 'RATE_LIMITED')
    begun = throttle.START.amount
    for number in range(3, 10):
        other = await rig.browser(address=f'192.0.2.{number}')
        for _ in range(throttle.START.amount):
            begun += (await other.get('/api/v1/auth/plex/start')).status_code == 200
    assert begun == throttle.START_OF_ALL.amount
    assert rig.network.count('/api/v2/pins') == begun


async def test_coming_back_is_limited(rig: Rig):
    browser = await rig.browser()
    codes = [(await browser.come_back('x')).status_code for _ in range(21)]
    assert codes == [400] * 20 + [429]


async def test_session_is_named_in_the_log_and_no_secret_is(
    rig: Rig, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    browser = await rig.signed_in(rig.network.tv.owner)
    await browser.change('POST', '/api/v1/auth/plex/refresh')
    await browser.get('/api/v1/auth/session')
    assert 'owner signed in by plex as admin' in caplog.text
    assert 'by=owner/session' in caplog.text
    assert browser.cookies['mediahub'] not in caplog.text


async def test_users_of_one_address_are_told_apart_by_a_trusted_proxy(rig: Rig):
    """The address in a header counts for nothing unless a trusted proxy sends it."""
    browser = await rig.browser()
    codes = list[int]()
    for number in range(throttle.START.amount + 1):
        headers = {'X-Forwarded-For': f'198.51.100.{number}', 'X-Real-IP': f'198.51.100.{number}'}
        answer = await browser.get('/api/v1/auth/plex/start', headers=headers)
        codes.append(answer.status_code)
    assert codes == [200] * throttle.START.amount + [429]


async def test_webhooks_have_a_limit_of_their_own_that_plex_never_reaches(make_rig: MakeRig):
    rig = await make_rig(ENABLE_PLEX_SYNC='true', ENABLE_PLEX_WEBHOOKS='true')
    sender, other = await rig.browser(), await rig.browser(address='192.0.2.8')
    for _ in range(throttle.WEBHOOKS.amount - 1):
        rig.auth.admit_webhook('192.0.2.7')
    body = {'event': 'media.play', 'Server': {'uuid': 'of-somebody'}}

    taken = await sender.post('/api/v1/plex/webhook', json=body)
    refused = await sender.post('/api/v1/plex/webhook', json=body)

    assert problem(taken) == (403, 'UNKNOWN_SERVER')
    assert problem(refused) == (429, 'RATE_LIMITED')
    assert problem(await other.post('/api/v1/plex/webhook', json=body))[0] == 403
    assert rig.network.asked == [], 'the limit asks nobody'
