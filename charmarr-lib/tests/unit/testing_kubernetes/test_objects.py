# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Create, read, replace, patch: the plain life of objects."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import lightkube
import pytest
from lightkube.generic_resource import create_namespaced_resource
from lightkube.models.core_v1 import PersistentVolumeClaimSpec, VolumeResourceRequirements
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.apps_v1 import StatefulSet, StatefulSetScale, StatefulSetStatus
from lightkube.resources.core_v1 import (
    Event,
    Namespace,
    Node,
    PersistentVolume,
    PersistentVolumeClaim,
    Pod,
    Secret,
    Service,
)
from lightkube.types import PatchType

from charmarr_lib.testing.kubernetes import KubernetesFake, Refused, kinds, wire

Send = Callable[..., Any]
MakeClient = Callable[..., lightkube.Client]


def _claim(name: str = 'media', namespace: str = 'media', **labels: str) -> PersistentVolumeClaim:
    return PersistentVolumeClaim(
        metadata=ObjectMeta(name=name, namespace=namespace, labels=labels or None),
        spec=PersistentVolumeClaimSpec(
            accessModes=['ReadWriteMany'],
            resources=VolumeResourceRequirements(requests={'storage': '10Gi'}),
        ),
    )


def test_create_fills_in_what_the_server_knows(
    client: lightkube.Client, fake: KubernetesFake
) -> None:
    created = client.create(_claim())
    stored = fake.get('PersistentVolumeClaim', 'media', 'media')
    assert stored is not None
    metadata = stored['metadata']
    assert re.fullmatch(r'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', metadata['uid'])
    assert metadata['creationTimestamp'] == '2026-11-21T12:00:00Z'
    assert created.metadata is not None
    assert created.metadata.resourceVersion == metadata['resourceVersion']
    assert stored['status'] == {'phase': 'Pending'}


def test_create_of_what_exists_is_refused(client: lightkube.Client) -> None:
    client.create(_claim())
    with pytest.raises(lightkube.ApiError) as caught:
        client.create(_claim())
    status = caught.value.status
    assert (status.code, status.reason) == (409, 'AlreadyExists')
    assert status.message == 'persistentvolumeclaims "media" already exists'


def test_generated_names_differ(send: Send, fake: KubernetesFake) -> None:
    event = {'metadata': {'generateName': 'plex-'}, 'involvedObject': {'kind': 'Pod'}}
    for _ in range(2):
        assert send('POST', '/api/v1/namespaces/media/events', event).status_code == 201
    names = [obj['metadata']['name'] for obj in fake.list('Event', 'media')]
    assert len(set(names)) == 2
    assert all(re.fullmatch('plex-[a-z0-9]{5}', name) for name in names)


def test_create_ignores_status_and_system_fields(send: Send) -> None:
    body = {
        **_claim().to_dict(),
        'status': {'phase': 'Bound'},
    }
    body['metadata']['uid'] = 'mine'
    answer = send('POST', '/api/v1/namespaces/media/persistentvolumeclaims', body).json()
    assert answer['status'] == {'phase': 'Pending'}
    assert answer['metadata']['uid'] != 'mine'


def test_create_with_a_version_is_refused(send: Send) -> None:
    body = _claim().to_dict()
    body['metadata']['resourceVersion'] = '1'
    answer = send('POST', '/api/v1/namespaces/media/persistentvolumeclaims', body)
    assert answer.json()['message'] == (
        'resourceVersion should not be set on objects to be created'
    )


def test_missing_objects_are_named(client: lightkube.Client) -> None:
    with pytest.raises(lightkube.ApiError) as caught:
        client.get(StatefulSet, 'plex')
    status = caught.value.status
    assert (status.code, status.reason) == (404, 'NotFound')
    assert status.message == 'statefulsets.apps "plex" not found'
    assert status.details is not None
    assert (status.details.name, status.details.group) == ('plex', 'apps')
    assert status.details.kind == 'statefulsets'


@pytest.mark.usefixtures('deployed')
def test_replace_needs_the_newest_version(client: lightkube.Client) -> None:
    first = client.get(StatefulSet, 'plex')
    assert first.spec is not None
    first.spec.replicas = 2
    second = client.replace(first)
    assert second.metadata is not None
    assert second.metadata.generation == 2
    with pytest.raises(lightkube.ApiError) as caught:
        client.replace(first)
    assert caught.value.status.code == 409


@pytest.mark.usefixtures('deployed')
def test_replace_with_the_same_is_no_new_version(
    client: lightkube.Client, fake: KubernetesFake, deployed: dict[str, Any]
) -> None:
    client.replace(client.get(StatefulSet, 'plex'))
    assert fake.get('StatefulSet', 'plex', 'media') == deployed


