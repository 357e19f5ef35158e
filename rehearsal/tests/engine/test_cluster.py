# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from charmarr_lib import http
from rehearsal import engine, model, node


def client(rehearsal: engine.Rehearsal, unit: model.Unit | None = None):
    pod = unit.pod if unit else None
    transport = rehearsal.kubernetes.network.transport(pod, 'system:serviceaccount:media:player')
    return httpx2.Client(transport=transport)


@pytest.fixture
def unit(rehearsal: engine.Rehearsal):
    rehearsal.deploy('player', trust=True, units=2)
    rehearsal.settle()
    return rehearsal.applications['player'].units[0]


@pytest.mark.parametrize(
    'url',
    [
        'http://player.media.svc.cluster.local:8080/',
        'http://player.media.svc:8080/',
        'http://player.media:8080/',
        'http://player:8080/',
        'http://player-1.player-endpoints.media.svc.cluster.local:8080/',
    ],
)
def test_names_of_the_cluster_lead_to_the_pods(
    rehearsal: engine.Rehearsal, unit: model.Unit, url: str
):
    with client(rehearsal, unit) as caller:
        answer = caller.get(url)
    assert (answer.status_code, answer.text) == (200, unit.address)


def test_the_own_pod_is_localhost(rehearsal: engine.Rehearsal, unit: model.Unit):
    with client(rehearsal, unit) as caller:
        assert caller.get('http://localhost:8080/').text == '127.0.0.1'
        assert caller.get(f'http://{rehearsal.applications["player"].address}:8080/').text


@pytest.mark.parametrize(
    ('url', 'message'),
    [
        ('http://localhost:1/', 'refused'),
        ('http://player.media.svc:1/', 'refused'),
        ('http://nobody.media.svc:8080/', 'not known'),
        ('http://player.other.svc:8080/', 'not known'),
        ('https://plex.tv/', 'not known'),
    ],
)
def test_what_is_not_there_cannot_be_reached(
    rehearsal: engine.Rehearsal, unit: model.Unit, url: str, message: str
):
    with client(rehearsal, unit) as caller, pytest.raises(httpx2.ConnectError, match=message):
        caller.get(url)


def test_a_host_outside_answers_when_there_is_a_double_for_it(
    rehearsal: engine.Rehearsal, unit: model.Unit
):
    rehearsal.kubernetes.network.outside['plex.tv'] = lambda request: httpx2.Response(204)
    with client(rehearsal, unit) as caller:
        assert caller.get('https://plex.tv/').status_code == 204


def test_a_stopped_program_refuses_and_a_service_without_ready_pods_too(
    rehearsal: engine.Rehearsal, unit: model.Unit, container: Any
):
    for number in (0, 1):
        container(number=number).stop('player')
    with client(rehearsal, unit) as caller:
        with pytest.raises(httpx2.ConnectError, match='refused'):
            caller.get('http://localhost:8080/')
        with pytest.raises(httpx2.ConnectError, match='refused'):
            caller.get('http://player.media.svc:8080/')


def test_nothing_of_the_network_is_left_behind(rehearsal: engine.Rehearsal, unit: model.Unit):
    assert http.transport() is None


def test_opened_ports_take_the_place_of_the_placeholder(rehearsal: engine.Rehearsal, found: Any):
    rehearsal.deploy('player', trust=True)
    before = found('Service', 'player')
    assert [port['name'] for port in before['spec']['ports']] == ['placeholder']
    rehearsal.settle()
    after = found('Service', 'player')
    assert [(port['name'], port['port']) for port in after['spec']['ports']] == [
        ('juju-8080-tcp', 8080)
    ]
    generation = found('StatefulSet', 'player')['metadata']['generation']
    assert generation == 1


def test_time_passes_until_a_slow_program_answers(rehearsal: engine.Rehearsal, player: Any):
    player.slow = 7
    rehearsal.deploy('player', trust=True)
    assert rehearsal.settle().quiet
    assert rehearsal.applications['player'].status.name == 'active'


def test_a_failing_check_is_told_to_the_charm_and_so_is_its_recovery(
    rehearsal: engine.Rehearsal, player: Any, hooks: Callable[[str], list[str]]
):
    rehearsal.deploy('player', trust=True)
    rehearsal.settle()
    player.slow = player.made[0].ticks + 5
    rehearsal.settle()
    ran = hooks('player/0')
    assert 'player-pebble-check-failed' in ran
    assert ran.index('player-pebble-check-failed') < ran.index('player-pebble-check-recovered')


def test_a_program_that_cannot_start_is_the_charms_to_handle(rehearsal: engine.Rehearsal):
    rehearsal.deploy('player', trust=True, config={'volume': 0})
    settled = rehearsal.settle()
    assert not settled.quiet
    assert 'nobody hears it' in settled.errors[0].traceback


