# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from charmarr_lib.testing.kubernetes import Fault
from rehearsal import engine, model


def related(rehearsal: engine.Rehearsal):
    rehearsal.deploy('player', 'first', trust=True)
    rehearsal.deploy('player', 'second', trust=True)
    relation = rehearsal.integrate('first:stage', 'second:tunes')
    rehearsal.settle()
    return relation


def test_a_failed_hook_writes_no_settings_but_keeps_what_it_did_to_pebble(
    rehearsal: engine.Rehearsal, container: Any
):
    relation = related(rehearsal)
    rehearsal.configure('first', {'mood': 'buggy', 'volume': 9})
    settled = rehearsal.settle()
    assert not settled.quiet
    assert relation.bag('first').content['mood'] == 'calm'
    assert relation.bag('first/0').content['hooks'] == '5'
    assert container('first').plan().services['player'].environment == {'VOLUME': '9'}


def test_a_failed_hook_keeps_status_and_workload_version(rehearsal: engine.Rehearsal):
    rehearsal.deploy('player', trust=True, config={'mood': 'buggy'})
    rehearsal.settle()
    (unit,) = rehearsal.applications['player'].units
    assert unit.status == model.Status('error', 'hook failed: "install"')
    # pebble-ready runs while a hook is in error; the unit is not installed, so not here.
    assert unit.workload.name == 'active'
    assert unit.workload_version == '1.2'


def test_stored_state_of_a_failed_hook_is_dropped(rehearsal: engine.Rehearsal, seen: list[Any]):
    rehearsal.deploy('player', trust=True)
    rehearsal.settle()
    count = seen[-1].stored_hooks
    rehearsal.configure('player', {'mood': 'buggy'})
    rehearsal.settle()
    assert seen[-1].stored_hooks == count + 1
    rehearsal.configure('player', {'mood': 'calm'})
    rehearsal.resolved('player/0')
    rehearsal.settle()
    assert next(each for each in seen[::-1] if each.event == 'config_changed').stored_hooks == (
        count + 1
    )


def test_a_failing_hook_is_retried_shown_once_and_given_up(
    rehearsal: engine.Rehearsal, hooks: Callable[[str], list[str]]
):
    rehearsal.deploy('player', trust=True)
    rehearsal.settle()
    before = len(hooks('player/0'))
    rehearsal.configure('player', {'mood': 'buggy'})
    settled = rehearsal.settle()
    assert hooks('player/0')[before:] == ['config-changed'] * 3
    assert [(each.unit, each.hook) for each in settled.errors] == [('player/0', 'config-changed')]
    assert settled.errors[0].traceback.endswith('RuntimeError: a bug\n')
    assert settled.moving == ('player/0: hook failed: "config-changed"',)


def test_other_changes_wait_while_a_hook_is_in_error(
    rehearsal: engine.Rehearsal, hooks: Callable[[str], list[str]]
):
    rehearsal.deploy('shelf', trust=True)
    rehearsal.deploy('player', trust=True)
    rehearsal.settle()
    rehearsal.configure('player', {'mood': 'buggy'})
    rehearsal.settle()
    rehearsal.integrate('player', 'shelf')
    rehearsal.settle()
    assert 'store-relation-created' not in hooks('player/0')
    rehearsal.reset_config('player', ['mood'])
    rehearsal.resolved('player/0')
    assert rehearsal.settle().quiet
    assert 'store-relation-created' in hooks('player/0')