def test_replace_of_nothing_is_refused(client: lightkube.Client) -> None:
    with pytest.raises(lightkube.ApiError, match='"media" not found'):
        client.replace(_claim())


@pytest.mark.usefixtures('deployed')
def test_labels_and_status_are_no_new_generation(
    client: lightkube.Client, fake: KubernetesFake
) -> None:
    client.patch(StatefulSet, 'plex', {'metadata': {'labels': {'a': 'b'}}})
    fake.set_status('StatefulSet', 'plex', 'media', {'replicas': 1, 'readyReplicas': 1})
    stored = fake.get('StatefulSet', 'plex', 'media')
    assert stored is not None
    assert stored['metadata']['generation'] == 1
    assert stored['metadata']['labels']['a'] == 'b'
    assert stored['status'] == {'replicas': 1, 'readyReplicas': 1, 'availableReplicas': 0}


@pytest.mark.usefixtures('deployed')
def test_status_is_written_through_its_subresource_only(
    client: lightkube.Client, fake: KubernetesFake
) -> None:
    change = {'spec': {'replicas': 3}, 'status': {'replicas': 2}}
    client.patch(StatefulSetStatus, 'plex', change, patch_type=PatchType.MERGE)
    client.patch(StatefulSet, 'plex', {'status': {'replicas': 9}}, patch_type=PatchType.MERGE)
    stored = fake.get('StatefulSet', 'plex', 'media')
    assert stored is not None
    assert (stored['spec']['replicas'], stored['status']['replicas']) == (1, 2)
    entries = stored['metadata']['managedFields']
    assert [entry['subresource'] for entry in entries if entry['manager'] == 'charm'] == ['status']


@pytest.mark.usefixtures('deployed')
def test_scale_reads_and_writes_replicas(
    client: lightkube.Client, fake: KubernetesFake, send: Send
) -> None:
    scale = client.get(StatefulSetScale, 'plex')
    assert scale.spec is not None
    assert scale.status is not None
    assert (scale.spec.replicas, scale.status.selector) == (1, 'app.kubernetes.io/name=plex')
    scale.spec.replicas = 2
    path = '/apis/apps/v1/namespaces/media/statefulsets/plex/scale'
    assert send('PUT', path, scale.to_dict()).json()['spec'] == {'replicas': 2}
    client.patch(StatefulSetScale, 'plex', {'spec': {'replicas': 3}})
    stored = fake.get('StatefulSet', 'plex', 'media')
    assert stored is not None
    assert (stored['spec']['replicas'], stored['metadata']['generation']) == (3, 3)
    entries = stored['metadata']['managedFields']
    mine = [entry for entry in entries if entry['manager'] == 'charm']
    assert [entry['subresource'] for entry in mine] == ['scale']
    assert mine[0]['fieldsV1'] == {'f:spec': {'f:replicas': {}}}


def test_lists_one_namespace_or_all(client: lightkube.Client) -> None:
    client.create(_claim('b'))
    client.create(_claim('a'))
    client.create(_claim('c', 'other'), namespace='other')
    here = [item.metadata for item in client.list(PersistentVolumeClaim)]
    everywhere = [item.metadata for item in client.list(PersistentVolumeClaim, namespace='*')]
    assert [item.name for item in here if item] == ['a', 'b']
    assert [item.name for item in everywhere if item] == ['a', 'b', 'c']


def test_lists_in_chunks(client: lightkube.Client, fake: KubernetesFake) -> None:
    for number in range(5):
        client.create(_claim(f'claim-{number}'))
    found = list(client.list(PersistentVolumeClaim, chunk_size=2))
    assert len(found) == 5
    assert [read.verb for read in fake.reads()] == ['list'] * 3


def test_items_of_lists_do_not_repeat_their_kind(send: Send, deployed: dict[str, Any]) -> None:
    body = send('GET', '/apis/apps/v1/namespaces/media/statefulsets').json()
    assert (body['kind'], body['apiVersion']) == ('StatefulSetList', 'apps/v1')
    assert body['metadata']['resourceVersion'] == deployed['metadata']['resourceVersion']
    assert 'kind' not in body['items'][0]


