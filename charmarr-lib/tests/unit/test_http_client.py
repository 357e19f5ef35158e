# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from collections.abc import Generator

import httpx2
import pytest

from charmarr_lib import http

ANSWER = b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok'


@contextlib.contextmanager
def opened_later() -> Generator[str]:
    """A port that refuses connections at first, as that of a program that is starting."""
    with socket.socket() as listening:
        listening.bind(('127.0.0.1', 0))

        def serve() -> None:
            listening.listen()
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(ANSWER)

        # The second try comes at once, the third after half a second.
        timer = threading.Timer(0.2, serve)
        timer.start()
        yield f'http://127.0.0.1:{listening.getsockname()[1]}'
        timer.join()


def test_a_program_that_is_starting_is_tried_again():
    with opened_later() as url, http.client(url, connect_retries=3) as client:
        assert client.get('/').text == 'ok'


def test_without_retries_it_is_not():
    with socket.socket() as closed:
        closed.bind(('127.0.0.1', 0))
        url = f'http://127.0.0.1:{closed.getsockname()[1]}'
        with http.client(url) as client, pytest.raises(httpx2.ConnectError):
            client.get('/')


def test_a_replaced_transport_is_asked_once():
    asked: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        raise httpx2.ConnectError('refused')

    with (
        http.use_transport(httpx2.MockTransport(answer)),
        http.client('http://plex', connect_retries=9) as client,
        pytest.raises(httpx2.ConnectError),
    ):
        client.get('/')
    assert len(asked) == 1


def test_a_secret_in_a_url_is_not_logged(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.NOTSET)
    with (
        http.use_transport(httpx2.MockTransport(lambda request: httpx2.Response(200))),
        http.client('http://plex') as client,
    ):
        client.post('/myplex/claim', params={'token': 'claim-secret'})
    assert 'claim-secret' not in caplog.text
