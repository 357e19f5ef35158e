# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A unit that an earlier revision of this charm deployed comes through a refresh unharmed.

The records below are what the first revision wrote; a revision that writes something else may not
change them, but has to show that it gets along with them.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
import typing

import httpx2
import pytest

from charmarr_lib import http, kubernetes
from charmarr_lib.testing.kubernetes import JUJU_MANAGER, juju_reapply, juju_statefulset

if typing.TYPE_CHECKING:
    from conftest import Unit

MANAGER = 'plex-overlay'
OVERLAY = {
    'containers': [
        {
            'name': 'plex',
            'volumeMounts': [
                {'name': 'charmarr-shared', 'mountPath': '/data'},
                {'name': 'charmarr-device', 'mountPath': '/dev/dri'},
                {'name': 'charmarr-scratch', 'mountPath': '/transcode'},
            ],
            'securityContext': {'privileged': True},
        }
    ],
    'volumes': [
        {
            'name': 'charmarr-shared',
            'persistentVolumeClaim': {'claimName': 'charmarr-storage-shared'},
        },
        {
            'name': 'charmarr-device',
            'hostPath': {'path': '/dev/dri', 'type': 'DirectoryOrCreate'},
        },
        {'name': 'charmarr-scratch', 'emptyDir': {'sizeLimit': '20Gi'}},
    ],
}
STORAGE = '{"instance_name":"plex"}'
SERVER = (
    '{"api_url":"http://plex.media.svc.cluster.local:32400","server":"plex",'
    '"instance_name":"plex","name":"plex"}'
)
PREFERENCES = (
    '<?xml version="1.0" encoding="utf-8"?>\n'
    '<Preferences logDebug="0" PlexOnlineToken="own-token" FriendlyName="Films" '
    'MachineIdentifier="m" ProcessedMachineIdentifier="p" '
    'TranscoderTempDirectory="/transcode" />\n'
)


@pytest.fixture
def old(unit: Unit, tmp_path: pathlib.Path) -> Unit:
    """A unit as the first revision left it, in the pod that the refresh made."""
    manifest = {
        'metadata': {'name': 'plex', 'namespace': 'media'},
        'spec': {'template': {'spec': OVERLAY}},
    }
    with http.use_transport(unit.kube.transport()):
        cluster = kubernetes.Cluster('plex', 'media', field_manager=MANAGER)
        cluster.apply(kubernetes.Kind.STATEFUL_SET, manifest)
    folder = tmp_path / 'config/Library/Application Support/Plex Media Server'
    folder.mkdir(parents=True)
    (folder / 'Preferences.xml').write_text(PREFERENCES)
    unit.roll()
    unit.pod.files.change_owner('/config', (1000, 1000), recursive=True)
    unit.state = dataclasses.replace(
        unit.state, config={'hardware-transcoding': True, 'transcode-size': '20Gi'}
    )
    unit.relate_storage()
    unit.relate_seerr()
    for endpoint, text in (('media-storage', STORAGE), ('media-server', SERVER)):
        relation = unit.relation(endpoint)
        kept = dataclasses.replace(relation, local_app_data={'config': text})
        others = {each for each in unit.state.relations if each.id != relation.id}
        unit.state = dataclasses.replace(unit.state, relations=others | {kept})
    return unit


def test_the_pod_is_not_replaced_again(old: Unit):
    before = old.generation
    old.run(old.context.on.upgrade_charm())
    old.run(old.context.on.config_changed())
    assert old.generation == before
    assert [each for each in old.kube.writes() if each.manager == MANAGER][1:] == []


def test_what_others_read_stays_as_it_was(old: Unit):
    old.run(old.context.on.upgrade_charm())
    assert old.published('media-storage') == STORAGE
    assert json.loads(old.published('media-server') or '') == json.loads(SERVER)


def test_the_server_keeps_name_and_owner(old: Unit):
    old.settle()
    assert old.plex.preference('PlexOnlineToken') == 'own-token'
    assert old.plex.preference('FriendlyName') == 'Films'
    assert old.act('show-info')['machine-identifier'] == 'p'


def test_what_the_first_revision_mounted_can_be_released(old: Unit):
    old.settle()
    old.break_relation('media-storage')
    assert old.volumes == {}
    assert not old.container_spec['securityContext'].get('privileged')


def test_comes_through_what_juju_writes_in_a_refresh(old: Unit):
    old.settle()
    written = juju_statefulset(
        'plex', 'media', 'plex', 'example/plex:2', storage={'config': '/config'}
    )
    request = httpx2.Request(
        'PATCH',
        'https://kubernetes.default.svc/apis/apps/v1/namespaces/media/statefulsets/plex',
        params={'fieldManager': JUJU_MANAGER},
        headers={'Content-Type': 'application/strategic-merge-patch+json'},
        json=juju_reapply(written),
    )
    assert old.kube.handle(request).status_code == 200
    before = old.generation
    old.roll()
    old.run(old.context.on.upgrade_charm())
    assert old.container_spec['image'] == 'example/plex:2'
    assert old.generation == before, 'Juju has left the overlay alone'
    assert old.pod.running() == ['plex']
