# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import asyncio
import base64
import contextlib
import hashlib
import logging
from collections.abc import AsyncGenerator, Callable
from typing import Any

import httpx2
import pytest

from mediahub.engine import wire
from mediahub.playback import frames, listener
from mediahub.playback.bell import Bell
from mediahub.playback.listener import Listener, Pace
from mediahub.playback.plex_api import Address
from mediahub.playback.tracker import Hint
from mediahub.testing.clocks import HandClock
from mediahub.testing.faults import Fault
from mediahub.testing.plex_living import LivingPlex
from mediahub.testing.plex_sessions import Session

from .waiting import eventually, running

pytestmark = pytest.mark.anyio

QUICK = Pace(handshake=5, ping=0.5, pong=5, quiet=5, first=0.02, longest=0.1, refused=0.05)


class Ear:
    """A listener, and everything that it passed on."""

    def __init__(self, address: Address, pool: httpx2.AsyncClient, pace: Pace = QUICK):
        self.bell = Bell()
        self.hints: list[Hint] = []
        self.notices: list[frames.Frame] = []
        self.listener = Listener(
            address, pool, self.bell, self.hints.append, self.notices.append,
            clock=HandClock(), pace=pace,
        )  # fmt: skip

    async def heard_by(self, plex: LivingPlex) -> None:
        """Wait until the server tells us of what happens: that is a moment after it accepted."""
        await eventually(lambda: self.listener.connected and plex.notices.listeners)

    async def rung(self, reason: str, times: int = 1) -> None:
        await eventually(
            lambda: self.bell.rings[reason] >= times, f'{reason}: {self.listener.problem}'
        )


Listen = Callable[..., Ear]


@pytest.fixture
async def listen() -> AsyncGenerator[Listen]:
    async with wire.pool() as pool:

        def listening(url: str, token: str, pace: Pace = QUICK) -> Ear:
            return Ear(Address('den', url, token), pool, pace)

        yield listening


def film(plex: LivingPlex) -> Session:
    return plex.play(plex.owner, plex.device('TV'), plex.shelves.of_kind('movie')[0].id)


@pytest.mark.parametrize(
    ('unknown', 'way'),
    [
        ('nothing', listener.WEBSOCKETS[0]),
        ('/:/websockets/.*', listener.WEBSOCKETS[1]),
        ('/:/websockets?/.*', listener.EVENTS),
    ],
)
async def test_listens_in_the_way_that_the_server_knows(
    living_plex: LivingPlex, listen: Listen, unknown: str, way: str
):
    living_plex.faults.add(Fault(unknown, status=404))
    ear = listen(living_plex.url, living_plex.token)
    async with running(ear.listener.run()):
        await ear.heard_by(living_plex)
        assert (ear.listener.connected, ear.listener.way, ear.listener.problem) == (True, way, '')
        session = film(living_plex)
        await ear.rung('playing')
        session.pause()
        await ear.rung('playing', 2)
        session.stop()
        await ear.rung('stopped')
        (hint,) = ear.hints
        assert (hint.session_key, hint.rating_key) == (session.key, session.item.node['ratingKey'])


async def test_what_only_goes_on_does_not_ring(
    living_plex: LivingPlex, listen: Listen, hand_clock: HandClock
):
    ear = listen(living_plex.url, living_plex.token)
    async with running(ear.listener.run()):
        await ear.heard_by(living_plex)
        session = film(living_plex)
        for _ in range(30):
            hand_clock.go(10)
            living_plex.tick()
        session.pause()
        await ear.rung('playing', 2)
        assert ear.bell.rings['playing'] == 2
        assert ear.listener.reader.read >= 30


