# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Puts a double behind an HTTP client: in the same process, or on a loopback port."""

from __future__ import annotations

import contextlib
import dataclasses
import http.server
import threading
import time
from collections.abc import Callable, Generator, Mapping
from urllib.parse import parse_qsl, unquote, urlsplit

import httpx2
import msgspec


class NotModelled(AssertionError):
    """A double was asked for something that it does not know: extend it or mend the caller."""


@dataclasses.dataclass(frozen=True)
class Asked:
    """A request; header names are in lower case."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes = b''

    @property
    def form(self) -> tuple[tuple[str, str], ...]:
        """The query, then the fields of a form in the body."""
        if not self.headers.get('content-type', '').startswith('application/x-www-form'):
            return self.query
        fields = parse_qsl(self.body.decode(), keep_blank_values=True)
        return (*self.query, *((name, value) for name, value in fields))

    def first(self, name: str, default: str = '') -> str:
        """The first value of a parameter."""
        return next((value for key, value in self.form if key == name), default)

    def number(self, name: str, default: int) -> int:
        """The first value of a parameter as a number."""
        return int(self.first(name) or default)

    def all(self, name: str) -> list[str]:
        """All values of a parameter."""
        return [value for key, value in self.form if key == name]


@dataclasses.dataclass(frozen=True)
class Answer:
    """A response."""

    status: int = 200
    content: bytes = b''
    content_type: str = 'text/html'
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict[str, str])


Handler = Callable[[Asked], Answer]


def answer_json(document: object, status: int = 200) -> Answer:
    """A JSON response."""
    return Answer(status, msgspec.json.encode(document), 'application/json')


def answer_html(status: int, title: str) -> Answer:
    """An error page."""
    page = (
        f'<html><head><title>{title}</title></head><body><h1>{status} {title}</h1></body></html>'
    )
    return Answer(status, page.encode())


def asked_from(request: httpx2.Request, body: bytes) -> Asked:
    """A request of httpx2 as a double sees it."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    parts = urlsplit(str(request.url))
    query = tuple(parse_qsl(parts.query, keep_blank_values=True))
    return Asked(request.method, unquote(parts.path), query, headers, body)


class InProcess(httpx2.AsyncBaseTransport):
    """Sends requests to a double without a network.

    Attributes:
        asked: Every request so far.
    """

    def __init__(self, handler: Handler):
        self._handler = handler
        self.asked: list[Asked] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer one request."""
        asked = asked_from(request, await request.aread())
        self.asked.append(asked)
        answer = self._handler(asked)
        headers = {'Content-Type': answer.content_type, **answer.headers}
        return httpx2.Response(answer.status, headers=headers, content=answer.content)


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


@contextlib.contextmanager
def loopback(handler: Handler, latency: float = 0.0) -> Generator[str]:
    """Serve a double on a free port of 127.0.0.1; yields its address.

    Args:
        handler: The double.
        latency: Seconds by which every answer is late.
    """

    class RequestHandler(http.server.BaseHTTPRequestHandler):
        protocol_version = 'HTTP/1.1'
        # Headers and body leave in one packet; with Nagle's algorithm a reused connection would
        # wait 40 ms for the second.
        wbufsize = -1
        disable_nagle_algorithm = True

        def serve(self) -> None:
            length = int(self.headers.get('Content-Length') or 0)
            parts = urlsplit(self.path)
            asked = Asked(
                self.command,
                unquote(parts.path),
                tuple(parse_qsl(parts.query, keep_blank_values=True)),
                {name.lower(): value for name, value in self.headers.items()},
                self.rfile.read(length),
            )
            answer = handler(asked)
            if latency:
                time.sleep(latency)
            self.send_response(answer.status)
            self.send_header('Content-Type', answer.content_type)
            self.send_header('Content-Length', str(len(answer.content)))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = do_PUT = do_DELETE = serve  # noqa: N815 - http.server's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - inherited name
            """Say nothing; the test knows what it asked for."""

    server = _Server(('127.0.0.1', 0), RequestHandler)
    thread = threading.Thread(target=server.serve_forever, kwargs={'poll_interval': 0.05})
    thread.start()
    try:
        yield f'http://127.0.0.1:{server.server_address[1]}'
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
