# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The parts of a bad night: the network, forged settings, accidents, shortening."""

from __future__ import annotations

import http.client
import json
from typing import Any

import httpx2
import ops
import pytest

from charmarr_lib.testing import pebble
from charmarr_lib.testing.kubernetes import KubernetesFake
from rehearsal import (
    endstate,
    errors,
    forgery,
    minimise,
    model,
    storm,
    vigil,
)
from rehearsal.dispatch import AgentKilled, PodKilled

API = 'https://kubernetes.default.svc/version'
PLEX = 'http://localhost:32400/identity'


@pytest.fixture
def weather() -> storm.Storm:
    return storm.Storm()


@pytest.fixture
def unit() -> model.Unit:
    return model.Unit('plex', 0, leader=True)


@pytest.fixture
def heard() -> list[str]:
    """URLs of requests that took effect."""
    return []


@pytest.fixture
def ask(weather, unit, heard):
    def answer(request: httpx2.Request) -> httpx2.Response:
        heard.append(str(request.url))
        return httpx2.Response(200, json={})

    carrier = weather.tamper(unit, httpx2.MockTransport(answer))
    with httpx2.Client(transport=carrier) as client:
        yield lambda url: client.get(url).status_code


def test_nothing_happens_to_requests_without_trouble(ask, heard):
    assert ask(API) == 200
    assert heard == [API]


@pytest.mark.parametrize(
    ('way', 'status'),
    [(storm.Way.UNAVAILABLE, 503), (storm.Way.BROKEN, 500), (storm.Way.THROTTLED, 429)],
)
@pytest.mark.parametrize('url', [API, PLEX])
def test_trouble_answers_in_the_servers_place(weather, ask, heard, url, way, status):
    weather.add(storm.Trouble('plex', storm.Target.ANY, way))
    assert ask(url) == status
    assert heard == []
    assert ask(url) == 200


def test_trouble_lets_some_requests_through_and_then_fails_some(weather, ask):
    weather.add(storm.Trouble('plex', storm.Target.ANY, storm.Way.BROKEN, skip=1, times=2))
    assert [ask(API) for _ in range(4)] == [200, 500, 500, 200]


def test_trouble_awaits_one_application_only(weather, ask):
    weather.add(storm.Trouble('overseerr', storm.Target.ANY, storm.Way.BROKEN))
    assert ask(API) == 200


def test_trouble_is_on_one_way_only(weather, ask):
    weather.add(storm.Trouble('plex', storm.Target.WORKLOAD, storm.Way.BROKEN))
    assert ask(API) == 200
    assert ask(PLEX) == 500


def test_a_lost_reply_belongs_to_a_request_that_took_effect(weather, ask, heard):
    weather.add(storm.Trouble('plex', storm.Target.ANY, storm.Way.LOST_REPLY))
    with pytest.raises(httpx2.ReadTimeout):
        ask(API)
    assert heard == [API]


@pytest.mark.parametrize(
    ('way', 'effects'), [(storm.Way.KILL_BEFORE, 0), (storm.Way.KILL_AFTER, 1)]
)
def test_a_pod_dies_before_or_after_its_request(weather, ask, heard, way, effects):
    weather.add(storm.Trouble('plex', storm.Target.ANY, way))
    with pytest.raises(PodKilled):
        ask(API)
    assert len(heard) == effects
    assert weather.graceless


def test_a_usurped_unit_gets_its_answer_and_leads_no_more(weather, ask, unit):
    weather.add(storm.Trouble('plex', storm.Target.ANY, storm.Way.USURP))
    assert ask(API) == 200
    assert not unit.leader


def test_trouble_ends_when_it_is_calm(weather, ask):
    weather.add(storm.Trouble('plex', storm.Target.ANY, storm.Way.BROKEN, times=20))
    weather.calm()
    assert ask(API) == 200


def test_the_server_does_not_know_of_the_trust_for_a_while(weather):
    api = KubernetesFake()
    weather.guard(api)
    user = 'system:serviceaccount:media:plex'
    weather.deny('plex')
    assert not api.authorise(user, 'patch', 'StatefulSet', 'media')
    assert api.authorise(user, 'patch', 'Service', 'media')
    weather.allow('plex')
    assert api.authorise(user, 'patch', 'StatefulSet', 'media')


TOLD = {'config': json.dumps({'pvc_name': 'shared', 'mount_path': '/data', 'puid': 1000})}


@pytest.mark.parametrize('kind', [each for each in forgery.Kind if each.value != 'nothing'])
def test_forged_settings_differ_from_what_was_told(kind):
    forged = forgery.forge(kind, TOLD)
    assert forged['config'] != TOLD['config']
    assert all(isinstance(each, str) for each in forged.values())


