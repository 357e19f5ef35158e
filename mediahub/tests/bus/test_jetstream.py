# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import asyncio
import datetime
from typing import TYPE_CHECKING

import pytest

from mediahub.bus import ports, pulling, streams, subjects
from mediahub.testing.broker import NatsServer
from mediahub.testing.plays import began, ended, event, later
from mediahub.testing.tasks import running, until

if TYPE_CHECKING:
    from .conftest import Hubs, Operator

pytestmark = pytest.mark.anyio


async def test_events_travel_over_the_stream_into_the_database(
    hubs: 'Hubs', server: NatsServer, operator: 'Operator'
):
    hub = hubs(server.address)
    first = began()
    last = ended(later(first, 60), 60)

    async with running(hub):
        hub.tell(event(first))
        await until(lambda: hub.plays.live() == [first])
        hub.tell(event(last))
        await until(lambda: hub.plays.find(last.play_id) == last)
        await until(lambda: hub.bus.status.outbox == 0)

    assert hub.outbox.size() == 0
    sent = await operator.messages(subjects.STREAM)
    assert [(subject, subjects.decode(payload)) for subject, payload, _ in sent] == [
        ('playback.plex.movie', event(first)),
        ('playback.plex.movie', event(last)),
    ]
    assert [headers['Nats-Msg-Id'] for _, _, headers in sent] == [
        event(first).event_id,
        event(last).event_id,
    ]
    assert hub.bus.status.published == 2
    assert hub.bus.status.recorded == 2


async def test_what_was_recorded_is_not_delivered_again(hubs: 'Hubs', server: NatsServer):
    hub = hubs(server.address)
    async with running(hub):
        hub.tell(*(event(began(number)) for number in range(1200)))
        await until(lambda: hub.recorder.recorded == 1200)
        await until(lambda: hub.bus.status.behind == 0)

    async with running(hub):
        await until(lambda: hub.bus.status.state is ports.State.RUNNING)
        hub.tell(event(began(5000)))
        await until(lambda: hub.recorder.recorded == 1201)

    assert hub.recorder.repeated == 0


async def test_two_hubs_come_to_the_same_result(
    hubs: 'Hubs', server: NatsServer, operator: 'Operator'
):
    here, there = hubs(server.address, 'here'), hubs(server.address, 'there')
    plays = [ended(began(number), 60) for number in range(40)]

    async with running(here, there):
        here.tell(*(event(play) for play in plays[:20]))
        there.tell(*(event(play) for play in plays[20:]))
        for hub in (here, there):
            await until(lambda hub=hub: hub.recorder.recorded == 40)

    for hub in (here, there):
        assert [hub.plays.find(play.play_id) for play in plays] == plays
    assert set(await operator.consumers(subjects.STREAM)) == {
        streams.durable('here'),
        streams.durable('there'),
    }


async def test_two_hubs_that_watch_the_same_server_are_told_so(hubs: 'Hubs', server: NatsServer):
    now = datetime.datetime.now(datetime.UTC)
    here, there = hubs(server.address, 'here'), hubs(server.address, 'there')

    async with running(here, there):
        here.tell(event(began(1, at=now)))
        await until(lambda: there.recorder.recorded == 1)
        assert there.bus.status.warning == ''  # it only reads

        there.tell(event(began(1, at=now + datetime.timedelta(seconds=2))))
        for hub, other in ((here, 'there'), (there, 'here')):
            await until(lambda hub=hub: 'counted twice' in hub.bus.status.warning)
            assert f'hub {other} watches' in hub.bus.status.warning
            here.tell(event(later(began(1, at=now), 10)))


async def test_a_hub_that_is_new_reads_everything_from_the_beginning(
    hubs: 'Hubs', server: NatsServer
):
    first, second = hubs(server.address, 'first'), hubs(server.address, 'second')
    plays = [ended(began(number), 60) for number in range(700)]
    async with running(first):
        first.tell(*(event(play) for play in plays))
        await until(lambda: first.recorder.recorded == 700)

    async with running(second):
        await until(lambda: second.recorder.recorded == 700)

    assert second.finished() == first.finished()
    assert second.finished() == sorted((play.play_id, play.ordinal) for play in plays)


async def test_hubs_on_copies_of_one_database_part_and_miss_nothing(
    hubs: 'Hubs', server: NatsServer, monkeypatch: pytest.MonkeyPatch, operator: 'Operator'
):
    monkeypatch.setattr(pulling, 'SETTLED', 0.2)
    first, second = hubs(server.address, 'one', 'first'), hubs(server.address, 'one', 'second')
    third = hubs(server.address, 'third')
    plays = [ended(began(number), 60) for number in range(200)]

    async with running(first, second, third):
        for place in range(0, 200, 5):
            third.tell(*(event(play) for play in plays[place : place + 5]))
            await asyncio.sleep(0.02)
        for hub in (first, second, third):
            await until(lambda hub=hub: len(hub.finished()) == 200)

    assert first.finished() == second.finished() == third.finished()
    assert len(await operator.consumers(subjects.STREAM)) >= 3


async def test_one_of_two_hubs_that_notices_has_the_other_read_anew(
    hubs: 'Hubs', server: NatsServer, monkeypatch: pytest.MonkeyPatch, operator: 'Operator'
):
    """What one acknowledged before it noticed would never come to the other."""
    blind, second = hubs(server.address, 'one', 'blind'), hubs(server.address, 'one', 'second')
    third = hubs(server.address, 'third')
    plays = [ended(began(number), 60) for number in range(200)]

    monkeypatch.setattr(pulling, 'SETTLED', 1000.0)
    async with running(blind, third):
        await until(lambda: blind.bus.status.state is ports.State.RUNNING)
        await until(lambda: third.bus.status.state is ports.State.RUNNING)
        monkeypatch.setattr(pulling, 'SETTLED', 0.5)
        async with running(second):
            for place in range(0, 200, 5):
                third.tell(*(event(play) for play in plays[place : place + 5]))
                await asyncio.sleep(0.02)
            for hub in (blind, second):
                await until(lambda hub=hub: len(hub.finished()) == 200)

    names = await operator.consumers(subjects.STREAM)
    assert len(names) == 3
    assert streams.durable('one') in names


async def test_a_hub_alone_is_never_taken_for_two(
    hubs: 'Hubs', server: NatsServer, monkeypatch: pytest.MonkeyPatch, operator: 'Operator'
):
    monkeypatch.setattr(pulling, 'SETTLED', 0.0)
    hub = hubs(server.address)

    async with running(hub):
        await until(lambda: hub.bus.status.state is ports.State.RUNNING)
        for place in range(0, 1500, 50):
            hub.tell(*(event(began(number)) for number in range(place, place + 50)))
            await operator.publish('playback.plex.movie', b'garbage')
            await asyncio.sleep(0.01)
        await until(lambda: hub.recorder.recorded == 1500)
        await until(lambda: hub.bus.status.dead == 30)

    assert await operator.consumers(subjects.STREAM) == [streams.durable('hub')]
