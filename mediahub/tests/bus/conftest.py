# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Hubs without their servers, and a real broker where this machine has one."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import json
import pathlib
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from typing import Any

import nats.aio.client
import pytest

from mediahub.bus import pulling, streams, waiting
from mediahub.bus.broker import Broker, connected
from mediahub.bus.jetstream import JetStreamBus
from mediahub.bus.recorder import Recorder
from mediahub.plays import PlaybackEvent
from mediahub.store import hub as identities
from mediahub.store.database import Database
from mediahub.store.letters import DeadLetters
from mediahub.store.outbox import Outbox
from mediahub.store.plays import Plays
from mediahub.testing import broker


@pytest.fixture
def outbox(database: Database) -> Outbox:
    return Outbox(database)


@pytest.fixture
def plays(database: Database) -> Plays:
    return Plays(database)


@pytest.fixture
def letters(database: Database) -> DeadLetters:
    return DeadLetters(database)


@pytest.fixture
def recorder(database: Database, plays: Plays) -> Recorder:
    return Recorder(plays, database.run)


@dataclasses.dataclass
class Hub:
    """As much of a hub as events go through."""

    database: Database
    outbox: Outbox
    plays: Plays
    letters: DeadLetters
    recorder: Recorder
    bus: JetStreamBus

    def tell(self, *events: PlaybackEvent) -> None:
        """What a watcher does."""
        self.outbox.add(events)
        self.bus.wake()

    def finished(self) -> list[tuple[str, int]]:
        """Every finished play in the database with its ordinal, once for each row of it."""
        rows = self.database.read('SELECT play_id::VARCHAR, ordinal FROM finished_plays')
        return sorted((play_id, ordinal) for play_id, ordinal in rows)

    async def run(self) -> None:
        await self.bus.run()


Hubs = Callable[..., Hub]


@pytest.fixture
def hubs(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Hubs]:
    """Makes hubs that find out within a second that a broker is silent, and retry at once."""
    monkeypatch.setattr(pulling, 'HEARTBEAT', 0.5)
    monkeypatch.setattr(pulling, 'OPEN', 3.0)
    with contextlib.ExitStack() as stack:

        def make(
            where: Broker | str,
            name: str = 'hub',
            file: str = '',
            plays: Callable[[Plays], Any] = lambda plays: plays,
        ) -> Hub:
            database = stack.enter_context(Database(tmp_path / f'{file or name}.duckdb'))
            store = Plays(database)
            recorder = Recorder(plays(store), database.run)
            outbox, letters = Outbox(database), DeadLetters(database)
            bus = JetStreamBus(
                where if isinstance(where, Broker) else Broker.at([where]),
                outbox,
                recorder,
                letters,
                database.run,
                name,
                lambda: identities.renew(database),
                backoff=waiting.Backoff(0.05, 0.1),
                store_backoff=waiting.Backoff(0.05, 0.1),
                again=0.05,
            )
            return Hub(database, outbox, store, letters, recorder, bus)

        yield make


Servers = Callable[..., broker.NatsServer]


@pytest.fixture
def servers(tmp_path: pathlib.Path) -> Generator[Servers]:
    """Starts brokers."""
    if broker.program() is None:
        pytest.skip(
            'nats-server is not installed; apt-get install nats-server, or set NATS_SERVER'
        )
    started: list[broker.NatsServer] = []

    def start(extra: str = '', jetstream: str | None = '') -> broker.NatsServer:
        folder = tmp_path / f'nats-{len(started)}'
        folder.mkdir()
        server = broker.NatsServer(folder, extra, jetstream)
        started.append(server)
        server.start()
        return server

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def server(servers: Servers) -> broker.NatsServer:
    return servers()


class Operator:
    """Somebody at the broker with a client of their own."""

    def __init__(self, client: nats.aio.client.Client):
        self.client = client

    async def ask(self, request: str, **body: Any) -> dict[str, Any]:
        return await streams.ask(self.client, request, body, request)

    async def publish(self, subject: str, payload: bytes, **headers: str) -> None:
        answer = await self.client.request(subject, payload, headers=headers or None)
        assert 'error' not in json.loads(answer.data)

    async def config(self, stream: str) -> dict[str, Any]:
        return (await self.ask(f'STREAM.INFO.{stream}'))['config']

    async def count(self, stream: str) -> int:
        return (await self.ask(f'STREAM.INFO.{stream}'))['state']['messages']

    async def consumers(self, stream: str) -> Sequence[str]:
        return (await self.ask(f'CONSUMER.NAMES.{stream}'))['consumers'] or ()

    async def messages(self, stream: str) -> list[tuple[str, bytes, dict[str, str]]]:
        """Subject, payload and headers of each."""
        info = await self.ask(f'STREAM.INFO.{stream}')
        first, last = info['state']['first_seq'], info['state']['last_seq']
        found = [
            await self.ask(f'STREAM.MSG.GET.{stream}', seq=seq) for seq in range(first, last + 1)
        ]
        return [_message(row['message']) for row in found]


def _message(row: dict[str, str]) -> tuple[str, bytes, dict[str, str]]:
    lines = base64.b64decode(row.get('hdrs', '')).decode().split('\r\n')[1:]
    headers = dict(line.split(': ', 1) for line in lines if line)
    return row['subject'], base64.b64decode(row.get('data', '')), headers


@pytest.fixture
async def operator(server: broker.NatsServer) -> AsyncGenerator[Operator]:
    async with connected(Broker.at([server.address]), 'operator') as connection:
        yield Operator(connection.client)
