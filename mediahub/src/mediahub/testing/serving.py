# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Serves a double on a loopback port, over real connections that can break."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import struct
import threading
from collections.abc import AsyncGenerator, Callable
from types import TracebackType
from typing import Any, Self, cast
from urllib.parse import parse_qsl, unquote

import uvicorn
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.wsproto_impl import WSProtocol

from .faults import Fault, Faults
from .http import Answer, Asked, Handler, NotModelled, answer_html

# Under which a connection's transport stands in the scope, and a websocket's connection itself.
TRANSPORT = 'mediahub.testing.transport'
CONNECTION = 'mediahub.testing.connection'

# Longer than any client waits.
_NEVER = 3_600.0


class _Http(HttpToolsProtocol):
    def on_message_begin(self) -> None:
        super().on_message_begin()
        cast('dict[str, Any]', self.scope)[TRANSPORT] = self.transport


class Socket(WSProtocol):
    """A websocket that can fall silent: it pings no more and answers no ping.

    Attributes:
        silent: Whether it is.
    """

    silent: Callable[[], bool] = staticmethod(lambda: False)

    def handle_connect(self, event: Any) -> None:
        """Let the application know the connection, which breaks it or makes it silent."""
        super().handle_connect(event)
        known = {TRANSPORT: self.transport, CONNECTION: self}
        cast('dict[str, Any]', self.scope).update(known)

    def send_keepalive_ping(self) -> None:
        """Send a ping, where it is due and not silent."""
        if self.silent():
            self.schedule_ping()
        else:
            super().send_keepalive_ping()

    def handle_ping(self, event: Any) -> None:
        """Answer a ping, where it is not silent."""
        if not self.silent():
            super().handle_ping(event)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config):
        super().__init__(config)
        self.up = threading.Event()
        self.loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.loop = asyncio.get_running_loop()
        self.up.set()


class Serving:
    """A double on a port of 127.0.0.1; a context.

    Attributes:
        port: The same after :meth:`come_back`.
        unknown: What was asked for that the double does not model. Leaving the context raises it,
            so that a test cannot pass on a path that nobody wrote.
    """

    def __init__(self, app: ASGIApp, port: int = 0, *, strict: bool = True):
        self._app = app
        self._strict = strict
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self.port = port
        self.unknown: list[str] = []

    @classmethod
    def of(cls, handler: Handler, faults: Faults, port: int = 0) -> Self:
        """A double that answers requests and does nothing else."""
        app = HandlerApp(handler, faults)
        made = cls(app, port)
        made.unknown = app.unknown
        return made

    @property
    def url(self) -> str:
        """Its address."""
        return f'http://127.0.0.1:{self.port}'

    def __enter__(self) -> Self:
        self.come_back()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.go_down()
        if self.unknown and self._strict and raised is None:
            raise NotModelled(', '.join(sorted(set(self.unknown))))

    def come_back(self) -> None:
        """Listen, on the same port as before."""
        bound = socket.socket()
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(('127.0.0.1', self.port))
        self.port = bound.getsockname()[1]
        config = uvicorn.Config(
            self._app, http=_Http, ws=Socket, lifespan='off', log_config=None, access_log=False,
            ws_ping_interval=5, ws_ping_timeout=20,
        )  # fmt: skip
        self._server = _Server(config)
        self._thread = threading.Thread(target=self._run, args=(self._server, bound), daemon=True)
        self._thread.start()
        if not self._server.up.wait(20):
            raise TimeoutError(f'the double did not come up on port {self.port}')

    def _run(self, server: _Server, bound: socket.socket) -> None:
        with contextlib.closing(bound):
            asyncio.run(server.serve([bound]))

    def go_down(self) -> None:
        """Break all connections and listen no longer."""
        server, self._server = self._server, None
        if server is None or self._thread is None:
            return
        self._call(server, _abort_all)
        server.should_exit = server.force_exit = True
        self._thread.join()

    def drop_connections(self) -> None:
        """Break all connections, as a cable that is pulled does; new ones are taken."""
        if self._server is not None:
            self._call(self._server, _abort_all)

    def _call(self, server: _Server, act: Any) -> None:
        done = threading.Event()

        def acted() -> None:
            act(server)
            done.set()

        if server.loop is not None:
            server.loop.call_soon_threadsafe(acted)
            done.wait(20)


def _abort_all(server: _Server) -> None:
    for connection in list(server.server_state.connections):
        reset(cast('Any', connection).transport)


def reset(transport: Any) -> None:
    """End a connection at once; the other side learns of it by a reset."""
    linger = struct.pack('ii', 1, 0)
    with contextlib.suppress(OSError, AttributeError):
        transport.get_extra_info('socket').setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    transport.abort()


class HandlerApp:
    """An ASGI application around a double that answers requests.

    Attributes:
        unknown: What was asked for that the double does not model.
    """

    def __init__(self, handler: Handler, faults: Faults):
        self._handler = handler
        self._faults = faults
        self.unknown: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = Request(scope, receive)
        asked = asked_from(request, await request.body())
        fault = self._faults.take(asked)
        answer = await befall(fault, scope) if fault else None
        if answer is None:
            answer = self._answered(asked)
        await _response(answer, fault)(scope, receive, send)

    def _answered(self, asked: Asked) -> Answer:
        try:
            return self._handler(asked)
        except NotModelled as unknown:
            self.unknown.append(str(unknown))
            return answer_html(501, f'Not Modelled: {unknown}')


def asked_from(connection: HTTPConnection, body: bytes = b'') -> Asked:
    """A request of Starlette as a double sees it."""
    scope = connection.scope
    text: str = scope['query_string'].decode('latin-1')
    query = tuple(parse_qsl(text, keep_blank_values=True))
    path = unquote(scope['raw_path'].decode('latin-1')).removeprefix(scope.get('root_path', ''))
    return Asked(scope.get('method', 'GET'), path, query, dict(connection.headers), body)


async def befall(fault: Fault, scope: Scope) -> Answer | None:
    """Let a fault happen; what is answered in place of the double, None where it answers."""
    if fault.after:
        await asyncio.sleep(fault.after)
    if fault.hang:
        await asyncio.sleep(_NEVER)
    if fault.reset:
        reset(scope[TRANSPORT])
        return answer_html(503, 'Reset')  # which nobody gets
    return fault.answer()


def _response(answer: Answer, fault: Fault | None) -> Response:
    headers = {**answer.headers, 'content-type': answer.content_type}
    if fault is None or (fault.keep is None and fault.drip is None):
        return Response(answer.content, answer.status, headers)
    headers['content-length'] = str(len(answer.content))
    kept = answer.content[: fault.keep]
    return StreamingResponse(_dripping(kept, fault.drip), answer.status, headers)


async def _dripping(content: bytes, rate: int | None) -> AsyncGenerator[bytes]:
    step = max(1, (rate or len(content) * 10) // 10)
    for start in range(0, len(content), step):
        if rate:
            await asyncio.sleep(0.1)
        yield content[start : start + step]


# What uvicorn logs of answers that end early, which a fault makes them do.
logging.getLogger('uvicorn.error').addFilter(
    lambda record: 'without completing' not in record.getMessage()
)
