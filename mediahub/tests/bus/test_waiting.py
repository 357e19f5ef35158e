# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import asyncio
import contextlib

import pytest

from mediahub.bus import waiting

pytestmark = pytest.mark.anyio


def test_pauses_grow_up_to_the_longest_and_are_never_in_step():
    backoff = waiting.Backoff(1, 8)

    pauses = [backoff.pause() for _ in range(6)]

    for pause, longest in zip(pauses, (1, 2, 4, 8, 8, 8), strict=True):
        assert longest / 2 <= pause <= longest
    assert len(set(pauses)) == 6
    backoff.reset()
    assert backoff.pause() <= 1


async def test_a_ring_before_the_sleep_is_not_lost():
    bell = waiting.Bell()
    bell.ring()

    async with asyncio.timeout(5):
        await bell.heard(60)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await bell.heard(60)  # it was heard once


async def test_a_sleeper_that_nobody_wakes_wakes_by_itself():
    await waiting.Bell().heard(0.01)


async def swallowing(times: int) -> int:
    """Goes on in spite of so many cancellations, as what waits in the client may."""
    swallowed = 0
    while swallowed < times:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        swallowed += 1
    waiting.heed()
    return swallowed


async def test_who_was_told_to_end_ends_at_the_next_chance():
    task = asyncio.ensure_future(swallowing(1))
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_who_goes_on_is_told_again():
    tasks = [asyncio.ensure_future(swallowing(2)), asyncio.ensure_future(asyncio.sleep(60))]
    await asyncio.sleep(0)

    async with asyncio.timeout(10):
        await waiting.ended(tasks)

    assert all(task.cancelled() for task in tasks)


async def test_who_was_not_told_goes_on():
    waiting.heed()


def test_an_error_that_nobody_foresaw_is_in_the_log_in_full(caplog: pytest.LogCaptureFixture):
    with pytest.raises(KeyError) as raised:
        dict[str, int]()['key']

    assert waiting.explained(raised.value) == "KeyError: 'key'"
    assert 'Traceback' in caplog.text
