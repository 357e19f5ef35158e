# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Server-side apply, the way in which charms change the StatefulSet that Juju wrote."""

from __future__ import annotations

from typing import Any

import pytest

from . import overlays, wire

LIMITS = '.spec.template.spec.containers[name="plex"].resources.limits.gpu.intel.com/i915'


@pytest.mark.usefixtures('deployed')
def test_an_overlay_is_one_new_generation_and_touches_nothing_else(
    charm: wire.Api, deployed: dict[str, Any]
):
    after = charm.apply(overlays.overlay()).done
    assert after['metadata']['generation'] == 2
    assert overlays.pod(after)['containers'][0] == overlays.pod(deployed)['containers'][0]
    mounts = overlays.workload(deployed)['volumeMounts']
    assert overlays.workload(after)['volumeMounts'] == [*mounts, overlays.MOUNT]
    assert overlays.pod(after)['volumes'] == [
        *overlays.pod(deployed)['volumes'],
        overlays.VOLUME,
    ]
    assert overlays.workload(after)['resources']['limits'] == overlays.GPU


@pytest.mark.usefixtures('deployed')
def test_a_charm_owns_what_it_applied_and_no_more(charm: wire.Api):
    after = charm.apply(overlays.overlay()).done
    assert overlays.managers(after) == [('plex-overlay', 'Apply'), ('juju', 'Update')]
    container = {
        '.': {},
        'f:name': {},
        'f:resources': {'f:limits': {'f:gpu.intel.com/i915': {}}},
        'f:volumeMounts': {'k:{"mountPath":"/data"}': {'.': {}, 'f:mountPath': {}, 'f:name': {}}},
    }
    volume = {
        '.': {},
        'f:name': {},
        'f:persistentVolumeClaim': {'f:claimName': {}},
    }
    pod = {
        'f:containers': {'k:{"name":"plex"}': container},
        'f:volumes': {'k:{"name":"charmarr-shared"}': volume},
    }
    assert overlays.owned(after, 'plex-overlay') == {'f:spec': {'f:template': {'f:spec': pod}}}


@pytest.mark.usefixtures('deployed')
def test_the_same_again_is_no_new_version(charm: wire.Api):
    first = charm.apply(overlays.overlay()).done
    assert charm.apply(overlays.overlay()).done == first


@pytest.mark.usefixtures('deployed')
def test_an_apply_of_what_is_there_takes_a_share_in_it(charm: wire.Api, deployed: dict[str, Any]):
    image = overlays.workload(deployed)['image']
    after = charm.apply(overlays.wish({'containers': [{'name': 'plex', 'image': image}]})).done
    assert after['metadata']['generation'] == 1
    assert after['metadata']['resourceVersion'] != deployed['metadata']['resourceVersion']
    assert ('plex-overlay', 'Apply') in overlays.managers(after)


def test_sending_less_releases_what_was_owned(charm: wire.Api, deployed: dict[str, Any]):
    charm.apply(overlays.overlay())
    after = charm.apply(overlays.wish()).done
    assert after['spec'] == deployed['spec']
    assert overlays.managers(after) == [('juju', 'Update')]


@pytest.mark.usefixtures('deployed')
def test_a_part_can_be_released(charm: wire.Api):
    charm.apply(overlays.overlay())
    after = charm.apply(overlays.overlay(gpu=False)).done
    assert overlays.workload(after)['resources'] == {}
    assert overlays.MOUNT in overlays.workload(after)['volumeMounts']


@pytest.mark.usefixtures('deployed')
def test_two_managers_do_not_take_each_others_fields(charm: wire.Api):
    charm.apply(overlays.overlay(gpu=False))
    charm.apply(overlays.overlay(storage=False), fieldManager='gpu')
    after = charm.apply(overlays.wish()).done
    assert overlays.workload(after)['resources']['limits'] == overlays.GPU
    assert overlays.VOLUME not in overlays.pod(after)['volumes']


@pytest.mark.usefixtures('deployed')
def test_what_two_managers_own_stays_until_both_let_go(charm: wire.Api):
    charm.apply(overlays.overlay())
    charm.apply(overlays.overlay(), fieldManager='other')
    after = charm.apply(overlays.wish()).done
    assert overlays.VOLUME in overlays.pod(after)['volumes']
    after = charm.apply(overlays.wish(), fieldManager='other').done
    assert overlays.VOLUME not in overlays.pod(after)['volumes']


