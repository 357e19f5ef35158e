# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Reads the body of a webhook: multipart as Plex sends it, or bare JSON; streamed, within limits.

A multipart body holds a part ``payload`` with the JSON, and with some events a part ``thumb`` with
a JPEG, which is only kept where somebody wants it. Names in the JSON differ by case alone
(``Guid`` and ``guid``), so they are read as they are spelt.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Protocol

import msgspec
from python_multipart.multipart import parse_options_header

from .envelope import JSON, Problem, invalid
from .webhook_form import Form, Sink, boundary

MULTIPART = 'multipart/form-data'


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """What a body may hold; sizes are bytes. Plex sends two parts and a thumb of up to 200 kB."""

    body: int = 5 * 1024 * 1024
    payload: int = 1024 * 1024
    parts: int = 8
    headers: int = 8
    header: int = 2048


LIMITS = Limits()


class Server(msgspec.Struct, frozen=True):
    """Who sends it; ``uuid`` is the machine identifier."""

    uuid: str = ''
    title: str = ''


class Metadata(msgspec.Struct, frozen=True):
    """What it is about, as far as the hub uses it."""

    thumb: Any = None


class Payload(msgspec.Struct, frozen=True, rename={'server': 'Server', 'metadata': 'Metadata'}):
    """The JSON, as far as the hub uses it: the rest is asked of the server itself."""

    event: str
    server: Server = msgspec.field(default_factory=Server)
    metadata: Metadata | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook that could be read.

    Attributes:
        thumb: The picture; empty where there is none or it was not to be kept.
    """

    payload: Payload
    thumb: bytes = b''


class Reader(Protocol):
    """Takes a body in pieces."""

    def feed(self, piece: bytes) -> None:
        """Take the next piece."""
        ...

    def finish(self) -> Webhook:
        """Say what it was."""
        ...


def reader(content_type: bytes, keep_thumb: bool, limits: Limits = LIMITS) -> Reader:
    """The reader for a content type.

    Raises:
        Problem: There is none for it.
    """
    if between := boundary(content_type):
        return _Parts(between, keep_thumb, limits)
    if parse_options_header(content_type)[0] == JSON.encode():
        return _Document(limits)
    wanted = f'a webhook is {MULTIPART} with a boundary, or {JSON}'
    raise Problem(415, 'UNSUPPORTED_MEDIA_TYPE', wanted)


def too_large(what: str, most: int) -> Problem:
    """Something is larger than allowed. What is still under way is not read."""
    close = {'Connection': 'close'}
    return Problem(413, 'BODY_TOO_LARGE', f'{what} is larger than {most} bytes', headers=close)


def decode(document: bytes | bytearray) -> Payload:
    """Read the JSON.

    Raises:
        Problem: It is none, or not a webhook's.
    """
    try:
        return _DECODER.decode(document)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        # What it says names places and types, never values.
        reason = 'nested too deeply' if isinstance(error, RecursionError) else str(error)
        raise _unreadable(reason) from error


_DECODER = msgspec.json.Decoder(Payload)


def _unreadable(reason: str) -> Problem:
    return Problem(400, 'INVALID_PAYLOAD', f'the payload is no webhook of Plex: {reason}')


class _Document:
    """Bare JSON."""

    def __init__(self, limits: Limits):
        self._limits = limits
        self._content = bytearray()

    def feed(self, piece: bytes) -> None:
        self._content += piece
        if len(self._content) > self._limits.payload:
            raise too_large('the payload', self._limits.payload)

    def finish(self) -> Webhook:
        return Webhook(decode(self._content))


class _Parts:
    """The parts of a form."""

    def __init__(self, boundary: bytes, keep_thumb: bool, limits: Limits):
        self._limits = limits
        self._wanted = {b'payload', b'thumb'} if keep_thumb else {b'payload'}
        self._found = dict[bytes, bytearray]()
        self._count = 0
        self._form = Form(boundary, self._begin, headers=limits.headers, header=limits.header)

    def feed(self, piece: bytes) -> None:
        self._form.feed(piece)

    def finish(self) -> Webhook:
        if not self._form.complete:
            raise invalid('the form ends too early')
        if b'payload' not in self._found:
            raise _unreadable('the form has no part named payload')
        return Webhook(decode(self._found[b'payload']), bytes(self._found.get(b'thumb', b'')))

    def _begin(self, name: bytes) -> Sink | None:
        self._count += 1
        if self._count > self._limits.parts:
            raise too_many(self._limits.parts)
        if name not in self._wanted or name in self._found:  # the first of a name counts
            return None
        content = self._found[name] = bytearray()
        most = self._limits.payload if name == b'payload' else self._limits.body
        return lambda piece: _append(content, piece, most)


def _append(content: bytearray, piece: bytearray, most: int) -> None:
    content += piece
    if len(content) > most:
        raise too_large('the payload', most)


def too_many(most: int) -> Problem:
    """More parts than allowed."""
    close = {'Connection': 'close'}
    return Problem(413, 'TOO_MANY_PARTS', f'the form has more than {most} parts', headers=close)
