# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A real gonic on loopback, with the audio that Supysonic gets too.

gonic is configured by environment variables alone, and makes the user ``admin`` by itself.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator

import httpx2
import pytest

from .. import real_subsonic
from . import programs

USER = PASSWORD = 'admin'

# What was found, for the summary.
_said: list[str] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which gonic was tested against, or why none was."""
    for line in _said:
        terminalreporter.line(f'gonic: {line}')


@pytest.fixture(scope='session')
def gonic(tmp_path_factory: pytest.TempPathFactory) -> Generator[real_subsonic.Server]:
    """Found, or found missing, once a session: pytest keeps a fixture's skip too."""
    try:
        program = programs.find(os.environ)
    except programs.MissingError as missing:
        _said.append(f'skipped: {missing}')
        pytest.skip(f'no gonic: {missing}')
    except programs.WrongError as wrong:
        pytest.exit(str(wrong), returncode=pytest.ExitCode.USAGE_ERROR)
    _said.append(str(program))
    folder = tmp_path_factory.mktemp('gonic')
    places = {name: folder / name for name in ('music', 'podcast', 'playlists', 'cache')}
    for place in places.values():
        place.mkdir()
    real_subsonic.write_music(places['music'])
    port = real_subsonic.free_port()
    variables = {name: value for name, value in os.environ.items() if 'GONIC' not in name}
    variables |= {f'GONIC_{name.upper()}_PATH': str(place) for name, place in places.items()}
    variables |= {
        'GONIC_DB_PATH': str(folder / 'gonic.db'),
        'GONIC_LISTEN_ADDR': f'127.0.0.1:{port}',
    }
    with contextlib.ExitStack() as stack:
        stack.enter_context(real_subsonic.started(folder, str(program), variables=variables))
        client = stack.enter_context(httpx2.Client())
        address = f'http://127.0.0.1:{port}'
        server = real_subsonic.Server(address, places['music'], USER, PASSWORD, client)
        real_subsonic.eventually(server.answers, 'gonic to answer')
        server.scan()
        yield server
