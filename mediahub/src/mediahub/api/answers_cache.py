# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Keeps answers of the media servers for a moment, so that ten open pages cost one request.

Who asks while a request is under way waits for its answer. Failures are not kept: whoever asks
next, asks the server.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar, cast

T = TypeVar('T')

# Answers at a time; an item of a library is one.
MOST = 500


class AnswerCache:
    """Answers with the time until which they are good.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._answers: dict[Hashable, tuple[float, Any]] = {}
        self._asking: dict[Hashable, asyncio.Task[Any]] = {}

    async def get(
        self, key: Hashable, seconds: float, ask: Callable[[], Awaitable[T]]
    ) -> tuple[T, bool]:
        """The answer, and whether it had been there already.

        Args:
            key: What is asked.
            seconds: How long an answer to that is good; with 0 it is only shared by those who ask
                while it is under way.
            ask: Asks the server.
        """
        until, answer = self._answers.get(key, (0.0, None))
        if self._clock() < until:
            return cast('T', answer), True
        task = self._asking.get(key)
        shared = task is not None
        if task is None:
            task = asyncio.ensure_future(self._ask(key, seconds, ask))
            task.add_done_callback(_heard)
            self._asking[key] = task
        # Whoever asked first may go away; the others still want the answer.
        return await asyncio.shield(task), shared

    async def _ask(self, key: Hashable, seconds: float, ask: Callable[[], Awaitable[T]]) -> T:
        try:
            answer = await ask()
            self._keep(key, seconds, answer)
            return answer
        finally:
            del self._asking[key]

    def _keep(self, key: Hashable, seconds: float, answer: object) -> None:
        if seconds <= 0:
            return
        now = self._clock()
        if len(self._answers) >= MOST:
            good = {name: kept for name, kept in self._answers.items() if kept[0] > now}
            self._answers = {} if len(good) >= MOST else good
        self._answers[key] = (now + seconds, answer)

    def forget(self, key: Hashable) -> None:
        """Ask again next time: something was changed."""
        self._answers.pop(key, None)


def _heard(task: asyncio.Task[Any]) -> None:
    """Take note of a failure that nobody waits for any more."""
    if not task.cancelled():
        task.exception()
