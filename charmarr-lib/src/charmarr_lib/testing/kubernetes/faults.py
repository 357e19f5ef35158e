# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0
"""Faults of the network and of the server, for a test to arrange."""

from __future__ import annotations

import dataclasses
import enum
import json

import httpx2

from . import refusals, wire


class _Way(enum.Enum):
    ANSWER = 'answer'
    REFUSED = 'refused'
    TIMEOUT = 'timeout'
    LOST_REPLY = 'lost reply'


@dataclasses.dataclass(frozen=True)
class Fault:
    """One way in which a request fails. Made by the constructors below.

    Args:
        way: what sort of failure.
        code: the HTTP status of an answer.
        text: the body of an answer.
        content_type: the media type of that body.
        retry_after: seconds for the Retry-After header, if there is to be one.
    """

    way: _Way
    code: int = 0
    text: str = ''
    content_type: str = ''
    retry_after: int | None = None

    @classmethod
    def status(cls, code: int, message: str = '', retry_after: int | None = None) -> Fault:
        """The server answers with a Status of some code; the request has no effect."""
        body = json.dumps(refusals.plain(code, message, retry_after).body)
        return cls(_Way.ANSWER, code, body, wire.JSON, retry_after)

    @classmethod
    def refused(cls) -> Fault:
        """Nobody listens: httpx2.ConnectError."""
        return cls(_Way.REFUSED)

    @classmethod
    def timeout(cls) -> Fault:
        """No answer comes and nothing has happened: httpx2.ReadTimeout."""
        return cls(_Way.TIMEOUT)

    @classmethod
    def lost_reply(cls) -> Fault:
        """The request takes effect, and then no answer comes: httpx2.ReadTimeout."""
        return cls(_Way.LOST_REPLY)

    @classmethod
    def body(cls, text: str, content_type: str) -> Fault:
        """Something else answers 200, as a proxy's login page does."""
        return cls(_Way.ANSWER, 200, text, content_type)

    @property
    def reaches_server(self) -> bool:
        """Whether the request takes effect."""
        return self.way is _Way.LOST_REPLY

    def outcome(self, request: httpx2.Request) -> httpx2.Response:
        """The answer that the client gets.

        Raises:
            ConnectError: nobody listens.
            ReadTimeout: no answer comes.
        """
        if self.way is _Way.REFUSED:
            raise httpx2.ConnectError('[Errno 111] Connection refused', request=request)
        if self.way is not _Way.ANSWER:
            raise httpx2.ReadTimeout('The read operation timed out', request=request)
        headers = {'content-type': self.content_type}
        if self.retry_after is not None:
            headers['retry-after'] = str(self.retry_after)
        return httpx2.Response(self.code, headers=headers, content=self.text.encode())


@dataclasses.dataclass
class _Rule:
    fault: Fault
    first: int
    times: int
    verb: str | None
    kind: str | None
    seen: int = 0

    def meets(self, verb: str, kind: str) -> bool:
        """Count a request if it matches, and say whether it fails."""
        if self.verb not in (None, verb) or self.kind not in (None, kind):
            return False
        self.seen += 1
        last = self.first + self.times - 1
        return self.seen >= self.first and (not self.times or self.seen <= last)


class Schedule:
    """Which of the requests to come will fail."""

    def __init__(self) -> None:
        self._rules: list[_Rule] = []

    def add(
        self, fault: Fault, *, nth: int, times: int, verb: str | None, kind: str | None
    ) -> None:
        """Let the nth matching request from now on fail, and the following ones up to `times`."""
        if nth < 1 or times < 0:
            raise ValueError('nth starts at 1, and times at 0, which means for ever')
        self._rules.append(_Rule(fault, nth, times, verb, kind))

    def clear(self) -> None:
        """Forget everything arranged."""
        self._rules.clear()

    def next(self, verb: str, kind: str) -> Fault | None:
        """The fault that the present request meets, by the earliest rule that has one for it."""
        # Every rule counts every request, so this must not stop at the first that fails it.
        failing = [rule.fault for rule in self._rules if rule.meets(verb, kind)]
        return failing[0] if failing else None
