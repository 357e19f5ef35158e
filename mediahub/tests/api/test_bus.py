# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What an administrator is told of the bus."""

from __future__ import annotations

import pytest

from mediahub.bus.broker import Broker
from mediahub.bus.jetstream import JetStreamBus
from mediahub.bus.ports import State
from mediahub.bus.recorder import Recorder
from mediahub.store.database import Database
from mediahub.store.letters import DeadLetters
from mediahub.store.outbox import Outbox
from mediahub.store.plays import Plays
from mediahub.testing.plays import began, event
from mediahub.testing.tasks import running, until

from .conftest import MakeHub, Visit

pytestmark = pytest.mark.anyio


async def test_a_bus_in_the_process_says_what_it_moved(
    visit: Visit, make_hub: MakeHub, database: Database
):
    hub = make_hub()
    Outbox(database).add([event(began(number)) for number in range(3)])
    async with visit(hub, token='admin-token') as client, running(hub.bus):
        await until(lambda: hub.bus.status.recorded == 3 and hub.bus.status.state is State.RUNNING)
        found = (await client.get('/api/v1/bus')).json()['data']

    assert (found['transport'], found['state']) == ('local', 'running')
    assert (found['recorded'], found['outbox'], found['behind']) == (3, 0, None)
    assert (found['reason'], found['warning'], found['dead_letters']) == ('', '', 0)
    assert found['lag_seconds'] > 0


async def test_a_broker_that_is_away_is_named_and_what_waits_is_counted(
    visit: Visit, make_hub: MakeHub, database: Database
):
    hub = make_hub()
    hub.bus = JetStreamBus(
        Broker.at(['nats://hub:secret-of-the-broker@127.0.0.1:9']),
        Outbox(database),
        Recorder(Plays(database), database.run),
        DeadLetters(database),
        database.run,
        'a-hub',
        lambda: 'another-hub',
    )
    Outbox(database).add([event(began())])
    async with visit(hub, token='admin-token') as client, running(hub.bus):
        await until(lambda: hub.bus.status.outbox == 1)
        answer = await client.get('/api/v1/bus')
        metrics = (await client.get('/metrics')).text

    found = answer.json()['data']
    assert (found['transport'], found['state'], found['outbox']) == ('nats', 'waiting', 1)
    assert '127.0.0.1:9' in found['reason']
    assert 'secret-of-the-broker' not in answer.text
    assert 'mediahub_bus_up{transport="nats"} 0' in metrics
    assert 'mediahub_outbox_events 1' in metrics


async def test_a_viewer_is_told_nothing_of_it(visit: Visit, make_hub: MakeHub):
    async with visit(make_hub(), token='viewer-token') as client:
        assert (await client.get('/api/v1/bus')).status_code == 403
