# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Two charms, one on each side of both interfaces, that do what a test tells them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import ops
import pytest
from ops import testing

from charmarr_lib import interfaces, reconcile

ENDPOINTS = {
    'media-storage': {'interface': 'media-storage'},
    'media-server': {'interface': 'media-server'},
}


class Actor(ops.CharmBase):
    """Runs the test's function once in each dispatch."""

    act: ClassVar[Callable[[Any], Any]]
    result: ClassVar[Any] = None

    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        reconcile.observe(self, self._act)

    def _act(self, _: ops.EventBase):
        type(self).__mro__[1].result = type(self).act(self)


class Provider(Actor):
    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        self.storage = interfaces.MediaStorageProvider(self)
        self.server = interfaces.MediaServerProvider(self)


class Requirer(Actor):
    seen: ClassVar[list[str]] = []

    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        self.storage = interfaces.MediaStorageRequirer(self)
        self.server = interfaces.MediaServerRequirer(self)
        framework.observe(self.storage.on.changed, self._on_changed)
        framework.observe(self.server.on.changed, self._on_changed)

    def _on_changed(self, event: ops.EventBase):
        Requirer.seen.append(type(event).__name__)


@dataclasses.dataclass
class Runner:
    """Lets a function work on a charm in one dispatch."""

    charm: type[Actor]
    context: testing.Context[Any]

    def __call__(
        self,
        act: Callable[[Any], Any],
        *relations: testing.Relation,
        leader: bool = True,
        event: Any = None,
    ) -> tuple[Any, testing.State]:
        self.charm.act = staticmethod(act)
        self.charm.result = None
        state = testing.State(relations=relations, leader=leader)
        out = self.context.run(event or self.context.on.update_status(), state)
        return self.charm.result, out


@pytest.fixture
def provider() -> Iterator[Runner]:
    meta = {'name': 'storage', 'provides': ENDPOINTS}
    with testing.Context(Provider, meta=meta) as context:
        yield Runner(Provider, context)


@pytest.fixture
def requirer() -> Iterator[Runner]:
    meta = {'name': 'plex', 'requires': ENDPOINTS}
    Requirer.seen = []
    with testing.Context(Requirer, meta=meta) as context:
        yield Runner(Requirer, context)
