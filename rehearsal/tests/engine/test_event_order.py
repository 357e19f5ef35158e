# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import itertools
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from rehearsal import catalogue, engine, model

FIRST_DEPLOY = [
    'install',
    'band-relation-created',
    'leader-elected',
    'config-changed',
    'start',
    'player-pebble-ready',
    'config-storage-attached',
    'update-status',
]


def test_a_first_deployment_follows_jujus_order(
    rehearsal: engine.Rehearsal, hooks: Callable[[str], list[str]]
):
    rehearsal.deploy('player', trust=True)
    assert rehearsal.settle().quiet
    assert hooks('player/0') == FIRST_DEPLOY


def test_a_unit_that_does_not_lead_elects_nobody(
    rehearsal: engine.Rehearsal, hooks: Callable[[str], list[str]]
):
    rehearsal.deploy('player', trust=True, units=2)
    rehearsal.settle()
    assert 'leader-elected' not in hooks('player/1')
    assert [unit.leader for unit in rehearsal.applications['player'].units] == [True, False]


def test_relations_that_exist_at_deployment_are_created_before_config_changed(
    rehearsal: engine.Rehearsal, hooks: Callable[[str], list[str]]
):
    rehearsal.deploy('shelf', trust=True)
    rehearsal.deploy('player', trust=True)
    rehearsal.integrate('player', 'shelf')
    rehearsal.settle()
    ran = hooks('player/0')
    assert ran.index('store-relation-created') < ran.index('config-changed')
    assert ran.index('start') < ran.index('store-relation-joined')


def test_joined_is_followed_by_changed_for_the_same_unit(
    rehearsal: engine.Rehearsal, seen: list[Any]
):
    for name in ('first', 'second'):
        rehearsal.deploy('player', name, trust=True, units=2)
    rehearsal.settle()
    seen.clear()
    rehearsal.integrate('first:stage', 'second:tunes')
    rehearsal.settle()
    steps = [
        (each.event, each.remote_unit)
        for each in seen
        if each.unit == 'first/0' and 'stage' in each.event
    ]
    assert steps == [
        ('stage_relation_created', None),
        ('stage_relation_joined', 'second/0'),
        ('stage_relation_changed', 'second/0'),
        ('stage_relation_joined', 'second/1'),
        ('stage_relation_changed', 'second/1'),
    ]


def test_settings_of_the_application_may_change_before_anybody_joins(
    rehearsal: engine.Rehearsal, seen: list[Any]
):
    for name in ('first', 'second'):
        rehearsal.deploy('player', name, trust=True)
    rehearsal.settle()
    seen.clear()
    rehearsal.integrate('first:stage', 'second:tunes')
    rehearsal.settle()
    steps = [
        (each.event, each.remote_unit, each.remote_units)
        for each in seen
        if each.unit == 'second/0' and 'tunes' in each.event
    ]
    assert steps[:3] == [
        ('tunes_relation_created', None, []),
        ('tunes_relation_changed', None, []),
        ('tunes_relation_joined', 'first/0', ['first/0']),
    ]


def test_several_changes_before_a_hook_are_seen_once(
    rehearsal: engine.Rehearsal, hooks: Callable[[str], list[str]]
):
    rehearsal.deploy('player', trust=True)
    rehearsal.settle()
    for volume in (1, 2, 3):
        rehearsal.configure('player', {'volume': volume})
    rehearsal.settle()
    assert hooks('player/0')[len(FIRST_DEPLOY) :].count('config-changed') == 1


def test_setting_an_option_to_its_present_value_runs_nothing(
    rehearsal: engine.Rehearsal, hooks: Callable[[str], list[str]]
):
    rehearsal.deploy('player', trust=True, config={'volume': 7})
    rehearsal.settle()
    before = len(hooks('player/0'))
    warnings = rehearsal.configure('player', {'volume': '7'})
    rehearsal.settle()
    assert warnings == ['the configuration setting "volume" already has the value "7"']
    assert hooks('player/0')[before:] == ['update-status']


def test_trust_runs_config_changed_on_every_unit(
    rehearsal: engine.Rehearsal, hooks: Callable[[str], list[str]]
):
    rehearsal.deploy('player', units=2)
    rehearsal.settle()
    before = {unit: len(hooks(unit)) for unit in ('player/0', 'player/1')}
    rehearsal.trust('player')
    rehearsal.settle()
    for unit, count in before.items():
        assert hooks(unit)[count] == 'config-changed'


class EarlyBird:
    """Lets racing sources win as early as Juju allows."""

    def __init__(self):
        self.turn = itertools.count()

    def unit(self, ready: Sequence[str]) -> str:
        return sorted(ready)[0]

    def hook(self, unit: str, legal: Sequence[model.Hook]) -> model.Hook:
        racing = [h for h in legal if h.kind in ('pebble-ready', 'storage-attached')]
        return (racing or legal)[0]


def test_racing_sources_may_come_before_config_changed_and_never_before_install(player: Any):
    charms = catalogue.Catalogue(
        catalogue.in_folder(pathlib.Path(__file__).parent / 'charms'),
        programs={'example.com/player': player},
    )
    with engine.Rehearsal(charms, schedule=EarlyBird()) as rehearsal:
        rehearsal.deploy('player', trust=True)
        assert rehearsal.settle().quiet
        ran = [run.hook for run in rehearsal.history]
    before = ran[: ran.index('config-changed')]
    assert before[0] == 'install'
    assert before[-2:] == ['player-pebble-ready', 'config-storage-attached']
    assert ran[ran.index('config-changed') + 1] == 'start'


@pytest.mark.parametrize('units', [1, 3])
def test_a_settled_model_runs_nothing_but_update_status(
    rehearsal: engine.Rehearsal, hooks: Callable[[str], list[str]], units: int
):
    rehearsal.deploy('player', trust=True, units=units)
    rehearsal.settle()
    before = len(rehearsal.history)
    settled = rehearsal.settle()
    assert {run.hook for run in rehearsal.history[before:]} == {'update-status'}
    assert settled.quiet_round.hooks == units
    assert (settled.quiet_round.writes, settled.quiet_round.databag_writes) == (0, 0)
