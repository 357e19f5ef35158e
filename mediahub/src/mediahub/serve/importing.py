# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What fills the gaps: the servers' own histories, and that of a Tautulli where one is set."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import httpx2

from ..api.servers import Server, Servers
from ..playback.importing import Importing, Shelf
from ..playback.sweep import Sweep
from ..playback.tautulli import Tautulli
from ..playback.tautulli_import import TautulliImport
from ..settings import Settings
from ..store.database import Database
from ..store.outbox import Outbox
from ..store.plays import Plays

TAUTULLI = 'tautulli'


def imports(
    settings: Settings,
    store: Database,
    plays: Plays,
    servers: Servers,
    outbox: Outbox,
    pool: httpx2.AsyncClient,
) -> Mapping[str, Importing]:
    """One for each server by its name, and one for Tautulli."""
    interval = settings.plex_sync_interval
    found: dict[str, Importing] = {
        server.name: Sweep(
            server.api,
            plays,
            store,
            machine=_identifier(server),
            interval=interval,
            outbox=outbox,
        )
        for server in servers
    }
    if settings.tautulli_url and settings.tautulli_api_key:
        key = settings.tautulli_api_key.get_secret_value()
        shelves = {server.name: Shelf(server.api) for server in servers}

        def shelf(machine: str) -> Shelf | None:
            server = servers.by_machine(machine)
            return shelves[server.name] if server else None

        tautulli = Tautulli(settings.tautulli_url, key, pool)
        found[TAUTULLI] = TautulliImport(
            tautulli, plays, store, shelf=shelf, interval=interval, outbox=outbox
        )
    return found


def _identifier(server: Server) -> Callable[[], str]:
    """Tells a server's machine identifier while it answers."""

    def identifier() -> str:
        state = server.watcher.state
        return state.machine_id if state.connected else ''

    return identifier
