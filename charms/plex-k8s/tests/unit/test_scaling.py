# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import dataclasses
import pathlib
import typing

import pytest

if typing.TYPE_CHECKING:
    from conftest import Unit


def test_a_follower_does_not_run_plex(unit: Unit):
    unit.scale(2, leader=False)
    unit.relate_storage()
    unit.run()
    unit.roll()
    unit.run()
    assert unit.pod.running() == []
    assert unit.status == (
        'blocked: only the leader runs Plex; run: juju scale-application plex 1'
    )


def test_a_follower_leaves_kubernetes_alone(unit: Unit):
    unit.scale(2, leader=False)
    unit.relate_storage()
    unit.run()
    assert unit.kube.requests == []


def test_the_leader_runs_plex_and_warns(running: Unit):
    running.scale(2, leader=True)
    running.run()
    assert running.pod.running() == ['plex']
    assert running.status.startswith('active')
    assert 'only this unit runs Plex; run: juju scale-application plex 1' in running.status
    warnings = [each.message for each in running.context.juju_log if each.level == 'WARNING']
    assert any('scaled to 2 units' in each for each in warnings)


def test_an_ex_leader_stops(running: Unit):
    running.scale(2, leader=False)
    running.run()
    assert running.pod.running() == []
    assert not running.plex.running


def test_an_ex_leader_without_its_leader_does_not_start_again(running: Unit):
    running.scale(2, leader=False)
    running.run()
    running.scale(1, leader=False)  # the other unit is going, and this one is not elected yet
    running.run()
    assert running.pod.running() == []
    running.scale(1, leader=True)
    running.run(running.context.on.leader_elected())
    assert running.pod.running() == ['plex']


def test_a_single_unit_between_two_leaderships_keeps_running(running: Unit):
    running.scale(1, leader=False)
    running.run()
    assert running.pod.running() == ['plex']
    assert running.status.startswith('active')


def test_a_single_unit_that_does_not_lead_yet_waits(unit: Unit):
    unit.relate_storage()
    unit.run()
    unit.roll()
    unit.scale(1, leader=False)
    unit.run()
    assert unit.status == 'waiting: waiting for leadership'
    assert unit.pod.running() == []


def test_two_units_never_run_plex_at_once(make_unit: typing.Callable[[int], Unit]):
    first, second = make_unit(0), make_unit(1)
    for each in (first, second):
        each.relate_storage()
    first.scale(2, leader=True)
    second.scale(2, leader=False)
    for leader in (first, second, first):
        for each in (first, second):
            each.scale(2, leader=each is leader)
        # The one that has lost its leadership runs a hook before the new leader starts Plex.
        for each in sorted((first, second), key=lambda each: each is leader):
            each.settle()
        assert [each.plex.running for each in (first, second)] == [
            first is leader,
            second is leader,
        ]


@pytest.mark.parametrize('hook', ['stop', 'remove', 'config-storage-detaching'])
def test_plex_is_closed_before_the_pod_goes(running: Unit, hook: str):
    on = running.context.on
    storage = next(iter(running.state.storages))
    events = {
        'stop': on.stop,
        'remove': on.remove,
        'config-storage-detaching': lambda: on.storage_detaching(storage),
    }
    before = running.state.unit_status
    requests = len(running.kube.requests)
    running.run(events[hook]())
    assert not running.plex.running
    assert running.state.unit_status == before, 'the last status stands'
    assert len(running.kube.requests) == requests


def test_leaving_without_pebble_is_no_error(running: Unit):
    running.run(running.context.on.stop(), connected=False)
    assert running.status.startswith('active')


def test_scaling_to_zero_keeps_volumes_and_claim(running: Unit):
    running.scale(0, leader=True)
    before = running.statefulset
    running.run()
    assert running.statefulset == before


def test_database_folders_are_never_shared(running: Unit, tmp_path: pathlib.Path):
    running.roll()
    running.settle()
    assert set(running.plex.folders) == {
        str((tmp_path / 'config/Library/Application Support/Plex Media Server').resolve())
    }


def test_a_new_unit_releases_nothing_before_it_knows_its_relations(running: Unit):
    before = running.generation
    storage = running.relation('media-storage')
    running.state = dataclasses.replace(running.state, relations=frozenset())
    running.run(running.context.on.install())
    other = running.relate_seerr()
    running.run(running.context.on.relation_created(other))
    running.relate(storage)
    running.run(running.context.on.relation_created(storage))
    assert running.generation == before