@pytest.mark.parametrize(
    ('selector', 'names'),
    [
        ('app=plex', ['a']),
        ('app!=plex', ['b', 'c']),
        ('app in (plex, seerr)', ['a', 'b']),
        ('app notin (plex, seerr)', ['c']),
        ('app,tier==front', ['b']),
        ('!app', ['c']),
    ],
)
def test_selects_by_labels(selector: str, names: list[str], send: Send, fake: Any) -> None:
    for name, labels in {
        'a': {'app': 'plex'},
        'b': {'app': 'seerr', 'tier': 'front'},
        'c': {'tier': 'back'},
    }.items():
        fake.add(
            {'kind': 'Secret', 'metadata': {'name': name, 'namespace': 'm', 'labels': labels}}
        )
    body = send('GET', '/api/v1/namespaces/m/secrets', params={'labelSelector': selector}).json()
    assert [item['metadata']['name'] for item in body['items']] == names


def test_selects_events_by_what_they_are_about(
    client: lightkube.Client, fake: KubernetesFake
) -> None:
    for name in ('plex-0', 'seerr-0'):
        fake.add(
            {
                'kind': 'Event',
                'metadata': {'name': f'{name}.1', 'namespace': 'media'},
                'involvedObject': {'kind': 'Pod', 'name': name, 'namespace': 'media'},
                'reason': 'FailedMount',
            }
        )
    fields: dict[str, Any] = {'involvedObject.name': 'plex-0', 'involvedObject.kind': 'Pod'}
    found = [event.metadata for event in client.list(Event, fields=fields)]
    assert [item.name for item in found if item] == ['plex-0.1']


def test_selects_pods_by_phase(client: lightkube.Client, fake: KubernetesFake) -> None:
    for name, phase in (('a', 'Running'), ('b', 'Pending')):
        spec = {'containers': [{'name': 'c', 'image': 'i'}]}
        metadata = {'name': name, 'namespace': 'media'}
        fake.add({'kind': 'Pod', 'metadata': metadata, 'spec': spec, 'status': {'phase': phase}})
    found = [pod.metadata for pod in client.list(Pod, fields={'status.phase': 'Running'})]
    assert [item.name for item in found if item] == ['a']


def test_refuses_fields_that_cannot_be_selected(client: lightkube.Client) -> None:
    with pytest.raises(
        lightkube.ApiError, match=r'field label not supported: spec\.hostname'
    ) as e:
        list(client.list(Pod, fields={'spec.hostname': 'x'}))
    assert e.value.status.code == 400


@pytest.mark.usefixtures('deployed')
@pytest.mark.parametrize(
    ('kind', 'patch'),
    [
        (PatchType.JSON, [{'op': 'replace', 'path': '/spec/replicas', 'value': 2}]),
        (PatchType.MERGE, {'spec': {'replicas': 2}}),
        (PatchType.STRATEGIC, {'spec': {'replicas': 2}}),
    ],
)
def test_takes_patches_of_every_sort(
    client: lightkube.Client, kind: PatchType, patch: Any
) -> None:
    patched = client.patch(StatefulSet, 'plex', patch, patch_type=kind)
    assert patched.spec is not None
    assert patched.spec.replicas == 2


@pytest.mark.usefixtures('deployed')
def test_failed_json_patch_changes_nothing(
    client: lightkube.Client, fake: KubernetesFake, deployed: dict[str, Any]
) -> None:
    operations = [
        {'op': 'replace', 'path': '/spec/replicas', 'value': 2},
        {'op': 'test', 'path': '/spec/serviceName', 'value': 'other'},
    ]
    with pytest.raises(lightkube.ApiError) as caught:
        client.patch(StatefulSet, 'plex', operations, patch_type=PatchType.JSON)
    assert caught.value.status.code == 422
    assert fake.get('StatefulSet', 'plex', 'media') == deployed


@pytest.mark.usefixtures('deployed')
def test_merge_patch_replaces_lists(client: lightkube.Client, fake: KubernetesFake) -> None:
    volumes = [{'name': 'media', 'emptyDir': {}}]
    patch = {'spec': {'template': {'spec': {'volumes': volumes}}}}
    with pytest.raises(lightkube.ApiError, match='charm-data'):
        client.patch(StatefulSet, 'plex', patch, patch_type=PatchType.MERGE)


def test_takes_generic_resources(client: lightkube.Client) -> None:
    kind = create_namespaced_resource('apps', 'v1', 'StatefulSet', 'statefulsets')
    assert list(client.list(kind, namespace='media')) == []


def test_secrets_are_written_plain_and_read_coded(client: lightkube.Client) -> None:
    secret = Secret(
        metadata=ObjectMeta(name='token', namespace='media'), stringData={'token': 'abc'}
    )
    created = client.create(secret)
    assert (created.data, created.stringData, created.type) == ({'token': 'YWJj'}, None, 'Opaque')


