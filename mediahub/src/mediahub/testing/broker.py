# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Runs a real nats-server with JetStream on a loopback port, and ends it in every way there is."""

from __future__ import annotations

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

# Where Debian puts it, which is not on everybody's PATH.
_ELSEWHERE = '/usr/sbin:/usr/local/bin'


def program() -> str | None:
    """The program: ``$NATS_SERVER``, or one that is installed; None where there is none."""
    path = os.pathsep.join([os.environ.get('PATH', ''), _ELSEWHERE])
    return os.environ.get('NATS_SERVER') or shutil.which('nats-server', path=path)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody uses at the moment."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return int(probe.getsockname()[1])


class NatsServer:
    """A broker that keeps its port and its files over restarts. Stop it.

    Args:
        folder: For its configuration, log and streams.
        extra: More of its configuration.
        jetstream: What stands in its jetstream block, besides the folder; None for no JetStream.

    Attributes:
        port: Its port.
    """

    def __init__(self, folder: pathlib.Path, extra: str = '', jetstream: str | None = ''):
        self._folder = folder
        self._extra = extra
        self._jetstream = jetstream
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()

    @property
    def address(self) -> str:
        """Its address."""
        return f'nats://127.0.0.1:{self.port}'

    @property
    def running(self) -> bool:
        """Whether its process is there."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, and wait until it takes connections.

        Raises:
            RuntimeError: It ended, or does not answer; the message holds its log.
        """
        found = program()
        if found is None:
            raise RuntimeError('nats-server is not installed')
        file = self._folder / 'nats.conf'
        file.write_text(self._configuration())
        with (self._folder / 'nats.log').open('ab') as log:
            self._process = subprocess.Popen(  # noqa: S603 - a program that the machine has
                [found, '--config', str(file)], stdout=log, stderr=log
            )
        self._until_it_answers()

    def _configuration(self) -> str:
        lines = ['host: 127.0.0.1', f'port: {self.port}']
        if self._jetstream is not None:
            lines.append(f'jetstream {{ store_dir: "{self._folder}/streams", {self._jetstream} }}')
        return '\n'.join([*lines, self._extra])

    def _until_it_answers(self) -> None:
        deadline = time.monotonic() + 20
        while self.running and time.monotonic() < deadline:
            try:
                with socket.create_connection(('127.0.0.1', self.port), timeout=1) as probe:
                    if probe.recv(4) == b'INFO':
                        return
            except OSError:
                time.sleep(0.02)
        self.kill()
        raise RuntimeError(f'nats-server does not answer:\n{self.log()[-2000:]}')

    def log(self) -> str:
        """What it has written."""
        return (self._folder / 'nats.log').read_text(errors='replace')

    def stop(self) -> None:
        """Let it end in peace; nothing where it is not running."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it without a warning, as a power cut of its process would."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Let it hang: connections stay open and nothing is answered."""
        if self._process:
            self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        if self._process:
            self._process.send_signal(signal.SIGCONT)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGCONT)
        process.send_signal(how)
        process.wait(timeout=30)
