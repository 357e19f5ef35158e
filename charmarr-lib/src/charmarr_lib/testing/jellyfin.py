# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A double of Jellyfin, as far as Seerr talks to one."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx2

from .workload import Launch, Ran


@dataclasses.dataclass(frozen=True)
class Account:
    """An account of the server."""

    name: str
    password: str
    id: str
    is_administrator: bool = False


@dataclasses.dataclass(frozen=True)
class Library:
    """A library of the server; ``kind`` is Jellyfin's CollectionType."""

    id: str
    name: str
    kind: str


class JellyfinDouble:
    """A Jellyfin or Emby server.

    Args:
        accounts: Who can sign in.
        libraries: What there is to see.
        name: The server's name.
        server_id: The server's id.

    Attributes:
        keys: API keys that it has given out, with the name each was made for.
        heard: Requests it has answered: method, path and status.
    """

    port = 8096

    def __init__(
        self,
        accounts: Sequence[Account] = (),
        libraries: Sequence[Library] = (),
        *,
        name: str = 'jellyfin',
        server_id: str = 'srv123',
    ) -> None:
        self.accounts = list(accounts)
        self.libraries = list(libraries)
        self.keys: dict[str, str] = {}
        self.heard: list[tuple[str, str, int]] = []
        self.running = False
        self._name = name
        self._server_id = server_id
        self._tokens: dict[str, Account] = {}
        self._made = 0

    # charmarr_lib.testing.workload.Workload

    def image_files(self) -> Mapping[str, str]:
        """Return the files its image brings."""
        return {'/jellyfin/jellyfin': ''}

    def start(self, launch: Launch) -> None:
        """Start the server."""
        self.running = True

    def stop(self) -> None:
        """Stop the server."""
        self.running = False

    def tick(self) -> None:
        """Let ten seconds pass."""

    def execute(self, command: Sequence[str]) -> Ran | None:
        """Run a command of the image; it has none that a charm would call."""
        return None

    def handle(self, request: httpx2.Request, peer: str) -> httpx2.Response:
        """Answer a request."""
        if not self.running:
            raise httpx2.ConnectError('[Errno 111] Connection refused', request=request)
        response = self._route(request)
        self.heard.append((request.method, request.url.path, response.status_code))
        return response

    # The API.

    def _route(self, request: httpx2.Request) -> httpx2.Response:
        where = (request.method, request.url.path)
        open_to_all: dict[tuple[str, str], Callable[[httpx2.Request], httpx2.Response]] = {
            ('GET', '/health'): lambda _: httpx2.Response(200, text='Healthy'),
            ('GET', '/System/Info/Public'): self._public_info,
            ('POST', '/Users/AuthenticateByName'): self._authenticate,
        }
        guarded: dict[tuple[str, str], Callable[[httpx2.Request], httpx2.Response]] = {
            ('GET', '/System/Info'): self._public_info,
            ('POST', '/Auth/Keys'): self._make_key,
            ('GET', '/Auth/Keys'): self._list_keys,
            ('GET', '/Library/MediaFolders'): self._list_libraries,
        }
        if where in open_to_all:
            return open_to_all[where](request)
        if where not in guarded:
            return httpx2.Response(404)
        if _token(request) not in {*self.keys, *self._tokens}:
            return httpx2.Response(401)
        return guarded[where](request)

    def _public_info(self, request: httpx2.Request) -> httpx2.Response:
        info = {
            'ServerName': self._name,
            'Version': '10.11.0',
            'ProductName': 'Jellyfin Server',
            'Id': self._server_id,
            'StartupWizardCompleted': True,
        }
        return httpx2.Response(200, json=info)

    def _authenticate(self, request: httpx2.Request) -> httpx2.Response:
        body: Any = json.loads(request.content)
        for account in self.accounts:
            if (account.name, account.password) == (body.get('Username'), body.get('Pw')):
                token = f'session-{len(self._tokens) + 1}'
                self._tokens[token] = account
                policy = {'IsAdministrator': account.is_administrator}
                user = {'Id': account.id, 'Name': account.name, 'Policy': policy}
                return httpx2.Response(200, json={'User': user, 'AccessToken': token})
        return httpx2.Response(401)

    def _make_key(self, request: httpx2.Request) -> httpx2.Response:
        account = self._tokens.get(_token(request))
        if account is None or not account.is_administrator:
            return httpx2.Response(403)
        self._made += 1
        self.keys[f'jfkey-{self._made}'] = request.url.params.get('App', '')
        return httpx2.Response(204)

    def _list_keys(self, request: httpx2.Request) -> httpx2.Response:
        items = [{'AccessToken': key, 'AppName': app} for key, app in self.keys.items()]
        return httpx2.Response(200, json={'Items': items})

    def _list_libraries(self, request: httpx2.Request) -> httpx2.Response:
        items = [
            {'Id': each.id, 'Name': each.name, 'CollectionType': each.kind}
            for each in self.libraries
        ]
        return httpx2.Response(200, json={'Items': items})


def _token(request: httpx2.Request) -> str:
    """Return the token of a header such as ``MediaBrowser Client="Seerr", Token="…"``."""
    header = request.headers.get('Authorization', '')
    return header.partition('Token="')[2].partition('"')[0]
