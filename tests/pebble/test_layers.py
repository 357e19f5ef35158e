# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import ops

from .daemons import eventually


def test_pebble_accepts_the_layer_and_runs_what_it_says(app):
    app.start()
    assert app.container.get_service(app.service).is_running()


def test_the_workload_gets_its_environment_and_its_folder(app):
    started = app.start()
    wanted = app.layer('Etc/UTC')['services'][app.service]
    assert wanted['environment'].items() <= started['environment'].items()
    assert started['folder'] == wanted.get('working-dir', '/')


def test_becomes_healthy(app):
    app.start()
    app.daemon.room.wait_for('asked', status=200)
    eventually(lambda: bool(app.container.get_check(app.check).successes))
    info = app.container.get_check(app.check)
    assert (info.status, info.failures) == (ops.pebble.CheckStatus.UP, 0)


def test_a_check_asks_for_a_path_that_the_workload_has(app):
    app.start()
    assert app.daemon.room.wait_for('asked')['status'] == 200


def test_an_ailing_plex_is_down_until_it_recovers(plex):
    plex.start()
    plex.daemon.room.behave(healthy=False)
    eventually(lambda: plex.container.get_check(plex.check).status is ops.pebble.CheckStatus.DOWN)
    plex.daemon.room.behave(healthy=True)
    eventually(lambda: plex.container.get_check(plex.check).status is ops.pebble.CheckStatus.UP)
    assert [each['event'] for each in plex.daemon.room.all_told()].count('started') == 1


def test_nothing_is_done_when_nothing_has_changed(app):
    app.start()
    before = app.container.get_plan().to_dict()
    assert app.replan() is False
    assert app.container.get_plan().to_dict() == before
    told = [each['event'] for each in app.daemon.room.all_told()]
    assert (told.count('started'), told.count('signal')) == (1, 0)


def test_a_replan_by_somebody_else_does_not_restart_either(app):
    first = app.start()
    app.container.replan()
    told = app.daemon.room.all_told()
    assert [each['pid'] for each in told if each['event'] == 'started'] == [first['pid']]


def test_a_changed_option_restarts_the_workload_once(app):
    first = app.start()
    assert app.replan('Europe/Berlin') is True
    second = app.daemon.room.wait_for('started')
    assert second['environment']['TZ'] == 'Europe/Berlin'
    told = [(each['event'], each['pid']) for each in app.daemon.room.told]
    assert told.index(('ended', first['pid'])) < told.index(('started', second['pid']))
    assert app.replan('Europe/Berlin') is False


def test_a_stopped_workload_is_started_again(app):
    app.start()
    app.stop()
    assert app.replan() is True
    app.daemon.room.wait_for('started')
