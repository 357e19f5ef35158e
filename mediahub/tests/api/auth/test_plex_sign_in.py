# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Signing in with Plex: who comes in, and who does not."""

import pathlib
from urllib.parse import parse_qs, urlsplit

import pytest

from mediahub.store.database import Database
from mediahub.testing.faults import Fault

from .conftest import BROWSER, MakeRig, Rig, problem

pytestmark = pytest.mark.anyio

TLS = 'https://hub.example'


async def test_owner_becomes_administrator(rig: Rig):
    browser = await rig.browser()

    begun = await browser.begin('/history?days=7')
    rig.confirm(begun, rig.network.tv.owner)
    answer = await browser.come_back(begun['state'], BROWSER)

    assert answer.status_code == 303
    assert answer.headers['location'] == '/history?days=7'
    me = (await browser.get('/api/v1/auth/session')).json()['data']
    assert (me['name'], me['role'], me['kind']) == ('owner', 'admin', 'session')
    assert (await browser.get('/api/v1/auth/sessions')).status_code == 200


async def test_program_is_answered_in_the_envelope(rig: Rig):
    browser = await rig.browser()
    begun = await browser.begin('/history')
    rig.confirm(begun, rig.network.tv.owner)

    answer = await browser.come_back(begun['state'])

    data = answer.json()['data']
    assert data['return_to'] == '/history'
    assert data['me']['csrf_token']


async def test_friend_becomes_viewer(rig: Rig):
    browser = await rig.signed_in(rig.network.tv.friend)

    me = (await browser.get('/api/v1/auth/session')).json()['data']
    assert (me['name'], me['role']) == ('friend', 'viewer')
    assert problem(await browser.get('/api/v1/auth/sessions')) == (403, 'FORBIDDEN')


async def test_stranger_is_told_why_not(rig: Rig):
    browser = await rig.browser()
    begun = await browser.begin()
    rig.confirm(begun, rig.network.tv.stranger)

    answer = await browser.come_back(begun['state'])

    assert problem(answer) == (403, 'NO_ACCESS')
    assert 'stranger has no access' in answer.json()['error']['message']
    assert (await browser.get('/api/v1/auth/session')).status_code == 401
    assert rig.auth.sessions.living() == []


async def test_page_for_a_stranger_is_safe_html(rig: Rig):
    browser = await rig.browser()
    begun = await browser.begin()
    mallory = rig.network.tv.user('<script>alert(1)</script>')
    rig.confirm(begun, mallory)

    answer = await browser.come_back(begun['state'], BROWSER)

    assert answer.status_code == 403
    assert answer.headers['content-type'].startswith('text/html')
    assert '<script' not in answer.text
    assert "default-src 'none'" in answer.headers['content-security-policy']
    assert answer.headers['x-frame-options'] == 'DENY'


async def test_page_of_plex_is_told_what_it_needs_and_no_pin_id(rig: Rig):
    browser = await rig.browser()

    begun = await browser.begin()

    url = urlsplit(str(begun['authorization_url']))
    given = parse_qs(url.fragment.removeprefix('?'))
    assert (url.netloc, url.path, url.query) == ('plextv.test', '/auth', '')
    assert given['clientID'] == [rig.client_id]
    assert given['context[device][product]'] == ['mediahub']
    forward = urlsplit(given['forwardUrl'][0])
    assert forward.netloc == '127.0.0.1:8484'
    assert parse_qs(forward.query) == {'state': [begun['state']]}
    (pin,) = rig.network.tv.pins.values()
    assert str(pin.id) not in begun['authorization_url'].replace(pin.code, '')


async def test_browser_is_sent_back_to_where_the_settings_say(make_rig: MakeRig):
    rig = await make_rig(PLEX_OAUTH_REDIRECT_URI=f'{TLS}/api/v1/auth/plex/callback')
    browser = await rig.browser(TLS)
    begun = await browser.begin()
    assert 'forwardUrl=https%3A%2F%2Fhub.example%2Fapi' in begun['authorization_url']


async def test_code_is_taken_and_ignored(rig: Rig):
    browser = await rig.browser()
    begun = await browser.begin()
    rig.confirm(begun, rig.network.tv.owner)
    query = {'state': begun['state'], 'code': 'whatever'}
    answer = await browser.get('/api/v1/auth/plex/callback', params=query)
    assert answer.status_code == 200


async def test_state_is_good_once(rig: Rig):
    browser = await rig.browser()
    begun = await browser.begin()
    rig.confirm(begun, rig.network.tv.owner)
    assert (await browser.come_back(begun['state'])).status_code == 200

    again = await browser.come_back(begun['state'])

    assert problem(again) == (400, 'STATE_INVALID')


