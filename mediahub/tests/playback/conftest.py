# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Shared by the tests of playback."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable

import httpx2
import pytest

from mediahub.engine import wire
from mediahub.playback import plex_api
from mediahub.testing.http import Answer, Asked, Handler, InProcess, answer_html, answer_json

TOKEN = 'a-token-nobody-may-see'

POLICY = wire.Policy(attempts=2, wait=0)


class Paths:
    """A server of fixed answers, by path; what it has not is 404.

    Attributes:
        answers: By path; what makes one from the request, or one that is always given.
        asked: Every request so far.
    """

    def __init__(self):
        self.answers: dict[str, Answer | Handler] = {}
        self.asked: list[Asked] = []

    def put(self, path: str, document: object, status: int = 200) -> None:
        """Answer a path with JSON; bytes are sent as they are."""
        if isinstance(document, bytes):
            self.answers[path] = Answer(status, document)
        else:
            self.answers[path] = answer_json(document, status)

    def container(self, path: str, **fields: object) -> None:
        """Answer a path with a container of Plex."""
        self.put(path, {'MediaContainer': fields})

    def paths(self) -> list[str]:
        """The paths that were asked for, in order."""
        return [asked.path for asked in self.asked]

    def __call__(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        answer = self.answers.get(asked.path) or answer_html(404, 'Not Found')
        return answer if isinstance(answer, Answer) else answer(asked)


Connect = Callable[[Paths], plex_api.PlexApi]


@pytest.fixture
async def connect() -> AsyncGenerator[Connect]:
    """Connects an API client to a server of fixed answers."""
    pools: list[httpx2.AsyncClient] = []

    def connected(server: Paths) -> plex_api.PlexApi:
        pools.append(wire.pool(InProcess(server)))
        address = plex_api.Address('den', 'http://plex.test:32400', TOKEN, 'hub-1')
        return plex_api.PlexApi(address, pools[-1], POLICY)

    yield connected
    for pool in pools:
        await pool.aclose()


@pytest.fixture
def server() -> Paths:
    return Paths()


@pytest.fixture
def api(connect: Connect, server: Paths) -> plex_api.PlexApi:
    return connect(server)
