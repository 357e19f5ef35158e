# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0
"""The reference of the hub's engine lists what the seed asked for, and tests that there are."""

import ast
import inspect
import pathlib
import re
from typing import Any

import pytest

from mediahub.engine.blocking import BlockingEngine
from mediahub.engine.contract import MediaServerClient
from mediahub.engine.engine import MediaServerEngine

SEED = 'shared/seeds/plan-media-server-engine.md'

_STEPS = (('0.', 3), ('A', 4), ('B', 3), ('C', 6), ('D', 2))

# Phases of the seed; E (unused imports, the pull request's text) leaves nothing to show.
PHASES = [f'{phase}{number}' for phase, numbers in _STEPS for number in range(1, numbers + 1)]

Row = tuple[str, str, str]
Parameter = tuple[str, Any]


@pytest.fixture(scope='module')
def rows(root: pathlib.Path) -> list[Row]:
    text = (root / 'docs/reference/mediahub-engine.md').read_text('utf-8')
    table = text.split('| Seed | Code | Test |\n|---|---|---|\n')[1].split('\n\n')[0]
    cells = [tuple(cell.strip() for cell in line.split('|')[1:-1]) for line in table.splitlines()]
    assert {len(row) for row in cells} == {3}
    return [(row[0], row[1], row[2]) for row in cells]


@pytest.fixture(scope='module')
def seed(root: pathlib.Path) -> str:
    file = root.parent / SEED
    if not file.exists():
        pytest.skip(f'{SEED} is not beside the repository')
    return file.read_text('utf-8')


def words(cell: str) -> list[str]:
    """What stands in backticks."""
    return re.findall(r'`([^`]+)`', cell)


def functions(root: pathlib.Path) -> set[str]:
    """Names of everything that is defined in the hub's tests and in its kit."""
    package = root / 'mediahub/src/mediahub/conformance'
    files = [*root.glob('mediahub/tests/**/*.py'), *package.glob('*.py')]
    return {
        node.name
        for file in files
        for node in ast.walk(ast.parse(file.read_text('utf-8')))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_every_row_names_a_test_and_every_test_is_there(root: pathlib.Path, rows: list[Row]):
    known = functions(root)
    lacking: list[str] = []
    for seed_row, _, tests in rows:
        named = [word for word in words(tests) if word.startswith('test_')]
        lacking += [] if named else [f'{seed_row}: no test is named']
        for word in words(tests):
            if word.endswith('.py'):
                there = (root / 'mediahub/tests' / word).exists()
            else:
                there = word in known
            lacking += [] if there else [f'{seed_row}: {word} does not exist']
    assert lacking == []


def test_every_module_is_there(root: pathlib.Path, rows: list[Row]):
    named = {word for _, code, _ in rows for word in words(code) if word.endswith('.py')}
    assert len(named) > 10
    package = root / 'mediahub/src/mediahub'
    assert [word for word in sorted(named) if not (package / word).exists()] == []


def test_every_phase_has_its_row(rows: list[Row]):
    labels = [row.split()[0] for row, _, _ in rows]
    assert [label for label in labels if label != 'Contract:'] == PHASES


def test_phases_are_those_of_the_seed(seed: str):
    found = re.findall(r'(?:^|\s)- (0\.\d|[A-D]\d)\b', seed)
    assert found == PHASES


def contract(seed: str) -> dict[str, list[Parameter]]:
    """Parameters of the methods that the seed's class declares, with their defaults."""
    block = seed.split('class MediaServerClient(ABC):\n')[1].split('Phased commit plan')[0]
    found = re.findall(r'^def (\w+)(\([^)]*\))', block, re.MULTILINE)
    return {name: parameters(f'def {name}{given}: ...') for name, given in found}


def parameters(source: str) -> list[Parameter]:
    """Names and defaults, less ``self``."""
    (function,) = ast.parse(source).body
    assert isinstance(function, ast.FunctionDef)
    names = [each.arg for each in function.args.args]
    defaults = [ast.literal_eval(each) for each in function.args.defaults]
    padded = [inspect.Parameter.empty] * (len(names) - len(defaults)) + defaults
    return list(zip(names, padded, strict=True))[1:]


@pytest.mark.parametrize('surface', [MediaServerClient, MediaServerEngine, BlockingEngine])
def test_surface_has_every_method_of_the_seed(seed: str, surface: type[Any]):
    lacking: list[str] = []
    for name, theirs in contract(seed).items():
        method = getattr(surface, name, None)
        ours = list(inspect.signature(method).parameters.values())[1:] if method else []
        given = [(each.name, each.default) for each in ours[: len(theirs)]]
        lacking += [] if method and given == theirs else [name]
    assert lacking == []


def test_rows_name_every_method_of_the_seed(seed: str, rows: list[Row]):
    named = [word for row, _, _ in rows if row.startswith('Contract:') for word in words(row)]
    assert sorted(named) == sorted(contract(seed))
