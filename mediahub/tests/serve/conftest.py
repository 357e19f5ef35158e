# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A hub in a process of its own, as an operator runs it."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from typing import Any

import httpx2
import pytest

from mediahub.serve import control

# Longer than a start takes on a machine that does other things as well.
PATIENCE = 60.0


@dataclasses.dataclass
class Running:
    """A hub's process.

    Attributes:
        log: Where its lines go.
    """

    process: subprocess.Popen[bytes]
    home: pathlib.Path
    log: pathlib.Path

    @property
    def lines(self) -> list[str]:
        return self.log.read_text().splitlines()

    @property
    def control(self) -> control.Control:
        found = control.read(self.home)
        assert found is not None
        return found

    def wait_until_up(self) -> None:
        """Wait for this process, not for one before it."""
        self.wait_for(lambda: getattr(control.read(self.home), 'pid', 0) == self.process.pid)

    def wait_for(self, condition: Callable[[], object]) -> None:
        end = time.monotonic() + PATIENCE
        while not condition():
            assert self.process.poll() is None, self.lines
            assert time.monotonic() < end, self.lines
            time.sleep(0.05)

    def get(self, path: str, **more: Any) -> httpx2.Response:
        headers = {'Authorization': f'Bearer {self.control.token}'}
        return httpx2.get(self.control.url + path, headers=headers, timeout=30, **more)

    def data(self, path: str) -> Any:
        response = self.get(f'/api/v1/{path}')
        assert response.status_code == 200, response.text
        return response.json()['data']

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


Start = Callable[..., Running]


@pytest.fixture
def home(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / 'home'


@pytest.fixture
def start(home: pathlib.Path, tmp_path: pathlib.Path) -> Generator[Start]:
    """Starts hubs with one home."""
    with hubs(home, tmp_path) as started:
        yield started


@contextlib.contextmanager
def hubs(home: pathlib.Path, logs: pathlib.Path) -> Generator[Start]:
    """Starts hubs; the environment is what a test gives, and nothing of ours."""
    with contextlib.ExitStack() as stack:

        def started(*words: str, **environ: str) -> Running:
            log = logs / f'log-{time.monotonic_ns()}'
            file = stack.enter_context(log.open('wb'))
            process = subprocess.Popen(  # noqa: S603 - our own command
                [sys.executable, '-m', 'mediahub.cli', *words, 'serve'],
                env={
                    'PATH': os.environ['PATH'],
                    'PYTHONPATH': os.pathsep.join(sys.path),
                    'MEDIAHUB_HOME': str(home),
                    'MEDIAHUB_PORT': '0',
                    **environ,
                },
                stdout=file,
                stderr=file,
            )
            stack.callback(_end, process)
            return Running(process, home, log)

        yield started


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
        process.wait()
