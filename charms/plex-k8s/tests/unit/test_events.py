# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Every event at every phase, faults at every request, and what a quiet dispatch costs."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable

import pytest
from ops import testing

from charmarr_lib.testing import relation_for_provider, relation_for_requirer
from charmarr_lib.testing.kubernetes import Fault
from charmarr_lib.testing.plex import Mood

if typing.TYPE_CHECKING:
    from conftest import Unit

ENDPOINTS = ['media-storage', 'media-server', 'ingress']


def _relations(unit: Unit) -> None:
    """Give the unit a relation of each endpoint, unless it has one."""
    there = {each.endpoint for each in unit.state.relations}
    if 'media-storage' not in there:
        unit.relate(relation_for_requirer('media-storage', remote_app='storage', relation_id=1))
    if 'media-server' not in there:
        unit.relate(relation_for_provider('media-server', remote_app='seerr', relation_id=2))
    if 'ingress' not in there:
        unit.relate_ingress()


def related(endpoint: str, kind: str) -> Callable[[Unit], typing.Any]:
    def event(unit: Unit) -> typing.Any:
        _relations(unit)
        return getattr(unit.context.on, f'relation_{kind}')(unit.relation(endpoint))

    return event


def plain(name: str) -> Callable[[Unit], typing.Any]:
    return lambda unit: getattr(unit.context.on, name)()


def container_event(name: str) -> Callable[[Unit], typing.Any]:
    def event(unit: Unit) -> typing.Any:
        container = unit.pod.as_container('plex')
        if name == 'pebble_ready':
            return unit.context.on.pebble_ready(container)
        infos = {each.name: each for each in container.check_infos}
        if 'plex-ready' not in infos:
            pytest.skip('there is no check yet')
        return getattr(unit.context.on, name)(container, infos['plex-ready'])

    return event


def storage_event(name: str) -> Callable[[Unit], typing.Any]:
    return lambda unit: getattr(unit.context.on, name)(next(iter(unit.state.storages)))


def secret_changed(unit: Unit) -> typing.Any:
    secret = testing.Secret({'key': 'value'}, owner=None)
    unit.state = dataclasses.replace(unit.state, secrets={secret})
    return unit.context.on.secret_changed(secret)


EVENTS: dict[str, Callable[[Unit], typing.Any]] = {
    **{
        name: plain(name)
        for name in (
            *('install', 'start', 'config_changed', 'leader_elected', 'upgrade_charm'),
            *('update_status', 'stop', 'remove'),
        )
    },
    **{
        f'{endpoint} {kind}': related(endpoint, kind)
        for endpoint in ENDPOINTS
        for kind in ('created', 'joined', 'changed', 'departed', 'broken')
    },
    **{
        name: container_event(name)
        for name in ('pebble_ready', 'pebble_check_failed', 'pebble_check_recovered')
    },
    'storage_attached': storage_event('storage_attached'),
    'storage_detaching': storage_event('storage_detaching'),
    'secret_changed': secret_changed,
}


def deployed(unit: Unit) -> None:
    """Nothing has happened yet."""


def storage_without_data(unit: Unit) -> None:
    unit.relate_storage(None)


def storage_malformed(unit: Unit) -> None:
    unit.relate_storage('{')


def before_the_rollout(unit: Unit) -> None:
    unit.relate_storage()


def in_the_rollout(unit: Unit) -> None:
    unit.relate_storage()
    unit.run()


def in_a_new_pod(unit: Unit) -> None:
    in_the_rollout(unit)
    unit.roll()


def starting(unit: Unit) -> None:
    unit.plex.slow_start = 3
    in_a_new_pod(unit)
    unit.run()


def healthy(unit: Unit) -> None:
    unit.relate_storage()
    unit.relate_seerr()
    unit.settle()


def hanging(unit: Unit) -> None:
    healthy(unit)
    unit.plex.mood = Mood.HANGING


def wrong_option(unit: Unit) -> None:
    healthy(unit)
    unit.configure(timezone='Mars/Olympus')


def untrusted(unit: Unit) -> None:
    unit.kube.authorise = lambda user, verb, kind, namespace: False
    unit.relate_storage()


def follower(unit: Unit) -> None:
    unit.scale(2, leader=False)
    unit.relate_storage()


def ex_leader(unit: Unit) -> None:
    healthy(unit)
    unit.scale(2, leader=False)


def going_away(unit: Unit) -> None:
    healthy(unit)
    unit.scale(0, leader=True)


PHASES = [
    *(deployed, storage_without_data, storage_malformed, before_the_rollout, in_the_rollout),
    *(in_a_new_pod, starting, healthy, hanging, wrong_option, untrusted, follower, ex_leader),
    going_away,
]


