# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Tests that take ``pebble_program`` run once for each version; without one they are skipped."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterator

import pytest

from . import apps, backends, binaries, daemons, rooms


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what needs a Pebble with each of them, and a law with the model too."""
    versions = binaries.choices(os.environ)
    if 'backend' in metafunc.fixturenames:
        metafunc.parametrize('backend', ['model', *versions], indirect=True)
    elif 'pebble_program' in metafunc.fixturenames:
        metafunc.parametrize('pebble_program', versions, indirect=True, scope='session')


_found: dict[str, pathlib.Path | binaries.MissingError] = {}


def _program(choice: str) -> pathlib.Path:
    """Find a Pebble once in a session: what cannot be had is not asked for again."""
    if choice not in _found:
        try:
            _found[choice] = binaries.find(choice, os.environ)
        except binaries.MissingError as missing:
            _found[choice] = missing
        except binaries.WrongError as wrong:
            pytest.exit(str(wrong), returncode=pytest.ExitCode.USAGE_ERROR)
    found = _found[choice]
    if isinstance(found, binaries.MissingError):
        pytest.skip(f'no Pebble {choice}: {found}')
    return found


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which Pebbles were tested against, and why not the others."""
    for choice, found in _found.items():
        missing = isinstance(found, binaries.MissingError)
        terminalreporter.line(f'Pebble {choice}: {"skipped: " if missing else ""}{found}')


@pytest.fixture(scope='session')
def pebble_program(request: pytest.FixtureRequest) -> pathlib.Path:
    """The Pebble to test against."""
    return _program(request.param)


@pytest.fixture(scope='session')
def room_permit() -> None:
    """Skip where no rooms can be made."""
    try:
        rooms.check()
    except rooms.NotPermittedError as refused:
        pytest.skip(str(refused))


@pytest.fixture
def plex_room(room_permit: None) -> Iterator[rooms.Room]:
    """A container with Plex's image and storage."""
    with rooms.room('/config', '/my data') as made:
        yield made


@pytest.fixture
def seerr_room(room_permit: None) -> Iterator[rooms.Room]:
    """A container with Seerr's image and storage."""
    with rooms.room('/app/config') as made:
        yield made


@pytest.fixture
def plex_daemon(pebble_program: pathlib.Path, plex_room: rooms.Room) -> Iterator[daemons.Daemon]:
    """Pebble in Plex's container."""
    with daemons.daemon(plex_room, pebble_program) as running:
        yield running


@pytest.fixture
def plex(plex_daemon: daemons.Daemon) -> apps.App:
    """Plex, not yet started."""
    return apps.plex(plex_daemon)


@pytest.fixture
def seerr(pebble_program: pathlib.Path, seerr_room: rooms.Room) -> Iterator[apps.App]:
    """Seerr, not yet started."""
    with daemons.daemon(seerr_room, pebble_program) as running:
        yield apps.seerr_app(running)


@pytest.fixture(params=['plex', 'seerr'])
def app(request: pytest.FixtureRequest, pebble_program: pathlib.Path) -> apps.App:
    """Each of our workloads, not yet started."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def backend(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Iterator[backends.Backend]:
    """The model of Pebble, and every real one."""
    if request.param == 'model':
        with backends.model(tmp_path) as made:
            yield made
        return
    program = _program(request.param)
    request.getfixturevalue('room_permit')
    with rooms.room(backends.VOLUME) as room, daemons.daemon(room, program) as running:
        yield backends.Real(running)
