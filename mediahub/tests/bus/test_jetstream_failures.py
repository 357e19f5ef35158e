# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Broker and network as they are at night: away, restarted, killed, hanging, losing answers."""

from __future__ import annotations

import asyncio
import json
import pathlib
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import duckdb
import pytest

from mediahub.bus import broker, consuming, ports, publishing, streams, subjects
from mediahub.plays import PlaybackEvent
from mediahub.store.database import Database, StoreError
from mediahub.store.outbox import Outbox
from mediahub.store.plays import Plays, Recorded
from mediahub.testing.broker import NatsServer
from mediahub.testing.cable import Cable
from mediahub.testing.plays import began, ended, event
from mediahub.testing.tasks import running, until

if TYPE_CHECKING:
    from .conftest import Hubs, Operator, Servers

pytestmark = pytest.mark.anyio

HERE = pathlib.Path(__file__).parent


def many(count: int, start: int = 0) -> list[PlaybackEvent]:
    return [event(ended(began(number), 60)) for number in range(start, start + count)]


def expected(events: Sequence[PlaybackEvent]) -> list[tuple[str, int]]:
    return sorted((found.play.play_id, found.play.ordinal) for found in events)


async def test_a_broker_that_is_away_at_the_start_is_waited_for(
    hubs: Hubs, servers: Servers, caplog: pytest.LogCaptureFixture
):
    server = servers()
    server.stop()
    hub = hubs(server.address)
    events = many(30)

    async with running(hub):
        hub.tell(*events)
        await until(lambda: hub.bus.status.state is ports.State.WAITING)
        await until(lambda: hub.bus.status.outbox == 30)
        assert server.address in hub.bus.status.reason
        assert hub.outbox.size() == 30

        server.start()
        await until(lambda: hub.recorder.recorded == 30)

    assert hub.outbox.size() == 0
    said = [row.message for row in caplog.records if 'the broker' in row.message]
    assert len(said) <= 3  # not one line for each attempt


async def test_a_broker_that_is_restarted_costs_nothing(hubs: Hubs, server: NatsServer):
    hub = hubs(server.address)
    events = many(600)

    async with running(hub):
        for place in range(0, 600, 100):
            hub.tell(*events[place : place + 100])
            await asyncio.sleep(0.05)
            if place in (100, 300):
                server.stop()
                server.start()
        await until(lambda: hub.recorder.recorded == 600)
        await until(lambda: hub.outbox.size() == 0)

    assert hub.finished() == expected(events)


async def test_a_broker_that_is_killed_in_the_middle_costs_nothing(
    hubs: Hubs, server: NatsServer, operator: Operator
):
    hub = hubs(server.address)
    events = many(3000)
    hub.outbox.add(events)

    async with running(hub):
        for _ in range(4):
            before = hub.bus.status.published
            await until(
                lambda before=before: hub.bus.status.published > before or not hub.outbox.size()
            )
            server.kill()
            server.start()
        await until(lambda: hub.recorder.recorded == 3000)
        await until(lambda: hub.outbox.size() == 0)

    assert hub.finished() == expected(events)


