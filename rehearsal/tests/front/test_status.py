# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""From a model to what ``juju status`` says of it."""

import datetime
import pathlib

import ops
import pytest

from rehearsal import catalogue, engine, model, status, tabular

NOW = datetime.datetime(2026, 11, 20, 21, 47, 3, tzinfo=datetime.UTC)
METADATA = {
    'name': 'plex-k8s',
    'provides': {'media-server': {'interface': 'media_server'}},
    'requires': {'media-storage': {'interface': 'media_storage'}},
    'peers': {'peers': {'interface': 'plex_peers'}},
}
CHARM = model.Charm('plex-k8s', pathlib.Path(), METADATA, ops.CharmBase)


def unit(number: int, workload: model.Status, agent: model.Status) -> model.Unit:
    made = model.Unit('plex', number, leader=number == 0, workload=workload, agent=agent)
    made.address = f'10.1.34.{12 + number}'
    return made


def relation(number: int, provider: str, requirer: str, interface: str) -> model.Relation:
    ends = [model.EndpointRef(*end.split(':')) for end in (provider, requirer)]
    return model.Relation(number, ends[0], ends[1], interface)


@pytest.fixture
def rehearsal():
    with engine.Rehearsal(catalogue.Catalogue()) as made:
        plex = model.Application('plex', CHARM, 2, 'abcd1234', revision=12)
        plex.address = '10.152.183.40'
        plex.own_status = model.Status('waiting', 'waiting for units to settle down')
        plex.units += [
            unit(0, model.Status('active'), model.Status('idle')),
            unit(1, model.Status('waiting', 'waiting for Pebble'), model.Status('allocating')),
        ]
        plex.units[0].workload_version = '1.41.3'
        made.applications['plex'] = plex
        made.applications['seerr'] = model.Application('seerr', CHARM, 0, 'dcba4321')
        made.relations += [
            relation(0, 'plex:peers', 'plex:peers', 'plex_peers'),
            relation(1, 'plex:media-server', 'seerr:media-server', 'media_server'),
        ]
        yield made


def test_a_model_is_shown_as_juju_shows_it(rehearsal: engine.Rehearsal):
    shown = tabular.render(status.snapshot(rehearsal, now=NOW), relations=True)
    assert shown.splitlines() == [
        'Model  Controller  Cloud/Region        Version  SLA          Timestamp',
        'media  rehearsal   embedded/localhost  3.6.12   unsupported  21:47:03Z',
        '',
        'App    Version  Status   Scale  Charm     Channel  Rev  Address        Exposed  Message',
        'plex   1.41.3   waiting    1/2  plex-k8s            12  10.152.183.40  no       '
        'waiting for units to settle down',
        'seerr           unknown      0  plex-k8s             0                 no       ',
        '',
        'Unit     Workload  Agent       Address     Ports  Message',
        'plex/0*  active    idle        10.1.34.12         ',
        'plex/1   waiting   allocating  10.1.34.13         waiting for Pebble',
        '',
        'Integration provider  Requirer            Interface     Type     Message',
        'plex:media-server     seerr:media-server  media_server  regular  ',
        'plex:peers            plex:peers          plex_peers    peer     ',
    ]


def test_a_selection_shows_what_touches_it(rehearsal: engine.Rehearsal):
    taken = status.snapshot(rehearsal, ['seerr'], now=NOW)
    assert [row.name for row in taken.applications] == ['seerr']
    assert [row.provider for row in taken.relations] == ['plex:media-server']
    assert not taken.units


def test_a_failed_hook_hides_what_the_charm_set(rehearsal: engine.Rehearsal):
    rehearsal.applications['plex'].units[0].agent = model.Status('error', 'hook failed: "start"')
    row = status.snapshot(rehearsal, now=NOW).units[0]
    assert (row.workload, row.message) == ('error', 'hook failed: "start"')


@pytest.mark.parametrize(
    ('message', 'doing'),
    [
        ('running config-changed hook', 'config-changed'),
        ('running action claim-server', 'claim-server'),
        ('', ''),
    ],
)
def test_a_busy_unit_shows_what_it_runs(rehearsal: engine.Rehearsal, message: str, doing: str):
    rehearsal.applications['plex'].units[0].agent = model.Status('executing', message)
    assert status.snapshot(rehearsal, now=NOW).units[0].doing == doing


def test_programs_get_jujus_keys(rehearsal: engine.Rehearsal):
    document = status.document(rehearsal, now=NOW)
    assert document['model']['name'] == 'media'
    assert document['model']['type'] == 'caas'
    plex = document['applications']['plex']
    assert plex['application-status'] == {
        'current': 'waiting',
        'message': 'waiting for units to settle down',
    }
    assert plex['units']['plex/0'] == {
        'workload-status': {'current': 'active'},
        'juju-status': {'current': 'idle'},
        'leader': True,
        'address': '10.1.34.12',
    }
    assert plex['relations']['media-server'] == [
        {'related-application': 'seerr', 'interface': 'media_server', 'scope': 'global'}
    ]
    assert 'units' not in document['applications']['seerr']


def test_storage_is_listed_with_its_claim(rehearsal: engine.Rehearsal):
    plex = rehearsal.applications['plex']
    rehearsal.cluster.add(
        {
            'apiVersion': 'v1',
            'kind': 'PersistentVolumeClaim',
            'metadata': {'name': 'plex-config-abcd1234-plex-0', 'namespace': 'media'},
            'spec': {
                'accessModes': ['ReadWriteOnce'],
                'resources': {'requests': {'storage': '10Gi'}},
            },
        }
    )
    rehearsal.cluster.set_status(
        'PersistentVolumeClaim',
        'plex-config-abcd1234-plex-0',
        'media',
        {'phase': 'Bound', 'capacity': {'storage': '10Gi'}},
    )
    plex.units[0].storage['config/0'] = model.StorageInstance(
        'config/0', 'config', 'plex-config-abcd1234-plex-0', '/config'
    )
    (row,) = status.snapshot(rehearsal, now=NOW).storage
    assert (row.unit, row.name, row.size, row.status) == ('plex/0', 'config/0', '10Gi', 'pending')
    assert row.message == 'plex-config-abcd1234-plex-0'
    filesystems = status.document(rehearsal, now=NOW)['storage']['filesystems']
    assert filesystems['config/0']['mountpoint'] == '/config'
