# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Servers, their libraries and scans, and what Prometheus is told of them."""

from __future__ import annotations

import pathlib
from collections.abc import AsyncGenerator, Generator
from typing import Any

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from mediahub.api.hub import Hub
from mediahub.api.others import Others
from mediahub.engine import config, registry
from mediahub.engine.engine import MediaServerEngine
from mediahub.testing import plex_delivery
from mediahub.testing.clocks import HandClock
from mediahub.testing.faults import Fault
from mediahub.testing.http import InProcess
from mediahub.testing.jellyfin import JellyfinDouble
from mediahub.testing.plex_living import LivingPlex

from .conftest import MakeHub, Visit

pytestmark = pytest.mark.anyio


@pytest.fixture
def attic(hand_clock: HandClock) -> Generator[LivingPlex]:
    made = LivingPlex(hand_clock, machine='machine-of-the-attic', name='attic', token='t' * 20)
    with made.served():
        yield made


def data(response: httpx2.Response, status: int = 200) -> Any:
    assert response.status_code == status, response.text
    return response.json()['data']


async def test_servers_say_how_they_are(
    visit: Visit, make_hub: MakeHub, living_plex: LivingPlex, attic: LivingPlex
):
    attic.faults.add(Fault('/status/sessions', status=401))
    async with visit(make_hub(living_plex, attic), token='viewer-token') as client:
        well, ill = data(await client.get('/api/v1/servers'))['servers']

    assert (well['name'], well['connected'], well['reason']) == ('Double', True, '')
    assert well['machine_id'] == living_plex.machine
    assert well['version'] == living_plex.version
    assert (ill['connected'], ill['token_valid']) == (False, False)
    assert 'token' in ill['reason']
    assert attic.token not in str(ill)


async def test_libraries_of_all_servers_and_who_did_not_answer(
    visit: Visit, make_hub: MakeHub, living_plex: LivingPlex, attic: LivingPlex
):
    attic.faults.add(Fault('/library/.*', status=500))
    async with visit(make_hub(living_plex, attic), token='viewer-token') as client:
        found = data(await client.get('/api/v1/libraries'))

    assert [library['title'] for library in found['libraries']] == ['Films', 'Shows', 'Music']
    films = found['libraries'][0]
    assert (films['count'], films['scanning'], films['progress']) == (3, False, None)
    (away,) = found['unreachable']
    assert (away['name'], away['machine_id']) == ('attic', attic.machine)


async def test_scan_is_followed_to_its_end(
    visit: Visit, make_hub: MakeHub, living_plex: LivingPlex, hand_clock: HandClock
):
    hub = make_hub(living_plex)
    async with visit(hub, token='admin-token') as client:
        films = data(await client.get('/api/v1/libraries'))['libraries'][0]
        asked = {'server': films['machine_id'], 'library': films['key']}
        begun = data(await client.post('/api/v1/libraries/scan', json=asked), 202)
        assert begun == {'server': 'Double', 'libraries': [films['key']]}

        hand_clock.go(45)
        living_plex.tick()
        scanning = data(await client.get('/api/v1/libraries'))['libraries'][0]
        assert (scanning['scanning'], scanning['progress']) == (True, 50)

        hand_clock.go(60)
        living_plex.tick()
        for what in ('sections', 'activities'):
            hub.answers.forget(('Double', what))
        done = data(await client.get('/api/v1/libraries'))['libraries'][0]
        assert (done['scanning'], done['scanned_at'] > films['scanned_at']) == (False, True)


async def test_all_libraries_are_scanned_where_none_is_named(
    visit: Visit, make_hub: MakeHub, living_plex: LivingPlex
):
    async with visit(make_hub(living_plex), token='admin-token') as client:
        data(await client.post('/api/v1/libraries/scan', json={}), 202)

    assert len(living_plex.scans) == 3


