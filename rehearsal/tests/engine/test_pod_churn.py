# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

from collections.abc import Callable
from typing import Any

from charmarr_lib.testing.kubernetes import JUJU_MANAGER
from rehearsal import engine

CHURN = ['stop', 'upgrade-charm', 'config-changed', 'start', 'player-pebble-ready']


def deployed(rehearsal: engine.Rehearsal, units: int = 1):
    rehearsal.deploy('shelf', trust=True)
    rehearsal.deploy('player', trust=True, units=units)
    rehearsal.settle()


def unit(rehearsal: engine.Rehearsal, number: int = 0):
    return rehearsal.applications['player'].units[number]


def test_a_change_of_the_template_replaces_the_pod_once(
    rehearsal: engine.Rehearsal, hooks: Callable[[str], list[str]]
):
    deployed(rehearsal)
    before = len(hooks('player/0'))
    rehearsal.integrate('player', 'shelf')
    settled = rehearsal.settle()
    assert settled.rollouts == {'shelf': 0, 'player': 1}
    ran = hooks('player/0')[before:]
    start = ran.index('stop')
    assert ran[start : start + len(CHURN)] == CHURN
    assert 'install' not in ran
    assert ran.count('store-relation-created') == 1


def test_the_first_pods_are_no_rollout(rehearsal: engine.Rehearsal):
    rehearsal.deploy('player', trust=True)
    assert rehearsal.settle().rollouts == {'player': 0}


def test_pods_are_replaced_from_the_highest_number_down(rehearsal: engine.Rehearsal):
    deployed(rehearsal, units=3)
    before = len(rehearsal.history)
    rehearsal.integrate('player', 'shelf')
    rehearsal.settle()
    stops = [run.unit for run in rehearsal.history[before:] if run.hook == 'stop']
    assert stops == ['player/2', 'player/1', 'player/0']


def test_a_new_pod_has_lost_everything_but_its_volumes(
    rehearsal: engine.Rehearsal, player: Any, seen: list[Any], container: Any
):
    deployed(rehearsal)
    old = container()
    assert old.files.read('/tmp/lock') == b''
    rehearsal.refresh('player')
    rehearsal.settle()
    assert container() is not old
    assert not old.root.exists()
    churned = [each for each in seen if each.event == 'upgrade_charm']
    assert [each.stored_hooks for each in churned] == [1]
    assert container().files.read('/config/state') == b'5'
    assert [len(each.launches) for each in player.made] == [1, 1]
    assert [each.running for each in player.made] == [False, True]


def test_the_volume_is_in_the_container_once_the_pod_was_replaced(
    rehearsal: engine.Rehearsal, container: Any
):
    deployed(rehearsal)
    mounts = container().files.read('/proc/self/mountinfo')
    assert b' /media ' not in mounts
    rehearsal.integrate('player', 'shelf')
    rehearsal.settle()
    files = container().files
    assert b' /media ' in files.read('/proc/self/mountinfo')
    files.write('/media/film', b'x', mode=None, owner=None, parents=False)
    assert (rehearsal.kubernetes.volumes.folder('media') / 'film').read_bytes() == b'x'


def test_what_a_charm_added_survives_jujus_own_writes(rehearsal: engine.Rehearsal, found: Any):
    deployed(rehearsal)
    rehearsal.integrate('player', 'shelf')
    rehearsal.settle()
    before = found('StatefulSet', 'player')
    rehearsal.trust('player')
    settled = rehearsal.settle()
    after = found('StatefulSet', 'player')
    writes = [each for each in rehearsal.cluster.writes() if each.manager == JUJU_MANAGER]
    assert writes[-1].name == 'player'
    assert after['metadata']['generation'] == before['metadata']['generation']
    assert settled.rollouts['player'] == 0


def test_refresh_replaces_the_pod_and_runs_upgrade_charm(
    rehearsal: engine.Rehearsal, hooks: Callable[[str], list[str]], found: Any
):
    deployed(rehearsal)
    before = len(hooks('player/0'))
    rehearsal.refresh('player', resources={'player-image': 'example.com/player:2'})
    assert rehearsal.settle().rollouts['player'] == 1
    assert hooks('player/0')[before : before + 5] == CHURN
    pod = found('Pod', 'player-0')
    assert pod['spec']['containers'][1]['image'] == 'example.com/player:2'


def test_a_pod_waits_for_a_claim_that_is_missing(
    rehearsal: engine.Rehearsal, hooks: Callable[[str], list[str]], found: Any
):
    deployed(rehearsal)
    rehearsal.integrate('player', 'shelf')
    rehearsal.settle()
    rehearsal.remove_relation('player', 'shelf')
    rehearsal.settle()
    stateful_set = found('StatefulSet', 'player')
    assert stateful_set['spec']['template']['spec']['volumes'] == [
        {'name': 'charm-data', 'emptyDir': {}}
    ]
    assert rehearsal.cluster.get('PersistentVolumeClaim', 'media', 'media') is not None


def test_an_unbound_claim_keeps_the_pod_pending_with_an_event(
    rehearsal: engine.Rehearsal, found: Any
):
    deployed(rehearsal)
    rehearsal.cluster.remove('StorageClass', 'standard')
    rehearsal.deploy('player', 'other', trust=True)
    settled = rehearsal.settle()
    assert settled.quiet
    (waiting,) = rehearsal.applications['other'].units
    assert waiting.pod is None
    assert waiting.status.name == 'blocked'
    assert 'unbound immediate' in waiting.status.message
    pod = found('Pod', 'other-0')
    assert pod['status']['phase'] == 'Pending'
    (event,) = [
        each
        for each in rehearsal.cluster.list('Event')
        if each['involvedObject']['name'] == 'other-0'
    ]
    assert event['reason'] == 'FailedScheduling'
    assert 'unbound immediate PersistentVolumeClaims' in event['message']
