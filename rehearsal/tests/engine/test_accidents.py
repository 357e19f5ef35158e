# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What happens without anyone asking, and which hooks Juju fires for it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rehearsal import engine, model

NEW_POD = ['upgrade-charm', 'config-changed', 'start', 'player-pebble-ready']


@pytest.fixture
def unit(rehearsal: engine.Rehearsal) -> model.Unit:
    """The settled unit that it happens to."""
    rehearsal.deploy('player', trust=True)
    assert rehearsal.settle().quiet
    return rehearsal.applications['player'].units[0]


@pytest.fixture
def fired(rehearsal: engine.Rehearsal, unit: model.Unit) -> Callable[[], list[str]]:
    """Settle, and return the hooks that ran meanwhile, but for the quiet round."""
    before = len(rehearsal.history)

    def settle() -> list[str]:
        assert rehearsal.settle().quiet
        return [run.hook for run in rehearsal.history[before:] if run.hook != 'update-status']

    return settle


def test_a_killed_pod_runs_no_stop(rehearsal, unit, fired):
    rehearsal.accidents.kill(unit)
    assert unit.pod is None
    assert fired() == NEW_POD


def test_an_evicted_pod_runs_stop_first(rehearsal, unit, fired):
    rehearsal.accidents.evict(unit)
    assert fired() == ['stop', *NEW_POD]


def test_an_agent_that_restarts_finds_every_pebble_anew(rehearsal, unit, fired):
    pod = unit.pod
    rehearsal.accidents.restart_agent(unit)
    assert fired() == ['start', 'player-pebble-ready']
    assert unit.pod is pod


def test_a_container_that_restarts_has_lost_its_plan(rehearsal, unit, fired):
    before = unit.pod.containers['player']
    rehearsal.accidents.restart_container(unit, 'player')
    assert unit.pod.containers['player'] is not before
    assert unit.pod.containers['player'].running() == []
    assert fired() == ['player-pebble-ready']
    assert unit.pod.containers['player'].running() == ['player']


@pytest.mark.parametrize('hook', ['update-status', 'config-changed'])
def test_some_hooks_are_fired_again_at_any_time(rehearsal, unit, hook):
    before = len(rehearsal.history)
    rehearsal.accidents.repeat(unit, hook)
    assert [run.hook for run in rehearsal.history[before:]] == [hook]


def test_another_unit_is_elected(rehearsal, unit):
    rehearsal.scale('player', 2)
    rehearsal.settle()
    first, second = rehearsal.applications['player'].units
    rehearsal.accidents.lead(second)
    before = len(rehearsal.history)
    rehearsal.settle()
    elected = [run.unit for run in rehearsal.history[before:] if run.hook == 'leader-elected']
    assert elected == ['player/1']
    assert (first.leader, second.leader) == (False, True)


def test_juju_writes_the_same_again_and_no_pod_is_replaced(rehearsal, unit, fired):
    rehearsal.accidents.reapply('player')
    assert fired() == []


def test_advancing_lets_one_hook_run_at_a_time(rehearsal):
    rehearsal.deploy('player', trust=True)
    ran = [len(rehearsal.history) for _ in range(4) if rehearsal.advance()]
    assert ran == [1, 2, 3, 4]


def test_advancing_a_model_at_rest_lets_time_pass(rehearsal, unit, player):
    before = player.made[-1].ticks
    assert rehearsal.advance() is False
    assert player.made[-1].ticks == before + 1
