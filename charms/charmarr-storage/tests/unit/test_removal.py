# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What becomes of the media when the application, or its last unit, goes."""

from typing import Any

import pytest

from charmarr_lib.testing.kubernetes import Fault, juju_statefulset

MARK = 'charmarr.io/delete-with-application'


@pytest.fixture
def ready(storage: Any) -> Any:
    storage.settle()
    return storage


@pytest.fixture
def doomed(ready: Any) -> Any:
    """An application that may be cleaned up, with nobody related."""
    ready.configure(cleanup_on_remove=True)
    return ready


def claims(storage: Any) -> list[str]:
    found = storage.cluster.api.list('PersistentVolumeClaim', 'media')
    return [each['metadata']['name'] for each in found]


def owners(storage: Any) -> Any:
    return storage.cluster.claim['metadata'].get('ownerReferences')


def is_marked(storage: Any) -> bool:
    return MARK in storage.cluster.claim['metadata']['annotations']


def test_the_claim_is_kept_by_default(ready: Any):
    ready.remove()
    ready.delete_application()
    assert claims(ready) == ['storage-shared']


def test_what_is_kept_is_logged_with_the_command_that_finds_it(ready: Any):
    ready.remove()
    assert 'kept PersistentVolumeClaim storage-shared with the media on it' in ready.logs
    assert 'cleanup-on-remove is false' in ready.logs
    assert 'kubectl get pvc storage-shared --namespace media' in ready.logs
    assert 'kubectl get pv ' not in ready.logs


def test_the_claim_goes_if_asked_for_and_nobody_was_related(doomed: Any):
    doomed.remove()
    assert claims(doomed) == ['storage-shared']
    doomed.delete_application()
    assert claims(doomed) == []


def test_the_charm_itself_deletes_nothing(doomed: Any):
    doomed.remove()
    assert [each.verb for each in doomed.cluster.api.writes() if each.verb == 'delete'] == []


def test_scaling_to_zero_deletes_nothing(doomed: Any):
    doomed.remove()
    doomed.cluster.api.collect_garbage()
    assert claims(doomed) == ['storage-shared']


def test_scaling_up_again_takes_the_claim_back(doomed: Any):
    claim = doomed.cluster.claim['metadata']['uid']
    doomed.remove()
    assert owners(doomed) is not None
    doomed.run(doomed.context.on.install(), leader=True, planned_units=1)
    assert owners(doomed) is None
    doomed.configure(cleanup_on_remove=False)
    doomed.remove()
    doomed.delete_application()
    assert doomed.cluster.claim['metadata']['uid'] == claim


def test_other_owners_of_the_claim_stay(ready: Any):
    other = {'apiVersion': 'v1', 'kind': 'ConfigMap', 'name': 'x', 'uid': '7'}
    ready.cluster.patch_claim({'metadata': {'ownerReferences': [other]}})
    ready.configure(cleanup_on_remove=True)
    ready.remove()
    assert [each['kind'] for each in owners(ready)] == ['ConfigMap', 'StatefulSet']
    ready.run(ready.context.on.install(), leader=True, planned_units=1)
    assert [each['kind'] for each in owners(ready)] == ['ConfigMap']


def test_the_claim_is_kept_if_an_application_was_related(doomed: Any):
    doomed.relate('plex')
    doomed.remove()
    doomed.delete_application()
    assert claims(doomed) == ['storage-shared']
    assert 'applications were related when the removal began' in doomed.logs


def test_the_claim_may_go_after_the_last_application_has_left(doomed: Any):
    doomed.relate('plex')
    doomed.break_relation()
    doomed.remove()
    doomed.delete_application()
    assert claims(doomed) == []


def test_nobody_is_told_of_a_claim_that_may_still_go(doomed: Any):
    assert is_marked(doomed)
    doomed.cluster.api.fail(Fault.status(500), verb='patch', kind='PersistentVolumeClaim', times=0)
    doomed.relate('plex')
    assert doomed.published() is None
    assert is_marked(doomed)
    doomed.cluster.api.heal()
    doomed.run()
    assert doomed.published() is not None
    assert not is_marked(doomed)


def test_the_claim_is_kept_while_a_stranger_mounts_it(doomed: Any):
    doomed.cluster.add_pod('backup', 'storage-shared')
    doomed.remove()
    assert owners(doomed) is None
    assert 'Pod backup uses it' in doomed.logs


