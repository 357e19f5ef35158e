# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A fault at every request, to Seerr, to a media server and to Pebble: no hook fails for it."""

import contextlib
import pkgutil

import httpx2
import pytest
from ops import pebble, testing

from charmarr_lib.testing.seerr import Mood
from charmarr_lib.testing.workload import CannotStart

NEW_HOST = 'plex.other.svc.cluster.local'


def refuse(request, handler):
    raise httpx2.ConnectError('[Errno 111] Connection refused', request=request)


def time_out(request, handler):
    raise httpx2.ReadTimeout('The read operation timed out', request=request)


def lose_the_answer(request, handler):
    handler(request)
    raise httpx2.ReadTimeout('The read operation timed out', request=request)


def break_down(request, handler):
    return httpx2.Response(500, text='<html>Internal Server Error</html>')


def garble(request, handler):
    return httpx2.Response(200, text='<!DOCTYPE html>')


def answer_a_list(request, handler):
    return httpx2.Response(200, json=[1, None])


def forbid(request, handler):
    return httpx2.Response(403, json={'status': 403, 'error': 'no'})


def drop_the_line(request, handler):
    raise httpx2.RemoteProtocolError('Server disconnected', request=request)


FAULTS = [
    refuse,
    time_out,
    lose_the_answer,
    break_down,
    garble,
    answer_a_list,
    forbid,
    drop_the_line,
]


@pytest.fixture
def moved(unit):
    """A unit whose Plex has moved, and whose URL has changed."""
    unit.set_up_with_plex()
    unit.unrelate('media-server')
    unit.wire.hosts[NEW_HOST, 32400] = unit.plex
    unit.relate(url=f'http://{NEW_HOST}:32400')
    unit.wire.sent.clear()
    return unit


@pytest.mark.parametrize('fault', FAULTS)
@pytest.mark.parametrize('nth', [1, 2, 3])
def test_following_a_media_server_survives(moved, fault, nth):
    moved.seerr.settings['network']['trustProxy'] = True
    moved.seerr.save()
    moved.configure(external_url='https://requests.example.com')
    moved.wire.break_at, moved.wire.fault = nth, fault
    moved.run()
    assert len(moved.wire.sent) >= nth
    assert moved.status[0] in ('active', 'waiting', 'blocked')
    assert moved.pod.running() == ['seerr']
    moved.seerr.save()
    assert moved.settings()['plex']['ip'] in (NEW_HOST, 'plex.media.svc.cluster.local')
    moved.wire.fault = None
    moved.run(moved.context.on.update_status())
    assert moved.settings()['plex']['ip'] == NEW_HOST
    assert moved.settings()['main']['applicationUrl'] == 'https://requests.example.com'
    assert moved.status[0] == 'active'


@pytest.mark.parametrize('fault', FAULTS)
@pytest.mark.parametrize('nth', range(1, 13))
def test_the_set_up_survives_and_can_be_repeated(unit, fault, nth):
    unit.relate_jellyfin()
    unit.deploy()
    unit.wire.sent.clear()
    unit.wire.break_at, unit.wire.fault = nth, fault
    credentials = unit.secret(username='root', password='correct horse')
    with contextlib.suppress(testing.ActionFailed):
        unit.act('setup-jellyfin', credentials=credentials)
    unit.wire.fault = None
    unit.act('setup-jellyfin', credentials=credentials)
    settings = unit.seerr.settings
    assert settings['public']['initialized'] is True
    assert settings['jellyfin']['ip'] == 'jellyfin.media.svc.cluster.local'
    assert len(unit.seerr.state.users) == 1
    assert unit.status == ('active', '')


@pytest.mark.parametrize('mood', [Mood.BROKEN, Mood.HANGING, Mood.GARBLED])
def test_a_seerr_in_a_bad_mood_is_no_hook_error(moved, mood):
    moved.seerr.mood = mood
    moved.run()
    assert moved.status[0] in ('waiting', 'blocked')
    moved.seerr.mood = Mood.WELL
    moved.run()
    assert moved.settings()['plex']['ip'] == NEW_HOST


def test_a_seerr_that_hangs_is_said_to_be_down(unit):
    unit.set_up_with_plex()
    unit.seerr.mood = Mood.HANGING
    for _ in range(3):
        unit.pod.tick()
    unit.run(unit.context.on.update_status())
    assert unit.status == ('waiting', 'Seerr runs but does not answer yet')
    unit.seerr.mood = Mood.WELL
    unit.pod.tick()
    unit.run(unit.context.on.update_status())
    assert unit.status == ('active', '')


def test_a_seerr_that_dies_at_once_is_no_hook_error(unit, monkeypatch):
    def die(launch):
        raise CannotStart('Segmentation fault')

    monkeypatch.setattr(unit.seerr, 'start', die)
    unit.deploy()
    assert unit.status == ('waiting', 'seerr does not stay up: look at its log')


@pytest.mark.parametrize('nth', range(1, 24))
@pytest.mark.parametrize('stage', ['first start', 'moved'])
def test_a_pebble_that_goes_away_in_the_middle_is_no_hook_error(unit, monkeypatch, nth, stage):
    if stage == 'moved':
        unit.set_up_with_plex()
    unit.relate_ingress()
    unit.relate()
    count = []
    # Every request of a charm to Pebble begins with this.
    seam = 'charmarr_lib.testing._pebble_client.PebbleClient._connect'
    connect = pkgutil.resolve_name(seam)

    def drop(client):
        count.append(nth)
        if len(count) >= nth:
            raise pebble.ConnectionError('socket not found')
        connect(client)

    with monkeypatch.context() as patch:
        patch.setattr(seam, drop)
        unit.run()
        assert unit.status[0] in ('waiting', 'active')
    unit.run(unit.context.on.update_status())
    unit.run(unit.context.on.update_status())
    assert unit.status[0] == 'active'
    assert unit.pod.running() == ['seerr']
    assert unit.settings()['plex']['ip'] == 'plex.media.svc.cluster.local'
    assert unit.settings()['main']['applicationUrl'] == 'http://requests.example.com'
    assert unit.api_key == unit.settings()['main']['apiKey']