def test_knows_kinds_outside_namespaces(client: lightkube.Client, fake: KubernetesFake) -> None:
    fake.add({'kind': 'Node', 'metadata': {'name': 'n'}, 'status': {'capacity': {'cpu': '4000m'}}})
    client.create(Namespace(metadata=ObjectMeta(name='media')))
    node = client.get(Node, 'n')
    assert node.status is not None
    assert node.status.capacity == {'cpu': '4'}
    namespace = fake.get('Namespace', 'media')
    assert namespace is not None
    assert namespace['status'] == {'phase': 'Active'}
    assert list(client.list(PersistentVolume)) == []


def test_services_get_an_address_and_keep_it(
    client: lightkube.Client, fake: KubernetesFake, send: Send
) -> None:
    spec = {'ports': [{'port': 80}], 'selector': {'app': 'x'}}
    created = fake.add(
        {'kind': 'Service', 'metadata': {'name': 's', 'namespace': 'm'}, 'spec': spec}
    )
    address = created['spec']['clusterIP']
    sent = {
        'metadata': {'name': 's', 'namespace': 'm'},
        'spec': {**spec, 'sessionAffinity': 'ClientIP'},
    }
    answer = send('PUT', '/api/v1/namespaces/m/services/s', sent).json()
    assert answer['spec']['clusterIP'] == address
    with pytest.raises(lightkube.ApiError, match='may not change once set'):
        client.patch(Service, 's', {'spec': {'clusterIP': '10.9.9.9'}}, namespace='m')


def test_nothing_handed_out_is_the_stored_object(fake: KubernetesFake, plex: Any) -> None:
    added = fake.add(plex)
    added['spec']['replicas'] = 9
    plex['spec']['replicas'] = 9
    first = fake.get('StatefulSet', 'plex', 'media')
    assert first is not None
    first['spec']['template']['spec']['containers'].clear()
    listed = fake.list('StatefulSet', 'media', {'app.kubernetes.io/name': 'plex'})[0]
    assert listed['spec']['replicas'] == 1
    assert len(listed['spec']['template']['spec']['containers']) == 2


def test_arranging_what_the_server_would_refuse_is_refused(fake: KubernetesFake) -> None:
    with pytest.raises(Refused, match=r'spec\.accessModes: Required value'):
        fake.add({'kind': 'PersistentVolumeClaim', 'metadata': {'name': 'x', 'namespace': 'm'}})


def test_recorded_requests_tell_who_did_what(
    make_client: MakeClient, fake: KubernetesFake, overlay: dict[str, Any], plex: Any
) -> None:
    fake.add(plex)
    unnamed = make_client('system:serviceaccount:media:plex', field_manager=None)
    unnamed.get(StatefulSet, 'plex')
    unnamed.patch(StatefulSet, 'plex', {'spec': {'replicas': 2}})
    read, write = fake.requests
    assert (read.verb, read.manager, read.user) == (
        'get',
        None,
        'system:serviceaccount:media:plex',
    )
    assert (write.verb, write.kind, write.namespace, write.name) == (
        'patch',
        'StatefulSet',
        'media',
        'plex',
    )
    assert (write.manager, write.status, write.changed) == ('python-httpx2', 200, True)
    assert fake.reads() == [read]
    assert fake.writes() == [write]


def test_tells_its_version(send: Send) -> None:
    assert send('GET', '/version').json()['major'] == '1'


def test_table_of_kinds_has_no_doubles() -> None:
    assert len(kinds.BY_NAME) == len(kinds.BY_PATH) == len(kinds.ALL)


def test_answers_carry_the_exact_media_type(send: Send) -> None:
    for path in ('/version', '/api/v1/nodes', '/api/v1/nodes/none'):
        assert send('GET', path).headers['content-type'] == wire.JSON


def test_who_only_looks_gets_what_is_stored_and_who_gets_gets_a_copy(
    client: lightkube.Client, fake: KubernetesFake
) -> None:
    client.create(_claim('films'))
    client.create(_claim('music', 'other'))
    films = fake.peek('PersistentVolumeClaim', 'films', 'media')
    assert films is not None
    assert fake.peek('PersistentVolumeClaim', 'films', 'media') is films
    assert [each is films for each in fake.browse('PersistentVolumeClaim', 'media')] == [True]
    assert len(fake.browse('PersistentVolumeClaim')) == 2
    copy = fake.get('PersistentVolumeClaim', 'films', 'media')
    assert copy == films
    assert copy is not films
    assert fake.peek('PersistentVolumeClaim', 'films', 'other') is None


def test_the_revision_is_that_of_the_newest_change(
    client: lightkube.Client, fake: KubernetesFake
) -> None:
    before = fake.revision
    created = client.create(_claim())
    assert created.metadata is not None
    assert fake.revision == int(created.metadata.resourceVersion or 0) > before
