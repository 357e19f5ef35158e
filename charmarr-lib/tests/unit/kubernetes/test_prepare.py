# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import pytest

from charmarr_lib import kubernetes
from charmarr_lib.kubernetes import overlay
from charmarr_lib.testing.kubernetes import Fault, KubernetesFake

SCRATCH = kubernetes.ScratchVolume('/transcode', '20Gi')
MISSING = kubernetes.SharedVolume('nowhere', '/data')


def prepare(cluster: kubernetes.Cluster, *wishes: overlay.Wish) -> object:
    return overlay.prepare(cluster, 'plex', kubernetes.PodOverlay('plex', wishes))


def generation(fake: KubernetesFake) -> int:
    found = fake.get('StatefulSet', 'plex', 'media')
    assert found is not None
    return found['metadata']['generation']


def test_changes_nothing_and_says_what_would_happen(
    fake: KubernetesFake, cluster: kubernetes.Cluster
):
    before = fake.get('StatefulSet', 'plex', 'media')
    pending = prepare(cluster, SCRATCH)
    assert isinstance(pending, kubernetes.Pending)
    assert pending.rollout
    assert fake.get('StatefulSet', 'plex', 'media') == before


def test_commit_does_it(fake: KubernetesFake, cluster: kubernetes.Cluster):
    pending = prepare(cluster, SCRATCH)
    assert isinstance(pending, kubernetes.Pending)
    assert overlay.commit(cluster, pending) == kubernetes.Applied(rollout=True)
    assert generation(fake) == 2
    assert prepare(cluster, SCRATCH) == kubernetes.Unchanged()


def test_the_same_again_is_one_read(fake: KubernetesFake, cluster: kubernetes.Cluster):
    overlay.reconcile(cluster, 'plex', kubernetes.PodOverlay('plex', (SCRATCH,)))
    before = len(fake.requests)
    assert prepare(cluster, SCRATCH) == kubernetes.Unchanged()
    assert [each.verb for each in fake.requests[before:]] == ['get']


def test_a_refusal_is_known_before(fake: KubernetesFake, cluster: kubernetes.Cluster):
    fake.fail(Fault.status(422, 'no'), verb='patch')
    assert isinstance(prepare(cluster, SCRATCH), kubernetes.Refused)
    assert generation(fake) == 1


def test_what_is_left_out_is_known_before(fake: KubernetesFake, cluster: kubernetes.Cluster):
    pending = prepare(cluster, MISSING, SCRATCH)
    assert isinstance(pending, kubernetes.Pending)
    assert [each.wish for each in pending.left_out] == [MISSING]


def test_a_statefulset_that_is_gone_is_not_made(fake: KubernetesFake, cluster: kubernetes.Cluster):
    fake.remove('StatefulSet', 'plex', 'media')
    assert prepare(cluster, SCRATCH) == kubernetes.Gone()


def test_one_that_was_made_anew_meanwhile_is_not_changed(
    fake: KubernetesFake, cluster: kubernetes.Cluster
):
    pending = prepare(cluster, SCRATCH)
    assert isinstance(pending, kubernetes.Pending)
    template = fake.get('StatefulSet', 'plex', 'media')
    assert template is not None
    fake.remove('StatefulSet', 'plex', 'media')
    for field in ('uid', 'resourceVersion', 'creationTimestamp', 'managedFields', 'generation'):
        template['metadata'].pop(field, None)
    template.pop('status', None)
    fake.add(template, manager='juju')
    assert isinstance(overlay.commit(cluster, pending), kubernetes.Refused)
    assert generation(fake) == 1


@pytest.mark.parametrize('nth', [1, 2])
def test_an_api_that_cannot_be_reached_is_no_error(
    fake: KubernetesFake, cluster: kubernetes.Cluster, nth: int
):
    fake.fail(Fault.timeout(), nth=nth)
    assert isinstance(prepare(cluster, SCRATCH), kubernetes.Unreachable)


def test_a_commit_whose_answer_is_lost_is_unreachable(
    fake: KubernetesFake, cluster: kubernetes.Cluster
):
    pending = prepare(cluster, SCRATCH)
    assert isinstance(pending, kubernetes.Pending)
    fake.fail(Fault.lost_reply())
    assert isinstance(overlay.commit(cluster, pending), kubernetes.Unreachable)
    assert prepare(cluster, SCRATCH) == kubernetes.Unchanged()
