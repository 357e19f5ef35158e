# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The reference page says what the charm does."""

import ast
import json
import pathlib
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

CHARM = pathlib.Path(__file__).parents[2]
PAGE = CHARM.parents[1] / 'docs/reference/charmarr-storage.md'
METADATA: Any = yaml.safe_load((CHARM / 'charmcraft.yaml').read_text('utf-8'))
SAYERS = {'Trouble', '_line', 'BlockedStatus', 'ActiveStatus', 'MaintenanceStatus'}


@pytest.fixture
def page() -> str:
    if not PAGE.is_file():
        pytest.skip('the charm stands alone, without the documentation')
    return PAGE.read_text('utf-8')


def row(page: str, name: str) -> list[str]:
    found = [line for line in page.splitlines() if line.startswith(f'| `{name}`')]
    assert len(found) == 1, name
    return [cell.strip() for cell in found[0].strip('|').split('|')]


@pytest.mark.parametrize('name', METADATA['config']['options'])
def test_every_option_is_there_with_type_and_default(page: str, name: str):
    option = METADATA['config']['options'][name]
    default = option['default']
    text = default if isinstance(default, str) else json.dumps(default)
    cells = row(page, name)
    assert cells[1] == option['type']
    assert cells[2] == (f'`{text}`' if text else '(empty)')


@pytest.mark.parametrize('name', METADATA['actions'])
def test_every_action_is_there_with_its_parameters(page: str, name: str):
    cells = row(page, name)
    for parameter, schema in METADATA['actions'][name].get('params', {}).items():
        assert f'`{parameter}` ({schema["type"]}' in cells[1]
        assert cells[2] == f'`{schema["default"]}`'


@pytest.mark.parametrize('name', METADATA['provides'])
def test_every_endpoint_is_there_with_its_interface(page: str, name: str):
    cells = row(page, name)
    assert cells[1] == f'`{METADATA["provides"][name]["interface"]}`'


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
    assert len(list(texts())) > 25
