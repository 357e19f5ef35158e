# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The hub alone on a real Juju, as packed.

The stories of the whole suite are in the workspace's tests/integration.
"""

import importlib.util
import os
import pathlib
import shutil
from typing import Any

import pytest
import yaml

CHARM = pathlib.Path(__file__).parents[2]
APPLICATION = 'mediahub'
STATUS = ('active', 'no media server; run: juju relate mediahub plex')


@pytest.fixture
def packed() -> pathlib.Path:
    """The packed charm: ``CHARM_PATH``, or the one in the charm's folder."""
    given = os.environ.get('CHARM_PATH')
    found = [pathlib.Path(given)] if given else sorted(CHARM.glob('*.charm'))
    if not found:
        pytest.skip('not packed: run charmcraft pack, or set CHARM_PATH')
    return found[-1].resolve()


@pytest.fixture
def juju_model(request, packed) -> Any:
    """A new model, from pytest-jubilant."""
    if importlib.util.find_spec('pytest_jubilant') is None:
        pytest.skip('pytest-jubilant is not installed; run: tox -e integration')
    if shutil.which('juju') is None:
        pytest.skip('there is no juju on the PATH')
    return request.getfixturevalue('juju')


def test_says_how_it_is_when_nothing_is_related(juju_model, packed):
    metadata: Any = yaml.safe_load((CHARM / 'charmcraft.yaml').read_text())
    resources = metadata.get('resources') or {}
    images = [f'--resource={name}={each["upstream-source"]}' for name, each in resources.items()]
    juju_model.cli('deploy', str(packed), APPLICATION, *images)
    level, message = STATUS

    def fits(status) -> bool:
        units = status.apps[APPLICATION].units.values()
        said = [each.workload_status for each in units]
        return any(each.current == level and message in each.message for each in said)

    juju_model.wait(fits, delay=5, timeout=1800)
