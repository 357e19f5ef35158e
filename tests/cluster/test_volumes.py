# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Claims and volumes: what of them can change, and how they grow."""

from __future__ import annotations

from typing import Any

import pytest

from . import manifests, wire

CLAIM = 'PersistentVolumeClaim'
VOLUME = 'PersistentVolume'
IMMUTABLE_CLAIM = (
    'spec is immutable after creation except resources.requests and volumeAttributesClassName '
    'for bound claims'
)
IMMUTABLE_SET = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', "
    "'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and "
    "'minReadySeconds' are forbidden"
)


@pytest.fixture
def growing(api: wire.Api, unique: str) -> str:
    """A bound claim of 10Gi whose class lets it grow."""
    api.create(manifests.storage_class(unique, allowVolumeExpansion=True))
    api.create(manifests.claim(storageClassName=unique))
    api.merge(CLAIM, 'shared', manifests.bound(), 'status')
    return 'shared'


def test_a_claim_is_protected_and_pending_from_the_start(api: wire.Api):
    claim = api.create(manifests.claim()).done
    assert claim['metadata']['finalizers'] == ['kubernetes.io/pvc-protection']
    assert claim['status'] == {'phase': 'Pending'}
    assert claim['spec']['volumeMode'] == 'Filesystem'
    assert 'generation' not in claim['metadata']


def test_a_claim_that_names_no_class_gets_the_default_one(api: wire.Api, unique: str):
    api.create(manifests.storage_class(unique, is_default=True))
    try:
        assert api.create(manifests.claim()).done['spec']['storageClassName'] == unique
        static = api.create(manifests.claim('static', storageClassName='')).done
        assert static['spec']['storageClassName'] == ''
    finally:
        api.delete('StorageClass', unique)


@pytest.mark.parametrize(('size', 'stored'), [('1024Mi', '1Gi'), ('1.5Gi', '1536Mi')])
def test_a_size_is_stored_in_its_shortest_form(api: wire.Api, size: str, stored: str):
    claim = api.create(manifests.claim(size=size)).done
    assert claim['spec']['resources']['requests'] == {'storage': stored}


@pytest.mark.parametrize(
    'change',
    [
        {'accessModes': ['ReadWriteOnce']},
        {'storageClassName': 'other'},
        {'volumeMode': 'Block'},
        {'resources': {'requests': {'storage': '20Gi'}}},
    ],
    ids=['access mode', 'class', 'mode', 'size before it is bound'],
)
def test_a_claim_cannot_change(api: wire.Api, unique: str, change: dict[str, Any]):
    api.create(manifests.storage_class(unique, allowVolumeExpansion=True))
    api.create(manifests.claim(storageClassName=unique))
    answer = api.merge(CLAIM, 'shared', {'spec': change})
    assert answer.reason == (422, 'Invalid')
    assert answer.causes[0][:2] == ('spec', 'FieldValueForbidden')
    assert IMMUTABLE_CLAIM in answer.message


def test_a_bound_claim_grows(api: wire.Api, growing: str):
    after = api.merge(CLAIM, growing, manifests.grown('20Gi')).done
    assert after['spec']['resources']['requests'] == {'storage': '20Gi'}
    assert after['status']['capacity'] == {'storage': '10Gi'}


def test_a_claim_does_not_shrink_below_what_it_has(api: wire.Api, growing: str):
    answer = api.merge(CLAIM, growing, manifests.grown('5Gi'))
    assert answer.causes == [
        (
            'spec.resources.requests.storage',
            'FieldValueForbidden',
            'Forbidden: field can not be less than status.capacity',
        )
    ]


def test_growth_that_has_not_come_can_be_taken_back(api: wire.Api, growing: str):
    api.merge(CLAIM, growing, manifests.grown('20Gi'))
    after = api.merge(CLAIM, growing, manifests.grown('15Gi')).done
    assert after['spec']['resources']['requests'] == {'storage': '15Gi'}


