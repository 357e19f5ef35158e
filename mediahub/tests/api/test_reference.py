# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The pages about the hub name what is there: routes, files, tests."""

from __future__ import annotations

import pathlib
import re

import pytest

from mediahub.api.app import create_app
from mediahub.api.hub import Hub

ROOT = pathlib.Path(__file__).parents[3]
API = ROOT / 'docs/reference/mediahub-api.md'
HUB = ROOT / 'docs/reference/mediahub-hub.md'
SEED = ROOT.parent / 'shared/seeds/adr-plex-direct-integration.md'

CODE = ROOT / 'mediahub/src/mediahub'
TESTS = ROOT / 'mediahub/tests'


def rows(page: pathlib.Path) -> list[list[str]]:
    """The cells of every row whose last two name code and tests."""
    found = [line.strip('| ').split(' | ') for line in page.read_text().splitlines()]
    return [cells for cells in found if len(cells) == 3]


def test_reference_lists_the_routes_that_there_are(bare_hub: Hub):
    document = create_app(bare_hub).state.document
    shown = [line for line in API.read_text().splitlines() if re.match(r'\| `[A-Z]+ /', line)]

    # Where this fails, the rows that it shows are the ones to put there.
    assert shown == document.reference()


@pytest.mark.skipif(not SEED.is_file(), reason='the seed is not beside the checkout')
def test_every_row_of_the_seed_stands_in_the_table():
    seed, page = SEED.read_text(), HUB.read_text()
    endpoints = re.findall(r'^\| `(/api/v1/\S+)` \| (GET|POST|DELETE) \|', seed, re.MULTILINE)
    components = re.findall(r'^\| [^|]+ \| `internal/\S+/(\w+\.go)` \| \D', seed, re.MULTILINE)
    claims = re.findall(r'^\| ([^|]+) \| `[^`]+` \| Yes \|', seed, re.MULTILINE)

    assert len(endpoints) == 17
    assert [path for path, method in endpoints if f'`{method} {path}`' not in page] == []
    assert components
    assert [name for name in components if name not in page] == []
    assert len(claims) == 5
    assert [claim for claim in claims if f'claim: {claim}'.lower() not in page.lower()] == []


def test_every_file_and_test_of_the_table_is_there():
    written = '\n'.join(file.read_text() for file in TESTS.rglob('*.py'))
    missing = set[str]()
    for _, code, tests in rows(HUB):
        for name in re.findall(r'`([\w/.]+\.py|[\w/]+/)`', code):
            if not any((folder / name).exists() for folder in _folders(code)):
                missing.add(name)
        for name in re.findall(r'`(test_\w+)`', tests):
            if f'def {name}(' not in written:
                missing.add(name)
        for name in re.findall(r'`(tests/[\w/]+\.py)`', tests):
            if not (ROOT / 'mediahub' / name).exists() and not (ROOT / name).exists():
                missing.add(name)

    assert missing == set()


def _folders(cell: str) -> list[pathlib.Path]:
    """Where a cell's files can be: below the package, or beside the one named before."""
    named = re.findall(r'`([\w/]+)/\w+\.py`', cell)
    return [CODE, *(CODE / folder for folder in named)]
