# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import pathlib
from typing import Any

import ops
import pytest
from ops import pebble

from charmarr_lib import pebble as helpers
from charmarr_lib.testing.pebble import Owners, PebbleFake, UnexpectedCommand


def test_a_pushed_file_has_the_owner_and_mode_it_was_given(act: Any):
    def use(container: ops.Container):
        container.push('/d/f', 'text', make_dirs=True, permissions=0o600, user_id=7, group_id=8)
        (info,) = container.list_files('/d/f')
        assert (info.user_id, info.group_id, info.permissions) == (7, 8, 0o600)
        (folder,) = container.list_files('/d', itself=True)
        assert (folder.user_id, folder.type) == (7, pebble.FileType.DIRECTORY)
        assert container.pull('/d/f').read() == 'text'

    act(use)


def test_an_owner_may_be_named_as_the_image_names_it(act: Any):
    def use(container: ops.Container):
        container.push('/f', b'', user='abc', group_id=911)
        (info,) = container.list_files('/f')
        assert (info.user, info.user_id, info.group) == ('abc', 911, None)
        with pytest.raises(pebble.PathError, match='unknown user nobody'):
            container.push('/f', b'', user='nobody', group_id=0)

    act(use)


def test_files_outlive_a_hook_and_not_the_container(act: Any, program: Any, fake: PebbleFake):
    act(lambda container: container.push('/f', 'text'))
    act(lambda container: container.pull('/f').read())
    with PebbleFake(program) as next_boot, pytest.raises(pebble.PathError):
        next_boot.files.read('/f')


def test_a_mounted_folder_and_its_owners_outlive_the_container(tmp_path: pathlib.Path):
    owners = Owners()
    with PebbleFake(mounts={'/config': tmp_path}, owners=owners) as first:
        first.files.write('/config/f', b'x', mode=None, owner=(7, 8), parents=False)
    with PebbleFake(mounts={'/config': tmp_path}, owners=owners) as second:
        assert second.files.read('/config/f') == b'x'
        assert second.files.owner('/config/f') == (7, 8)
        assert second.files.owner('/config') == (0, 0)


def test_one_volume_can_be_mounted_inside_another(tmp_path: pathlib.Path):
    outer, inner = tmp_path / 'outer', tmp_path / 'inner'
    outer.mkdir()
    inner.mkdir()
    mounts = {'/config': outer, '/config/cache': inner}
    for _ in range(2):
        with PebbleFake(mounts=mounts) as fake:
            fake.files.write('/config/cache/f', b'x', mode=None, owner=None, parents=False)
            assert (fake.root / 'config' / 'cache' / 'f').read_bytes() == b'x'
            assert (inner / 'f').is_file()
    assert list(outer.rglob('*')) == [outer / 'cache']
    assert not (outer / 'cache').is_symlink()


def test_the_mount_table_tells_what_is_mounted(tmp_path: pathlib.Path, program: Any):
    with PebbleFake(program, mounts={'/data': tmp_path, '/a b': tmp_path}) as fake:
        table = fake.files.read('/proc/self/mountinfo').decode()
    assert [line.split()[4] for line in table.splitlines()] == ['/', '/a\\040b', '/data']


def test_nothing_is_written_below_a_read_only_mount(tmp_path: pathlib.Path):
    with PebbleFake(mounts={'/data': tmp_path}, read_only={'/data'}) as fake:
        with pytest.raises(pebble.PathError, match='read-only'):
            fake.files.write('/data/f', b'', mode=None, owner=None, parents=False)
        ran = fake.execute(['chown', '1:1', '/data'], environment={}, user_id=None)
    assert ran.exit_code == 1


def test_a_device_shows_the_group_that_may_use_it():
    with PebbleFake(devices={'/dev/dri/renderD128': 109}) as fake:
        (info,) = fake.files.listing('/dev/dri', pattern=None, itself=False)
        ran = fake.execute(
            ['stat', '-c', '%g', '/dev/dri/renderD128'], environment={}, user_id=None
        )
    assert (info.type, info.group_id, ran.stdout) == (pebble.FileType.DEVICE, 109, '109\n')