@pytest.mark.parametrize('allows', [False, None])
def test_a_claim_does_not_grow_where_its_class_forbids(
    api: wire.Api, unique: str, allows: bool | None
):
    api.create(manifests.storage_class(unique, allowVolumeExpansion=allows))
    api.create(manifests.claim(storageClassName=unique))
    api.merge(CLAIM, 'shared', manifests.bound(), 'status')
    answer = api.merge(CLAIM, 'shared', manifests.grown('20Gi'))
    assert answer.reason == (403, 'Forbidden')
    assert answer.message == (
        'persistentvolumeclaims "shared" is forbidden: only dynamically provisioned pvc can be '
        'resized and the storageclass that provisions the pvc must support resize'
    )


def test_a_volume_is_protected_from_the_start(api: wire.Api, unique: str):
    volume = api.create(manifests.volume(unique)).done
    assert volume['metadata']['finalizers'] == ['kubernetes.io/pv-protection']
    assert volume['spec']['persistentVolumeReclaimPolicy'] == 'Retain'
    assert volume['status']['phase'] == 'Pending'


@pytest.mark.parametrize(
    'change',
    [{'nfs': {'server': 'other.lan'}}, {'nfs': None, 'hostPath': {'path': '/media'}}],
    ids=['another server', 'another kind of place'],
)
def test_a_volume_does_not_move(api: wire.Api, unique: str, change: dict[str, Any]):
    api.create(manifests.volume(unique))
    answer = api.merge(VOLUME, unique, {'spec': change})
    assert answer.reason == (422, 'Invalid')
    assert 'spec.persistentvolumesource is immutable after creation' in answer.message


@pytest.mark.parametrize('size', ['20Gi', '5Gi'])
def test_a_static_volume_may_say_another_size(api: wire.Api, unique: str, size: str):
    api.create(manifests.volume(unique))
    after = api.merge(VOLUME, unique, {'spec': {'capacity': {'storage': size}}}).done
    assert after['spec']['capacity'] == {'storage': size}


def test_a_volume_is_freed_of_one_claim_and_kept_for_the_name(api: wire.Api, unique: str):
    reference = {'namespace': api.namespace, 'name': 'shared'}
    claim = api.create(manifests.claim(volumeName=unique, storageClassName='')).done
    taken = {**reference, 'uid': claim['metadata']['uid'], 'resourceVersion': '1'}
    api.create(manifests.volume(unique, claimRef=taken))
    freed = {'spec': {'claimRef': {'uid': None, 'resourceVersion': None}}}
    assert api.merge(VOLUME, unique, freed).done['spec']['claimRef'] == reference


@pytest.mark.usefixtures('deployed')
@pytest.mark.parametrize(
    'change',
    [
        {'serviceName': 'other'},
        {'podManagementPolicy': 'OrderedReady'},
        {'volumeClaimTemplates': None, 'template': None},
    ],
    ids=['service', 'pod management', 'claims'],
)
def test_a_stateful_set_cannot_change_but_for_its_template(api: wire.Api, change: dict[str, Any]):
    answer = api.merge('StatefulSet', 'plex', {'spec': change})
    assert answer.reason == (422, 'Invalid')
    assert ('spec', 'FieldValueForbidden', f'Forbidden: {IMMUTABLE_SET}') in answer.causes


def test_the_template_of_a_job_cannot_change(api: wire.Api):
    api.create(manifests.job())
    pod = {'spec': {'template': {'spec': {'priorityClassName': 'x'}}}}
    answer = api.merge('Job', 'check', pod)
    assert answer.reason == (422, 'Invalid')
    assert [(field, reason) for field, reason, _ in answer.causes] == [
        ('spec.template', 'FieldValueInvalid')
    ]
    assert answer.message.endswith('field is immutable')


def test_an_answer_can_be_noted_on_a_job(api: wire.Api):
    api.create(manifests.job())
    after = api.merge('Job', 'check', {'metadata': {'annotations': {'answer': '{}'}}}).done
    assert after['metadata']['annotations'] == {'answer': '{}'}
    assert after['metadata']['generation'] == 1
