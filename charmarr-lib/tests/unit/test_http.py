# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import contextlib
import http.server
import threading

import httpx2
import pytest

from charmarr_lib import http as charmarr_http


@contextlib.contextmanager
def server():
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(302)
            self.send_header('Location', 'http://elsewhere.invalid/')
            self.end_headers()

        def log_message(self, format: str, *args: object):  # noqa: A002 -- the base class names it
            pass

    with http.server.HTTPServer(('127.0.0.1', 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={'poll_interval': 0.01})
        thread.start()
        try:
            yield f'http://127.0.0.1:{listening.server_port}'
        finally:
            listening.shutdown()
            thread.join()


def test_speaks_to_a_real_server_and_follows_no_redirect():
    with server() as url, charmarr_http.client(url) as client:
        assert client.get('/identity').status_code == 302


def test_ignores_proxy_variables(monkeypatch):
    monkeypatch.setenv('HTTP_PROXY', 'http://127.0.0.1:9')
    monkeypatch.setenv('ALL_PROXY', 'http://127.0.0.1:9')
    with server() as url, charmarr_http.client(url) as client:
        assert client.get('/').status_code == 302


def test_a_replaced_transport_gets_every_request_of_the_block_and_none_after():
    seen: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(str(request.url))
        return httpx2.Response(204)

    replaced = charmarr_http.use_transport(httpx2.MockTransport(answer))
    with replaced, charmarr_http.client('http://plex.invalid:32400') as client:
        client.get('/identity')
    assert seen == ['http://plex.invalid:32400/identity']
    assert charmarr_http.transport() is None


def test_the_network_is_back_after_a_failure():
    refusing = httpx2.MockTransport(lambda _: httpx2.Response(500))
    with pytest.raises(RuntimeError), charmarr_http.use_transport(refusing):
        raise RuntimeError
    assert charmarr_http.transport() is None