def test_the_claim_is_kept_while_a_scaled_down_application_wants_it(doomed: Any):
    plex = juju_statefulset('plex', 'media', 'plex', 'example/plex:1', replicas=0)
    volume = {'name': 'data', 'persistentVolumeClaim': {'claimName': 'storage-shared'}}
    plex['spec']['template']['spec']['volumes'].append(volume)
    doomed.cluster.api.add(plex)
    doomed.remove()
    assert owners(doomed) is None
    assert 'StatefulSet plex uses it' in doomed.logs


def test_the_checks_own_pods_do_not_count(doomed: Any):
    doomed.cluster.add_pod(
        'storage-check-1-x', 'storage-shared', **{'charmarr.io/check-of': 'storage-check-1'}
    )
    doomed.remove()
    assert owners(doomed) is not None


def test_the_claim_is_kept_while_other_units_stay(doomed: Any):
    doomed.run(doomed.context.on.remove(), leader=False, planned_units=1)
    assert owners(doomed) is None


def test_the_claim_is_kept_if_the_options_are_invalid(doomed: Any):
    doomed.configure(size='big')
    doomed.remove()
    assert owners(doomed) is None
    assert 'the options are invalid' in doomed.logs


@pytest.mark.parametrize('nth', range(1, 6))
@pytest.mark.parametrize(
    'fault', [Fault.status(403), Fault.status(409), Fault.status(500), Fault.refused()]
)
def test_the_claim_is_kept_if_the_api_does_not_answer(doomed: Any, nth: int, fault: Fault):
    doomed.cluster.api.fail(fault, nth=nth)
    doomed.remove()
    assert owners(doomed) is None
    doomed.delete_application()
    assert claims(doomed) == ['storage-shared']


def test_the_claim_is_kept_if_it_changes_in_between(doomed: Any):
    doomed.cluster.api.fail(Fault.status(409), verb='patch', kind='PersistentVolumeClaim')
    doomed.remove()
    assert owners(doomed) is None


def test_a_claim_of_the_operator_is_never_touched(storage: Any):
    storage.cluster.add_claim('library')
    storage.configure(backend_type='existing-claim', claim_name='library', cleanup_on_remove=True)
    before = storage.cluster.api.get('PersistentVolumeClaim', 'library', 'media')
    storage.remove()
    assert storage.cluster.api.get('PersistentVolumeClaim', 'library', 'media') == before
    assert 'kept PersistentVolumeClaim library' in storage.logs


def test_a_static_volume_outlives_everything_and_is_taken_up_again(storage: Any):
    options = {'backend_type': 'native-nfs', 'nfs_server': 'nas', 'nfs_path': '/media'}
    storage.configure(**options, cleanup_on_remove=True)
    storage.settle()
    storage.remove()
    assert (
        'kept PersistentVolume media-storage-shared; find it with: kubectl get pv --selector'
        ' app.kubernetes.io/managed-by=charmarr-storage,app.kubernetes.io/name=storage,'
        'charmarr.io/model=media'
    ) in storage.logs
    storage.delete_application()
    api = storage.cluster.api
    api.set_status('PersistentVolume', 'media-storage-shared', None, {'phase': 'Released'})
    assert claims(storage) == []
    api.add(juju_statefulset('storage', 'media', 'none', 'example/none:1'))
    storage.run(storage.context.on.install(), leader=True, planned_units=1)
    storage.settle()
    assert storage.status[0] == 'active'
    volume, claim = storage.cluster.volume, storage.cluster.claim
    assert volume['spec']['claimRef']['uid'] == claim['metadata']['uid']


def test_without_a_claim_there_is_nothing_to_say_about_it(doomed: Any):
    doomed.cluster.api.remove('PersistentVolumeClaim', 'storage-shared', 'media')
    doomed.cluster.api.release_protection()
    doomed.remove()
    assert 'kept PersistentVolumeClaim' not in doomed.logs


@pytest.mark.parametrize('event', ['stop', 'update_status', 'config_changed'])
def test_no_hook_of_a_removal_writes_before_the_last(doomed: Any, event: str):
    doomed.cluster.api.requests.clear()
    doomed.run(getattr(doomed.context.on, event)(), planned_units=0)
    assert doomed.cluster.api.requests == []
    assert doomed.status == ('maintenance', 'going away')


def test_our_claim_is_kept_even_if_what_was_related_mounted_another(doomed: Any):
    doomed.cluster.add_claim('library')
    doomed.configure(backend_type='existing-claim', claim_name='library')
    doomed.relate('plex')
    doomed.cluster.finish()
    doomed.run()
    assert doomed.published().pvc_name == 'library'
    doomed.configure(backend_type='storage-class')
    assert doomed.status[0] == 'blocked'
    doomed.remove()
    assert owners(doomed) is None
