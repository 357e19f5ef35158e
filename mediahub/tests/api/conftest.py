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
    """Bells that were rung; those of one server exist."""

    def ring(self, machine: str, event: str) -> bool:
        if machine == MACHINE:
            self.append((machine, event))
        return machine == MACHINE


@pytest.fixture
def rung() -> Rung:
    return Rung()


@pytest.fixture
def kept() -> list[tuple[str, str, bytes]]:
    return []


MakeHub = Callable[..., Hub]


@pytest.fixture
def make_hub(tmp_path: pathlib.Path, rung: Rung, kept: list[tuple[str, str, bytes]]) -> MakeHub:
    def make(**environ: str) -> Hub:
        metrics = Metrics()

        async def ready() -> list[str]:
            return []

        def keep(machine: str, path: str, picture: bytes) -> None:
            kept.append((machine, path, picture))

        return Hub(
            settings=settings.load({'MEDIAHUB_HOME': str(tmp_path), **environ}),
            auth=Door(),
            metrics=metrics,
            feed=Feed(metrics.cut_off.inc),
            ready=ready,
            ring=rung.ring,
            keep=keep,
        )

    return make


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
