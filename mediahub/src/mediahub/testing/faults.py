# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What goes wrong between a client and a double: errors, delays, silence, broken connections."""

from __future__ import annotations

import dataclasses
import re
import threading
from collections.abc import Mapping

from .http import Answer, Asked, answer_html

_TITLES = {
    400: 'Bad Request',
    401: 'Unauthorized',
    403: 'Forbidden',
    404: 'Not Found',
    429: 'Too Many Requests',
    500: 'Internal Server Error',
    502: 'Bad Gateway',
    503: 'Service Unavailable',
}


@dataclasses.dataclass
class Fault:
    """One way to fail.

    Attributes:
        path: A regular expression for whole paths.
        status: Answered in place of the double; 0 where the double answers.
        headers: Of that answer, such as ``Retry-After``.
        body: Of that answer, or in place of the double's where ``status`` is 0.
        after: Seconds until the answer begins.
        hang: Whether there is no answer at all.
        reset: Whether the connection is reset in place of an answer.
        keep: How many bytes of the body arrive before the connection ends.
        drip: Bytes a second, as a slow line has them.
        times: How often it happens; None for always.
    """

    path: str = '.*'
    status: int = 0
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict[str, str])
    body: bytes | None = None
    after: float = 0
    hang: bool = False
    reset: bool = False
    keep: int | None = None
    drip: int | None = None
    times: int | None = None

    def answer(self) -> Answer | None:
        """What is answered in place of the double; None where the double answers."""
        if not self.status:
            return None if self.body is None else Answer(200, self.body, 'application/json')
        made = answer_html(self.status, _TITLES.get(self.status, 'Error'))
        content = made.content if self.body is None else self.body
        return Answer(self.status, content, made.content_type, self.headers)


class Faults:
    """The faults that are on at the moment."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> Fault:
        """Switch one on; of several for a path the newest counts."""
        with self._lock:
            self._faults.insert(0, fault)
        return fault

    def remove(self, fault: Fault) -> None:
        """Switch one off."""
        with self._lock:
            self._faults = [other for other in self._faults if other is not fault]

    def clear(self) -> None:
        """Switch all off."""
        with self._lock:
            self._faults.clear()

    def take(self, asked: Asked) -> Fault | None:
        """The fault that befalls a request, which uses it up."""
        with self._lock:
            for fault in self._faults:
                if fault.times != 0 and re.fullmatch(fault.path, asked.path):
                    fault.times = None if fault.times is None else fault.times - 1
                    return fault
        return None
