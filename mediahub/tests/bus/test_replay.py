# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import asyncio
import datetime
import json
from typing import TYPE_CHECKING

import pytest

from mediahub.bus import ports, replay, subjects
from mediahub.bus.broker import Broker, BrokerUnavailable
from mediahub.bus.recorder import Committed
from mediahub.store import hub as identities
from mediahub.store.letters import DeadLetter
from mediahub.testing.broker import NatsServer
from mediahub.testing.plays import began, ended, event
from mediahub.testing.tasks import running, until

if TYPE_CHECKING:
    from .conftest import Hubs, Operator

pytestmark = pytest.mark.anyio

LONG_AGO = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)


async def test_what_a_database_lost_is_read_again(hubs: Hubs, server: NatsServer):
    hub = hubs(server.address)
    where = Broker.at([server.address])
    async with running(hub):
        hub.tell(*(event(ended(began(number), 60)) for number in range(1300)))
        await until(lambda: hub.recorder.recorded == 1300)
    before = hub.finished()
    hub.database.execute('DELETE FROM finished_plays WHERE random() < 0.5')
    lost = 1300 - len(hub.finished())

    told = await replay.replay(where, hub.recorder, LONG_AGO)

    assert (told.read, told.new, told.known) == (1300, lost, 1300 - lost)
    assert hub.finished() == before
    again = await replay.replay(where, hub.recorder, LONG_AGO)
    assert (again.read, again.new, again.known) == (1300, 0, 1300)
    assert hub.finished() == before


async def test_listeners_hear_nothing_of_what_was_known(hubs: Hubs, server: NatsServer):
    hub = hubs(server.address)
    async with running(hub):
        hub.tell(event(began()))
        await until(lambda: hub.recorder.recorded == 1)
    heard: list[Committed] = []
    hub.recorder.subscribe(heard.append)

    await replay.replay(Broker.at([server.address]), hub.recorder, LONG_AGO)

    assert heard == []


async def test_only_what_was_stored_since_then_is_read(hubs: Hubs, server: NatsServer):
    hub = hubs(server.address)
    async with running(hub):
        hub.tell(event(began(1)))
        await until(lambda: hub.recorder.recorded == 1)
        await asyncio.sleep(0.05)
        since = datetime.datetime.now(datetime.UTC)
        hub.tell(event(began(2)), event(began(3)))
        await until(lambda: hub.recorder.recorded == 3)

    told = await replay.replay(Broker.at([server.address]), hub.recorder, since)

    assert told.read == 2


async def test_a_replay_beside_a_hub_that_works_leaves_nothing_behind(
    hubs: Hubs, server: NatsServer, operator: Operator
):
    hub = hubs(server.address)
    async with running(hub):
        hub.tell(*(event(began(number)) for number in range(100)))
        await until(lambda: hub.recorder.recorded == 100)

        await replay.replay(Broker.at([server.address]), hub.recorder, LONG_AGO)
        hub.tell(event(began(1000)))
        await until(lambda: hub.recorder.recorded == 101)

    assert len(await operator.consumers(subjects.STREAM)) == 1


async def test_an_empty_stream_is_no_error(hubs: Hubs, server: NatsServer):
    hub = hubs(server.address)
    async with running(hub):
        await until(lambda: hub.bus.status.state is ports.State.RUNNING)

    told = await replay.replay(Broker.at([server.address]), hub.recorder, LONG_AGO)

    assert told == replay.Replayed()


async def test_a_broker_without_the_stream_is_named(hubs: Hubs, server: NatsServer):
    hub = hubs(server.address)

    with pytest.raises(replay.NothingToReplay, match='MEDIA_EVENTS'):
        await replay.replay(Broker.at([server.address]), hub.recorder, LONG_AGO)


async def test_a_broker_that_is_away_is_named(hubs: Hubs, server: NatsServer):
    hub = hubs(server.address)
    server.stop()

    with pytest.raises(BrokerUnavailable, match=server.address):
        await replay.replay(Broker.at([server.address]), hub.recorder, LONG_AGO)


async def test_progress_is_told(hubs: Hubs, server: NatsServer):
    hub = hubs(server.address)
    async with running(hub):
        hub.tell(*(event(began(number)) for number in range(20)))
        await until(lambda: hub.recorder.recorded == 20)
    told: list[int] = []

    await replay.replay(
        Broker.at([server.address]), hub.recorder, LONG_AGO, lambda now: told.append(now.read)
    )

    assert told[-1] == 20


async def test_what_is_no_event_is_counted_and_passed_over(
    hubs: Hubs, server: NatsServer, operator: Operator
):
    hub = hubs(server.address)
    async with running(hub):
        hub.tell(event(began()))
        await until(lambda: hub.recorder.recorded == 1)
        await operator.publish('playback.plex.movie', b'garbage')
        await until(lambda: hub.bus.status.dead == 1)

    told = await replay.replay(Broker.at([server.address]), hub.recorder, LONG_AGO)

    assert (told.read, told.known, told.unreadable) == (2, 1, 1)


async def test_dead_letters_are_read_again_by_a_hub_that_has_learnt_to(
    hubs: Hubs, server: NatsServer, operator: Operator, monkeypatch: pytest.MonkeyPatch
):
    hub = hubs(server.address)
    newer = json.loads(subjects.encode(event(began(1)))) | {'schema_version': 2}
    async with running(hub):
        await until(lambda: hub.bus.status.state is ports.State.RUNNING)
        await operator.publish('playback.plex.movie', json.dumps(newer).encode())
        await until(lambda: hub.bus.status.dead == 1)
    own = json.loads(subjects.encode(event(began(2)))) | {'schema_version': 2}
    letter = DeadLetter(
        subject='outbox', payload=json.dumps(own).encode(), reason='', times=1, at=LONG_AGO
    )
    rubbish = DeadLetter(subject='outbox', payload=b'rubbish', reason='', times=1, at=LONG_AGO)
    hub.letters.add([letter, rubbish])

    monkeypatch.setattr(subjects, 'SCHEMA_VERSION', 2)  # the upgrade
    told = await replay.replay_letters(
        Broker.at([server.address]), hub.recorder, hub.letters, hub.database.run
    )

    assert (told.read, told.new, told.unreadable) == (3, 2, 1)
    assert {play.session_id for play in hub.plays.live()} == {'s1', 's2'}
    assert [letter for _, letter in hub.letters.list()] == [rubbish]
    assert await operator.count(subjects.DEAD_STREAM) == 1


async def test_dead_letters_without_a_broker_are_those_of_the_database(hubs: Hubs):
    hub = hubs('nats://127.0.0.1:1')
    payload = subjects.encode(event(began()))
    letter = DeadLetter(subject='outbox', payload=payload, reason='', times=5, at=LONG_AGO)
    hub.letters.add([letter])

    told = await replay.replay_letters(None, hub.recorder, hub.letters, hub.database.run)

    assert (told.read, told.new) == (1, 1)
    assert hub.letters.size() == 0


async def test_a_database_from_a_backup_heals_itself_under_a_new_id(
    hubs: Hubs, server: NatsServer
):
    before = hubs(server.address, 'before')
    async with running(before):
        before.tell(*(event(ended(began(number), 60)) for number in range(30)))
        await until(lambda: before.recorder.recorded == 30)
    restored = hubs(server.address, identities.renew(before.database))

    async with running(restored):
        await until(lambda: restored.recorder.recorded == 30)
