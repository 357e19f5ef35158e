# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import enum
from typing import Any

import ops
import pytest
import yaml
from ops import pebble

from charmarr_lib.testing._pebble_services import Current
from charmarr_lib.testing.pebble import PebbleFake, UnexpectedPlan


def layer(**service: Any) -> pebble.LayerDict:
    body: Any = {'override': 'replace', 'startup': 'enabled', 'command': 'program', **service}
    return {'services': {'main': body}}


def test_replan_starts_enabled_services_with_their_environment(fake: PebbleFake, program: Any):
    fake.add_layer('one', layer(environment={'A': '1'}, **{'user-id': 911, 'group-id': 912}))
    fake.replan()
    assert fake.running() == ['main']
    (launch,) = program.launches
    assert (launch.command, launch.environment) == ('program', {'A': '1'})
    assert (launch.user_id, launch.group_id) == (911, 912)


def test_replan_leaves_a_running_service_alone_when_nothing_changed(
    fake: PebbleFake, program: Any
):
    fake.add_layer('one', layer())
    fake.replan()
    fake.add_layer('one', layer(), combine=True)
    fake.replan()
    assert (fake.starts('main'), program.stops) == (1, 0)


def test_replan_restarts_a_service_whose_configuration_changed(fake: PebbleFake, program: Any):
    fake.add_layer('one', layer())
    fake.replan()
    fake.add_layer('one', layer(environment={'A': '2'}), combine=True)
    assert fake.starts('main') == 1
    fake.replan()
    assert (fake.starts('main'), program.stops) == (2, 1)


def test_a_service_that_is_not_enabled_waits_to_be_started(fake: PebbleFake):
    fake.add_layer('one', layer(startup='disabled'))
    fake.replan()
    assert fake.running() == []
    fake.start('main')
    assert fake.running() == ['main']


def test_replan_starts_an_enabled_service_that_was_stopped(fake: PebbleFake):
    fake.add_layer('one', layer())
    fake.replan()
    fake.stop('main')
    assert fake.running() == []
    fake.replan()
    assert fake.running() == ['main']


def test_a_program_that_exits_at_once_fails_the_change_and_is_retried(
    fake: PebbleFake, program: Any
):
    program.refuses = 'no such folder'
    fake.add_layer('one', layer())
    with pytest.raises(pebble.ChangeError, match='exited quickly') as raised:
        fake.replan()
    assert 'no such folder' in str(raised.value)
    assert fake.running() == []
    program.refuses = ''
    fake.tick()
    assert fake.running() == ['main']


def test_a_program_that_must_not_be_restarted_is_not_retried(fake: PebbleFake, program: Any):
    program.refuses = 'no'
    fake.add_layer('one', layer(**{'on-failure': 'ignore'}))
    with pytest.raises(pebble.ChangeError):
        fake.replan()
    program.refuses = ''
    fake.tick()
    assert fake.running() == []
    assert fake.services.current('main') is Current.ERROR


def test_the_error_says_what_pebble_will_do(fake: PebbleFake, program: Any):
    program.refuses = 'no'
    fake.add_layer('one', layer())
    with pytest.raises(pebble.ChangeError, match='code 1, will restart'):
        fake.replan()
    fake.add_layer('one', layer(**{'on-failure': 'ignore'}), combine=True)
    with pytest.raises(pebble.ChangeError, match='code 1, will ignore'):
        fake.replan()


def test_replan_starts_what_was_stopped_and_has_changed(fake: PebbleFake):
    fake.add_layer('one', layer(startup='disabled'))
    fake.start('main')
    fake.stop('main')
    fake.replan()
    assert fake.running() == []
    fake.add_layer('one', layer(startup='disabled', environment={'A': '1'}), combine=True)
    fake.replan()
    assert fake.running() == ['main']


@pytest.mark.parametrize(
    ('section', 'message'),
    [
        pytest.param({'services': {'a': {}}}, 'must define "command"', id='command'),
        pytest.param({'checks': {'a': {'http': {'url': ''}}}}, 'must set "url"', id='url'),
        pytest.param({'checks': {'a': {}}}, 'must specify one of', id='no kind'),
    ],
)
def test_a_layer_that_makes_no_plan_changes_nothing(fake: PebbleFake, section: Any, message: str):
    fake.add_layer('one', layer())
    before = fake.plan().to_dict()
    for entries in section.values():
        for entry in entries.values():
            entry['override'] = 'replace'
    with pytest.raises(pebble.APIError, match=message):
        fake.add_layer('two', section)
    assert fake.plan().to_dict() == before
    assert list(fake.layers()) == ['one']


def test_layers_merge_or_replace_as_they_say(fake: PebbleFake):
    fake.add_layer('one', layer(environment={'A': '1', 'B': '1'}))
    fake.add_layer('two', {'services': {'main': {'override': 'merge', 'environment': {'B': '2'}}}})
    assert fake.plan().services['main'].environment == {'A': '1', 'B': '2'}
    fake.add_layer('one', layer(environment={'C': '1'}), combine=True)
    assert fake.plan().services['main'].environment == {'C': '1', 'B': '2'}