async def test_other_browser_cannot_finish_and_ends_it_for_the_first(rig: Rig):
    """Mallory begins, talks the owner into confirming, and must not come in as the owner."""
    mallory, owner = await rig.browser(), await rig.browser()
    begun = await mallory.begin()
    rig.confirm(begun, rig.network.tv.owner)

    sent_back = await owner.come_back(begun['state'])
    lies_in_wait = await mallory.come_back(begun['state'])

    assert problem(sent_back) == (403, 'OTHER_BROWSER')
    assert problem(lies_in_wait) == (400, 'STATE_INVALID')
    assert rig.auth.sessions.living() == []


async def test_nobody_can_lie_in_wait_for_a_confirmation(rig: Rig):
    mallory = await rig.browser()
    begun = await mallory.begin()
    answers = [problem(await mallory.come_back(begun['state'])) for _ in range(4)]
    assert answers == [*[(409, 'PIN_PENDING')] * 3, (400, 'STATE_INVALID')]

    rig.confirm(begun, rig.network.tv.owner)

    assert problem(await mallory.come_back(begun['state'])) == (400, 'STATE_INVALID')


async def test_sign_in_without_its_cookie_is_refused(rig: Rig):
    browser = await rig.browser()
    begun = await browser.begin()
    rig.confirm(begun, rig.network.tv.owner)
    browser.cookies.clear()
    assert problem(await browser.come_back(begun['state'])) == (403, 'OTHER_BROWSER')


async def test_two_tabs_of_one_browser_both_come_in(rig: Rig):
    browser = await rig.browser()
    first, second = await browser.begin('/first'), await browser.begin('/second')
    rig.confirm(first, rig.network.tv.owner)
    rig.confirm(second, rig.network.tv.owner)

    cookies = dict(browser.cookies)
    one = await browser.come_back(first['state'], BROWSER)
    browser.cookies.update(cookies)  # the second tab had left already
    two = await browser.come_back(second['state'], BROWSER)

    assert (one.headers['location'], two.headers['location']) == ('/first', '/second')
    assert len(rig.auth.sessions.living()) == 1, 'the first session ended with the second'


async def test_pin_that_is_confirmed_late_is_waited_for(rig: Rig):
    browser = await rig.browser()
    begun = await browser.begin()
    early = await browser.come_back(begun['state'])
    assert problem(early) == (409, 'PIN_PENDING')

    rig.confirm(begun, rig.network.tv.owner)

    assert (await browser.come_back(begun['state'])).status_code == 200


async def test_pin_that_expired_says_so(rig: Rig):
    browser = await rig.browser()
    begun = await browser.begin()
    rig.network.tv.pins.clear()
    assert problem(await browser.come_back(begun['state'])) == (410, 'PIN_EXPIRED')


async def test_sign_in_that_took_too_long_is_over(rig: Rig):
    browser = await rig.browser()
    begun = await browser.begin()
    rig.confirm(begun, rig.network.tv.owner)
    rig.network.clock.go(16 * 60)
    assert problem(await browser.come_back(begun['state'])) == (400, 'STATE_INVALID')


async def test_clock_put_back_by_an_hour_hinders_nobody(rig: Rig):
    browser = await rig.browser()
    begun = await browser.begin()
    rig.network.clock.go(-3600)
    rig.confirm(begun, rig.network.tv.owner)
    assert (await browser.come_back(begun['state'])).status_code == 200


async def test_unknown_state_is_refused(rig: Rig):
    browser = await rig.browser()
    for state in ('', 'x', 'x' * 100, '\r\nSet-Cookie: a=b', '%00', 'é'):
        assert problem(await browser.come_back(state)) == (400, 'STATE_INVALID')
    assert problem(await browser.come_back('x' * 101)) == (400, 'INVALID_REQUEST')
    missing = await browser.get('/api/v1/auth/plex/callback')
    assert problem(missing) == (400, 'INVALID_REQUEST')


@pytest.mark.parametrize(
    'path',
    [
        '//evil.example',
        '/\\evil.example',
        '/%2f%2fevil.example',
        'javascript:alert(1)',
        'https://evil.example',
        '/a\r\nSet-Cookie: x=y',
        '/%5cevil',
        '',
    ],
)
async def test_nobody_is_sent_elsewhere(rig: Rig, path: str):
    browser = await rig.browser()
    answer = await browser.get('/api/v1/auth/plex/start', params={'return_to': path})
    assert problem(answer) == (400, 'INVALID_REQUEST')
    assert rig.network.asked == [], 'plex.tv was not asked'
    assert 'set-cookie' not in answer.headers