async def test_three_stops_are_three_hints_and_no_more(living_plex: LivingPlex, listen: Listen):
    living_plex.quirks.triple_stops = True
    ear = listen(living_plex.url, living_plex.token)
    async with running(ear.listener.run()):
        await ear.heard_by(living_plex)
        session = film(living_plex)
        session.stop()
        await ear.rung('stopped', 3)
        assert [hint.rating_key == '' for hint in ear.hints].count(True) == 2
        assert {hint.session_key for hint in ear.hints} == {session.key}


async def test_a_transcode_rings_and_a_scan_is_passed_on(living_plex: LivingPlex, listen: Listen):
    ear = listen(living_plex.url, living_plex.token)
    async with running(ear.listener.run()):
        await ear.heard_by(living_plex)
        living_plex.scan('1')
        await eventually(lambda: ear.notices)
        (notice,) = [each for each in ear.notices if isinstance(each, frames.ActivityChange)]
        assert notice.event == 'started'
        assert ear.bell.rings['playing'] == 0


async def test_the_first_connection_is_tried_for_ever(listen: Listen, hand_clock: HandClock):
    plex = LivingPlex(hand_clock)
    with plex.served() as serving:
        serving.go_down()
        ear = listen(serving.url, plex.token)
        async with running(ear.listener.run()):
            await eventually(lambda: ear.listener.problem.startswith('/:/'))
            assert not ear.listener.connected
            await asyncio.to_thread(serving.come_back)
            await ear.rung('connected')


async def test_comes_back_after_every_break(living_plex: LivingPlex, listen: Listen):
    ear = listen(living_plex.url, living_plex.token)
    async with running(ear.listener.run()):
        for count in range(1, 6):
            await ear.rung('connected', count)
            await asyncio.to_thread(living_plex.restart)
            await ear.rung('disconnected', count)
        await ear.rung('connected', 6)
        assert ear.listener.connections >= 6


async def test_tells_a_session_anew_after_a_break(living_plex: LivingPlex, listen: Listen):
    ear = listen(living_plex.url, living_plex.token)
    async with running(ear.listener.run()):
        await ear.heard_by(living_plex)
        film(living_plex)
        await ear.rung('playing')
        await asyncio.to_thread(living_plex.restart, survivors=True)
        await ear.rung('connected', 2)
        await ear.heard_by(living_plex)
        living_plex.tick()
        await ear.rung('playing', 2)


async def test_a_refused_token_is_loud_and_slow_and_can_be_mended(
    living_plex: LivingPlex, listen: Listen, caplog: pytest.LogCaptureFixture
):
    living_plex.token = 'another'
    ear = listen(living_plex.url, 'the-old-token-of-the-hub')
    with caplog.at_level(logging.INFO, 'mediahub'):
        async with running(ear.listener.run()):
            await ear.rung('refused', 2)
            assert ear.listener.refused
            assert not ear.listener.connected
            living_plex.token = 'the-old-token-of-the-hub'
            await ear.rung('connected')
            assert not ear.listener.refused
    loud = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(loud) == 1
    assert 'give it a new one' in loud[0].getMessage()
    assert 'the-old-token-of-the-hub' not in caplog.text


def test_a_refused_token_is_tried_rarely_and_a_silent_server_ever_less_often():
    ear = Listener(
        Address('den', 'http://h', 't'), httpx2.AsyncClient(), Bell(), print, print,
        clock=HandClock(),
    )  # fmt: skip
    waits = [ear._wait(failures) for failures in range(12)]  # pyright: ignore[reportPrivateUsage]
    pace = Pace()
    assert all(wait <= pace.longest for wait in waits)
    assert waits[0] <= pace.first
    assert min(waits[8:]) >= pace.longest / 2
    assert len(set(waits)) == len(waits)
    ear.refused = True
    assert ear._wait(1) >= pace.refused / 2  # pyright: ignore[reportPrivateUsage]


