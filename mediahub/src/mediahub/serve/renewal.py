# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Reads the servers' tokens again, so that a new one heals without a restart.

It does so every half minute, and at once when a server refuses a token. Nothing but tokens is
taken over: whatever else was changed in the settings waits for the next start, and if it is a
mistake, the hub goes on as it is.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping

from ..engine.errors import ConfigurationError
from ..settings import PlexServer, Settings

log = logging.getLogger(__name__)

EVERY = 30.0


class Renewal:
    """The tokens of all servers, as they were read last.

    Args:
        settings: Which servers there are.
        read: Reads the settings again; None where they can never be others.
    """

    def __init__(self, settings: Settings, read: Callable[[], Settings] | None):
        self._servers = {server.name: server for server in settings.servers}
        self._read = read
        self._reading = asyncio.Lock()
        self._mistake = ''
        self._listeners = list[Callable[[PlexServer], None]]()

    def subscribe(self, listener: Callable[[PlexServer], None]) -> None:
        """Have each server handed over whose token is another one now."""
        self._listeners.append(listener)

    async def better(self, name: str, refused: str) -> bool:
        """Whether there is another token for a server than the one that it has just refused."""
        if self._token(name) == refused:
            await self._look()
        return self._token(name) != refused

    def _token(self, name: str) -> str:
        return self._servers[name].token.get_secret_value()

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(EVERY)
            await self._look()

    async def _look(self) -> None:
        if self._read is None:
            return
        async with self._reading:
            try:
                found = await asyncio.to_thread(self._read)
            except (ConfigurationError, OSError) as error:
                self._complain(error)
                return
            self._mistake = ''
            self._take({server.name: server for server in found.servers})

    def _complain(self, error: ConfigurationError | OSError) -> None:
        """Say once what is wrong; somebody may be about to mend it."""
        if str(error) != self._mistake:
            self._mistake = str(error)
            log.warning('the settings were read again for their tokens, in vain: %s', error)

    def _take(self, found: Mapping[str, PlexServer]) -> None:
        for name, server in self._servers.items():
            other = found.get(name)
            # A server that moved has to wait: its token is not for whoever is where it was.
            if other is None or other.url != server.url or other.token == server.token:
                continue
            self._servers[name] = other
            log.info('%s: there is another token in %s', name, other.token_from)
            for listener in self._listeners:
                listener(other)
