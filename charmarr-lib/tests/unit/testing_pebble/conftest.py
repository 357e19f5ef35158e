# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A small program in a container, and a charm that lets a test use ``ops`` on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import httpx2
import ops
import pytest
from ops import testing

from charmarr_lib.testing.pebble import PebbleFake, use_pebble
from charmarr_lib.testing.workload import CannotStart, Launch, Ran


class Program:
    """Listens on a port, writes a file, and fails on demand."""

    def __init__(self, port: int = 8080) -> None:
        self.port = port
        self.launches: list[Launch] = []
        self.stops = 0
        self.healthy = True
        self.refuses = ''

    def image_files(self) -> Mapping[str, str]:
        return {'/etc/passwd': 'root:x:0:0::/:/bin/sh\nabc:x:911:911::/:/bin/sh\n'}

    def start(self, launch: Launch) -> None:
        if self.refuses:
            raise CannotStart(self.refuses)
        self.launches.append(launch)

    def stop(self) -> None:
        self.stops += 1

    def handle(self, request: httpx2.Request, peer: str) -> httpx2.Response:
        return httpx2.Response(200 if self.healthy else 503, text=f'hello {peer}')

    def execute(self, command: Sequence[str]) -> Ran | None:
        return Ran(stdout='1.0\n') if list(command) == ['program', '--version'] else None

    def tick(self) -> None:
        self.healthy = self.healthy


class Charm(ops.CharmBase):
    """Hands its container to the test."""

    act: Callable[[ops.Container], object]

    def __init__(self, framework: ops.Framework) -> None:
        super().__init__(framework)
        framework.observe(self.on.config_changed, self._act)

    def _act(self, event: ops.EventBase) -> None:
        type(self).act(self.unit.get_container('main'))


Act = Callable[[Callable[[ops.Container], object]], testing.Container]


@pytest.fixture
def program() -> Program:
    return Program()


@pytest.fixture
def fake(program: Program) -> Iterator[PebbleFake]:
    with PebbleFake(program) as fake:
        yield fake


@pytest.fixture
def act(fake: PebbleFake) -> Iterator[Act]:
    """Run a function on the container in a hook, and return the container in the output state."""
    meta: dict[str, Any] = {'name': 'sample', 'containers': {'main': {}}}
    with testing.Context(Charm, meta=meta) as ctx, use_pebble({'main': fake}):

        def run(function: Callable[[ops.Container], object]) -> testing.Container:
            Charm.act = staticmethod(function)
            state = testing.State(containers={testing.Container('main', can_connect=True)})
            return ctx.run(ctx.on.config_changed(), state).get_container('main')

        yield run
