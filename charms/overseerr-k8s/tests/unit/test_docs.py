# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The reference page and the README say what the charm does."""

import ast
import json
import pathlib
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from seerr_settings import Fault

CHARM = pathlib.Path(__file__).parents[2]
PAGE = CHARM.parents[1] / 'docs/reference/overseerr-k8s.md'
METADATA: Any = yaml.safe_load((CHARM / 'charmcraft.yaml').read_text('utf-8'))
OPTIONS = METADATA['config']['options']
SAYERS = {'blocked', 'waiting', 'Note'}


@pytest.fixture
def page() -> str:
    if not PAGE.is_file():
        pytest.skip('the charm stands alone, without the documentation')
    return PAGE.read_text('utf-8')


@pytest.fixture
def readme() -> str:
    return (CHARM / 'README.md').read_text('utf-8')


def row(page: str, name: str) -> list[str]:
    found = [line for line in page.splitlines() if line.startswith(f'| `{name}`')]
    assert len(found) == 1, name
    return [cell.strip() for cell in found[0].strip('|').split('|')]


def spelled(default: Any) -> str:
    text = default if isinstance(default, str) else json.dumps(default)
    return f'`{text}`' if text else '(empty)'


@pytest.mark.parametrize('name', [name for name in OPTIONS if name != 'media-server'])
def test_every_option_is_there_with_type_and_default(page: str, readme: str, name: str):
    cells = row(page, name)
    assert cells[1] == OPTIONS[name]['type']
    assert cells[2] == spelled(OPTIONS[name]['default'])
    assert row(readme, name)[1] == cells[2]


def test_the_option_that_shares_its_name_with_an_endpoint_is_there(page: str, readme: str):
    assert '| `media-server` | string | (empty) |' in page
    assert '| `media-server` | (empty) |' in readme


@pytest.mark.parametrize('name', METADATA['actions'])
def test_every_action_is_there_with_its_parameters(page: str, readme: str, name: str):
    action = METADATA['actions'][name]
    cells = row(page, name)
    for parameter, schema in action.get('params', {}).items():
        required = ', required' if parameter in action.get('required', ()) else ''
        assert f'`{parameter}` ({schema["type"]}{required})' in cells[1]
    assert f'`{name}`' in readme


@pytest.mark.parametrize('name', METADATA['requires'])
def test_every_endpoint_is_there_with_its_interface(page: str, name: str):
    assert f'| `{name}` (requires) | `{METADATA["requires"][name]["interface"]}` | yes |' in page


def texts() -> Iterator[tuple[str, str]]:
    """Yield the fixed parts of everything that can become a status."""
    for file in sorted((CHARM / 'src').glob('*.py')):
        for node in ast.walk(ast.parse(file.read_text('utf-8'))):
            if isinstance(node, ast.Call) and name_of(node.func) in SAYERS:
                for argument in node.args:
                    for text in fixed_parts(argument):
                        yield file.name, text


def name_of(function: ast.expr) -> str:
    return getattr(function, 'attr', getattr(function, 'id', ''))


def fixed_parts(node: ast.expr) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            text = each.value.strip(' ();:,-')
            if len(text) > 8:
                yield text


@pytest.mark.parametrize(('file', 'text'), list(texts()))
def test_every_status_is_there(page: str, file: str, text: str):
    assert text in ' '.join(page.split()), file


def test_the_statuses_are_found():
    assert len(list(texts())) >= 10


@pytest.mark.parametrize('fault', Fault, ids=lambda fault: fault.name)
def test_every_fault_is_there(page: str, fault: Fault):
    assert f'`{fault.value}`' in page


def test_every_result_of_show_info_is_there(unit, page: str):
    unit.set_up_with_plex()
    for name in unit.act('show-info'):
        assert f'`{name}`' in row(page, 'show-info')[2]
