# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The parts of the hub, made from its settings and its database."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import AsyncGenerator

from ..api.auth.service import Auth
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


@dataclasses.dataclass
class Parts:
    """Everything that runs."""

    hub: Hub
    keeper: Keeper
    auth: Auth

    def start(self) -> None:
        """Let it run."""
        self.keeper.start('sign-in', self.auth.run)

    async def stop(self, patience: float) -> None:
        """Stop it in the order in which nothing is lost.

        Args:
            patience: Seconds for events that are on their way.
        """
        await self.keeper.stop()
        await self.auth.sweep()


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

    async with wire.pool() as pool:
        auth = Auth(settings, store, pool, control=token)
        await auth.load()
        hub = Hub(
            settings=settings,
            database=store,
            plays=Plays(store),
            servers=Servers(),
            auth=auth,
            metrics=metrics,
            feed=Feed(metrics.cut_off.inc),
            ready=ready,
            pictures=PictureCache(settings.home / 'cache' / 'pictures'),
        )
        yield Parts(hub, keeper, auth)
