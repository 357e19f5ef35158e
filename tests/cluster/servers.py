# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A real control plane on loopback: etcd and kube-apiserver, and the controllers if wanted.

Everything lives in one folder and listens on free ports. Users are told by tokens, and RBAC
decides what they may do, so that a refusal is the API server's own.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import pathlib
import secrets
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Generator, Sequence
from typing import Final

import httpx2

_LOOPBACK: Final = '127.0.0.1'
_STARTING: Final = 90.0  # seconds; a busy machine with two cores needs 15
_STOPPING: Final = 20.0  # seconds
_POLL: Final = 0.1  # seconds
_LOG_LINES: Final = 15

# The controllers that act on what the charms make. What else there is would only take time.
CONTROLLERS: Final = (
    'garbage-collector-controller',
    'job-controller',
    'persistentvolume-binder-controller',
    'persistentvolume-protection-controller',
    'persistentvolumeclaim-protection-controller',
    'statefulset-controller',
)


# What these add to pods and nodes is for controllers that do not run here: as envtest has it.
_NO_ADMISSION: Final = (
    'DefaultTolerationSeconds',
    'Priority',
    'ServiceAccount',
    'TaintNodesByCondition',
)


class StartError(Exception):
    """A program ended or kept silent; the text holds the end of its log."""


