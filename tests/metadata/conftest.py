# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0
"""The charms of the workspace, one at a time, and a flawless sample to find faults in."""

import copy
import pathlib
import sys
from collections.abc import Iterator
from typing import Any

import ops
import pytest
import yaml

import charm_models

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHARMS = sorted(file.parent for file in ROOT.glob('charms/*/charmcraft.yaml'))

SAMPLE: dict[str, Any] = {
    'name': 'sample-k8s',
    'title': 'Sample',
    'summary': 'Has everything a charm can have.',
    'description': 'Exists only in tests.',
    'links': {'documentation': 'https://a', 'source': 'https://a', 'issues': 'https://a'},
    'assumes': ['k8s-api', 'juju >= 3.6'],
    'base': 'ubuntu@24.04',
    'platforms': {'amd64': None},
    'parts': {
        'charm': {
            'plugin': 'python',
            'source': '../..',
            'source-subdir': 'charms/sample-k8s',
            'python-requirements': ['requirements.txt'],
            'override-build': (
                'python3 tools/install_library.py "${CRAFT_PART_INSTALL}/venv"\n'
                'craftctl default\ncp LICENSE "${CRAFT_PART_INSTALL}/LICENSE"\n'
            ),
        },
        'files': {'plugin': 'dump', 'source': '.', 'stage': ['icon.svg', 'README.md']},
    },
    'provides': {'media-server': {'interface': 'media_server', 'optional': True}},
    'requires': {'media-storage': {'interface': 'media_storage', 'optional': False}},
    'peers': {'peers': {'interface': 'sample_peers'}},
    'containers': {
        'sample': {'resource': 'sample-image', 'mounts': [{'storage': 'config', 'location': '/c'}]}
    },
    'resources': {
        'sample-image': {'type': 'oci-image', 'upstream-source': 'example.org:5000/sample:1.2'}
    },
    'storage': {'config': {'type': 'filesystem'}},
    'config': {
        'options': {
            'log-level': {'type': 'string', 'default': 'info', 'description': 'How much.'},
            'replicas': {'type': 'int', 'default': 1, 'description': 'How many.'},
            'ratio': {'type': 'float', 'default': 0.5, 'description': 'How far.'},
            'fast': {'type': 'boolean', 'default': False, 'description': 'Whether.'},
            'folder': {'type': 'string', 'description': 'Where; nowhere by default.'},
            'claim-token': {'type': 'secret', 'description': 'Who.'},
        }
    },
    'actions': {
        'scan': {
            'description': 'Look for new files.',
            'params': {
                'section': {'type': 'string', 'description': 'Where.'},
                'depth': {'type': 'integer', 'default': 3, 'description': 'How deep.'},
                'mode': {
                    'type': 'string',
                    'enum': ['quick', 'full'],
                    'default': 'quick',
                    'description': 'How.',
                },
            },
            'required': ['section'],
            'additionalProperties': False,
        },
        'show': {'description': 'Say what is there.', 'additionalProperties': False},
    },
}


@pytest.fixture(scope='session')
def root() -> pathlib.Path:
    """The workspace."""
    return ROOT


@pytest.fixture
def sample() -> dict[str, Any]:
    """A charmcraft.yaml without a fault, to be spoilt."""
    return copy.deepcopy(SAMPLE)


@pytest.fixture(params=CHARMS, ids=lambda folder: folder.name)
def charm(request: pytest.FixtureRequest) -> pathlib.Path:
    """The folder of each charm in turn."""
    return request.param


@pytest.fixture
def metadata(charm: pathlib.Path) -> dict[str, Any]:
    """The charm's charmcraft.yaml."""
    return yaml.safe_load((charm / 'charmcraft.yaml').read_text('utf-8'))


@pytest.fixture
def charm_type(
    charm: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[type[ops.CharmBase]]:
    """The charm's class, its other modules importable while it is used."""
    monkeypatch.setattr(sys, 'path', [*sys.path, str(charm / 'src')])
    module = charm_models.load(charm)
    yield charm_models.charm_class(module)
    del sys.modules[module.__name__]
