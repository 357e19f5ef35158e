# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Serves the page. Everything it needs comes from here; it asks no other host for anything.

The files are open to everybody: what is worth protecting comes from the API.
"""

from __future__ import annotations

import importlib.resources
import pathlib

from starlette.applications import Starlette
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Message, Receive, Scope, Send

_FILES = pathlib.Path(__file__).parent / 'static'

# Chart.js, as the package chartkick brings it. Its own code for Django and Flask is not used.
_CHARTS = importlib.resources.files('chartkick') / 'django' / 'static' / 'chartkick'

_POLICY = '; '.join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

# Asked for again each time, and answered with "not modified": an upgrade shows at once.
_HEADERS = {'Content-Security-Policy': _POLICY, 'Cache-Control': 'no-cache'}


def routes() -> list[BaseRoute]:
    """The page's routes: ``/`` and what is below ``/static``."""
    files = Starlette(
        routes=[
            Route('/chart.js', _chart_library),
            Mount('/', _Files(directory=_FILES)),
        ]
    )
    return [Route('/', _page), Mount('/static', GZipMiddleware(files, minimum_size=1000))]


async def _page(request: Request) -> Response:
    return FileResponse(_FILES / 'index.html', headers=_HEADERS)


async def _chart_library(request: Request) -> Response:
    with importlib.resources.as_file(_CHARTS / 'Chart.bundle.js') as path:
        return FileResponse(path, media_type='text/javascript', headers=_HEADERS)


class _Files(StaticFiles):
    """Static files with the page's headers, also on "not modified"."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message['type'] == 'http.response.start':
                added = [(k.lower().encode(), v.encode()) for k, v in _HEADERS.items()]
                message['headers'] = [*message['headers'], *added]
            await send(message)

        await super().__call__(scope, receive, with_headers)
