# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A stand-in for mediahub, as one container runs it.

It reads the configuration as the program does and refuses what the program refuses; of its work it
knows only what a charm sees: whether it is up, how its servers are, and its command line. The
rehearsal's tests put the program itself in its place and expect the same.
"""

from __future__ import annotations

import collections
import json
import pathlib
import shlex
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import httpx2

from .workload import CannotStart, Launch, Ran

__all__ = ['DATABASE', 'SCHEMA', 'VERSION', 'MediahubDouble', 'history']

VERSION: Final = '0.1.0'
SCHEMA: Final = 1
"""Version of the database that this program knows."""

DATABASE: Final = 'mediahub.duckdb'
_CONTROL: Final = 'control.json'
_TOKEN: Final = 'control-token-of-the-double'  # noqa: S105  # a double's
_BINARY: Final = '/usr/bin/mediahub'


def history(database: pathlib.Path) -> dict[str, int]:
    """Return how many plays a database holds, by server; also one that was kept beside it.

    Raises:
        ValueError: It is not there, or not whole.
    """
    try:
        plays = json.loads(database.read_text('utf-8'))['plays']
        return {str(server): int(count) for server, count in plays.items()}
    except (OSError, LookupError, AttributeError, TypeError) as error:
        raise ValueError(f'{database.name} is no database') from error


class MediahubDouble:
    """The hub. On each server that it watches it sees one play every ten seconds.

    Attributes:
        config: The configuration that it was started with, None before.
        troubles: What it says of a server, by name: reason and advice.
        registered: URLs that were registered at plex.tv.
        plex_pass: Whether plex.tv lets webhooks be registered.
        launched: How it was started last.
        running: Whether it runs.
    """

    port = 8484

    def __init__(self) -> None:
        self.config: dict[str, Any] | None = None
        self.troubles: dict[str, tuple[str, str]] = {}
        self.registered: list[str] = []
        self.plex_pass = True
        self.launched: Launch | None = None
        self.running = False
        self._database: pathlib.Path | None = None

    # charmarr_lib.testing.workload.Workload

    def image_files(self) -> Mapping[str, str]:
        """Return the files its image brings."""
        return {_BINARY: ''}

    def start(self, launch: Launch) -> None:
        """Start the hub.

        Raises:
            CannotStart: if it would exit straight away.
        """
        self.launched = launch
        words = shlex.split(launch.command)
        if words[:2] != ['mediahub', '--config'] or words[3:] != ['serve']:
            raise AssertionError(f'{words}: the double does not know this command line')
        faults = self._faults(words[2])
        if faults:
            raise CannotStart('\n'.join(f'mediahub: {each}' for each in faults))
        self.config = self._read(words[2])
        home = self._home()
        self._database = home.resolve() / DATABASE
        if not self.database.exists():
            self._write({})
        control = home / _CONTROL
        control.write_text(json.dumps({'url': f'http://127.0.0.1:{self.port}', 'token': _TOKEN}))
        self.running = True

    def stop(self) -> None:
        """Stop as SIGTERM does."""
        if self.running:
            (self._home() / _CONTROL).unlink(missing_ok=True)
        self.running = False

    def tick(self) -> None:
        """Let ten seconds pass, and write down what was played meanwhile."""
        names = [each['name'] for each in self.servers()]
        if self.running and names:
            self._write(collections.Counter(history(self.database)) + collections.Counter(names))

    def _write(self, plays: Mapping[str, int], version: int = SCHEMA) -> None:
        self.database.write_text(json.dumps({'version': version, 'plays': plays}), 'utf-8')

    def handle(self, request: httpx2.Request, peer: str) -> httpx2.Response:
        """Answer a request that came from the address ``peer``."""
        if not self.running:
            raise httpx2.ConnectError('[Errno 111] Connection refused', request=request)
        if request.url.path == '/healthz':
            return httpx2.Response(200, json={'status': 'ok', 'version': VERSION})
        if request.headers.get('Authorization') != f'Bearer {_TOKEN}':
            return httpx2.Response(401, json={'status': 'error', 'error': {'message': 'who?'}})
        if request.url.path == '/api/v1/servers':
            data = {'servers': [self._server(each) for each in self.servers()]}
            return httpx2.Response(200, json={'status': 'success', 'data': data})
        raise AssertionError(f'{request.method} {request.url.path}: the double does not know it')

    def execute(self, command: Sequence[str]) -> Ran | None:
        """Run the program's command line; None when it is another program's."""
        words = list(command)
        if words[:1] != ['mediahub']:
            return None
        if words[1:] == ['--version']:
            return Ran(stdout=f'mediahub {VERSION}\n')
        if words[1:2] != ['--config'] or len(words) < 4:
            raise AssertionError(f'{words}: the double does not know this command line')
        verbs: dict[str, Callable[[list[str]], Ran]] = {
            'check': lambda rest: self._check(words[2]),
            'backup': self._backup,
            'restore': self._restore,
            'register-webhook': self._register,
        }
        return verbs[words[3]](words[4:])

    # What a test asks.

    def servers(self) -> list[dict[str, Any]]:
        """Return the servers that it was told of."""
        return list((self.config or {}).get('servers', []))

    def setting(self, key: str) -> Any:
        """Return a setting of the table ``[hub]``, None where it is not set."""
        return (self.config or {}).get('hub', {}).get(key)

    def secret(self, key: str) -> str:
        """Return what is in the file that a setting names."""
        return self._inside(self.setting(f'{key}-file')).read_text('utf-8')

    def token(self, server: str) -> str:
        """Return the token that it uses for a server."""
        found = next(each for each in self.servers() if each['name'] == server)
        return self._inside(found['token-file']).read_text('utf-8')

    def secrets(self) -> Iterator[str]:
        """Yield what it knows and nobody else may: every file that its settings name."""
        yield _TOKEN
        for table in [(self.config or {}).get('hub', {}), *self.servers()]:
            for key, value in table.items():
                file = self._inside(value) if key.endswith('-file') else None
                if file is not None and file.exists():
                    yield file.read_text('utf-8')

    @property
    def database(self) -> pathlib.Path:
        """Its database, as a file of this machine; two hubs on one volume have the same."""
        if self._database is None:
            raise AssertionError('it was never started')
        return self._database

    def age_database(self, version: int) -> None:
        """Let the database be of another version."""
        self._write(history(self.database), version)

    # Within.

    def _server(self, table: Mapping[str, Any]) -> dict[str, Any]:
        reason, advice = self.troubles.get(table['name'], ('', ''))
        return {'name': table['name'], 'reason': reason, 'advice': advice}

    def _inside(self, path: str) -> pathlib.Path:
        if self.launched is None:
            raise AssertionError('it was never started')
        return self.launched.root / path.lstrip('/')

    def _home(self) -> pathlib.Path:
        return self._inside(self.setting('home'))

    def _read(self, path: str) -> dict[str, Any]:
        return tomllib.loads(self._inside(path).read_text('utf-8'))

    def _faults(self, path: str) -> list[str]:
        """Return everything that keeps it from starting, a line each."""
        launch = self.launched
        try:
            config = self._read(path)
        except (OSError, tomllib.TOMLDecodeError) as error:
            return [f'{path}: {error}']
        if launch is not None and launch.owner(config['hub']['home'])[0] != launch.user_id:
            return [f'{config["hub"]["home"]} cannot be written to']
        servers = [(f'server {each["name"]!r}', each) for each in config.get('servers', [])]
        missing = [
            f'{label}: {file} cannot be read: No such file or directory'
            for label, table in [('hub', config['hub']), *servers]
            for key, file in table.items()
            if key.endswith('-file') and not self._inside(file).exists()
        ]
        return missing or self._database_faults(config)

    def _database_faults(self, config: Mapping[str, Any]) -> list[str]:
        database = self._inside(config['hub']['home']) / DATABASE
        if not database.exists():
            return []
        try:
            version = json.loads(database.read_text())['version']
        except (ValueError, LookupError):
            return [f'{database.name} is damaged; run: mediahub restore (a backup)']
        if version <= SCHEMA:
            return []
        return [
            f'{database.name} has version {version}, this program knows up to {SCHEMA}; '
            'use a newer mediahub, nothing was changed'
        ]

    def _check(self, path: str) -> Ran:
        faults = self._faults(path)
        if self.running:
            place = f'{self.setting("home")}/{DATABASE}'
            faults = [
                f'{place} is in use by another process (PID 1); '
                'stop it, or use another file with --database'
            ]
        return Ran(2 if faults else 0, stderr=''.join(f'mediahub: {each}\n' for each in faults))

    def _backup(self, words: list[str]) -> Ran:
        if words[:1] != ['--folder'] or len(words) != 2:
            raise AssertionError(f'{words}: the double does not know this command line')
        folder = self._inside(words[1])
        folder.mkdir(exist_ok=True)
        name = f'mediahub-20260101T00000{len(list(folder.iterdir()))}Z.duckdb'
        (folder / name).write_bytes(self.database.read_bytes())
        return Ran(stdout=f'{words[1]}/{name}\n')

    def _restore(self, words: list[str]) -> Ran:
        if self.running:
            return Ran(1, stderr='mediahub: the hub runs; stop it first, nothing was changed\n')
        if self.launched is None:  # the container is new, and so is its folder
            why = 'is no backup: there is no such file'
            return Ran(1, stderr=f'mediahub: {words[0]} {why}; nothing was changed\n')
        archive = self._inside(words[0])
        if not archive.is_file():
            why = 'is no backup: there is no such file'
            return Ran(1, stderr=f'mediahub: {words[0]} {why}; nothing was changed\n')
        try:
            history(archive)
        except ValueError:
            why = 'is no backup that can be read'
            return Ran(1, stderr=f'mediahub: {words[0]} {why}; nothing was changed\n')
        database = self.database
        number = len(list(database.parent.glob(f'{DATABASE}.before-*')))
        kept = database.with_name(f'{DATABASE}.before-20260101T00000{number}Z')
        database.rename(kept)
        database.write_bytes(archive.read_bytes())
        return Ran(stdout=f'{self.setting("home")}/{kept.name}\n')

    def _register(self, words: list[str]) -> Ran:
        if words[:1] != ['--url'] or len(words) != 2:
            raise AssertionError(f'{words}: the double does not know this command line')
        if not self.plex_pass:
            return Ran(1, stderr='mediahub: plex.tv refuses: webhooks need a Plex Pass\n')
        self.registered.append(words[1])
        return Ran()
