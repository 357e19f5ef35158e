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
import python_multipart
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from .envelope import JSON, Problem, invalid

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
    kind, options = parse_options_header(content_type)
    if kind == JSON.encode():
        return _Document(limits)
    boundary = options.get(b'boundary')
    if kind == MULTIPART.encode() and boundary:
        return _Parts(boundary, keep_thumb, limits)
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
        self._complete = False
        self._header = bytearray()
        self._value = bytearray()
        self._into: bytearray | None = None
        self._most = 0
        self._parser = _parser(self, boundary, limits)

    def feed(self, piece: bytes) -> None:
        try:
            self._parser.write(piece)
        except FormParserError as error:
            raise invalid('the form is damaged') from error

    def finish(self) -> Webhook:
        if not self._complete:
            raise invalid('the form ends too early')
        if b'payload' not in self._found:
            raise _unreadable('the form has no part named payload')
        return Webhook(decode(self._found[b'payload']), bytes(self._found.get(b'thumb', b'')))

    def begin(self) -> None:
        self._count += 1
        self._into = None
        if self._count > self._limits.parts:
            raise too_many(self._limits.parts)

    def header_name(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header_end(self) -> None:
        if bytes(self._header).lower() == b'content-disposition':
            self._open(parse_options_header(bytes(self._value))[1].get(b'name', b''))
        self._header.clear()
        self._value.clear()

    def _open(self, name: bytes) -> None:
        if name not in self._wanted or name in self._found:  # the first of a name counts
            return
        self._into = self._found[name] = bytearray()
        self._most = self._limits.payload if name == b'payload' else self._limits.body

    def data(self, data: bytes, start: int, end: int) -> None:
        if self._into is None:
            return
        self._into += data[start:end]
        if len(self._into) > self._most:
            raise too_large('the payload', self._most)

    def end(self) -> None:
        self._complete = True


def too_many(most: int) -> Problem:
    """More parts than allowed."""
    close = {'Connection': 'close'}
    return Problem(413, 'TOO_MANY_PARTS', f'the form has more than {most} parts', headers=close)


def _parser(parts: _Parts, boundary: bytes, limits: Limits) -> MultipartParser:
    try:
        return python_multipart.MultipartParser(
            boundary,
            {
                'on_part_begin': parts.begin,
                'on_header_field': parts.header_name,
                'on_header_value': parts.header_value,
                'on_header_end': parts.header_end,
                'on_part_data': parts.data,
                'on_end': parts.end,
            },
            max_header_count=limits.headers,
            max_header_size=limits.header,
        )
    except FormParserError as error:
        raise invalid('the boundary of the form is too long') from error