async def test_scan_is_for_administrators_and_for_libraries_that_are_there(
    visit: Visit, make_hub: MakeHub, living_plex: LivingPlex
):
    hub = make_hub(living_plex)
    async with visit(hub, token='viewer-token') as client:
        assert (await client.post('/api/v1/libraries/scan', json={})).status_code == 403
    async with visit(hub, token='admin-token') as client:
        for body, status in (
            ({'library': '77'}, 404),
            ({'library': '../1'}, 400),
            ({'library': 1}, 400),
            ({'server': 'nowhere'}, 404),
        ):
            response = await client.post('/api/v1/libraries/scan', json=body)
            assert response.status_code == status

    assert not living_plex.scans


def value(text: str, name: str, **labels: str) -> float | None:
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == name and labels.items() <= sample.labels.items():
                return sample.value
    return None


async def test_metrics_tell_the_state_of_everything(
    visit: Visit, make_hub: MakeHub, living_plex: LivingPlex, attic: LivingPlex
):
    film = next(iter(living_plex.shelves.rows))
    living_plex.play(
        living_plex.person('Anna'),
        living_plex.device('Living room'),
        film,
        plex_delivery.picture('720'),
    )
    attic.faults.add(Fault('/status/sessions', status=401))
    hub = make_hub(living_plex, attic)
    async with visit(hub) as client:
        # What the watcher has committed waits for the bus, which does not run here.
        assert value((await client.get('/metrics')).text, 'mediahub_store_up') == 1
        events = [event for _, event in _pending(hub)]
        hub.plays.record(events)
        text = (await client.get('/metrics')).text

    assert value(text, 'mediahub_sessions', server='Double', state='playing') == 1
    assert value(text, 'mediahub_streams', server='Double', decision='transcode') == 1
    assert (value(text, 'mediahub_bandwidth_kilobits', server='Double') or 0) > 0
    assert value(text, 'mediahub_server_up', server='Double') == 1
    assert value(text, 'mediahub_server_token_valid', server='attic') == 0
    assert value(text, 'mediahub_server_up', server='attic') == 0
    assert value(text, 'mediahub_bus_up', transport='local') == 0
    assert value(text, 'mediahub_info') == 1
    assert value(text, 'mediahub_store_writable') == 1
    assert value(text, 'process_resident_memory_bytes')
    assert 'Anna' not in text
    assert 'The Long Ferry' not in text


def _pending(hub: Any) -> Any:
    from mediahub.store.outbox import Outbox

    return Outbox(hub.database).pending()


# Servers that are no Plex.


