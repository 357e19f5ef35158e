# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A Plex that people play on, as the program of a rehearsed container.

To its own charm it is the suite's double. To other pods, once it is claimed, it is the Plex that
mediahub brings for its own tests and its demo: with libraries, people, sessions and a history.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import httpx2

from charmarr_lib.testing import plex
from mediahub.testing import clocks, http, plex_living

from . import catalogue, engine, gateway

if TYPE_CHECKING:
    from mediahub.testing import serving

IMAGE: Final = 'lscr.io/linuxserver/plex'
_NOTIFICATIONS: Final = '/:/websocket'
_TELLS: Final = 10.0  # seconds between two notes of progress


class Street:
    """The Plex servers of a rehearsal, each with what people watch on it."""

    def __init__(self) -> None:
        self._houses: dict[str, plex_living.LivingPlex] = {}

    def register(self, charms: catalogue.Catalogue) -> None:
        """Let such servers run in the containers of Plex's image."""
        charms.register(IMAGE, lambda: PeopledPlex(self))

    def house(self, machine: str) -> plex_living.LivingPlex:
        """Return what is behind the machine identifier; it survives the pod, as a volume does."""
        found = self._houses.get(machine)
        if found is None:
            found = plex_living.LivingPlex(clocks.real, machine=machine).stocked()
            found.version = plex.VERSION
            self._houses[machine] = found
        return found


class PeopledPlex(plex.PlexDouble):
    """The server."""

    def __init__(self, street: Street) -> None:
        super().__init__()
        self._street = street
        self._serving: serving.Serving | None = None
        self._told = 0.0

    @property
    def house(self) -> plex_living.LivingPlex:
        """The people and what they watch."""
        return self._street.house(self.preference('ProcessedMachineIdentifier'))

    def stop(self) -> None:
        """Stop it; those who listen lose their connections."""
        super().stop()
        if self._serving is not None:
            self._serving.go_down()
            self._serving = None

    def tick(self) -> None:
        """Let time pass for the server, and tell listeners how far people are."""
        super().tick()
        if self.running and time.monotonic() - self._told >= _TELLS:
            self._told = time.monotonic()
            self.house.tick()

    def handle(self, request: httpx2.Request, peer: str) -> httpx2.Response:
        """Answer a request that came from the address ``peer``."""
        alive = self.running and self.claimed and self.mood is plex.Mood.WELL
        if peer == '127.0.0.1' or not alive:
            return super().handle(request, peer)
        self.house.token = self.preference('PlexOnlineToken')
        if request.url.path.startswith(_NOTIFICATIONS):
            return gateway.tunnel(('127.0.0.1', self._port()))
        answer = self.house(http.asked_from(request, request.read()))
        headers = {'Content-Type': answer.content_type, **answer.headers}
        return httpx2.Response(answer.status, headers=headers, content=answer.content)

    def _port(self) -> int:
        """Return where it tells of what people do; nobody may ever want to know."""
        if self._serving is None:
            self._serving = self.house.served(strict=False)
            self._serving.come_back()
        return self._serving.port


def running(rehearsal: engine.Rehearsal, application: str) -> Iterator[PeopledPlex]:
    """Yield the servers that run in an application's pods."""
    for unit in rehearsal.applications[application].units:
        for fake in unit.pod.containers.values() if unit.pod is not None else ():
            for program in fake.programs():
                if isinstance(program, PeopledPlex) and program.running:
                    yield program
