# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What an application may do that Juju has deployed, before and after it is trusted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from charmarr_lib import http, kubernetes
from charmarr_lib.kubernetes import Kind, overlay

from . import backends, manifests, overlays, wire

pytestmark = pytest.mark.usefixtures('deployed')


@pytest.fixture
def account(backend: backends.Backend, namespace: str) -> Iterator[wire.Api]:
    """Requests of the application plex, with the account that Juju made for it."""
    with wire.Api(backend.account(namespace, 'plex'), namespace, 'plex-overlay') as api:
        yield api


def refusal(verb: str, resource: str, group: str, namespace: str) -> str:
    return (
        f'is forbidden: User "system:serviceaccount:{namespace}:plex" cannot {verb} '
        f'resource "{resource}" in API group "{group}" in the namespace "{namespace}"'
    )


def test_an_untrusted_application_cannot_read_its_stateful_set(account: wire.Api):
    answer = account.get('StatefulSet', 'plex')
    assert answer.reason == (403, 'Forbidden')
    assert answer.media_type == 'application/json'
    reason = refusal('get', 'statefulsets', 'apps', account.namespace)
    assert answer.message == f'statefulsets.apps "plex" {reason}'
    assert answer.body['details'] == {'name': 'plex', 'group': 'apps', 'kind': 'statefulsets'}


def test_an_untrusted_application_cannot_apply(account: wire.Api):
    answer = account.apply(overlays.overlay())
    reason = refusal('patch', 'statefulsets', 'apps', account.namespace)
    assert answer.message == f'statefulsets.apps "plex" {reason}'


def test_an_untrusted_application_cannot_create(account: wire.Api):
    answer = account.create(manifests.claim())
    assert answer.reason == (403, 'Forbidden')
    reason = refusal('create', 'persistentvolumeclaims', '', account.namespace)
    assert answer.message == f'persistentvolumeclaims {reason}'


def test_an_untrusted_application_cannot_list_what_is_in_no_namespace(account: wire.Api):
    answer = account.list('Node')
    assert answer.reason == (403, 'Forbidden')
    assert answer.message == (
        f'nodes is forbidden: User "system:serviceaccount:{account.namespace}:plex" cannot list '
        'resource "nodes" in API group "" at the cluster scope'
    )


def test_a_part_of_an_object_is_a_resource_of_its_own(account: wire.Api):
    answer = account.merge('StatefulSet', 'plex', {'spec': {'replicas': 0}}, 'scale')
    reason = refusal('patch', 'statefulsets/scale', 'apps', account.namespace)
    assert answer.message == f'statefulsets.apps "plex" {reason}'


def test_an_untrusted_application_sees_its_pods(account: wire.Api):
    assert account.names('Pod') == []


def test_a_trusted_application_may_do_it(
    account: wire.Api, backend: backends.Backend, namespace: str
):
    backend.trust(namespace, 'plex')
    assert account.apply(overlays.overlay()).code == 200
    assert account.create(manifests.claim()).code == 201
    assert account.list('Node').code == 200


def test_a_charm_says_how_to_trust_it_and_goes_on_once_it_is(
    backend: backends.Backend, api: wire.Api, namespace: str
):
    api.create(manifests.claim())
    shared = overlay.SharedVolume('shared', '/data')
    wanted = overlay.PodOverlay('plex', (shared,))
    with http.use_transport(backend.account(namespace, 'plex')):
        cluster = kubernetes.Cluster('plex', namespace, 'plex-overlay')
        refused = overlay.reconcile(cluster, 'plex', wanted)
        assert isinstance(refused, overlay.Refused)
        assert refused.remedy == 'run: juju trust plex --scope=cluster'
        backend.trust(namespace, 'plex')
        assert overlay.reconcile(cluster, 'plex', wanted) == overlay.Applied(rollout=True)
        assert overlay.reconcile(cluster, 'plex', wanted) == overlay.Unchanged()
        assert cluster.get(Kind.PERSISTENT_VOLUME_CLAIM, 'shared') is not None
