# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

from typing import Any

import pytest

from charmarr_lib.kubernetes import claims

CLASS = 'storageclass.kubernetes.io/is-default-class'
BOUND: dict[str, Any] = {
    'metadata': {
        'name': 'films',
        'uid': 'u1',
        'resourceVersion': '7',
        'labels': {'a': 'b'},
        'ownerReferences': [{'kind': 'StatefulSet', 'name': 'x', 'uid': 'u2'}],
    },
    'spec': {
        'accessModes': ['ReadWriteMany'],
        'storageClassName': 'fast',
        'volumeName': 'pv-1',
        'resources': {'requests': {'storage': '2Ti'}},
    },
    'status': {'phase': 'Bound', 'capacity': {'storage': '1Ti'}},
}


def bound(**status: Any) -> claims.Claim:
    return claims.read_claim({**BOUND, 'status': {**BOUND['status'], **status}})


def condition(kind: str, message: str = '', status: str = 'True') -> dict[str, str]:
    return {'type': kind, 'status': status, 'message': message}


def storage_class(name: str, created: str = '', **annotations: str) -> dict[str, Any]:
    metadata = {'name': name, 'creationTimestamp': created, 'annotations': annotations}
    return {'metadata': metadata}


def event(message: str, at: str, reason: str = 'Any', kind: str = 'Warning') -> dict[str, str]:
    return {'type': kind, 'reason': reason, 'message': message, 'lastTimestamp': at}


class TestReading:
    def test_a_claim_is_read_in_full(self):
        claim = bound()
        assert (claim.name, claim.uid, claim.version) == ('films', 'u1', '7')
        assert (claim.volume, claim.storage_class) == ('pv-1', 'fast')
        assert (claim.requested, claim.capacity) == ('2Ti', '1Ti')
        assert claim.access_modes == ('ReadWriteMany',)
        assert claim.owners == ({'kind': 'StatefulSet', 'name': 'x', 'uid': 'u2'},)
        assert claim.is_bound
        assert claim.is_filesystem
        assert not claim.is_going

    @pytest.mark.parametrize(
        'manifest',
        [{}, {'metadata': None, 'spec': None, 'status': None}, {'spec': {'resources': {}}}],
    )
    def test_what_a_claim_lacks_is_empty(self, manifest: dict[str, Any]):
        claim = claims.read_claim(manifest)
        assert claim.phase is claims.Phase.PENDING
        assert (claim.requested, claim.capacity, claim.volume) == ('', '', '')
        assert claim.storage_class is None
        assert claim.conditions == ()

    def test_a_phase_of_the_future_counts_as_pending(self):
        assert bound(phase='Dreaming').phase is claims.Phase.PENDING

    def test_only_conditions_that_are_true_count(self):
        claim = bound(conditions=[condition('A'), condition('B', status='False')])
        assert [each.type for each in claim.conditions] == ['A']

    def test_a_volume_is_read_back_as_it_was_written(self):
        source = {'nfs': {'server': 'nas', 'path': '/films'}}
        written = claims.volume_manifest(
            'pv-1',
            source,
            access_mode='ReadWriteMany',
            size='2Ti',
            claim=('media', 'films'),
            claim_uid='u1',
            mount_options=('hard',),
            node='node-1',
            labels={'a': 'b'},
            annotations={'c': 'd'},
        )
        volume = claims.read_volume(written)
        assert volume.source == source
        assert volume.claim == ('media', 'films')
        assert volume.claim_uid == 'u1'
        assert volume.nodes == ('node-1',)
        assert volume.mount_options == ('hard',)
        assert (volume.capacity, volume.phase) == ('2Ti', '')
        assert (volume.labels, volume.annotations) == ({'a': 'b'}, {'c': 'd'})

    def test_a_volume_that_anybody_may_claim_is_kept_for_nobody(self):
        volume = claims.read_volume({'spec': {'csi': {'driver': 'x'}}})
        assert volume.claim is None
        assert volume.source == {'csi': {'driver': 'x'}}


class TestWriting:
    def test_a_claim_leaves_the_class_to_the_cluster_unless_told(self):
        assert 'storageClassName' not in self.spec()
        assert self.spec(storage_class='')['storageClassName'] == ''
        assert self.spec(storage_class='fast')['storageClassName'] == 'fast'

    def spec(self, **options: Any) -> dict[str, Any]:
        written = claims.claim_manifest('x', access_mode='ReadWriteOnce', size='1Gi', **options)
        return written['spec']

    def test_a_claim_may_ask_for_one_volume(self):
        assert self.spec(volume='pv-1')['volumeName'] == 'pv-1'

    def test_a_volume_keeps_the_files_and_every_node_may_mount_it(self):
        written = claims.volume_manifest(
            'pv-1', {}, access_mode='ReadWriteMany', size='1Gi', claim=('media', 'films')
        )
        assert written['spec']['persistentVolumeReclaimPolicy'] == 'Retain'
        assert 'nodeAffinity' not in written['spec']
        assert 'uid' not in written['spec']['claimRef']


