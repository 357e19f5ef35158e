# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The pages about this charm name everything that charmcraft.yaml has."""

from __future__ import annotations

import pathlib
import re
from typing import Any

import pytest
import yaml

CHARM = pathlib.Path(__file__).parents[2]
ROOT = CHARM.parents[1]
METADATA: dict[str, Any] = yaml.safe_load((CHARM / 'charmcraft.yaml').read_text('utf-8'))
REFERENCE = ROOT / 'docs' / 'reference' / 'plex-k8s.md'


@pytest.fixture(scope='module')
def reference() -> str:
    if not REFERENCE.exists():
        pytest.skip('the charm is tested without the rest of the workspace')
    return REFERENCE.read_text('utf-8')


@pytest.mark.parametrize(('name', 'option'), METADATA['config']['options'].items())
def test_every_option_is_there_with_its_type_and_default(
    reference: str, name: str, option: dict[str, Any]
):
    default = option['default']
    shown = str(default).lower() if isinstance(default, bool) else str(default) or '(empty)'
    assert re.search(
        rf'^\| `{name}` \| {option["type"]} \| `?{re.escape(shown)}`? \|', reference, re.M
    )


@pytest.mark.parametrize(('name', 'action'), METADATA['actions'].items())
def test_every_action_is_there_with_its_parameters(
    reference: str, name: str, action: dict[str, Any]
):
    section = reference.split(f'### `{name}`')[1].split('\n##')[0]
    for parameter in action.get('params', {}):
        assert f'`{parameter}`' in section
    assert 'juju run' in section


@pytest.mark.parametrize(
    ('name', 'endpoint'), (METADATA['provides'] | METADATA['requires']).items()
)
def test_every_endpoint_is_there_with_its_interface(
    reference: str, name: str, endpoint: dict[str, Any]
):
    role = 'provides' if name in METADATA['provides'] else 'requires'
    needed = 'no' if endpoint['optional'] else 'yes'
    assert f'| `{name}` | {role} | `{endpoint["interface"]}` | {needed} |' in reference


def test_the_image_and_the_storage_are_there(reference: str):
    assert METADATA['resources']['plex-image']['upstream-source'] in reference
    assert METADATA['storage']['config']['minimum-size'] in reference


def test_the_image_is_pinned():
    image: str = METADATA['resources']['plex-image']['upstream-source']
    assert re.fullmatch(r'lscr\.io/linuxserver/plex:\d+(\.\d+){3}-[0-9a-f]{9}-ls\d+', image)


def test_every_status_that_the_charm_gives_is_there(reference: str):
    source = (CHARM / 'src' / 'plex_status.py').read_text('utf-8')
    given = re.findall(r"yield (?:blocked|waiting)\(\s*f?'([^'{]+)", source)
    assert len(given) > 8
    for message in given:
        assert message.strip() in reference


def test_the_readme_leads_to_the_page():
    readme = (CHARM / 'README.md').read_text('utf-8')
    assert 'docs/reference/plex-k8s.md' in readme
    for name in (*METADATA['config']['options'], *METADATA['actions']):
        assert f'`{name}`' in readme
