# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A claim that the operator made: used, and never written to."""

from typing import Any

import pytest

OPTIONS = {'backend_type': 'existing-claim', 'claim_name': 'library'}


def test_offers_the_operators_claim(storage: Any):
    storage.cluster.add_claim('library')
    storage.configure(**OPTIONS)
    storage.relate('plex')
    storage.run()
    storage.cluster.finish()
    storage.run()
    assert storage.published().pvc_name == 'library'
    assert storage.status == ('active', '2Ti for plex')


def test_writes_nothing_but_the_check(storage: Any):
    storage.cluster.add_claim('library')
    before = storage.cluster.api.get('PersistentVolumeClaim', 'library', 'media')
    storage.configure(**OPTIONS, size='5Ti', cleanup_on_remove=True)
    storage.run()
    assert storage.cluster.api.get('PersistentVolumeClaim', 'library', 'media') == before
    assert {each.kind for each in storage.cluster.api.writes()} == {'Job'}


def test_a_claim_that_is_not_there_is_blocked(storage: Any):
    storage.configure(**OPTIONS)
    assert storage.status == (
        'blocked',
        'claim-name: there is no PersistentVolumeClaim library in namespace media',
    )


def test_a_claim_that_comes_later_is_used(storage: Any):
    storage.configure(**OPTIONS)
    storage.cluster.add_claim('library')
    storage.run()
    assert storage.status == ('waiting', 'checking the storage')


def test_a_raw_device_is_blocked(storage: Any):
    storage.cluster.add_claim('library', volumeMode='Block')
    storage.configure(**OPTIONS)
    assert storage.status == (
        'blocked',
        'claim-name: library is a raw device; it has to be a Filesystem volume',
    )


def test_a_claim_for_one_node_is_blocked_unless_asked_for(storage: Any):
    storage.cluster.add_claim('library', accessModes=['ReadWriteOnce'])
    storage.configure(**OPTIONS)
    expected = 'access-mode: library offers ReadWriteOnce, not ReadWriteMany'
    assert storage.status == ('blocked', expected)
    storage.configure(access_mode='ReadWriteOnce')
    assert storage.status[0] == 'waiting'


def test_another_claim_is_blocked_while_applications_mount_the_first(storage: Any):
    storage.cluster.add_claim('library')
    storage.cluster.add_claim('other')
    storage.configure(**OPTIONS)
    storage.relate('plex')
    storage.run()
    storage.cluster.finish()
    storage.run()
    storage.configure(claim_name='other')
    assert storage.status[0] == 'blocked'
    assert 'cannot change while related applications mount library' in storage.status[1]
    assert storage.published().pvc_name == 'library'


def test_another_claim_may_be_used_while_nobody_is_related(storage: Any):
    storage.cluster.add_claim('library')
    storage.cluster.add_claim('other')
    storage.configure(**OPTIONS)
    storage.cluster.finish()
    storage.configure(claim_name='other')
    assert storage.status == ('waiting', 'checking the storage')


@pytest.mark.parametrize('back', [True, False])
def test_switching_to_another_backend_needs_the_relations_removed(storage: Any, back: bool):
    storage.relate('plex')
    storage.settle()
    storage.cluster.add_claim('library')
    storage.configure(**OPTIONS)
    assert storage.status[0] == 'blocked'
    assert storage.published().pvc_name == 'storage-shared'
    if back:
        storage.configure(backend_type='storage-class')
        assert storage.status == ('active', '100Gi for plex')
    else:
        storage.break_relation()
        storage.run()
        assert storage.status == ('waiting', 'checking the storage')
        assert storage.cluster.claim['status']['phase'] == 'Bound'


def test_a_quiet_dispatch_reads_twice_and_writes_nothing(storage: Any):
    storage.cluster.add_claim('library')
    storage.configure(**OPTIONS)
    storage.cluster.finish()
    storage.run()
    reads, writes = storage.requests()
    assert [each.kind for each in reads] == ['PersistentVolumeClaim', 'Job']
    assert writes == []
