# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The check as a Job: how it is run, what it answers, and when it is run again."""

from typing import Any

import pytest

import storage_check
import storage_check_job

DENIED = (
    '{"steps": [{"step": "layout", "state": "passed"},'
    ' {"step": "write", "state": "failed", "error": "media denies 1000:1000"},'
    ' {"step": "link", "state": "not tried"}], "free": null, "total": null}'
)


def container(pod: dict[str, Any]) -> dict[str, Any]:
    (only,) = pod['containers']
    return only


class TestTheJob:
    @pytest.fixture
    def pod(self, storage: Any) -> dict[str, Any]:
        storage.configure(puid=1001, pgid=1002)
        return storage.cluster.job_pod

    def test_runs_the_charms_own_image(self, storage: Any, pod: dict[str, Any]):
        assert container(pod)['image'] == 'jujusolutions/charm-base:ubuntu-24.04'
        assert container(pod)['imagePullPolicy'] == 'IfNotPresent'
        assert pod['nodeSelector'] == {'kubernetes.io/arch': 'amd64'}

    def test_runs_as_the_owner_of_the_media_without_privileges(self, pod: dict[str, Any]):
        assert container(pod)['securityContext'] == {
            'runAsUser': 1001,
            'runAsGroup': 1002,
            'allowPrivilegeEscalation': False,
            'capabilities': {'drop': ['ALL']},
        }

    def test_carries_the_program_itself(self, pod: dict[str, Any]):
        command = container(pod)['command']
        with open(storage_check.__file__, encoding='utf-8') as file:
            assert command[:4] == ['python3', '-I', '-c', file.read()]
        assert command[4] == 'check'
        assert '--layout' in command

    def test_mounts_the_claim_and_nothing_else(self, pod: dict[str, Any]):
        assert pod['volumes'] == [
            {'name': 'storage', 'persistentVolumeClaim': {'claimName': 'storage-shared'}}
        ]

    def test_gets_no_access_to_the_api(self, pod: dict[str, Any]):
        assert pod['automountServiceAccountToken'] is False

    def test_is_never_taken_for_a_unit_by_juju(self, storage: Any, pod: dict[str, Any]):
        labels = storage.cluster.job['spec']['template']['metadata']['labels']
        assert 'app.kubernetes.io/name' not in labels

    def test_is_deleted_with_the_application(self, storage: Any, pod: dict[str, Any]):
        storage.cluster.api.remove('StatefulSet', 'storage', 'media')
        storage.cluster.api.collect_garbage()
        assert storage.cluster.jobs == []
        assert storage.cluster.claim['status']['phase'] == 'Pending'

    def test_lays_out_the_folders_as_root_before(self, pod: dict[str, Any]):
        (layout,) = pod['initContainers']
        assert layout['securityContext']['runAsUser'] == 0
        assert layout['command'][4:] == [
            *('prepare', '--root', '/storage'),
            *('--owner', '1001:1002'),
        ]

    def test_needs_no_root_without_the_layout(self, storage: Any):
        storage.configure(create_layout=False)
        assert 'initContainers' not in storage.cluster.job_pod
        assert '--layout' not in container(storage.cluster.job_pod)['command']

    def test_passes_the_password_of_the_image_on(self, storage: Any):
        path = '/apis/apps/v1/namespaces/media/statefulsets/storage'
        secrets = [{'name': 'storage-secret'}]
        patch = {'spec': {'template': {'spec': {'imagePullSecrets': secrets}}}}
        storage.cluster.merge(path, patch)
        storage.run()
        assert storage.cluster.job_pod['imagePullSecrets'] == secrets

    def test_has_a_name_that_fits_however_long_the_applications_is(self):
        names = storage_check_job.storage_names.Names('a' * 60, 'media')
        assert len(names.job(99999999)) <= 63


