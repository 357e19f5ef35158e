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
from mediahub.testing.plex_living import LivingPlex

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

    def __init__(self, machine_id: str = MACHINE):
        super().__init__()
        self.machine_id = machine_id

    @property
    def bell(self) -> Rung:
        return self

    @property
    def state(self) -> Rung:
        return self

    def ring(self, reason: str) -> None:
        self.append((self.machine_id, reason))


@pytest.fixture
def rung() -> Rung:
    return Rung()


def built(home: pathlib.Path, database: Database, servers: Servers, **environ: str) -> Hub:
    metrics = Metrics()

    async def ready() -> list[str]:
        return []

    return Hub(
        settings=settings.load({'MEDIAHUB_HOME': str(home), **environ}),
        database=database,
        plays=Plays(database),
        servers=servers,
        auth=Door(),
        metrics=metrics,
        feed=Feed(metrics.cut_off.inc),
        ready=ready,
        pictures=PictureCache(home / 'pictures'),
    )


def of_double(plex: LivingPlex, pool: httpx2.AsyncClient) -> Server:
    """A server that is there, with a watcher that does nothing."""
    address = plex_api.Address(plex.name, plex.url, plex.token)
    api = plex_api.PlexApi(address, pool, wire.Policy(timeout=5, attempts=1, wait=0))
    return Server(plex.name, api, Rung(plex.machine))


@pytest.fixture
def bare_hub(tmp_path: pathlib.Path, database: Database) -> Hub:
    """Without a server, so that it needs no event loop."""
    return built(tmp_path, database, Servers())


MakeHub = Callable[..., Hub]


@pytest.fixture
async def make_hub(
    tmp_path: pathlib.Path, rung: Rung, database: Database
) -> AsyncGenerator[MakeHub]:
    async with wire.pool() as pool:

        def make(*plexes: LivingPlex, **environ: str) -> Hub:
            nowhere = plex_api.Address('living-room', 'http://127.0.0.1:9', 'a-token-of-plex')
            servers = [of_double(plex, pool) for plex in plexes]
            servers = servers or [Server('living-room', plex_api.PlexApi(nowhere, pool), rung)]
            return built(tmp_path, database, Servers(servers), **environ)

        yield make


Visit = Callable[..., contextlib.AbstractAsyncContextManager[httpx2.AsyncClient]]


@pytest.fixture
def visit(make_hub: MakeHub) -> Visit:
    """Opens a client of a hub with the given environment."""

    @contextlib.asynccontextmanager
    async def opened(
        hub: Hub | None = None, *, token: str = '', **environ: str
    ) -> AsyncGenerator[httpx2.AsyncClient]:
        app = create_app(hub or make_hub(**environ))
        async with httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app, client=('192.0.2.7', 5000)),
            base_url='http://hub.test',
            headers={'Authorization': f'Bearer {token}'} if token else {},
        ) as client:
            yield client

    return opened
