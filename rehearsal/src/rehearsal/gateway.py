# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Lets a real process reach the rehearsed cluster: an HTTP proxy on loopback.

The model has one thread and no locks. So the proxy's threads only put requests into a queue, and
whoever drives the model answers them with :meth:`Gateway.serve` when nothing else moves.

Where a program keeps a connection open, as a websocket is, it answers with :func:`tunnel` and the
address at which the connection goes on. From there on the model has no part in it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import http.server
import queue
import socket
import threading
from typing import Any, Final

import httpx2

from charmarr_lib import http as charm_http

# Seconds after which a request that nobody answers is given up.
_PATIENCE: Final = 10.0
_HOP_BY_HOP: Final = frozenset(
    {'connection', 'content-length', 'proxy-connection', 'transfer-encoding', 'keep-alive'}
)


_FAR_END: Final = 'charmarr_far_end'


def tunnel(address: tuple[str, int]) -> httpx2.Response:
    """Return the answer to a request whose connection goes on elsewhere on this machine."""
    return httpx2.Response(101, extensions={_FAR_END: address})


@dataclasses.dataclass
class _Asked:
    request: httpx2.Request
    answer: queue.Queue[httpx2.Response | None]


class Gateway:
    """The proxy.

    Attributes:
        url: Its address, for ``HTTP_PROXY``.
    """

    def __init__(self) -> None:
        self._asked: queue.Queue[_Asked] = queue.Queue()
        handler = type('Handler', (_Handler,), {'asked': self._asked})
        self._server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler)
        self._server.daemon_threads = True
        self.url = f'http://127.0.0.1:{self._server.server_address[1]}'
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={'poll_interval': 0.05}, daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Answer nothing any more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def serve(self, wait: float = 0.0) -> bool:
        """Answer what was asked, from the network that is in place just now.

        Args:
            wait: Seconds to wait for a first request.

        Returns:
            Whether there was one.
        """
        try:
            asked = self._asked.get(timeout=wait) if wait else self._asked.get_nowait()
        except queue.Empty:
            return False
        asked.answer.put(_answered(asked.request))
        return True


def _answered(request: httpx2.Request) -> httpx2.Response | None:
    carrier = charm_http.transport()
    if carrier is None:
        return None
    try:
        response = carrier.handle_request(request)
        response.read()
    except httpx2.TransportError:
        return None
    return response


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    asked: queue.Queue[_Asked]

    def relay(self) -> None:
        length = int(self.headers.get('Content-Length') or 0)
        headers = [(k, v) for k, v in self.headers.items() if k.lower() not in _HOP_BY_HOP]
        request = httpx2.Request(
            self.command, self.path, headers=headers, content=self.rfile.read(length)
        )
        answer: queue.Queue[httpx2.Response | None] = queue.Queue()
        self.asked.put(_Asked(request, answer))
        response = None
        with contextlib.suppress(queue.Empty):
            response = answer.get(timeout=_PATIENCE)
        with contextlib.suppress(OSError):  # the process is gone
            if response is not None and _FAR_END in response.extensions:
                self._join(request, response.extensions[_FAR_END])
            else:
                self._pass_on(response)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = relay  # noqa: N815 - http.server's names

    def _join(self, request: httpx2.Request, address: tuple[str, int]) -> None:
        """Send the request on, and then whatever either end says, until one has enough."""
        self.close_connection = True
        path = request.url.raw_path.decode()
        headers = [f'{name}: {value}' for name, value in self.headers.items()]
        with socket.create_connection(address, timeout=_PATIENCE) as far:
            far.settimeout(None)
            head = '\r\n'.join((f'{self.command} {path} HTTP/1.1', *headers, '', ''))
            far.sendall(head.encode('latin-1'))
            near = self.connection
            back = threading.Thread(target=_carry, args=(far, near), daemon=True)
            back.start()
            _carry(near, far)
            back.join()

    def _pass_on(self, response: httpx2.Response | None) -> None:
        if response is None:
            self.send_error(502, 'nobody answers there')
            return
        self.send_response(response.status_code)
        for name, value in response.headers.items():
            if name.lower() not in _HOP_BY_HOP | {'content-encoding'}:
                self.send_header(name, value)
        self.send_header('Content-Length', str(len(response.content)))
        self.end_headers()
        self.wfile.write(response.content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - inherited name
        """Say nothing: what happens shows in the model."""


def _carry(source: socket.socket, target: socket.socket) -> None:
    """Carry what one end says to the other, and its silence too."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
