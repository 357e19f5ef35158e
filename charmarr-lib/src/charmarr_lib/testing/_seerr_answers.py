# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""How the double of Seerr words its answers, and how it asks other programs."""

from __future__ import annotations

import json
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import httpx2

from .. import http

Json = dict[str, Any]
Handler: TypeAlias = Callable[[httpx2.Request], httpx2.Response]
Routes: TypeAlias = dict[tuple[str, str], Handler]


def good(body: object) -> httpx2.Response:
    """Answer 200."""
    return httpx2.Response(200, json=body)


def refusal(status: int, **body: str) -> httpx2.Response:
    """Refuse as a route does: some say ``message``, some ``error``."""
    return httpx2.Response(status, json=body)


def invalid(status: int, message: str, path: str, code: str = '') -> httpx2.Response:
    """Refuse as the checker of the API description does, before any route."""
    detail = {'path': path, 'message': message.removeprefix('request.body ')}
    if code:
        detail['errorCode'] = code
    return httpx2.Response(status, json={'message': message, 'errors': [detail]})


def read_only(names: Sequence[str]) -> httpx2.Response:
    """Refuse a body with fields that only the program may set."""
    errors = [
        {
            'path': f'.body.{name}',
            'message': 'is read-only',
            'errorCode': 'readOnly.openapi.validation',
        }
        for name in names
    ]
    message = ', '.join(f'request.body.{name} is read-only' for name in names)
    return httpx2.Response(400, json={'message': message, 'errors': errors})


def body_of(request: httpx2.Request) -> Json:
    """Return a request's JSON body, empty where there is none."""
    return typing.cast('Json', json.loads(request.content)) if request.content else {}


def session_of(request: httpx2.Request) -> str | None:
    """Return the session that a request's cookie names."""
    for cookie in request.headers.get('Cookie', '').split(';'):
        name, _, value = cookie.strip().partition('=')
        if name == 'connect.sid':
            return value
    return None


def ask(
    base_url: str, path: str, headers: Mapping[str, str], body: Json | None = None
) -> httpx2.Response | None:
    """Ask another program, POST where there is a body.

    Returns:
        The answer, or None where there is none that makes sense: the program is not reached, or
        what is reached is another one.
    """
    method = 'GET' if body is None else 'POST'
    try:
        with http.client(base_url) as client:
            response = client.request(
                method, path, json=body, headers={**headers, 'Accept': 'application/json'}
            )
    except (httpx2.TransportError, httpx2.InvalidURL):
        return None
    return response if response.status_code != 200 or _is_object(response) else None


def _is_object(response: httpx2.Response) -> bool:
    try:
        return isinstance(response.json(), dict)
    except ValueError:
        return False


def url_of(settings: Mapping[str, Any]) -> str:
    """Return the URL that the program makes of its settings of a media server."""
    scheme = 'https' if settings.get('useSsl') else 'http'
    return f'{scheme}://{settings["ip"]}:{settings["port"]}{settings.get("urlBase", "")}'


def media_browser(token: str) -> dict[str, str]:
    """Return the header with which Jellyfin wants its tokens."""
    return {'Authorization': f'MediaBrowser Client="Seerr", Token="{token}"'}
