# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Server-side apply over the wire."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import lightkube
import pytest
from lightkube.resources.apps_v1 import StatefulSet
from lightkube.resources.core_v1 import PersistentVolumeClaim
from lightkube.types import PatchType

from charmarr_lib.testing.kubernetes import KubernetesFake, UnexpectedRequest, wire

Wish = Callable[[dict[str, Any]], dict[str, Any]]
Send = Callable[..., Any]

_CLAIMS = '/api/v1/namespaces/media/persistentvolumeclaims'


def _claim(**spec: Any) -> dict[str, Any]:
    wanted = {
        'accessModes': ['ReadWriteMany'],
        'resources': {'requests': {'storage': '10Gi'}},
        'storageClassName': '',
        **spec,
    }
    return {
        'apiVersion': 'v1',
        'kind': 'PersistentVolumeClaim',
        'metadata': {'name': 'media', 'namespace': 'media', 'labels': {'app': 'storage'}},
        'spec': wanted,
    }


def _managed(obj: dict[str, Any] | None) -> dict[str, Any]:
    assert obj is not None
    return {entry['manager']: entry for entry in obj['metadata']['managedFields']}


def _apply(send: Send, body: Any, **params: str) -> Any:
    params = {'fieldManager': 'charm', **params}
    return send('PATCH', f'{_CLAIMS}/media', body, content_type=wire.APPLY_PATCH, params=params)


def test_creates_what_is_absent(send: Send, fake: KubernetesFake) -> None:
    answer = _apply(send, _claim())
    assert answer.status_code == 201
    assert _managed(fake.get('PersistentVolumeClaim', 'media', 'media')) == {
        'charm': {
            'manager': 'charm',
            'operation': 'Apply',
            'apiVersion': 'v1',
            'time': '2026-11-21T12:00:00Z',
            'fieldsType': 'FieldsV1',
            'fieldsV1': {
                'f:metadata': {'f:labels': {'f:app': {}}},
                'f:spec': {
                    'f:accessModes': {},
                    'f:resources': {'f:requests': {'f:storage': {}}},
                    'f:storageClassName': {},
                },
            },
        }
    }
    assert _apply(send, _claim()).status_code == 200


def test_takes_a_typed_object_through_apply(
    client: lightkube.Client, fake: KubernetesFake
) -> None:
    claim = cast('PersistentVolumeClaim', PersistentVolumeClaim.from_dict(_claim()))
    client.apply(claim)
    client.apply(claim)
    assert [(write.status, write.changed) for write in fake.writes()] == [
        (201, True),
        (200, False),
    ]


def test_another_quantity_for_the_same_amount_changes_nothing(
    send: Send, fake: KubernetesFake, clock: Any
) -> None:
    _apply(send, _claim())
    before = fake.get('PersistentVolumeClaim', 'media', 'media')
    clock.advance(minutes=5)
    other = _claim(resources={'requests': {'storage': '10240Mi'}})
    assert _apply(send, other).status_code == 200
    assert fake.get('PersistentVolumeClaim', 'media', 'media') == before


def test_time_moves_for_the_manager_that_changed_something_only(
    send: Send, fake: KubernetesFake, clock: Any
) -> None:
    _apply(send, _claim())
    clock.advance(minutes=5)
    labelled = {**_claim(), 'metadata': {'name': 'media', 'labels': {'other': '1'}}, 'spec': {}}
    _apply(send, labelled, fieldManager='other')
    entries = _managed(fake.get('PersistentVolumeClaim', 'media', 'media'))
    assert entries['charm']['time'] == '2026-11-21T12:00:00Z'
    assert entries['other']['time'] == '2026-11-21T12:05:00Z'


def test_list_of_all_conflicts(send: Send, fake: KubernetesFake) -> None:
    fake.add(_claim(), manager='kubectl')
    wanted = _claim(storageClassName='fast', accessModes=['ReadWriteOnce'])
    answer = _apply(send, wanted)
    assert answer.status_code == 409
    assert answer.headers['content-type'] == 'application/json'
    assert answer.json()['message'] == (
        'Apply failed with 2 conflicts: conflicts with "kubectl" using v1:\n'
        '- .spec.accessModes\n'
        '- .spec.storageClassName'
    )
    assert [cause['field'] for cause in answer.json()['details']['causes']] == [
        '.spec.accessModes',
        '.spec.storageClassName',
    ]


