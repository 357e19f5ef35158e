# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What is true of every request: its line in the log, its headers, its limits, its envelope."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from typing import Any

import httpx2
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mediahub.api import front
from mediahub.api.app import create_app

from .conftest import MakeHub, Visit

pytestmark = pytest.mark.anyio


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Any:
    caplog.set_level(logging.DEBUG, 'mediahub.requests')

    def found() -> list[str]:
        return [
            entry.getMessage()
            for entry in caplog.records
            if entry.name == 'mediahub.requests' and entry.exc_info is None
        ]

    return found


def code(response: httpx2.Response) -> tuple[int, str]:
    body = response.json()
    assert body['status'] == 'error'
    return response.status_code, body['error']['code']


async def test_line_names_who_asked_for_what_and_how_it_ended(visit: Visit, lines: Any):
    async with visit(token='viewer-token') as client:
        response = await client.get('/api/v1/live?secret=in-the-query')

    (line,) = lines()
    assert line.startswith('GET /api/v1/live 200 ')
    assert 'from=192.0.2.7' in line
    assert 'by=anna/token' in line
    assert f'id={response.headers["x-request-id"]}' in line
    assert 'in-the-query' not in line
    assert 'viewer-token' not in line


async def test_plain_request_id_is_kept_and_another_is_not(visit: Visit):
    async with visit() as client:
        kept = await client.get('/healthz', headers={'X-Request-ID': 'abc-123-def'})
        replaced = await client.get('/healthz', headers={'X-Request-ID': 'a\tb <script>'})

    assert kept.headers['x-request-id'] == 'abc-123-def'
    assert '<' not in replaced.headers['x-request-id']


@pytest.mark.parametrize('path', ['/healthz', '/api/v1/live', '/nothing', '/api/v1/openapi.json'])
async def test_every_answer_has_safe_headers(visit: Visit, path: str):
    async with visit() as client:
        headers = (await client.get(path)).headers

    assert headers['x-content-type-options'] == 'nosniff'
    assert headers['x-frame-options'] == 'DENY'
    assert headers['referrer-policy'] == 'no-referrer'
    assert headers['cache-control'] == 'no-store'
    assert "frame-ancestors 'none'" in headers['content-security-policy']
    assert 'server' not in headers


async def test_unknown_path_and_method_are_in_the_envelope(visit: Visit):
    async with visit(token='viewer-token') as client:
        assert code(await client.get('/api/v1/nothing')) == (404, 'NOT_FOUND')
        wrong = await client.post('/api/v1/live')

    assert code(wrong) == (405, 'METHOD_NOT_ALLOWED')
    assert wrong.headers['allow'] == 'GET'


@pytest.mark.parametrize(
    'path',
    [
        '/api/v1/.%2e/etc/passwd',
        '/api/v1/%2e%2e/live',
        '/api/v1//live',
        '/api/v1/live%00',
        '/api/v1/live%0d%0aSet-Cookie:%20a=b',
        '/api/v1/live%5c',
        '/api/v1/%252e%252e/',
        '/api/v1/live%2flive%2f..',
    ],
)
async def test_path_with_tricks_is_refused_in_one_line(visit: Visit, lines: Any, path: str):
    raw = httpx2.URL('http://hub.test/').copy_with(raw_path=path.encode())
    async with visit(token='viewer-token') as client:
        response = await client.get(raw)

    assert code(response) == (400, 'INVALID_REQUEST')
    assert 'set-cookie' not in response.headers
    (line,) = lines()
    assert line.isprintable()


async def endless() -> AsyncGenerator[bytes]:
    for _ in range(1000):
        yield b'x' * 4096


@pytest.mark.parametrize('declared', [True, False])
async def test_large_body_is_refused_on_every_route(visit: Visit, lines: Any, declared: bool):
    body = b'x' * 100_000 if declared else endless()
    async with visit(token='admin-token') as client:
        response = await client.post('/api/v1/plex/sessions/terminate', content=body)

    assert code(response) == (413, 'BODY_TOO_LARGE')
    assert response.headers['connection'] == 'close'
    assert len(lines()) == 1


async def test_mistakes_are_named_without_their_values(visit: Visit):
    async with visit(token='admin-token') as client:
        response = await client.post(
            '/api/v1/plex/sessions/terminate',
            json={'session_id': 'secret/../value', 'message': 7, 'other': 1},
        )

    assert code(response) == (400, 'INVALID_REQUEST')
    mistakes = response.json()['error']['details']['mistakes']
    assert {entry['where'] for entry in mistakes} == {
        'body.session_id',
        'body.message',
        'body.other',
    }
    assert 'secret' not in response.text


async def test_fault_of_ours_shows_nothing_of_it(
    make_hub: MakeHub, lines: Any, caplog: pytest.LogCaptureFixture
):
    app = create_app(make_hub())

    async def broken(request: Request) -> Response:
        raise RuntimeError('with something that nobody should read')

    app.router.routes.insert(0, Route('/broken', broken))
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url='http://hub.test') as client:
        response = await client.get('/broken')

    assert code(response) == (500, 'INTERNAL_ERROR')
    assert 'nobody should read' not in response.text
    assert response.json()['error']['details']['request_id'] == response.headers['x-request-id']
    assert len(lines()) == 1
    assert any(entry.exc_info for entry in caplog.records)


async def test_probes_are_quiet_and_slow_requests_are_loud(
    visit: Visit, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    caplog.set_level(logging.DEBUG, 'mediahub.requests')
    async with visit(token='viewer-token') as client:
        await client.get('/healthz')
        monkeypatch.setattr(front, 'SLOW', 0.0)
        await client.get('/api/v1/live')

    quiet, slow = (entry for entry in caplog.records if entry.name == 'mediahub.requests')
    assert quiet.levelno == logging.DEBUG
    assert (slow.levelno, slow.getMessage().endswith(' slow')) == (logging.WARNING, True)


async def test_health_tells_alive_from_ready(visit: Visit, make_hub: MakeHub):
    hub = make_hub()

    async def ready() -> list[str]:
        return ['the disk is full']

    async with visit(hub) as client:
        assert (await client.get('/readyz')).text == 'ready\n'
        alive = await client.get('/healthz')
    hub.ready = ready
    async with visit(hub) as client:
        text = await client.get('/readyz')
        told = await client.get('/readyz', headers={'Accept': 'application/json'})

    assert alive.json()['status'] == 'ok'
    assert (text.status_code, text.text) == (503, 'the disk is full\n')
    assert told.json() == {'ready': False, 'reasons': ['the disk is full']}


async def test_requests_are_counted_by_route_and_never_by_path(visit: Visit, make_hub: MakeHub):
    hub = make_hub()
    async with visit(hub, token='viewer-token') as client:
        for number in range(3):
            await client.get(f'/api/v1/nothing-{number}')
            await client.get(f'/api/v1/history/0000000{number}-0000-4000-8000-000000000000')
            await client.post(f'/api/v1/plex/webhook/secret-{number}')
        await client.get('/healthz')

    text = hub.metrics.exposed(()).decode()
    start = 'mediahub_request_seconds_count{method='
    assert f'{start}"GET",route="none",status="404"}} 3.0' in text
    assert f'{start}"GET",route="/api/v1/history/{{playId}}",status="404"}} 3.0' in text
    assert f'{start}"POST",route="/api/v1/plex/webhook/{{token}}",status="404"}} 3.0' in text
    assert f'{start}"GET",route="/healthz",status="200"}} 1.0' in text
    assert 'secret-' not in text
