# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A real Supysonic on loopback, with generated audio.

Supysonic is a program of its own here: it is started as a process and never imported. Its programs
are looked for in ``$SUPYSONIC_BIN``, then beside this interpreter.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import subprocess
import sys
from collections.abc import Generator

import httpx2
import pytest

from .. import real_subsonic

USER, PASSWORD = 'alice', 'sesame-open'

CONFIGURATION = """
[base]
database_uri = sqlite:///{folder}/supysonic.db
[webapp]
cache_dir = {folder}/cache
log_level = ERROR
[daemon]
socket = {folder}/daemon.sock
run_watcher = no
"""


def programs() -> pathlib.Path:
    given = os.environ.get('SUPYSONIC_BIN')
    folder = pathlib.Path(given) if given else pathlib.Path(sys.executable).parent
    if not (folder / 'supysonic-server').exists():
        pytest.skip('supysonic is not installed; set SUPYSONIC_BIN to its bin folder')
    return folder


@pytest.fixture(scope='session')
def supysonic(tmp_path_factory: pytest.TempPathFactory) -> Generator[real_subsonic.Server]:
    found = programs()
    folder = tmp_path_factory.mktemp('supysonic')
    (folder / 'supysonic.conf').write_text(CONFIGURATION.format(folder=folder))
    music = folder / 'music'
    real_subsonic.write_music(music)

    def run(*words: str) -> None:
        subprocess.run(  # noqa: S603 - a program that the test environment holds
            [str(found / 'supysonic-cli'), *words], cwd=folder, check=True, capture_output=True
        )

    run('user', 'add', USER, '-p', PASSWORD)
    run('user', 'setroles', '-A', USER)
    run('folder', 'add', 'Music', str(music))
    with contextlib.ExitStack() as stack:
        stack.enter_context(real_subsonic.started(folder, str(found / 'supysonic-daemon')))
        port = real_subsonic.free_port()
        words = (str(found / 'supysonic-server'), '-S', 'waitress', '-h', '127.0.0.1')
        stack.enter_context(real_subsonic.started(folder, *words, '-p', str(port)))
        run('folder', 'scan', '--foreground', 'Music')
        client = stack.enter_context(httpx2.Client())
        server = real_subsonic.Server(f'http://127.0.0.1:{port}', music, USER, PASSWORD, client)
        real_subsonic.eventually(server.answers, 'supysonic to answer')
        yield server
