# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import ops
import pytest

from charmarr_lib import pebble

from .daemons import eventually


def test_a_crash_is_followed_by_a_restart(app):
    first = app.start()
    app.container.send_signal('SIGUSR1', app.service)
    app.daemon.room.wait_for('crashed', pid=first['pid'])
    second = app.daemon.room.wait_for('started')
    assert second['pid'] != first['pid']
    assert second['environment'] == first['environment']
    eventually(lambda: pebble.is_running(app.container, app.service))
    assert app.replan() is False


def test_a_workload_that_exits_at_once_is_an_error_with_what_it_said(app):
    app.daemon.room.behave(exit=3, says='the database is damaged')
    app.prepare()
    with pytest.raises(ops.pebble.ChangeError, match='exited quickly with code 3') as raised:
        app.replan()
    assert 'the database is damaged' in str(raised.value)
    assert 'will restart' in raised.value.err


def test_a_workload_that_exits_at_once_is_in_the_plan_and_tried_again(app):
    app.daemon.room.behave(exit=3)
    app.prepare()
    with pytest.raises(ops.pebble.ChangeError):
        app.replan()
    assert app.service in app.container.get_plan().services
    app.daemon.room.wait_for('started')
    app.daemon.room.wait_for('started')
    app.daemon.room.behave()
    app.daemon.room.wait_for('listening')
    eventually(lambda: pebble.is_running(app.container, app.service))
    assert app.replan() is False


def test_every_dispatch_says_so_as_long_as_it_exits_at_once(app):
    app.daemon.room.behave(exit=3)
    app.prepare()
    layer = app.layer('Etc/UTC')
    program = pebble.Program(app.container, app.service)
    for _ in range(2):
        with pytest.raises(pebble.Exited, match='does not stay up'):
            program.replan(layer)
        eventually(lambda: app.daemon.current(app.service) == 'backoff')


def test_what_waits_to_be_tried_again_can_be_stopped(app):
    app.daemon.room.behave(exit=3)
    app.prepare()
    with pytest.raises(ops.pebble.ChangeError):
        app.replan()
    app.container.pebble.stop_services([app.service])
    assert app.daemon.current(app.service) == 'inactive'