def test_older_settings_have_only_what_was_there_from_the_start():
    assert json.loads(forgery.forge(forgery.Kind.OLDER, TOLD)['config']) == {'pvc_name': 'shared'}


def test_newer_settings_have_more_and_nothing_less():
    newer = json.loads(forgery.forge(forgery.Kind.NEWER, TOLD)['config'])
    assert newer.items() > json.loads(TOLD['config']).items()


def test_garbage_can_be_forged_again():
    garbage = forgery.forge(forgery.Kind.GARBAGE, TOLD)
    with pytest.raises(ValueError, match='Unterminated'):
        json.loads(garbage['config'])
    assert json.loads(forgery.forge(forgery.Kind.OLDER, garbage)['config']) == {}


def test_only_the_lines_that_matter_are_left():
    lines = [str(each) for each in range(40)]
    found = minimise.minimise(lines, lambda some: {'7', '31'} <= set(some))
    assert found == ('7', '31')


def test_a_script_of_which_every_line_matters_stays():
    lines = ['a', 'b', 'c']
    assert minimise.minimise(lines, lambda some: list(some) == lines) == ('a', 'b', 'c')


def test_shortening_ends_when_its_time_is_over():
    times = iter(range(100))
    lines = [str(each) for each in range(64)]
    found = minimise.minimise(
        lines, lambda some: '5' in some, patience=6.0, clock=lambda: next(times)
    )
    assert '5' in found
    assert 1 < len(found) < 64


def test_differences_name_what_is_missing_and_what_is_too_much():
    assert endstate.differences({'a': '1', 'b': '2'}, {'b': '2', 'c': '3'}) == [
        'a: (nothing) instead of 1',
        'c: 3 instead of (nothing)',
    ]


def test_a_script_that_is_not_there_is_said_to_be(tmp_path):
    with pytest.raises(errors.InputError, match=r'night\.txt: cannot be read'):
        vigil.read(tmp_path / 'night.txt')


@pytest.fixture
def fake():
    service: Any = {'override': 'replace', 'command': 'main', 'startup': 'enabled'}
    with pebble.PebbleFake() as fake:
        fake.add_layer('main', {'services': {'main': service}})
        fake.replan()
        yield fake


def stop(weather, unit, fake):
    with weather.surround(unit, fake, 'stop_services'):
        fake.stop('main')


def test_nothing_happens_to_calls_of_pebble_without_trouble(weather, unit, fake):
    weather.add(storm.Trouble('plex', storm.Target.ANY, storm.Way.KILL_BEFORE))
    stop(weather, unit, fake)
    assert (fake.running(), fake.services.terminating()) == ([], [])


def test_a_hook_is_killed_between_any_two_calls_of_pebble(weather, unit, fake):
    weather.add(storm.Trouble('plex', storm.Target.PEBBLE, storm.Way.KILL_AFTER, skip=1))
    with weather.surround(unit, fake, 'get_plan'):
        pass
    with pytest.raises(PodKilled):
        stop(weather, unit, fake)
    assert (weather.killed, weather.graceless) == (1, True)
    assert fake.services.terminating() == ['main']


@pytest.mark.parametrize(
    ('way', 'terminating'), [(storm.Way.AGENT_BEFORE, []), (storm.Way.AGENT_AFTER, ['main'])]
)
def test_the_agent_dies_alone_before_or_after_its_call(weather, unit, fake, way, terminating):
    weather.add(storm.Trouble('plex', storm.Target.PEBBLE, way))
    with pytest.raises(AgentKilled):
        stop(weather, unit, fake)
    assert fake.services.terminating() == terminating
    assert not weather.graceless


@pytest.mark.parametrize(
    ('way', 'error', 'terminating'),
    [
        (storm.Way.REFUSED, ops.pebble.ConnectionError, []),
        (storm.Way.TIMEOUT, TimeoutError, []),
        (storm.Way.LOST_REPLY, http.client.RemoteDisconnected, ['main']),
    ],
)
def test_a_call_of_pebble_fails(weather, unit, fake, way, error, terminating):
    weather.add(storm.Trouble('plex', storm.Target.PEBBLE, way))
    with pytest.raises(error):
        stop(weather, unit, fake)
    assert fake.services.terminating() == terminating
    assert (weather.killed, weather.failed) == (0, 1)


def test_a_usurped_unit_gets_its_answer_of_pebble_too(weather, unit, fake):
    weather.add(storm.Trouble('plex', storm.Target.PEBBLE, storm.Way.USURP))
    stop(weather, unit, fake)
    assert fake.services.terminating() == ['main']
    assert not unit.leader
