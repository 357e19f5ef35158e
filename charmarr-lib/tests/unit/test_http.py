# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import contextlib
import http.server
import socket
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


@contextlib.contextmanager
def raw_server(answer: bytes | None):
    """Take one connection; send what is given and hang up, or say nothing at all."""
    with socket.create_server(('127.0.0.1', 0)) as listening:
        held: list[socket.socket] = []

        def serve():
            connection, _ = listening.accept()
            held.append(connection)
            connection.recv(65536)
            if answer is not None:
                connection.sendall(answer)
                connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield f'http://127.0.0.1:{listening.getsockname()[1]}'
        thread.join()
        for each in held:
            each.close()


def answering(body: bytes, content_type: str = 'application/json') -> bytes:
    head = (
        f'HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n'
    )
    return head.encode() + body


def free_port() -> int:
    with socket.create_server(('127.0.0.1', 0)) as listening:
        return listening.getsockname()[1]


def test_a_single_request_needs_no_proxy_and_follows_no_redirect(monkeypatch):
    monkeypatch.setenv('HTTP_PROXY', 'http://127.0.0.1:9')
    with server() as url:
        assert charmarr_http.request('GET', f'{url}/a?b=c').status == 302


def test_a_reply_has_its_status_its_media_type_and_its_json():
    with raw_server(answering(b'{"a": 1}', 'Application/JSON; charset=utf-8')) as url:
        reply = charmarr_http.request('GET', url)
    assert (reply.status, reply.content_type, reply.json()) == (200, 'application/json', {'a': 1})


@pytest.mark.parametrize('body', [b'', b'<html>', b'\xff\xfe', b'[' * 100_000])
def test_what_is_not_json_is_a_value_error(body):
    with pytest.raises(ValueError):
        charmarr_http.Reply(200, '', body).json()


def test_tells_a_request_that_was_never_sent_from_one_that_may_have_been_carried_out():
    with pytest.raises(charmarr_http.NotConnectedError):
        charmarr_http.request('GET', f'http://127.0.0.1:{free_port()}/')
    with raw_server(None) as url, pytest.raises(charmarr_http.TooLateError):
        charmarr_http.request('GET', url, timeout=0.05)


@pytest.mark.parametrize('answer', [b'', b'nonsense\r\n\r\n', answering(b'whole')[:-2]])
def test_an_answer_that_breaks_off_is_none(answer):
    with raw_server(answer) as url, pytest.raises(charmarr_http.RequestError):
        charmarr_http.request('GET', url)


def test_a_program_that_was_started_a_moment_ago_is_waited_for(monkeypatch):
    url = f'http://127.0.0.1:{free_port()}/'
    pauses: list[float] = []
    monkeypatch.setattr('time.sleep', pauses.append)
    with pytest.raises(charmarr_http.NotConnectedError):
        charmarr_http.request('GET', url, connect_retries=4)
    assert pauses == [0.0, 0.5, 1.0, 2.0]


@pytest.mark.parametrize(
    ('failure', 'raised'),
    [
        (httpx2.ConnectError('refused'), charmarr_http.NotConnectedError),
        (httpx2.ReadTimeout('late'), charmarr_http.TooLateError),
        (httpx2.ReadError('reset'), charmarr_http.RequestError),
    ],
)
def test_a_replaced_transport_fails_a_single_request_as_the_network_does(failure, raised):
    def fail(request: httpx2.Request) -> httpx2.Response:
        raise failure

    with charmarr_http.use_transport(httpx2.MockTransport(fail)), pytest.raises(raised):
        charmarr_http.request('GET', 'http://plex.invalid:32400/identity')