def test_creates_the_layout_once_and_keeps_what_is_there(storage: Any):
    (storage.cluster.disk / 'media/movies').mkdir(parents=True)
    (storage.cluster.disk / 'media/movies/film.mkv').write_text('film')
    storage.settle()
    assert (storage.cluster.disk / 'usenet/complete/tv').is_dir()
    assert (storage.cluster.disk / 'media/movies/film.mkv').read_text() == 'film'


class TestAnswers:
    def test_passed_makes_the_storage_active(self, storage: Any):
        storage.settle()
        assert storage.status[0] == 'active'

    def test_passed_holds_even_if_the_pod_is_gone(self, storage: Any):
        storage.run()
        storage.cluster.bind()
        storage.cluster.finish(with_pod=False)
        storage.run()
        assert storage.status[0] == 'active'

    def test_denied_is_blocked_with_the_reason(self, storage: Any):
        storage.relate('plex')
        storage.cluster.bind()
        storage.cluster.end(storage_check.DENIED, DENIED)
        storage.run()
        assert storage.status == (
            'blocked',
            'the storage denies 1000:1000 - write: media denies 1000:1000; mend it, then'
            ' run: juju run storage/leader check-storage',
        )
        assert storage.published() is None

    def test_denied_holds_even_if_the_pod_is_gone(self, storage: Any):
        storage.run()
        storage.cluster.bind()
        storage.cluster.end(storage_check.DENIED, None)
        storage.run()
        assert storage.status[0] == 'blocked'

    @pytest.mark.parametrize('message', ['Killed', '', '{', '[]', '{"steps": 7}', '\0', None])
    def test_anything_else_is_unknown_and_tried_again(self, storage: Any, message: str | None):
        storage.run()
        storage.cluster.bind()
        storage.cluster.end(137, message)
        storage.run()
        assert storage.status[0] == 'waiting'
        assert storage.status[1].startswith('checking the storage: again, because ')
        assert len(storage.cluster.jobs) == 1
        storage.run()
        assert len(storage.cluster.jobs) == 1
        assert storage.cluster.job['metadata']['name'] == 'storage-check-2'
        storage.cluster.finish()
        storage.run()
        assert storage.status[0] == 'active'

    def test_unknown_keeps_the_last_good_answer(self, storage: Any):
        storage.relate('plex')
        storage.settle()
        before = storage.published()
        storage.act('check-storage', wait=0)
        storage.cluster.end(137, 'Killed')
        for _ in range(3):
            storage.run()
            assert storage.published() == before
            assert storage.status[0] == 'active'

    def test_denied_later_withdraws_nothing(self, storage: Any):
        storage.relate('plex')
        storage.settle()
        before = storage.published()
        storage.act('check-storage', wait=0)
        storage.cluster.end(storage_check.DENIED, DENIED)
        storage.run()
        assert storage.status[0] == 'blocked'
        assert storage.published() == before

    def test_the_newest_pod_of_several_tries_counts(self, storage: Any):
        storage.run()
        storage.cluster.bind()
        job = storage.cluster.job
        labels = job['spec']['template']['metadata']['labels']
        storage.cluster.add_pod('early', owner=job, **labels)
        ended = {'exitCode': 1, 'message': 'early', 'finishedAt': '2026-11-20T11:00:00Z'}
        states = {'containerStatuses': [{'name': 'check', 'state': {'terminated': ended}}]}
        storage.cluster.api.set_status('Pod', 'early', 'media', states)
        storage.cluster.end(storage_check.DENIED, DENIED)
        storage.run()
        assert 'media denies 1000:1000' in storage.status[1]

    def test_a_spoilt_record_is_no_answer(self, storage: Any):
        storage.relate('plex')
        storage.settle()
        before = storage.published()
        name = storage.cluster.job['metadata']['name']
        storage.cluster.merge(
            f'/apis/batch/v1/namespaces/media/jobs/{name}',
            {'metadata': {'annotations': {'charmarr.io/check-answer': '{"result": "maybe"}'}}},
        )
        storage.run()
        assert storage.status[0] == 'active'
        assert storage.published() == before


