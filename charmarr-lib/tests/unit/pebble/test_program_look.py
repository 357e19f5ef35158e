# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import pathlib
import typing
from collections.abc import Callable
from typing import Any

import ops
import pytest

from charmarr_lib import pebble

if typing.TYPE_CHECKING:
    from conftest import Pod

LAYER: Any = {
    'checks': {
        'up': {
            'override': 'replace',
            'period': '10s',
            'threshold': 3,
            'http': {'url': 'http://localhost:1/'},
        }
    }
}


def program(act: Callable[[pebble.Program], Any]) -> Callable[[ops.Container], Any]:
    return lambda container: act(pebble.Program(container, 'plex'))


def test_mounts_are_those_of_this_container(pod: Pod):
    assert '/config' in pod.run(program(lambda each: each.mounts()))


def test_an_entry_has_owner_and_mode(pod: Pod, volume: pathlib.Path):
    (volume / 'file').write_text('text')
    (volume / 'file').chmod(0o640)
    pod.fake.files.change_owner('/config/file', (1000, 1001), recursive=False)
    found = pod.run(program(lambda each: each.entry('/config/file')))
    assert found == pebble.Entry(size=4, permissions=0o640, user_id=1000, group_id=1001)


def test_a_folder_has_an_entry_of_its_own(pod: Pod):
    found = pod.run(program(lambda each: each.entry('/config')))
    assert (found.size, found.user_id) == (0, 0)


def test_what_is_not_there_has_none(pod: Pod):
    assert pod.run(program(lambda each: each.entry('/config/nothing'))) is None


def test_failures_are_counted(pod: Pod):
    assert pod.run(program(lambda each: each.failures('up'))) == 0
    pod.fake.add_layer('checks', LAYER)
    for _ in range(4):
        pod.fake.tick()
    assert pod.run(program(lambda each: each.failures('up'))) == 4


@pytest.mark.parametrize('method', ['mounts', 'entry', 'failures'])
def test_a_container_that_has_gone_is_one_error(
    pod: Pod, method: str, monkeypatch: pytest.MonkeyPatch
):
    def gone(*arguments: Any, **options: Any) -> Any:
        raise ops.pebble.ConnectionError('no such socket')

    for each in ('pull', 'list_files', 'get_checks'):
        monkeypatch.setattr(ops.Container, each, gone)
    arguments = () if method == 'mounts' else ('/config',)

    def act(each: pebble.Program) -> str:
        with pytest.raises(pebble.Disconnected) as raised:
            getattr(each, method)(*arguments)
        return str(raised.value)

    assert pod.run(program(act)) == 'waiting for Pebble'
