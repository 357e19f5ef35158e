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
from mediahub.bus.local import LocalBus
from mediahub.bus.recorder import Recorder
from mediahub.engine import wire
from mediahub.playback import plex_api
from mediahub.playback.watcher import Watcher
from mediahub.store.database import Database
from mediahub.store.expiry import Expiry
from mediahub.store.letters import DeadLetters
from mediahub.store.outbox import Outbox
from mediahub.store.plays import Plays
from mediahub.store.stats import Stats
from mediahub.store.watched import Watched
from mediahub.store.waypoints import Waypoints
from mediahub.testing.plex_living import LivingPlex

MACHINE = 'machine-of-the-living-room'
NOWHERE = 'http://127.0.0.1:9'


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


class Rung:
    """How often webhooks rang the bell of the first server of the hub that was made last."""

    hub: Hub | None = None

    def __call__(self) -> int:
        if self.hub is None:
            return 0
        return next(iter(self.hub.servers)).watcher.bell.rings['webhook']


@pytest.fixture
def rung() -> Rung:
    return Rung()


def built(home: pathlib.Path, database: Database, servers: Servers, **environ: str) -> Hub:
    metrics = Metrics()

    async def ready() -> list[str]:
        return []

    plays = Plays(database)
    recorder = Recorder(plays, database.run)
    return Hub(
        settings=settings.load({'MEDIAHUB_HOME': str(home), **environ}),
        database=database,
        plays=plays,
        stats=Stats(database),
        servers=servers,
        bus=LocalBus(Outbox(database), recorder, DeadLetters(database), database.run),
        auth=Door(),
        metrics=metrics,
        feed=Feed(metrics.cut_off.inc),
        ready=ready,
        pictures=PictureCache(home / 'pictures'),
        expiry=Expiry(database, plays, 0, home / 'backups'),
    )


def server(
    database: Database, pool: httpx2.AsyncClient, name: str, url: str, token: str
) -> Server:
    """A server with a watcher that looks only when a test has it look."""
    address = plex_api.Address(name, url, token)
    api = plex_api.PlexApi(address, pool, wire.Policy(timeout=5, attempts=1, wait=0))
    return Server(name, api, Watcher(api, Watched(database), database))


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
            servers = [server(database, pool, plex.name, plex.url, plex.token) for plex in plexes]
            if not plexes:
                # It was there once, so that its machine identifier is known.
                Waypoints(database).put('machine living-room', MACHINE)
                servers = [server(database, pool, 'living-room', NOWHERE, 'a-token-of-plex')]
            rung.hub = built(tmp_path, database, Servers(servers), **environ)
            return rung.hub

        yield make


Visit = Callable[..., contextlib.AbstractAsyncContextManager[httpx2.AsyncClient]]


@pytest.fixture
def visit(make_hub: MakeHub) -> Visit:
    """Opens a client of a hub with the given environment."""

    @contextlib.asynccontextmanager
    async def opened(
        hub: Hub | None = None, *, token: str = '', **environ: str
    ) -> AsyncGenerator[httpx2.AsyncClient]:
        hub = hub or make_hub(**environ)
        for server in hub.servers:
            await server.watcher.snapshot()
        app = create_app(hub)
        async with httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app, client=('192.0.2.7', 5000)),
            base_url='http://hub.test',
            headers={'Authorization': f'Bearer {token}'} if token else {},
        ) as client:
            yield client

    return opened
