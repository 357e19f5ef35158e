# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import pathlib
import re
import shlex
import stat
import subprocess

import pytest

from . import apps, daemons, rooms

UID, GID = apps.LAUNCH.user_id, apps.LAUNCH.group_id
PID_FILE = f'{apps.plex_layer.SUPPORT}/Plex Media Server/plexmediaserver.pid'
WITH_DEVICE = apps.plex_layer.Launch(UID, GID, (rooms.RENDER_GROUP,))


def identity(status):
    return status['Uid'], status['Gid'], status['Groups'], int(status['CapEff'], 16)


def four(number):
    return ' '.join([str(number)] * 4)


def test_plex_has_its_user_and_groups_and_no_power(plex):
    status = plex.daemon.status_of(plex.start()['pid'])
    assert identity(status) == (four(UID), four(GID), str(GID), 0)
    assert status['Name'] == 'Plex Media Serv'  # 15 characters is all that the kernel keeps


def test_plex_has_the_group_of_the_device(plex_daemon):
    plex_daemon.room.behave(open=[rooms.RENDER_NODE])
    started = apps.plex(plex_daemon, WITH_DEVICE).start()
    status = plex_daemon.status_of(started['pid'])
    assert sorted(status['Groups'].split(), key=int) == [str(rooms.RENDER_GROUP), str(GID)]
    assert started['opened'] == {rooms.RENDER_NODE: True}


def test_without_the_group_the_device_stays_shut(plex):
    plex.daemon.room.behave(open=[rooms.RENDER_NODE])
    assert plex.start()['opened'] == {rooms.RENDER_NODE: False}


def test_the_charm_sees_the_group_of_the_device(plex_daemon):
    found = plex_daemon.container.list_files(apps.plex_layer.DEVICES)
    devices = [apps.plex_layer.Device(f.name, f.group_id, f.permissions) for f in found]
    assert apps.plex_layer.device_groups(devices) == (rooms.RENDER_GROUP,)


def test_seerr_has_its_user_and_no_further_group(seerr):
    status = seerr.daemon.status_of(seerr.start()['pid'])
    assert identity(status) == (four(1000), four(1000), '', 0)


def test_pebble_itself_is_process_1_and_root(app):
    app.start()
    assert identity(app.daemon.status_of(1))[:2] == (four(0), four(0))


def test_the_wrapper_takes_a_stale_pid_file_away(plex):
    plex.container.push(PID_FILE, '17', make_dirs=True)
    plex.start()
    assert not plex.container.exists(PID_FILE)


# The rest needs no Pebble: the wrapper as process 1 of the same room.


@pytest.fixture
def wrapper(plex_room, tmp_path):
    """Run Plex's command as Pebble would, but for Pebble."""
    service = apps.plex_layer.layer(WITH_DEVICE)['services']['plex']
    plex_room.outside('/config').chmod(0o755)
    plex_room.behave(open=[rooms.RENDER_NODE])
    command = shlex.split(service['command'])
    log = tmp_path / 'log'
    with plex_room.run(command, service['environment'], log) as process:
        yield process, plex_room, log


def process_1(outer: subprocess.Popen[bytes]) -> pathlib.Path:
    """Return the folder in /proc of what a namespace has as process 1."""
    children = pathlib.Path(f'/proc/{outer.pid}/task/{outer.pid}/children').read_text()
    return pathlib.Path('/proc', children.strip())


def test_the_wrapper_becomes_plex_and_nothing_more(wrapper):
    process, room, _ = wrapper
    started = room.wait_for('listening')
    status = daemons.parse_status((process_1(process) / 'status').read_text())
    assert started['pid'] == 1
    assert identity(status) == (four(UID), four(GID), f'{rooms.RENDER_GROUP} {GID}', 0)


def test_the_wrapper_opens_the_device_and_sets_the_umask(wrapper):
    started = wrapper[1].wait_for('started')
    assert (started['opened'], started['umask']) == ({rooms.RENDER_NODE: True}, 0o022)
    assert started['arguments'] == [rooms.PLEX]


def test_the_wrapper_makes_the_folders_that_plex_writes_to(wrapper):
    wrapper[1].wait_for('started')
    for path in ('/run/plex-temp', '/config/Library', apps.plex_layer.SUPPORT):
        made = wrapper[1].outside(path).stat()
        assert (made.st_uid, made.st_gid, stat.S_IMODE(made.st_mode)) == (UID, GID, 0o755), path


def test_a_room_shows_nothing_of_itself_outside(wrapper):
    _, room, log = wrapper
    room.wait_for('started')
    mounts = pathlib.Path('/proc/self/mountinfo').read_text()
    assert not re.search(re.escape(str(room.root)), mounts)
    assert log.read_text() == ''