class Program:
    """A program that runs until it is stopped.

    Args:
        arguments: Path and arguments.
        folder: Where it runs and where its log goes.
    """

    def __init__(self, arguments: Sequence[str], folder: pathlib.Path) -> None:
        self._name = pathlib.Path(arguments[0]).name
        self._log = folder / f'{self._name}.log'
        with self._log.open('wb') as log:
            self._process = subprocess.Popen(  # noqa: S603 -- a program that was asked for
                arguments, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def wait_until(self, condition: Callable[[], bool], seconds: float) -> None:
        """Wait for something that the program brings about.

        Raises:
            StartError: if the program ends meanwhile, or the time is over.
        """
        deadline = time.monotonic() + seconds
        while not condition():
            if not self._goes_on():
                raise StartError(f'{self._name} ended:\n{self._end_of_log()}')
            if time.monotonic() > deadline:
                raise StartError(f'{self._name} took too long:\n{self._end_of_log()}')

    def _goes_on(self) -> bool:
        """Let a moment pass, and tell whether the program lives on."""
        try:
            self._process.wait(_POLL)
        except subprocess.TimeoutExpired:
            return True
        return False

    def _end_of_log(self) -> str:
        lines = self._log.read_text('utf-8', errors='replace').splitlines()
        return '\n'.join(lines[-_LOG_LINES:])

    def stop(self) -> None:
        """End the program, by force if it does not go by itself."""
        self._process.terminate()
        try:
            self._process.wait(_STOPPING)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextlib.contextmanager
def running(arguments: Sequence[str], folder: pathlib.Path) -> Generator[Program]:
    """Run a program for the length of the ``with`` block."""
    program = Program(arguments, folder)
    try:
        yield program
    finally:
        program.stop()


@dataclasses.dataclass(frozen=True)
class Server:
    """An API server that answers.

    Attributes:
        programs: Folder of the programs.
        folder: Folder of its files.
        address: Its URL.
        trust: How its certificate is checked.
        token: Token of a user who may do everything.
        process: The program.
    """

    programs: pathlib.Path
    folder: pathlib.Path
    address: str
    trust: ssl.SSLContext = dataclasses.field(repr=False)
    token: str = dataclasses.field(repr=False)
    process: Program = dataclasses.field(repr=False)


@contextlib.contextmanager
def api_server(programs: pathlib.Path, folder: pathlib.Path) -> Generator[Server]:
    """Run etcd and kube-apiserver for the length of the ``with`` block.

    Args:
        programs: Folder of the programs.
        folder: Empty folder for their files.

    Raises:
        StartError: if one of them does not start.
    """
    client, peer, secure = _free_ports(3)
    etcd = f'http://{_LOOPBACK}:{client}'
    token = secrets.token_urlsafe()
    (folder / 'tokens.csv').write_text(f'{token},admin,admin,system:masters\n', 'utf-8')
    (folder / 'tokens.csv').chmod(0o600)
    with (
        running(_etcd(programs, folder, etcd, f'http://{_LOOPBACK}:{peer}'), folder) as database,
        running(_kube_apiserver(programs, folder, etcd, secure), folder) as process,
    ):
        database.wait_until(lambda: _listens(client), _STARTING)
        process.wait_until(lambda: _listens(secure), _STARTING)
        # Only now: it makes its certificate before it listens.
        certificate = folder / 'certificates' / 'apiserver.crt'
        trust = ssl.create_default_context(cafile=str(certificate))
        server = Server(programs, folder, f'https://{_LOOPBACK}:{secure}', trust, token, process)
        process.wait_until(lambda: _is_ready(server), _STARTING)
        yield server


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((_LOOPBACK, 0))
        return [each.getsockname()[1] for each in sockets]


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((_LOOPBACK, port)) == 0


def _is_ready(server: Server) -> bool:
    try:
        with httpx2.Client(verify=server.trust, trust_env=False) as client:
            headers = {'authorization': f'Bearer {server.token}'}
            return client.get(f'{server.address}/readyz', headers=headers).is_success
    except httpx2.TransportError:
        return False


def _etcd(programs: pathlib.Path, folder: pathlib.Path, client: str, peer: str) -> list[str]:
    return [
        str(programs / 'etcd'),
        f'--data-dir={folder / "etcd"}',
        f'--listen-client-urls={client}',
        f'--advertise-client-urls={client}',
        f'--listen-peer-urls={peer}',
        f'--initial-advertise-peer-urls={peer}',
        f'--initial-cluster=default={peer}',
        '--unsafe-no-fsync',  # nobody needs these data after a crash
        '--log-level=warn',
    ]


def _kube_apiserver(
    programs: pathlib.Path, folder: pathlib.Path, etcd: str, port: int
) -> list[str]:
    certificates = folder / 'certificates'
    key = certificates / 'apiserver.key'
    return [
        str(programs / 'kube-apiserver'),
        f'--etcd-servers={etcd}',
        f'--bind-address={_LOOPBACK}',
        f'--advertise-address={_LOOPBACK}',
        f'--secure-port={port}',
        f'--cert-dir={certificates}',
        f'--token-auth-file={folder / "tokens.csv"}',
        '--authorization-mode=RBAC',
        '--service-account-issuer=https://kubernetes.default.svc',
        # It makes this key for itself first of all, so nothing else has to make one.
        f'--service-account-key-file={key}',
        f'--service-account-signing-key-file={key}',
        '--service-cluster-ip-range=10.152.0.0/16',
        '--allow-privileged',  # as in every cluster that Juju knows of
        f'--disable-admission-plugins={",".join(_NO_ADMISSION)}',
        '--endpoint-reconciler-type=none',
        '--enable-priority-and-fairness=false',
        '--profiling=false',
    ]


@contextlib.contextmanager
def controllers(server: Server) -> Generator[Program]:
    """Run kube-controller-manager for the length of the ``with`` block.

    Raises:
        StartError: if it ends at once.
    """
    access = server.folder / 'controllers.kubeconfig'
    access.write_text(_kubeconfig(server), 'utf-8')
    access.chmod(0o600)
    arguments = [
        str(server.programs / 'kube-controller-manager'),
        f'--kubeconfig={access}',
        f'--controllers={",".join(CONTROLLERS)}',
        '--leader-elect=false',
        '--secure-port=0',
        '--concurrent-statefulset-syncs=1',
    ]
    with running(arguments, server.folder) as program:
        yield program


def _kubeconfig(server: Server) -> str:
    """Return a kubeconfig; JSON is YAML too."""
    certificate = str(server.folder / 'certificates' / 'apiserver.crt')
    cluster = {'server': server.address, 'certificate-authority': certificate}
    return json.dumps(
        {
            'apiVersion': 'v1',
            'kind': 'Config',
            'clusters': [{'name': 'test', 'cluster': cluster}],
            'users': [{'name': 'test', 'user': {'token': server.token}}],
            'contexts': [{'name': 'test', 'context': {'cluster': 'test', 'user': 'test'}}],
            'current-context': 'test',
        }
    )
