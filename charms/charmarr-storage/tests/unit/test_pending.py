# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A claim that does not bind says why."""

from typing import Any

import pytest
from ops import testing

CLAIM = 'storage-shared'


def explain(storage: Any, reason: str, message: str, **event: Any) -> str:
    storage.run()
    storage.cluster.add_event('PersistentVolumeClaim', CLAIM, reason, message, **event)
    storage.run()
    assert storage.status[0] == 'waiting'
    return storage.status[1].removeprefix('PersistentVolumeClaim storage-shared is not bound: ')


def test_says_that_it_waits_while_nothing_else_is_known(storage: Any):
    storage.run()
    expected = 'PersistentVolumeClaim storage-shared is not bound: its volume is being made'
    assert storage.status == ('waiting', expected)


def test_says_that_no_class_is_marked_default(storage: Any):
    message = 'no persistent volumes available for this claim and no storage class is set'
    reason = explain(storage, 'FailedBinding', message, type_='Normal')
    assert reason == 'no StorageClass is marked default'


@pytest.mark.parametrize(
    'message',
    [
        'failed to provision volume with StorageClass "standard": NodePath only supports'
        ' ReadWriteOnce access modes',
        'rpc error: code = InvalidArgument desc = Volume capabilities'
        ' MULTI_NODE_MULTI_WRITER not supported. Only AccessModes[ReadWriteOnce] supported.',
    ],
)
def test_says_that_the_provisioner_does_not_offer_the_access_mode(storage: Any, message: str):
    reason = explain(storage, 'ProvisioningFailed', message)
    assert reason.startswith('the provisioner does not offer ReadWriteMany (')


def test_shows_any_other_reason_in_one_line(storage: Any):
    reason = explain(storage, 'ProvisioningFailed', 'quota\n\texceeded')
    assert reason == 'quota exceeded'


def test_keeps_a_long_reason_short(storage: Any):
    assert len(explain(storage, 'ProvisioningFailed', 'x' * 2000)) <= 160


def test_a_warning_counts_more_than_a_later_notice(storage: Any):
    storage.run()
    add = storage.cluster.add_event
    about = 'PersistentVolumeClaim', CLAIM
    add(*about, 'ProvisioningFailed', 'first', at='2026-11-20T00:00:01Z')
    add(*about, 'ProvisioningFailed', 'second', at='2026-11-20T00:00:02Z')
    add(*about, 'ExternalProvisioning', 'third', at='2026-11-20T00:00:03Z', type_='Normal')
    add(*about, 'Mystery', 'fourth', at='2026-11-20T00:00:04Z', type_='Normal')
    storage.run()
    assert storage.status[1].endswith('is not bound: second')


def test_events_of_other_objects_are_not_shown(storage: Any):
    storage.run()
    storage.cluster.add_event('Pod', CLAIM, 'Failed', 'not mine')
    storage.cluster.add_event('PersistentVolumeClaim', 'other', 'Failed', 'not mine')
    storage.run()
    assert 'not mine' not in storage.status[1]


def test_without_a_default_class_no_claim_is_made(storage: Any):
    key = 'storageclass.kubernetes.io/is-default-class'
    storage.cluster.merge(
        '/apis/storage.k8s.io/v1/storageclasses/standard',
        {'metadata': {'annotations': {key: None}}},
    )
    storage.run()
    assert storage.status == (
        'blocked',
        'no StorageClass is marked default; name one (standard):'
        ' juju config storage storage-class=NAME',
    )
    assert storage.cluster.api.list('PersistentVolumeClaim') == []


def test_a_class_that_does_not_exist_is_blocked(storage: Any):
    storage.configure(storage_class='fast')
    expected = 'storage-class: there is no StorageClass fast; there is standard'
    assert storage.status == ('blocked', expected)
    assert storage.cluster.api.writes() == []


class TestVolumesMadeForTheFirstConsumer:
    @pytest.fixture
    def lazy(self, storage: Any) -> Any:
        storage.cluster.add_class('lazy', binding='WaitForFirstConsumer')
        storage.configure(storage_class='lazy')
        return storage

    def test_are_offered_before_they_exist(self, lazy: Any):
        assert lazy.status == (
            'active',
            'the volume is made when the first application mounts it',
        )
        lazy.relate('plex')
        assert lazy.published().pvc_name == CLAIM

    def test_are_not_bound_by_the_check(self, lazy: Any):
        lazy.relate('plex')
        lazy.run()
        assert lazy.cluster.jobs == []

    def test_are_checked_once_an_application_has_them(self, lazy: Any):
        lazy.relate('plex')
        lazy.settle()
        assert len(lazy.cluster.jobs) == 1
        assert lazy.status == ('active', '100Gi for plex')

    def test_stay_offered_while_the_first_check_is_under_way(self, lazy: Any):
        lazy.relate('plex')
        before = lazy.published()
        lazy.cluster.bind()
        lazy.run()
        assert lazy.status == ('waiting', 'checking the storage')
        assert lazy.published() == before

    def test_say_why_they_cannot_be_made(self, lazy: Any):
        lazy.relate('plex')
        lazy.cluster.add_event(
            'PersistentVolumeClaim', CLAIM, 'ProvisioningFailed', 'no space left'
        )
        lazy.run()
        assert lazy.status[0] == 'waiting'
        assert lazy.status[1].endswith('is not bound: no space left')
        assert lazy.published() is not None

    def test_cannot_be_checked_by_action_before_they_exist(self, lazy: Any):
        with pytest.raises(testing.ActionFailed, match='relate one first'):
            lazy.act('check-storage')
        assert lazy.cluster.jobs == []