@pytest.mark.usefixtures('deployed')
def test_force_takes_fields_over(
    client: lightkube.Client, fake: KubernetesFake, pod_wish: Wish
) -> None:
    grace = pod_wish({'terminationGracePeriodSeconds': 120})
    client.patch(StatefulSet, 'plex', grace, patch_type=PatchType.APPLY, force=True)
    entries = _managed(fake.get('StatefulSet', 'plex', 'media'))
    field = 'f:terminationGracePeriodSeconds'
    assert field in entries['charm']['fieldsV1']['f:spec']['f:template']['f:spec']
    assert field not in entries['juju']['fieldsV1']['f:spec']['f:template']['f:spec']


@pytest.mark.usefixtures('deployed')
def test_an_update_takes_fields_from_appliers(
    client: lightkube.Client, fake: KubernetesFake, overlay: dict[str, Any], pod_wish: Wish
) -> None:
    client.patch(StatefulSet, 'plex', overlay, patch_type=PatchType.APPLY)
    volume = {'name': 'media', 'persistentVolumeClaim': {'claimName': 'other'}}
    client.patch(StatefulSet, 'plex', pod_wish({'volumes': [volume]}), field_manager='kubectl')
    entries = _managed(fake.get('StatefulSet', 'plex', 'media'))
    assert entries['kubectl']['operation'] == 'Update'
    path = ('f:spec', 'f:template', 'f:spec', 'f:volumes', 'k:{"name":"media"}')
    mine, theirs = entries['charm']['fieldsV1'], entries['kubectl']['fieldsV1']
    for key in path:
        mine, theirs = mine[key], theirs[key]
    assert mine == {'.': {}, 'f:name': {}}
    assert theirs == {'f:persistentVolumeClaim': {'f:claimName': {}}}
    with pytest.raises(lightkube.ApiError) as caught:
        client.patch(StatefulSet, 'plex', overlay, patch_type=PatchType.APPLY)
    assert caught.value.status.message == (
        'Apply failed with 1 conflict: conflict with "kubectl" using apps/v1: '
        '.spec.template.spec.volumes[name="media"].persistentVolumeClaim.claimName'
    )


def test_needs_a_field_manager(send: Send) -> None:
    answer = send('PATCH', f'{_CLAIMS}/media', _claim(), content_type=wire.APPLY_PATCH)
    assert answer.status_code == 422
    assert answer.json()['message'] == (
        'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: '
        'is required for apply patch'
    )


def test_must_name_its_version_and_kind(send: Send) -> None:
    answer = _apply(send, {**_claim(), 'apiVersion': 'v2'})
    assert answer.status_code == 400
    assert answer.json()['message'] == (
        'Incorrect version specified in apply patch. Specified patch version: v2, expected: v1'
    )
    assert _apply(send, {**_claim(), 'kind': 'Pod'}).status_code == 400


def test_refuses_managed_fields(send: Send) -> None:
    body = _claim()
    body['metadata']['managedFields'] = [{'manager': 'x'}]
    answer = _apply(send, body)
    assert (answer.status_code, answer.json()['message']) == (
        400,
        'metadata.managedFields must be nil',
    )


def test_refuses_an_old_version(send: Send) -> None:
    _apply(send, _claim())
    body = _claim()
    body['metadata']['resourceVersion'] = '0'
    assert _apply(send, body).status_code == 409


