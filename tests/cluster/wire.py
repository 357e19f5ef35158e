# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Plain requests to a Kubernetes API, and the way to a real one.

Nothing here knows whether the API is real: the same requests go to both, and what comes back is
looked at as it came.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import types
from collections.abc import Generator, Mapping
from typing import Any, Final

import httpx2

from charmarr_lib.testing.kubernetes import kinds

from . import servers

Manifest = dict[str, Any]

APPLY: Final = 'application/apply-patch+yaml'
JSON_PATCH: Final = 'application/json-patch+json'
MERGE: Final = 'application/merge-patch+json'
STRATEGIC: Final = 'application/strategic-merge-patch+json'

_JSON: Final = 'application/json'
_STAND_IN: Final = 'https://kubernetes.default.svc'


def encoded(obj: Manifest) -> str:
    """Return a manifest as the body of a request."""
    return json.dumps(obj)


class ServerTransport(httpx2.BaseTransport):
    """Carries requests to a real API server, whatever host they name, as one of its users.

    Args:
        server: The API server.
        token: The user's token; None for whoever may do everything.
    """

    def __init__(self, server: servers.Server, token: str | None = None) -> None:
        self._target = httpx2.URL(server.address)
        self._authorization = f'Bearer {token or server.token}'
        self._carrier = httpx2.HTTPTransport(verify=server.trust, trust_env=False)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request, and return the answer read to its end.

        A client of a test may be dropped before it is closed; an answer that is read gives its
        connection back by itself.
        """
        url = request.url.copy_with(host=self._target.host, port=self._target.port)
        headers = {**request.headers, 'authorization': self._authorization}
        headers['host'] = self._target.netloc.decode()
        content = request.read()
        sent = httpx2.Request(
            request.method, url, headers=headers, content=content, extensions=request.extensions
        )
        answer = self._carrier.handle_request(sent)
        answer.read()
        return answer

    def close(self) -> None:
        """Leave connections open: clients come and go, the server stays."""

    def disconnect(self) -> None:
        """Close all connections."""
        self._carrier.close()


@contextlib.contextmanager
def connected(server: servers.Server, token: str | None = None) -> Generator[ServerTransport]:
    """Keep connections to a server for the length of the ``with`` block."""
    transport = ServerTransport(server, token)
    try:
        yield transport
    finally:
        transport.disconnect()


@dataclasses.dataclass(frozen=True)
class Answer:
    """What an API server answered.

    Attributes:
        code: HTTP status.
        media_type: Content-Type, as it was sent.
        body: The object, the list, or the Status.
    """

    code: int
    media_type: str
    body: Manifest

    @property
    def done(self) -> Manifest:
        """The object; fails if the request was refused."""
        assert self.code < 300, self.body
        return self.body

    @property
    def reason(self) -> tuple[int, str]:
        """Code and reason of a refusal; fails if there was none."""
        refusal = self._refusal
        return self.code, refusal.get('reason', '')

    @property
    def message(self) -> str:
        """The text of a refusal."""
        return self._refusal['message']

    @property
    def causes(self) -> list[tuple[str, str, str]]:
        """Field, reason and message of everything that was refused."""
        found = self._refusal['details'].get('causes', [])
        return [(each.get('field', ''), each['reason'], each['message']) for each in found]

    @property
    def _refusal(self) -> Manifest:
        assert self.body['kind'] == 'Status', self.body
        assert self.body['status'] == 'Failure', self.body
        assert self.body['code'] == self.code, self.body
        return self.body


def outline(answer: Answer) -> Answer:
    """Return a refusal without its wording, for one that prints Go structs or a parser's state."""
    fields = [field for field, _, _ in answer.causes] if 'details' in answer.body else []
    return dataclasses.replace(answer, body={'reason': answer.reason, 'fields': fields})


def names(answer: Answer) -> Answer:
    """Return a list with nothing but the names of its items, in order."""
    items = sorted(each['metadata']['name'] for each in answer.body.get('items', ()))
    return dataclasses.replace(answer, body={**answer.body, 'items': items})