def test_a_pod_that_dies_in_a_hook_leaves_kubernetes_changed_and_settings_unwritten(
    rehearsal: engine.Rehearsal, container: Any
):
    relation = related(rehearsal)
    killed = []

    def kill(request: httpx2.Request) -> httpx2.Response:
        killed.append(request)
        if len(killed) == 1:
            raise engine.PodKilled
        return httpx2.Response(200, headers={'version': '1.2'})

    container('first').services.known['player'].program.handle = lambda request, peer: kill(
        request
    )
    rehearsal.configure('first', {'volume': 3})
    before = len(rehearsal.history)
    assert rehearsal.settle().quiet
    ran = [
        (run.hook, run.outcome.value)
        for run in rehearsal.history[before:]
        if run.unit == 'first/0'
    ]
    # The next pod runs the interrupted hook instead of upgrade-charm, then start.
    assert ran[:3] == [('config-changed', 'killed'), ('config-changed', 'done'), ('start', 'done')]
    assert relation.bag('first/0').content['hooks'] == '3'


def test_leadership_must_hold_until_the_settings_are_written(
    rehearsal: engine.Rehearsal, container: Any
):
    rehearsal.deploy('player', 'first', trust=True, units=2)
    rehearsal.deploy('player', 'second', trust=True)
    relation = rehearsal.integrate('first:stage', 'second:tunes')
    rehearsal.settle()
    leader, other = rehearsal.applications['first'].units

    def depose(request: httpx2.Request, peer: str):
        leader.leader, other.leader = False, True
        return httpx2.Response(200, headers={'version': '1.2'})

    container('first').services.known['player'].program.handle = depose
    rehearsal.configure('first', {'mood': 'loud', 'volume': 6})
    settled = rehearsal.settle()
    assert 'not the leader' in settled.errors[0].traceback
    # The retry finds that another unit leads, and leaves the settings to it.
    assert settled.quiet
    assert relation.bag('first').content['mood'] == 'loud'


@pytest.mark.parametrize('fault', [Fault.refused(), Fault.timeout(), Fault.status(500)])
def test_requests_to_the_cluster_may_fail(rehearsal: engine.Rehearsal, fault: Fault):
    rehearsal.deploy('player', trust=True)
    rehearsal.settle()
    rehearsal.cluster.fail(fault, kind='StatefulSet', verb='get')
    rehearsal.configure('player', {'volume': 2})
    assert rehearsal.settle().quiet
    assert rehearsal.applications['player'].status.name == 'active'


def test_an_agent_that_dies_in_a_hook_takes_it_up_again_beside_the_running_workload(
    rehearsal: engine.Rehearsal, container: Any
):
    relation = related(rehearsal)
    workload, killed = container('first'), []

    def kill(request: httpx2.Request, peer: str) -> httpx2.Response:
        killed.append(request)
        if len(killed) == 1:
            raise engine.AgentKilled
        return httpx2.Response(200, headers={'version': '1.2'})

    workload.services.known['player'].program.handle = kill
    rehearsal.configure('first', {'volume': 3})
    before = len(rehearsal.history)
    assert rehearsal.settle().quiet
    ran = [
        (run.hook, run.outcome.value)
        for run in rehearsal.history[before:]
        if run.unit == 'first/0' and run.hook != 'update-status'
    ]
    assert ran == [
        ('config-changed', 'abandoned'),
        ('config-changed', 'done'),
        ('start', 'done'),
        ('player-pebble-ready', 'done'),
    ]
    assert container('first') is workload
    assert relation.bag('first/0').content['hooks'] == '3'


def test_an_agent_that_dies_in_an_action_does_not_run_it_again(
    rehearsal: engine.Rehearsal, monkeypatch: pytest.MonkeyPatch
):
    def _greet(self: Any, event: Any) -> None:  # ops finds it by this name
        raise engine.AgentKilled

    rehearsal.deploy('player', trust=True)
    rehearsal.settle()
    monkeypatch.setattr(rehearsal.applications['player'].charm.charm_type, '_greet', _greet)
    action = rehearsal.start_action('player/0', 'greet', {'name': 'anyone'})
    before = len(rehearsal.history)
    assert rehearsal.settle().quiet
    ran = [run.hook for run in rehearsal.history[before:] if run.hook != 'update-status']
    assert ran == ['greet-action', 'start', 'player-pebble-ready']
    assert (action.status, action.message) == (model.ActionStatus.FAILED, 'action terminated')
