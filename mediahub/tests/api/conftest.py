# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Shared by the tests of the API."""

from __future__ import annotations

import contextlib
import pathlib
from collections.abc import AsyncGenerator, Callable

import httpx2
import pytest
from starlette.requests import HTTPConnection

from mediahub import settings
from mediahub.api.access import Identity
from mediahub.api.app import create_app
from mediahub.api.envelope import Problem
from mediahub.api.feed import Feed
from mediahub.api.hub import Hub
from mediahub.api.metrics import Metrics
from mediahub.api.picture_cache import PictureCache
from mediahub.api.servers import Server, Servers
from mediahub.engine import wire
from mediahub.playback import plex_api
from mediahub.store.database import Database
from mediahub.store.plays import Plays

MACHINE = 'machine-of-the-living-room'


class Door:
    """Knows two tokens; what the real one does is tested with it."""

    known = {  # noqa: RUF012 - never changed
        'viewer-token': Identity('anna', admin=False, kind='token'),
        'admin-token': Identity('ada', admin=True, kind='token'),
    }

    async def identify(self, connection: HTTPConnection) -> Identity:
        given = connection.headers.get('authorization', '')
        return await self.by_token(given.removeprefix('Bearer '), '')

    async def by_token(self, token: str, address: str) -> Identity:
        if token not in self.known:
            raise Problem(401, 'UNAUTHORIZED', 'sign in, or send an API token')
        return self.known[token]


class Rung(list[tuple[str, str]]):
    """The watcher of one server, and how often its bell was rung."""

    machine_id = MACHINE

    @property
    def bell(self) -> Rung:
        return self

    @property
    def state(self) -> Rung:
        return self

    def ring(self, reason: str) -> None:
        self.append((MACHINE, reason.removeprefix('webhook ')))


@pytest.fixture
def rung() -> Rung:
    return Rung()


MakeHub = Callable[..., Hub]


@pytest.fixture
async def make_hub(
    tmp_path: pathlib.Path, rung: Rung, database: Database
) -> AsyncGenerator[MakeHub]:
    async def ready() -> list[str]:
        return []

    async with wire.pool() as pool:

        def make(**environ: str) -> Hub:
            metrics = Metrics()
            address = plex_api.Address('living-room', 'http://plex.test:32400', 'a-token-of-plex')
            server = Server('living-room', plex_api.PlexApi(address, pool), rung)
            return Hub(
                settings=settings.load({'MEDIAHUB_HOME': str(tmp_path), **environ}),
                database=database,
                plays=Plays(database),
                servers=Servers([server]),
                auth=Door(),
                metrics=metrics,
                feed=Feed(metrics.cut_off.inc),
                ready=ready,
                pictures=PictureCache(tmp_path / 'pictures'),
            )

        yield make


Visit = Callable[..., contextlib.AbstractAsyncContextManager[httpx2.AsyncClient]]


@pytest.fixture
def visit(make_hub: MakeHub) -> Visit:
    """Opens a client of a hub with the given environment."""

    @contextlib.asynccontextmanager
    async def opened(hub: Hub | None = None, **environ: str) -> AsyncGenerator[httpx2.AsyncClient]:
        app = create_app(hub or make_hub(**environ))
        transport = httpx2.ASGITransport(app, client=('192.0.2.7', 5000))
        async with httpx2.AsyncClient(transport=transport, base_url='http://hub.test') as client:
            yield client

    return opened
