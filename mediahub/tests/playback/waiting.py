# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Waits for what happens on another thread or task."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any


async def eventually(true: Callable[[], object], what: str = '') -> None:
    """Return when it is true; a test fails if that does not come."""
    for _ in range(2000):
        if true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError(what or 'it did not come true')


@contextlib.asynccontextmanager
async def running(work: Coroutine[Any, Any, None]) -> AsyncGenerator[asyncio.Task[None]]:
    """Run something beside a test, and end it with the test; its own failure fails the test."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
