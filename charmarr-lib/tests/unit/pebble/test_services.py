# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import copy
from typing import Any

import pytest

from charmarr_lib import pebble
from charmarr_lib.pebble import _services  # pyright: ignore[reportPrivateUsage] -- notations that only a real Pebble writes
from charmarr_lib.testing._pebble_client import PebbleClient

LAYER: Any = {
    'services': {
        'plex': {
            'override': 'replace',
            'startup': 'enabled',
            'command': '/bin/plex',
            'kill-delay': '120s',
            'environment': {'HOME': '/config'},
        }
    },
    'checks': {
        'plex-ready': {
            'override': 'replace',
            'level': 'ready',
            'period': '10s',
            'http': {'url': 'http://localhost:32400/identity'},
        }
    },
}


def changed(**service):
    layer = copy.deepcopy(LAYER)
    layer['services']['plex'].update(service)
    return layer


def replan(pod, layer=LAYER):
    return pod.run(lambda container: pebble.replan(container, 'plex', layer))


def test_an_empty_plan_is_filled_and_its_service_started(pod):
    assert replan(pod) is True
    assert pod.fake.running() == ['plex']


def test_the_same_layer_again_does_nothing(pod):
    replan(pod)
    assert replan(pod) is False


@pytest.mark.parametrize(
    'change',
    [
        {'command': '/bin/other'},
        {'environment': {'HOME': '/root'}},
        {'environment': {}},
        {'environment': {'HOME': '/config', 'TZ': 'Etc/UTC'}},
        {'kill-delay': '30s'},
        {'user-id': 1000, 'group-id': 1000},
    ],
)
def test_any_difference_is_replanned(pod, change):
    replan(pod)
    assert replan(pod, changed(**change)) is True
    assert replan(pod, changed(**change)) is False


def test_what_is_no_longer_asked_for_is_a_difference(pod):
    replan(pod, changed(**{'user-id': 1000, 'group-id': 1000}))
    assert replan(pod) is True


def test_a_changed_check_is_a_difference(pod):
    replan(pod)
    layer = copy.deepcopy(LAYER)
    layer['checks']['plex-ready']['period'] = '30s'
    assert replan(pod, layer) is True


def test_a_stopped_service_is_started_again(pod):
    replan(pod)
    pod.run(lambda container: pebble.stop(container, 'plex'))
    assert pod.fake.running() == []
    assert replan(pod) is True
    assert pod.fake.running() == ['plex']


def test_a_disabled_service_need_not_run(pod):
    layer = changed(startup='disabled')
    replan(pod, layer)
    assert replan(pod, layer) is False


@pytest.mark.parametrize(
    ('present', 'wanted', 'same'),
    [
        ({'kill-delay': '2m0s'}, {'kill-delay': '120s'}, True),
        ({'kill-delay': '1h0m0.5s'}, {'kill-delay': '3600.5s'}, True),
        ({'kill-delay': '500ms'}, {'kill-delay': '0.5s'}, True),
        ({'kill-delay': '2m'}, {'kill-delay': '121s'}, False),
        ({'backoff-delay': '500ms', 'backoff-factor': 2}, {}, True),
        ({'threshold': 3}, {'threshold': 4}, False),
        ({'command': '2m'}, {'command': '120s'}, False),
        ({'period': 'soon'}, {'period': 'soon'}, True),
    ],
)
def test_compares_a_plan_as_pebble_writes_it(present, wanted, same):
    assert _services.same(present, wanted) is same


def test_stop_tells_whether_anything_ran(pod):
    assert pod.run(lambda container: pebble.stop(container, 'plex')) is False
    replan(pod)
    assert pod.run(lambda container: pebble.stop(container, 'plex')) is True
    assert pod.run(lambda container: pebble.is_running(container, 'plex')) is False


@pytest.mark.parametrize(
    ('delay', 'least'),
    [({'kill-delay': '120s'}, 125), ({'kill-delay': '2m30s'}, 155), ({'kill-delay': ''}, 10)],
)
def test_waits_until_pebble_has_given_up_on_a_service(pod, patience, delay, least):
    replan(pod, changed(**delay))
    pod.run(lambda container: pebble.stop(container, 'plex'))
    replan(pod, changed(**delay))
    assert len(patience) == 3
    assert all(least < seconds < least + 30 for seconds in patience)


def test_a_shorter_delay_does_not_count_for_what_runs_with_the_longer_one(pod, patience):
    replan(pod, changed(**{'kill-delay': '120s'}))
    replan(pod, changed(**{'kill-delay': '1s'}))
    assert patience[-1] > 125


@pytest.fixture
def patience(monkeypatch):
    """How long was waited for Pebble, in seconds: once for each stop and replan."""
    waited = []

    def watch(name):
        original = getattr(PebbleClient, name)

        def call(self, *services, timeout=30.0, delay=0.1):
            waited.append(timeout)
            return original(self, *services, timeout=timeout, delay=delay)

        monkeypatch.setattr(PebbleClient, name, call)

    watch('stop_services')
    watch('replan_services')
    return waited


def leaving(pod):
    """Leave the service on its way out, as a hook does that is killed while it stops it."""
    replan(pod)
    with pod.fake.unattended():
        pod.fake.stop('plex')


def test_what_is_on_its_way_out_is_waited_for(pod):
    leaving(pod)
    assert pod.run(lambda container: pebble.stop(container, 'plex')) is True
    assert pod.fake.services.terminating() == []
    assert pod.run(lambda container: pebble.stop(container, 'plex')) is False


def test_what_is_on_its_way_out_can_be_brought_up_again(pod):
    leaving(pod)
    assert replan(pod) is True
    assert pod.fake.running() == ['plex']


def test_a_restart_that_nobody_waited_for_does_not_keep_a_service_up(pod):
    replan(pod)
    with pod.fake.unattended():
        pod.fake.restart('plex')
    assert pod.run(lambda container: pebble.stop(container, 'plex')) is True
    pod.fake.tick()
    assert pod.fake.running() == []


def test_there_is_nothing_to_wait_for_where_nothing_was_begun(pod):
    assert pod.run(lambda container: pebble.settle(container, 'plex')) is False
    replan(pod)
    assert pod.run(lambda container: pebble.settle(container, 'plex')) is False
