# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The watchers of all servers, and who hears what becomes of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import httpx2

from ..api.servers import Server, Servers
from ..playback import frames
from ..playback.leftovers import Leftovers
from ..playback.plex_api import Address, PlexApi
from ..playback.watcher import Watcher, WatchState
from ..settings import PlexServer, Settings
from ..store.database import Database
from ..store.outbox import Outbox
from ..store.watched import Watched

Told = Callable[[PlexServer, WatchState], None]

Noticed = Callable[[str, frames.Frame], None]


def servers(
    settings: Settings,
    store: Database,
    outbox: Outbox,
    pool: httpx2.AsyncClient,
    *,
    client_id: str,
    wake: Callable[[], None],
    told: Told,
    noticed: Noticed,
    renew: Callable[[str, str], Awaitable[bool]],
) -> Servers:
    """Make a watcher for each server; none where watching is off.

    Args:
        settings: Which servers there are.
        store: Where watchers keep what they follow.
        outbox: Takes their events.
        pool: HTTP connections.
        client_id: By which servers list this hub among their devices.
        wake: Called when there are events for the bus.
        told: Called with every change of a watcher's state that somebody should see.
        noticed: Called with what a server, by its name, tells beside its sessions.
        renew: Takes a server's name and the token that it has refused; whether there is another.
    """
    if not settings.enable_plex_sync:
        return Servers()
    watched, claims = Watched(store, outbox), dict[str, str]()

    def made(server: PlexServer) -> Server:
        address = Address(
            server.name, server.url, server.token.get_secret_value(), client_id=client_id
        )
        api = PlexApi(address, pool)
        watcher = Watcher(
            api,
            watched,
            store,
            wake=wake,
            realtime=settings.plex_realtime_enabled,
            claims=claims,
            told=lambda state: told(server, state),
            notice=lambda frame: noticed(server.name, frame),
            renew=lambda refused: renew(server.name, refused),
        )
        return Server(server.name, api, watcher)

    return Servers([made(server) for server in settings.servers])


def leftovers(
    store: Database, outbox: Outbox, servers: Servers, wake: Callable[[], None]
) -> Leftovers:
    """What ends the plays of servers that were taken out of the settings."""
    return Leftovers(
        Watched(store, outbox),
        store,
        lambda: {machine for server in servers for machine in server.watcher.machines},
        wake=wake,
    )
