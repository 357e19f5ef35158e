# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import pytest

from charmarr_lib import http, kubernetes
from charmarr_lib.kubernetes import overlay
from charmarr_lib.testing.kubernetes import Fault

SHARED = kubernetes.SharedVolume('shared', '/data')
HOST = kubernetes.HostDevice()
PLUGIN = kubernetes.DeviceResource('gpu.intel.com/i915')
SCRATCH = kubernetes.ScratchVolume('/transcode', '20Gi')


@pytest.fixture(autouse=True)
def _claim_and_node(fake):
    fake.add(
        {
            'apiVersion': 'v1',
            'kind': 'PersistentVolumeClaim',
            'metadata': {'name': 'shared', 'namespace': 'media'},
            'spec': {
                'accessModes': ['ReadWriteMany'],
                'resources': {'requests': {'storage': '1Gi'}},
            },
        }
    )
    fake.add(
        {
            'apiVersion': 'v1',
            'kind': 'Node',
            'metadata': {'name': 'node'},
            'status': {'allocatable': {'gpu.intel.com/i915': '1'}},
        }
    )


def wish(*wishes):
    return kubernetes.PodOverlay('plex', wishes)


def reconcile(cluster, *wishes):
    return overlay.reconcile(cluster, 'plex', wish(*wishes))


def pod(fake):
    return fake.get('StatefulSet', 'plex', 'media')['spec']['template']['spec']


def workload(fake):
    return next(each for each in pod(fake)['containers'] if each['name'] == 'plex')


def generation(fake):
    return fake.get('StatefulSet', 'plex', 'media')['metadata']['generation']


def volumes(fake):
    return {each['name'] for each in pod(fake)['volumes']}


def test_adds_everything_in_one_rollout(fake, cluster):
    before = generation(fake)
    outcome = reconcile(cluster, SHARED, HOST, SCRATCH)
    assert outcome == kubernetes.Applied(rollout=True)
    assert generation(fake) == before + 1
    paths = {each['mountPath'] for each in workload(fake)['volumeMounts']}
    assert {'/data', '/dev/dri', '/transcode'} <= paths
    assert workload(fake)['securityContext']['privileged'] is True


def test_the_same_again_writes_nothing(fake, cluster):
    reconcile(cluster, SHARED, HOST, SCRATCH)
    fake.requests.clear()
    assert reconcile(cluster, SHARED, HOST, SCRATCH) == kubernetes.Unchanged()
    assert len(fake.reads()) == 1
    assert fake.writes() == []


def test_no_wishes_on_a_fresh_statefulset_write_nothing(fake, cluster):
    assert reconcile(cluster) == kubernetes.Unchanged()
    assert fake.writes() == []


def test_releasing_all_leaves_no_trace(fake, cluster):
    before = pod(fake)
    reconcile(cluster, SHARED, HOST, SCRATCH)
    assert reconcile(cluster) == kubernetes.Applied(rollout=True)
    assert pod(fake) == before


def test_releasing_one_keeps_the_others(fake, cluster):
    reconcile(cluster, SHARED, HOST)
    reconcile(cluster, SHARED)
    assert 'privileged' not in workload(fake)['securityContext']
    assert volumes(fake) == {'charm-data', 'charmarr-shared'}


def test_a_device_plugin_needs_no_privilege(fake, cluster):
    reconcile(cluster, PLUGIN)
    assert workload(fake)['resources']['limits'] == {'gpu.intel.com/i915': '1'}
    assert 'privileged' not in workload(fake)['securityContext']


def test_moving_the_mount_leaves_one_mount(fake, cluster):
    reconcile(cluster, SHARED)
    reconcile(cluster, kubernetes.SharedVolume('shared', '/media'))
    names = [each['name'] for each in workload(fake)['volumeMounts']]
    assert names.count('charmarr-shared') == 1


def test_the_charm_container_and_the_pod_are_never_touched(fake, cluster):
    before = pod(fake)
    reconcile(cluster, SHARED, HOST, SCRATCH)
    after = pod(fake)
    assert after['containers'][0] == before['containers'][0]
    assert after['initContainers'] == before['initContainers']
    kept = before.keys() - {'containers', 'volumes'}
    assert {key: after[key] for key in kept} == {key: before[key] for key in kept}


def test_a_missing_claim_is_left_out_so_that_the_pod_still_starts(fake, cluster):
    fake.remove('PersistentVolumeClaim', 'shared', 'media')
    fake.release_protection()
    outcome = reconcile(cluster, SHARED, SCRATCH)
    reason = 'claim shared does not exist in namespace media'
    assert outcome == kubernetes.Applied(True, (kubernetes.LeftOut(SHARED, reason),))
    assert volumes(fake) == {'charm-data', 'charmarr-scratch'}


def test_a_claim_that_is_being_deleted_is_left_out(fake, cluster):
    fake.remove('PersistentVolumeClaim', 'shared', 'media')
    outcome = reconcile(cluster, SHARED)
    assert isinstance(outcome, kubernetes.Unchanged)
    [left_out] = outcome.left_out
    assert left_out.reason == 'claim shared is being deleted'


