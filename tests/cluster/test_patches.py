# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Patches other than server-side apply."""

from __future__ import annotations

import json
from typing import Any

import pytest

from . import overlays, wire

pytestmark = pytest.mark.usefixtures('deployed')


def change(api: wire.Api, patch: Any, media_type: str = wire.STRATEGIC) -> dict[str, Any]:
    return overlays.pod(api.patch('StatefulSet', 'plex', patch, media_type).done)


def with_environment(api: wire.Api, *environment: dict[str, str]) -> list[Any]:
    container = {'name': 'plex', 'env': list(environment)}
    pod = change(api, overlays.wish({'containers': [container]}))
    return next(each['env'] for each in pod['containers'] if each['name'] == 'plex')


def test_strategic_merge_changes_list_items_by_their_key(api: wire.Api, deployed: dict[str, Any]):
    environment = overlays.workload(deployed)['env']
    changed = with_environment(api, {'name': 'PEBBLE', 'value': '/elsewhere'})
    assert {each['name'] for each in changed} == {each['name'] for each in environment}
    assert {'name': 'PEBBLE', 'value': '/elsewhere'} in changed


def test_strategic_merge_puts_new_items_first(api: wire.Api, deployed: dict[str, Any]):
    volume = {'name': 'more', 'emptyDir': {}}
    volumes = change(api, overlays.wish({'volumes': [volume]}))['volumes']
    assert volumes == [volume, *overlays.pod(deployed)['volumes']]


def test_strategic_merge_keeps_the_other_containers(api: wire.Api, deployed: dict[str, Any]):
    container = {'name': 'plex', 'image': 'example/plex:2'}
    pod = change(api, overlays.wish({'containers': [container]}))
    assert [each['name'] for each in pod['containers']] == ['charm', 'plex']
    assert pod['containers'][0] == overlays.pod(deployed)['containers'][0]


def test_strategic_merge_deletes_an_item_when_told(api: wire.Api):
    gone = {'name': 'PEBBLE', '$patch': 'delete'}
    names = [each['name'] for each in with_environment(api, gone)]
    assert 'PEBBLE' not in names
    assert 'PEBBLE_SOCKET' in names


def test_strategic_merge_replaces_a_list_when_told(api: wire.Api):
    only = {'name': 'ONLY', 'value': '1'}
    assert with_environment(api, {'$patch': 'replace'}, only) == [only]


def test_strategic_merge_replaces_an_object_when_told(api: wire.Api):
    replaced = {'$patch': 'replace', 'runAsNonRoot': True}
    container = {'name': 'plex', 'securityContext': replaced}
    pod = change(api, overlays.wish({'containers': [container]}))
    assert pod['containers'][1]['securityContext'] == {'runAsNonRoot': True}


def test_strategic_merge_removes_a_field_by_null(api: wire.Api):
    container = {'name': 'plex', 'livenessProbe': None}
    pod = change(api, overlays.wish({'containers': [container]}))
    assert 'livenessProbe' not in pod['containers'][1]
    assert 'livenessProbe' in pod['containers'][0]


def test_strategic_merge_replaces_lists_without_a_key(api: wire.Api):
    for groups in ([1, 2], [3]):
        pod = change(api, overlays.wish({'securityContext': {'supplementalGroups': groups}}))
        assert pod['securityContext']['supplementalGroups'] == groups


def test_strategic_merge_joins_lists_of_values(api: wire.Api):
    for added in ('example.org/a', 'example.org/b'):
        patch = {'metadata': {'finalizers': [added]}}
        found = api.patch('StatefulSet', 'plex', patch, wire.STRATEGIC).done
    assert sorted(found['metadata']['finalizers']) == ['example.org/a', 'example.org/b']
    patch = {'metadata': {'$deleteFromPrimitiveList/finalizers': ['example.org/a']}}
    found = api.patch('StatefulSet', 'plex', patch, wire.STRATEGIC).done
    assert found['metadata']['finalizers'] == ['example.org/b']


def test_strategic_merge_refuses_an_item_without_its_key(api: wire.Api):
    patch = overlays.wish({'containers': [{'image': 'example/plex:2'}]})
    answer = api.patch('StatefulSet', 'plex', patch, wire.STRATEGIC)
    assert answer.code == 500
    assert 'does not contain declared merge key: name' in answer.message


def test_merge_patch_replaces_lists(api: wire.Api, deployed: dict[str, Any]):
    pod = overlays.pod(deployed)
    volumes = [*pod['volumes'], {'name': 'more', 'emptyDir': {}}]
    assert change(api, overlays.wish({'volumes': volumes}), wire.MERGE)['volumes'] == volumes
    alone = overlays.wish({'volumes': volumes[1:]})
    answer = api.merge('StatefulSet', 'plex', alone)
    assert answer.reason == (422, 'Invalid')
    assert 'Not found: "charm-data"' in answer.message


def test_merge_patch_removes_a_field_by_null(api: wire.Api):
    pod = change(api, overlays.wish({'nodeSelector': None}), wire.MERGE)
    assert 'nodeSelector' not in pod


