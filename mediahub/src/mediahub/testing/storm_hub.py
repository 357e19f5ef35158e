# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""``mediahub serve`` in a process of its own, to be watched and to be killed."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import subprocess
import sys

import httpx2


class HubProcess:
    """``mediahub serve`` in a process of its own.

    Args:
        home: Its folder, made where it is missing.
        variables: What it is set to, beside its home and a port of its own.
    """

    def __init__(self, home: pathlib.Path, **variables: str):
        home.mkdir(parents=True, exist_ok=True)
        inherited = {name: os.environ[name] for name in ('PATH', 'HOME') if name in os.environ}
        own = {'MEDIAHUB_HOME': str(home), 'MEDIAHUB_PORT': '0'}
        paths = {'PYTHONPATH': os.pathsep.join(sys.path)}
        self._environment = inherited | own | paths | variables
        self._home = home
        self._log = home / 'hub.log'
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def database(self) -> pathlib.Path:
        """Its database, which nobody can open while it runs."""
        return self._home / 'mediahub.duckdb'

    @property
    def pid(self) -> int:
        """Of its process."""
        if self._process is None:
            raise RuntimeError('the hub does not run')
        return self._process.pid

    def start(self) -> None:
        """Start it."""
        with self._log.open('ab') as log:
            self._process = subprocess.Popen(
                [sys.executable, '-m', 'mediahub.cli', 'serve'],
                env=self._environment,
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        """End it without a warning."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Let it end in peace."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is not None:
            raise RuntimeError(f'the hub ended by itself:\n{self.tail()}')
        process.send_signal(how)
        process.wait(timeout=60)

    def tail(self) -> str:
        """The end of what it said."""
        return self._log.read_text(errors='replace')[-4000:]

    @property
    def access(self) -> tuple[str, str] | None:
        """Its address and an administrator's token; None where it is not up."""
        try:
            found = json.loads((self._home / 'control.json').read_bytes())
        except (OSError, ValueError):
            return None
        running = self._process is not None and found['pid'] == self.pid
        return (found['url'], found['token']) if running else None

    def ask(self, path: str) -> httpx2.Response:
        """Ask it something.

        Raises:
            ConnectionError: It is not up.
        """
        access = self.access
        if access is None:
            raise ConnectionError('the hub is not up')
        url, token = access
        headers = {'Authorization': f'Bearer {token}'}
        return httpx2.get(f'{url}{path}', headers=headers, timeout=30)

    def sample(self, *names: str) -> dict[str, float]:
        """Some of its metrics, each the sum over its labels.

        Raises:
            ConnectionError: It is not up, or does not answer.
        """
        try:
            text = self.ask('/metrics').text
        except httpx2.TransportError as error:
            raise ConnectionError('the hub does not answer') from error
        return {name: _sum(text, name) for name in names}

    def plays(self) -> int:
        """How many plays have ended in its database.

        Raises:
            ConnectionError: It is not up, or does not answer.
        """
        try:
            return int(self.ask('/api/v1/history?limit=1').json()['data']['total'] or 0)
        except (httpx2.TransportError, LookupError, ValueError) as error:
            raise ConnectionError('the hub does not answer') from error

    def memory(self) -> float:
        """The most that the process has used so far, in megabytes."""
        status = pathlib.Path(f'/proc/{self.pid}/status').read_text()
        return int(status.partition('VmHWM:')[2].split()[0]) / 1024


def _sum(metrics: str, name: str) -> float:
    lines = [line for line in metrics.splitlines() if line.startswith((f'{name} ', f'{name}{{'))]
    return sum(float(line.rpartition(' ')[2]) for line in lines)
