# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Seerr has one database, so it runs in one unit."""

import dataclasses


def become(unit, *, leader: bool, planned: int) -> None:
    unit.state = dataclasses.replace(unit.state, leader=leader, planned_units=planned)


def test_the_other_units_do_not_start_it(unit):
    become(unit, leader=False, planned=2)
    unit.deploy()
    assert unit.pod.running() == []
    assert unit.status == (
        'blocked',
        'only the leader runs Seerr; run: juju scale-application overseerr 1',
    )


def test_the_leader_goes_on_and_says_what_to_do(unit):
    unit.set_up_with_plex()
    become(unit, leader=True, planned=2)
    unit.run()
    assert unit.pod.running() == ['seerr']
    assert unit.status == (
        'active',
        'only this unit runs Seerr; run: juju scale-application overseerr 1',
    )


def test_one_that_is_leader_no_more_stops_it(unit):
    unit.set_up_with_plex()
    become(unit, leader=False, planned=2)
    unit.run()
    assert unit.pod.running() == []
    assert unit.status[0] == 'blocked'


def test_one_that_becomes_leader_starts_it(unit):
    become(unit, leader=False, planned=2)
    unit.deploy()
    become(unit, leader=True, planned=2)
    unit.run(unit.context.on.leader_elected())
    assert unit.pod.running() == ['seerr']


def test_without_a_leader_what_runs_goes_on(unit):
    unit.set_up_with_plex()
    become(unit, leader=False, planned=1)
    unit.run()
    assert unit.pod.running() == ['seerr']
    assert unit.status[0] == 'active'


def test_without_a_leader_nothing_is_begun(unit):
    become(unit, leader=False, planned=1)
    unit.deploy()
    assert unit.pod.running() == []
    assert unit.status == ('waiting', 'waiting for leadership')


def test_a_follower_writes_no_relation_data_and_no_secret(unit):
    relation = unit.relate()
    become(unit, leader=False, planned=2)
    state = unit.deploy()
    assert state.get_relation(relation.id).local_app_data == {}
    assert not list(state.secrets)


def test_it_is_stopped_before_its_storage_goes(unit):
    unit.set_up_with_plex()
    unit.run(unit.context.on.stop())
    assert unit.pod.running() == []


def test_a_relation_that_breaks_during_the_removal_does_not_start_it_again(unit):
    unit.set_up_with_plex()
    unit.run(unit.context.on.stop())
    become(unit, leader=True, planned=0)
    unit.unrelate('media-server')
    assert unit.pod.running() == []
    assert unit.status == ('waiting', 'going away')


def test_an_action_during_the_removal_is_refused(unit):
    unit.set_up_with_plex()
    become(unit, leader=True, planned=0)
    assert 'only the leader runs Seerr' in unit.failure('backup')


def test_removal_with_a_container_that_is_gone_is_no_error(unit):
    unit.deploy()
    unit.run(unit.context.on.remove(), can_connect=False)


def test_removal_keeps_the_data(unit):
    unit.set_up_with_plex()
    before = unit.settings()
    unit.run(unit.context.on.stop())
    unit.run(unit.context.on.remove())
    assert unit.settings() == before
