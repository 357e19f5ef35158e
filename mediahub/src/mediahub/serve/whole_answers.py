# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Sends the head of an answer together with its body.

uvicorn writes them one after the other, which is two packets, two calls of the system and a client
that wakes up twice. For a webhook, that is a third of all it costs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_ANSWER = b'HTTP/1.'


class WholeAnswers(HttpToolsProtocol):
    """Speaks HTTP as uvicorn does, over a transport that waits a moment for the rest."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        """A client has connected."""
        waiting = Waiting(transport, self.loop.call_soon)
        super().connection_made(cast('asyncio.Transport', waiting))


class Waiting:
    """A transport that holds the head of an answer back until something follows.

    If nothing does before the event loop's next turn, it goes out by itself.

    Args:
        transport: Where everything goes.
        soon: Has something called in the next turn.
    """

    def __init__(self, transport: asyncio.Transport, soon: Callable[[Callable[[], None]], object]):
        self._transport = transport
        self._soon = soon
        self._held = b''

    def write(self, data: bytes) -> None:
        """Send, or begin to."""
        if self._held:
            data, self._held = self._held + data, b''
        elif data.startswith(_ANSWER):
            self._held = data
            self._soon(self.flush)
            return
        self._transport.write(data)

    def flush(self) -> None:
        """Send what is held back."""
        if self._held:
            data, self._held = self._held, b''
            self._transport.write(data)

    def close(self) -> None:
        """Send the rest and close."""
        self.flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        """Everything else is the transport's own."""
        return getattr(self._transport, name)
