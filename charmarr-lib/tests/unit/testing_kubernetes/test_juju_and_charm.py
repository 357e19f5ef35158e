# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The survival of a charm's overlay between Juju's writes: facts that the design rests on."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any

import lightkube
import pytest
import yaml
from lightkube.resources.apps_v1 import StatefulSet
from lightkube.types import PatchType

from charmarr_lib.testing.kubernetes import (
    JUJU_MANAGER,
    KubernetesFake,
    juju_reapply,
    juju_services,
    juju_statefulset,
    trees,
)

Wish = Callable[[dict[str, Any]], dict[str, Any]]
_SAMPLES = pathlib.Path(__file__).parents[5] / 'shared' / 'samples' / 'juju'


def _apply(client: lightkube.Client, obj: dict[str, Any], **options: Any) -> StatefulSet:
    return client.patch(StatefulSet, 'plex', obj, patch_type=PatchType.APPLY, **options)


def _ensure(client: lightkube.Client, obj: dict[str, Any]) -> StatefulSet:
    """What Juju does at each refresh: write the whole object again."""
    version = client.get(StatefulSet, 'plex').metadata
    assert version is not None
    patch = juju_reapply(obj, resource_version=version.resourceVersion)
    return client.patch(StatefulSet, 'plex', patch, field_manager=JUJU_MANAGER)


def _stored(fake: KubernetesFake) -> dict[str, Any]:
    found = fake.get('StatefulSet', 'plex', 'media')
    assert found is not None
    return found


def _pod(obj: dict[str, Any]) -> dict[str, Any]:
    return obj['spec']['template']['spec']


def _workload(obj: dict[str, Any]) -> dict[str, Any]:
    return next(item for item in _pod(obj)['containers'] if item['name'] == 'plex')


@pytest.mark.usefixtures('deployed')
def test_overlay_is_one_new_generation_and_touches_nothing_else(
    fake: KubernetesFake, client: lightkube.Client, overlay: dict[str, Any]
) -> None:
    before = _stored(fake)
    _apply(client, overlay)
    after = _stored(fake)
    assert after['metadata']['generation'] == before['metadata']['generation'] + 1
    assert [item['name'] for item in _pod(after)['containers']] == ['charm', 'plex']
    assert _pod(after)['containers'][0] == _pod(before)['containers'][0]
    assert _workload(after)['volumeMounts'][:-1] == _workload(before)['volumeMounts']
    assert _workload(after)['volumeMounts'][-1] == {'name': 'media', 'mountPath': '/data'}
    assert _pod(after)['volumes'][-1]['persistentVolumeClaim'] == {'claimName': 'media'}


@pytest.mark.usefixtures('deployed')
def test_the_same_overlay_again_changes_nothing(
    fake: KubernetesFake, client: lightkube.Client, overlay: dict[str, Any], clock: Any
) -> None:
    _apply(client, overlay)
    before = _stored(fake)
    clock.advance(hours=1)
    _apply(client, overlay)
    assert _stored(fake) == before
    assert [write.changed for write in fake.writes()] == [True, False]


@pytest.mark.usefixtures('deployed')
def test_unchanged_reapply_by_juju_changes_nothing(
    fake: KubernetesFake,
    client: lightkube.Client,
    overlay: dict[str, Any],
    plex: dict[str, Any],
    clock: Any,
) -> None:
    _apply(client, overlay)
    before = _stored(fake)
    clock.advance(hours=1)
    _ensure(client, plex)
    assert _stored(fake) == before


@pytest.mark.usefixtures('deployed')
def test_overlay_survives_a_refresh(
    fake: KubernetesFake, client: lightkube.Client, overlay: dict[str, Any], plex: dict[str, Any]
) -> None:
    _apply(client, overlay)
    refreshed = juju_statefulset(
        'plex',
        'media',
        'plex',
        'example/plex:1.43',
        storage={'config': '/config'},
        charm_modified_version=1,
    )
    _ensure(client, refreshed)
    after = _stored(fake)
    assert _workload(after)['image'] == 'example/plex:1.43'
    assert {'name': 'media', 'mountPath': '/data'} in _workload(after)['volumeMounts']
    assert _workload(after)['resources'] == {'limits': {'gpu.intel.com/i915': '1'}}
    assert len(_pod(after)['initContainers']) == 1
    before = _stored(fake)
    _apply(client, overlay)
    assert _stored(fake) == before


@pytest.mark.usefixtures('deployed')
def test_sending_less_releases_what_was_owned(
    fake: KubernetesFake,
    client: lightkube.Client,
    overlay: dict[str, Any],
    deployed: dict[str, Any],
) -> None:
    _apply(client, overlay)
    _apply(client, trees.without(overlay, 'spec'))
    after = _stored(fake)
    assert after['spec'] == deployed['spec']
    assert [entry['manager'] for entry in after['metadata']['managedFields']] == ['juju']


@pytest.mark.usefixtures('deployed')
def test_part_of_an_overlay_can_be_released(
    fake: KubernetesFake, client: lightkube.Client, overlay: dict[str, Any]
) -> None:
    _apply(client, overlay)
    container = overlay['spec']['template']['spec']['containers'][0]
    less = {key: value for key, value in container.items() if key != 'resources'}
    _apply(client, trees.graft(overlay, [less], 'spec', 'template', 'spec', 'containers'))
    assert _workload(_stored(fake))['resources'] == {}
    assert {'name': 'media', 'mountPath': '/data'} in _workload(_stored(fake))['volumeMounts']