class Cellar:
    """A Jellyfin and a folder of music, as a hub knows them."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.jellyfin = JellyfinDouble()
        self.token, self.auth = self.jellyfin.api_key, 'api-key'
        self.folder = folder

    def engine(self) -> MediaServerEngine:
        servers = [
            {
                'name': 'cellar',
                'type': 'jellyfin',
                'url': 'http://jellyfin.test:8096',
                'token': self.token,
                'auth': self.auth,
            },
            {
                'name': 'shelf',
                'type': 'filesystem',
                'path': str(self.folder),
                'cache': f'{self.folder}.db',
            },
        ]
        known = config.parse({'servers': servers}, registry.installed())
        return MediaServerEngine(known, transport=InProcess(self.jellyfin))


@pytest.fixture
def cellar(tmp_path: pathlib.Path) -> Cellar:
    (tmp_path / 'Music').mkdir()
    return Cellar(tmp_path / 'Music')


@pytest.fixture
async def others(cellar: Cellar) -> AsyncGenerator[Others]:
    async with cellar.engine() as engine:
        yield Others([engine.client(name) for name in engine.names])


@pytest.fixture
def mixed(make_hub: MakeHub, living_plex: LivingPlex, others: Others) -> Hub:
    """A hub that watches a Plex and knows other servers."""
    made = make_hub(living_plex)
    made.others = others
    return made


async def test_servers_of_other_kinds_say_how_they_are(visit: Visit, mixed: Hub):
    for other in mixed.others:
        await other.look()
    async with visit(mixed, token='viewer-token') as client:
        plex, jellyfin, shelf = data(await client.get('/api/v1/servers'))['servers']

    assert (plex['type'], plex['watched']) == ('plex', True)
    assert (jellyfin['name'], jellyfin['type']) == ('cellar', 'jellyfin')
    assert (jellyfin['watched'], jellyfin['realtime'], jellyfin['streams']) == (False, False, 0)
    assert (jellyfin['connected'], jellyfin['reason'], jellyfin['advice']) == (True, '', '')
    assert jellyfin['machine_id']
    assert jellyfin['version']
    assert jellyfin['last_snapshot_at']
    assert (shelf['type'], shelf['connected']) == ('filesystem', True)


async def test_a_token_that_another_kind_of_server_refuses_is_named(
    visit: Visit, mixed: Hub, cellar: Cellar
):
    cellar.jellyfin.api_key = 'another-key-than-before'
    for other in mixed.others:
        await other.look()
    async with visit(mixed, token='viewer-token') as client:
        _, jellyfin, shelf = data(await client.get('/api/v1/servers'))['servers']
        found = data(await client.get('/api/v1/libraries'))

    assert (jellyfin['connected'], jellyfin['token_valid']) == (False, False)
    assert jellyfin['reason']
    assert jellyfin['advice'] == 'give the hub another token or password for it'
    assert cellar.token not in str(jellyfin)
    assert shelf['connected']
    assert [each['name'] for each in found['unreachable']] == ['cellar']
    assert [each['server'] for each in found['libraries']] == ['Double'] * 3 + ['shelf']


async def test_libraries_of_all_kinds_of_server_stand_side_by_side(visit: Visit, mixed: Hub):
    async with visit(mixed, token='viewer-token') as client:
        found = data(await client.get('/api/v1/libraries'))

    assert found['unreachable'] == []
    shown = [(each['server'], each['title'], each['type']) for each in found['libraries'][3:]]
    assert shown == [
        ('cellar', 'Music', 'music'),
        ('cellar', 'Films', 'movies'),
        ('shelf', 'Music', 'music'),
    ]
    assert all(each['scannable'] and not each['scanning'] for each in found['libraries'])


async def test_a_library_of_another_kind_of_server_is_scanned(
    visit: Visit, mixed: Hub, cellar: Cellar
):
    async with visit(mixed, token='admin-token') as client:
        music = data(await client.get('/api/v1/libraries'))['libraries'][3]
        asked = {'server': music['machine_id'], 'library': music['key']}
        begun = data(await client.post('/api/v1/libraries/scan', json=asked), 202)
        assert begun == {'server': 'cellar', 'libraries': [music['key']]}
        assert cellar.jellyfin.scans == [music['key']]
        scanning = data(await client.get('/api/v1/libraries'))['libraries'][3]
        assert (scanning['scanning'], scanning['progress']) == (True, 42)

        asked = {'server': 'cellar', 'library': 'none'}
        response = await client.post('/api/v1/libraries/scan', json=asked)
        assert response.status_code == 404

        begun = data(await client.post('/api/v1/libraries/scan', json={'server': 'shelf'}), 202)
        assert begun == {'server': 'shelf', 'libraries': ['folder']}


async def test_a_viewer_scans_no_library_of_another_kind_of_server(visit: Visit, mixed: Hub):
    async with visit(mixed, token='viewer-token') as client:
        response = await client.post('/api/v1/libraries/scan', json={'server': 'shelf'})
        assert response.status_code == 403


async def test_who_may_not_scan_is_offered_no_scan(
    visit: Visit, make_hub: MakeHub, living_plex: LivingPlex, cellar: Cellar
):
    cellar.jellyfin.administrator = False
    cellar.token, cellar.auth = cellar.jellyfin.user_token, 'user-token'
    hub = make_hub(living_plex)
    async with cellar.engine() as engine, visit(hub, token='admin-token') as client:
        hub.others = Others([engine.client('cellar')])
        found = data(await client.get('/api/v1/libraries'))['libraries']
        asked = {'server': 'cellar', 'library': found[-1]['key']}
        response = await client.post('/api/v1/libraries/scan', json=asked)
    assert (found[-1]['title'], found[-1]['scannable']) == ('Music', False)
    assert response.status_code == 501