class TestWhenItIsRun:
    @pytest.fixture
    def ready(self, storage: Any) -> Any:
        storage.relate('plex')
        storage.settle()
        return storage

    def run_number(self, storage: Any) -> int:
        return int(storage.cluster.job['metadata']['labels']['charmarr.io/check-run'])

    def test_not_on_every_hook(self, ready: Any):
        for event in ('config_changed', 'upgrade_charm', 'update_status', 'start'):
            ready.run(getattr(ready.context.on, event)())
        ready.relate('overseerr', number=2)
        ready.break_relation(2)
        assert self.run_number(ready) == 1

    @pytest.mark.parametrize('options', [{'puid': 7}, {'pgid': 7}, {'create_layout': False}])
    def test_when_what_is_checked_changes(self, ready: Any, options: dict[str, Any]):
        ready.configure(**options)
        assert self.run_number(ready) == 2
        assert len(ready.cluster.jobs) == 1

    @pytest.mark.parametrize('options', [{'size': '200Gi'}, {'mount_path': '/media'}])
    def test_not_when_something_else_changes(self, ready: Any, options: dict[str, Any]):
        ready.configure(**options)
        assert self.run_number(ready) == 1

    def test_when_the_claim_is_another_one(self, ready: Any):
        ready.cluster.api.remove('PersistentVolumeClaim', 'storage-shared', 'media')
        ready.cluster.api.release_protection()
        ready.run()
        assert self.run_number(ready) == 2
        ready.cluster.bind()
        ready.run()
        # What the old claim could do says nothing about the new one.
        assert ready.status == ('waiting', 'checking the storage')

    def test_again_when_somebody_has_deleted_the_job(self, ready: Any):
        before = ready.published()
        ready.cluster.api.remove('Job', 'storage-check-1', 'media')
        ready.cluster.api.collect_garbage()
        ready.run()
        assert len(ready.cluster.jobs) == 1
        assert ready.published() == before


class TestVolumesForOneNode:
    def test_are_checked_where_they_are_mounted(self, storage: Any):
        storage.configure(access_mode='ReadWriteOnce')
        storage.settle()
        storage.cluster.add_pod('plex-0', 'storage-shared', node='node-2')
        storage.cluster.add_pod('other-0', 'other', node='node-3')
        storage.act('check-storage', wait=0)
        terms = storage.cluster.job_pod['affinity']['nodeAffinity'][
            'requiredDuringSchedulingIgnoredDuringExecution'
        ]['nodeSelectorTerms']
        assert [term['matchFields'][0]['values'] for term in terms] == [['node-2']]

    def test_are_checked_anywhere_while_nobody_mounts_them(self, storage: Any):
        storage.configure(access_mode='ReadWriteOnce')
        assert 'affinity' not in storage.cluster.job_pod

    def test_others_are_checked_anywhere(self, storage: Any):
        storage.settle()
        storage.cluster.add_pod('plex-0', 'storage-shared', node='node-2')
        storage.act('check-storage', wait=0)
        assert 'affinity' not in storage.cluster.job_pod


def test_a_check_that_cannot_start_says_why(storage: Any):
    storage.run()
    storage.cluster.bind()
    labels = storage.cluster.job['spec']['template']['metadata']['labels']
    storage.cluster.add_pod('storage-check-1-x', owner=storage.cluster.job, **labels)
    storage.cluster.add_event(
        'Pod', 'storage-check-1-x', 'FailedMount', 'mount.nfs: Connection\nrefused'
    )
    storage.run()
    assert storage.status == ('waiting', 'checking the storage: mount.nfs: Connection refused')


def test_a_check_whose_pod_is_refused_says_why(storage: Any):
    storage.run()
    storage.cluster.bind()
    storage.cluster.add_event(
        'Job', 'storage-check-1', 'FailedCreate', 'pods "x" is forbidden: violates PodSecurity'
    )
    storage.run()
    assert storage.status[1].endswith('violates PodSecurity')
