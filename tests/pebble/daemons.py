# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Pebble as process 1 of a room, started as Juju starts it in a workload container."""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import subprocess
import threading
import time
from collections.abc import Callable, Generator
from typing import Any, Final

import ops

from .rooms import Room

# What Juju 3.6 and 4.0 give the first workload container of a sidecar charm.
_PROGRAM: Final = '/charm/bin/pebble'
_HOME: Final = '/charm/container/pebble'
_SOCKET: Final = '/charm/container/pebble.socket'
_COMMAND: Final = (_PROGRAM, 'run', '--create-dirs', '--hold', '--http', ':38813', '--verbose')
_ENVIRONMENT: Final = {
    'HOME': '/root',
    'PEBBLE': _HOME,
    'PEBBLE_SOCKET': _SOCKET,
    'PEBBLE_COPY_ONCE': '/var/lib/pebble/default',
}
STATE: Final = f'{_HOME}/.pebble.state'
"""Where Pebble keeps its changes, tasks and notices."""

_PATIENCE: Final = 20.0  # seconds
_PAUSE: Final = 0.05  # seconds between two looks at what Pebble does not tell of


class _Juju:
    """Of the model's back end, all that a container asks for when it is handed a client."""

    class _Context:
        version: Final = ops.JujuVersion('3.6.0')

    _juju_context: Final = _Context()


def container(client: Any) -> ops.Container:
    """Return the container that a charm would have, with this client behind it."""
    juju: Any = _Juju()
    return ops.Container('workload', juju, pebble_client=client)


def eventually(fact: Callable[[], bool], patience: float = _PATIENCE) -> None:
    """Wait until something is so.

    Raises:
        AssertionError: if it is not so in time.
    """
    deadline = time.monotonic() + patience
    never = threading.Event()
    while not fact():
        if time.monotonic() > deadline:
            raise AssertionError(f'still not so after {patience:g} s')
        never.wait(_PAUSE)


@dataclasses.dataclass(frozen=True)
class Daemon:
    """A Pebble that runs.

    Attributes:
        room: The container's files and what its programs tell.
        container: What a charm would have in hand.
        log: What Pebble and its services print.
    """

    room: Room
    container: ops.Container
    log: pathlib.Path

    def status_of(self, pid: int) -> dict[str, str]:
        """Return ``/proc/PID/status`` of a process of the container, proc_pid_status(5)."""
        with self.container.pull(f'/proc/{pid}/status') as file:
            return parse_status(file.read())

    def current(self, service: str) -> str:
        """Return what Pebble says that a service does, in Pebble's own word."""
        said = self.container.get_service(service).current
        return said if isinstance(said, str) else said.value

    def text_of_state(self) -> str:
        """Return the file that Pebble keeps its state in."""
        return self.room.outside(STATE).read_text()


def parse_status(text: str) -> dict[str, str]:
    """Split ``/proc/PID/status`` into its fields, with single spaces between numbers."""
    fields = (line.partition(':') for line in text.splitlines())
    return {name: ' '.join(value.split()) for name, _, value in fields}


@contextlib.contextmanager
def daemon(room: Room, program: pathlib.Path) -> Generator[Daemon]:
    """Run a Pebble until the end of the block.

    Raises:
        AssertionError: if it does not answer; the text has what it printed.
    """
    room.bring(program, _PROGRAM)
    log = room.root.parent / 'pebble.log'
    with room.run(_COMMAND, _ENVIRONMENT, log) as process:
        client = ops.pebble.Client(str(room.outside(_SOCKET)))
        try:
            eventually(lambda: _answers(client, process))
        except AssertionError as error:
            raise AssertionError(f'Pebble does not answer: {log.read_text()}') from error
        yield Daemon(room, container(client), log)


def _answers(client: ops.pebble.Client, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, 'it has ended'
    try:
        client.get_system_info()
    except ops.pebble.ConnectionError:
        return False
    return True
