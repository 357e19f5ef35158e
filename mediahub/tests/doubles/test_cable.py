# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A cable that is cut lets nothing through, at whatever moment somebody connects."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator

import pytest

from mediahub.testing.cable import Cable

pytestmark = pytest.mark.anyio


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(100):
            writer.write(data)
            await writer.drain()
    writer.close()


@pytest.fixture
async def echo() -> AsyncGenerator[int]:
    async with await asyncio.start_server(_echo, '127.0.0.1', 0) as server:
        yield server.sockets[0].getsockname()[1]


async def said(line: socket.socket) -> bytes:
    """What comes back; nothing where the line is dead."""
    reader, writer = await asyncio.open_connection(sock=line)
    try:
        writer.write(b'x')
        async with asyncio.timeout(5):
            return await reader.read(1)
    except OSError:
        return b''
    finally:
        writer.close()


async def test_whole_cable_passes_everything_on(echo: int):
    async with Cable(echo) as cable:
        assert await said(socket.create_connection(('127.0.0.1', cable.port))) == b'x'
        assert cable.connections == 1


@pytest.mark.parametrize('turns', range(10))
async def test_connection_that_is_just_being_made_is_cut_too(echo: int, turns: int):
    async with Cable(echo) as cable:
        line = socket.create_connection(('127.0.0.1', cable.port))
        for _ in range(turns):
            await asyncio.sleep(0)
        await cable.cut()

        assert await said(line) == b''


async def test_mended_cable_is_the_same_one(echo: int):
    async with Cable(echo) as cable:
        port = cable.port
        await cable.cut()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(('127.0.0.1', port))
        await cable.mend()

        assert cable.port == port
        assert await said(socket.create_connection(('127.0.0.1', port))) == b'x'
