# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Volumes that the charm makes itself: an NFS export, a folder of a node."""

from typing import Any

import pytest

NFS = {'backend_type': 'native-nfs', 'nfs_server': 'nas.lan', 'nfs_path': '/volume1/media'}
FOLDER = {'backend_type': 'hostpath', 'hostpath': '/srv/media'}
VOLUME = 'media-storage-shared'


def affinity_of(volume: dict[str, Any]) -> Any:
    return volume['spec'].get('nodeAffinity')


@pytest.mark.parametrize('options', [NFS, FOLDER], ids=['nfs', 'hostpath'])
def test_offers_a_static_volume_like_any_other(storage: Any, options: dict[str, Any]):
    storage.configure(**options)
    storage.relate('plex')
    storage.settle()
    assert storage.published().pvc_name == 'storage-shared'
    assert storage.status == ('active', '100Gi for plex')


@pytest.mark.parametrize('options', [NFS, FOLDER], ids=['nfs', 'hostpath'])
def test_volume_and_claim_are_made_for_each_other(storage: Any, options: dict[str, Any]):
    storage.configure(**options)
    volume, claim = storage.cluster.volume['spec'], storage.cluster.claim['spec']
    assert volume['persistentVolumeReclaimPolicy'] == 'Retain'
    assert (volume['storageClassName'], claim['storageClassName']) == ('', '')
    assert claim['volumeName'] == VOLUME
    assert volume['claimRef']['namespace'] == 'media'
    assert volume['claimRef']['name'] == 'storage-shared'


def test_the_volume_is_labelled_like_the_claim(storage: Any):
    storage.configure(**NFS)
    labels = storage.cluster.claim['metadata']['labels']
    assert storage.cluster.volume['metadata']['labels'] == labels
    assert labels['charmarr.io/model'] == 'media'


def test_an_nfs_volume_has_server_path_and_mount_options(storage: Any):
    storage.configure(**NFS, nfs_mount_options='nfsvers=4.1,hard')
    spec = storage.cluster.volume['spec']
    assert spec['nfs'] == {'server': 'nas.lan', 'path': '/volume1/media'}
    assert spec['mountOptions'] == ['nfsvers=4.1', 'hard']


def test_mount_options_may_change_and_go(storage: Any):
    storage.configure(**NFS, nfs_mount_options='hard')
    storage.configure(nfs_mount_options='soft,noatime')
    assert storage.cluster.volume['spec']['mountOptions'] == ['soft', 'noatime']
    storage.configure(nfs_mount_options='')
    assert 'mountOptions' not in storage.cluster.volume['spec']
    assert storage.requests()[1] == []


def test_a_folder_is_never_created_on_the_node(storage: Any):
    storage.configure(**FOLDER)
    assert storage.cluster.volume['spec']['hostPath'] == {
        'path': '/srv/media',
        'type': 'Directory',
    }


def test_a_folder_is_tied_to_the_only_node(storage: Any):
    storage.configure(**FOLDER)
    terms = affinity_of(storage.cluster.volume)['required']['nodeSelectorTerms']
    assert terms[0]['matchExpressions'] == [
        {'key': 'kubernetes.io/hostname', 'operator': 'In', 'values': ['node-1.example.org']}
    ]


def test_with_several_nodes_the_right_one_has_to_be_named(storage: Any):
    storage.cluster.add_node('node-2')
    storage.configure(**FOLDER)
    assert storage.status == (
        'blocked',
        'hostpath-node: name the node that has the folder (node-1, node-2), or * if all have it',
    )
    storage.configure(hostpath_node='node-2')
    terms = affinity_of(storage.cluster.volume)['required']['nodeSelectorTerms']
    assert terms[0]['matchExpressions'][0]['values'] == ['node-2.example.org']


def test_a_folder_that_all_nodes_have_is_tied_to_none(storage: Any):
    storage.cluster.add_node('node-2')
    storage.configure(**FOLDER, hostpath_node='*')
    assert affinity_of(storage.cluster.volume) is None


def test_an_unknown_node_is_blocked(storage: Any):
    storage.configure(**FOLDER, hostpath_node='node-9')
    expected = 'hostpath-node: there is no node node-9; there is node-1'
    assert storage.status == ('blocked', expected)


def test_naming_the_node_that_was_found_changes_nothing(storage: Any):
    storage.configure(**FOLDER)
    before = storage.cluster.volume
    storage.configure(hostpath_node='node-1')
    assert storage.cluster.volume == before
    assert storage.status[0] == 'waiting'


def test_a_quiet_dispatch_reads_three_times_and_writes_nothing(storage: Any):
    storage.configure(**NFS)
    storage.relate('plex')
    storage.settle()
    reads, writes = storage.requests()
    assert [each.kind for each in reads] == ['PersistentVolumeClaim', 'PersistentVolume', 'Job']
    assert writes == []


