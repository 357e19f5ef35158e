# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The parts of the hub, made from its settings and its database."""

from __future__ import annotations

import contextlib
import dataclasses
import hmac
from collections.abc import AsyncGenerator

from starlette.requests import HTTPConnection

from ..api.access import Identity
from ..api.envelope import Problem
from ..api.feed import Feed
from ..api.hub import Hub
from ..api.metrics import Metrics
from ..api.picture_cache import PictureCache
from ..api.servers import Servers
from ..engine import wire
from ..settings import Settings
from ..store.database import Database
from ..store.plays import Plays
from .keeping import Keeper


class Door:
    """Knows the token of this run alone."""

    def __init__(self, token: str):
        self._token = token

    async def identify(self, connection: HTTPConnection) -> Identity:
        """Who sends this."""
        given = connection.headers.get('authorization', '')
        return await self.by_token(given.removeprefix('Bearer '), '')

    async def by_token(self, token: str, address: str) -> Identity:
        """Whose token this is."""
        if not hmac.compare_digest(token.encode(), self._token.encode()):
            raise Problem(401, 'UNAUTHORIZED', 'sign in, or send an API token')
        return Identity('control', admin=True, kind='token')


@dataclasses.dataclass
class Parts:
    """Everything that runs."""

    hub: Hub
    keeper: Keeper

    def start(self) -> None:
        """Let it run."""

    async def stop(self, patience: float) -> None:
        """Stop it in the order in which nothing is lost.

        Args:
            patience: Seconds for events that are on their way.
        """
        await self.keeper.stop()


@contextlib.asynccontextmanager
async def assembled(settings: Settings, store: Database, token: str) -> AsyncGenerator[Parts]:
    """Make the parts.

    Args:
        settings: The hub's.
        store: The open database.
        token: An administrator's, for this run.
    """
    keeper = Keeper()
    metrics = Metrics()

    async def ready() -> list[str]:
        return keeper.broken

    async with wire.pool():
        hub = Hub(
            settings=settings,
            database=store,
            plays=Plays(store),
            servers=Servers(),
            auth=Door(token),
            metrics=metrics,
            feed=Feed(metrics.cut_off.inc),
            ready=ready,
            pictures=PictureCache(settings.home / 'cache' / 'pictures'),
        )
        yield Parts(hub, keeper)
