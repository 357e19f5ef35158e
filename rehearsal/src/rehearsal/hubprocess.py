# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""mediahub itself, in a process of its own, as the program of a rehearsed container."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Generator, Mapping, Sequence
from typing import Any, Final

import httpx2

from charmarr_lib.testing.workload import CannotStart, Launch, Ran

from . import catalogue, errors, gateway

IMAGE: Final = 'ghcr.io/charmarr/mediahub'

_MODULE: Final = 'mediahub'
_BINARY: Final = '/usr/bin/mediahub'
_HEALTH: Final = '/healthz'  # answered without a look at any server
# Seconds until it listens; on a busy machine Python alone takes some.
_UP: Final = 60.0
_DOWN: Final = 20.0
_ANSWER: Final = 15.0
# Seconds that it gets to look at its servers before somebody asks how they are.
_LOOK: Final = 5.0


def register(charms: catalogue.Catalogue) -> None:
    """Let mediahub itself run in the containers of its image.

    Raises:
        errors.InputError: It is not installed.
    """
    if importlib.util.find_spec(_MODULE) is None:
        raise errors.InputError(
            'mediahub is not installed here; its double is, without --real-hub. In the source '
            'tree: python3 tools/bootstrap.py test rehearse --real-hub'
        )
    charms.register(IMAGE, HubProcess)


