# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The servers that a charm in a process of its own talks to: Pebble, Kubernetes, its workload.

They answer for the containers and the network of a rehearsed model, over real sockets, so the
charm pays for its HTTP as it does in a pod, and for TLS where it asks Kubernetes.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import pathlib
import socketserver
import ssl
import subprocess
import threading
import urllib.parse
from collections.abc import Callable, Generator, Mapping
from typing import Any

import httpx2
from ops import pebble

from charmarr_lib.testing.pebble import PebbleFake

_BOUNDARY = 'a-boundary'
_NOT_FOUND = 404
_HOP = frozenset({'transfer-encoding', 'content-length', 'connection', 'content-encoding'})


class Handler(http.server.BaseHTTPRequestHandler):
    """Hands each request to its server's ``answer``, and logs nothing."""

    def _serve(self) -> None:
        length = int(self.headers.get('Content-Length') or 0)
        answer: Callable[[httpx2.Request], httpx2.Response] = vars(self.server)['answer']
        base: str = vars(self.server)['base']
        response = answer(
            httpx2.Request(
                self.command,
                base + self.path,
                headers=dict(self.headers.items()),
                content=self.rfile.read(length),
            )
        )
        content = response.read()
        self.send_response(response.status_code)
        for name, value in response.headers.items():
            if name.lower() not in _HOP:
                self.send_header(name, value)
        self.send_header('Content-Length', str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 -- the base's names

    def address_string(self) -> str:
        """Name the client; one on a Unix socket has no address."""
        return 'charm'

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base's name
        """Say nothing."""


class _UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


@contextlib.contextmanager
def serving(
    answer: Callable[[httpx2.Request], httpx2.Response],
    base: str,
    at: pathlib.Path | int,
    tls: ssl.SSLContext | None = None,
) -> Generator[int]:
    """Answer on a Unix socket or a loopback port inside the ``with`` block; yield the port.

    Args:
        answer: Answers each request.
        base: What the paths of requests are put behind, such as ``http://localhost:32400``.
        at: Path of the socket, or the port; port 0 takes a free one.
        tls: Whom the server shows itself as; None leaves TLS out.
    """
    server: socketserver.BaseServer
    if isinstance(at, pathlib.Path):
        server, port = _UnixServer(str(at), Handler), 0
    else:
        server = http.server.ThreadingHTTPServer(('127.0.0.1', at), Handler)
        port = server.server_address[1]
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    vars(server).update(answer=answer, base=base)
    thread = threading.Thread(target=server.serve_forever, kwargs={'poll_interval': 0.05})
    thread.start()
    try:
        yield port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def service_account(folder: pathlib.Path) -> ssl.SSLContext:
    """Put a pod's credentials into a folder; return what its API server has to show."""
    key, certificate = folder / 'key.pem', folder / 'ca.crt'
    what = ('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2')
    names = ('-subj', '/CN=kubernetes', '-addext', 'subjectAltName=IP:127.0.0.1')
    subprocess.run(  # noqa: S603 -- a fixed command line
        ['openssl', *what, *names, '-keyout', str(key), '-out', str(certificate)],  # noqa: S607 -- from the PATH
        check=True,
        capture_output=True,
    )
    (folder / 'token').write_text('a-token')
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def pebble_api(fake: PebbleFake, changes: list[str]) -> Callable[[httpx2.Request], Any]:
    """Return Pebble's HTTP API for one container, as far as a look at it goes.

    Args:
        fake: The container.
        changes: Every other request is written down here and refused.
    """

    def answer(request: httpx2.Request) -> httpx2.Response:
        query = dict(request.url.params.multi_items())
        try:
            if request.method != 'GET':
                raise pebble.APIError({}, 405, 'Method Not Allowed', 'only looks are modelled')
            if query.get('action') == 'read':
                return _file(fake, query['path'])
            return _sync(_look(fake, request.url.path, query))
        except pebble.APIError as error:
            if error.code != _NOT_FOUND:
                changes.append(f'Pebble: {request.method} {request.url.path}')
            return _refusal(error)

    return answer


def _look(fake: PebbleFake, path: str, query: Mapping[str, str]) -> Any:
    names = urllib.parse.unquote(query.get('names', ''))
    if path == '/v1/system-info':
        return {'version': 'v1.26.0'}
    if path == '/v1/plan':
        return json.dumps(fake.plan().to_dict())  # which is YAML too
    if path == '/v1/services':
        plan = fake.plan().services
        return [_service(fake, each) for each in sorted(plan) if not names or each in names]
    if path == '/v1/checks':
        known = sorted(fake.checks.known)
        return [_check(fake, each) for each in known if not names or each in names]
    if path == '/v1/files' and query.get('action') == 'list':
        itself = query.get('itself') == 'true'
        found = fake.files.listing(query['path'], pattern=query.get('pattern'), itself=itself)
        return [_info(each) for each in found]
    raise pebble.APIError({}, 405, 'Method Not Allowed', f'{path} is not modelled')


def _service(fake: PebbleFake, name: str) -> dict[str, str]:
    startup = fake.plan().services[name].startup or 'disabled'
    return {'name': name, 'startup': startup, 'current': fake.services.current(name).value}


def _check(fake: PebbleFake, name: str) -> dict[str, Any]:
    info = fake.checks.info(name)
    return {
        'name': name,
        'level': pebble.CheckLevel(info.level).value,
        'startup': info.startup.value or 'enabled',
        'status': pebble.CheckStatus(info.status).value,
        'successes': info.successes,
        'failures': info.failures,
        'threshold': info.threshold,
        'change-id': str(info.change_id),
    }


def _info(file: pebble.FileInfo) -> dict[str, Any]:
    return {
        'path': file.path,
        'name': file.name,
        'type': pebble.FileType(file.type).value,
        'size': file.size,
        'permissions': f'{file.permissions:03o}',
        'last-modified': file.last_modified.isoformat(),
        'user-id': file.user_id,
        'user': file.user,
        'group-id': file.group_id,
        'group': file.group,
    }


def _sync(result: Any) -> httpx2.Response:
    body = {'type': 'sync', 'status-code': 200, 'status': 'OK', 'result': result}
    return httpx2.Response(200, json=body)


def _refusal(error: pebble.APIError) -> httpx2.Response:
    result = {'message': error.message}
    body = {'type': 'error', 'status-code': error.code, 'status': error.status, 'result': result}
    return httpx2.Response(error.code, json=body)


def _file(fake: PebbleFake, path: str) -> httpx2.Response:
    """Return a file, or why there is none, as the one or two parts that Pebble sends."""
    parts: list[tuple[str, bytes]] = []
    result: dict[str, Any] = {'path': path}
    try:
        content = fake.files.read(path)
        parts.append((f'form-data; name="files"; filename="{path}"', content))
    except pebble.PathError as error:
        result['error'] = {'kind': error.kind, 'message': error.message}
    body = {'type': 'sync', 'status-code': 200, 'status': 'OK', 'result': [result]}
    parts.append(('form-data; name="response"', json.dumps(body).encode()))
    lines = b''.join(
        f'--{_BOUNDARY}\r\nContent-Disposition: {name}\r\n\r\n'.encode() + content + b'\r\n'
        for name, content in parts
    )
    headers = {'Content-Type': f'multipart/form-data; boundary={_BOUNDARY}'}
    end = f'--{_BOUNDARY}--\r\n'.encode()
    return httpx2.Response(200, headers=headers, content=lines + end)
