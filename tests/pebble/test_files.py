# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import os
import stat

import pytest

from charmarr_lib import pebble

from . import apps


def seen(path):
    """Return owner, group and mode of a path of this machine, not following links."""
    found = path.lstat()
    return found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)


def test_the_mount_table_can_be_read_though_its_size_is_0(plex_daemon):
    (table,) = plex_daemon.container.list_files('/proc/self/mountinfo')
    assert table.size == 0
    found = pebble.mounts(plex_daemon.container)
    assert {'/proc', '/config', '/my data'} <= found
    assert '/transcode' not in found


def test_sees_which_volumes_are_really_there(plex_daemon):
    assert pebble.is_mounted(plex_daemon.container, '/config') is True
    assert pebble.is_mounted(plex_daemon.container, '/my data') is True
    assert pebble.is_mounted(plex_daemon.container, '/etc') is False


def test_a_written_file_has_its_owner_and_mode_and_leaves_no_other_behind(app):
    program = pebble.Program(app.container, app.service)
    folder = app.daemon.room.outside(app.volume)
    program.write(f'{app.volume}/sub/file', b'\x00\xff', (1000, 1001), 0o600)
    program.write(f'{app.volume}/sub/file', b'new', (1000, 1001), 0o640)
    assert (folder / 'sub/file').read_bytes() == b'new'
    assert seen(folder / 'sub/file') == (1000, 1001, 0o640)
    assert seen(folder / 'sub') == (1000, 1001, 0o755)
    assert os.listdir(folder / 'sub') == ['file']


def test_a_write_does_not_touch_what_a_reader_has_open(app):
    program = pebble.Program(app.container, app.service)
    program.write(f'{app.volume}/file', b'old', (0, 0), 0o600)
    with app.daemon.room.outside(f'{app.volume}/file').open('rb') as reader:
        program.write(f'{app.volume}/file', b'new', (0, 0), 0o600)
        assert reader.read() == b'old'


def test_what_is_written_is_read_back(app):
    program = pebble.Program(app.container, app.service)
    content = bytes(range(256)) * 5000
    program.write(f'{app.volume}/a file', content, (0, 0), 0o600)
    assert program.read(f'{app.volume}/a file') == content
    assert program.read(f'{app.volume}/no file') is None
    assert program.entries(f'{app.volume}/no folder') == {}
    assert program.entries(app.volume)['a file'] == pebble.Entry(len(content), 0o600, 0, 0)


@pytest.fixture
def tree(app):
    """A folder of a volume with files of several owners, and a link that leads out of it."""
    top = app.daemon.room.outside(app.volume) / 'tree'
    (top / 'deep/er').mkdir(parents=True)
    (top / 'deep/a file').write_text('x')
    os.chown(top / 'deep/a file', 33, 33)
    (top / 'link').symlink_to('/etc/passwd')
    return top


def test_gives_a_tree_away_but_not_what_links_lead_to(app, tree):
    assert pebble.ensure_owner(app.container, f'{app.volume}/tree', 1000, 1001) is True
    assert {seen(each)[:2] for each in (tree, *tree.rglob('*'))} == {(1000, 1001)}
    assert seen(app.daemon.room.outside('/etc/passwd'))[:2] == (0, 0)


def test_a_tree_whose_top_is_right_is_left_alone(app, tree):
    os.chown(tree, 1000, 1001)
    assert pebble.ensure_owner(app.container, f'{app.volume}/tree', 1000, 1001) is False
    assert seen(tree / 'deep/a file')[:2] == (33, 33)


def test_an_empty_folder_can_be_given_away(app):
    assert pebble.ensure_owner(app.container, app.volume, 1000, 1001) is True
    assert pebble.ensure_owner(app.container, app.volume, 1000, 1001) is False
    assert seen(app.daemon.room.outside(app.volume))[:2] == (1000, 1001)


def test_what_the_charm_writes_can_be_read_by_its_workload_alone(app):
    app.prepare()
    owner = seen(app.daemon.room.outside(app.volume))[:2]
    assert seen(app.daemon.room.outside(app.secret_file)) == (*owner, 0o600)
    assert owner != (0, 0)


def test_a_folder_that_there_is_not_cannot_be_given_away(app):
    with pytest.raises(pebble.NotDone, match='no such file'):
        pebble.Program(app.container, app.service).give('/nowhere', (1, 1))


def test_plex_keeps_its_preferences_through_a_restart(plex):
    plex.start()
    plex.stop()
    plex.replan()
    with plex.container.pull(plex.secret_file) as file:
        assert file.read() == apps.PREFERENCES
