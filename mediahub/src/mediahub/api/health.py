# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""``/healthz``: the process answers. ``/readyz``: it can do its work, or one line says why not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ..engine import wire

# Answers with a line for everything that is wrong; with none the hub is ready.
Check = Callable[[], Awaitable[list[str]]]


class Alive(msgspec.Struct, frozen=True):
    """What ``/healthz`` answers."""

    status: str
    version: str


class Ready(msgspec.Struct, frozen=True, omit_defaults=True):
    """What ``/readyz`` answers to those who ask for JSON.

    Attributes:
        reasons: What keeps the hub from its work, one line each.
        remarks: What else people should know, one line each.
    """

    ready: bool
    reasons: list[str]
    remarks: list[str] = []


def routes(check: Check, remarks: Callable[[], list[str]]) -> list[Route]:
    """The two routes; both are open, and neither tells more than the state.

    Args:
        check: Tells what is in the way.
        remarks: Tell what is not.
    """
    alive = msgspec.json.encode(Alive('ok', wire.VERSION))

    async def healthz(request: Request) -> Response:
        return Response(alive, media_type='application/json')

    async def readyz(request: Request) -> Response:
        reasons = await check()
        status = 503 if reasons else 200
        if 'application/json' in request.headers.get('accept', ''):
            body = msgspec.json.encode(Ready(not reasons, reasons, remarks()))
            return Response(body, status, media_type='application/json')
        return PlainTextResponse(''.join(f'{line}\n' for line in reasons or ['ready']), status)

    return [Route('/healthz', healthz), Route('/readyz', readyz)]
