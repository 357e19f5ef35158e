# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The actions check-storage and show-storage."""

from typing import Any

import pytest
from ops import testing

import storage_check
from charmarr_lib.testing.kubernetes import Fault

STEPS = ['layout', 'write', 'link', 'rename', 'read', 'delete', 'space']


@pytest.fixture
def ready(storage: Any) -> Any:
    storage.relate('plex')
    storage.settle()
    return storage


class TestCheckStorage:
    def test_runs_the_check_anew_and_reports_each_step(self, ready: Any):
        results = ready.act('check-storage')
        assert ready.cluster.job['metadata']['name'] == 'storage-check-2'
        assert results['last-check'] == 'passed for 1000:1000 2026-11-20T12:00:00Z'
        assert {results[f'step-{step}'] for step in STEPS} == {'passed'}
        assert results['free'].endswith('iB')

    def test_reports_the_step_that_failed_and_its_error(self, ready: Any):
        (ready.cluster.disk / 'media/movies').rmdir()
        (ready.cluster.disk / 'media/movies').write_text('mine')
        with pytest.raises(testing.ActionFailed) as failed:
            ready.act('check-storage')
        assert failed.value.message == 'denied: layout: media/movies: File exists'
        results = ready.context.action_results
        assert results['step-layout'] == 'failed: media/movies: File exists'
        assert results['step-write'] == 'not tried'

    def test_need_not_be_waited_for(self, ready: Any):
        results = ready.act('check-storage', wait=0)
        assert results == {'check': 'run 2 is under way; see show-storage'}
        assert ready.status == ('active', '100Gi for plex; checking again')

    def test_publishes_at_once_what_it_has_proven(self, storage: Any):
        storage.relate('plex')
        storage.cluster.bind()
        storage.cluster.end(storage_check.DENIED)
        storage.run()
        assert storage.published() is None
        storage.act('check-storage')
        assert storage.published() is not None

    def test_says_so_when_it_could_not_find_out(self, ready: Any):
        ready.cluster.finish = lambda: ready.cluster.end(137, 'Killed')
        with pytest.raises(testing.ActionFailed, match='unknown: Killed'):
            ready.act('check-storage')

    @pytest.mark.parametrize('wait', [-1, 601])
    def test_refuses_to_wait_for_ever(self, ready: Any, wait: int):
        with pytest.raises(testing.ActionFailed, match='wait: input should be'):
            ready.act('check-storage', wait=wait)
        assert len(ready.cluster.jobs) == 1

    @pytest.mark.parametrize('nth', range(1, 5))
    @pytest.mark.parametrize('fault', [Fault.status(503), Fault.refused(), Fault.timeout()])
    def test_fails_with_one_line_when_the_api_does_not_answer(
        self, ready: Any, nth: int, fault: Fault
    ):
        before = ready.published()
        ready.cluster.api.fail(fault, nth=nth)
        with pytest.raises(testing.ActionFailed) as failed:
            ready.act('check-storage', wait=0)
        assert '\n' not in failed.value.message
        assert failed.value.message
        assert ready.published() == before


class TestShowStorage:
    def test_shows_objects_capacity_use_consumers_and_last_check(self, ready: Any):
        ready.relate('overseerr', known=False, number=2)
        results = ready.act('show-storage')
        assert results['backend'] == 'storage-class'
        assert results['claim'] == 'storage-shared'
        assert results['phase'] == 'Bound'
        assert results['class'] == 'standard'
        assert results['access-modes'] == 'ReadWriteMany'
        assert results['requested'] == results['capacity'] == '100Gi'
        assert results['mount-path'] == '/data'
        assert results['owner'] == '1000:1000'
        assert results['consumers'] == 'overseerr (unknown), plex'
        assert results['last-check'].startswith('passed for 1000:1000')
        assert {'used', 'free', 'total'} <= set(results)

    def test_shows_where_static_files_are(self, storage: Any):
        storage.configure(backend_type='native-nfs', nfs_server='nas', nfs_path='/media')
        results = storage.act('show-storage')
        assert results['volume'] == 'media-storage-shared'
        assert results['source'] == 'nas:/media'

    def test_shows_on_which_node_a_folder_is(self, storage: Any):
        storage.configure(backend_type='hostpath', hostpath='/srv/media')
        assert storage.act('show-storage')['source'] == '/srv/media on node-1.example.org'

    def test_shows_what_there_is_of_a_claim_that_is_not_bound(self, storage: Any):
        storage.run()
        results = storage.act('show-storage')
        assert results['phase'] == 'Pending'
        assert results['capacity'] == 'none yet'
        assert results['consumers'] == 'none'
        assert results['check'] == 'run 1 is under way'

    def test_shows_what_there_is_before_there_is_anything(self, storage: Any):
        results = storage.act('show-storage')
        assert results == {
            'backend': 'storage-class',
            'claim': 'storage-shared',
            'consumers': 'none',
            'last-check': 'none',
        }

    def test_shows_the_last_good_check_while_another_is_under_way(self, ready: Any):
        ready.act('check-storage', wait=0)
        results = ready.act('show-storage')
        assert results['last-check'].startswith('passed')
        assert results['check'] == 'run 2 is under way'

    def test_changes_nothing(self, storage: Any):
        storage.cluster.api.requests.clear()
        storage.act('show-storage')
        assert storage.cluster.api.writes() == []

    def test_fails_with_one_line_when_the_api_does_not_answer(self, ready: Any):
        ready.cluster.api.fail(Fault.timeout(), times=0)
        with pytest.raises(testing.ActionFailed, match='did not answer in time'):
            ready.act('show-storage')


@pytest.mark.parametrize('action', ['check-storage', 'show-storage'])
class TestEveryAction:
    def test_is_for_the_leader(self, ready: Any, action: str):
        ready.state = ready.run(leader=False)
        with pytest.raises(testing.ActionFailed, match='run it on storage/leader'):
            ready.act(action)

    def test_names_an_option_that_is_wrong(self, ready: Any, action: str):
        ready.configure(size='big')
        with pytest.raises(testing.ActionFailed, match='size: must be a quantity'):
            ready.act(action)

    def test_names_the_command_that_grants_trust(self, ready: Any, action: str):
        ready.cluster.api.authorise = lambda *_: False
        with pytest.raises(testing.ActionFailed, match='juju trust storage --scope=cluster'):
            ready.act(action)
