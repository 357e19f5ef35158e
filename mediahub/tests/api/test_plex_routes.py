# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The seed's endpoints against a living Plex on a port."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import httpx2
import pytest

from mediahub.testing import plex_delivery
from mediahub.testing.clocks import HandClock
from mediahub.testing.faults import Fault
from mediahub.testing.plex_living import LivingPlex

from .conftest import MakeHub, Visit

pytestmark = pytest.mark.anyio

ADMIN, VIEWER = 'admin-token', 'viewer-token'

READS = [
    'plex/sessions',
    'plex/identity',
    'plex/capabilities',
    'plex/devices',
    'plex/accounts',
    'plex/activities',
    'plex/playlists',
    'plex/library/sections',
    'plex/library/onDeck',
    'plex/transcode/sessions',
]


@pytest.fixture
def second_plex(hand_clock: HandClock) -> Generator[LivingPlex]:
    made = LivingPlex(hand_clock, machine='machine-of-the-attic', name='attic', token='t' * 20)
    with made.served():
        yield made


def data(response: httpx2.Response) -> Any:
    body = response.json()
    assert (response.status_code, body['status']) == (200, 'success'), body
    assert set(body['metadata']) == {'timestamp', 'query_time_ms', 'cached'}
    return body['data']


def code(response: httpx2.Response) -> tuple[int, str]:
    return response.status_code, response.json()['error']['code']


def film(plex: LivingPlex) -> str:
    return next(row.id for row in plex.shelves.rows.values() if row.title == 'The Long Ferry')


@pytest.mark.parametrize('path', READS)
async def test_every_read_answers_in_the_envelope(
    visit: Visit, make_hub: MakeHub, living_plex: LivingPlex, path: str
):
    async with visit(make_hub(living_plex), token=VIEWER) as client:
        assert data(await client.get(f'/api/v1/{path}')) is not None


@pytest.mark.parametrize('path', [*READS, 'plex/library/metadata/7'])
async def test_every_read_needs_a_sign_in(visit: Visit, path: str):
    async with visit() as client:
        assert code(await client.get(f'/api/v1/{path}')) == (401, 'UNAUTHORIZED')


@pytest.mark.parametrize('path', [*READS, 'plex/library/metadata/7'])
async def test_hub_without_a_server_says_so(visit: Visit, make_hub: MakeHub, path: str):
    hub = make_hub()
    hub.servers = type(hub.servers)()
    async with visit(hub, token=VIEWER) as client:
        assert code(await client.get(f'/api/v1/{path}')) == (503, 'PLEX_DISABLED')


async def test_sessions_show_what_plays(visit: Visit, make_hub: MakeHub, living_plex: LivingPlex):
    anna = living_plex.person('Anna')
    living_plex.play(anna, living_plex.device('Living room'), film(living_plex))

    async with visit(make_hub(living_plex), token=VIEWER) as client:
        (session,) = data(await client.get('/api/v1/plex/sessions'))

    assert session['item']['title'] == 'The Long Ferry'
    assert session['viewer']['name'] == 'Anna'


async def test_only_administrators_see_addresses(
    visit: Visit, make_hub: MakeHub, living_plex: LivingPlex
):
    living_plex.play(
        living_plex.person('Anna'), living_plex.device('Living room'), film(living_plex)
    )
    shown = dict[str, Any]()
    for token in (ADMIN, VIEWER):
        async with visit(make_hub(living_plex), token=token) as client:
            (session,) = data(await client.get('/api/v1/plex/sessions'))
            shown[token] = session['player']['address']

    assert shown[ADMIN]
    assert not shown[VIEWER]


async def test_ten_pages_cost_one_request(
    visit: Visit, make_hub: MakeHub, living_plex: LivingPlex
):
    async with visit(make_hub(living_plex), token=VIEWER) as client:
        first = (await client.get('/api/v1/plex/library/sections')).json()
        living_plex.faults.add(Fault(status=500))
        again = (await client.get('/api/v1/plex/library/sections')).json()

    assert (first['metadata']['cached'], again['metadata']['cached']) == (False, True)
    assert again['data'] == first['data']


