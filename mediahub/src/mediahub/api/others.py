# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The servers that are no Plex: whether they are well, their libraries, and scans of these.

They are spoken to through the engine. What plays on them is not followed.
"""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Iterator, Sequence

from ..engine.capabilities import Capability, ConnectionState
from ..engine.contract import MediaServerClient
from ..engine.errors import MediaServerError

# Seconds between two looks at a server whose page nobody has open.
LOOK_EVERY = 60.0


class Other:
    """One of them.

    Attributes:
        client: Speaks to it.
        seen_at: When it last answered.
    """

    def __init__(self, client: MediaServerClient):
        self.client = client
        self.seen_at: datetime.datetime | None = None

    @property
    def name(self) -> str:
        """In the configuration."""
        return self.client.name

    @property
    def kind(self) -> str:
        """Such as ``jellyfin``."""
        return self.client.server_type

    @property
    def machine_id(self) -> str:
        """The server's own id; empty as long as it has never answered."""
        handshake = self.client.status.handshake
        return handshake.machine_id if handshake else ''

    @property
    def version(self) -> str:
        """Empty where it is not known."""
        handshake = self.client.status.handshake
        return handshake.version if handshake else ''

    @property
    def connected(self) -> bool:
        """Whether the last look at it was a good one."""
        return self.client.status.state is ConnectionState.CONNECTED

    @property
    def refused(self) -> bool:
        """Whether it does not take the hub's token or password."""
        return self.client.status.state is ConnectionState.ACCESS_DENIED

    @property
    def scans(self) -> bool:
        """Whether it scans when it is asked to."""
        handshake = self.client.status.handshake
        return handshake is not None and Capability.SCAN in handshake.capabilities

    async def look(self) -> None:
        """See whether it is well; its status says so."""
        try:
            await self.client.probe()
        except MediaServerError:
            return
        self.seen_at = datetime.datetime.now(datetime.UTC)


class Others:
    """All of them, in the order of the configuration."""

    def __init__(self, clients: Sequence[MediaServerClient] = ()):
        self._others = tuple(map(Other, clients))

    def __iter__(self) -> Iterator[Other]:
        return iter(self._others)

    def __len__(self) -> int:
        return len(self._others)

    def find(self, wanted: str | None) -> Other | None:
        """That of a name or machine identifier."""
        found = (each for each in self._others if wanted in (each.name, each.machine_id))
        return next(found, None) if wanted else None

    async def run(self) -> None:
        """Look at all of them again and again, until cancelled."""
        while True:
            await asyncio.gather(*(other.look() for other in self._others))
            await asyncio.sleep(LOOK_EVERY)
