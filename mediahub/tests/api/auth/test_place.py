# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import pytest
from starlette.requests import HTTPConnection
from starlette.responses import Response

from mediahub import settings
from mediahub.api.auth import place, returning, tickets
from mediahub.api.envelope import Problem


def connection(
    host: str = '127.0.0.1:8484',
    scheme: str = 'http',
    method: str = 'GET',
    kind: str = 'http',
    **headers: str,
) -> HTTPConnection:
    sent = [(b'host', host.encode())]
    sent += [(n.replace('_', '-').encode(), v.encode()) for n, v in headers.items()]
    scope = {'type': kind, 'scheme': scheme, 'method': method, 'headers': sent, 'path': '/'}
    return HTTPConnection(scope)


def set_to(**environ: str) -> settings.Settings:
    return settings.load(environ)


@pytest.mark.parametrize(
    'host',
    ['127.0.0.1:8484', '192.168.1.5', '[::1]:8484', 'localhost', 'Hub.Localhost:80', '10.1.2.3'],
)
def test_addresses_and_localhost_are_ours(host: str):
    assert place.of(connection(host), set_to()).authority == host.lower().removesuffix(':80')


@pytest.mark.parametrize(
    'host',
    [
        'evil.example',
        '',
        'localhost.evil.example',
        'a b',
        '127.0.0.1@evil.example',
        '127.0.0.1/x',
        '[::1',
        '127.0.0.1:999999',
        '127.1.evil.example',
    ],
)
def test_other_hosts_are_not(host: str):
    with pytest.raises(Problem) as found:
        place.of(connection(host), set_to())
    assert found.value.code == 'HOST_NOT_ALLOWED'
    assert not host or host not in found.value.message


def test_named_hosts_are_ours():
    chosen = set_to(
        MEDIAHUB_PUBLIC_URL='https://hub.example', MEDIAHUB_ALLOWED_HOSTS='nas.lan, hub'
    )
    for host in ('hub.example', 'nas.lan:8484', 'hub'):
        place.of(connection(host), chosen)


def test_tls_is_known_from_connection_and_public_url():
    chosen = set_to(MEDIAHUB_PUBLIC_URL='https://hub.example')
    assert place.of(connection('hub.example'), chosen).origin == 'https://hub.example'
    assert place.of(connection('hub.example:443', 'https'), chosen).secure
    assert not place.of(connection('10.0.0.5:8484'), chosen).secure
    assert not place.of(connection('hub.example:8484'), chosen).secure
    assert place.of(connection('localhost', 'wss', kind='websocket'), chosen).secure


def test_callback_is_where_the_settings_say():
    here = place.of(connection('10.0.0.5:8484'), set_to())
    assert place.callback(here, set_to()) == f'http://10.0.0.5:8484{settings.CALLBACK}'
    public = set_to(MEDIAHUB_PUBLIC_URL='https://hub.example')
    assert place.callback(here, public) == f'https://hub.example{settings.CALLBACK}'
    own = set_to(PLEX_OAUTH_REDIRECT_URI='https://hub.example/back')
    assert place.callback(here, own) == 'https://hub.example/back'


def cookie(response: Response) -> str:
    return response.headers['set-cookie']


def test_cookies_with_tls_are_held_to_the_host():
    response = Response()
    place.keep_ticket(response, place.Place('https', 'hub.example'), 'T', 60)
    assert cookie(response) == (
        '__Host-mediahub=T; HttpOnly; Max-Age=60; Path=/; SameSite=lax; Secure'
    )


def test_cookies_without_tls_work_on_a_local_network():
    response = Response()
    place.keep_ticket(response, place.Place('http', '10.0.0.5'), 'T', 60)
    assert cookie(response) == 'mediahub=T; HttpOnly; Max-Age=60; Path=/; SameSite=lax'


def test_plain_cookie_does_not_count_with_tls():
    chosen = set_to(MEDIAHUB_PUBLIC_URL='https://hub.example')
    sent = connection('hub.example', cookie='mediahub=planted; plex_flow=' + 'v' * 43)
    here = place.of(sent, chosen)
    assert place.ticket(sent, here) == ''
    assert place.verifiers(sent, here) == []


def test_browser_keeps_the_verifiers_of_a_few_tabs():
    here, response = place.Place('http', '10.0.0.5'), Response()
    held = [tickets.fresh() for _ in range(6)]
    place.keep_verifiers(response, here, held, 60)
    value = cookie(response).split(';')[0].removeprefix('plex_flow=')
    sent = connection(cookie=f'plex_flow={value}.short')
    assert place.verifiers(sent, here) == held[-place.TABS :]


HERE = place.Place('http', '127.0.0.1:8484')
HELD = 'ticket-of-a-session'


def test_reading_needs_no_more_than_the_cookie():
    place.guard(connection(), HERE, HELD)


@pytest.mark.parametrize('method', ['POST', 'DELETE', 'PUT', 'PATCH'])
def test_changing_needs_the_token_of_the_session(method: str):
    right = {'x_csrf_token': place.csrf(HELD)}
    place.guard(connection(method=method, **right), HERE, HELD)
    place.guard(connection(method=method, origin='http://127.0.0.1:8484', **right), HERE, HELD)
    place.guard(connection(method=method, sec_fetch_site='same-origin', **right), HERE, HELD)
    for wrong in (
        {},
        {'x_csrf_token': place.csrf('other')},
        {'x_csrf_token': ''},
        {'origin': 'https://evil.example', **right},
        {'origin': 'null', **right},
        {'sec_fetch_site': 'cross-site', **right},
        {'sec_fetch_site': 'same-site', **right},
        {'sec_fetch_site': 'same-origin', 'origin': 'http://127.0.0.1:9999', **right},
    ):
        with pytest.raises(Problem) as found:
            place.guard(connection(method=method, **wrong), HERE, HELD)
        assert found.value.status == 403
        assert place.csrf(HELD) not in found.value.message


def test_websocket_is_only_opened_by_our_own_page():
    place.guard(connection(kind='websocket', origin='http://127.0.0.1:8484'), HERE, HELD)
    for origin in ('https://evil.example', 'null', ''):
        with pytest.raises(Problem, match='another site'):
            place.guard(connection(kind='websocket', origin=origin), HERE, HELD)


@pytest.mark.parametrize('path', ['/', '/history', '/a/b?c=d&e=%20f#/g', '/a//b', '/@x', '/a:b'])
def test_paths_of_ours_are_returned_to(path: str):
    assert returning.checked(path) == path


@pytest.mark.parametrize(
    'path',
    [
        '',
        'history',
        '//evil.example',
        '///evil.example',
        '/\\evil.example',
        '\\\\evil.example',
        '\\evil',
        '/%2f%2fevil.example',
        '/%2Fevil.example',
        '/%252fevil.example',
        '/%25252fevil.example',
        '/%5cevil.example',
        '/%5c%5cevil.example',
        '/a\\b',
        '/%09/evil.example',
        '/\t/evil.example',
        'javascript:alert(1)',
        'https://evil.example',
        'https:/evil.example',
        '/a\r\nSet-Cookie: x=y',
        '/a%0d%0aSet-Cookie:%20x=y',
        '/a\x00',
        '/ü',
        '/' + 'a' * 600,
        ' /a',
        '/ a',
        '/<script>',
    ],
)
def test_paths_that_lead_elsewhere_are_refused(path: str):
    with pytest.raises(Problem) as found:
        returning.checked(path)
    assert found.value.status == 400
