# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Keeps parts of the hub running: one that fails by a fault of ours is started again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)

# Seconds before a part that failed is started again; it doubles up to the second number.
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0

Part = Callable[[], Awaitable[None]]


class Keeper:
    """Runs parts until they are stopped."""

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._broken: dict[str, str] = {}

    @property
    def broken(self) -> list[str]:
        """One line for each part that failed and was not started again yet."""
        return [f'{name} failed ({reason}); see the log' for name, reason in self._broken.items()]

    def start(self, name: str, part: Part) -> None:
        """Run a part from now on."""
        self._tasks[name] = asyncio.create_task(self._keep(name, part), name=name)

    async def _keep(self, name: str, part: Part) -> None:
        pause = FIRST_PAUSE
        while True:
            self._broken.pop(name, None)
            try:
                await part()
                log.error('%s ended by itself', name)
                self._broken[name] = 'it ended by itself'
            except Exception as error:
                log.exception('%s failed; it starts again in %.0f s', name, pause)
                self._broken[name] = type(error).__name__
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def stop(self, *names: str) -> None:
        """Stop parts, and wait until they have; all of them where none is named."""
        chosen = [self._tasks.pop(name) for name in names or tuple(self._tasks)]
        for task in chosen:
            task.cancel()
        ends = await asyncio.gather(*chosen, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception):
                log.error('a part failed while it stopped', exc_info=end)