@pytest.mark.parametrize(
    ('service', 'message'),
    [
        pytest.param({'command': 'a'}, 'must define "override"', id='none'),
        pytest.param({'command': 'a', 'override': 'add'}, 'invalid "override"', id='unknown'),
    ],
)
def test_refuses_a_layer_without_a_proper_override(fake: PebbleFake, service: Any, message: str):
    with pytest.raises(pebble.APIError, match=message):
        fake.add_layer('one', {'services': {'main': service}})


def test_refuses_a_second_layer_of_the_same_label(fake: PebbleFake):
    fake.add_layer('one', layer())
    with pytest.raises(pebble.APIError, match='already exists'):
        fake.add_layer('one', layer())


def test_refuses_a_service_that_does_not_exist(fake: PebbleFake):
    with pytest.raises(pebble.APIError, match='"other" does not exist'):
        fake.start('other')


def test_does_not_pretend_to_know_all_of_pebble(fake: PebbleFake):
    with pytest.raises(UnexpectedPlan, match='after'):
        fake.add_layer('one', layer(after=['other']))


def test_two_services_need_a_program_each(program: Any):
    two: Any = {
        'services': {
            name: {'override': 'replace', 'startup': 'enabled', 'command': name}
            for name in ('first', 'second')
        }
    }
    with PebbleFake(program) as fake:
        fake.add_layer('one', two)
        with pytest.raises(UnexpectedPlan, match='mapping'):
            fake.replan()
    program.launches.clear()
    with PebbleFake({'first': program}) as fake:
        fake.add_layer('one', two)
        fake.replan()
        assert fake.running() == ['first', 'second']
        assert [each.command for each in program.launches] == ['first']


def test_ending_the_container_stops_its_programs(program: Any):
    with PebbleFake(program) as fake:
        fake.add_layer('one', layer())
        fake.replan()
    assert program.stops == 1
    assert not fake.root.exists()


def test_a_layer_that_cannot_be_sent_is_refused_as_ops_refuses_it():
    class Level(enum.StrEnum):
        DEBUG = 'debug'

    service = {'override': 'replace', 'command': 'x', 'environment': {'LEVEL': Level.DEBUG}}
    layer: Any = {'services': {'plex': service}}
    with PebbleFake(None) as fake, pytest.raises(yaml.representer.RepresenterError):
        fake.add_layer('plex', layer)


def stopped_unattended(fake: PebbleFake) -> None:
    fake.add_layer('one', layer())
    fake.replan()
    with fake.unattended():
        fake.stop('main')


def test_what_nobody_waits_for_is_still_there_and_called_inactive(
    fake: PebbleFake, program: Any, act: Any
):
    stopped_unattended(fake)
    assert (program.stops, fake.running()) == (0, [])
    act(lambda container: assert_inactive(container))
    fake.tick()
    assert program.stops == 1


def assert_inactive(container: ops.Container) -> None:
    assert container.get_service('main').current is pebble.ServiceStatus.INACTIVE


def test_what_is_terminating_is_neither_started_nor_stopped_once_more(
    fake: PebbleFake, program: Any
):
    stopped_unattended(fake)
    fake.stop('main')
    assert program.stops == 0
    with pytest.raises(pebble.ChangeError, match='cannot start service while terminating'):
        fake.replan()
    assert len(program.launches) == 1


def test_who_waits_for_the_change_finds_it_gone(fake: PebbleFake, program: Any, act: Any):
    stopped_unattended(fake)

    def wait(container: ops.Container) -> None:
        in_progress = pebble.ChangeState.IN_PROGRESS
        (change,) = container.pebble.get_changes(in_progress, 'main')
        assert not change.ready
        assert container.pebble.wait_change(change.id).ready
        assert container.pebble.get_changes(in_progress, 'main') == []

    act(wait)
    assert program.stops == 1
    fake.replan()
    assert fake.running() == ['main']


def test_a_restart_that_nobody_waits_for_comes_to_its_end(fake: PebbleFake, program: Any):
    fake.add_layer('one', layer())
    fake.replan()
    fake.add_layer('one', layer(environment={'A': '2'}), combine=True)
    with fake.unattended():
        fake.replan()
    assert (program.stops, fake.running()) == (0, [])
    fake.tick()
    assert (program.stops, fake.running()) == (1, ['main'])
    assert program.launches[-1].environment == {'A': '2'}
    fake.replan()
    assert fake.starts('main') == 2


def test_the_end_of_the_container_ends_what_is_terminating_and_starts_nothing(program: Any):
    with PebbleFake(program) as fake:
        fake.add_layer('one', layer())
        fake.replan()
        with fake.unattended():
            fake.restart('main')
    assert (program.stops, len(program.launches)) == (1, 1)
