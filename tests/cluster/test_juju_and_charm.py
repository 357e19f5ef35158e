# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What becomes of a charm's overlay when Juju, or anybody else, writes the StatefulSet."""

from __future__ import annotations

from typing import Any

import pytest

from charmarr_lib.testing.kubernetes import juju_reapply, juju_services, juju_statefulset, trees

from . import overlays, wire


def ensure(juju: wire.Api, obj: dict[str, Any]) -> wire.Answer:
    """Write the StatefulSet as Juju does at each refresh: whole, with the version it has read."""
    version, _ = juju.version('StatefulSet', 'plex')
    patch = juju_reapply(obj, resource_version=version)
    return juju.patch('StatefulSet', 'plex', patch, wire.STRATEGIC)


@pytest.mark.usefixtures('deployed')
def test_an_unchanged_reapply_changes_nothing(
    juju: wire.Api, charm: wire.Api, plex: dict[str, Any]
):
    before = charm.apply(overlays.overlay()).done
    assert ensure(juju, plex).done == before


@pytest.mark.usefixtures('deployed')
def test_an_overlay_survives_a_refresh(juju: wire.Api, charm: wire.Api, namespace: str):
    charm.apply(overlays.overlay())
    refreshed = juju_statefulset(
        'plex',
        namespace,
        'plex',
        'example/plex:2',
        storage={'config': '/config'},
        charm_modified_version=1,
    )
    after = ensure(juju, refreshed).done
    assert after['metadata']['generation'] == 3
    assert overlays.workload(after)['image'] == 'example/plex:2'
    assert overlays.MOUNT in overlays.workload(after)['volumeMounts']
    assert overlays.VOLUME in overlays.pod(after)['volumes']
    assert overlays.workload(after)['resources']['limits'] == overlays.GPU
    assert charm.apply(overlays.overlay()).done == after


@pytest.mark.usefixtures('deployed')
def test_an_overlay_survives_an_upgrade_of_the_model(juju: wire.Api, charm: wire.Api):
    before = charm.apply(overlays.overlay()).done
    [init] = overlays.pod(before)['initContainers']
    newer = {'initContainers': [{**init, 'image': 'jujusolutions/jujud-operator:3.6.13'}]}
    after = juju.patch('StatefulSet', 'plex', overlays.wish(newer), wire.STRATEGIC).done
    assert len(overlays.pod(after)['initContainers']) == 1
    assert overlays.pod(after)['containers'] == overlays.pod(before)['containers']
    assert charm.apply(overlays.overlay()).done == after


@pytest.mark.usefixtures('deployed')
def test_an_overlay_survives_scaling(juju: wire.Api, charm: wire.Api):
    charm.apply(overlays.overlay())
    patch = {'spec': {'replicas': 3}}
    after = juju.patch('StatefulSet', 'plex', patch, wire.STRATEGIC).done
    assert after['spec']['replicas'] == 3
    assert charm.apply(overlays.overlay()).done == after


@pytest.mark.usefixtures('deployed')
def test_an_overlay_survives_a_replace_that_sends_it_back(juju: wire.Api, charm: wire.Api):
    live = charm.apply(overlays.overlay()).done
    changed = trees.graft(live, 'on', 'metadata', 'annotations', 'example.org/debug')
    after = juju.replace(changed).done
    assert after['spec'] == live['spec']
    assert overlays.owned(after, 'plex-overlay') == overlays.owned(live, 'plex-overlay')
    assert charm.apply(overlays.overlay()).done == after


def test_an_overlay_comes_back_after_a_replace_that_drops_it(
    api: wire.Api, charm: wire.Api, deployed: dict[str, Any]
):
    charm.apply(overlays.overlay())
    dropped = trees.without(deployed, 'metadata', 'resourceVersion')
    after = api.replace(trees.without(dropped, 'metadata', 'managedFields')).done
    assert after['spec'] == deployed['spec']
    assert 'charmarr-shared' not in str(overlays.owned(after, 'plex-overlay'))
    after = charm.apply(overlays.overlay()).done
    assert overlays.MOUNT in overlays.workload(after)['volumeMounts']


