# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import time

import ops
import pytest

from charmarr_lib import pebble

PEBBLES_OWN_DELAY = 5.0  # seconds from SIGTERM to SIGKILL where a service does not say


def test_takes_sigterm_and_as_long_as_it_needs(app):
    app.daemon.room.behave(ends_after=PEBBLES_OWN_DELAY + 1.5)
    pid = app.start()['pid']
    assert app.stop() is True
    told = [each for each in app.daemon.room.all_told() if each['event'] in ('signal', 'ended')]
    assert told == [
        {'event': 'signal', 'signal': 'SIGTERM', 'pid': pid},
        {'event': 'ended', 'pid': pid},
    ]


def test_waits_longer_for_plex_than_ops_does_by_itself(plex):
    plex.daemon.room.behave(ends_after=31)
    plex.start()
    assert plex.stop() is True
    plex.daemon.room.wait_for('ended', patience=1)


def test_a_restart_waits_as_long_as_a_stop(plex):
    plex.daemon.room.behave(ends_after=31)
    first = plex.start()
    assert plex.replan('Europe/Berlin') is True
    told = [(each['event'], each['pid']) for each in plex.daemon.room.all_told()]
    assert ('ended', first['pid']) in told
    assert plex.container.get_service(plex.service).is_running()


def test_what_ignores_sigterm_is_killed_when_the_delay_is_over(seerr):
    seerr.daemon.room.behave(stubborn=True)
    pid = seerr.start()['pid']
    before = time.monotonic()
    seerr.stop()
    assert 20 <= time.monotonic() - before < 26
    assert 'ended' not in [each['event'] for each in seerr.daemon.room.all_told()]
    with pytest.raises(ops.pebble.PathError):
        seerr.daemon.status_of(pid)


def test_what_does_not_run_need_not_be_stopped(app):
    app.start()
    app.stop()
    assert app.stop() is False
    assert app.daemon.current(app.service) == 'inactive'


@pytest.fixture
def leaving(app):
    """A program that takes three seconds to end, as a hook leaves it that is killed meanwhile."""
    app.daemon.room.behave(ends_after=3)
    pid = app.start()['pid']
    app.container.pebble.stop_services([app.service], timeout=0)
    app.daemon.room.wait_for('signal', signal='SIGTERM')
    assert app.daemon.status_of(pid)['State'][0] in 'RS'
    return app


def test_what_is_still_ending_counts_as_stopped_but_cannot_be_started(leaving):
    assert pebble.is_running(leaving.container, leaving.service) is False
    with pytest.raises(ops.pebble.ChangeError, match='while terminating'):
        leaving.container.pebble.start_services([leaving.service])


def test_what_is_still_ending_is_not_waited_for_by_pebble_but_by_us(leaving):
    before = time.monotonic()
    leaving.container.pebble.stop_services([leaving.service])
    assert time.monotonic() - before < 2
    leaving.stop()
    leaving.daemon.room.wait_for('ended', patience=0)


def test_what_is_still_ending_is_started_once_it_is_gone(leaving):
    assert leaving.replan() is True
    told = [each['event'] for each in leaving.daemon.room.all_told()]
    assert told.index('ended') < len(told) - 1 - told[::-1].index('started')
    assert pebble.is_running(leaving.container, leaving.service)
