# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import json
import typing

import pytest
from ops import testing

from charmarr_lib.testing.plex import VERSION, Mood

if typing.TYPE_CHECKING:
    from conftest import Unit

PUBLISHED = {
    'api_url': 'http://plex.media.svc.cluster.local:32400',
    'server': 'plex',
    'instance_name': 'plex',
    'name': 'plex',
}


def starting(unit: Unit, ticks: int) -> Unit:
    """Bring a unit to where its Plex was started and needs a while."""
    unit.plex.slow_start = ticks
    unit.relate_storage()
    unit.relate_seerr()
    unit.run()
    unit.roll()
    unit.run()
    return unit


def check_event(unit: Unit) -> typing.Any:
    """Return the event that Juju makes of the oldest change of a check."""
    found = unit.pod.check_events.pop(0)
    container = unit.pod.as_container('plex')
    info = next(each for each in container.check_infos if each.name == found.check)
    on = unit.context.on
    event = on.pebble_check_failed if found.failed else on.pebble_check_recovered
    return event(container, info)


def test_publishes_where_it_is(running: Unit):
    assert json.loads(running.published('media-server') or '') == PUBLISHED


def test_reports_version_and_port(running: Unit):
    assert running.state.workload_version == VERSION
    assert running.state.opened_ports == {testing.TCPPort(32400)}


def test_publishes_nothing_before_the_server_answers(unit: Unit):
    starting(unit, ticks=2)
    assert unit.status == 'waiting: starting Plex'
    assert unit.published('media-server') is None


def test_juju_tells_when_a_slow_server_has_come_up(unit: Unit):
    starting(unit, ticks=2)
    unit.pod.tick()
    unit.run(check_event(unit))
    assert unit.status == 'waiting: starting Plex'
    unit.pod.tick()
    unit.run(check_event(unit))
    assert unit.status.startswith('active')
    assert unit.published('media-server')


def test_a_migration_of_minutes_is_waited_for(unit: Unit):
    starting(unit, ticks=60)
    for _ in range(59):
        unit.pod.tick()
    unit.run()
    assert unit.status == 'waiting: starting Plex'
    assert unit.pod.starts('plex') == 1, 'nothing may restart it meanwhile'
    unit.pod.tick()
    unit.run()
    assert unit.status.startswith('active')


@pytest.mark.parametrize('mood', [each for each in Mood if each is not Mood.WELL])
def test_a_server_that_does_not_answer_well_is_waited_for(running: Unit, mood: Mood):
    running.plex.mood = mood
    running.run()
    assert running.status == 'waiting: starting Plex'
    running.plex.mood = Mood.WELL
    running.run()
    assert running.status.startswith('active')


@pytest.mark.parametrize('mood', [Mood.HANGING, Mood.MAINTENANCE, Mood.BROKEN])
def test_a_blip_withdraws_nothing(running: Unit, mood: Mood):
    running.plex.mood = mood
    for _ in range(29):
        running.pod.tick()
    running.run()
    assert json.loads(running.published('media-server') or '') == PUBLISHED


def test_five_minutes_of_silence_withdraw_it(running: Unit):
    running.plex.mood = Mood.HANGING
    for _ in range(30):
        running.pod.tick()
    running.run()
    assert running.published('media-server') is None
    running.plex.mood = Mood.WELL
    running.run()
    assert json.loads(running.published('media-server') or '') == PUBLISHED


def test_a_rollout_withdraws_nothing(running: Unit):
    running.configure(transcode_size='20Gi')
    assert running.pod.running() == []
    running.roll()
    running.run(connected=False)
    assert json.loads(running.published('media-server') or '') == PUBLISHED


def test_a_server_that_is_switched_off_is_withdrawn(running: Unit):
    running.break_relation('media-storage')
    assert running.published('media-server') is None


def test_says_where_the_output_of_a_plex_is_that_exits(unit: Unit):
    unit.relate_storage()
    unit.run()
    unit.roll()
    preferences = unit.pod.root / 'config/Library/Application Support/Plex Media Server'
    preferences.mkdir(parents=True)
    (preferences / 'Preferences.xml').write_text('<Preferences trunc')
    unit.run()
    assert unit.status == (
        'blocked: Plex does not stay up; run: kubectl logs -n media plex-0 -c plex'
    )


def test_says_how_to_claim_a_healthy_server(running: Unit):
    assert running.status == (
        'active: unclaimed; '
        'run: juju run plex/leader claim-server token=(from https://plex.tv/claim)'
    )


def test_has_nothing_to_say_of_a_claimed_one(running: Unit):
    running.act('claim-server', token='claim-abc')
    assert running.status == 'active: '
    running.run()
    assert running.status == 'active: '


def test_waits_for_pebble(unit: Unit):
    unit.relate_storage()
    unit.run(connected=False)
    assert unit.status == 'waiting: waiting for Pebble'


def test_a_stale_pid_file_does_not_keep_plex_down(running: Unit):
    folder = running.pod.root / 'config/Library/Application Support/Plex Media Server'
    (folder / 'killed').write_text('17')
    running.roll()
    folder = running.pod.root / 'config/Library/Application Support/Plex Media Server'
    (folder / 'killed').rename(folder / 'plexmediaserver.pid')
    running.run()
    assert running.pod.running() == ['plex']


def test_the_server_keeps_its_identity_through_a_new_pod(running: Unit):
    before = running.act('show-info')['machine-identifier']
    running.roll()
    running.settle()
    assert running.act('show-info')['machine-identifier'] == before


def test_requirers_with_malformed_data_are_served_all_the_same(running: Unit):
    seerr = running.relation('media-server')
    running.relate(
        testing.Relation(
            'media-server',
            id=seerr.id,
            remote_app_name='seerr',
            remote_app_data={'config': '{"requester": 7}'},
        )
    )
    running.run()
    assert running.status.startswith('active')
    assert running.published('media-server')
