# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Every request of a reconcile may fail: nothing is lost, and it comes right afterwards."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from charmarr_lib.testing.kubernetes import Fault

ANSWERS = {
    '403': Fault.status(403),
    '404': Fault.status(404),
    '409': Fault.status(409),
    '422': Fault.status(422),
    '429': Fault.status(429, retry_after=1),
    '500': Fault.status(500),
    'timeout': Fault.timeout(),
    'refused': Fault.refused(),
    'lost reply': Fault.lost_reply(),
}
FAULTS = {
    **ANSWERS,
    'no JSON': Fault.body('<html>login</html>', 'text/html'),
    'something else': Fault.body('{"kind": "Status"}', 'application/json'),
}
NFS = {'backend_type': 'native-nfs', 'nfs_server': 'nas', 'nfs_path': '/media'}


def deploy(storage: Any) -> None:
    storage.run(storage.context.on.config_changed())


def ready(storage: Any) -> None:
    storage.relate('plex')
    storage.settle()


def nfs(storage: Any) -> None:
    config = {key.replace('_', '-'): value for key, value in NFS.items()}
    storage.state = dataclasses.replace(storage.state, config=config)


def nfs_ready(storage: Any) -> None:
    nfs(storage)
    ready(storage)


def released(storage: Any) -> None:
    nfs(storage)
    storage.settle()
    api = storage.cluster.api
    api.remove('PersistentVolumeClaim', 'storage-shared', 'media')
    api.release_protection()
    api.set_status('PersistentVolume', 'media-storage-shared', None, {'phase': 'Released'})


def ended(storage: Any) -> None:
    storage.relate('plex')
    storage.cluster.bind()
    storage.cluster.finish()


def nothing(storage: Any) -> None:
    """Start from an empty cluster."""


def grow(storage: Any) -> None:
    storage.configure(size='200Gi')


def change_owner(storage: Any) -> None:
    storage.configure(puid=2000)


def allow_cleanup(storage: Any) -> None:
    storage.configure(cleanup_on_remove=True)


SITUATIONS: dict[str, tuple[Callable[[Any], None], Callable[[Any], None]]] = {
    'first deploy': (nothing, deploy),
    'first deploy on NFS': (nfs, deploy),
    'released volume': (released, deploy),
    'check ended': (ended, deploy),
    'growth': (ready, grow),
    'growth on NFS': (nfs_ready, grow),
    'new owner': (ready, change_owner),
    'cleanup allowed': (ready, allow_cleanup),
    'nothing to do': (ready, deploy),
}


def offers(storage: Any) -> dict[int, str]:
    return {
        each.id: each.local_app_data['config']
        for each in storage.state.relations
        if 'config' in each.local_app_data
    }


def uids(storage: Any) -> set[str]:
    kinds = ('PersistentVolumeClaim', 'PersistentVolume')
    return {each['metadata']['uid'] for kind in kinds for each in storage.cluster.api.list(kind)}


def specs(storage: Any) -> list[Any]:
    """What there is in the end, but for names and numbers that differ between two runs."""
    api = storage.cluster.api
    volumes = [each['spec'] for each in api.list('PersistentVolume')]
    for spec in volumes:
        spec['claimRef'] = {**spec['claimRef'], 'uid': '', 'resourceVersion': ''}
    claim = storage.cluster.claim
    return [claim['spec'], claim['metadata']['labels'], volumes, storage.status, offers(storage)]


def finish(storage: Any) -> None:
    """Let everything come to rest."""
    api = storage.cluster.api
    for _ in range(10):
        api.requests.clear()
        storage.run()
        if not storage.cluster.move() and not api.writes():
            return
    raise AssertionError('it does not come to rest')


def assert_nothing_lost(storage: Any, before: dict[int, str], objects: set[str]) -> None:
    assert storage.status[0] != 'error'
    assert '\n' not in storage.status[1]
    assert before.items() <= offers(storage).items() or storage.status[0] == 'active'
    assert set(before) <= set(offers(storage))
    assert objects <= uids(storage)
    deleted = [each for each in storage.cluster.api.writes() if each.verb == 'delete']
    assert {each.kind for each in deleted} <= {'Job'}


@pytest.mark.parametrize('fault', ANSWERS.values(), ids=list(ANSWERS))
@pytest.mark.parametrize('situation', SITUATIONS)
def test_a_fault_at_any_request_loses_nothing_and_heals(
    new_storage: Callable[[], Any], situation: str, fault: Fault
):
    arrange, act = SITUATIONS[situation]
    arranged = new_storage()
    arrange(arranged)
    arranged.cluster.api.requests.clear()
    undisturbed = arranged.copy()
    act(undisturbed)
    requests = len(undisturbed.cluster.api.requests)
    finish(undisturbed)
    expected = specs(undisturbed)
    for nth in range(1, requests + 1):
        storage = arranged.copy()
        storage.cluster.api.fail(fault, nth=nth)
        act(storage)
        assert_nothing_lost(storage, offers(arranged), uids(arranged))
        storage.cluster.api.heal()
        finish(storage)
        assert specs(storage) == expected


@pytest.mark.parametrize('fault', FAULTS.values(), ids=list(FAULTS))
def test_an_api_that_fails_for_hours_loses_nothing(storage: Any, fault: Fault):
    ready(storage)
    before, objects = offers(storage), uids(storage)
    storage.cluster.api.fail(fault, times=0)
    for _ in range(3):
        storage.run()
        assert_nothing_lost(storage, before, objects)
        assert storage.status[0] in ('waiting', 'blocked')
    storage.cluster.api.heal()
    storage.run()
    assert storage.status == ('active', '100Gi for plex')


def test_missing_trust_is_blocked_with_the_command_that_grants_it(storage: Any):
    storage.cluster.api.authorise = lambda *_: False
    storage.run(storage.context.on.install())
    assert storage.status == (
        'blocked',
        'not allowed to read PersistentVolumeClaim storage-shared;'
        ' run: juju trust storage --scope=cluster',
    )
    storage.cluster.api.authorise = lambda *_: True
    storage.settle()
    assert storage.status[0] == 'active'


def test_trust_taken_away_later_withdraws_nothing(storage: Any):
    ready(storage)
    before = offers(storage)
    storage.cluster.api.authorise = lambda *_: False
    storage.run()
    assert storage.status[0] == 'blocked'
    assert offers(storage) == before


@pytest.mark.parametrize(
    ('kind', 'doing'),
    [
        ('PersistentVolume', 'read PersistentVolume media-storage-shared'),
        ('Job', 'list Job objects'),
        ('StatefulSet', 'read StatefulSet storage'),
    ],
)
def test_trust_is_asked_for_wherever_it_lacks(storage: Any, kind: str, doing: str):
    storage.cluster.api.authorise = lambda user, verb, what, namespace: what != kind
    storage.configure(**NFS)
    expected = f'not allowed to {doing}; run: juju trust storage --scope=cluster'
    assert storage.status == ('blocked', expected)


def test_a_status_that_cannot_be_explained_is_still_given(storage: Any):
    storage.run()
    storage.cluster.api.fail(Fault.status(500), kind='Event', times=0)
    storage.run()
    assert storage.status[0] == 'waiting'
    assert storage.status[1].endswith('is not bound: its volume is being made')
