# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The volume that a StorageClass provisions, from nothing to offered."""

from typing import Any

import pytest


@pytest.fixture
def api(storage: Any) -> Any:
    return storage.cluster.api


def test_creates_a_claim_that_all_nodes_can_mount(storage: Any):
    storage.run(storage.context.on.install())
    spec = storage.cluster.claim['spec']
    assert spec['accessModes'] == ['ReadWriteMany']
    assert spec['resources'] == {'requests': {'storage': '100Gi'}}
    assert spec['storageClassName'] == 'standard'


def test_labels_the_claim_with_manager_name_and_model(storage: Any):
    storage.run(storage.context.on.install())
    assert storage.cluster.claim['metadata']['labels'] == {
        'app.kubernetes.io/managed-by': 'charmarr-storage',
        'app.kubernetes.io/name': 'storage',
        'charmarr.io/model': 'media',
    }


def test_uses_the_class_that_is_named(storage: Any):
    storage.cluster.add_class('fast')
    storage.configure(storage_class='fast', size='4Ti')
    spec = storage.cluster.claim['spec']
    assert spec['storageClassName'] == 'fast'
    assert spec['resources']['requests']['storage'] == '4Ti'


def test_offers_nothing_before_the_claim_is_bound(storage: Any):
    storage.relate('plex')
    assert storage.published() is None
    assert storage.status[0] == 'waiting'


def test_offers_nothing_before_the_check_has_passed(storage: Any):
    storage.relate('plex')
    storage.cluster.bind()
    storage.run()
    assert storage.published() is None
    assert storage.status == ('waiting', 'checking the storage')


def test_offers_the_volume_once_it_is_known_to_work(storage: Any):
    storage.relate('plex')
    storage.settle()
    offer = storage.published()
    assert offer.pvc_name == 'storage-shared'
    assert offer.mount_path == '/data'
    assert (offer.puid, offer.pgid) == (1000, 1000)
    assert storage.status == ('active', '100Gi for plex')


def test_offers_it_to_an_application_that_comes_later(storage: Any):
    storage.settle()
    assert storage.status == ('active', '100Gi, not related yet')
    storage.relate('plex')
    storage.relate('overseerr', number=2)
    assert storage.published(1) == storage.published(2)
    assert storage.published(2) is not None


def test_starts_the_check_while_the_claim_is_being_bound(storage: Any):
    storage.run(storage.context.on.install())
    assert len(storage.cluster.jobs) == 1


def test_a_quiet_dispatch_reads_twice_and_writes_nothing(storage: Any):
    storage.relate('plex')
    storage.settle()
    reads, writes = storage.requests()
    assert [each.kind for each in reads] == ['PersistentVolumeClaim', 'Job']
    assert writes == []


def test_a_follower_asks_nothing_and_is_active(storage: Any):
    storage.run(leader=False)
    assert storage.cluster.api.requests == []
    assert storage.status == ('active', 'the leader looks after the storage')


def test_a_new_leader_carries_on_from_what_is_in_the_cluster(storage: Any):
    storage.relate('plex')
    storage.settle()
    storage.run(leader=False)
    before = storage.cluster.claim
    storage.run(storage.context.on.leader_elected(), leader=True)
    assert storage.cluster.claim == before
    assert storage.status == ('active', '100Gi for plex')
