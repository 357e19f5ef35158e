# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The parts of the hub, made from its settings and its database."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime
import logging
from collections.abc import AsyncGenerator, Callable

from ..api.answers_cache import AnswerCache
from ..api.auth import installation
from ..api.auth.liveness import Health, TokenState
from ..api.auth.service import Auth
from ..api.backup_routes import BACKUPS
from ..api.feed import Feed
from ..api.hub import Hub
from ..api.metrics import Metrics
from ..api.others import Others
from ..api.picture_cache import PictureCache
from ..api.servers import Server, Servers
from ..bus import choice
from ..bus.recorder import Recorder
from ..engine import config, wire
from ..engine.engine import MediaServerEngine
from ..playback.leftovers import Leftovers
from ..playback.watcher import WatchState
from ..settings import PlexServer, Settings
from ..store.database import Database, State, StoreError
from ..store.expiry import Expiry
from ..store.outbox import Outbox
from ..store.plays import Plays
from ..store.stats import Stats
from . import importing, logs, upkeep, watching, zone
from .keeping import Keeper
from .notices import Notices
from .renewal import Renewal

log = logging.getLogger(__name__)

_BUS = 'the bus'


@dataclasses.dataclass
class Parts:
    """Everything that runs."""

    hub: Hub
    outbox: Outbox
    keeper: Keeper
    auth: Auth
    leftovers: Leftovers
    renewal: Renewal
    zone: datetime.tzinfo

    def start(self) -> None:
        """Let it run."""
        self.keeper.start(_BUS, self.hub.bus.run)
        self.keeper.start('sign-in', self.auth.run)
        self.keeper.start('the renewal of tokens', self.renewal.run)
        for server in self.hub.servers:
            self.keeper.start(_watch(server), server.watcher.run)
        self.keeper.start('the watch of servers that were taken out', self.leftovers.run)
        self.keeper.start('upkeep', self._upkeep)
        if self.hub.others:
            self.keeper.start('the look at other servers', self.hub.others.run)
        for name, found in self.hub.imports.items():
            self.keeper.start(f'the import from {name}', found.run)

    async def _upkeep(self) -> None:
        hub = self.hub
        await upkeep.run(hub.database, self.zone, hub.expiry, hub.feed.alert)

    async def stop(self, patience: float) -> None:
        """Stop it in the order in which nothing is lost: whoever watches, then the bus.

        Args:
            patience: Seconds for events that are on their way. Those that do not make it wait in
                the outbox for the next start.
        """
        for task in self.hub.tasks:
            task.cancel()
        await asyncio.gather(*self.hub.tasks, return_exceptions=True)
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
async def assembled(
    settings: Settings, store: Database, token: str, read: Callable[[], Settings] | None = None
) -> AsyncGenerator[Parts]:
    """Make the parts.

    Args:
        settings: The hub's.
        store: The open database.
        token: An administrator's, for this run.
        read: Reads the settings again, for tokens that were renewed.
    """
    async with wire.pool() as pool, _others(settings) as others:
        auth = Auth(settings, store, pool, control=token)
        await auth.load()
        metrics = Metrics()
        feed = Feed(metrics.cut_off.inc)
        counted_in = zone.local()
        outbox, plays = Outbox(store), Plays(store, counted_in)
        recorder = Recorder(plays, store.run)
        recorder.subscribe(lambda committed: feed.publish(committed.events))
        bus = choice.chosen(settings, store, recorder)
        news = _News(auth, feed)
        kept_answers = AnswerCache()
        renewal = Renewal(settings, read)
        keeper = Keeper()
        servers = watching.servers(
            settings,
            store,
            outbox,
            pool,
            client_id=installation.client_id(settings),
            wake=bus.wake,
            told=news.watched,
            noticed=Notices(kept_answers, feed).heard,
            renew=renewal.better,
        )
        renewal.subscribe(lambda server: _show(server, servers, auth))
        hub = Hub(
            settings=settings,
            database=store,
            plays=plays,
            stats=Stats(store, counted_in),
            servers=servers,
            others=others,
            bus=bus,
            auth=auth,
            admit_webhook=auth.admit_webhook,
            metrics=metrics,
            feed=feed,
            ready=_Readiness(store, keeper).reasons,
            answers=kept_answers,
            pictures=PictureCache(settings.home / 'cache' / 'pictures'),
            advice=news.advice,
            expiry=Expiry(store, plays, settings.retention_days, settings.home / BACKUPS),
            imports=importing.imports(settings, store, plays, servers, outbox, pool),
        )
        leftovers = watching.leftovers(store, outbox, servers, bus.wake)
        yield Parts(hub, outbox, keeper, auth, leftovers, renewal, counted_in)


@contextlib.asynccontextmanager
async def _others(settings: Settings) -> AsyncGenerator[Others]:
    async with MediaServerEngine(config.Config(servers=settings.others)) as engine:
        yield Others([engine.client(name) for name in engine.names])


class _News:
    """Tells those who have to know of what happens to a server and its token."""

    def __init__(self, auth: Auth, feed: Feed):
        self._auth = auth
        self._tasks = set[asyncio.Task[None]]()
        auth.plex_tokens.subscribe(lambda state: _alarm(feed, state))

    def watched(self, server: PlexServer, state: WatchState) -> None:
        """A watcher's state has changed."""
        if state.token_dead:
            self._auth.plex_tokens.refused(server.name)
        elif state.connected:
            self._auth.plex_tokens.accepted(server.name)
        if state.connected and state.machine_id:
            task = asyncio.create_task(self._learn(server.url, state.machine_id))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _learn(self, url: str, machine: str) -> None:
        try:
            await self._auth.machines.learn(url, machine)
        except StoreError as error:
            log.warning('which server is at its address is not remembered: %s', error)

    def advice(self, name: str) -> str:
        """What to do about a server's token; empty where there is nothing to be done."""
        states = self._auth.plex_tokens.states()
        return next((state.advice for state in states if state.server == name), '')


def _show(server: PlexServer, servers: Servers, auth: Auth) -> None:
    """Have everybody show a server its new token."""
    token = server.token.get_secret_value()
    logs.hide(token)
    auth.plex_tokens.renewed(server)
    for one in servers:
        if one.name == server.name:
            one.api.renew(token)
            one.watcher.bell.ring('token')


def _alarm(feed: Feed, state: TokenState) -> None:
    if state.health is Health.DEAD:
        feed.alert(state.advice)


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
            health = await self._store.run(self._store.probe)
        except StoreError as error:
            return [*found, str(error)]
        return found if health.state is State.OK else [*found, health.reason]
