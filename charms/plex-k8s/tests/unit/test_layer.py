# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import pathlib
import shlex
import shutil
import stat
import subprocess
from typing import Any

import pytest
from ops import pebble

import plex_layer


def service(device_groups: tuple[int, ...] = ()) -> dict[str, Any]:
    launch = plex_layer.Launch(1000, 1001, device_groups)
    return plex_layer.layer(launch)['services']['plex']


def test_pebble_takes_the_layer():
    layer = plex_layer.layer(plex_layer.Launch(1000, 1000))
    assert pebble.Layer(layer).to_dict() == layer  # pyright: ignore[reportArgumentType] -- a plain dict, as YAML gives it


def test_plex_has_time_to_close_its_database():
    assert service()['kill-delay'] == '120s'


def test_the_readiness_check_asks_for_the_identity():
    checks = plex_layer.layer(plex_layer.Launch(1000, 1000))['checks']
    assert checks['plex-ready'] == {
        'override': 'replace',
        'level': 'ready',
        'http': {'url': 'http://localhost:32400/identity'},
        'period': '10s',
        'timeout': '3s',
        'threshold': 3,
    }


def test_no_check_makes_kubernetes_or_pebble_restart_plex():
    layer = plex_layer.layer(plex_layer.Launch(1000, 1000))
    assert {each.get('level') for each in layer['checks'].values()} == {'ready', None}
    assert 'on-check-failure' not in layer['services']['plex']


def test_runs_with_the_groups_of_the_device_once_each():
    environment = service(device_groups=(44, 109, 1001))['environment']
    assert environment['RUN_GROUPS'] == '1001,44,109'


@pytest.mark.parametrize(
    ('devices', 'groups'),
    [
        ([], ()),
        ([('renderD128', 109, 0o660), ('card0', 44, 0o660)], (44, 109)),
        ([('renderD128', 0, 0o660)], (0,)),
        ([('renderD128', 992, 0o666)], ()),
    ],
    ids=['none', 'two groups', 'given to root', 'open to everybody'],
)
def test_groups_that_open_the_device(devices: list[tuple[str, int, int]], groups: tuple[int, ...]):
    found = [plex_layer.Device(*each) for each in devices]
    assert plex_layer.device_groups(found) == groups


@pytest.mark.parametrize('path', ['/data', '/media', '/config-of-others', '/mnt/data', '/srv'])
def test_an_ordinary_mount_path_hides_nothing(path: str):
    assert plex_layer.hides(path) is None


@pytest.fixture
def sandbox(tmp_path: pathlib.Path) -> pathlib.Path:
    """Programs that say how they were called, in place of setpriv and chown's privileges."""
    programs = tmp_path / 'bin'
    programs.mkdir()
    for name in ('setpriv', 'install'):
        program = programs / name
        program.write_text(f'#!/bin/sh\nfor each in {name} "$@"; do echo "$each"; done\n')
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return tmp_path


@pytest.mark.skipif(shutil.which('bash') is None, reason='needs bash, as the image has it')
def test_the_wrapper_does_what_it_should_in_a_real_shell(sandbox: pathlib.Path):
    plan = service(device_groups=(109,))
    support = sandbox / 'Application Support'
    pid_file = support / 'Plex Media Server' / 'plexmediaserver.pid'
    pid_file.parent.mkdir(parents=True)
    pid_file.write_text('17')
    environment = plan['environment'] | {
        'PATH': f'{sandbox}/bin:/usr/bin:/bin',
        'HOME': str(sandbox),
        'PLEX_MEDIA_SERVER_APPLICATION_SUPPORT_DIR': str(support),
    }
    bash, *arguments = shlex.split(plan['command'])
    assert bash == '/bin/bash'
    ran = subprocess.run(  # noqa: S603  # the charm's own script
        [str(shutil.which('bash')), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert not pid_file.exists()
    assert ran.stdout.splitlines() == [
        *('install', '-d', '-o', '1000', '-g', '1001'),
        *('/run/plex-temp', f'{sandbox}/Library', str(support)),
        *('setpriv', '--reuid=1000', '--regid=1001', '--groups=1001,109'),
        '/usr/lib/plexmediaserver/Plex Media Server',
    ]
