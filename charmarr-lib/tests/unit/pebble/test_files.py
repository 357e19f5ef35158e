# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import io

import ops
import pytest

from charmarr_lib import pebble


def own(pod, path='/config', uid=1000, gid=1001):
    return pod.run(lambda container: pebble.ensure_owner(container, path, uid, gid))


def owner(pod, path):
    def look(container):
        info = container.list_files(path, itself=True)[0]
        return info.user_id, info.group_id

    return pod.run(look)


def test_gives_the_folder_and_all_below_it(pod, volume):
    (volume / 'Library').mkdir()
    (volume / 'Library' / 'a file').write_text('x')
    assert own(pod) is True
    assert owner(pod, '/config') == (1000, 1001)
    assert owner(pod, '/config/Library/a file') == (1000, 1001)


def test_the_right_owner_costs_no_command(pod):
    own(pod)
    before = len(pod.fake.executed)
    assert own(pod) is False
    assert len(pod.fake.executed) == before


def test_the_top_changes_owner_last(pod, volume):
    (volume / 'file').write_text('x')
    own(pod)
    *below, top = [each.command for each in pod.fake.executed]
    assert top == ('chown', '-h', '1000:1001', '/config')
    assert len(below) == 1


def test_a_folder_that_is_not_there_is_an_error_of_pebbles(pod):
    def look(container):
        with pytest.raises(ops.pebble.APIError):
            pebble.ensure_owner(container, '/nowhere', 1, 1)
        return 'looked'

    assert pod.run(look) == 'looked'


def test_sees_what_is_mounted(pod):
    assert pod.run(lambda container: pebble.is_mounted(container, '/config')) is True
    assert pod.run(lambda container: pebble.is_mounted(container, '/data')) is False
    assert pod.run(lambda container: pebble.is_mounted(container, '/conf')) is False


def test_reads_mount_points_with_spaces_and_odd_lines(pod):
    class Told(ops.Container):
        def __init__(self):
            pass

        def pull(self, path, *, encoding='utf-8'):  # pyright: ignore[reportIncompatibleMethodOverride] -- text is all that is asked for
            assert (path, encoding) == ('/proc/self/mountinfo', 'utf-8')
            return io.StringIO(
                '36 35 98:0 / / rw - overlay overlay rw\n'
                '37 36 0:5 / /my\\040data\\134x rw,noatime master:1 - nfs 10.0.0.1:/x rw\n'
                '\nshort line\n'
            )

    assert pebble.mounts(Told()) == {'/', '/my data\\x'}
