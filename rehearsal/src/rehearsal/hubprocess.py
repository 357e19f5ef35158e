# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""mediahub itself, in a process of its own, as the program of a rehearsed container."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import shlex
import shutil
import signal
import tempfile
import threading
import time
import tomllib
import urllib.parse
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any, Final

import httpx2

from charmarr_lib import http as charm_http
from charmarr_lib.testing.workload import CannotStart, Launch, Ran

from . import catalogue, engine, errors, gateway, hubprogram

IMAGE: Final = 'ghcr.io/charmarr/mediahub'

_BINARY: Final = '/usr/bin/mediahub'
_HEALTH: Final = '/healthz'  # answered without a look at any server
_SERVERS: Final = '/api/v1/servers'
# Seconds until it listens; on a busy machine Python alone takes some.
_UP: Final = 60.0
_DOWN: Final = 20.0
_ANSWER: Final = 15.0
# Seconds that it gets to look at its servers before somebody asks how they are.
_LOOK: Final = 5.0
_STEP: Final = 0.02


def register(charms: catalogue.Catalogue) -> None:
    """Let mediahub itself run in the containers of its image.

    Raises:
        errors.InputError: It is not installed.
    """
    if not hubprogram.is_installed():
        raise errors.InputError(
            'mediahub is not installed here; rehearse --hub double does without it'
        )
    charms.register(IMAGE, HubProcess)


class Unavailable(BaseException):
    """This machine does not let the hub run: no fault of the hub or of its charm.

    So it is no error of a hook either, and ends the rehearsal. The message is one line.
    """


def running(rehearsal: engine.Rehearsal) -> Iterator[tuple[str, HubProcess]]:
    """Yield the hubs that run in a model, with the names of their pods."""
    for pod in rehearsal.kubernetes.pods.values():
        for fake in pod.containers.values():
            for program in fake.programs():
                if isinstance(program, HubProcess) and program.url:
                    yield pod.name, program


def attend(rehearsal: engine.Rehearsal) -> None:
    """Answer what hubs ask of the cluster, while no time passes there."""
    network = rehearsal.kubernetes.network
    for name, hub in running(rehearsal):
        pod = rehearsal.kubernetes.pods[name]
        with charm_http.use_transport(network.transport(pod, 'system:anonymous')):
            hub.tick()


