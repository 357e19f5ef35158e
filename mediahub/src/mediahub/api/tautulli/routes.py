# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""``/api/v2?apikey=…&cmd=…``: Tautulli's way to ask, and its envelope."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ...engine.errors import MediaHubError
from .. import envelope, front
from ..envelope import Problem
from ..hub import Hub
from .asked import Asked
from .commands import COMMANDS

PATH = '/api/v2'


def route(hub: Hub) -> Route:
    """The route."""

    async def tautulli(request: Request) -> Response:
        try:
            data = await _answer(hub, request)
        except (Problem, MediaHubError) as error:
            problem = envelope.of(error)
            if problem is None:
                raise
            front.note(request.scope, problem.code, problem.message)
            return _enveloped(problem.status, 'error', problem.message, {}, problem.headers)
        return _enveloped(200, 'success', None, data)

    return Route(PATH, tautulli)


async def _answer(hub: Hub, request: Request) -> Any:
    query = request.query_params
    key = query.get('apikey') or request.headers.get('x-api-key', '')
    if not key:
        raise Problem(401, 'UNAUTHORIZED', 'Parameter apikey is required')
    address = request.client.host if request.client else ''
    eyes = await hub.auth.by_token(key, address)
    front.identify(request.scope, f'{eyes.name}/{eyes.kind}')
    name = query.get('cmd', '')
    command = COMMANDS.get(name)
    if command is None:
        known = ', '.join(sorted(COMMANDS))
        what = f'Unknown command: {name[:40]}' if name else 'Parameter cmd is required'
        raise Problem(400, 'UNKNOWN_COMMAND', f'{what}; there are: {known}')
    if query.get('out_type', 'json') != 'json':
        raise Problem(400, 'INVALID_REQUEST', 'out_type: only json is there')
    return await command(Asked(hub, eyes, query))


def _enveloped(
    status: int,
    result: str,
    message: str | None,
    data: Any,
    headers: Mapping[str, str] | None = None,
) -> Response:
    body = {'response': {'result': result, 'message': message, 'data': data}}
    return Response(msgspec.json.encode(body), status, headers, envelope.JSON)