def test_groups_set_by_a_charm_are_set_back_where_juju_owns_them(
    fake: KubernetesFake, client: lightkube.Client, pod_wish: Wish
) -> None:
    rootless = juju_statefulset('plex', 'media', 'plex', 'plex:1', charm_user=True)
    fake.add(rootless, manager=JUJU_MANAGER)
    groups = pod_wish({'securityContext': {'supplementalGroups': [44]}})
    _apply(client, groups, force=True)
    assert _pod(_stored(fake))['securityContext']['supplementalGroups'] == [44]
    _ensure(client, rootless)
    assert _pod(_stored(fake))['securityContext']['supplementalGroups'] == [170]
    with pytest.raises(lightkube.ApiError) as caught:
        _apply(client, groups)
    field = '.spec.template.spec.securityContext.supplementalGroups'
    assert caught.value.status.code == 409
    assert caught.value.status.message == (
        f'Apply failed with 1 conflict: conflict with "juju" using apps/v1: {field}'
    )
    details = caught.value.status.details
    assert details is not None
    assert details.causes is not None
    cause = details.causes[0]
    assert (cause.reason, cause.field) == ('FieldManagerConflict', field)
    assert cause.message == 'conflict with "juju" using apps/v1'


@pytest.mark.usefixtures('deployed')
def test_groups_survive_where_juju_sets_none(
    fake: KubernetesFake, client: lightkube.Client, plex: dict[str, Any], pod_wish: Wish
) -> None:
    _apply(client, pod_wish({'securityContext': {'supplementalGroups': [44]}}))
    _ensure(client, plex)
    assert _pod(_stored(fake))['securityContext'] == {'supplementalGroups': [44]}
    _apply(client, pod_wish({}))
    assert _pod(_stored(fake))['securityContext'] == {}


@pytest.mark.usefixtures('deployed')
def test_juju_with_an_old_version_is_told_to_read_again(
    client: lightkube.Client, overlay: dict[str, Any], plex: dict[str, Any]
) -> None:
    stale = client.get(StatefulSet, 'plex').metadata
    assert stale is not None
    _apply(client, overlay)
    patch = juju_reapply(plex, resource_version=stale.resourceVersion)
    with pytest.raises(lightkube.ApiError) as caught:
        client.patch(StatefulSet, 'plex', patch, field_manager=JUJU_MANAGER)
    assert caught.value.status.reason == 'Conflict'
    assert caught.value.status.message == (
        'Operation cannot be fulfilled on statefulsets.apps "plex": the object has been modified; '
        'please apply your changes to the latest version and try again'
    )


@pytest.mark.usefixtures('deployed')
def test_claim_templates_cannot_change(client: lightkube.Client, plex: dict[str, Any]) -> None:
    claim = trees.graft(
        plex['spec']['volumeClaimTemplates'][0], '2Gi', 'spec', 'resources', 'requests', 'storage'
    )
    with pytest.raises(lightkube.ApiError) as caught:
        _ensure(client, trees.graft(plex, [claim], 'spec', 'volumeClaimTemplates'))
    assert caught.value.status.code == 422
    assert caught.value.status.message == (
        'StatefulSet.apps "plex" is invalid: spec: Forbidden: updates to statefulset spec for '
        "fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
        "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' "
        'are forbidden'
    )


def test_overlay_of_a_removed_application_does_not_bring_it_back(
    fake: KubernetesFake, client: lightkube.Client, overlay: dict[str, Any]
) -> None:
    with pytest.raises(lightkube.ApiError) as caught:
        _apply(client, overlay)
    assert caught.value.status.code == 422
    assert 'spec.selector: Required value' in (caught.value.status.message or '')
    assert fake.list('StatefulSet') == []


def test_services_are_accepted_and_ports_merge_by_number(
    fake: KubernetesFake, client: lightkube.Client
) -> None:
    from lightkube.resources.core_v1 import Service

    front, endpoints = juju_services('plex', 'media')
    fake.add(front, manager=JUJU_MANAGER)
    assert fake.add(endpoints, manager=JUJU_MANAGER)['spec']['clusterIP'] == 'None'
    opened = {'spec': {'ports': [{'name': 'juju-32400-tcp', 'port': 32400, 'protocol': 'TCP'}]}}
    client.patch(Service, 'plex', opened, patch_type=PatchType.MERGE)
    client.patch(Service, 'plex', front, field_manager=JUJU_MANAGER)
    stored = fake.get('Service', 'plex', 'media')
    assert stored is not None
    assert {port['name'] for port in stored['spec']['ports']} == {'placeholder', 'juju-32400-tcp'}


@pytest.mark.skipif(not _SAMPLES.is_dir(), reason='the samples lie outside the project')
def test_builder_writes_what_the_sample_holds() -> None:
    sample = yaml.safe_load((_SAMPLES / 'statefulset-3.6.yaml').read_text(encoding='utf-8'))
    built = juju_statefulset(
        'plex',
        'media',
        'plex',
        'example/plex:1.42',
        storage={'config': '/config'},
        storage_class='csi-rawfile-default',
    )
    expected = trees.without(sample, 'spec', 'volumeClaimTemplates')
    for container in expected['spec']['template']['spec']['containers']:
        container['volumeMounts'] = [
            mount
            for mount in container['volumeMounts']
            if not mount['mountPath'].startswith('/etc/profile.d')
        ]
    charm = built['spec']['template']['spec']['containers'][0]
    charm['resources']['limits']['memory'] = '1Gi'
    assert trees.without(built, 'spec', 'volumeClaimTemplates') == expected
    services = list(yaml.safe_load_all((_SAMPLES / 'service.yaml').read_text(encoding='utf-8')))
    assert list(juju_services('plex', 'media')) == services
