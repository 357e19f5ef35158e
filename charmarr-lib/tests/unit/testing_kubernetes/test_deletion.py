# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Deletion: finalisers, grace, dependents, and what controllers finish."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import lightkube
import pytest
from lightkube.resources.apps_v1 import StatefulSet
from lightkube.resources.batch_v1 import Job
from lightkube.resources.core_v1 import Namespace, PersistentVolumeClaim, Pod, Secret
from lightkube.types import CascadeType

from charmarr_lib.testing.kubernetes import KubernetesFake, Refused

Send = Callable[..., Any]


def _claim(name: str = 'media') -> dict[str, Any]:
    return {
        'kind': 'PersistentVolumeClaim',
        'metadata': {'name': name, 'namespace': 'media'},
        'spec': {
            'accessModes': ['ReadWriteMany'],
            'resources': {'requests': {'storage': '1Gi'}},
            'volumeName': 'nas',
        },
    }


def _pod(name: str = 'plex-0', **fields: Any) -> dict[str, Any]:
    spec: dict[str, Any] = {'containers': [{'name': 'c', 'image': 'i'}]}
    metadata = {'name': name, 'namespace': 'media', **fields.pop('metadata', {})}
    return {'kind': 'Pod', 'metadata': metadata, 'spec': {**spec, **fields}}


def _mounting(claim: str) -> list[dict[str, Any]]:
    return [{'name': 'v', 'persistentVolumeClaim': {'claimName': claim}}]


def _secret(**metadata: Any) -> dict[str, Any]:
    return {'kind': 'Secret', 'metadata': {'name': 's', 'namespace': 'media', **metadata}}


def test_is_at_once_where_nothing_holds_the_object(send: Send, fake: KubernetesFake) -> None:
    uid = fake.add(_secret())['metadata']['uid']
    answer = send('DELETE', '/api/v1/namespaces/media/secrets/s')
    assert answer.json()['status'] == 'Success'
    assert answer.json()['details'] == {'name': 's', 'kind': 'secrets', 'uid': uid}
    assert fake.get('Secret', 's', 'media') is None


def test_of_nothing_is_refused(client: lightkube.Client, fake: KubernetesFake) -> None:
    with pytest.raises(lightkube.ApiError, match='secrets "s" not found'):
        client.delete(Secret, 's')
    with pytest.raises(Refused, match='secrets "s" not found'):
        fake.remove('Secret', 's', 'media')


def test_waits_for_finalisers(client: lightkube.Client, fake: KubernetesFake, clock: Any) -> None:
    fake.add(_secret(finalizers=['a/b', 'c/d']))
    client.delete(Secret, 's')
    marked = fake.get('Secret', 's', 'media')
    assert marked is not None
    assert marked['metadata']['deletionTimestamp'] == '2026-11-21T12:00:00Z'
    clock.advance(minutes=1)
    client.delete(Secret, 's')
    assert fake.get('Secret', 's', 'media') == marked
    client.patch(Secret, 's', {'metadata': {'$deleteFromPrimitiveList/finalizers': ['a/b']}})
    assert fake.get('Secret', 's', 'media') is not None
    client.patch(Secret, 's', {'metadata': {'finalizers': None}})
    assert fake.get('Secret', 's', 'media') is None


def test_deleted_claim_stays_while_a_pod_mounts_it(
    client: lightkube.Client, fake: KubernetesFake
) -> None:
    fake.add(_claim())
    fake.add(_pod(volumes=_mounting('media')))
    client.delete(PersistentVolumeClaim, 'media')
    fake.release_protection()
    assert fake.get('PersistentVolumeClaim', 'media', 'media') is not None
    client.delete(Pod, 'plex-0')
    fake.release_protection()
    assert fake.get('PersistentVolumeClaim', 'media', 'media') is None


@pytest.mark.usefixtures('deployed')
def test_deleted_claim_stays_while_a_template_mounts_it(
    client: lightkube.Client, fake: KubernetesFake
) -> None:
    fake.add(_claim())
    volumes = {'spec': {'template': {'spec': {'volumes': _mounting('media')}}}}
    client.patch(StatefulSet, 'plex', volumes)
    client.delete(PersistentVolumeClaim, 'media')
    fake.release_protection()
    assert fake.get('PersistentVolumeClaim', 'media', 'media') is not None


def test_protection_is_kept_where_nothing_is_deleted(fake: KubernetesFake) -> None:
    added = fake.add(_claim())
    fake.release_protection()
    assert fake.get('PersistentVolumeClaim', 'media', 'media') == added


def test_deleted_volume_stays_while_it_is_claimed(fake: KubernetesFake) -> None:
    fake.add(
        {
            'kind': 'PersistentVolume',
            'metadata': {'name': 'nas'},
            'spec': {
                'accessModes': ['ReadWriteMany'],
                'capacity': {'storage': '1Gi'},
                'nfs': {'server': 'nas', 'path': '/'},
            },
        }
    )
    fake.add(_claim())
    fake.remove('PersistentVolume', 'nas')
    fake.release_protection()
    assert fake.get('PersistentVolume', 'nas') is not None
    fake.remove('PersistentVolumeClaim', 'media', 'media')
    fake.release_protection()
    assert fake.get('PersistentVolume', 'nas') is None


