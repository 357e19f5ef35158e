# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Each test of the suite runs against the fake API server, and against a real one if there is one.

There is one if the environment says where; ``make test-cluster`` sees to that.
"""

from __future__ import annotations

import itertools
import os
import pathlib
from collections.abc import Iterator
from typing import Any

import pytest

from charmarr_lib.testing.kubernetes import KubernetesFake, juju_statefulset

from . import backends, programs, servers, wire
from .twins import Twins

_numbers = itertools.count(1)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what takes a backend against each of them."""
    if 'backend' in metafunc.fixturenames:
        names = ['fake', 'real'] if _programs() is not None else ['fake']
        metafunc.parametrize('backend', names, indirect=True, scope='session')


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what the fake was held to, or why to nothing."""
    try:
        found = programs.given(os.environ)
        why = os.environ.get(programs.ABSENCE) or 'make test-cluster runs it'
    except programs.MissingError as missing:
        found, why = None, str(missing)
    line = f'real API server: {found}' if found else f'no real API server: {why}'
    terminalreporter.write_line(line)


def _programs() -> pathlib.Path | None:
    try:
        return programs.given(os.environ)
    except programs.MissingError:
        return None


@pytest.fixture(scope='session')
def control_plane() -> pathlib.Path:
    """Folder of the programs of a real control plane."""
    try:
        found = programs.given(os.environ)
    except programs.MissingError as missing:
        pytest.skip(str(missing))
    if found is None:
        pytest.skip(os.environ.get(programs.ABSENCE) or 'make test-cluster runs it')
    return found


@pytest.fixture(scope='session')
def server(
    control_plane: pathlib.Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[servers.Server]:
    """A real API server, without controllers."""
    with servers.api_server(control_plane, tmp_path_factory.mktemp('server')) as started:
        yield started


@pytest.fixture(scope='session')
def backend(request: pytest.FixtureRequest) -> Iterator[backends.Backend]:
    """The Kubernetes API, fake or real."""
    if request.param == 'fake':
        yield backends.Fake()
        return
    real = backends.Real(request.getfixturevalue('server'))
    yield real
    real.close()


@pytest.fixture
def unique() -> str:
    """A word that no other test gets, for the names of what lives in no namespace."""
    return f'n{next(_numbers)}'


@pytest.fixture
def namespace(backend: backends.Backend, unique: str) -> str:
    """A namespace that no other test uses."""
    name = f'media-{unique}'
    with wire.Api(backend.transport(), name) as api:
        namespace = {'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': name}}
        assert api.create(namespace).done
    return name


@pytest.fixture
def api(backend: backends.Backend, namespace: str) -> Iterator[wire.Api]:
    """Requests of somebody who may do everything."""
    with wire.Api(backend.transport(), namespace) as api:
        yield api


@pytest.fixture
def juju(backend: backends.Backend, namespace: str) -> Iterator[wire.Api]:
    """Requests of Juju."""
    with wire.Api(backend.transport(), namespace, 'juju') as api:
        yield api


@pytest.fixture
def charm(backend: backends.Backend, namespace: str) -> Iterator[wire.Api]:
    """Requests of a charm, under a field manager of its own."""
    with wire.Api(backend.transport(), namespace, 'plex-overlay') as api:
        yield api


@pytest.fixture
def plex(namespace: str) -> dict[str, Any]:
    """What Juju writes for the application plex."""
    return juju_statefulset(
        'plex', namespace, 'plex', 'example/plex:1', storage={'config': '/config'}
    )


@pytest.fixture
def deployed(juju: wire.Api, plex: dict[str, Any]) -> dict[str, Any]:
    """The StatefulSet plex as the server holds it."""
    return juju.create(plex).done


@pytest.fixture
def twins(server: servers.Server, unique: str) -> Iterator[Twins]:
    """The fake and the real API, with a namespace that is empty on both."""
    name = f'media-{unique}'
    with (
        wire.connected(server) as transport,
        wire.Api(KubernetesFake().transport(), name) as fake,
        wire.Api(transport, name) as real,
    ):
        both = Twins(fake, real)
        namespace = {'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': name}}
        assert both.ask(lambda api: api.create(namespace)).done
        yield both
