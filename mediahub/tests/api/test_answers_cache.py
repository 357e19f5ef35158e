# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Answers are shared by those who ask together, and kept for a moment; failures are not."""

from __future__ import annotations

import asyncio

import pytest

from mediahub.api.answers_cache import MOST, AnswerCache

pytestmark = pytest.mark.anyio


class Asked:
    def __init__(self) -> None:
        self.times = 0
        self.hold = asyncio.Event()
        self.hold.set()
        self.fails = False
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    async def __call__(self) -> int:
        self.times += 1
        await self.hold.wait()
        if self.fails:
            raise OSError('away')
        return self.times


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
def cache(asked: Asked) -> AnswerCache:
    return AnswerCache(asked.clock)


async def test_answer_is_kept_for_its_time(cache: AnswerCache, asked: Asked):
    assert await cache.get('x', 5, asked) == (1, False)
    asked.now = 4.9
    assert await cache.get('x', 5, asked) == (1, True)
    asked.now = 5.0
    assert await cache.get('x', 5, asked) == (2, False)


async def test_those_who_ask_together_share_a_request(cache: AnswerCache, asked: Asked):
    asked.hold.clear()
    together = [asyncio.create_task(cache.get('x', 0, asked)) for _ in range(10)]
    await asyncio.sleep(0)
    asked.hold.set()

    answers = await asyncio.gather(*together)

    assert asked.times == 1
    assert {answer for answer, _ in answers} == {1}


async def test_who_goes_away_does_not_take_the_answer_along(cache: AnswerCache, asked: Asked):
    asked.hold.clear()
    first = asyncio.create_task(cache.get('x', 5, asked))
    await asyncio.sleep(0)
    second = asyncio.create_task(cache.get('x', 5, asked))
    await asyncio.sleep(0)
    first.cancel()
    asked.hold.set()

    assert await second == (1, True)


async def test_failure_is_told_to_all_and_not_kept(cache: AnswerCache, asked: Asked):
    asked.fails = True
    with pytest.raises(OSError, match='away'):
        await cache.get('x', 5, asked)
    asked.fails = False
    assert await cache.get('x', 5, asked) == (2, False)


async def test_forgotten_answer_is_asked_for_again(cache: AnswerCache, asked: Asked):
    await cache.get('x', 5, asked)
    cache.forget('x')
    assert await cache.get('x', 5, asked) == (2, False)


async def test_cache_does_not_grow_for_ever(cache: AnswerCache, asked: Asked):
    for number in range(3 * MOST):
        await cache.get(number, 1000, asked)

    kept = sum([(await cache.get(number, 0, asked))[1] for number in range(3 * MOST)])
    assert kept <= MOST