@pytest.mark.usefixtures('deployed')
def test_juju_with_an_old_version_is_told_to_read_again(
    juju: wire.Api, charm: wire.Api, plex: dict[str, Any]
):
    stale, _ = juju.version('StatefulSet', 'plex')
    charm.apply(overlays.overlay())
    patch = juju_reapply(plex, resource_version=stale)
    answer = juju.patch('StatefulSet', 'plex', patch, wire.STRATEGIC)
    assert answer.reason == (409, 'Conflict')
    assert answer.message == (
        'Operation cannot be fulfilled on statefulsets.apps "plex": the object has been modified; '
        'please apply your changes to the latest version and try again'
    )


def test_groups_of_a_charm_are_set_back_where_juju_sets_them(
    juju: wire.Api, charm: wire.Api, namespace: str
):
    rootless = juju_statefulset('plex', namespace, 'plex', 'plex:1', charm_user=True)
    juju.create(rootless)
    groups = overlays.wish({'securityContext': {'supplementalGroups': [44]}})
    after = charm.apply(groups, force='true').done
    assert overlays.pod(after)['securityContext']['supplementalGroups'] == [44]
    after = ensure(juju, rootless).done
    assert overlays.pod(after)['securityContext']['supplementalGroups'] == [170]
    field = '.spec.template.spec.securityContext.supplementalGroups'
    assert charm.apply(groups).causes == [
        (field, 'FieldManagerConflict', 'conflict with "juju" using apps/v1')
    ]


@pytest.mark.usefixtures('deployed')
def test_groups_survive_where_juju_sets_none(
    juju: wire.Api, charm: wire.Api, plex: dict[str, Any]
):
    groups = {'supplementalGroups': [44]}
    charm.apply(overlays.wish({'securityContext': groups}))
    assert overlays.pod(ensure(juju, plex).done)['securityContext'] == groups
    after = charm.apply(overlays.wish({})).done
    assert overlays.pod(after)['securityContext'] == {}


@pytest.mark.usefixtures('deployed')
def test_the_grace_period_is_jujus(juju: wire.Api, charm: wire.Api, plex: dict[str, Any]):
    grace = overlays.wish({'terminationGracePeriodSeconds': 120})
    [(field, reason, _)] = charm.apply(grace).causes
    assert field == '.spec.template.spec.terminationGracePeriodSeconds'
    assert reason == 'FieldManagerConflict'
    charm.apply(grace, force='true')
    assert overlays.pod(ensure(juju, plex).done)['terminationGracePeriodSeconds'] == 30


def test_a_redeployed_application_starts_without_the_overlay(
    juju: wire.Api, charm: wire.Api, plex: dict[str, Any], deployed: dict[str, Any]
):
    charm.apply(overlays.overlay())
    assert juju.delete('StatefulSet', 'plex').code == 200
    assert juju.get('StatefulSet', 'plex').reason == (404, 'NotFound')
    again = juju.create(plex).done
    assert again['spec'] == deployed['spec']
    assert again['metadata']['generation'] == 1
    assert again['metadata']['uid'] != deployed['metadata']['uid']


def test_ports_merge_by_number(juju: wire.Api, namespace: str):
    front, endpoints = juju_services('plex', namespace)
    juju.create(front)
    assert juju.create(endpoints).done['spec']['clusterIP'] == 'None'
    opened = {'spec': {'ports': [{'name': 'juju-32400-tcp', 'port': 32400, 'protocol': 'TCP'}]}}
    juju.merge('Service', 'plex', opened)
    after = juju.patch('Service', 'plex', front, wire.STRATEGIC).done
    assert {each['name'] for each in after['spec']['ports']} == {'placeholder', 'juju-32400-tcp'}


def test_a_service_keeps_the_address_that_it_was_given(juju: wire.Api, namespace: str):
    front, _ = juju_services('plex', namespace)
    before = juju.create(front).done['spec']
    after = juju.patch('Service', 'plex', front, wire.STRATEGIC).done['spec']
    assert after == before
    assert after['clusterIPs'] == [after['clusterIP']]