async def test_the_token_is_in_a_header_only(listen: Listen, hand_clock: HandClock):
    class Watchful(LivingPlex):
        asked: list[Any] = []  # noqa: RUF012 - of one test

        def refusal(self, asked: Any) -> Any:
            self.asked.append(asked)
            return super().refusal(asked)

    plex = Watchful(hand_clock)
    plex.faults.add(Fault('/:/websockets/.*', status=404))
    with plex.served():
        ear = listen(plex.url, plex.token)
        async with running(ear.listener.run()):
            await ear.rung('connected')
    assert plex.asked
    for asked in plex.asked:
        assert asked.headers['x-plex-token'] == plex.token
        assert plex.token not in f'{asked.path} {asked.query}'


@contextlib.asynccontextmanager
async def talker(*messages: bytes) -> AsyncGenerator[str]:
    """A server that upgrades to a websocket, sends these frames as they are, and falls silent."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b'\r\n\r\n')
        lines = dict(
            line.split(b': ', 1) for line in request.lower().splitlines() if b': ' in line
        )
        original = dict(line.split(b': ', 1) for line in request.splitlines() if b': ' in line)
        key = next(v for k, v in original.items() if k.lower() == b'sec-websocket-key')
        assert lines[b'upgrade'] == b'websocket'
        digest = hashlib.sha1(key + b'258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest()  # noqa: S324
        accept = base64.b64encode(digest)
        writer.write(
            b'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
            b'Sec-WebSocket-Accept: ' + accept + b'\r\n\r\n'
        )
        for message in messages:
            writer.write(message)
        with contextlib.suppress(ConnectionError):
            await writer.drain()
            while await reader.read(1024):
                pass  # and no ping is answered
        writer.close()

    server = await asyncio.start_server(serve, '127.0.0.1', 0)
    async with server:
        yield f'http://127.0.0.1:{server.sockets[0].getsockname()[1]}'


def text(payload: bytes) -> bytes:
    size = len(payload)
    head = bytes([size]) if size < 126 else b'\x7e' + size.to_bytes(2, 'big')
    return b'\x81' + head + payload


async def test_a_dead_socket_is_found(listen: Listen):
    pace = Pace(handshake=5, ping=0.05, pong=0.1, first=0.02, longest=0.05)
    async with talker() as url:
        ear = listen(url, 'token', pace)
        async with running(ear.listener.run()):
            await ear.rung('connected')
            await ear.rung('disconnected')
            await ear.rung('connected', 2)


async def test_a_silent_event_source_is_found(living_plex: LivingPlex, listen: Listen):
    living_plex.faults.add(Fault('/:/websockets?/.*', status=404))
    living_plex.quirks.silent = True
    ear = listen(living_plex.url, living_plex.token, Pace(quiet=0.2, first=0.02, longest=0.05))
    async with running(ear.listener.run()):
        await ear.rung('disconnected', 2)
        assert ear.listener.way == listener.EVENTS


async def test_garbage_between_frames_costs_only_itself(listen: Listen):
    frame = (
        b'{"NotificationContainer":{"type":"playing","size":1,'
        b'"PlaySessionStateNotification":[{"sessionKey":3,"state":"playing","ratingKey":1}]}}'
    )
    messages = (text(b'garbage'), b'\x82\x03\xff\xfe\x00', text(b''), text(frame))
    async with talker(*messages) as url:
        ear = listen(url, 'token')
        async with running(ear.listener.run()):
            await ear.rung('playing')
            assert ear.listener.reader.garbage >= 2
            assert ear.listener.connected


@pytest.mark.parametrize(
    'message', [b'\x81\x7f' + (1 << 40).to_bytes(8, 'big'), b'\xff\xff\xff', b'\x81\x02\xff\xfe']
)
async def test_what_is_no_websocket_ends_the_connection_and_nothing_else(
    listen: Listen, message: bytes
):
    async with talker(message + b'x' * 2_000_000) as url:
        ear = listen(url, 'token')
        async with running(ear.listener.run()) as task:
            await ear.rung('disconnected', 2)
            assert not task.done()
            assert ear.listener.problem or ear.listener.connected