@pytest.mark.parametrize(
    ('path', 'message'),
    [
        pytest.param('/missing', 'no such file', id='missing'),
        pytest.param('/etc', 'regular file', id='folder'),
        pytest.param('etc/passwd', 'absolute', id='relative'),
        pytest.param('/etc/passwd/x', 'no such file', id='below a file'),
    ],
)
def test_reading_fails_as_in_pebble(fake: PebbleFake, path: str, message: str):
    with pytest.raises(pebble.PathError, match=message):
        fake.files.read(path)


def test_no_path_leads_out_of_the_container(fake: PebbleFake):
    assert fake.files.host('/../../etc/passwd') == fake.root / 'etc' / 'passwd'


def test_chown_reaches_what_it_is_told_to(fake: PebbleFake):
    files = fake.files
    files.write('/d/a/f', b'', mode=None, owner=(1, 1), parents=True)
    fake.execute(['chown', '2:3', '/d'], environment={}, user_id=None)
    assert (files.owner('/d'), files.owner('/d/a/f')) == ((2, 3), (1, 1))
    fake.execute(['chown', '-R', '4:5', '/d'], environment={}, user_id=None)
    assert files.owner('/d/a/f') == (4, 5)
    denied = fake.execute(['chown', '0:0', '/d'], environment={}, user_id=1000)
    assert (denied.exit_code, files.owner('/d')) == (1, (4, 5))


def test_the_library_fixes_an_owner_once(act: Any, fake: PebbleFake):
    fake.files.write('/d/f', b'', mode=None, owner=None, parents=True)
    changed = []
    act(lambda container: changed.append(helpers.ensure_owner(container, '/d', 5, 6)))
    act(lambda container: changed.append(helpers.ensure_owner(container, '/d', 5, 6)))
    assert (changed, fake.files.owner('/d/f')) == ([True, False], (5, 6))


@pytest.mark.parametrize(
    ('command', 'exit_code', 'output'),
    [
        pytest.param(['true'], 0, '', id='true'),
        pytest.param(['/bin/test', '-d', '/etc'], 0, '', id='test'),
        pytest.param(['test', '-f', '/etc'], 1, '', id='test fails'),
        pytest.param(['cat', '/f'], 0, 'text', id='cat'),
        pytest.param(['cat', '/missing'], 1, '', id='cat fails'),
        pytest.param(['stat', '-c', '%u:%g %a', '/f'], 0, '1:2 640\n', id='stat'),
        pytest.param(['stat', '-c', '%u', '/missing'], 1, '', id='stat fails'),
        pytest.param(['find', '/f'], 0, '/f\n', id='find'),
        pytest.param(['program', '--version'], 0, '1.0\n', id='the image'),
        pytest.param(['ffmpeg'], 127, '', id='unknown'),
    ],
)
def test_commands(fake: PebbleFake, command: list[str], exit_code: int, output: str):
    fake.files.write('/f', b'text', mode=0o640, owner=(1, 2), parents=False)
    ran = fake.execute(command, environment={}, user_id=None)
    assert (ran.exit_code, ran.stdout) == (exit_code, output)
    assert fake.executed[-1].command == tuple(command)


def test_folders_are_made_and_removed_by_command(fake: PebbleFake):
    for command in (
        ['install', '-d', '-o', '3', '-g', '4', '-m', '700', '/a/b'],
        ['mkdir', '-p', '/a/c/d'],
        ['rm', '-rf', '/a/c', '/missing'],
    ):
        assert fake.execute(command, environment={}, user_id=None).exit_code == 0
    (info,) = fake.files.listing('/a', pattern=None, itself=False)
    assert (info.path, info.user_id, info.permissions) == ('/a/b', 3, 0o700)


def test_an_option_that_is_not_modelled_is_the_tests_failure(fake: PebbleFake):
    with pytest.raises(UnexpectedCommand, match='--reference'):
        fake.execute(['chown', '--reference=/a', '/b'], environment={}, user_id=None)
