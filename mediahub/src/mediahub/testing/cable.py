# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A cable between a client and a server, which can be cut, mended, and made to lose answers."""

from __future__ import annotations

import asyncio
import contextlib

# Of the event loop, from a connection that is there to somebody who knows of it.
_TURNS = 6


class Cable:
    """Passes bytes between whoever connects to it and a server. Use it as a context.

    Args:
        target: Port of the server on 127.0.0.1.

    Attributes:
        port: Its own port.
        connections: How often somebody connected through it.
    """

    def __init__(self, target: int):
        self._target = target
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._whole = False
        self._deaf = False
        self.port = 0
        self.connections = 0

    async def __aenter__(self) -> Cable:
        await self.mend()
        return self

    async def __aexit__(self, *details: object) -> None:
        await self.cut()

    async def mend(self) -> None:
        """Take connections, on the same port as before."""
        self._whole, self._deaf = True, False
        self._server = await asyncio.start_server(self._connect, '127.0.0.1', self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Break every connection, and refuse new ones."""
        self._whole = False
        # A connection that is just being accepted has nobody yet who could break it.
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        if self._server:
            self._server.close()
            self._server = None
        for writer in tuple(self._writers):
            writer.transport.abort()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def lose_answers(self) -> None:
        """From now on nothing that the server says arrives, until the cable is cut and mended."""
        self._deaf = True

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._whole:
            writer.transport.abort()
            return
        self.connections += 1
        task = asyncio.current_task()
        if task:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        ends = [writer]
        with contextlib.suppress(OSError, asyncio.CancelledError):
            there, back = await asyncio.open_connection('127.0.0.1', self._target)
            ends.append(back)
            self._writers.update(ends)
            await asyncio.gather(
                self._pass(reader, back, answers=False), self._pass(there, writer, answers=True)
            )
        for end in ends:
            end.transport.abort()
            self._writers.discard(end)

    async def _pass(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, answers: bool
    ) -> None:
        while data := await source.read(65536):
            if answers and self._deaf:
                continue
            sink.write(data)
            await sink.drain()
        sink.transport.abort()