async def test_session_of_before_ends_with_a_new_sign_in(rig: Rig):
    """Nobody carries on with a session that somebody else planted."""
    browser = await rig.signed_in(rig.network.tv.friend)
    planted = dict(browser.cookies)
    begun = await browser.begin()
    rig.confirm(begun, rig.network.tv.owner)
    await browser.come_back(begun['state'])

    assert browser.cookies['mediahub'] != planted['mediahub']
    other = await rig.browser()
    other.cookies.update(planted)
    assert (await other.get('/api/v1/auth/session')).status_code == 401


async def test_made_up_session_is_not_adopted(rig: Rig):
    browser = await rig.browser()
    browser.cookies.set('mediahub', 'of-my-own-choice', domain='127.0.0.1')
    begun = await browser.begin()
    rig.confirm(begun, rig.network.tv.owner)
    answer = await browser.come_back(begun['state'])
    assert 'of-my-own-choice' not in answer.headers['set-cookie']


async def test_cookies_with_tls_are_held_to_the_host(make_rig: MakeRig):
    rig = await make_rig(MEDIAHUB_PUBLIC_URL=TLS)
    browser = await rig.browser(TLS)
    begun = await browser.begin()
    rig.confirm(begun, rig.network.tv.owner)
    answer = await browser.come_back(begun['state'])

    session, flow = answer.headers.get_list('set-cookie')
    for cookie, name in ((session, '__Host-mediahub='), (flow, '__Host-plex_flow=')):
        assert cookie.startswith(name)
        assert {'Secure', 'HttpOnly', 'Path=/', 'SameSite=lax'} <= set(cookie.split('; '))
    assert 'Max-Age=0' in flow
    assert (await browser.get('/api/v1/auth/session')).status_code == 200


async def test_host_that_is_not_ours_begins_nothing(rig: Rig):
    browser = await rig.browser('http://evil.example')
    answer = await browser.get('/api/v1/auth/plex/start')
    assert problem(answer) == (400, 'HOST_NOT_ALLOWED')
    assert 'evil' not in answer.text
    assert rig.network.asked == []


async def test_forwarded_host_is_not_believed(rig: Rig):
    browser = await rig.browser()
    answer = await browser.get(
        '/api/v1/auth/plex/start',
        headers={'X-Forwarded-Host': 'evil.example', 'Forwarded': 'host=evil.example'},
    )
    assert 'evil' not in answer.text


async def test_page_of_another_site_begins_nothing(rig: Rig):
    browser = await rig.browser()
    for headers in ({'Sec-Fetch-Site': 'cross-site'}, {'Origin': 'https://evil.example'}):
        answer = await browser.get('/api/v1/auth/plex/start', headers=headers)
        assert problem(answer) == (403, 'OTHER_ORIGIN')
    assert rig.network.asked == []


async def test_plextv_that_is_down_is_said_with_a_way_out(rig: Rig):
    rig.network.down.add('plextv.test')
    browser = await rig.browser()

    answer = await browser.get('/api/v1/auth/plex/start')

    assert problem(answer) == (502, 'PLEXTV_ERROR')
    assert 'mediahub sign-in' in answer.json()['error']['message']


async def test_plextv_that_goes_down_on_the_way_costs_nothing(rig: Rig):
    browser = await rig.browser()
    begun = await browser.begin()
    rig.confirm(begun, rig.network.tv.owner)
    rig.network.down.add('plextv.test')
    for _ in range(4):
        assert problem(await browser.come_back(begun['state'])) == (502, 'PLEXTV_ERROR')

    rig.network.down.clear()

    assert (await browser.come_back(begun['state'])).status_code == 200


async def test_plextv_that_has_enough_of_us_is_left_alone(rig: Rig):
    rig.network.tv.faults.add(Fault('/api/v2/pins', 429, headers={'Retry-After': '42'}))
    browser = await rig.browser()
    answer = await browser.get('/api/v1/auth/plex/start')
    assert problem(answer) == (503, 'PLEXTV_ERROR')
    assert answer.headers['retry-after'] == '42'


GARBAGE = [b'', b'{', b'<html>', b'[]', b'null', b'{"id": {}}', b'\xff\xfe', b'"secret-token"']


