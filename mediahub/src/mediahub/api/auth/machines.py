# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Which media servers the hub's are, by machineIdentifier: access to one of them decides all.

An identifier is asked for once in the life of the process, and remembered in the database for when
the server does not answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import httpx2
import msgspec

from ...engine import wire
from ...engine.errors import MediaServerError
from ...settings import PlexServer
from ...store.database import Database

# Somebody waits for the answer.
POLICY = wire.Policy(timeout=5, attempts=1)


class _Container(msgspec.Struct, frozen=True, rename='camel'):
    machine_identifier: str


class _Identity(msgspec.Struct, frozen=True, rename={'container': 'MediaContainer'}):
    container: _Container


class Machines:
    """The identifiers of the hub's Plex servers.

    Args:
        servers: As they are configured.
        database: Remembers what is known.
        pool: HTTP connections.
    """

    def __init__(
        self, servers: Sequence[PlexServer], database: Database, pool: httpx2.AsyncClient
    ):
        self._servers = servers
        self._database = database
        self._pool = pool
        self._machines = dict[str, str]()
        self._fresh = set[str]()

    async def load(self) -> None:
        """Take up what was known before."""
        sql = 'SELECT url, machine_id FROM plex_machines'
        rows = await self._database.run(lambda: self._database.rows(sql))
        self._machines = {str(url): str(machine) for url, machine in rows}

    async def known(self) -> tuple[Mapping[str, str], Sequence[str]]:
        """Names of servers by machineIdentifier, then names of those whose identifier is unknown.

        Servers that were not asked yet are asked, all at the same time, without any token.
        """
        unasked = [server for server in self._servers if server.url not in self._fresh]
        await asyncio.gather(*(self._ask(server) for server in unasked))
        known = {
            self._machines[server.url]: server.name
            for server in self._servers
            if server.url in self._machines
        }
        unknown = [server.name for server in self._servers if server.url not in self._machines]
        return known, unknown

    async def learn(self, url: str, machine: str) -> None:
        """Remember a server's identifier, from whoever spoke to the server."""
        self._fresh.add(url)
        if self._machines.get(url) != machine:
            self._machines[url] = machine
            await self._database.run(lambda: self._keep(url, machine))

    async def _ask(self, server: PlexServer) -> None:
        headers = {'Accept': 'application/json'}
        connection = wire.Wire(server.name, server.url, self._pool, headers=headers, policy=POLICY)
        try:
            answer = await connection.get('/identity')
            found = connection.decode(answer, _Identity)
        except MediaServerError:
            return  # what was known before counts, and the server's own watcher says what is wrong
        await self.learn(server.url, found.container.machine_identifier)

    def _keep(self, url: str, machine: str) -> None:
        with self._database.transaction():
            self._database.execute('DELETE FROM plex_machines WHERE url = ?', [url])
            self._database.execute('INSERT INTO plex_machines VALUES (?, ?)', [url, machine])
