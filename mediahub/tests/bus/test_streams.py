# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What the hub does to a broker that others use, too: as little as it can."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mediahub.bus import ports, replay, streams, subjects
from mediahub.bus.broker import Broker, connected
from mediahub.testing.broker import NatsServer
from mediahub.testing.plays import began, ended, event
from mediahub.testing.tasks import running, until

if TYPE_CHECKING:
    from .conftest import Hubs, Operator, Servers

pytestmark = pytest.mark.anyio

PUBLISH = ('playback.>', 'dlq.playback', '$JS.API.>', '$JS.ACK.>')

# As somebody would set it up by hand, for a stream that is theirs and small.
THEIRS: dict[str, Any] = {
    'name': subjects.STREAM,
    'subjects': ['playback.>', 'plex.>', 'tautulli.>'],
    'retention': 'limits',
    'storage': 'file',
    'max_bytes': 5_000_000,
    'max_age': streams.DAYS,
    'duplicate_window': 60 * streams.SECONDS,
    'num_replicas': 1,
}


async def made(operator: Operator, **changes: Any) -> dict[str, Any]:
    config = THEIRS | changes
    await operator.ask(f'STREAM.CREATE.{subjects.STREAM}', **config)
    return await operator.config(subjects.STREAM)


async def test_streams_that_are_missing_are_made(
    hubs: Hubs, server: NatsServer, operator: Operator
):
    async with running(hub := hubs(server.address)):
        await until(lambda: hub.bus.status.state is ports.State.RUNNING)

    events = await operator.config(subjects.STREAM)
    assert events['subjects'] == ['playback.>']
    assert (events['retention'], events['storage']) == ('limits', 'file')
    assert events['max_age'] == streams.KEEP
    assert events['max_bytes'] == streams.EVENTS_SIZE
    letters = await operator.config(subjects.DEAD_STREAM)
    assert letters['subjects'] == ['dlq.playback']


async def test_a_stream_that_is_there_stays_as_it_is(
    hubs: Hubs, server: NatsServer, operator: Operator
):
    before = await made(operator)
    await operator.publish('plex.anything', b'theirs')

    async with running(hub := hubs(server.address)):
        hub.tell(event(began()))
        await until(lambda: hub.recorder.recorded == 1)

    assert await operator.config(subjects.STREAM) == before
    assert await operator.count(subjects.STREAM) == 2
    assert hub.bus.status.dead == 0


async def test_a_stream_without_our_subjects_gets_them_and_nothing_else(
    hubs: Hubs, server: NatsServer, operator: Operator
):
    before = await made(operator, subjects=['plex.>'])

    async with running(hub := hubs(server.address)):
        hub.tell(event(began()))
        await until(lambda: hub.recorder.recorded == 1)

    now = await operator.config(subjects.STREAM)
    assert now.pop('subjects') == ['plex.>', 'playback.>']
    before.pop('subjects')
    assert now == before


async def test_subjects_that_another_stream_holds_are_named_and_waited_for(
    hubs: Hubs, server: NatsServer, operator: Operator
):
    other = THEIRS | {'name': 'OTHERS', 'subjects': ['playback.plex.movie']}
    await operator.ask('STREAM.CREATE.OTHERS', **other)

    async with running(hub := hubs(server.address)):
        hub.tell(event(began()))
        await until(lambda: 'overlap' in hub.bus.status.reason)
        assert subjects.STREAM in hub.bus.status.reason
        assert hub.outbox.size() == 1

        await operator.ask('STREAM.DELETE.OTHERS')
        await until(lambda: hub.recorder.recorded == 1)


@pytest.mark.parametrize(
    ('changes', 'remark'),
    [
        ({'retention': 'workqueue'}, 'replay'),
        ({'storage': 'memory'}, 'memory'),
        ({'max_msgs_per_subject': 10}, 'number in a subject'),
    ],
)
async def test_settings_that_can_cost_events_are_remarked_on(
    hubs: Hubs,
    server: NatsServer,
    operator: Operator,
    changes: dict[str, Any],
    remark: str,
):
    await made(operator, **changes)

    async with running(hub := hubs(server.address)):
        hub.tell(event(began()))
        await until(lambda: hub.recorder.recorded == 1)
        assert hub.bus.status.state is ports.State.RUNNING
        assert remark in hub.bus.status.warning


@pytest.mark.parametrize(('retention', 'kept'), [('limits', False), ('interest', True)])
async def test_a_consumer_is_forgotten_only_where_that_drops_no_event(
    server: NatsServer, operator: Operator, retention: str, kept: bool
):
    await made(operator, retention=retention)
    await streams.ensure_consumer(operator.client, 'mediahub-one')
    await operator.publish('playback.plex.movie', b'not read yet')

    if kept:
        with pytest.raises(streams.Unsuitable, match='keeps nothing that was read'):
            await streams.forget_consumer(operator.client, 'mediahub-one')
    else:
        await streams.forget_consumer(operator.client, 'mediahub-one')
        await streams.forget_consumer(operator.client, 'mediahub-one')
    assert list(await operator.consumers(subjects.STREAM)) == ['mediahub-one'] * kept
    assert await operator.count(subjects.STREAM) == 1


async def test_a_stream_that_confirms_nothing_is_refused(
    hubs: Hubs, server: NatsServer, operator: Operator
):
    await made(operator, no_ack=True)

    async with running(hub := hubs(server.address)):
        hub.tell(event(began()))
        await until(lambda: 'no_ack' in hub.bus.status.reason)
        assert hub.outbox.size() == 1


