# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Every route, walked: who may ask for it, and whether the description knows of it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from fastapi.routing import APIRoute
from starlette.routing import Route

from mediahub.api.app import PREFIX, ROUTERS, create_app
from mediahub.api.hub import Hub

from .conftest import Visit

pytestmark = pytest.mark.anyio

ROUTES = [
    (method, route)
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute)
    for method in sorted(route.methods or ())
]

# What can be asked for by everybody, and why that has to be.
OPEN = {
    '/auth/plex/start': 'nobody is signed in before it',
    '/auth/plex/callback': 'nobody is signed in before it',
    '/auth/link/{ticket}': 'the link is what lets in',
}

# Changes that are one's own affair.
OWN = {'/auth/plex/refresh', '/auth/plex/revoke'}

# Routes without FastAPI: they see for themselves whom they answer, and tests of theirs prove it.
LEAN = {
    '/api/v1/plex/webhook': 'test_webhook.py',
    '/api/v1/plex/webhook/{token}': 'test_webhook.py',
    '/api/v2': 'test_tautulli.py',
    '/healthz': 'test_front.py',
    '/readyz': 'test_front.py',
    '/metrics': 'test_servers.py',
    '/api/v1/openapi.json': 'this one',
}

VALUES = {'ratingKey': '7', 'sessionKey': 'a', 'playId': '0' * 8 + '-0000-4000-8000-' + '0' * 12}


def filled(route: APIRoute) -> str:
    return PREFIX + re.sub(r'\{(\w+)\}', lambda found: VALUES.get(found[1], 'key-1'), route.path)


async def statuses(visit: Visit, hub: Hub, token: str) -> dict[tuple[str, str], int]:
    """How each route answers whoever has that token."""
    async with visit(hub, token=token) as client:
        return {
            (method, route.path): (await client.request(method, filled(route))).status_code
            for method, route in ROUTES
        }


async def test_stranger_is_turned_away_everywhere(visit: Visit, bare_hub: Hub):
    found = await statuses(visit, bare_hub, token='')

    assert {path for (_, path), status in found.items() if status != 401} == set(OPEN)


async def test_viewer_changes_nothing(visit: Visit, bare_hub: Hub):
    found = await statuses(visit, bare_hub, token='viewer-token')

    changes = {
        path for (method, path), status in found.items() if method != 'GET' and status != 403
    }
    assert changes <= OWN | set(OPEN)


async def test_description_knows_every_route_and_no_other(visit: Visit, bare_hub: Hub):
    async with visit(bare_hub) as client:
        document: Any = (await client.get('/api/v1/openapi.json')).json()

    described = {
        (method.upper(), path) for path, kinds in document['paths'].items() for method in kinds
    }
    assert described == {(method, PREFIX + route.path) for method, route in ROUTES}
    for path, kinds in document['paths'].items():
        for operation in kinds.values():
            assert operation.get('description'), path
            is_open = path.removeprefix(PREFIX) in OPEN
            assert ('security' in operation) != is_open


def test_no_other_route_is_there(bare_hub: Hub):
    found = {route.path for route in create_app(bare_hub).routes if isinstance(route, Route)}

    assert found == set(LEAN)
