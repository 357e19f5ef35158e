# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A real Juju of each supported version, and the charms packed for it.

A version is run where a controller of it is registered with the ``juju`` on the PATH, on a
Kubernetes cloud. Charms come from ``CHARM_PATH_<NAME>`` (``CHARM_PATH_PLEX_K8S``), else from
``charms/<name>/*.charm``; an earlier revision to refresh from, from ``CHARM_PATH_PREVIOUS_<NAME>``
(a packed file, or a channel such as ``latest/stable``).
"""

from __future__ import annotations

import importlib.util
import json
import os
import pathlib
import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from ..stories import on_juju

ROOT = pathlib.Path(__file__).parents[2]
SUPPORTED = ('3.6', '4.0')


@pytest.fixture(scope='session')
def controllers() -> dict[str, str]:
    """Return a controller's name for each version of Juju there is one of."""
    for module in ('jubilant', 'pytest_jubilant'):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f'{module} is not installed; run: tox -e integration')
    program = shutil.which('juju')
    if program is None:
        pytest.skip('there is no juju on the PATH')
    asked = subprocess.run(  # noqa: S603 -- Juju's own client
        [program, 'controllers', '--format=json'], capture_output=True, text=True, check=False
    )
    if asked.returncode:
        pytest.skip(f'juju knows of no controller: {asked.stderr.strip()}')
    return by_version(json.loads(asked.stdout))


def by_version(answer: dict[str, Any]) -> dict[str, str]:
    """Return the controllers by version, such as ``3.6``."""
    found: dict[str, str] = {}
    for name, each in (answer.get('controllers') or {}).items():
        version = re.match(r'\d+\.\d+', each.get('agent-version') or '')
        if version:
            found.setdefault(version[0], name)
    return found


@pytest.fixture(scope='session', params=SUPPORTED)
def controller(request: pytest.FixtureRequest, controllers: dict[str, str]) -> str:
    """Name of a controller of one supported version."""
    name = controllers.get(request.param)
    if name is None:
        pytest.skip(f'there is no controller of Juju {request.param}')
    return name


@pytest.fixture(scope='session')
def charms() -> dict[str, on_juju.PackedCharm]:
    """The suite's charms, packed."""
    bundle: Any = yaml.safe_load((ROOT / 'bundle.yaml').read_text())
    names = sorted({each['charm'] for each in bundle['applications'].values()})
    return {name: packed(name) for name in names}


def packed(name: str) -> on_juju.PackedCharm:
    """Find a packed charm, or skip."""
    variable = name.upper().replace('-', '_')
    folder = ROOT / 'charms' / name
    given = os.environ.get(f'CHARM_PATH_{variable}')
    found = [pathlib.Path(given)] if given else sorted(folder.glob('*.charm'))
    if not found:
        pytest.skip(f'{name} is not packed: run charmcraft pack, or set CHARM_PATH_{variable}')
    metadata: Any = yaml.safe_load((folder / 'charmcraft.yaml').read_text())
    resources = metadata.get('resources') or {}
    return on_juju.PackedCharm(
        name,
        found[-1].resolve(),
        {key: each['upstream-source'] for key, each in resources.items()},
        os.environ.get(f'CHARM_PATH_PREVIOUS_{variable}'),
    )


@pytest.fixture
def storyteller(
    request: pytest.FixtureRequest, controller: str, charms: dict[str, on_juju.PackedCharm]
) -> Iterator[on_juju.JujuOperator]:
    """An operator at an empty model, which is removed with the other models at the end."""
    factory = request.getfixturevalue('juju_factory')  # only where pytest-jubilant is
    suffix = re.sub(r'[^a-z0-9]+', '-', request.node.name.lower()).strip('-')
    juju = factory.get_juju(suffix[-40:].strip('-'), controller=controller)
    # Not pytest's folder: a Juju from a snap has a /tmp of its own.
    folder = pathlib.Path.home() / '.cache' / 'charmarr-integration' / suffix
    folder.mkdir(parents=True, exist_ok=True)
    yield on_juju.JujuOperator(juju, charms, folder)
    shutil.rmtree(folder)