def test_pod_on_a_node_gets_its_grace(client: lightkube.Client, fake: KubernetesFake) -> None:
    fake.add(_pod(nodeName='n', terminationGracePeriodSeconds=120))
    client.delete(Pod, 'plex-0')
    pod = fake.get('Pod', 'plex-0', 'media')
    assert pod is not None
    assert pod['metadata']['deletionTimestamp'] == '2026-11-21T12:02:00Z'
    assert pod['metadata']['deletionGracePeriodSeconds'] == 120
    client.delete(Pod, 'plex-0', grace_period=0)
    assert fake.get('Pod', 'plex-0', 'media') is None


def test_preconditions_hold_or_nothing_happens(send: Send, fake: KubernetesFake) -> None:
    uid = fake.add(_secret())['metadata']['uid']
    path = '/api/v1/namespaces/media/secrets/s'
    answer = send('DELETE', path, {'preconditions': {'uid': 'other'}})
    assert answer.status_code == 409
    assert answer.json()['message'] == (
        'Operation cannot be fulfilled on Secret "s": the UID in the precondition (other) does '
        f'not match the UID in record ({uid}). The object might have been deleted and then '
        'recreated'
    )
    assert send('DELETE', path, {'preconditions': {'uid': uid}}).status_code == 200


def test_dry_run_deletes_nothing(client: lightkube.Client, fake: KubernetesFake) -> None:
    fake.add(_secret())
    client.delete(Secret, 's', dry_run=True)
    assert fake.get('Secret', 's', 'media') is not None
    assert [write.changed for write in fake.writes()] == [False]


def test_collection_goes_by_selector(
    client: lightkube.Client, send: Send, fake: KubernetesFake
) -> None:
    for name, app in (('a', 'x'), ('b', 'y'), ('c', 'y')):
        fake.add(_secret(name=name, labels={'app': app}))
    path = '/api/v1/namespaces/media/secrets'
    answer = send('DELETE', path, params={'labelSelector': 'app=x'})
    assert [item['metadata']['name'] for item in answer.json()['items']] == ['a']
    client.deletecollection(Secret)
    assert fake.list('Secret') == []
    assert [(write.verb, write.changed) for write in fake.writes()] == [
        ('deletecollection', True)
    ] * 2


@pytest.fixture
def owned(fake: KubernetesFake, deployed: dict[str, Any]) -> str:
    """A pod of the StatefulSet; the uid of the latter."""
    uid = deployed['metadata']['uid']
    owner = {'apiVersion': 'apps/v1', 'kind': 'StatefulSet', 'name': 'plex', 'uid': uid}
    fake.add(_pod(metadata={'ownerReferences': [owner]}))
    return uid


@pytest.mark.usefixtures('owned')
def test_dependents_go_after_their_owner(client: lightkube.Client, fake: KubernetesFake) -> None:
    client.delete(StatefulSet, 'plex')
    assert fake.get('Pod', 'plex-0', 'media') is not None
    fake.collect_garbage()
    assert fake.get('Pod', 'plex-0', 'media') is None


@pytest.mark.usefixtures('owned')
def test_dependents_go_before_their_owner(client: lightkube.Client, fake: KubernetesFake) -> None:
    client.delete(StatefulSet, 'plex', cascade=CascadeType.FOREGROUND)
    owner = fake.get('StatefulSet', 'plex', 'media')
    assert owner is not None
    assert owner['metadata']['finalizers'] == ['foregroundDeletion']
    fake.collect_garbage()
    assert fake.list('Pod') + fake.list('StatefulSet') == []


@pytest.mark.usefixtures('owned')
def test_dependents_stay_as_orphans(
    client: lightkube.Client, fake: KubernetesFake, plex: dict[str, Any]
) -> None:
    client.delete(StatefulSet, 'plex', cascade=CascadeType.ORPHAN)
    with pytest.raises(Refused, match='already exists'):
        fake.add(plex)
    client.delete(StatefulSet, 'plex')
    fake.collect_garbage()
    assert fake.list('StatefulSet') == []
    pod = fake.get('Pod', 'plex-0', 'media')
    assert pod is not None
    assert 'ownerReferences' not in pod['metadata']
    fake.add(plex)


def test_deleted_job_leaves_its_pods(client: lightkube.Client, fake: KubernetesFake) -> None:
    template = {'spec': {**_pod()['spec'], 'restartPolicy': 'Never'}}
    metadata = {'name': 'j', 'namespace': 'media'}
    fake.add({'kind': 'Job', 'metadata': metadata, 'spec': {'template': template}})
    client.delete(Job, 'j')
    job = fake.get('Job', 'j', 'media')
    assert job is not None
    assert job['metadata']['finalizers'] == ['orphan']
    client.delete(Job, 'j', cascade=CascadeType.BACKGROUND)
    assert fake.get('Job', 'j', 'media') is None


def test_deleted_namespace_takes_no_objects_and_is_emptied(
    client: lightkube.Client, fake: KubernetesFake
) -> None:
    fake.add({'kind': 'Namespace', 'metadata': {'name': 'media'}})
    fake.add(_secret())
    client.delete(Namespace, 'media')
    namespace = fake.get('Namespace', 'media')
    assert namespace is not None
    assert namespace['status'] == {'phase': 'Terminating'}
    with pytest.raises(Refused) as caught:
        fake.add(_secret(name='late'))
    assert str(caught.value) == (
        'secrets "late" is forbidden: unable to create new content in namespace media '
        'because it is being terminated'
    )
    fake.collect_garbage()
    assert fake.list('Secret') + fake.list('Namespace') == []