def test_a_released_volume_is_taken_up_again(storage: Any):
    storage.configure(**NFS)
    storage.settle()
    old = storage.cluster.claim['metadata']['uid']
    storage.cluster.api.remove('PersistentVolumeClaim', 'storage-shared', 'media')
    storage.cluster.api.release_protection()
    storage.cluster.api.set_status('PersistentVolume', VOLUME, None, {'phase': 'Released'})
    storage.run()
    reference = storage.cluster.volume['spec']['claimRef']
    assert reference['name'] == 'storage-shared'
    assert 'uid' not in reference
    storage.settle()
    assert storage.cluster.claim['metadata']['uid'] != old
    assert (
        storage.cluster.volume['spec']['claimRef']['uid']
        == storage.cluster.claim['metadata']['uid']
    )
    assert storage.status[0] == 'active'


def test_a_lost_volume_is_made_again_for_the_very_claim(storage: Any):
    storage.configure(**NFS)
    storage.settle()
    claim = storage.cluster.claim['metadata']['uid']
    storage.cluster.merge(
        f'/api/v1/persistentvolumes/{VOLUME}', {'metadata': {'finalizers': None}}
    )
    storage.cluster.api.remove('PersistentVolume', VOLUME)
    storage.cluster.api.set_status(
        'PersistentVolumeClaim', 'storage-shared', 'media', {'phase': 'Lost'}
    )
    storage.run()
    assert storage.cluster.volume['spec']['claimRef']['uid'] == claim
    assert storage.status == (
        'blocked',
        'PersistentVolumeClaim storage-shared has lost its volume media-storage-shared',
    )


def test_a_failed_volume_says_why(storage: Any):
    storage.configure(**NFS)
    storage.cluster.api.set_status(
        'PersistentVolume', VOLUME, None, {'phase': 'Failed', 'message': 'no\nplugin'}
    )
    storage.run()
    assert storage.status == ('blocked', 'PersistentVolume media-storage-shared failed: no plugin')


def test_growing_changes_what_the_volume_says_and_nothing_else(storage: Any):
    storage.configure(**NFS)
    storage.relate('plex')
    storage.settle()
    claim = storage.cluster.claim
    storage.configure(size='2Ti')
    assert storage.cluster.volume['spec']['capacity'] == {'storage': '2Ti'}
    assert storage.cluster.claim == claim
    assert storage.status == ('active', '2Ti for plex')


@pytest.mark.parametrize(
    ('option', 'value', 'was'),
    [('nfs_server', 'other', 'nas.lan'), ('nfs_path', '/other', '/volume1/media')],
)
def test_another_export_is_blocked_and_changes_nothing(
    storage: Any, option: str, value: str, was: str
):
    storage.configure(**NFS)
    storage.relate('plex')
    storage.settle()
    before = storage.cluster.volume, storage.cluster.claim, storage.published()
    storage.configure(**{option: value})
    dashed = option.replace('_', '-')
    assert storage.status == (
        'blocked',
        f'{dashed} cannot change once there is a volume; run: juju config storage {dashed}={was}',
    )
    assert (storage.cluster.volume, storage.cluster.claim, storage.published()) == before


@pytest.mark.parametrize(
    ('option', 'value', 'was'),
    [('hostpath', '/srv/other', '/srv/media'), ('hostpath_node', '*', 'node-1')],
)
def test_another_folder_is_blocked_and_changes_nothing(
    storage: Any, option: str, value: str, was: str
):
    storage.configure(**FOLDER)
    storage.relate('plex')
    storage.settle()
    before = storage.cluster.volume, storage.cluster.claim, storage.published()
    storage.configure(**{option: value})
    assert storage.status[0] == 'blocked'
    assert storage.status[1].endswith(f'juju config storage {option.replace("_", "-")}={was}')
    assert (storage.cluster.volume, storage.cluster.claim, storage.published()) == before


def test_a_released_volume_of_another_place_may_be_forgotten(storage: Any):
    storage.configure(**NFS)
    storage.settle()
    storage.cluster.api.remove('PersistentVolumeClaim', 'storage-shared', 'media')
    storage.cluster.api.release_protection()
    storage.cluster.api.set_status('PersistentVolume', VOLUME, None, {'phase': 'Released'})
    storage.configure(nfs_path='/volume2/media')
    assert storage.status[0] == 'blocked'
    assert 'whose files stay: kubectl delete pv media-storage-shared' in storage.status[1]
    assert storage.cluster.volume['spec']['nfs']['path'] == '/volume1/media'