def test_merge_patch_with_an_old_version_is_a_conflict(api: wire.Api):
    version, _ = api.version('StatefulSet', 'plex')
    patch = {'metadata': {'resourceVersion': version}, 'spec': {'replicas': 2}}
    assert api.merge('StatefulSet', 'plex', patch).code == 200
    assert api.merge('StatefulSet', 'plex', patch).reason == (409, 'Conflict')


def test_a_patch_without_a_difference_is_no_new_version(api: wire.Api):
    before = api.get('StatefulSet', 'plex').done
    assert api.merge('StatefulSet', 'plex', {'spec': {'replicas': 1}}).done == before
    assert api.patch('StatefulSet', 'plex', [], wire.JSON_PATCH).done == before


def test_json_patch_changes_what_its_paths_name(api: wire.Api):
    container = '/spec/template/spec/containers/1'
    operations = [
        {'op': 'test', 'path': f'{container}/name', 'value': 'plex'},
        {'op': 'replace', 'path': f'{container}/image', 'value': 'example/plex:2'},
        {'op': 'add', 'path': f'{container}/env/-', 'value': {'name': 'LAST', 'value': '1'}},
        {'op': 'copy', 'from': f'{container}/image', 'path': '/metadata/annotations/image'},
        {'op': 'remove', 'path': f'{container}/livenessProbe'},
        {'op': 'add', 'path': '/metadata/labels/example.org~1tier', 'value': 'media'},
    ]
    found = api.patch('StatefulSet', 'plex', operations, wire.JSON_PATCH).done
    changed = overlays.workload(found)
    assert changed['image'] == 'example/plex:2'
    assert changed['env'][-1] == {'name': 'LAST', 'value': '1'}
    assert 'livenessProbe' not in changed
    assert found['metadata']['annotations']['image'] == 'example/plex:2'
    assert found['metadata']['labels']['example.org/tier'] == 'media'


def test_json_patch_whose_test_fails_changes_nothing(api: wire.Api):
    before = api.get('StatefulSet', 'plex').done
    operations = [
        {'op': 'replace', 'path': '/spec/replicas', 'value': 3},
        {'op': 'test', 'path': '/metadata/name', 'value': 'other'},
    ]
    answer = api.patch('StatefulSet', 'plex', operations, wire.JSON_PATCH)
    assert answer.reason == (422, 'Invalid')
    assert answer.message == 'the server rejected our request due to an error in our request'
    assert api.get('StatefulSet', 'plex').done == before


@pytest.mark.parametrize(
    'operation',
    [
        {'op': 'remove', 'path': '/metadata/labels/nothing'},
        {'op': 'replace', 'path': '/spec/nothing/more', 'value': 1},
        {'op': 'add', 'path': '/spec/template/spec/containers/7', 'value': {}},
    ],
    ids=['remove', 'replace', 'beyond'],
)
def test_json_patch_of_what_is_not_there_is_refused(api: wire.Api, operation: dict[str, Any]):
    answer = api.patch('StatefulSet', 'plex', [operation], wire.JSON_PATCH)
    assert answer.reason == (422, 'Invalid')


@pytest.mark.parametrize('media_type', [wire.STRATEGIC, wire.MERGE])
def test_a_patch_of_what_is_not_there_is_refused(api: wire.Api, media_type: str):
    answer = api.patch('StatefulSet', 'other', {'spec': {'replicas': 2}}, media_type)
    assert answer.reason == (404, 'NotFound')
    assert answer.message == 'statefulsets.apps "other" not found'


def test_a_patch_may_not_rename(api: wire.Api):
    answer = api.merge('StatefulSet', 'plex', {'metadata': {'name': 'other'}})
    assert answer.reason == (400, 'BadRequest')
    assert answer.message == (
        'the name of the object (other) does not match the name on the URL (plex)'
    )


def test_the_scale_changes_replicas_alone(api: wire.Api, deployed: dict[str, Any]):
    scale = api.get('StatefulSet', 'plex', 'scale').done
    assert (scale['kind'], scale['spec']) == ('Scale', {'replicas': 1})
    assert scale['status'] == {'replicas': 0, 'selector': 'app.kubernetes.io/name=plex'}
    path = api.path('StatefulSet', 'plex', 'scale')
    body = json.dumps({**scale, 'spec': {'replicas': 2}})
    assert api.send('PUT', path, body, 'application/json').done['spec'] == {'replicas': 2}
    after = api.get('StatefulSet', 'plex').done
    assert after['spec'] == {**deployed['spec'], 'replicas': 2}
    assert after['metadata']['generation'] == 2


def test_the_status_changes_no_generation(api: wire.Api, deployed: dict[str, Any]):
    patch = {'status': {'replicas': 1, 'readyReplicas': 1}, 'spec': {'replicas': 5}}
    after = api.merge('StatefulSet', 'plex', patch, 'status').done
    assert after['spec'] == deployed['spec']
    assert after['status']['readyReplicas'] == 1
    assert after['metadata']['generation'] == 1
    after = api.merge('StatefulSet', 'plex', {'status': {'replicas': 9}}).done
    assert after['status']['replicas'] == 1