def test_a_mount_in_place_stays_when_its_claim_is_being_deleted(fake, cluster):
    reconcile(cluster, SHARED)
    fake.remove('PersistentVolumeClaim', 'shared', 'media')
    assert reconcile(cluster, SHARED) == kubernetes.Unchanged()


def test_a_device_that_no_node_offers_is_left_out(cluster):
    wanted = kubernetes.DeviceResource('gpu.intel.com/xe')
    outcome = reconcile(cluster, wanted)
    left_out = kubernetes.LeftOut(wanted, 'no node offers gpu.intel.com/xe')
    assert outcome == kubernetes.Unchanged((left_out,))


def test_what_another_manager_owns_is_refused_by_name(fake, cluster):
    patch = {
        'apiVersion': 'apps/v1',
        'kind': 'StatefulSet',
        'metadata': {'name': 'plex'},
        'spec': {
            'template': {
                'spec': {
                    'containers': [{'name': 'plex', 'securityContext': {'privileged': False}}]
                }
            }
        },
    }
    with http.use_transport(fake.transport()):
        kubernetes.Cluster('x', 'media', 'kubectl').apply(kubernetes.Kind.STATEFUL_SET, patch)
    outcome = reconcile(cluster, HOST)
    assert isinstance(outcome, kubernetes.Refused)
    assert 'privileged' in outcome.reason
    assert 'kubectl' in outcome.reason
    assert '\n' not in str(outcome)


def test_without_trust_it_says_how_to_trust(fake, cluster):
    fake.authorise = lambda *_: False
    outcome = reconcile(cluster, SHARED)
    assert isinstance(outcome, kubernetes.Refused)
    assert outcome.remedy == 'run: juju trust plex --scope=cluster'


@pytest.mark.parametrize(
    'fault',
    [
        Fault.refused(),
        Fault.timeout(),
        Fault.lost_reply(),
        Fault.status(401),
        Fault.status(429, retry_after=1),
        Fault.status(500),
        Fault.status(503),
        Fault.body('<html>proxy</html>', 'text/html'),
        Fault.body('{"kind": ', 'application/json'),
    ],
    ids=lambda fault: str(fault)[:40],
)
@pytest.mark.parametrize('nth', [1, 2, 3])
def test_any_fault_at_any_request_is_told_and_heals(fake, cluster, fault, nth):
    fake.fail(fault, nth=nth)
    outcome = reconcile(cluster, SHARED, SCRATCH)
    assert isinstance(outcome, kubernetes.Unreachable)
    assert '\n' not in str(outcome)
    assert isinstance(
        reconcile(cluster, SHARED, SCRATCH), kubernetes.Applied | kubernetes.Unchanged
    )
    assert reconcile(cluster, SHARED, SCRATCH) == kubernetes.Unchanged()


@pytest.mark.parametrize('code', [403, 409, 422])
def test_a_refusal_is_told_as_such(fake, cluster, code):
    fake.fail(Fault.status(code, 'spec.template: no\nway'), nth=1, verb='patch')
    outcome = reconcile(cluster, SCRATCH)
    assert isinstance(outcome, kubernetes.Refused)
    assert '\n' not in str(outcome)


def test_a_statefulset_that_is_gone_is_not_created(fake, cluster):
    fake.remove('StatefulSet', 'plex', 'media')
    assert reconcile(cluster, SHARED) == kubernetes.Gone()
    assert fake.get('StatefulSet', 'plex', 'media') is None


def test_outside_a_cluster_it_is_unreachable(monkeypatch, tmp_path):
    monkeypatch.setenv('HOME', str(tmp_path))
    monkeypatch.delenv('KUBECONFIG', raising=False)
    outcome = reconcile(kubernetes.Cluster('plex', 'media', 'charmarr-plex'), SHARED)
    assert outcome == kubernetes.Unreachable('this container has no Kubernetes credentials')


def test_prepare_changes_nothing_and_commit_does(fake, cluster):
    before = generation(fake)
    pending = overlay.prepare(cluster, 'plex', wish(SHARED))
    assert isinstance(pending, overlay.Pending)
    assert pending.rollout
    assert generation(fake) == before
    assert overlay.commit(cluster, pending) == kubernetes.Applied(rollout=True)
    assert generation(fake) == before + 1


def test_prepare_finds_out_that_it_would_be_refused(fake, cluster):
    fake.fail(Fault.status(422, 'no'), verb='patch')
    assert isinstance(overlay.prepare(cluster, 'plex', wish(SCRATCH)), kubernetes.Refused)


def test_commit_does_not_hit_a_statefulset_that_was_created_since(fake, cluster):
    pending = overlay.prepare(cluster, 'plex', wish(SCRATCH))
    assert isinstance(pending, overlay.Pending)
    present = fake.get('StatefulSet', 'plex', 'media')
    fake.remove('StatefulSet', 'plex', 'media')
    for key in ('uid', 'resourceVersion', 'generation', 'creationTimestamp', 'managedFields'):
        present['metadata'].pop(key, None)
    fake.add(present, manager='juju')
    assert isinstance(overlay.commit(cluster, pending), kubernetes.Refused)
    assert volumes(fake) == {'charm-data'}