async def test_confirmations_that_are_lost_store_nothing_twice(
    hubs: Hubs, server: NatsServer, operator: Operator, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(publishing, 'CONFIRM', 0.3)
    async with Cable(server.port) as cable:
        hub = hubs(f'nats://127.0.0.1:{cable.port}')
        async with running(hub):
            await until(lambda: hub.bus.status.state is ports.State.RUNNING)
            cable.lose_answers()
            hub.tell(*many(20))
            await until(lambda: 'does not confirm' in hub.bus.status.reason)
            assert await operator.count(subjects.STREAM) == 20  # it was only the answers
            assert hub.outbox.size() == 20

            await cable.cut()
            await cable.mend()
            await until(lambda: hub.outbox.size() == 0)
            await until(lambda: hub.recorder.recorded == 20)

    assert await operator.count(subjects.STREAM) == 20
    assert hub.bus.status.published == 20
    assert hub.recorder.recorded == 20


async def test_a_network_that_is_cut_again_and_again_costs_nothing(hubs: Hubs, server: NatsServer):
    events = many(500)
    async with Cable(server.port) as cable:
        hub = hubs(f'nats://127.0.0.1:{cable.port}')
        async with running(hub):
            for place in range(0, 500, 50):
                hub.tell(*events[place : place + 50])
                await until(lambda: hub.bus.status.state is ports.State.RUNNING)
                await cable.cut()
                await until(lambda: hub.bus.status.state is ports.State.WAITING)
                await cable.mend()
            await until(lambda: hub.recorder.recorded == 500)
            await until(lambda: hub.outbox.size() == 0)

    assert cable.connections > 10
    assert hub.finished() == expected(events)


async def test_a_broker_that_hangs_is_left_and_found_again(hubs: Hubs, server: NatsServer):
    hub = hubs(server.address)
    async with running(hub):
        hub.tell(*many(5))
        await until(lambda: hub.recorder.recorded == 5)

        server.freeze()
        await until(lambda: hub.bus.status.state is ports.State.WAITING)
        hub.tell(*many(5, 100))
        server.thaw()
        await until(lambda: hub.recorder.recorded == 10)


async def test_a_stream_that_is_deleted_under_us_is_made_again(
    hubs: Hubs, server: NatsServer, operator: Operator
):
    hub = hubs(server.address)
    async with running(hub):
        hub.tell(*many(5))
        await until(lambda: hub.recorder.recorded == 5)
        await until(lambda: hub.outbox.size() == 0)

        await operator.ask(f'STREAM.DELETE.{subjects.STREAM}')
        hub.tell(*many(5, 100))
        await until(lambda: hub.recorder.recorded == 10)


async def test_a_consumer_that_is_deleted_under_us_reads_from_the_beginning(
    hubs: Hubs, server: NatsServer, operator: Operator
):
    hub = hubs(server.address)
    async with running(hub):
        hub.tell(*many(5))
        await until(lambda: hub.recorder.recorded == 5)

        await operator.ask(f'CONSUMER.DELETE.{subjects.STREAM}.{streams.durable("hub")}')
        hub.tell(*many(5, 100))
        await until(lambda: hub.recorder.recorded == 10)

    assert hub.recorder.repeated >= 5


async def test_a_hub_killed_between_commit_and_acknowledgement_counts_nothing_twice(
    hubs: Hubs, server: NatsServer, operator: Operator, tmp_path: pathlib.Path
):
    events = many(50)
    file = tmp_path / 'killed.duckdb'
    with Database(file) as database:
        Outbox(database).add(events)

    dying = await asyncio.create_subprocess_exec(
        sys.executable, str(HERE / 'dying_hub.py'), server.address, str(file), 'killed'
    )
    assert await dying.wait() == -signal.SIGKILL
    with Database(file) as database:
        assert len([1 for found in events if Plays(database).find(found.play.play_id)]) > 0
    consumer = await operator.ask(f'CONSUMER.INFO.{subjects.STREAM}.{streams.durable("killed")}')
    assert consumer['num_ack_pending'] > 0

    hub = hubs(server.address, 'killed')
    async with running(hub):
        await until(lambda: hub.recorder.recorded + hub.recorder.repeated == 50)

    assert hub.recorder.repeated > 0
    assert hub.finished() == expected(events)


class Disk:
    """Plays on a disk that is full, or that cannot keep some sessions."""

    def __init__(self, plays: Plays):
        self.plays = plays
        self.full = False
        self.poison: set[str] = set()
        self.tries = 0

    def record(self, events: Sequence[PlaybackEvent]) -> Recorded:
        self.tries += 1
        if self.full:
            raise StoreError('No space left on device') from duckdb.IOException('No space left')
        if self.poison & {found.play.session_id for found in events}:
            raise StoreError('out of range') from duckdb.OutOfRangeException('out of range')
        return self.plays.record(events)


async def test_a_full_disk_is_waited_for_with_the_messages_in_hand(
    hubs: Hubs, server: NatsServer, operator: Operator
):
    disks: list[Disk] = []

    def on_disk(plays: Plays) -> Disk:
        disks.append(Disk(plays))
        return disks[0]

    hub = hubs(server.address, plays=on_disk)
    disks[0].full = True
    async with running(hub):
        hub.tell(*many(40))
        # Far more often than an event is tried before it becomes a dead letter.
        await until(lambda: disks[0].tries > 2 * consuming.MAX_DELIVER)
        assert hub.bus.status.state is ports.State.WAITING
        assert 'No space left' in hub.bus.status.reason

        disks[0].full = False
        await until(lambda: hub.recorder.recorded == 40)
        await until(lambda: hub.bus.status.state is ports.State.RUNNING)

    assert hub.bus.status.dead == 0
    assert await operator.count(subjects.DEAD_STREAM) == 0


async def test_an_event_that_the_store_refuses_is_a_dead_letter_after_some_attempts(
    hubs: Hubs, server: NatsServer, operator: Operator
):
    disks: list[Disk] = []

    def on_disk(plays: Plays) -> Disk:
        disks.append(Disk(plays))
        return disks[0]

    hub = hubs(server.address, plays=on_disk)
    disks[0].poison = {'s7'}
    poison = event(ended(began(7), 60))
    async with running(hub):
        hub.tell(*many(20))
        await until(lambda: hub.recorder.recorded == 19)
        await until(lambda: hub.bus.status.dead == 1)
        hub.tell(*many(1, 100))  # it goes on
        await until(lambda: hub.recorder.recorded == 20)

    ((subject, payload, headers),) = await operator.messages(subjects.DEAD_STREAM)
    assert subject == subjects.DEAD_LETTERS
    assert subjects.decode(payload) == poison
    assert headers['Mediahub-Reason'] == 'out of range'
    assert headers['Mediahub-Times'] == str(consuming.MAX_DELIVER)
    assert headers['Mediahub-Subject'] == 'playback.plex.movie'
    assert headers['Mediahub-Hub'] == 'hub'


# With the headers of a dead letter it does not fit into a message any more.
TOO_LONG = b'x' * 1_048_000

GARBAGE = (
    b'',
    b'{"schema_version": 99}',
    b'not even json',
    b'\xff\xfe\x00',
    b'[' * 50_000,
    TOO_LONG,
    json.dumps({'schema_version': 1, 'event_id': '\u200b' * 900}).encode(),
)


async def test_garbage_becomes_dead_letters_and_blocks_nobody(
    hubs: Hubs, server: NatsServer, operator: Operator
):
    hub = hubs(server.address)
    async with running(hub):
        await until(lambda: hub.bus.status.state is ports.State.RUNNING)
        for payload in GARBAGE:
            await operator.publish('playback.plex.movie', payload)
        hub.tell(*many(3))
        await until(lambda: hub.recorder.recorded == 3)
        await until(lambda: hub.bus.status.dead == len(GARBAGE))

    kept = await operator.messages(subjects.DEAD_STREAM)
    whole = {payload for _, payload, headers in kept if 'Mediahub-Truncated' not in headers}
    (cut,) = (payload for _, payload, headers in kept if 'Mediahub-Truncated' in headers)
    assert whole == set(GARBAGE) - {TOO_LONG}
    assert cut
    assert TOO_LONG.startswith(cut)
    consumer = await operator.ask(f'CONSUMER.INFO.{subjects.STREAM}.{streams.durable("hub")}')
    assert (consumer['num_ack_pending'], consumer['num_pending']) == (0, 0)


@pytest.mark.parametrize('status', ['404', '408', '409', '503', '100'])
async def test_headers_that_look_like_the_broker_s_mislead_nobody(
    hubs: Hubs, server: NatsServer, operator: Operator, status: str
):
    hub = hubs(server.address)
    sent = event(ended(began(), 60))
    async with running(hub):
        await until(lambda: hub.bus.status.state is ports.State.RUNNING)
        forged = {'Status': status, 'Description': 'Consumer Deleted'}
        await operator.publish('playback.plex.movie', subjects.encode(sent), **forged)
        await until(lambda: hub.recorder.recorded == 1)

    assert hub.plays.find(sent.play.play_id) == sent.play


async def test_an_event_that_is_too_long_for_the_broker_is_kept_in_the_database(
    hubs: Hubs, servers: Servers
):
    server = servers(f'max_payload: {broker.LEAST_PAYLOAD}')
    hub = hubs(server.address)
    long = event(began(1, session_id='x' * broker.LEAST_PAYLOAD))
    async with running(hub):
        hub.tell(long, *many(3, 10))
        await until(lambda: hub.recorder.recorded == 3)
        await until(lambda: hub.outbox.size() == 0)

    ((_, letter),) = hub.letters.list()
    assert subjects.decode(letter.payload) == long
    assert 'longer' in letter.reason
