# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The real charms, related as the bundle relates them, and what they wrote to each other."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rehearsal import catalogue, engine

ROOT = pathlib.Path(__file__).parents[2]

Wire = Callable[[str, str], Any]


@pytest.fixture(scope='session')
def suite() -> Iterator[engine.Rehearsal]:
    charms = catalogue.Catalogue(catalogue.in_folder(ROOT / 'charms'))
    with engine.Rehearsal(charms, model='media') as rehearsal:
        rehearsal.deploy('charmarr-storage', trust=True)
        rehearsal.deploy('plex-k8s', 'plex', trust=True)
        rehearsal.deploy('overseerr-k8s', 'overseerr', trust=True)
        rehearsal.integrate('plex:media-storage', 'charmarr-storage:media-storage')
        rehearsal.integrate('overseerr:media-server', 'plex:media-server')
        settled = rehearsal.settle()
        assert settled.quiet, settled.moving
        assert not settled.errors
        yield rehearsal


@pytest.fixture
def databag(suite: engine.Rehearsal) -> Callable[[str, str], dict[str, str]]:
    """Return the application databag of one side of a relation."""

    def find(interface: str, application: str) -> dict[str, str]:
        [relation] = [each for each in suite.relations if each.interface == interface]
        return relation.databags[application].content

    return find


@pytest.fixture
def wire(databag: Callable[[str, str], dict[str, str]]) -> Wire:
    """Return the JSON object that one side of a relation has published."""

    def find(interface: str, application: str) -> Any:
        return json.loads(databag(interface, application)['config'])

    return find
