# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A Plex double with an engine in front of it, and a calendar that is turned by hand."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import AsyncGenerator, Callable

import httpx2

from ..engine import config, wire
from ..engine.contract import MediaServerClient
from ..engine.engine import MediaServerEngine
from ..engine.registry import Registry
from ..servers import plex
from .http import InProcess
from .plex import PlexDouble

# Quick to give up.
POLICY = wire.Policy(timeout=5, first_page_timeout=5, attempts=2, wait=0, longest_wait=0.01)

NAME = 'living-room'


class Calendar:
    """A calendar that is turned by hand."""

    def __init__(self) -> None:
        self.now = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)

    def __call__(self) -> datetime.datetime:
        """The time."""
        return self.now

    def pass_days(self, days: float) -> None:
        """Go on."""
        self.now += datetime.timedelta(days=days)


class PlexRig:
    """A Plex double, the transport to it and an engine that knows it as :data:`NAME`.

    Attributes:
        wrap: Puts something between the engine and the double.
    """

    def __init__(self) -> None:
        self.server = PlexDouble()
        self.transport = InProcess(self.server)
        self.wrap: Callable[[httpx2.AsyncBaseTransport], httpx2.AsyncBaseTransport] = _as_it_is

    @contextlib.asynccontextmanager
    async def connect(self) -> AsyncGenerator[MediaServerClient]:
        """Open the engine; yields the one server."""
        table = {
            'name': NAME,
            'type': 'plex',
            'url': 'http://plex.test:32400',
            'token': self.server.token,
            'page-size': 5,
        }
        chosen = config.parse({'servers': [table]}, Registry([plex.SERVER_TYPE]))
        transport = self.wrap(self.transport)
        async with MediaServerEngine(chosen, transport=transport, policy=POLICY) as engine:
            yield engine.active


def _as_it_is(transport: httpx2.AsyncBaseTransport) -> httpx2.AsyncBaseTransport:
    return transport