@pytest.mark.parametrize('phase', PHASES, ids=lambda phase: phase.__name__)
def test_every_event_is_taken_at_every_phase(unit: Unit, phase: Callable[[Unit], None]):
    phase(unit)
    for name, event in EVENTS.items():
        for connected in (True, False):
            before = unit.state
            try:
                made = event(unit)
            except pytest.skip.Exception:
                continue
            unit.run(made, connected=connected or name.startswith('pebble'))
            assert '\n' not in unit.status, name
            assert unit.status != 'unknown: ', name
            unit.state = dataclasses.replace(before, unit_status=unit.state.unit_status)


@pytest.mark.parametrize('phase', PHASES, ids=lambda phase: phase.__name__)
def test_no_phase_is_a_dead_end(unit: Unit, phase: Callable[[Unit], None]):
    phase(unit)
    unit.plex.mood = Mood.WELL
    unit.kube.authorise = lambda user, verb, kind, namespace: True
    unit.scale(1, leader=True)
    unit.relate_storage()
    unit.relate_seerr()
    unit.configure(timezone='Etc/UTC')
    if unit.generation > 1:
        unit.roll()
    unit.settle()
    assert unit.status.startswith('active')
    assert unit.pod.running() == ['plex']
    assert unit.published('media-server')


FAULTS = {
    **{
        str(code): Fault.status(code, 'no')
        for code in (400, 401, 403, 404, 409, 410, 422, 429, 500, 502, 503, 504)
    },
    'refused': Fault.refused(),
    'timeout': Fault.timeout(),
    'lost reply': Fault.lost_reply(),
    'garbage': Fault.body('<html>', 'text/html'),
    'empty': Fault.body('', 'application/json'),
    'wrong JSON': Fault.body('[1]', 'application/json'),
}


@pytest.mark.parametrize('fault', FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize('nth', [1, 2, 3, 4])
def test_a_fault_while_the_pod_changes_is_no_error(running: Unit, fault: Fault, nth: int):
    published = running.published('media-server')
    running.add_claim('other')
    running.relate_storage('{"pvc_name": "other"}')
    before = running.generation
    running.kube.fail(fault, nth=nth)
    running.run()
    assert '\n' not in running.status
    assert running.published('media-server') == published
    if running.generation == before:
        assert running.pod.running() == ['plex'], 'it is only stopped for a rollout'
    running.kube.heal()
    if running.generation != before:
        running.roll()
    running.settle()
    assert running.status.startswith('active')
    assert running.generation == before + 1
    assert running.volumes['charmarr-shared']['persistentVolumeClaim']['claimName'] == 'other'


@pytest.mark.parametrize('fault', FAULTS.values(), ids=FAULTS)
def test_an_api_that_is_down_for_long_stops_nothing(running: Unit, fault: Fault):
    published = running.published('media-server')
    running.kube.fail(fault, times=0)
    running.run()
    running.roll()
    running.run()
    assert running.pod.running() == ['plex']
    assert running.published('media-server') == published
    assert not running.status.startswith('active')
    running.kube.heal()
    running.run()
    assert running.status.startswith('active')


def test_a_quiet_dispatch_writes_nothing_and_reads_once(running: Unit):
    running.run()
    state, changes, executed = running.state, running.pod.changes, len(running.pod.executed)
    writes, reads = len(running.kube.writes()), len(running.kube.reads())
    running.run()
    assert len(running.kube.writes()) == writes
    assert len(running.kube.reads()) == reads + 1
    assert running.pod.changes == changes
    assert len(running.pod.executed) == executed
    assert running.state.relations == state.relations
    assert running.state.unit_status == state.unit_status


def test_a_quiet_dispatch_with_all_wishes_is_as_cheap(running: Unit):
    running.gpu = {'/dev/dri/renderD128': 109}
    running.relate_ingress(external_host='plex.example.org')
    running.configure(hardware_transcoding=True, transcode_size='20Gi', log_level='debug')
    running.roll()
    running.settle()
    running.run()
    writes, reads = len(running.kube.writes()), len(running.kube.reads())
    changes, relations = running.pod.changes, running.state.relations
    running.run()
    assert len(running.kube.writes()) == writes
    assert len(running.kube.reads()) == reads + 1
    assert (running.pod.changes, running.state.relations) == (changes, relations)


def test_actions_write_nothing_to_the_cluster(running: Unit):
    writes = len(running.kube.writes())
    running.act('show-info')
    assert len(running.kube.writes()) == writes


def test_an_application_that_is_gone_is_not_made_again(running: Unit):
    running.kube.remove('StatefulSet', 'plex', 'media')
    running.run()
    assert running.status == 'waiting: the application is going away'
    assert running.kube.get('StatefulSet', 'plex', 'media') is None