class HubProcess:
    """The hub as a process.

    The container's paths are mapped to its folders on this machine, and what it asks of the
    cluster goes through a :class:`~rehearsal.gateway.Gateway`.

    Attributes:
        url: Where it listens on this machine, empty while it does not run.
    """

    port = 8484

    def __init__(self) -> None:
        self.url = ''
        self._launch: Launch | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._gateway: gateway.Gateway | None = None
        self._folder: pathlib.Path | None = None

    def image_files(self) -> Mapping[str, str]:
        """Return the files its image brings."""
        return {_BINARY: ''}

    def start(self, launch: Launch) -> None:
        """Start it, and wait until it listens.

        Raises:
            CannotStart: if it exits straight away.
        """
        self._launch = launch
        self._gateway = self._gateway or gateway.Gateway()
        self._folder = self._folder or pathlib.Path(tempfile.mkdtemp(prefix='hub-'))
        words = shlex.split(launch.command)
        with open(self._log, 'wb') as log:
            self._process = subprocess.Popen(  # noqa: S603  # our own program
                self._command(words[1:]), env=self._environment(), stdout=log, stderr=log
            )
        try:
            self._await()
        except BaseException:
            self.stop()  # nobody else knows of it yet
            raise

    def _await(self) -> None:
        end = time.monotonic() + _UP
        while time.monotonic() < end:
            if self._process is not None and self._process.poll() is not None:
                said = self._outside_in(self._log.read_text('utf-8', 'replace')[-500:])
                raise CannotStart(said)
            with contextlib.suppress(OSError, ValueError, LookupError):
                control = json.loads((self.home / 'control.json').read_text())
                if self._answers(control['url']):
                    self.url = control['url']
                    return
            if self._gateway is not None:
                self._gateway.serve(0.02)
        raise CannotStart('it does not listen')

    @staticmethod
    def _answers(url: str) -> bool:
        try:
            return httpx2.get(f'{url}{_HEALTH}', timeout=1, trust_env=False).status_code == 200
        except httpx2.HTTPError:
            return False

    def stop(self) -> None:
        """Stop it as SIGTERM does, and wait until it is gone."""
        process, self._process, self.url = self._process, None, ''
        if process is not None:
            process.terminate()
            end = time.monotonic() + _DOWN
            while process.poll() is None and time.monotonic() < end:
                if self._gateway is not None:
                    self._gateway.serve(0.02)
            if process.poll() is None:
                process.kill()
            process.wait()
        if self._gateway is not None:
            self._gateway.close()
            self._gateway = None
        if self._folder is not None:
            shutil.rmtree(self._folder)
            self._folder = None

    def handle(self, request: httpx2.Request, peer: str) -> httpx2.Response:
        """Pass a request on to it."""
        if not self.url or self._gateway is None:
            raise httpx2.ConnectError('[Errno 111] Connection refused', request=request)
        if request.url.path != _HEALTH:
            self._gateway.serve_until_quiet(_LOOK)
        url = self.url + request.url.raw_path.decode()
        headers = {k: v for k, v in request.headers.items() if k.lower() != 'host'}
        try:
            response = httpx2.request(
                request.method,
                url,
                headers=headers,
                content=request.read(),
                timeout=_ANSWER,
                trust_env=False,
            )
        except httpx2.TransportError as error:
            error.request = request
            raise
        return httpx2.Response(
            response.status_code,
            headers={'Content-Type': response.headers.get('Content-Type', '')},
            content=response.content,
        )

    def execute(self, command: Sequence[str]) -> Ran | None:
        """Run its command line; None when it is another program's."""
        if command[0] != _MODULE:
            return None
        with self._place():
            done = subprocess.run(  # noqa: S603  # our own program
                self._command(command[1:]),
                env=self._environment(),
                capture_output=True,
                text=True,
                timeout=_UP,
                check=False,
            )
        return Ran(done.returncode, self._outside_in(done.stdout), self._outside_in(done.stderr))

    def tick(self) -> None:
        """Answer what it asks of the cluster."""
        if self._gateway is not None:
            while self._gateway.serve():
                pass

    # How the container's places are this machine's.

    @property
    def _log(self) -> pathlib.Path:
        if self._folder is None:
            raise AssertionError('it was never started')
        return self._folder / 'log'

    @contextlib.contextmanager
    def _place(self) -> Generator[None]:
        """Have a folder for what it is told, also while it does not run."""
        if self._folder is not None:
            yield
            return
        with tempfile.TemporaryDirectory(prefix='hub-') as name:
            self._folder = pathlib.Path(name)
            try:
                yield
            finally:
                self._folder = None

    def _command(self, words: Sequence[str]) -> list[str]:
        mapped = [self._mapped(word) for word in words]
        if '--config' in mapped:
            place = mapped.index('--config') + 1
            mapped[place] = str(self._configuration(pathlib.Path(mapped[place])))
        return [sys.executable, '-P', '-m', 'mediahub.cli', *mapped]

    def _mapped(self, word: str) -> str:
        """Return an absolute path of the container as one of this machine."""
        if self._launch is None or not word.startswith('/'):
            return word
        return str(self._launch.root / word.lstrip('/'))

    def _outside_in(self, text: str) -> str:
        return text.replace(str(self._launch.root), '') if self._launch is not None else text

    def _configuration(self, path: pathlib.Path) -> pathlib.Path:
        """Return a copy of the configuration with this machine's places."""
        try:
            table = tomllib.loads(path.read_text('utf-8'))
        except (OSError, tomllib.TOMLDecodeError):
            return path  # it says itself what is wrong
        hub = {**table.get('hub', {}), 'host': '127.0.0.1', 'port': 0}
        lines = ['[hub]', *self._lines(hub)]
        for server in table.get('servers', []):
            lines += ['[[servers]]', *self._lines(server)]
        copy = self._log.with_name('mediahub.toml')
        copy.write_text('\n'.join(lines), 'utf-8')
        return copy

    def _lines(self, table: Mapping[str, Any]) -> list[str]:
        return [
            f'{key} = {json.dumps(self._mapped(value) if isinstance(value, str) else value)}'
            for key, value in table.items()
        ]

    @property
    def home(self) -> pathlib.Path:
        """Its home, as a folder of this machine."""
        if self._launch is None:
            raise AssertionError('it was never started')
        return self._launch.root / self._launch.environment['MEDIAHUB_HOME'].lstrip('/')

    def _environment(self) -> dict[str, str]:
        own = {key: value for key, value in os.environ.items() if not _foreign(key)}
        given = dict(self._launch.environment) if self._launch is not None else {}
        mapped = {key: self._mapped(value) for key, value in given.items()}
        url = self._gateway.url if self._gateway is not None else ''
        proxy = {'HTTP_PROXY': url, 'http_proxy': url} if url else {}
        return {**own, **mapped, **proxy}


def _foreign(name: str) -> bool:
    """Whether a variable is about another hub, or another way to the network."""
    return name.startswith(('MEDIAHUB_', 'PLEX_', 'NATS_', 'ENABLE_PLEX', 'TAUTULLI_')) or (
        name.lower().endswith('_proxy')
    )
