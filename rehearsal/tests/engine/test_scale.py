# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

from collections.abc import Callable
from typing import Any

from rehearsal import engine


def claims(rehearsal: engine.Rehearsal):
    return sorted(
        each['metadata']['name'] for each in rehearsal.cluster.list('PersistentVolumeClaim')
    )


def test_a_new_unit_runs_a_first_deployment(
    rehearsal: engine.Rehearsal, hooks: Callable[[str], list[str]]
):
    rehearsal.deploy('player', trust=True)
    rehearsal.settle()
    rehearsal.scale('player', 2)
    rehearsal.settle()
    assert hooks('player/1')[:4] == ['install', 'band-relation-created', 'config-changed', 'start']
    assert 'band-relation-joined' in hooks('player/0')


def test_the_highest_units_go_with_their_farewells(
    rehearsal: engine.Rehearsal, hooks: Callable[[str], list[str]], seen: list[Any]
):
    rehearsal.deploy('player', trust=True, units=2)
    rehearsal.settle()
    before = len(hooks('player/1'))
    seen.clear()
    rehearsal.scale('player', 1)
    assert rehearsal.settle().quiet
    assert hooks('player/1')[before:] == [
        'config-storage-detaching',
        'band-relation-departed',
        'stop',
        'remove',
    ]
    leaving = next(e for e in seen if e.unit == 'player/1' and e.event == 'band_relation_departed')
    assert leaving.departing == 'player/1'
    staying = next(e for e in seen if e.unit == 'player/0')
    assert (staying.event, staying.departing) == ('band_relation_departed', 'player/1')
    assert [unit.name for unit in rehearsal.applications['player'].units] == ['player/0']
    assert rehearsal.cluster.get('Pod', 'player-1', 'media') is None


def test_scaling_to_zero_keeps_claims_and_scaling_up_finds_the_data(
    rehearsal: engine.Rehearsal,
    hooks: Callable[[str], list[str]],
    seen: list[Any],
    found: Any,
    container: Any,
):
    rehearsal.deploy('player', trust=True)
    rehearsal.settle()
    kept = claims(rehearsal)
    rehearsal.scale('player', 0)
    rehearsal.settle()
    assert [each.planned for each in seen if each.event == 'remove'] == [0]
    assert claims(rehearsal) == kept
    assert rehearsal.applications['player'].units == []
    assert found('StatefulSet', 'player')['spec']['replicas'] == 0
    folder = rehearsal.kubernetes.volumes.folder(kept[0])
    (folder / 'mine').write_text('data')
    before = len(hooks('player/0'))
    rehearsal.scale('player', 1)
    rehearsal.settle()
    assert hooks('player/0')[before] == 'install'
    assert container().files.read('/config/mine') == b'data'


def test_leadership_goes_to_a_unit_that_stays(
    rehearsal: engine.Rehearsal, hooks: Callable[[str], list[str]]
):
    rehearsal.deploy('player', trust=True, units=3)
    rehearsal.settle()
    first, second, _ = rehearsal.applications['player'].units
    first.leader, second.leader = False, True
    rehearsal.settle()
    assert 'leader-elected' in hooks('player/1')
    rehearsal.scale('player', 1)
    rehearsal.settle()
    assert [unit.leader for unit in rehearsal.applications['player'].units] == [True]
    assert hooks('player/0').count('leader-elected') == 2


def test_a_removed_application_takes_its_objects_and_leaves_its_claims(
    rehearsal: engine.Rehearsal, hooks: Callable[[str], list[str]]
):
    rehearsal.deploy('shelf', trust=True)
    rehearsal.deploy('player', trust=True)
    rehearsal.integrate('player', 'shelf')
    rehearsal.settle()
    before = len(hooks('player/0'))
    kept = claims(rehearsal)
    rehearsal.remove_application('player')
    assert rehearsal.settle().quiet
    assert hooks('player/0')[before:] == [
        'config-storage-detaching',
        'store-relation-departed',
        'store-relation-broken',
        'stop',
        'remove',
    ]
    assert hooks('shelf/0')[-3:] == [
        'store-relation-departed',
        'store-relation-broken',
        'update-status',
    ]
    assert list(rehearsal.applications) == ['shelf']
    assert rehearsal.relations == []
    for kind in ('StatefulSet', 'Service', 'Pod', 'Secret', 'ServiceAccount'):
        names = [each['metadata']['name'] for each in rehearsal.cluster.list(kind)]
        assert not [name for name in names if name.startswith('player')], kind
    assert claims(rehearsal) == kept


def test_storage_is_destroyed_when_asked(rehearsal: engine.Rehearsal):
    rehearsal.deploy('player', trust=True)
    rehearsal.settle()
    assert len(claims(rehearsal)) == 1
    rehearsal.remove_application('player', destroy_storage=True)
    rehearsal.settle()
    assert claims(rehearsal) == []
    assert rehearsal.cluster.list('PersistentVolume') == []


def test_a_redeployed_application_does_not_find_the_old_claim(rehearsal: engine.Rehearsal):
    rehearsal.deploy('player', trust=True)
    rehearsal.settle()
    old = claims(rehearsal)
    rehearsal.remove_application('player')
    rehearsal.settle()
    rehearsal.deploy('player', trust=True)
    rehearsal.settle()
    assert len(claims(rehearsal)) == 2
    (unit,) = rehearsal.applications['player'].units
    assert unit.storage['config'].claim not in old


def test_nobody_takes_the_place_of_a_unit_that_leaves_before_a_higher_one(
    rehearsal: engine.Rehearsal, hooks: Callable[[str], list[str]], found: Any
):
    rehearsal.deploy('player', trust=True, units=2)
    rehearsal.settle()
    rehearsal.configure('player', {'mood': 'buggy'})
    rehearsal.settle()
    rehearsal.reset_config('player', ['mood'])
    rehearsal.scale('player', 0)
    rehearsal.resolved('player/0')
    rehearsal.settle()
    # player/1 is stuck in its failed hook, player/0 is gone, and Juju waits to remove pods.
    assert [unit.name for unit in rehearsal.applications['player'].units] == ['player/1']
    assert found('StatefulSet', 'player')['spec']['replicas'] == 2
    rehearsal.resolved('player/1')
    assert rehearsal.settle().quiet
    assert rehearsal.applications['player'].units == []
    assert hooks('player/0').count('install') == 1
