# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A real Supysonic on loopback, with generated audio.

Supysonic is a program of its own here: it is started as a process and never imported. Its programs
are looked for in ``$SUPYSONIC_BIN``, then beside this interpreter.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from typing import Any

import httpx2
import pytest

from mediahub.testing.audio import write_flac

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


@dataclasses.dataclass
class Supysonic:
    """The running server, asked without any code of ours."""

    address: str
    music: pathlib.Path
    http: httpx2.Client

    def ask(self, method: str, **params: str) -> dict[str, Any]:
        fields = {'u': USER, 'p': PASSWORD, 'v': '1.12.0', 'c': 'test', 'f': 'json'} | params
        answer = self.http.post(f'{self.address}/rest/{method}.view', data=fields)
        found: dict[str, Any] = answer.json()['subsonic-response']
        assert found['status'] == 'ok', found
        return found

    def playlists(self) -> list[dict[str, Any]]:
        return self.ask('getPlaylists')['playlists'].get('playlist', [])

    def entries(self, playlist_id: str) -> list[str]:
        found = self.ask('getPlaylist', id=playlist_id)['playlist']
        return [song['id'] for song in found.get('entry', [])]

    def songs(self) -> list[dict[str, Any]]:
        found = self.ask('search3', query='', songCount='500', artistCount='0', albumCount='0')
        return found['searchResult3'].get('song', [])


def programs() -> pathlib.Path:
    given = os.environ.get('SUPYSONIC_BIN')
    folder = pathlib.Path(given) if given else pathlib.Path(sys.executable).parent
    if not (folder / 'supysonic-server').exists():
        pytest.skip('supysonic is not installed; set SUPYSONIC_BIN to its bin folder')
    return folder


@pytest.fixture(scope='session')
def supysonic(tmp_path_factory: pytest.TempPathFactory) -> Generator[Supysonic]:
    found = programs()
    folder = tmp_path_factory.mktemp('supysonic')
    (folder / 'supysonic.conf').write_text(CONFIGURATION.format(folder=folder))
    music = folder / 'music'
    for artist in range(2):
        for album in range(2):
            for number in range(1, 4):
                tags = {
                    'ARTIST': f'Artist {artist}',
                    'ALBUM': f'Album {artist}.{album}',
                    'TITLE': f'Song {artist}.{album}.{number}',
                    'TRACKNUMBER': str(number),
                }
                write_flac(music / f'{artist}/{album}/{number}.flac', tags)

    def run(*words: str) -> None:
        subprocess.run(  # noqa: S603 - a program that the test environment holds
            [str(found / 'supysonic-cli'), *words], cwd=folder, check=True, capture_output=True
        )

    run('user', 'add', USER, '-p', PASSWORD)
    run('user', 'setroles', '-A', USER)
    run('folder', 'add', 'Music', str(music))
    with contextlib.ExitStack() as stack:
        stack.enter_context(started(folder, str(found / 'supysonic-daemon')))
        port = free_port()
        words = ('-S', 'waitress', '-h', '127.0.0.1', '-p', str(port))
        stack.enter_context(started(folder, str(found / 'supysonic-server'), *words))
        run('folder', 'scan', '--foreground', 'Music')
        client = stack.enter_context(httpx2.Client())
        server = Supysonic(f'http://127.0.0.1:{port}', music, client)
        until_it_answers(server)
        yield server


@contextlib.contextmanager
def started(folder: pathlib.Path, *words: str) -> Generator[None]:
    with (folder / f'{pathlib.Path(words[0]).name}.log').open('wb') as log:
        process = subprocess.Popen(words, cwd=folder, stdout=log, stderr=log)  # noqa: S603
        try:
            yield
        finally:
            process.terminate()
            process.wait(timeout=20)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return int(probe.getsockname()[1])


def until_it_answers(server: Supysonic) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx2.TransportError):
            server.ask('ping')
            return
    pytest.fail('supysonic does not answer')
