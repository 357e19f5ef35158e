# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Waiting for what is away: longer after each failure, not in step with others, not for good."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Collection
from typing import Any

from ..engine.errors import MediaHubError

_logger = logging.getLogger(__name__)


def explained(error: BaseException) -> str:
    """An error in one line; one that nobody foresaw goes to the log in full."""
    text = ' '.join(str(error).split())[:300]
    if isinstance(error, MediaHubError):
        return text
    _logger.error('unexpected %s', type(error).__name__, exc_info=error)
    return f'{type(error).__name__}: {text}'


def heed() -> None:
    """End here if the task was told to end, and something it called swallowed that.

    Before Python 3.12 ``asyncio.wait_for``, which the client uses throughout, loses a cancellation
    that comes at the moment at which what it waits for is done.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def ended(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel tasks until all of them have ended, however often that takes, and in whatever way."""
    left = {task for task in tasks if not task.done()}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=1.0)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # asyncio complains of one that nobody looks at


class Backoff:
    """Pauses between attempts, in seconds; each is drawn anew between half of its length and all.

    Args:
        first: The longest first pause.
        longest: What the pause doubles up to.
    """

    def __init__(self, first: float = 0.5, longest: float = 30.0):
        self._first = first
        self._longest = longest
        self._next = first

    def pause(self) -> float:
        """The length of the next pause."""
        length, self._next = self._next, min(self._longest, self._next * 2)
        return length * random.uniform(0.5, 1.0)  # noqa: S311 - no secret depends on it

    def reset(self) -> None:
        """It worked; begin with the first pause again."""
        self._next = self._first


class Bell:
    """Wakes one sleeper. Rings that nobody waits for are kept as one."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wake it."""
        self._rung.set()

    async def heard(self, longest: float) -> None:
        """Sleep until it rings, for so many seconds at most."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(longest):
                await self._rung.wait()
        self._rung.clear()


class Troubles:
    """What is in the way of which part; each is logged when it comes and when it goes.

    Args:
        name: Of the bus, for the log.
    """

    def __init__(self, name: str):
        self._name = name
        self._reasons: dict[str, str] = {}

    def say(self, part: str, reason: str) -> None:
        """A part cannot go on."""
        if self._reasons.get(part) != reason:
            _logger.warning('%s: %s waits: %s', self._name, part, reason)
        self._reasons[part] = reason

    def clear(self, part: str) -> None:
        """A part goes on."""
        if self._reasons.pop(part, None):
            _logger.info('%s: %s goes on', self._name, part)

    @property
    def reason(self) -> str:
        """All of them in one line; empty where there is none."""
        return '; '.join(self._reasons.values())