async def test_a_full_stream_that_takes_nothing_new_is_waited_for(
    hubs: Hubs, server: NatsServer, operator: Operator
):
    config = await made(operator, max_msgs=2, discard='new')

    async with running(hub := hubs(server.address)):
        hub.tell(*(event(began(number)) for number in range(5)))
        await until(lambda: 'maximum messages' in hub.bus.status.reason)
        assert hub.bus.status.state is ports.State.WAITING
        assert hub.outbox.size() == 3

        wider = config | {'max_msgs': 100}
        await operator.ask(f'STREAM.UPDATE.{subjects.STREAM}', **wider)
        await until(lambda: hub.recorder.recorded == 5)
        await until(lambda: hub.bus.status.state is ports.State.RUNNING)


async def test_a_broker_with_little_room_gets_a_smaller_stream(hubs: Hubs, servers: Servers):
    server = servers(jetstream='max_file_store: 600MB')

    async with running(hub := hubs(server.address)):
        hub.tell(event(began()))
        await until(lambda: hub.recorder.recorded == 1)

    async with connected(Broker.at([server.address]), 'test') as connection:
        events = await streams.config(connection.client, subjects.STREAM) or {}
        letters = await streams.config(connection.client, subjects.DEAD_STREAM) or {}
    assert events['max_bytes'] == 512 * 2**20
    assert letters['max_bytes'] == 64 * 2**20


async def test_a_broker_without_jetstream_is_named_and_waited_for(hubs: Hubs, servers: Servers):
    server = servers(jetstream=None)

    async with running(hub := hubs(server.address)):
        hub.tell(event(began()))
        await until(lambda: '--jetstream' in hub.bus.status.reason)
        assert hub.bus.status.state is ports.State.WAITING
        assert hub.outbox.size() == 1


async def test_the_rights_that_the_documentation_names_are_enough(hubs: Hubs, servers: Servers):
    publish = ', '.join(f'"{name}"' for name in PUBLISH)
    server = servers(
        'authorization: { users: [ { user: hub, password: "a password", permissions: '
        f'{{ publish: [{publish}], subscribe: ["_INBOX.>"] }} }} ] }}'
    )
    where = Broker.at([server.address], user='hub', password='a password')

    async with running(hub := hubs(where)):
        hub.tell(event(began()))
        await until(lambda: hub.recorder.recorded == 1)
        await until(lambda: hub.outbox.size() == 0)
        assert hub.bus.status.state is ports.State.RUNNING
    told = await replay.replay(where, hub.recorder, began().started_at)
    assert told.read == 1


async def test_a_consumer_that_would_pass_over_events_is_mended(
    hubs: Hubs, server: NatsServer, operator: Operator
):
    name = streams.durable('hub')
    await made(operator)
    theirs = {
        'durable_name': name,
        'ack_policy': 'explicit',
        'deliver_policy': 'all',
        'replay_policy': 'instant',
        'filter_subject': subjects.EVENTS,
        'max_deliver': 2,
    }
    request = f'CONSUMER.DURABLE.CREATE.{subjects.STREAM}.{name}'
    await operator.ask(request, stream_name=subjects.STREAM, config=theirs)

    async with running(hub := hubs(server.address)):
        hub.tell(event(ended(began(), 60)))
        await until(lambda: hub.recorder.recorded == 1)

    info = await operator.ask(f'CONSUMER.INFO.{subjects.STREAM}.{name}')
    assert info['config']['max_deliver'] == -1


async def test_a_consumer_of_another_kind_is_left_alone(
    hubs: Hubs, server: NatsServer, operator: Operator
):
    name = streams.durable('hub')
    await made(operator)
    theirs = {
        'durable_name': name,
        'ack_policy': 'none',
        'deliver_policy': 'all',
        'replay_policy': 'instant',
    }
    request = f'CONSUMER.DURABLE.CREATE.{subjects.STREAM}.{name}'
    await operator.ask(request, stream_name=subjects.STREAM, config=theirs)

    async with running(hub := hubs(server.address)):
        await until(lambda: 'remove it' in hub.bus.status.reason)

    info = await operator.ask(f'CONSUMER.INFO.{subjects.STREAM}.{name}')
    assert info['config']['ack_policy'] == 'none'


async def test_dead_letters_go_where_somebody_made_room_for_them(
    hubs: Hubs, server: NatsServer, operator: Operator
):
    theirs = THEIRS | {'name': 'GRAVEYARD', 'subjects': ['dlq.>']}
    await operator.ask('STREAM.CREATE.GRAVEYARD', **theirs)

    async with running(hub := hubs(server.address)):
        await until(lambda: hub.bus.status.state is ports.State.RUNNING)
        await operator.publish('playback.plex.movie', b'garbage')
        await until(lambda: hub.bus.status.dead == 1)

    assert [payload for _, payload, _ in await operator.messages('GRAVEYARD')] == [b'garbage']


@pytest.mark.parametrize(
    ('pattern', 'subject', 'covered'),
    [
        ('>', 'playback.>', True),
        ('playback.>', 'playback.>', True),
        ('*.>', 'playback.>', True),
        ('playback.plex.>', 'playback.>', False),
        ('playback.*', 'playback.>', False),
        ('playback.*.*', 'playback.>', False),
        ('plex.>', 'playback.>', False),
        ('playback', 'playback.>', False),
        ('playback.>', 'playback', False),
        ('dlq.*', 'dlq.playback', True),
    ],
)
def test_a_pattern_covers_another_or_not(pattern: str, subject: str, covered: bool):
    assert streams.covers(pattern, subject) is covered
