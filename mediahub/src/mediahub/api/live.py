# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What plays at this moment: once as an answer, or for good over a websocket.

The websocket is for whoever has a session or an API token, which a program sends as its first
message: ``{"type": "auth", "token": …}``. First comes a snapshot, then what changes.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence

import anyio
import fastapi
import msgspec
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from ..plays import Play
from ..store.database import StoreError
from . import envelope, front
from .access import Identity, Viewer
from .discretion import for_eyes
from .envelope import Problem
from .feed import CutOff, Full, Listener, Ping, Snapshot
from .hub import Hub, TheHub
from .openapi import answers

router = fastapi.APIRouter(tags=['live'])

# Seconds. A page takes a socket that says nothing for longer than two pings for dead.
PING = 20.0
INTRODUCTION = 10.0
WRITE = 10.0
RECHECK = 60.0

# Ours: whoever listens has to sign in.
UNKNOWN = 4401


class Live(msgspec.Struct, frozen=True):
    """Everything that plays."""

    plays: Sequence[Play]


@router.get('/live')
@answers(Live)
async def live(hub: TheHub, eyes: Viewer) -> Response:
    """Everything that plays now, on all servers, as the hub knows it."""
    return envelope.success(Live(await _playing(hub, eyes)))


async def _playing(hub: Hub, eyes: Identity) -> list[Play]:
    plays = await hub.database.run(hub.plays.live)
    return [for_eyes(eyes, play) for play in plays]


class Introduction(msgspec.Struct, frozen=True, tag_field='type', tag='auth'):
    """The first message of a program."""

    token: str


@router.websocket('/ws')
async def live_socket(socket: WebSocket) -> None:
    """Live events. Closed with 4401: sign in; 1013: too slow, come again; 1001: it stops."""
    hub: Hub = socket.app.state.hub
    await socket.accept()
    try:
        eyes = await _introduced(hub, socket)
        listener = hub.feed.join(eyes.name, eyes.admin)
    except Problem as problem:
        front.note(socket.scope, problem.code, problem.message)
        await _close(socket, UNKNOWN if problem.status == 401 else 1008, problem.message)
    except CutOff as end:
        await _close(socket, end.code, end.reason)
    except Full:
        await _close(socket, 1013, 'too many listeners; try again later')
    except WebSocketDisconnect:
        pass
    else:
        await _hold(hub, socket, eyes, listener)


async def _introduced(hub: Hub, socket: WebSocket) -> Identity:
    """Who listens."""
    if 'authorization' in socket.headers or 'cookie' in socket.headers:
        found = await hub.auth.identify(socket)
    else:
        address = socket.client.host if socket.client else ''
        found = await hub.auth.by_token(await _token(socket), address)
    front.identify(socket.scope, f'{found.name}/{found.kind}')
    return found


async def _token(socket: WebSocket) -> str:
    missing = Problem(401, 'UNAUTHORIZED', 'send {"type": "auth", "token": …} first')
    try:
        async with asyncio.timeout(INTRODUCTION):
            text = await socket.receive_text()
        return msgspec.json.decode(text, type=Introduction).token
    except (TimeoutError, KeyError, msgspec.DecodeError, RecursionError) as error:
        raise missing from error


async def _hold(hub: Hub, socket: WebSocket, eyes: Identity, listener: Listener) -> None:
    """Send until one side ends it."""
    end: CutOff | None = None

    async def until_one_ends(part: Callable[[], Awaitable[None]]) -> None:
        nonlocal end
        try:
            await part()
        except CutOff as cut_off:
            end = cut_off
        except StoreError:
            end = CutOff(1013, 'the database cannot be used just now; connect again')
        except WebSocketDisconnect:
            pass
        group.cancel_scope.cancel()

    try:
        async with anyio.create_task_group() as group:
            group.start_soon(until_one_ends, lambda: _pump(hub, socket, eyes, listener))
            group.start_soon(until_one_ends, lambda: _drain(socket))
            group.start_soon(until_one_ends, lambda: _recheck(hub, socket))
    finally:
        hub.feed.leave(listener)
    if end is not None:
        front.note(socket.scope, str(end.code), end.reason)
        await _close(socket, end.code, end.reason)


async def _pump(hub: Hub, socket: WebSocket, eyes: Identity, listener: Listener) -> None:
    snapshot = Snapshot(await _playing(hub, eyes))
    await _in_time(_send(socket, msgspec.json.encode(snapshot)))
    ping = msgspec.json.encode(Ping())
    while True:
        message = ping
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PING):
                message = await listener.next()
        await _in_time(_send(socket, message))


async def _send(socket: WebSocket, message: bytes) -> None:
    await socket.send_text(message.decode())


async def _in_time(sending: Awaitable[None]) -> None:
    """Send, unless the other side takes nothing."""
    try:
        async with asyncio.timeout(WRITE):
            await sending
    except TimeoutError as error:
        raise CutOff(1013, 'too slow; connect again') from error


async def _drain(socket: WebSocket) -> None:
    """Notice that the other side goes; what it says meanwhile means nothing."""
    while True:
        if (await socket.receive())['type'] == 'websocket.disconnect':
            return


async def _recheck(hub: Hub, socket: WebSocket) -> None:
    """Notice that a session ended. Programs' tokens are looked at again when they come back."""
    if 'cookie' not in socket.headers:
        await asyncio.Event().wait()
    while True:
        await asyncio.sleep(RECHECK)
        try:
            await hub.auth.identify(socket)
        except Problem as problem:
            raise CutOff(UNKNOWN, problem.message) from problem


async def _close(socket: WebSocket, code: int, reason: str) -> None:
    """Close, without waiting for one who does not listen."""
    if socket.application_state is not WebSocketState.CONNECTED:
        return
    with contextlib.suppress(TimeoutError, WebSocketDisconnect, RuntimeError):
        async with asyncio.timeout(1):
            await socket.close(code, reason[:100])
