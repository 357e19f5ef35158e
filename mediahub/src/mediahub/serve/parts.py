# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The parts of the hub, made from its settings and its database."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncGenerator

from ..api.auth.service import Auth
from ..api.feed import Feed
from ..api.hub import Hub
from ..api.metrics import Metrics
from ..api.picture_cache import PictureCache
from ..api.servers import Server
from ..bus import choice
from ..bus.recorder import Recorder
from ..engine import wire
from ..settings import Settings
from ..store.database import Database, StoreError
from ..store.outbox import Outbox
from ..store.plays import Plays
from . import watching
from .keeping import Keeper

_BUS = 'the bus'


@dataclasses.dataclass
class Parts:
    """Everything that runs."""

    hub: Hub
    outbox: Outbox
    keeper: Keeper
    auth: Auth

    def start(self) -> None:
        """Let it run."""
        self.keeper.start(_BUS, self.hub.bus.run)
        self.keeper.start('sign-in', self.auth.run)
        for server in self.hub.servers:
            self.keeper.start(_watch(server), server.watcher.run)

    async def stop(self, patience: float) -> None:
        """Stop it in the order in which nothing is lost: whoever watches, then the bus.

        Args:
            patience: Seconds for events that are on their way. Those that do not make it wait in
                the outbox for the next start.
        """
        await self.keeper.stop(*map(_watch, self.hub.servers))
        self.hub.bus.wake()
        with contextlib.suppress(TimeoutError, StoreError):
            async with asyncio.timeout(patience):
                while await self.hub.database.run(self.outbox.size):
                    await asyncio.sleep(0.05)
        await self.keeper.stop()
        await self.auth.sweep()


def _watch(server: Server) -> str:
    return f'the watch of {server.name}'


@contextlib.asynccontextmanager
async def assembled(settings: Settings, store: Database, token: str) -> AsyncGenerator[Parts]:
    """Make the parts.

    Args:
        settings: The hub's.
        store: The open database.
        token: An administrator's, for this run.
    """
    async with wire.pool() as pool:
        metrics = Metrics()
        feed = Feed(metrics.cut_off.inc)
        outbox, plays = Outbox(store), Plays(store)
        recorder = Recorder(plays, store.run)
        recorder.subscribe(lambda committed: feed.publish(committed.events))
        bus = choice.chosen(settings, store, recorder)
        keeper = Keeper()
        auth = Auth(settings, store, pool, control=token)
        await auth.load()
        hub = Hub(
            settings=settings,
            database=store,
            plays=plays,
            servers=watching.servers(
                settings,
                store,
                outbox,
                pool,
                client_id=wire.PRODUCT,
                wake=bus.wake,
                told=lambda server, state: None,
            ),
            bus=bus,
            auth=auth,
            metrics=metrics,
            feed=feed,
            ready=_Readiness(store, keeper).reasons,
            pictures=PictureCache(settings.home / 'cache' / 'pictures'),
        )
        yield Parts(hub, outbox, keeper, auth)


class _Readiness:
    """Whether the hub can do its work."""

    def __init__(self, store: Database, keeper: Keeper):
        self._store = store
        self._keeper = keeper

    async def reasons(self) -> list[str]:
        """One line for everything that is in the way."""
        found = self._keeper.broken
        try:
            await self._store.run(lambda: self._store.read('SELECT 1'))
        except StoreError as error:
            found.append(str(error))
        return found
