# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""One program under Pebble, twice: the model that unit tests use, and the real thing."""

from __future__ import annotations

import contextlib
import pathlib
import typing
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, Final

import httpx2
import ops
from ops import testing

from charmarr_lib.testing._pebble_client import PebbleClient
from charmarr_lib.testing.pebble import PebbleFake
from charmarr_lib.testing.workload import CannotStart, Launch, Ran

from . import daemons

SERVICE: Final = 'main'
CHECK: Final = 'up'
VOLUME: Final = '/config'
_PORT: Final = 5055
_MANY: Final = 20  # ticks


class Backend(typing.Protocol):
    """What the laws ask of either."""

    container: ops.Container

    def refuse(self, says: str) -> None:
        """Let the program exit at once from now on, after printing this."""
        ...

    def accept(self, *, healthy: bool = True) -> None:
        """Let the program start from now on, and answer its checks well or badly."""
        ...

    def starts(self) -> int:
        """Return how often the program was started, including in vain."""
        ...

    def until(self, fact: Callable[[], bool]) -> None:
        """Let time pass until something is so."""
        ...

    def outside(self, path: str) -> pathlib.Path:
        """Return where a path of the container lies on this machine."""
        ...


def layer(**service: Any) -> ops.pebble.LayerDict:
    """Return a layer with the program's service; a value that is empty is left out."""
    body: dict[str, Any] = {
        'override': 'replace',
        'startup': 'enabled',
        'command': 'node dist/index.js',
        'working-dir': '/app',
        **service,
    }
    made: Any = {'services': {SERVICE: {key: each for key, each in body.items() if each != ''}}}
    return made


def check(**differences: Any) -> ops.pebble.LayerDict:
    """Return a layer with a check of the program."""
    url = f'http://localhost:{_PORT}/api/v1/settings/public'
    body = {'override': 'replace', 'period': '1s', 'timeout': '500ms', 'http': {'url': url}}
    made: Any = {'checks': {CHECK: {**body, **differences}}}
    return made


class _Program:
    """The model's program; it answers as the stand-in in the room does."""

    port: int = _PORT

    def __init__(self) -> None:
        self.refusal = ''
        self.healthy = True

    def image_files(self) -> Mapping[str, str]:
        return {'/etc/passwd': 'root:x:0:0::/root:/bin/bash\nabc:x:911:911::/config:\n'}

    def start(self, launch: Launch) -> None:
        if self.refusal:
            raise CannotStart(self.refusal)

    def stop(self) -> None:
        """End at once."""

    def handle(self, request: httpx2.Request, peer: str) -> httpx2.Response:
        return httpx2.Response(200 if self.healthy else 503)

    def execute(self, command: Sequence[str]) -> Ran | None:
        return None

    def tick(self) -> None:
        """Change nothing as time passes."""


class Model:
    """The model of Pebble, in virtual time."""

    def __init__(self, fake: PebbleFake, program: _Program) -> None:
        self._fake = fake
        self._program = program
        state = testing.State(containers={testing.Container('workload', can_connect=True)})
        self.container = daemons.container(PebbleClient(fake, 'workload', state))

    def refuse(self, says: str) -> None:
        self._program.refusal = says

    def accept(self, *, healthy: bool = True) -> None:
        self._program.refusal = ''
        self._program.healthy = healthy

    def starts(self) -> int:
        return self._fake.starts(SERVICE)

    def until(self, fact: Callable[[], bool]) -> None:
        for _ in range(_MANY):
            if fact():
                return
            self._fake.tick()
        raise AssertionError(f'still not so after {_MANY} ticks')

    def outside(self, path: str) -> pathlib.Path:
        return self._fake.files.host(path)


class Real:
    """A real Pebble, in real time."""

    def __init__(self, daemon: daemons.Daemon) -> None:
        self._daemon = daemon
        self.container = daemon.container

    def refuse(self, says: str) -> None:
        self._daemon.room.behave(exit=1, says=says)

    def accept(self, *, healthy: bool = True) -> None:
        self._daemon.room.behave(healthy=healthy)

    def starts(self) -> int:
        told = self._daemon.room.all_told()
        return sum(each['event'] == 'started' for each in told)

    def until(self, fact: Callable[[], bool]) -> None:
        daemons.eventually(fact)

    def outside(self, path: str) -> pathlib.Path:
        return self._daemon.room.outside(path)


@contextlib.contextmanager
def model(volume: pathlib.Path) -> Generator[Backend]:
    """Run the model with a folder of this machine as its volume."""
    program = _Program()
    with PebbleFake(program, mounts={VOLUME: volume}) as fake:
        yield Model(fake, program)
