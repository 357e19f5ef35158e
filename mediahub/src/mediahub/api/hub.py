# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What the routes work with. ``mediahub serve`` assembles it; a test does with what it needs."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated

import fastapi
from starlette.requests import HTTPConnection

from ..bus.ports import Bus
from ..playback.importing import Importing
from ..settings import Settings
from ..store.database import Database
from ..store.expiry import Expiry
from ..store.plays import Plays
from ..store.stats import Stats
from .access import Doorkeeper
from .answers_cache import AnswerCache
from .feed import Feed
from .metrics import Metrics
from .others import Others
from .picture_cache import PictureCache
from .servers import Servers


@dataclasses.dataclass(kw_only=True)
class Hub:
    """The parts of a running hub.

    Attributes:
        ready: One line for everything that keeps the hub from its work.
        bus: Takes events to the database.
        admit_webhook: Takes the address of a webhook's sender; raises where that sends too many.
        advice: What to do about a server, by its name, where something is known to do.
        others: Servers that are no Plex.
        imports: What fills gaps from other histories, by the name of the server or ``tautulli``.
        pictures: Those that are kept on disk.
        expiry: Removes plays that are not to be kept any longer.
        tasks: What requests have begun and do not wait for.
        picture_requests: Bounds the requests for pictures, beside all else that is asked.
    """

    settings: Settings
    database: Database
    plays: Plays
    stats: Stats
    servers: Servers
    bus: Bus
    auth: Doorkeeper
    metrics: Metrics
    feed: Feed
    ready: Callable[[], Awaitable[list[str]]]
    pictures: PictureCache
    expiry: Expiry
    advice: Callable[[str], str] = lambda name: ''
    admit_webhook: Callable[[str], None] = lambda address: None
    others: Others = dataclasses.field(default_factory=Others)
    imports: Mapping[str, Importing] = dataclasses.field(default_factory=dict[str, Importing])
    answers: AnswerCache = dataclasses.field(default_factory=AnswerCache)
    tasks: set[asyncio.Task[bool]] = dataclasses.field(default_factory=set[asyncio.Task[bool]])
    picture_requests: asyncio.Semaphore = dataclasses.field(
        default_factory=lambda: asyncio.Semaphore(6)
    )

    def remarks(self) -> list[str]:
        """One line for everything that people should know although the hub does its work."""
        notice = self.expiry.standing.notice
        return [notice] if notice else []

    def ring(self, machine_id: str, event: str) -> bool:
        """Ring the bell of a server for a webhook; False where the server is none of ours."""
        server = self.servers.by_machine(machine_id)
        if server is None:
            return False
        server.watcher.bell.ring('webhook')
        if event.startswith('library.'):
            for what in ('sections', 'counts', 'on deck'):
                self.answers.forget((server.name, what))
        return True


# Coroutines, as all dependencies here: for plain functions FastAPI takes a thread each.
async def _of(connection: HTTPConnection) -> Hub:
    found: Hub = connection.app.state.hub
    return found


TheHub = Annotated[Hub, fastapi.Depends(_of)]
