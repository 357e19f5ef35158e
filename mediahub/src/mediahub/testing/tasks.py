# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Runs what runs for ever, and waits for what happens meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from typing import Protocol


class Runs(Protocol):
    """Something that runs until it is cancelled."""

    async def run(self) -> None:
        """Run."""
        ...


@contextlib.asynccontextmanager
async def running(*works: Runs) -> AsyncGenerator[None]:
    """Run them beside the block.

    Raises:
        RuntimeError: One of them ended by itself.
    """
    tasks = [asyncio.ensure_future(work.run()) for work in works]
    try:
        yield
    finally:
        ended = [task for task in tasks if task.done()]
        for task in tasks:
            task.cancel()
        # Once is enough for whoever heeds it; a test must not wait for ever for one who does not.
        async with asyncio.timeout(30):
            await asyncio.gather(*tasks, return_exceptions=True)
    if ended:
        raise RuntimeError('it ended by itself') from ended[0].exception()


async def until(holds: Callable[[], bool], longest: float = 30.0) -> None:
    """Wait until something holds.

    Raises:
        TimeoutError: It did not for so many seconds.
    """
    async with asyncio.timeout(longest):
        while not holds():
            await asyncio.sleep(0.01)
