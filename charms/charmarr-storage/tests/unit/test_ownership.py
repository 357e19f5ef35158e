# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Objects of others that have the names the charm would use."""

from typing import Any

import pytest

from charmarr_lib.testing.kubernetes import juju_statefulset

NFS = {'backend_type': 'native-nfs', 'nfs_server': 'nas.lan', 'nfs_path': '/volume1/media'}
THEIRS = {
    'app.kubernetes.io/managed-by': 'charmarr-storage',
    'app.kubernetes.io/name': 'storage',
    'charmarr.io/model': 'films',
}


def volume(labels: dict[str, str], **reference: str) -> dict[str, Any]:
    spec: dict[str, Any] = {
        'nfs': {'server': 'nas.lan', 'path': '/volume1/media'},
        'capacity': {'storage': '100Gi'},
        'accessModes': ['ReadWriteMany'],
        'persistentVolumeReclaimPolicy': 'Retain',
    }
    spec |= {'claimRef': reference} if reference else {}
    return {
        'apiVersion': 'v1',
        'kind': 'PersistentVolume',
        'metadata': {'name': 'media-storage-shared', 'labels': labels},
        'spec': spec,
    }


def test_a_strangers_claim_is_never_taken_over(storage: Any):
    claim = storage.cluster.add_claim('storage-shared')
    before = storage.cluster.claim
    storage.relate('plex')
    assert storage.status == (
        'blocked',
        'PersistentVolumeClaim storage-shared was not made by this charm;'
        ' deploy under another application name',
    )
    assert storage.cluster.claim == before
    assert claim['metadata']['uid'] == before['metadata']['uid']
    assert storage.cluster.api.writes() == []
    assert storage.published() is None


def test_another_models_volume_is_named_and_left_alone(storage: Any):
    storage.cluster.api.add(volume(THEIRS))
    before = storage.cluster.volume
    storage.configure(**NFS)
    assert storage.status == (
        'blocked',
        'PersistentVolume media-storage-shared belongs to films/storage;'
        ' deploy under another application name',
    )
    assert storage.cluster.volume == before
    assert storage.cluster.api.writes() == []


def test_a_strangers_volume_is_named_and_left_alone(storage: Any):
    storage.cluster.api.add(volume({}))
    storage.configure(**NFS)
    assert storage.status[0] == 'blocked'
    assert 'media-storage-shared was not made by this charm' in storage.status[1]
    assert storage.cluster.api.writes() == []


def test_our_volume_that_is_kept_for_another_claim_is_left_alone(storage: Any):
    labels = {**THEIRS, 'charmarr.io/model': 'media'}
    storage.cluster.api.add(volume(labels, namespace='films', name='library', uid='1'))
    storage.configure(**NFS)
    expected = 'PersistentVolume media-storage-shared is kept for films/library'
    assert storage.status == ('blocked', expected)
    assert storage.cluster.api.writes() == []


def test_a_claim_kept_by_an_earlier_deployment_is_taken_up_again(storage: Any):
    storage.relate('plex')
    storage.settle()
    claim = storage.cluster.claim
    storage.cluster.api.remove('StatefulSet', 'storage', 'media')
    storage.cluster.api.collect_garbage()
    assert storage.cluster.jobs == []
    storage.cluster.api.add(juju_statefulset('storage', 'media', 'none', 'example/none:1'))
    storage.settle()
    assert storage.cluster.claim == claim
    assert storage.status == ('active', '100Gi for plex')


def test_a_claim_that_somebody_deletes_is_blocked_and_stays_published(storage: Any):
    storage.relate('plex')
    storage.settle()
    before = storage.published()
    storage.cluster.add_pod('plex-0', 'storage-shared')
    storage.cluster.api.remove('PersistentVolumeClaim', 'storage-shared', 'media')
    storage.run()
    assert storage.status[0] == 'blocked'
    assert 'storage-shared is being deleted' in storage.status[1]
    assert storage.published() == before


@pytest.mark.parametrize('key', ['app.kubernetes.io/managed-by', 'charmarr.io/model'])
def test_a_claim_without_our_labels_is_no_longer_ours(storage: Any, key: str):
    storage.settle()
    storage.cluster.patch_claim({'metadata': {'labels': {key: None}}})
    storage.configure(size='2Ti')
    assert storage.status[0] == 'blocked'
    assert storage.cluster.claim['spec']['resources']['requests']['storage'] == '100Gi'
