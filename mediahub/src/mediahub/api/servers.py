# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The Plex servers that the hub watches, and which of them a request means."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Annotated

import fastapi
from starlette.requests import HTTPConnection

from ..playback.plex_api import PlexApi
from ..playback.watcher import Watcher
from . import envelope
from .envelope import Problem


@dataclasses.dataclass(frozen=True)
class Server:
    """One of them.

    Attributes:
        name: In the configuration.
        api: Asks it.
        watcher: Follows it.
    """

    name: str
    api: PlexApi
    watcher: Watcher

    @property
    def machine_id(self) -> str:
        """The server's own id; empty as long as it has never answered."""
        return self.watcher.machine_id


class Servers:
    """All of them, in the order of the configuration."""

    def __init__(self, servers: Sequence[Server] = ()):
        self._servers = tuple(servers)

    def __iter__(self) -> Iterator[Server]:
        return iter(self._servers)

    def __len__(self) -> int:
        return len(self._servers)

    def by_machine(self, machine_id: str) -> Server | None:
        """That of a machine identifier."""
        found = (server for server in self._servers if machine_id == server.machine_id)
        return next(found, None) if machine_id else None

    def choose(self, wanted: str | None) -> Server:
        """The one that a request means.

        Args:
            wanted: A name or machine identifier; None means the only one there is.

        Raises:
            Problem: There is none, or it is not clear which.
        """
        if not self._servers:
            raise envelope.disabled()
        names = [server.name for server in self._servers]
        if wanted is None:
            if len(self._servers) > 1:
                known = ', '.join(names)
                raise envelope.invalid(f'there are several servers; add ?server=: {known}')
            return next(iter(self._servers))
        by_name = (server for server in self._servers if wanted == server.name)
        found = next(by_name, None) or self.by_machine(wanted)
        if found is None:
            message = (
                f'no server has that name or machine identifier; there are: {", ".join(names)}'
            )
            raise Problem(404, 'UNKNOWN_SERVER', message, details={'servers': names})
        return found


SERVER_PATTERN = r'^[^\x00-\x1f\x7f]{1,128}$'

ServerName = Annotated[
    str | None,
    fastapi.Query(
        alias='server',
        description='Name or machine identifier; needed where there are several.',
        pattern=SERVER_PATTERN,
    ),
]


async def chosen(connection: HTTPConnection, server: ServerName = None) -> Server:
    """The server that ``?server=`` means."""
    servers: Servers = connection.app.state.hub.servers
    return servers.choose(server)


Chosen = Annotated[Server, fastapi.Depends(chosen)]