async def test_item_is_found_by_its_key(visit: Visit, make_hub: MakeHub, living_plex: LivingPlex):
    async with visit(make_hub(living_plex), token=VIEWER) as client:
        found = data(await client.get(f'/api/v1/plex/library/metadata/{film(living_plex)}'))
        missing = await client.get('/api/v1/plex/library/metadata/999999')

    assert found['item']['title'] == 'The Long Ferry'
    assert code(missing) == (404, 'NOT_FOUND')


@pytest.mark.parametrize(
    'key',
    [
        '..%2f..%2fstatus%2fsessions',
        '%2e%2e',
        '..',
        '7%2fchildren',
        '7%252f..',
        '7%00',
        '7%0d%0aX-Evil:1',
        '7;x',
        '7?x',
        '7,8',
        '%ff',
        'a' * 65,
        '7%20',
        '7%5c..',
        'caf%C3%A9',
    ],
)
async def test_tricks_in_a_rating_key_reach_no_server(
    visit: Visit,
    make_hub: MakeHub,
    living_plex: LivingPlex,
    caplog: pytest.LogCaptureFixture,
    key: str,
):
    caplog.set_level('INFO', 'mediahub.requests')
    url = httpx2.URL(f'http://hub.test/api/v1/plex/library/metadata/{key}')
    raw = url.copy_with(raw_path=f'/api/v1/plex/library/metadata/{key}'.encode())
    async with visit(make_hub(living_plex), token=VIEWER) as client:
        response = await client.get(raw)

    assert response.status_code in {400, 404}
    lines = [entry.getMessage() for entry in caplog.records if entry.name == 'mediahub.requests']
    assert len(lines) == 1
    assert '\n' not in lines[0]
    if '?' not in key:
        assert response.json()['error']['code'] in {'INVALID_REQUEST', 'NOT_FOUND'}


@pytest.mark.parametrize('key', ['..%2f..', '.', '.hidden', 'a%2fb', 'a%0d%0ab', 'x' * 129])
async def test_tricks_in_a_session_key_reach_no_server(
    visit: Visit, make_hub: MakeHub, living_plex: LivingPlex, key: str
):
    path = f'/api/v1/plex/transcode/sessions/{key}'
    raw = httpx2.URL('http://hub.test/').copy_with(raw_path=path.encode())
    async with visit(make_hub(living_plex), token=ADMIN) as client:
        assert (await client.delete(raw)).status_code in {400, 404, 405}


async def test_transcode_is_cancelled_by_administrators_alone(
    visit: Visit, make_hub: MakeHub, living_plex: LivingPlex
):
    living_plex.play(
        living_plex.person('Anna'),
        living_plex.device('Living room'),
        film(living_plex),
        plex_delivery.picture('720'),
    )
    hub = make_hub(living_plex)
    async with visit(hub, token=VIEWER) as client:
        (running,) = data(await client.get('/api/v1/plex/transcode/sessions'))
        path = f'/api/v1/plex/transcode/sessions/{running["key"]}'
        assert code(await client.delete(path)) == (403, 'FORBIDDEN')
    async with visit(hub, token=ADMIN) as client:
        assert data(await client.delete(path))['key'] == running['key']
        assert data(await client.get('/api/v1/plex/transcode/sessions')) == []
        assert code(await client.delete(path)) == (404, 'NOT_FOUND')


async def test_session_is_ended_with_a_message(
    visit: Visit, make_hub: MakeHub, living_plex: LivingPlex
):
    session = living_plex.play(
        living_plex.person('Anna'), living_plex.device('Living room'), film(living_plex)
    )
    hub = make_hub(living_plex)
    body = {'session_id': session.id, 'message': 'The server\r\nrestarts.'}
    async with visit(hub, token=VIEWER) as client:
        assert code(await client.post('/api/v1/plex/sessions/terminate', json=body)) == (
            403,
            'FORBIDDEN',
        )
    async with visit(hub, token=ADMIN) as client:
        data(await client.post('/api/v1/plex/sessions/terminate', json=body))

    assert not session.live