class TestClasses:
    def test_the_marked_one_is_the_default(self):
        marked = storage_class('b', **{CLASS: 'true'})
        assert claims.default_class([storage_class('a'), marked]) == 'b'

    def test_of_several_the_newest_is_the_default(self):
        old = storage_class('old', '2025-01-01T00:00:00Z', **{CLASS: 'true'})
        new = storage_class('new', '2026-01-01T00:00:00Z', **{CLASS: 'true'})
        assert claims.default_class([new, old]) == 'new'

    def test_without_a_mark_there_is_no_default(self):
        off = storage_class('b', **{CLASS: 'false'})
        assert claims.default_class([storage_class('a'), off]) is None

    def test_binding_may_wait_for_a_consumer(self):
        assert claims.waits_for_consumer({'volumeBindingMode': 'WaitForFirstConsumer'})
        assert not claims.waits_for_consumer({'volumeBindingMode': 'Immediate'})
        assert not claims.waits_for_consumer({})
        assert not claims.waits_for_consumer(None)


class TestExpansion:
    def test_lasts_while_there_is_less_than_asked_for(self):
        assert claims.is_expanding(bound())
        assert not claims.is_expanding(bound(capacity={'storage': '2048Gi'}))
        assert not claims.is_expanding(bound(phase='Pending'))
        assert not claims.is_expanding(bound(capacity={}))

    @pytest.mark.parametrize(
        ('status', 'reason'),
        [
            ({'conditions': [condition('ControllerResizeError', 'no\nspace')]}, 'no space'),
            ({'conditions': [condition('NodeResizeError')]}, 'NodeResizeError'),
            (
                {'allocatedResourceStatuses': {'storage': 'NodeResizeInfeasible'}},
                'NodeResizeInfeasible',
            ),
            ({'allocatedResourceStatuses': {'storage': 'NodeResizeInProgress'}}, None),
            ({'conditions': [condition('Resizing', 'x')]}, None),
        ],
    )
    def test_says_why_it_cannot_go_on(self, status: dict[str, Any], reason: str | None):
        assert claims.expansion_failure(bound(**status)) == reason

    def test_may_wait_for_a_pod(self):
        pending = condition('FileSystemResizePending')
        assert claims.waits_for_mount(bound(conditions=[pending]))
        status = {'storage': 'NodeResizePending'}
        assert claims.waits_for_mount(bound(allocatedResourceStatuses=status))
        assert not claims.waits_for_mount(bound())


class TestComplaint:
    def test_the_newest_warning_counts(self):
        events = [event('old', '2026-01-01'), event('new\nest', '2026-01-03')]
        assert claims.complaint(events) == 'new est'

    def test_a_warning_counts_more_than_a_notice(self):
        notice = event('later', '2026-01-05', 'FailedBinding', 'Normal')
        assert claims.complaint([event('first', '2026-01-01'), notice]) == 'first'

    def test_a_notice_that_explains_counts_if_there_is_no_warning(self):
        notice = event('no class', '2026-01-05', 'FailedBinding', 'Normal')
        chatter = event('hello', '2026-01-06', 'Provisioning', 'Normal')
        assert claims.complaint([notice, chatter]) == 'no class'

    def test_events_of_the_newer_kind_have_another_stamp(self):
        newer = {'type': 'Warning', 'message': 'b', 'eventTime': '2026-01-02T00:00:00.000000Z'}
        older = {'type': 'Warning', 'message': 'a', 'lastTimestamp': '2026-01-01T00:00:00Z'}
        assert claims.complaint([newer, older]) == 'b'

    def test_silence_is_empty(self):
        assert claims.complaint([]) == ''
        assert claims.complaint([{'type': 'Warning', 'message': None}]) == ''


def test_a_node_goes_by_its_host_name():
    labels = {'kubernetes.io/hostname': 'one.lan'}
    assert claims.hostname({'metadata': {'name': 'one', 'labels': labels}}) == 'one.lan'
    assert claims.hostname({'metadata': {'name': 'one'}}) == 'one'


def test_a_pod_mounts_the_claims_it_names():
    volumes = [{'name': 'a', 'emptyDir': {}}, {'persistentVolumeClaim': {'claimName': 'films'}}]
    assert claims.mounts({'volumes': volumes}, 'films')
    assert not claims.mounts({'volumes': volumes}, 'music')
    assert not claims.mounts({}, 'films')


@pytest.mark.parametrize(
    ('manifest', 'expected'),
    [({'a': {'b': {'c': 1}}}, {'c': 1}), ({'a': None}, {}), ({'a': {'b': []}}, {}), ({}, {})],
)
def test_a_section_is_an_object_or_empty(manifest: dict[str, Any], expected: dict[str, Any]):
    assert claims.section(manifest, 'a', 'b') == expected
