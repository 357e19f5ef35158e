# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Takes a multipart form apart as it comes in, at the price of looking for its boundary.

A thumb of Plex is a hundred times as large as what the hub reads of a webhook. A parser that looks
at each byte and calls back for each line spends most of its time on what nobody wants.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from python_multipart.multipart import parse_options_header

from .envelope import Problem, invalid

# Bytes of a boundary, as RFC 2046 has it.
LONGEST_BOUNDARY = 70

_END_OF_LINE, _END_OF_HEAD, _END = b'\r\n', b'\r\n\r\n', b'--'

# What a boundary is made of; as all clients write it, and therefore told at a glance.
_TYPE = re.compile(
    rb'multipart/form-data; ?boundary=([0-9A-Za-z\'()+_,./:=?-]{1,70})', re.IGNORECASE
)
_HEADER = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\x00-\x08\x0a-\x1f\x7f]*")
_DISPOSITION = re.compile(rb'content-disposition:(.*)', re.IGNORECASE)
_NAME = re.compile(rb' *form-data; ?name="([0-9A-Za-z_-]+)"(?:; ?filename="[^"\\]*")?')

Sink = Callable[[bytearray], None]


def boundary(content_type: bytes) -> bytes:
    """The boundary of a form, by its content type; empty where it is none."""
    if found := _TYPE.fullmatch(content_type):
        return found[1]
    kind, options = parse_options_header(content_type)
    return options.get(b'boundary', b'') if kind == b'multipart/form-data' else b''


class Form:
    """A form in pieces.

    Args:
        boundary: Between its parts.
        begin: Takes the name of a part that begins, and answers where its content goes; None lets
            it go. It may raise, as may what it answers.
        headers: Most lines of a part's head.
        header: Bytes of the longest of them.

    Attributes:
        complete: Whether its end has come.

    Raises:
        Problem: The boundary is too long.
    """

    def __init__(
        self,
        boundary: bytes,
        begin: Callable[[bytes], Sink | None],
        *,
        headers: int,
        header: int,
    ):
        if len(boundary) > LONGEST_BOUNDARY:
            raise invalid('the boundary of the form is too long')
        self.complete = False
        self._delimiter = _END_OF_LINE + b'--' + boundary
        self._begin = begin
        self._headers, self._header = headers, header
        self._sink: Sink | None = None
        # The first delimiter stands at the beginning of a line, too.
        self._held = bytearray(_END_OF_LINE)
        self._step = self._content

    def feed(self, piece: bytes) -> None:
        """Take the next piece.

        Raises:
            Problem: It is no form.
        """
        if not self.complete:
            self._held += piece
            while self._step():
                pass

    def _content(self) -> bool:
        """Up to a delimiter, or as much as cannot be the beginning of one."""
        at = self._held.find(self._delimiter)
        if at < 0:
            self._pass_on(len(self._held) - len(self._delimiter) + 1)
            return False
        self._pass_on(at)
        del self._held[: len(self._delimiter)]
        self._step = self._behind
        return True

    def _pass_on(self, count: int) -> None:
        if count > 0:
            if self._sink is not None:
                self._sink(self._held[:count])
            del self._held[:count]

    def _behind(self) -> bool:
        """What stands behind a delimiter: the form's end, or the next part."""
        if len(self._held) < len(_END):
            return False
        if self._held.startswith(_END):
            self.complete = True
            self._held.clear()
            return False
        if not self._held.startswith(_END_OF_LINE):
            raise _damaged()
        self._step = self._head
        return True

    def _head(self) -> bool:
        """The head of a part; its end of line is still held, for it may be all there is."""
        at = self._held.find(_END_OF_HEAD)
        if (len(self._held) if at < 0 else at) > self._headers * self._header:
            raise _damaged()
        if at < 0:
            return False
        lines = bytes(self._held[:at]).split(_END_OF_LINE)[1:]
        del self._held[: at + len(_END_OF_HEAD)]
        self._sink = self._begin(self._name(lines))
        self._step = self._content
        return True

    def _name(self, lines: list[bytes]) -> bytes:
        """The part's name; empty where it has none."""
        longest = max(map(len, lines), default=0)
        if len(lines) > self._headers or longest > self._header:
            raise _damaged()
        if not all(map(_HEADER.fullmatch, lines)):
            raise _damaged()
        found = filter(None, map(_DISPOSITION.fullmatch, lines))
        disposition = next(found, None)
        return _named(disposition[1]) if disposition else b''


def _named(disposition: bytes) -> bytes:
    if plain := _NAME.fullmatch(disposition):
        return plain[1]
    return parse_options_header(disposition.strip())[1].get(b'name', b'')


def _damaged() -> Problem:
    return invalid('the form is damaged')