@pytest.mark.parametrize(
    'body',
    [
        {},
        {'session_id': 'a', 'play_id': '0' * 36},
        {'session_id': '../..'},
        {'play_id': 'nonsense'},
        {'session_id': 'a', 'message': 'x' * 501},
        {'session_id': 'a', 'server': 'a\nb'},
        {'session_id': 'a', 'unknown': 1},
        [],
        'x',
    ],
)
async def test_nonsense_is_no_session_to_end(visit: Visit, body: Any):
    async with visit(token=ADMIN) as client:
        response = await client.post('/api/v1/plex/sessions/terminate', json=body)

    assert code(response) == (400, 'INVALID_REQUEST')


async def test_play_that_is_over_cannot_be_ended(visit: Visit):
    body = {'play_id': '00000000-0000-0000-0000-000000000000'}
    async with visit(token=ADMIN) as client:
        response = await client.post('/api/v1/plex/sessions/terminate', json=body)

    assert code(response) == (404, 'NOT_FOUND')


async def test_one_of_several_servers_is_named(
    visit: Visit, make_hub: MakeHub, living_plex: LivingPlex, second_plex: LivingPlex
):
    hub = make_hub(living_plex, second_plex)
    async with visit(hub, token=VIEWER) as client:
        unclear = await client.get('/api/v1/plex/identity')
        by_name = await client.get('/api/v1/plex/identity', params={'server': 'attic'})
        by_machine = await client.get(
            '/api/v1/plex/identity', params={'server': living_plex.machine}
        )
        unknown = await client.get('/api/v1/plex/identity', params={'server': 'cellar'})

    assert code(unclear) == (400, 'INVALID_REQUEST')
    assert 'attic' in unclear.json()['error']['message']
    assert data(by_name)['machine_id'] == 'machine-of-the-attic'
    assert data(by_machine)['machine_id'] == living_plex.machine
    assert code(unknown) == (404, 'UNKNOWN_SERVER')
    assert unknown.json()['error']['details'] == {'servers': ['Double', 'attic']}


@pytest.mark.parametrize(
    ('fault', 'expected'),
    [
        (Fault(status=500), (502, 'PLEX_ERROR')),
        (Fault(status=401), (502, 'PLEX_ERROR')),
        (Fault(status=403), (502, 'PLEX_ERROR')),
        (Fault(status=429, headers={'Retry-After': '30'}), (503, 'PLEX_ERROR')),
        (Fault(body=b'<html>'), (502, 'PLEX_ERROR')),
        (Fault(reset=True), (502, 'PLEX_ERROR')),
    ],
)
async def test_failure_of_the_server_has_its_code_and_no_token(
    visit: Visit,
    make_hub: MakeHub,
    living_plex: LivingPlex,
    fault: Fault,
    expected: tuple[int, str],
):
    living_plex.faults.add(fault)
    async with visit(make_hub(living_plex), token=VIEWER) as client:
        response = await client.get('/api/v1/plex/accounts')

    assert code(response) == expected
    assert living_plex.token not in response.text
    if fault.status == 429:
        assert response.headers['retry-after'] == '30'


async def test_change_rings_the_bell_of_its_server(
    visit: Visit, make_hub: MakeHub, living_plex: LivingPlex
):
    session = living_plex.play(
        living_plex.person('Anna'), living_plex.device('Living room'), film(living_plex)
    )
    hub = make_hub(living_plex)
    async with visit(hub, token=ADMIN) as client:
        await client.post('/api/v1/plex/sessions/terminate', json={'session_id': session.id})

    (server,) = hub.servers
    assert server.watcher.bell.rings['request'] == 1
