# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Options that change once there is a volume."""

from typing import Any

import pytest


@pytest.fixture
def ready(storage: Any) -> Any:
    storage.cluster.add_class('fast')
    storage.relate('plex')
    storage.settle()
    return storage


def conditions(kind: str, message: str = '') -> dict[str, Any]:
    return {'conditions': [{'type': kind, 'status': 'True', 'message': message}]}


def requested(storage: Any) -> str:
    return storage.cluster.claim['spec']['resources']['requests']['storage']


def report(storage: Any, **status: Any) -> None:
    """Let the claim's controllers report about its expansion."""
    status = {'phase': 'Bound', 'capacity': {'storage': '100Gi'}, **status}
    storage.cluster.api.set_status('PersistentVolumeClaim', 'storage-shared', 'media', status)


def test_growing_expands_the_claim(ready: Any):
    ready.configure(size='200Gi')
    assert requested(ready) == '200Gi'
    assert ready.status == ('maintenance', 'expanding from 100Gi to 200Gi')


def test_the_expansion_is_followed_to_its_end(ready: Any):
    ready.configure(size='200Gi')
    report(ready, **conditions('Resizing'))
    ready.run()
    assert ready.status == ('maintenance', 'expanding from 100Gi to 200Gi')
    report(ready, **conditions('FileSystemResizePending', 'Waiting for user to (re-)start a pod'))
    ready.run()
    assert ready.status == (
        'maintenance',
        'expanding from 100Gi to 200Gi: the file system grows when a pod mounts the volume anew',
    )
    ready.cluster.bind(capacity='200Gi')
    ready.run()
    assert ready.status == ('active', '200Gi for plex')


def test_a_volume_may_be_larger_than_asked_for(ready: Any):
    ready.cluster.bind(capacity='107374182912k')
    ready.run()
    assert ready.status[0] == 'active'


@pytest.mark.parametrize(
    'status',
    [
        conditions('ControllerResizeError', 'quota\nexceeded'),
        {'allocatedResourceStatuses': {'storage': 'ControllerResizeInfeasible'}},
    ],
    ids=['condition', 'resource status'],
)
def test_an_expansion_that_cannot_go_on_is_blocked(ready: Any, status: dict[str, Any]):
    ready.configure(size='200Gi')
    report(ready, **status)
    ready.run()
    name, message = ready.status
    assert name == 'blocked'
    assert message.startswith('expanding from 100Gi to 200Gi failed: ')
    assert message.endswith('; the volume keeps 100Gi')
    assert ready.published() is not None


def test_an_expansion_that_is_being_retried_shows_its_event(ready: Any):
    ready.configure(size='200Gi')
    ready.cluster.add_event(
        'PersistentVolumeClaim', 'storage-shared', 'VolumeResizeFailed', 'disk is\nbusy'
    )
    ready.run()
    assert ready.status == ('maintenance', 'expanding from 100Gi to 200Gi: disk is busy')


def test_a_class_that_cannot_grow_is_blocked_and_the_size_stays(storage: Any):
    storage.cluster.add_class('rigid', grows=False)
    storage.configure(storage_class='rigid')
    storage.relate('plex')
    storage.settle()
    storage.configure(size='200Gi')
    name, message = storage.status
    assert name == 'blocked'
    assert 'must support resize' in message
    assert message.endswith('size stays 100Gi; run: juju config storage size=100Gi')
    assert requested(storage) == '100Gi'
    storage.configure(size='100Gi')
    assert storage.status == ('active', '100Gi for plex')


def test_shrinking_is_refused(ready: Any):
    ready.configure(size='50Gi')
    assert ready.status == (
        'blocked',
        'size: a volume cannot shrink, and this one has 100Gi;'
        ' run: juju config storage size=100Gi',
    )
    assert requested(ready) == '100Gi'


def test_the_same_size_in_another_unit_is_no_change(ready: Any):
    ready.configure(size='102400Mi')
    assert ready.status == ('active', '100Gi for plex')
    assert ready.requests()[1] == []


@pytest.mark.parametrize(
    ('options', 'setting'),
    [
        ({'storage_class': 'fast'}, '--reset storage-class'),
        ({'access_mode': 'ReadWriteOnce'}, 'access-mode=ReadWriteMany'),
        ({'backend_type': 'hostpath', 'hostpath': '/srv'}, 'backend-type=storage-class'),
        (
            {'backend_type': 'native-nfs', 'nfs_server': 'nas', 'nfs_path': '/x'},
            'backend-type=storage-class',
        ),
    ],
)
def test_what_cannot_change_is_blocked_with_the_way_back(
    ready: Any, options: dict[str, str], setting: str
):
    claim, published = ready.cluster.claim, ready.published()
    ready.configure(**options)
    option = setting.removeprefix('--reset ').partition('=')[0]
    assert ready.status == (
        'blocked',
        f'{option} cannot change once there is a volume; run: juju config storage {setting}',
    )
    assert ready.cluster.claim == claim
    assert ready.published() == published
    assert ready.cluster.api.list('PersistentVolume') == []


def test_naming_the_class_that_is_used_changes_nothing(ready: Any):
    ready.configure(storage_class='standard')
    assert ready.status == ('active', '100Gi for plex')


def test_another_default_class_changes_nothing(ready: Any):
    key = 'storageclass.kubernetes.io/is-default-class'
    path = '/apis/storage.k8s.io/v1/storageclasses'
    ready.cluster.merge(f'{path}/standard', {'metadata': {'annotations': {key: 'false'}}})
    ready.cluster.merge(f'{path}/fast', {'metadata': {'annotations': {key: 'true'}}})
    ready.run()
    assert ready.status == ('active', '100Gi for plex')


def test_a_claim_that_never_bound_may_be_deleted_by_hand(storage: Any):
    storage.cluster.add_class('fast')
    storage.run()
    storage.configure(storage_class='fast')
    assert storage.status[1].endswith(
        'as it holds nothing yet: kubectl delete pvc storage-shared --namespace media'
    )
    storage.cluster.api.remove('PersistentVolumeClaim', 'storage-shared', 'media')
    storage.cluster.api.release_protection()
    storage.run()
    assert storage.cluster.claim['spec']['storageClassName'] == 'fast'


def test_the_mount_path_may_change(ready: Any):
    ready.configure(mount_path='/media')
    assert ready.published().mount_path == '/media'


def test_a_new_owner_is_published_once_the_storage_takes_it(ready: Any):
    ready.configure(puid=2000, pgid=2001)
    assert (ready.published().puid, ready.published().pgid) == (1000, 1000)
    assert ready.status == ('active', '100Gi for plex; checking again')
    ready.cluster.finish()
    ready.run()
    assert (ready.published().puid, ready.published().pgid) == (2000, 2001)
    assert ready.status == ('active', '100Gi for plex')


def test_a_new_owner_that_is_denied_is_not_published(ready: Any):
    ready.configure(puid=2000)
    ready.cluster.end(3, '{"steps": [{"step": "write", "state": "failed", "error": "no"}]}')
    ready.run()
    assert ready.published().puid == 1000
    assert ready.status == (
        'blocked',
        'the storage denies 2000:1000 - write: no; mend it, then'
        ' run: juju run storage/leader check-storage',
    )
    ready.configure(puid=1000)
    ready.cluster.finish()
    ready.run()
    assert ready.status == ('active', '100Gi for plex')
