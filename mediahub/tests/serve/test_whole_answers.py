# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The head of an answer goes out with its body, and never waits for one that does not come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

import pytest

from mediahub.serve.whole_answers import Waiting

HEAD = b'HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n'


class Line(asyncio.Transport):
    """Notes what is sent over it."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.closed
        self.sent.append(bytes(data))

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


class Turns:
    """What is to happen in the event loop's next turn."""

    def __init__(self) -> None:
        self.due: list[Callable[[], None]] = []

    def __call__(self, call: Callable[[], None]) -> None:
        self.due.append(call)

    def next(self) -> None:
        due, self.due = self.due, []
        for call in due:
            call()


@pytest.fixture
def line() -> Line:
    return Line()


@pytest.fixture
def turns() -> Turns:
    return Turns()


@pytest.fixture
def waiting(line: Line, turns: Turns) -> Waiting:
    return Waiting(line, turns)


def test_head_goes_out_with_the_body(waiting: Waiting, line: Line, turns: Turns):
    waiting.write(HEAD)
    waiting.write(b'body')
    turns.next()

    assert line.sent == [HEAD + b'body']


def test_head_of_a_slow_answer_goes_out_by_itself(waiting: Waiting, line: Line, turns: Turns):
    waiting.write(HEAD)
    turns.next()
    waiting.write(b'bo')
    waiting.write(b'dy')
    turns.next()

    assert line.sent == [HEAD, b'bo', b'dy']


def test_answers_keep_their_order(waiting: Waiting, line: Line, turns: Turns):
    for body in (b'', b'', b'more'):
        waiting.write(HEAD)
        waiting.write(body)
    waiting.write(HEAD)
    waiting.write(HEAD)
    turns.next()

    assert b''.join(line.sent) == HEAD * 3 + b'more' + HEAD * 2


def test_what_is_held_is_sent_before_the_end(waiting: Waiting, line: Line, turns: Turns):
    waiting.write(HEAD)
    waiting.close()
    turns.next()

    assert line.sent == [HEAD]
    assert line.closed


def test_everything_else_is_the_transports(waiting: Waiting, line: Line):
    assert cast('asyncio.Transport', waiting).is_closing() is False
    line.close()
    assert cast('asyncio.Transport', waiting).is_closing() is True