@pytest.mark.usefixtures('deployed')
def test_items_that_repeat_a_key_cannot_be_read(send: Send, pod_wish: Wish) -> None:
    volumes = [{'name': 'v', 'emptyDir': {}}, {'name': 'v', 'hostPath': {'path': '/'}}]
    answer = send(
        'PATCH',
        '/apis/apps/v1/namespaces/media/statefulsets/plex',
        pod_wish({'volumes': volumes}),
        content_type=wire.APPLY_PATCH,
        params={'fieldManager': 'charm'},
    )
    assert answer.status_code == 500
    assert answer.json()['message'] == (
        'failed to create typed patch object (media/plex; apps/v1, Kind=StatefulSet): '
        '.spec.template.spec.volumes: duplicate entries for key [name="v"]'
    )


def test_dry_run_answers_and_stores_nothing(send: Send, fake: KubernetesFake) -> None:
    answer = _apply(send, _claim(), dryRun='All')
    assert answer.status_code == 201
    assert answer.json()['spec']['volumeMode'] == 'Filesystem'
    assert fake.list('PersistentVolumeClaim') == []
    assert [(write.changed, write.dry_run) for write in fake.writes()] == [(False, True)]


def test_managed_fields_can_be_reset_by_an_update(send: Send, fake: KubernetesFake) -> None:
    _apply(send, _claim())
    obj = fake.get('PersistentVolumeClaim', 'media', 'media')
    assert obj is not None
    obj['metadata']['managedFields'] = [{}]
    assert send('PUT', f'{_CLAIMS}/media', obj).status_code == 200
    stored = fake.get('PersistentVolumeClaim', 'media', 'media')
    assert stored is not None
    assert 'managedFields' not in stored['metadata']


def test_status_is_applied_by_itself(send: Send, fake: KubernetesFake) -> None:
    def apply_status(capacity: str, manager: str) -> Any:
        body = {
            **_claim(),
            'status': {'phase': 'Bound', 'capacity': {'storage': capacity}},
        }
        del body['spec']
        params = {'fieldManager': manager}
        path = f'{_CLAIMS}/media/status'
        return send('PATCH', path, body, content_type=wire.APPLY_PATCH, params=params)

    assert apply_status('10Gi', 'provisioner').status_code == 404
    fake.add(_claim())
    assert apply_status('10Gi', 'provisioner').json()['status']['phase'] == 'Bound'
    answer = apply_status('20Gi', 'other')
    assert answer.json()['message'] == (
        'Apply failed with 1 conflict: conflict with "provisioner" with subresource "status": '
        '.status.capacity.storage'
    )


@pytest.mark.usefixtures('deployed')
def test_lists_that_are_none_cannot_be_read(send: Send, pod_wish: Wish) -> None:
    path = '/apis/apps/v1/namespaces/media/statefulsets/plex'
    options = {'content_type': wire.APPLY_PATCH, 'params': {'fieldManager': 'charm'}}
    answer = send('PATCH', path, pod_wish({'volumes': {'name': 'v'}}), **options)
    assert answer.status_code == 500
    assert '.spec.template.spec.volumes' in answer.json()['message']
    answer = send('PATCH', path, pod_wish({'volumes': ['v']}), **options)
    assert '.spec.template.spec.volumes[0]' in answer.json()['message']


def test_items_without_a_key_cannot_be_read(send: Send) -> None:
    account = {
        'apiVersion': 'v1',
        'kind': 'ServiceAccount',
        'metadata': {'name': 'a'},
        'secrets': [{'kind': 'x'}],
    }
    answer = send(
        'PATCH',
        '/api/v1/namespaces/m/serviceaccounts/a',
        account,
        content_type=wire.APPLY_PATCH,
        params={'fieldManager': 'charm'},
    )
    assert answer.json()['message'] == (
        'failed to create typed patch object (/a; v1, Kind=ServiceAccount): .secrets: element 0: '
        'associative list with keys has an element that omits key field "name" '
        "(and doesn't have default value)"
    )


@pytest.mark.usefixtures('deployed')
def test_scale_is_not_applied(send: Send) -> None:
    with pytest.raises(UnexpectedRequest, match='not modelled'):
        send(
            'PATCH',
            '/apis/apps/v1/namespaces/media/statefulsets/plex/scale',
            {},
            content_type=wire.APPLY_PATCH,
            params={'fieldManager': 'charm'},
        )
