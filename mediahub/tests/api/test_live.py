# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Live events: a snapshot first, then what happens; only who is too slow is cut off."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from mediahub import plays
from mediahub.api import live
from mediahub.api.app import create_app
from mediahub.api.feed import CutOff, Feed, Full
from mediahub.api.hub import Hub

from .conftest import Door

MOMENT = datetime.datetime(2026, 1, 17, 20, tzinfo=datetime.UTC)


def event(ordinal: int = 1, **changed: Any) -> plays.PlaybackEvent:
    play = plays.Play(
        play_id=plays.play_id('machine', 's', '1', '7', 0),
        server='machine',
        ordinal=ordinal,
        started_at=MOMENT,
        seen_at=MOMENT,
        item=plays.Item(rating_key='7', title='The Long Ferry'),
        player=plays.Player(address='203.0.113.9'),
    )
    play = msgspec.structs.replace(play, **changed)
    return plays.PlaybackEvent(
        event_id=plays.event_id(play.play_id, plays.Transition.PROGRESS, ordinal),
        transition=plays.Transition.PROGRESS,
        at=MOMENT,
        play=play,
    )


Connect = Callable[..., Any]


@pytest.fixture
def hub(bare_hub: Hub) -> Hub:
    return bare_hub


@pytest.fixture
def connect(hub: Hub) -> Connect:
    client = TestClient(create_app(hub))

    def connected(**headers: str) -> Any:
        return client.websocket_connect('/api/v1/ws', headers=headers)

    return connected


ADMIN = {'Authorization': 'Bearer admin-token'}
VIEWER = {'Authorization': 'Bearer viewer-token'}


def test_snapshot_comes_first_and_events_after(hub: Hub, connect: Connect):
    hub.plays.record([event(1)])
    with connect(**ADMIN) as socket:
        snapshot = socket.receive_json()
        socket.portal.call(hub.feed.publish, [event(2), event(3, offset_ms=5000)])
        message = socket.receive_json()

    assert snapshot['type'] == 'snapshot'
    assert [play['item']['title'] for play in snapshot['plays']] == ['The Long Ferry']
    assert message['type'] == 'events'
    assert [play['offset_ms'] for play in message['plays']] == [5000]
    assert [entry['transition'] for entry in message['events']] == ['progress', 'progress']


def test_viewers_see_no_addresses(hub: Hub, connect: Connect):
    hub.plays.record([event(1)])
    shown = list[str]()
    for headers in (ADMIN, VIEWER):
        with connect(**headers) as socket:
            shown += [play['player']['address'] for play in socket.receive_json()['plays']]
            socket.portal.call(hub.feed.publish, [event(2)])
            shown += [play['player']['address'] for play in socket.receive_json()['plays']]

    assert shown == ['203.0.113.9', '203.0.113.9', '', '']


def test_program_sends_its_token_first(connect: Connect):
    with connect() as socket:
        socket.send_json({'type': 'auth', 'token': 'viewer-token'})
        assert socket.receive_json()['type'] == 'snapshot'


@pytest.mark.parametrize(
    'first', ['', '{', '[]', '{"type": "auth"}', '{"type": "auth", "token": "x"}', '[' * 10_000]
)
def test_stranger_is_sent_away(connect: Connect, first: str):
    with connect() as socket:
        socket.send_text(first)
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_json()

    assert closed.value.code == 4401


def test_silent_stranger_is_sent_away(connect: Connect, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(live, 'INTRODUCTION', 0.05)
    with connect() as socket, pytest.raises(WebSocketDisconnect) as closed:
        socket.receive_json()

    assert closed.value.code == 4401


def test_end_of_a_session_ends_its_socket(
    hub: Hub, connect: Connect, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(live, 'RECHECK', 0.05)
    with connect(**VIEWER, Cookie='a=b') as socket:
        socket.receive_json()
        monkeypatch.setattr(Door, 'known', {})
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_json()

    assert closed.value.code == 4401


def test_quiet_socket_is_pinged(connect: Connect, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(live, 'PING', 0.05)
    with connect(**VIEWER) as socket:
        assert socket.receive_json()['type'] == 'snapshot'
        assert socket.receive_json() == {'type': 'ping'}


def test_what_a_listener_says_is_ignored(hub: Hub, connect: Connect):
    with connect(**VIEWER) as socket:
        socket.receive_json()
        for _ in range(10):
            socket.send_text('nonsense')
        socket.portal.call(hub.feed.alert, 'the token of living-room is no longer valid')
        assert socket.receive_json()['type'] == 'alert'


def test_hub_that_stops_says_so(hub: Hub, connect: Connect):
    with connect(**VIEWER) as socket:
        socket.receive_json()
        socket.portal.call(hub.feed.close)
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_json()

    assert closed.value.code == 1001
    assert len(hub.feed) == 0


def test_listener_that_goes_away_is_forgotten(hub: Hub, connect: Connect):
    with connect(**VIEWER) as socket:
        socket.receive_json()
        assert len(hub.feed) == 1

    assert len(hub.feed) == 0


@pytest.mark.anyio
async def test_slow_listener_is_cut_off_and_the_quick_one_hears_all():
    cut_off = list[int]()
    feed = Feed(lambda: cut_off.append(1), waiting=10)
    slow, quick = feed.join('slow', admin=True), feed.join('quick', admin=True)
    heard = list[bytes]()
    for number in range(100):
        feed.publish([event(number)])
        heard.append(await quick.next())

    assert len(heard) == 100
    assert cut_off == [1]
    with pytest.raises(CutOff) as end:
        await slow.next()
    assert end.value.code == 1013


@pytest.mark.anyio
async def test_publishing_waits_for_nobody():
    feed = Feed(lambda: None, waiting=10)
    for _ in range(10):
        feed.join('somebody', admin=False)

    async with asyncio.timeout(5):
        for number in range(1000):
            feed.publish([event(number)])

    assert len(feed) == 0


def test_there_is_room_for_so_many_listeners():
    feed = Feed(lambda: None, most=3, most_of_one=2)
    feed.join('anna', admin=False)
    feed.join('anna', admin=False)
    with pytest.raises(Full):
        feed.join('anna', admin=False)
    feed.join('ada', admin=True)
    with pytest.raises(Full):
        feed.join('somebody else', admin=True)