@contextlib.contextmanager
def attending(rehearsal: engine.Rehearsal) -> Generator[None]:
    """Attend to hubs while whoever drives the model waits for something else."""
    done = threading.Event()

    def serve() -> None:
        while not done.wait(_STEP):
            attend(rehearsal)

    thread = threading.Thread(target=serve, daemon=True)
    if any(running(rehearsal)):
        thread.start()
    try:
        yield
    finally:
        done.set()
        if thread.is_alive():
            thread.join()


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
        self._process: hubprogram.Process | None = None
        self._gateway: gateway.Gateway | None = None
        self._folder: pathlib.Path | None = None
        self._looked = False
        self._client = _client()

    def image_files(self) -> Mapping[str, str]:
        """Return the files its image brings."""
        return {_BINARY: ''}

    def start(self, launch: Launch) -> None:
        """Start it, and wait until it listens.

        Raises:
            CannotStart: if it exits straight away.
            Unavailable: if this machine does not let it run.
        """
        self._launch = launch
        self._looked = False
        self._gateway = self._gateway or gateway.Gateway()
        self._folder = self._folder or pathlib.Path(tempfile.mkdtemp(prefix='hub-'))
        words = shlex.split(launch.command)
        try:
            self._process = self._begin(words[1:], self._log)
            self._await(self._process)
        except BaseException:
            self.stop()  # nobody else knows of it yet
            raise

    def _begin(
        self, words: Sequence[str], out: pathlib.Path, err: pathlib.Path | None = None
    ) -> hubprogram.Process:
        try:
            return hubprogram.start(self._command(words), self._environment(), out, err)
        except OSError as error:
            raise Unavailable(str(error)) from error

    def _await(self, process: hubprogram.Process) -> None:
        end = time.monotonic() + _UP
        while time.monotonic() < end:
            status = process.poll()
            if status is not None:
                raise self._failure(status)
            with contextlib.suppress(OSError, ValueError, LookupError):
                url = self._control()['url']
                if self._get(url + _HEALTH).status_code == 200:
                    self.url = url
                    return
            if self._gateway is not None:
                self._gateway.serve(_STEP)
        raise Unavailable(f'it does not listen after {_UP:.0f} s')

    def _failure(self, status: int) -> BaseException:
        if status < 0:
            how = signal.Signals(-status).name
            return Unavailable(f'it was ended by {how} (out of memory?)')
        said = self._outside_in(self._log.read_text('utf-8', 'replace')[-500:]).strip()
        return CannotStart(said or f'it ended with exit status {status}')

    def _control(self) -> Mapping[str, str]:
        return json.loads((self.home / 'control.json').read_text())

    def _get(self, url: str, token: str = '') -> httpx2.Response:
        headers = {'Authorization': f'Bearer {token}'} if token else {}
        try:
            return self._client.get(url, headers=headers)
        except httpx2.HTTPError as error:
            raise ConnectionError(str(error)) from None

    def stop(self) -> None:
        """Stop it as SIGTERM does, and wait until it is gone."""
        process, self._process, self.url = self._process, None, ''
        if process is not None:
            self._end(process)
        if self._gateway is not None:
            self._gateway.close()
            self._gateway = None
        if self._folder is not None:
            shutil.rmtree(self._folder)
            self._folder = None
        self._client.close()
        self._client = _client()

    def _end(self, process: hubprogram.Process) -> None:
        process.send(signal.SIGTERM)
        end = time.monotonic() + _DOWN
        while process.poll() is None and time.monotonic() < end:
            if self._gateway is not None:
                self._gateway.serve(_STEP)
        process.send(signal.SIGKILL)
        process.wait(_DOWN)

    def handle(self, request: httpx2.Request, peer: str) -> httpx2.Response:
        """Pass a request on to it."""
        if not self.url or self._gateway is None:
            raise httpx2.ConnectError('[Errno 111] Connection refused', request=request)
        if request.url.path != _HEALTH:
            self._let_look()
        url = self.url + request.url.raw_path.decode()
        headers = {k: v for k, v in request.headers.items() if k.lower() != 'host'}
        try:
            response = self._client.request(
                request.method, url, headers=headers, content=request.read()
            )
        except httpx2.TransportError as error:
            error.request = request
            raise
        return httpx2.Response(
            response.status_code,
            headers={'Content-Type': response.headers.get('Content-Type', '')},
            content=response.content,
        )

    def _let_look(self) -> None:
        """Let it look at each of its servers once, so that it knows how they are."""
        end = time.monotonic() + _LOOK
        while not self._looked and time.monotonic() < end:
            self._looked = all(each['connected'] or each['reason'] for each in self.servers())
            if not self._looked and self._gateway is not None:
                self._gateway.serve(_STEP)
        self._looked = True
        self.tick()

    def ask(self, path: str) -> Any:
        """Ask its API for what is at a path, as an administrator.

        Raises:
            OSError: It does not answer.
            LookupError: It has none.
        """
        answer = self._get(self.url + path, self._control()['token'])
        if answer.status_code != 200:
            raise LookupError(f'{path}: HTTP {answer.status_code}')
        return answer.json()['data']

    def servers(self) -> list[dict[str, Any]]:
        """Return what it says of its servers."""
        return self.ask(_SERVERS)['servers']

    def sign_in(self) -> str:
        """Return a link to its page that signs in once."""
        config = shlex.split(self._launch.command)[1:3] if self._launch else []
        ran = self.execute([hubprogram.PACKAGE, *config, 'sign-in'])
        found = [word for word in ran.stdout.split() if word.startswith('http')] if ran else []
        return self.url + urllib.parse.urlsplit(found[0]).path if found else self.url

    def execute(self, command: Sequence[str]) -> Ran | None:
        """Run its command line; None when it is another program's."""
        if command[0] != hubprogram.PACKAGE:
            return None
        with self._place(), tempfile.TemporaryDirectory(prefix='hub-') as name:
            out, err = pathlib.Path(name, 'out'), pathlib.Path(name, 'err')
            process = self._begin(command[1:], out, err)
            status = process.wait(_UP)
            if status is None:
                process.send(signal.SIGKILL)
            said = [self._outside_in(_text(file)) for file in (out, err)]
        return Ran(1 if status is None else status, *said)

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
        return mapped

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


def _client() -> httpx2.Client:
    # It speaks to loopback without TLS; to load the machine's authorities takes a moment.
    return httpx2.Client(timeout=_ANSWER, trust_env=False, verify=False)


def _text(file: pathlib.Path) -> str:
    return file.read_text('utf-8', 'replace') if file.exists() else ''


def _foreign(name: str) -> bool:
    """Whether a variable is about another hub, or another way to the network."""
    return name.startswith(('MEDIAHUB_', 'PLEX_', 'NATS_', 'ENABLE_PLEX', 'TAUTULLI_')) or (
        name.lower().endswith('_proxy')
    )
