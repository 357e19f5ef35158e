# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Faults, injected at one request of many.

A fault strikes the request with a given index, counted from where it was armed, or every request
from there on. What it does to an answer is defined on the answer's JSON, whatever the protocol.
"""

from __future__ import annotations

import dataclasses
import enum
import json
from collections.abc import Callable
from typing import Any, cast

import httpx2


class Fault(enum.Enum):
    """Something that goes wrong once."""

    TIMEOUT = 'no answer in time'
    RESET = 'the connection breaks after the server did its work'
    UNAUTHORISED = 'HTTP 401'
    FORBIDDEN = 'HTTP 403'
    NOT_FOUND = 'HTTP 404'
    RATE_LIMITED = 'HTTP 429'
    SERVER_ERROR = 'HTTP 500'
    HTML = 'a page of HTML with HTTP 200'
    TRUNCATED = 'half of the JSON'
    EMPTY = 'empty lists, totals of 0, and HTTP 200'
    SHORT = 'half of the longest list'
    DUPLICATE = 'what the same address answered before'
    TOTAL = 'another total'


# Faults that leave an answer well-formed: only comparing it with others can show them.
LIES = frozenset({Fault.EMPTY, Fault.SHORT, Fault.DUPLICATE, Fault.TOTAL})

_STATUS = {
    Fault.UNAUTHORISED: 401,
    Fault.FORBIDDEN: 403,
    Fault.NOT_FOUND: 404,
    Fault.RATE_LIMITED: 429,
    Fault.SERVER_ERROR: 500,
}

# Names under which protocols tell how many there are.
_TOTALS = frozenset({'totalSize', 'TotalRecordCount', 'songCount', 'albumCount', 'count'})


@dataclasses.dataclass
class Interposer:
    """Decides which request is struck.

    Attributes:
        fault: What strikes; None lets everything pass.
        index: Which request since :meth:`arm`, from 0.
        lasting: Whether all later ones are struck too.
        count: Requests since :meth:`arm`.
        struck: Whether the fault came to pass.
    """

    fault: Fault | None = None
    index: int = 0
    lasting: bool = False
    count: int = 0
    struck: bool = False

    def arm(self, fault: Fault | None, index: int = 0, *, lasting: bool = False) -> None:
        """Count from here."""
        self.fault, self.index, self.lasting = fault, index, lasting
        self.count, self.struck = 0, False

    def strike(self) -> Fault | None:
        """The fault for the request that is being made, if it is its turn."""
        turn = self.count == self.index or (self.lasting and self.count > self.index)
        self.count += 1
        if not turn or self.fault is None:
            return None
        self.struck = True
        return self.fault


class FaultyTransport(httpx2.AsyncBaseTransport):
    """Stands between a dialect and its server.

    Args:
        inner: The server, or the way to it.
        interposer: Says which request is struck.
    """

    def __init__(self, inner: httpx2.AsyncBaseTransport, interposer: Interposer):
        self._inner = inner
        self._interposer = interposer
        self._before: dict[str, bytes] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Pass a request on, or strike it."""
        fault = self._interposer.strike()
        if fault is Fault.TIMEOUT:
            raise httpx2.ReadTimeout('struck', request=request)
        if fault is Fault.HTML:
            page = b'<html><body>Under maintenance</body></html>'
            return httpx2.Response(200, headers={'Content-Type': 'text/html'}, content=page)
        if fault in _STATUS:
            return httpx2.Response(_STATUS[fault], headers={'Retry-After': '0'}, content=b'')
        response = await self._inner.handle_async_request(request)
        content = await response.aread()
        await response.aclose()
        if fault is Fault.RESET:
            raise httpx2.ReadError('struck', request=request)
        path = request.url.path
        before = self._before.get(path, content)
        self._before[path] = content
        if fault is not None:
            content = tampered(fault, content, before)
        headers = {
            name: value
            for name, value in response.headers.items()
            if name.lower() not in {'content-length', 'content-encoding', 'transfer-encoding'}
        }
        return httpx2.Response(response.status_code, headers=headers, content=content)

    async def aclose(self) -> None:
        """Close the way to the server."""
        await self._inner.aclose()


def tampered(fault: Fault, content: bytes, before: bytes) -> bytes:
    """An answer as the fault leaves it; what is no JSON stays as it is, but for the cut."""
    if fault is Fault.TRUNCATED:
        return content[: len(content) // 2]
    if fault is Fault.DUPLICATE:
        return before
    try:
        document = json.loads(content)
    except ValueError:
        return content
    _ALTERATIONS[fault](document)
    return json.dumps(document).encode()


def _empty(node: Any) -> None:
    """Empty every list and set every total to nothing."""
    for child in _children(node):
        _empty(child)
    if isinstance(node, list):
        cast('list[Any]', node).clear()
    elif isinstance(node, dict):
        _totals(cast('dict[str, Any]', node), lambda _: 0)


def _short(node: Any) -> None:
    """Take the second half off the longest list of objects."""
    lists = [found for found in _lists(node) if found and isinstance(found[0], dict)]
    longest = max(lists, key=len, default=list[Any]())
    del longest[len(longest) // 2 :]


def _total(node: Any) -> None:
    """Raise every total by one."""
    for child in _children(node):
        _total(child)
    if isinstance(node, dict):
        _totals(cast('dict[str, Any]', node), lambda value: value + 1)


def _totals(node: dict[str, Any], change: Callable[[int], int]) -> None:
    for name in _TOTALS & node.keys():
        if isinstance(node[name], int):
            node[name] = change(node[name])


def _children(node: Any) -> list[Any]:
    if isinstance(node, dict):
        return list(cast('dict[str, Any]', node).values())
    return list(cast('list[Any]', node)) if isinstance(node, list) else []


def _lists(node: Any) -> list[list[Any]]:
    found = [cast('list[Any]', node)] if isinstance(node, list) else []
    return found + [inner for child in _children(node) for inner in _lists(child)]


_ALTERATIONS: dict[Fault, Callable[[Any], None]] = {
    Fault.EMPTY: _empty,
    Fault.SHORT: _short,
    Fault.TOTAL: _total,
}
