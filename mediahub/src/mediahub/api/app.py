# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Puts the routes together into one application."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import fastapi
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from ..playback import plex_pictures
from . import (
    backup_routes,
    bus_routes,
    envelope,
    front,
    gauges,
    health,
    history_routes,
    images,
    import_routes,
    live,
    openapi,
    plex_routes,
    retention_routes,
    server_routes,
    stats_routes,
    webhook,
)
from .auth import routes as auth_routes
from .hub import Hub
from .tautulli import routes as tautulli

PREFIX = '/api/v1'

ROUTERS: Sequence[fastapi.APIRouter] = (
    auth_routes.router,
    live.router,
    plex_routes.router,
    images.router,
    server_routes.router,
    history_routes.router,
    stats_routes.router,
    import_routes.router,
    bus_routes.router,
    retention_routes.router,
    backup_routes.router,
)


def create_app(hub: Hub) -> fastapi.FastAPI:
    """The hub's application.

    Args:
        hub: What its routes work with.
    """
    endpoints: dict[str, Callable[..., Any]] = {}

    def name(route: APIRoute) -> str:
        endpoints[route.name] = route.endpoint
        return route.name

    app = _Application(
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        generate_unique_id_function=name,
        exception_handlers=dict.fromkeys(envelope.HANDLED, _explain),
    )
    app.state.hub = hub
    app.add_middleware(front.Front)
    webhooks = webhook.WebhookEndpoint(
        hub.settings, hub.ring, _keep(hub), hub.metrics, hub.admit_webhook
    )
    app.doorbell = front.Front(webhooks)
    app.router.routes[:0] = _lean(hub, webhooks)
    for router in ROUTERS:
        app.include_router(router, prefix=PREFIX)
    _describe(app, endpoints)
    return app


class _Application(fastapi.FastAPI):
    """Lets webhooks in by a door of their own.

    There are thousands a second, and half of what one costs would be the way through middleware
    and routes that have nothing to say to it. Whatever else is sent to their path goes that way.
    """

    doorbell: front.Front | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.doorbell is None or not webhook.is_for(scope):
            await super().__call__(scope, receive, send)
            return
        scope['app'] = self
        await self.doorbell(scope, receive, send)


async def _explain(request: Request, error: Exception) -> Response:
    problem = envelope.of(error)
    if problem is None:
        raise error
    front.note(request.scope, problem.code, problem.message)
    return envelope.failure(problem)


def _lean(hub: Hub, webhooks: webhook.WebhookEndpoint) -> Sequence[BaseRoute]:
    """The routes that need nothing of FastAPI, first of all."""
    return [
        Route(webhook.PATH, webhooks, methods=['POST']),
        Route(f'{webhook.PATH}/{{token}}', webhooks, methods=['POST']),
        *health.routes(hub.ready, hub.remarks),
        gauges.route(hub),
        tautulli.route(hub),
    ]


def _keep(hub: Hub) -> webhook.Keep:
    async def keep(machine: str, path: str, picture: bytes) -> None:
        if plex_pictures.is_path(path):
            await asyncio.to_thread(hub.pictures.put, machine, path, images.ANY, picture)

    return keep


def _describe(app: fastapi.FastAPI, endpoints: dict[str, Callable[..., Any]]) -> None:
    document = app.state.document = openapi.Document(app, endpoints)

    async def openapi_document(request: Request) -> Response:
        return Response(document.encoded, media_type=envelope.JSON)

    app.openapi = lambda: document.content
    app.router.routes.append(Route(f'{PREFIX}/openapi.json', openapi_document))