@pytest.mark.usefixtures('deployed')
def test_another_value_for_anothers_field_is_a_conflict(charm: wire.Api):
    charm.apply(overlays.overlay(storage=False))
    workload = {'name': 'plex', 'resources': {'limits': {'gpu.intel.com/i915': '2'}}}
    answer = charm.apply(overlays.wish({'containers': [workload]}), fieldManager='other')
    assert answer.reason == (409, 'Conflict')
    assert answer.media_type == 'application/json'
    assert answer.message == (
        f'Apply failed with 1 conflict: conflict with "plex-overlay": {LIMITS}'
    )
    assert answer.causes == [(LIMITS, 'FieldManagerConflict', 'conflict with "plex-overlay"')]


@pytest.mark.usefixtures('deployed')
def test_conflicts_are_listed_by_manager(charm: wire.Api):
    charm.apply(overlays.overlay(storage=False))
    theirs = {
        'name': 'plex',
        'image': 'example/plex:2',
        'imagePullPolicy': 'Always',
        'resources': {'limits': {'gpu.intel.com/i915': '2'}},
    }
    answer = charm.apply(overlays.wish({'containers': [theirs]}), fieldManager='other')
    assert answer.reason == (409, 'Conflict')
    container = '.spec.template.spec.containers[name="plex"]'
    assert answer.message == (
        'Apply failed with 3 conflicts: conflicts with "juju" using apps/v1:\n'
        f'- {container}.image\n'
        f'- {container}.imagePullPolicy\n'
        'conflicts with "plex-overlay":\n'
        f'- {LIMITS}'
    )


@pytest.mark.usefixtures('deployed')
def test_force_takes_a_field_over(charm: wire.Api):
    charm.apply(overlays.overlay(storage=False))
    workload = {'name': 'plex', 'resources': {'limits': {'gpu.intel.com/i915': '2'}}}
    wanted = overlays.wish({'containers': [workload]})
    after = charm.apply(wanted, fieldManager='other', force='true').done
    assert overlays.workload(after)['resources']['limits'] == {'gpu.intel.com/i915': '2'}
    assert charm.apply(overlays.overlay(storage=False)).code == 409


@pytest.mark.usefixtures('deployed')
def test_an_update_takes_fields_from_who_applied_them(charm: wire.Api, api: wire.Api):
    charm.apply(overlays.overlay(storage=False))
    limits = {'resources': {'limits': {'gpu.intel.com/i915': '2'}}}
    patch = overlays.wish({'containers': [{'name': 'plex', **limits}]})
    after = api.patch('StatefulSet', 'plex', patch, wire.STRATEGIC).done
    assert 'f:resources' not in str(overlays.owned(after, 'plex-overlay'))
    answer = charm.apply(overlays.overlay(storage=False))
    assert answer.causes == [
        (LIMITS, 'FieldManagerConflict', 'conflict with "test" using apps/v1')
    ]


def test_an_apply_creates_what_is_not_there(charm: wire.Api, plex: dict[str, Any]):
    answer = charm.apply(plex)
    assert answer.code == 201
    assert answer.body['metadata']['generation'] == 1
    assert overlays.managers(answer.body) == [('plex-overlay', 'Apply')]


def test_an_overlay_does_not_bring_a_removed_application_back(charm: wire.Api):
    answer = charm.apply(overlays.overlay())
    assert answer.reason == (422, 'Invalid')
    assert answer.body['details']['name'] == 'plex'
    assert ('spec.selector', 'FieldValueRequired', 'Required value') in answer.causes
    assert charm.names('StatefulSet') == []


@pytest.mark.usefixtures('deployed')
def test_an_overlay_for_another_object_of_that_name_is_refused(charm: wire.Api):
    wanted = overlays.overlay()
    wanted['metadata']['uid'] = '00000000-0000-4000-8000-000000000000'
    answer = charm.apply(wanted)
    assert answer.reason == (422, 'Invalid')
    assert 'metadata.uid: Invalid value' in answer.message
    assert charm.version('StatefulSet', 'plex')[1] == 1


