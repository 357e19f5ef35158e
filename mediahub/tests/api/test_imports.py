# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Imports are shown, and begun by administrators."""

from __future__ import annotations

import asyncio

import pytest

from mediahub.playback.sweep import Sweep
from mediahub.testing.clocks import HandClock
from mediahub.testing.plex_living import LivingPlex

from .conftest import MakeHub, Visit

pytestmark = pytest.mark.anyio


async def test_import_is_begun_and_followed(
    visit: Visit, make_hub: MakeHub, living_plex: LivingPlex, hand_clock: HandClock
):
    film = next(row for row in living_plex.shelves.rows.values() if row.title == 'The Long Ferry')
    session = living_plex.play(living_plex.person('Anna'), living_plex.device('TV'), film.id)
    for _ in range(12):
        hand_clock.go(600)
        living_plex.tick()
    assert not session.live
    hub = make_hub(living_plex)
    (server,) = hub.servers
    sweep = Sweep(
        server.api, hub.plays, hub.database, machine=lambda: server.machine_id, clock=hand_clock
    )
    hub.imports = {'Double': sweep}

    async with visit(hub, token='admin-token') as client:
        before = (await client.get('/api/v1/imports')).json()['data']['imports']
        begun = await client.post('/api/v1/imports/Double')
        await asyncio.gather(*hub.tasks)
        (after,) = (await client.get('/api/v1/imports')).json()['data']['imports']
        listed = (await client.get('/api/v1/history')).json()['data']

    assert [(one['name'], one['new']) for one in before] == [('Double', 0)]
    assert begun.status_code == 202
    assert (after['new'], after['problem'], after['running']) == (1, '', False)
    assert [play['source'] for play in listed['plays']] == ['plex-history']


async def test_import_that_is_not_there_is_named(visit: Visit):
    async with visit(token='admin-token') as client:
        response = await client.post('/api/v1/imports/tautulli')

    assert response.status_code == 404
    assert 'there are: none' in response.json()['error']['message']


async def test_import_that_fails_says_why(
    visit: Visit, make_hub: MakeHub, living_plex: LivingPlex
):
    hub = make_hub(living_plex)
    (server,) = hub.servers
    sweep = Sweep(server.api, hub.plays, hub.database, machine=lambda: server.machine_id)
    hub.imports = {'Double': sweep}
    async with visit(hub, token='admin-token') as client:
        living_plex.token = 'another'
        await client.post('/api/v1/imports/Double')
        await asyncio.gather(*hub.tasks)
        (after,) = (await client.get('/api/v1/imports')).json()['data']['imports']

    assert 'HTTP 401' in after['problem']
