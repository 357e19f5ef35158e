# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What people are told of plays that are going to be removed."""

from __future__ import annotations

import datetime

import pytest

from mediahub.store.database import Database
from mediahub.store.expiry import Expiry
from mediahub.store.plays import Plays
from mediahub.testing.plays import START, began, ended, event

from .conftest import MakeHub, Visit

pytestmark = pytest.mark.anyio

NOW = START + datetime.timedelta(days=60)


async def test_removal_is_told_before_and_after_it(
    visit: Visit, make_hub: MakeHub, database: Database
):
    hub = make_hub()
    plays = Plays(database)
    plays.record([event(ended(began(), 60)), event(ended(began(2, NOW), 60))])
    hub.expiry = Expiry(database, plays, 30, hub.settings.home, lambda: NOW)
    hub.expiry.look(0)
    async with visit(hub, token='admin-token') as client:
        before = (await client.get('/api/v1/retention')).json()['data']
        ready = (await client.get('/readyz', headers={'Accept': 'application/json'})).json()
        gauges = (await client.get('/metrics')).text
        hub.expiry.look(24 * 3600)
        while hub.expiry.step():
            pass
        after = (await client.get('/api/v1/retention')).json()['data']
        gauges_after = (await client.get('/metrics')).text

    assert (before['days'], before['until'], before['due']) == (30, None, 1)
    assert (before['goal'], before['wait_seconds']) == ('2026-03-31T00:00:00Z', 24 * 3600)
    assert before['notice'].startswith('1 plays that ended before 2026-03-31')
    assert ready == {'ready': True, 'reasons': [], 'remarks': [before['notice']]}
    assert 'mediahub_retention_due_plays 1.0' in gauges
    assert 'mediahub_retention_wait_seconds 86400.0' in gauges
    assert '\nmediahub_retention_horizon_timestamp_seconds ' not in gauges
    assert (after['until'], after['goal'], after['due']) == ('2026-03-31T00:00:00Z', None, 0)
    assert (after['removed'], after['notice'], after['problem']) == (1, '', '')
    assert 'mediahub_retention_removed_plays 1.0' in gauges_after
    assert 'mediahub_retention_horizon_timestamp_seconds 1.774' in gauges_after
    assert 'mediahub_retention_blocked 0.0' in gauges_after


async def test_viewers_are_not_told(visit: Visit, make_hub: MakeHub):
    async with visit(make_hub(), token='viewer-token') as client:
        assert (await client.get('/api/v1/retention')).status_code == 403
