# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Whether Plex still takes the servers' tokens. A dead one is loud, not a gap in the history.

Tokens that nobody uses at plex.tv die after some weeks, and all die when the owner changes the
password and signs all devices out. What the server itself says counts most; plex.tv is asked once
a day, which also keeps the token alive.
"""

from __future__ import annotations

import asyncio
import datetime
import enum
import logging
import random
from collections.abc import Callable, Sequence

import msgspec

from ...engine import errors
from ...settings import PlexServer
from .people import Clock, now
from .plextv import PlexTv

log = logging.getLogger(__name__)

DAY = 86400.0
# Not at once: a hub that starts again and again would ask plex.tv as often.
FIRST = 300.0


class Health(enum.Enum):
    """Whether a token is taken."""

    ALIVE = 'alive'
    DEAD = 'dead'
    UNKNOWN = 'unknown'


class TokenState(msgspec.Struct, frozen=True):
    """What is known of a server's token.

    Attributes:
        server: Name of the server.
        since: Since when it has been so.
        advice: One line that says what to do; empty where there is nothing to be done.
    """

    server: str
    health: Health
    since: datetime.datetime
    advice: str = ''


Heard = Callable[[TokenState], None]


class TokenWatch:
    """Watches the tokens of all servers.

    Args:
        servers: As they are configured.
        plex: plex.tv.
        clock: The time.
    """

    def __init__(self, servers: Sequence[PlexServer], plex: PlexTv, clock: Clock = now):
        self._servers = {server.name: server for server in servers}
        self._plex = plex
        self._clock = clock
        self._by_server = dict[str, bool]()
        self._by_plextv = dict[str, bool]()
        self._listeners = list[Heard]()
        self._states = {name: self._judged(name) for name in self._servers}

    def states(self) -> list[TokenState]:
        """What is known of every token."""
        return list(self._states.values())

    def dead(self) -> list[TokenState]:
        """The dead ones, each with what to do."""
        return [state for state in self.states() if state.health is Health.DEAD]

    @property
    def servers(self) -> list[PlexServer]:
        """The servers, each with the token that it has now."""
        return list(self._servers.values())

    def subscribe(self, heard: Heard) -> None:
        """Be told of every change."""
        self._listeners.append(heard)

    def accepted(self, server: str) -> None:
        """The server has just taken its token."""
        self._note(self._by_server, server, True)

    def refused(self, server: str) -> None:
        """The server has just refused its token."""
        self._note(self._by_server, server, False)

    def renewed(self, server: PlexServer) -> None:
        """A server has another token. Until somebody takes it, it is as it was."""
        self._servers[server.name] = server
        self._by_plextv.pop(server.name, None)

    async def run(self) -> None:
        """Ask plex.tv once a day, until cancelled."""
        wait = FIRST
        while True:
            await asyncio.sleep(wait * random.uniform(0.8, 1.2))  # noqa: S311 - not for secrecy
            await self.ping()
            wait = DAY

    async def ping(self) -> None:
        """Ask plex.tv about every token now. What it does not say changes nothing."""
        for name, server in self._servers.items():
            try:
                await self._plex.ping(server.token.get_secret_value())
            except errors.CredentialsRefused:
                self._note(self._by_plextv, name, False)
            except errors.MediaServerError as error:
                log.info('the token of %s was not checked: %s', name, error)
            else:
                self._note(self._by_plextv, name, True)

    def _note(self, evidence: dict[str, bool], server: str, good: bool) -> None:
        if server not in self._servers or evidence.get(server) is good:
            return
        evidence[server] = good
        before, judged = self._states[server], self._judged(server)
        if (before.health, before.advice) == (judged.health, judged.advice):
            return
        if before.health is judged.health:
            judged = msgspec.structs.replace(judged, since=before.since)
        self._states[server] = judged
        self._tell(judged)

    def _tell(self, state: TokenState) -> None:
        if state.health is Health.DEAD:
            log.error('%s', state.advice)
        else:
            log.info('the token of %s is %s', state.server, state.health.value)
        for heard in self._listeners:
            heard(state)

    def _judged(self, server: str) -> TokenState:
        """A server may take a token that plex.tv does not know: it may ask for none at all."""
        of_server, of_plextv = self._by_server.get(server), self._by_plextv.get(server)
        good = of_server if of_server is not None else of_plextv
        if good is None:
            return TokenState(server, Health.UNKNOWN, self._clock())
        if not good:
            found = self._servers[server]
            return TokenState(server, Health.DEAD, self._clock(), advice(found))
        if of_plextv is False:
            text = f'plex.tv does not know the token of {server}, though the server takes it'
            return TokenState(server, Health.ALIVE, self._clock(), text)
        return TokenState(server, Health.ALIVE, self._clock())


def advice(server: PlexServer) -> str:
    """What to do about a dead token."""
    then = '; it is read again by itself' if server.renewable else ' and restart the hub'
    return f'Plex refuses the token of {server.name}; put a new one into {server.token_from}{then}'