def test_a_model_that_never_rests_is_given_up_and_named(rehearsal: engine.Rehearsal):
    rehearsal.deploy('player', trust=True, units=2, config={'mood': 'restless'})
    settled = rehearsal.settle(limit=60)
    assert (settled.quiet, settled.hooks) == (False, 60)
    assert any('band-relation-changed' in line for line in settled.moving)


def test_a_claim_grows(rehearsal: engine.Rehearsal, found: Any):
    rehearsal.deploy('shelf', trust=True)
    rehearsal.settle()
    claim = found('PersistentVolumeClaim', 'media')
    assert claim['status'] == {
        'phase': 'Bound',
        'accessModes': ['ReadWriteMany'],
        'capacity': {'storage': '1Gi'},
    }
    grow(rehearsal, '5Gi')
    rehearsal.settle()
    grown = found('PersistentVolumeClaim', 'media')
    assert grown['status']['capacity'] == {'storage': '5Gi'}


def grow(rehearsal: engine.Rehearsal, size: str):
    url = 'https://kubernetes.default.svc/api/v1/namespaces/media/persistentvolumeclaims/media'
    request = httpx2.Request(
        'PATCH',
        url,
        json={'spec': {'resources': {'requests': {'storage': size}}}},
        headers={'Content-Type': 'application/merge-patch+json'},
    )
    assert rehearsal.cluster.handle(request).status_code == 200


def test_a_claim_takes_the_volume_that_is_meant_for_it(rehearsal: engine.Rehearsal, found: Any):
    rehearsal.cluster.add(
        {
            'apiVersion': 'v1',
            'kind': 'PersistentVolume',
            'metadata': {'name': 'nas'},
            'spec': {
                'capacity': {'storage': '1Gi'},
                'accessModes': ['ReadWriteMany'],
                'nfs': {'server': 'nas.local', 'path': '/media'},
                'claimRef': {'namespace': 'media', 'name': 'media'},
                'storageClassName': 'standard',
                'persistentVolumeReclaimPolicy': 'Retain',
            },
        }
    )
    rehearsal.deploy('shelf', trust=True)
    rehearsal.settle()
    claim = found('PersistentVolumeClaim', 'media')
    assert claim['spec']['volumeName'] == 'nas'
    rehearsal.cluster.remove('PersistentVolumeClaim', 'media', 'media')
    rehearsal.scale('shelf', 0)
    rehearsal.settle()
    (volume,) = rehearsal.cluster.list('PersistentVolume')
    assert volume['status']['phase'] == 'Released'


def test_a_job_ends_as_its_double_decides(rehearsal: engine.Rehearsal):
    def job(name: str):
        container = {'name': 'work', 'image': 'busybox'}
        template = {'spec': {'restartPolicy': 'Never', 'containers': [container]}}
        metadata = {'name': name, 'namespace': 'media'}
        return {
            'apiVersion': 'batch/v1',
            'kind': 'Job',
            'metadata': metadata,
            'spec': {'template': template},
        }

    rehearsal.kubernetes.jobs = lambda job: job['metadata']['name'] == 'good'
    for name in ('good', 'bad'):
        rehearsal.cluster.add(job(name))
    rehearsal.settle()
    ended = {
        each['metadata']['name']: each['status']['conditions'][0]['type']
        for each in rehearsal.cluster.list('Job')
    }
    assert ended == {'good': 'Complete', 'bad': 'Failed'}


def test_a_pod_that_asks_for_a_device_gets_it_where_the_node_has_one(
    rehearsal: engine.Rehearsal, found: Any, container: Any
):
    rehearsal.kubernetes.node.devices['/dev/dri/renderD128'] = 109
    rehearsal.deploy('player', trust=True)
    rehearsal.settle()
    limit(rehearsal, 'gpu.intel.com/i915')
    rehearsal.settle()
    assert rehearsal.applications['player'].units[0].pod is None
    waiting = found('Pod', 'player-0')
    assert 'Insufficient gpu.intel.com/i915' in waiting['status']['conditions'][0]['message']
    rehearsal.kubernetes.node.offer('gpu.intel.com/i915', 1)
    rehearsal.settle()
    files = container('player').files
    assert files.owner('/dev/dri/renderD128') == (0, 109)
    pod = found('Pod', 'player-0')
    assert (pod['status']['phase'], pod['spec']['nodeName']) == ('Running', node.NAME)


def limit(rehearsal: engine.Rehearsal, resource: str):
    container = {'name': 'player', 'resources': {'limits': {resource: '1'}}}
    patch = {'spec': {'template': {'spec': {'containers': [container]}}}}
    request = httpx2.Request(
        'PATCH',
        'https://kubernetes.default.svc/apis/apps/v1/namespaces/media/statefulsets/player',
        json=patch,
        headers={'Content-Type': 'application/strategic-merge-patch+json'},
    )
    assert rehearsal.cluster.handle(request).status_code == 200
