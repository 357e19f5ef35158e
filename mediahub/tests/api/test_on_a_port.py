# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What only shows over a real connection: endless bodies, and listeners that do not read."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import datetime
import json
import os
import socket
import time
from collections.abc import Callable, Generator
from urllib.parse import urlsplit

import httpx2
import pytest

from mediahub import plays, settings
from mediahub.api.app import create_app
from mediahub.api.hub import Hub
from mediahub.testing.serving import Serving

PIECE = b'x' * 65536
ROUNDS = 16384  # a gigabyte of them


@pytest.fixture
def loops() -> list[asyncio.AbstractEventLoop]:
    return []


@pytest.fixture
def hub(bare_hub: Hub, loops: list[asyncio.AbstractEventLoop]) -> Hub:
    async def ready() -> list[str]:
        loops.append(asyncio.get_running_loop())
        return []

    bare_hub.ready = ready
    bare_hub.settings = settings.load({'ENABLE_PLEX_WEBHOOKS': 'true'})
    return bare_hub


@pytest.fixture
def address(hub: Hub) -> Generator[str]:
    with Serving(create_app(hub)) as serving:
        yield serving.url


@contextlib.contextmanager
def connected(address: str) -> Generator[socket.socket]:
    place = urlsplit(address)
    with socket.create_connection((place.hostname, place.port or 80), timeout=30) as found:
        yield found


def send_for_ever(line: socket.socket, head: str, piece: bytes) -> tuple[int, bytes]:
    """Send until the other side has had enough; how much that was, and what it said."""
    line.sendall(head.encode())
    sent = 0
    with contextlib.suppress(OSError):
        for _ in range(ROUNDS):
            line.sendall(piece)
            sent += len(piece)
    answer = b''
    with contextlib.suppress(OSError):
        while more := line.recv(65536):
            answer += more
    return sent, answer


def test_gigabyte_that_is_announced_is_not_read(address: str):
    head = (
        'POST /api/v1/plex/webhook HTTP/1.1\r\nHost: hub\r\n'
        f'Content-Type: application/json\r\nContent-Length: {1024**3}\r\n\r\n'
    )
    with connected(address) as line:
        line.sendall(head.encode())
        answer = line.recv(65536)
        while more := line.recv(65536):
            answer += more

    assert answer.startswith(b'HTTP/1.1 413 ')
    assert b'BODY_TOO_LARGE' in answer


@pytest.mark.parametrize('path', ['/api/v1/plex/webhook', '/api/v1/plex/sessions/terminate'])
def test_gigabyte_in_chunks_is_cut_off_early(address: str, path: str):
    head = (
        f'POST {path} HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer admin-token\r\n'
        'Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n'
    )
    with connected(address) as line:
        sent, answer = send_for_ever(line, head, b'10000\r\n' + PIECE + b'\r\n')

    assert sent < 64 * 1024 * 1024
    assert not answer or answer.startswith(b'HTTP/1.1 413 ')
    assert httpx2.get(f'{address}/healthz').status_code == 200


def events(number: int) -> list[plays.PlaybackEvent]:
    moment = datetime.datetime(2026, 1, 17, tzinfo=datetime.UTC)
    play = plays.Play(
        play_id=plays.play_id('machine', 's', '1', '7', 0),
        server='machine',
        ordinal=number,
        started_at=moment,
        seen_at=moment,
        item=plays.Item(title='x' * 20_000),
    )
    found = plays.PlaybackEvent(
        event_id=str(number), transition=plays.Transition.PROGRESS, at=moment, play=play
    )
    return [found]


def listener(line: socket.socket) -> None:
    """Begin to listen, in the fewest bytes."""
    key = base64.b64encode(os.urandom(16)).decode()
    line.sendall(
        (
            'GET /api/v1/ws HTTP/1.1\r\nHost: hub\r\nUpgrade: websocket\r\n'
            'Connection: Upgrade\r\nAuthorization: Bearer admin-token\r\n'
            f'Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n'
        ).encode()
    )
    assert line.recv(4096).startswith(b'HTTP/1.1 101 ')


@pytest.fixture
def loop(loops: list[asyncio.AbstractEventLoop], address: str) -> asyncio.AbstractEventLoop:
    """The event loop that the hub is served by."""
    httpx2.get(f'{address}/readyz')
    return loops[0]


def test_listener_that_does_not_read_is_cut_off_and_others_hear_everything(
    hub: Hub, address: str, loop: asyncio.AbstractEventLoop
):
    number = 0
    with connected(address) as deaf, httpx2.Client() as client:
        listener(deaf)
        with client.websocket(
            address.replace('http', 'ws') + '/api/v1/ws',
            headers={'Authorization': 'Bearer viewer-token'},
        ) as heard:
            assert json.loads(heard.receive_text())['type'] == 'snapshot'
            wait(lambda: len(hub.feed) == 2)
            for number in range(3000):
                loop.call_soon_threadsafe(hub.feed.publish, events(number))
                message = json.loads(heard.receive_text())
                assert message['plays'][0]['ordinal'] == number
                if len(hub.feed) == 1:
                    break

            assert len(hub.feed) == 1
            assert number < 2999


def wait(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
