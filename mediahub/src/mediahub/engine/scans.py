# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A library scan that can be awaited.

Servers answer "yes" to the request and start some time later, or had nothing to do and were done
before the first question. A scan counts as finished when it was seen running and then not, or when
the server's mark of the last scan changed; never because some time has passed.
"""

from __future__ import annotations

import asyncio
import enum
import time
from collections.abc import Awaitable, Callable

from . import errors
from .values import ScanProgress

# Seconds in which a server that was asked to scan shows that it does.
STARTS_WITHIN = 20.0


class ScanResult(enum.Enum):
    """How the wait for a scan ended."""

    FINISHED = 'finished'
    # The server said yes and never showed a scan: it may have been over at once, or not happened.
    NOT_OBSERVED = 'not observed'


class ScanJob:
    """A scan that was asked for.

    Attributes:
        before: What the server said before it was asked.
    """

    def __init__(
        self,
        server: str,
        before: ScanProgress,
        progress: Callable[[], Awaitable[ScanProgress]],
        clock: Callable[[], float] = time.monotonic,
    ):
        self.server = server
        self.before = before
        self._progress = progress
        self._clock = clock
        self._seen = False

    async def progress(self) -> ScanProgress:
        """What the server says now."""
        now = await self._progress()
        self._seen = self._seen or now.scanning
        return now

    async def wait(
        self,
        timeout: float = 3600.0,
        poll: float = 1.0,
        report: Callable[[ScanProgress], None] | None = None,
    ) -> ScanResult:
        """Follow the scan to its end.

        Args:
            timeout: Seconds after which to give up; the scan itself goes on.
            poll: Seconds between questions.
            report: Called with every answer.

        Raises:
            TimedOut: It was still running.
            MediaServerError: The server could not be asked; the scan may go on.
        """
        started = self._clock()
        while True:
            now = await self.progress()
            if report is not None:
                report(now)
            waited = self._clock() - started
            if not now.scanning and (self._seen or now.marker != self.before.marker):
                return ScanResult.FINISHED
            if not self._seen and waited >= min(STARTS_WITHIN, timeout):
                return ScanResult.NOT_OBSERVED
            if waited >= timeout:
                raise errors.TimedOut(self.server, f'still scanning after {timeout:.0f} s')
            await asyncio.sleep(poll)
