# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A living Plex on a port: HTTP, websockets and an event source side by side."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, cast

from starlette.applications import Starlette
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from .http import Answer
from .plex_notifications import Listener, wanted
from .serving import CONNECTION, HandlerApp, Serving, Socket, asked_from, befall

if TYPE_CHECKING:
    from .plex_living import LivingPlex

# Seconds between two pings of an event source.
PING = 10.0

Queue = asyncio.Queue[tuple[str, str]]


class PlexServing(Serving):
    """A Plex on a port; sets the double's address while it is up."""

    def __init__(self, plex: LivingPlex, port: int = 0, prefix: str = '', *, strict: bool = True):
        self._plex = plex
        self._prefix = prefix
        handler = HandlerApp(plex, plex.faults)
        super().__init__(_Push(plex).app(handler, prefix), port, strict=strict)
        self.unknown = handler.unknown

    def come_back(self) -> None:
        """Listen, on the same port as before."""
        super().come_back()
        self._plex.url = self.url + self._prefix


class _Push:
    def __init__(self, plex: LivingPlex):
        self._plex = plex

    def app(self, handler: HandlerApp, prefix: str) -> Starlette:
        routes = [
            WebSocketRoute('/:/websockets/notifications', self._socket),
            WebSocketRoute('/:/websocket/notifications', self._socket),
            Route('/:/eventsource/notifications', self._events),
            Mount('/', app=handler),
        ]
        return Starlette(routes=[Mount(prefix, routes=routes)] if prefix else routes)

    async def _refused(self, connection: HTTPConnection) -> Answer | None:
        asked = asked_from(connection)
        fault = self._plex.faults.take(asked)
        answer = await befall(fault, connection.scope) if fault else None
        return answer or self._plex.refusal(asked)

    @contextlib.asynccontextmanager
    async def _listening(
        self, connection: HTTPConnection, *, events: bool
    ) -> AsyncGenerator[Queue]:
        queue: Queue = asyncio.Queue()
        loop = asyncio.get_running_loop()

        # One call of the loop for all that comes before it gets round to it. Notices send one at a
        # time, so that nobody else adds between the two lines of send.
        coming: deque[tuple[str, str]] = deque()

        def pass_on() -> None:
            while coming:
                queue.put_nowait(coming.popleft())

        def send(kind: str, text: str) -> None:
            coming.append((kind, text))
            # The loop is closed when the server went down in between.
            with contextlib.suppress(RuntimeError):
                if len(coming) == 1:
                    loop.call_soon_threadsafe(pass_on)

        query = connection.query_params
        filters = query.get('filters', query.get('filter'))
        listener = Listener(events, wanted(filters), send)
        self._plex.notices.join(listener)
        try:
            yield queue
        finally:
            self._plex.notices.leave(listener)

    async def _socket(self, websocket: WebSocket) -> None:
        refused = await self._refused(websocket)
        if refused is not None:
            headers = {**refused.headers, 'content-type': refused.content_type}
            response = Response(refused.content, refused.status, headers)
            await websocket.send_denial_response(response)
            return
        cast('Socket', websocket.scope[CONNECTION]).silent = lambda: self._plex.quirks.silent
        await websocket.accept()
        async with self._listening(websocket, events=False) as queue:
            sender = asyncio.create_task(_send_all(websocket, queue))
            try:
                while True:
                    await websocket.receive_text()
            except (WebSocketDisconnect, KeyError):
                pass
            finally:
                sender.cancel()

    async def _events(self, request: Request) -> Response:
        refused = await self._refused(request)
        if refused is not None:
            headers = {**refused.headers, 'content-type': refused.content_type}
            return Response(refused.content, refused.status, headers)
        headers = {'cache-control': 'no-cache'}
        return StreamingResponse(
            self._stream(request), headers=headers, media_type='text/event-stream'
        )

    async def _stream(self, request: Request) -> AsyncGenerator[str]:
        async with self._listening(request, events=True) as queue:
            yield _event('ping', '{}')
            while True:
                try:
                    kind, text = await asyncio.wait_for(queue.get(), PING)
                except TimeoutError:
                    if not self._plex.quirks.silent:
                        yield _event('ping', '{}')
                    continue
                yield _event(kind, text)


async def _send_all(websocket: WebSocket, queue: Queue) -> None:
    with contextlib.suppress(WebSocketDisconnect):
        while True:
            _, text = await queue.get()
            await websocket.send_text(text)


def _event(kind: str, text: str) -> str:
    return f'event: {kind}\ndata: {text}\n\n'
