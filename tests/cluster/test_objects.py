# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Creating, finding and deleting objects, and the answers to what cannot be done."""

from __future__ import annotations

import pytest

from . import manifests, overlays, wire


@pytest.fixture
def maps(api: wire.Api) -> wire.Api:
    """Three ConfigMaps with labels."""
    api.create(manifests.config_map('a', tier='front', stage='one'))
    api.create(manifests.config_map('b', tier='back'))
    api.create(manifests.config_map('c'))
    return api


@pytest.mark.parametrize(
    ('selector', 'found'),
    [
        ('tier', ['a', 'b']),
        ('!tier', ['c']),
        ('tier=front', ['a']),
        ('tier==front', ['a']),
        ('tier!=front', ['b', 'c']),
        ('tier in (front,back)', ['a', 'b']),
        ('tier notin (front)', ['b', 'c']),
        ('tier,stage=one', ['a']),
        ('tier=none', []),
    ],
)
def test_labels_select(maps: wire.Api, selector: str, found: list[str]):
    assert maps.names('ConfigMap', labelSelector=selector) == found


@pytest.mark.parametrize(
    ('selector', 'found'),
    [('metadata.name=b', ['b']), ('metadata.name!=b', ['a', 'c']), ('metadata.name=x', [])],
)
def test_names_select(maps: wire.Api, selector: str, found: list[str]):
    assert maps.names('ConfigMap', fieldSelector=selector) == found


@pytest.mark.parametrize(
    'query',
    [{'labelSelector': 'a in (b'}, {'fieldSelector': 'data.x=y'}, {'fieldSelector': 'x'}],
    ids=['labels', 'an unknown field', 'no operator'],
)
def test_a_selector_that_cannot_be_read_is_refused(maps: wire.Api, query: dict[str, str]):
    assert maps.list('ConfigMap', **query).reason == (400, 'BadRequest')


def test_a_list_comes_in_chunks(maps: wire.Api):
    first = maps.list('ConfigMap', limit='2').done
    assert [each['metadata']['name'] for each in first['items']] == ['a', 'b']
    rest = maps.list('ConfigMap', limit='2', **{'continue': first['metadata']['continue']}).done
    assert [each['metadata']['name'] for each in rest['items']] == ['c']
    assert 'continue' not in rest['metadata']


def test_items_of_a_list_do_not_repeat_their_kind(maps: wire.Api):
    found = maps.list('ConfigMap').done
    assert (found['kind'], found['apiVersion']) == ('ConfigMapList', 'v1')
    assert all('kind' not in each for each in found['items'])


def test_events_are_found_by_what_they_are_about(api: wire.Api):
    claim = manifests.claim()
    api.create(manifests.event('one', claim, api.namespace, 'no volume left'))
    api.create(manifests.event('two', manifests.pod('other'), api.namespace, 'something else'))
    about = 'involvedObject.kind=PersistentVolumeClaim,involvedObject.name=shared'
    [found] = api.list('Event', fieldSelector=about).done['items']
    assert found['message'] == 'no volume left'
    assert found['lastTimestamp'] is None


def test_a_name_can_be_left_to_the_server(api: wire.Api):
    nameless = {**manifests.config_map(''), 'metadata': {'generateName': 'run-'}}
    names = {api.create(nameless).done['metadata']['name'] for _ in range(5)}
    assert len(names) == 5
    assert all(name.startswith('run-') and len(name) == 9 for name in names)


def test_a_create_of_what_is_there_is_refused(api: wire.Api):
    api.create(manifests.claim())
    answer = api.create(manifests.claim())
    assert answer.reason == (409, 'AlreadyExists')
    assert answer.media_type == 'application/json'
    assert answer.body == {
        'kind': 'Status',
        'apiVersion': 'v1',
        'metadata': {},
        'status': 'Failure',
        'message': 'persistentvolumeclaims "shared" already exists',
        'reason': 'AlreadyExists',
        'details': {'name': 'shared', 'kind': 'persistentvolumeclaims'},
        'code': 409,
    }


def test_what_is_not_there_is_not_found(api: wire.Api):
    answer = api.get('StatefulSet', 'plex')
    assert answer.reason == (404, 'NotFound')
    assert answer.media_type == 'application/json'
    assert answer.body['message'] == 'statefulsets.apps "plex" not found'
    assert answer.body['details'] == {'name': 'plex', 'group': 'apps', 'kind': 'statefulsets'}