@pytest.mark.parametrize('body', GARBAGE)
@pytest.mark.parametrize('path', ['/api/v2/pins', '/api/v2/user', '/api/v2/resources'])
async def test_garbage_of_plextv_lets_nobody_in(
    rig: Rig, path: str, body: bytes, caplog: pytest.LogCaptureFixture
):
    browser = await rig.browser()
    if path == '/api/v2/pins':
        rig.network.tv.faults.add(Fault(path, body=body))
        answer = await browser.get('/api/v1/auth/plex/start')
    else:
        begun = await browser.begin()
        rig.confirm(begun, rig.network.tv.owner)
        rig.network.tv.faults.add(Fault(path, body=body))
        answer = await browser.come_back(begun['state'])

    if path == '/api/v2/resources' and body == b'[]':
        assert problem(answer) == (403, 'NO_ACCESS')
    else:
        assert problem(answer) == (502, 'PLEXTV_ERROR')
    assert 'secret' not in answer.text + caplog.text
    assert rig.auth.sessions.living() == []


@pytest.mark.parametrize('status', [301, 400, 401, 403, 418, 500, 503])
async def test_other_answers_of_plextv_let_nobody_in(rig: Rig, status: int):
    browser = await rig.browser()
    begun = await browser.begin()
    rig.confirm(begun, rig.network.tv.owner)
    rig.network.tv.faults.add(Fault('/api/v2/resources', status))
    answer = await browser.come_back(begun['state'])
    assert problem(answer) == (502, 'PLEXTV_ERROR')
    assert rig.auth.sessions.living() == []


async def test_server_that_never_answered_does_not_look_like_no_access(rig: Rig):
    rig.network.down.add('plex.test')
    browser = await rig.browser()
    begun = await browser.begin()
    rig.confirm(begun, rig.network.tv.owner)
    answer = await browser.come_back(begun['state'])
    assert problem(answer) == (503, 'PLEX_ERROR')
    assert 'plex does not answer' in answer.json()['error']['message']


async def test_server_that_is_down_is_remembered(rig: Rig, make_rig: MakeRig):
    await rig.signed_in(rig.network.tv.owner)
    rig.network.down.add('plex.test')

    restarted = await make_rig()

    await restarted.signed_in(rig.network.tv.owner)


async def test_server_is_asked_who_it_is_once_and_without_the_token(rig: Rig):
    for _ in range(3):
        await rig.signed_in(rig.network.tv.owner)
    asked = [asked for host, asked in rig.network.asked if host == 'plex.test']
    assert [one.path for one in asked] == ['/identity']
    assert rig.network.plex.token not in repr(asked)


async def test_signing_in_goes_on_after_a_restart(rig: Rig, make_rig: MakeRig):
    browser = await rig.browser()
    begun = await browser.begin()
    rig.confirm(begun, rig.network.tv.owner)

    restarted = await make_rig()
    other = await restarted.browser()
    other.cookies.update(dict(browser.cookies))

    assert (await other.come_back(begun['state'])).status_code == 200


async def test_users_token_is_kept_nowhere(rig: Rig, tmp_path: pathlib.Path, database: Database):
    await rig.signed_in(rig.network.tv.owner)
    tokens = {pin.token for pin in rig.network.tv.pins.values()}
    assert len(tokens) == 1
    tables = [row[0] for row in database.rows('SHOW TABLES')]
    held = repr([database.rows(f'FROM {table}') for table in tables])
    files = b''.join(file.read_bytes() for file in tmp_path.rglob('*') if file.is_file())
    for token in tokens:
        assert token not in held
        assert token.encode() not in files
    assert rig.network.count('/api/v2/users/signout') == 0


async def test_hub_may_be_for_owners_alone(rig: Rig, make_rig: MakeRig):
    friend = await rig.signed_in(rig.network.tv.friend)
    owner = await rig.signed_in(rig.network.tv.owner)

    closed = await make_rig(MEDIAHUB_SHARED_USERS='false')

    codes = list[int]()
    for browser in (friend, owner):
        same = await closed.browser()
        same.cookies.update(dict(browser.cookies))
        codes.append((await same.get('/api/v1/auth/session')).status_code)
    assert codes == [401, 200], 'sessions of before count no longer'
    browser = await closed.browser()
    begun = await browser.begin()
    closed.confirm(begun, closed.network.tv.friend)
    answer = await browser.come_back(begun['state'])
    assert problem(answer) == (403, 'NO_ACCESS')
    assert 'only owners' in answer.json()['error']['message']
    await closed.signed_in(closed.network.tv.owner)


async def test_full_disk_is_said_to_the_browser_too(rig: Rig, database: Database):
    browser = await rig.browser()
    begun = await browser.begin()
    rig.confirm(begun, rig.network.tv.owner)
    database.execute('DROP TABLE auth_sessions')
    answer = await browser.come_back(begun['state'], BROWSER)
    assert answer.status_code == 503
    assert answer.headers['content-type'].startswith('text/html')
    assert 'auth_sessions' not in answer.text
