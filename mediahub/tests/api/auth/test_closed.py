# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Every route is closed, but for those that are named here."""

import re

import pytest
from fastapi import routing
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from .conftest import MakeRig, Rig, problem

pytestmark = pytest.mark.anyio

# Whoever adds to this says why.
OPEN = {
    # Who signs in is not signed in yet.
    'GET /api/v1/auth/plex/start',
    'GET /api/v1/auth/plex/callback',
    'GET /api/v1/auth/link/{ticket}',
    'POST /api/v1/auth/link/{ticket}',
    # Has its own secret; see mediahub.api.webhook_trust.
    'POST /api/v1/plex/webhook',
    'POST /api/v1/plex/webhook/{token}',
    # For whoever watches the hub: no names of viewers or titles, and no addresses.
    'GET /healthz',
    'GET /readyz',
    'GET /metrics',
    # The description of the interface.
    'GET /api/v1/openapi.json',
}

# Take their token from the query or from the first message.
OTHERWISE = {'GET /api/v2', 'GET /api/v1/ws'}

# Not for administrators alone: everybody ends and renews their own session.
OWN = {'POST /api/v1/auth/plex/refresh', 'POST /api/v1/auth/plex/revoke'}


VIEWER = 'of-a-viewer-and-long-enough'


def walked(rig: Rig) -> list[str]:
    """Method and path of every route, also of those inside others."""
    return sorted(
        f'{method} {route.path}'
        for route in routing.iter_route_contexts(rig.app.routes)
        for method in (route.methods or {'GET'}) - {'HEAD', 'OPTIONS'}
    )


def concrete(path: str) -> str:
    """A path with something in place of its parameters."""
    return re.sub(r'\{[^}]*\}', '1', path)


async def test_every_route_is_closed_but_those_named_here(rig: Rig):
    found, visitor = walked(rig), await rig.browser()
    assert len(found) > 30
    assert not OPEN - set(found), 'named here and gone'
    for route in set(found) - OPEN - OTHERWISE:
        method, path = route.split(' ')
        answer = await visitor.request(method, concrete(path))
        assert (route, problem(answer)) == (route, (401, 'UNAUTHORIZED'))


async def test_closed_routes_look_at_nothing_before_they_know_who_asks(rig: Rig):
    """What is wrong with a request is nobody's business who may not send one."""
    visitor = await rig.browser()
    for route in set(walked(rig)) - OPEN - OTHERWISE:
        method, path = route.split(' ')
        answer = await visitor.request(method, concrete(path), content=b'{', params={'limit': 'x'})
        assert (route, problem(answer)) == (route, (401, 'UNAUTHORIZED'))


async def test_everything_that_changes_is_for_administrators(make_rig: MakeRig):
    rig = await make_rig(MEDIAHUB_VIEWER_API_TOKEN=VIEWER)
    program = await rig.browser()
    changing = {r for r in set(walked(rig)) - OPEN - OTHERWISE - OWN if not r.startswith('GET ')}
    assert len(changing) > 4
    for route in changing:
        method, path = route.split(' ')
        answer = await program.request(method, concrete(path), headers={'X-Api-Key': VIEWER})
        assert (route, answer.status_code) == (route, 403)


async def test_what_brings_its_token_otherwise_is_closed_too(rig: Rig):
    visitor = await rig.browser()
    for query in ({}, {'apikey': ''}, {'apikey': 'wrong', 'cmd': 'get_activity'}):
        assert (await visitor.get('/api/v2', params=query)).status_code == 401
    with TestClient(rig.app).websocket_connect('ws://127.0.0.1/api/v1/ws') as socket:
        socket.send_text('{"type": "auth", "token": "wrong"}')
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_text()
    assert closed.value.code == 4401