def test_a_dry_run_of_a_create_stores_nothing(api: wire.Api):
    answer = api.create(manifests.claim(), dryRun='All')
    assert answer.code == 201
    assert answer.body['metadata']['uid']
    assert api.names('PersistentVolumeClaim') == []


@pytest.mark.usefixtures('deployed')
def test_a_dry_run_of_every_write_stores_nothing(api: wire.Api):
    before = api.get('StatefulSet', 'plex').done
    wanted = {'spec': {'replicas': 3}}
    changed = {**before, 'spec': {**before['spec'], 'replicas': 3}}
    for answer in (
        api.merge('StatefulSet', 'plex', wanted, dryRun='All'),
        api.replace(changed, dryRun='All'),
        api.apply({**overlays.wish(), **wanted}, dryRun='All', force='true'),
    ):
        assert answer.done['spec']['replicas'] == 3
    assert api.delete('StatefulSet', 'plex', {'dryRun': ['All']}).code == 200
    assert api.get('StatefulSet', 'plex').done == before


def test_a_finaliser_keeps_what_is_deleted(api: wire.Api):
    api.create(manifests.claim())
    going = api.delete('PersistentVolumeClaim', 'shared').done
    assert going['metadata']['deletionTimestamp']
    assert going['metadata']['deletionGracePeriodSeconds'] == 0
    assert api.create(manifests.claim()).message == (
        'object is being deleted: persistentvolumeclaims "shared" already exists'
    )
    release = {'metadata': {'finalizers': None}}
    assert api.merge('PersistentVolumeClaim', 'shared', release).code == 200
    assert api.get('PersistentVolumeClaim', 'shared').code == 404


def test_a_finaliser_cannot_be_added_to_what_is_deleted(api: wire.Api):
    api.create(manifests.claim())
    api.delete('PersistentVolumeClaim', 'shared')
    more = {'metadata': {'finalizers': ['kubernetes.io/pvc-protection', 'example.org/x']}}
    answer = api.merge('PersistentVolumeClaim', 'shared', more)
    assert answer.reason == (422, 'Invalid')
    assert 'no new finalizers can be added if the object is being deleted' in answer.message


def test_what_is_deleted_can_still_be_changed(api: wire.Api):
    api.create(manifests.claim())
    api.delete('PersistentVolumeClaim', 'shared')
    mark = {'metadata': {'annotations': {'a': 'b'}}}
    after = api.merge('PersistentVolumeClaim', 'shared', mark).done
    assert after['metadata']['annotations'] == {'a': 'b'}
    assert after['metadata']['deletionTimestamp']


@pytest.mark.parametrize(
    ('policy', 'finaliser'), [('Foreground', 'foregroundDeletion'), ('Orphan', 'orphan')]
)
def test_a_deletion_may_wait_for_dependents(
    api: wire.Api, deployed: wire.Manifest, policy: str, finaliser: str
):
    api.delete('StatefulSet', 'plex', {'propagationPolicy': policy})
    going = api.get('StatefulSet', 'plex').done['metadata']
    assert going['finalizers'] == [finaliser]
    assert going['generation'] == deployed['metadata']['generation'] + 1


@pytest.mark.usefixtures('deployed')
def test_a_deletion_may_be_meant_for_one_object_only(api: wire.Api):
    other = {'preconditions': {'uid': '00000000-0000-4000-8000-000000000000'}}
    answer = api.delete('StatefulSet', 'plex', other)
    assert answer.reason == (409, 'Conflict')
    assert 'The object might have been deleted and then recreated' in answer.message
    uid = api.get('StatefulSet', 'plex').done['metadata']['uid']
    assert api.delete('StatefulSet', 'plex', {'preconditions': {'uid': uid}}).code == 200


def test_a_pod_without_a_node_goes_at_once(api: wire.Api):
    api.create(manifests.pod())
    assert api.delete('Pod', 'pod').code == 200
    assert api.get('Pod', 'pod').code == 404


def test_a_pod_on_a_node_has_time_to_end(api: wire.Api):
    api.create(manifests.pod(nodeName='node-1', terminationGracePeriodSeconds=12))
    going = api.delete('Pod', 'pod').done['metadata']
    assert going['deletionGracePeriodSeconds'] == 12
    assert api.delete('Pod', 'pod', {'gracePeriodSeconds': 0}).code == 200
    assert api.get('Pod', 'pod').code == 404