class Api:
    """Requests of one user.

    Args:
        transport: The way to the API server.
        namespace: Namespace of objects that name none.
        manager: Field manager of writes that name none.
    """

    def __init__(
        self, transport: httpx2.BaseTransport, namespace: str, manager: str = 'test'
    ) -> None:
        self.namespace = namespace
        self.manager = manager
        self._client = httpx2.Client(transport=transport, base_url=_STAND_IN, trust_env=False)

    def __enter__(self) -> Api:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        self._client.close()

    def create(self, obj: Manifest, **query: str) -> Answer:
        """POST an object."""
        body = json.dumps(obj)
        return self.send('POST', self.path(obj['kind']), body, _JSON, self._write(query))

    def post(self, path: str, obj: Mapping[str, Any]) -> Answer:
        """POST to a path that is no collection of a kind we know."""
        return self.send('POST', path, json.dumps(obj), _JSON)

    def get(self, kind: str, name: str, part: str = '') -> Answer:
        """GET an object, or a part of it such as ``scale``."""
        return self.send('GET', self.path(kind, name, part))

    def list(self, kind: str, **query: str) -> Answer:
        """GET a collection."""
        return self.send('GET', self.path(kind), query=query)

    def names(self, kind: str, **query: str) -> list[str]:
        """Return the names of the objects of a collection, sorted."""
        return sorted(each['metadata']['name'] for each in self.list(kind, **query).done['items'])

    def replace(self, obj: Manifest, **query: str) -> Answer:
        """PUT an object."""
        path = self.path(obj['kind'], obj['metadata']['name'])
        return self.send('PUT', path, json.dumps(obj), _JSON, self._write(query))

    def patch(
        self, kind: str, name: str, patch: Any, media_type: str, part: str = '', **query: str
    ) -> Answer:
        """PATCH an object."""
        path = self.path(kind, name, part)
        return self.send('PATCH', path, json.dumps(patch), media_type, self._write(query))

    def apply(self, obj: Manifest, **query: str) -> Answer:
        """Apply an object (server-side apply)."""
        return self.patch(obj['kind'], obj['metadata']['name'], obj, APPLY, **query)

    def merge(self, kind: str, name: str, patch: Manifest, part: str = '', **query: str) -> Answer:
        """Change an object by a JSON merge patch."""
        return self.patch(kind, name, patch, MERGE, part, **query)

    def delete(self, kind: str, name: str, options: Manifest | None = None) -> Answer:
        """DELETE an object."""
        path = self.path(kind, name)
        if options is None:
            return self.send('DELETE', path)
        body = {'kind': 'DeleteOptions', 'apiVersion': 'v1', **options}
        return self.send('DELETE', path, json.dumps(body), _JSON)

    def version(self, kind: str, name: str) -> tuple[str, int | None]:
        """Return the resourceVersion and the generation of an object."""
        metadata = self.get(kind, name).done['metadata']
        return metadata['resourceVersion'], metadata.get('generation')

    def path(self, kind: str, name: str = '', part: str = '') -> str:
        """Return the path of a collection, of an object or of a part of one."""
        row = kinds.BY_NAME[kind]
        root = f'/apis/{row.group}/{row.version}' if row.group else f'/api/{row.version}'
        place = f'namespaces/{self.namespace}' if row.namespaced else ''
        return '/'.join(each for each in (root, place, row.plural, name, part) if each)

    def send(
        self,
        method: str,
        path: str,
        body: str | None = None,
        media_type: str = '',
        query: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send any request."""
        headers = {'content-type': media_type} if media_type else {}
        found = self._client.request(method, path, params=query, content=body, headers=headers)
        return Answer(found.status_code, found.headers['content-type'], found.json())

    def _write(self, query: Mapping[str, str]) -> dict[str, str]:
        return {'fieldManager': self.manager, **query}