def test_an_overlay_with_a_uid_does_not_create(charm: wire.Api):
    wanted = overlays.overlay()
    wanted['metadata']['uid'] = '00000000-0000-4000-8000-000000000000'
    answer = charm.apply(wanted)
    assert answer.reason == (409, 'Conflict')
    assert 'no existing object was found' in answer.message
    assert charm.names('StatefulSet') == []


@pytest.mark.usefixtures('deployed')
def test_a_dry_run_tells_the_generation_and_stores_nothing(charm: wire.Api):
    before = charm.get('StatefulSet', 'plex').done
    after = charm.apply(overlays.overlay(), dryRun='All').done
    assert after['metadata']['generation'] == 2
    assert overlays.MOUNT in overlays.workload(after)['volumeMounts']
    assert charm.get('StatefulSet', 'plex').done == before


@pytest.mark.usefixtures('deployed')
def test_a_dry_run_tells_of_conflicts_and_faults(charm: wire.Api):
    conflict = overlays.wish({'containers': [{'name': 'plex', 'image': 'other'}]})
    assert charm.apply(conflict, dryRun='All').reason == (409, 'Conflict')
    nowhere = {'name': 'plex', 'volumeMounts': [{'name': 'nowhere', 'mountPath': '/x'}]}
    answer = charm.apply(overlays.wish({'containers': [nowhere]}), dryRun='All')
    assert answer.reason == (422, 'Invalid')
    [(field, reason, message)] = answer.causes
    assert field.startswith('spec.template.spec.containers[1].volumeMounts[')
    assert (reason, message) == ('FieldValueNotFound', 'Not found: "nowhere"')


@pytest.mark.usefixtures('deployed')
def test_an_old_version_in_an_apply_is_a_conflict(charm: wire.Api):
    version, _ = charm.version('StatefulSet', 'plex')
    charm.apply(overlays.overlay(gpu=False))
    wanted = overlays.overlay()
    wanted['metadata']['resourceVersion'] = version
    answer = charm.apply(wanted)
    assert answer.reason == (409, 'Conflict')
    assert 'the object has been modified' in answer.message


@pytest.mark.usefixtures('deployed')
@pytest.mark.parametrize(
    ('change', 'part'),
    [
        ({'apiVersion': 'apps/v2'}, 'apps/v2'),
        ({'kind': 'DaemonSet'}, 'DaemonSet'),
        ({'metadata': {'name': 'other'}}, 'the name'),
        ({'metadata': {'name': 'plex', 'namespace': 'other'}}, 'the namespace'),
    ],
    ids=['version', 'kind', 'name', 'namespace'],
)
def test_an_apply_has_to_be_for_the_object_of_its_path(
    charm: wire.Api, change: dict[str, Any], part: str
):
    answer = charm.patch('StatefulSet', 'plex', {**overlays.overlay(), **change}, wire.APPLY)
    assert answer.reason == (400, 'BadRequest')
    assert part in answer.message


@pytest.mark.usefixtures('deployed')
def test_an_apply_names_its_manager(charm: wire.Api):
    body = '{"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "plex"}}'
    answer = charm.send('PATCH', charm.path('StatefulSet', 'plex'), body, wire.APPLY)
    assert answer.reason == (422, 'Invalid')
    assert answer.causes == [
        (
            'fieldManager',
            'FieldValueRequired',
            'Required value: is required for apply patch',
        )
    ]


@pytest.mark.usefixtures('deployed')
def test_only_an_apply_can_be_forced(charm: wire.Api):
    answer = charm.merge('StatefulSet', 'plex', {'spec': {'replicas': 2}}, force='true')
    assert answer.reason == (422, 'Invalid')
    assert charm.get('StatefulSet', 'plex').done['spec']['replicas'] == 1


@pytest.mark.usefixtures('deployed')
def test_a_list_item_without_its_key_is_a_new_one(charm: wire.Api):
    answer = charm.apply(overlays.wish({'containers': [{'image': 'example/plex:2'}]}))
    assert answer.reason == (422, 'Invalid')
    assert answer.causes == [
        ('spec.template.spec.containers[2].name', 'FieldValueRequired', 'Required value')
    ]


@pytest.mark.usefixtures('deployed')
def test_the_same_key_cannot_be_applied_twice(charm: wire.Api):
    twice = [{'name': 'plex'}, {'name': 'plex'}]
    answer = charm.apply(overlays.wish({'containers': twice}))
    assert answer.reason == (500, '')
    assert 'failed to create typed patch object' in answer.message
