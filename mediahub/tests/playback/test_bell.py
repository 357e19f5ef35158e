# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import asyncio
import heapq
from collections.abc import Callable

import pytest

from mediahub.playback.bell import Bell

pytestmark = pytest.mark.anyio


class Over(Exception):
    """The time of a test is over."""


class Hands:
    """A clock that jumps to the next thing that was planned, or that somebody waits for."""

    def __init__(self, until: float):
        self.time = 0.0
        self._until = until
        self._plans: list[tuple[float, int, Callable[[], None]]] = []

    def plan(self, at: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._plans, (at, len(self._plans), act))

    def now(self) -> float:
        return self.time

    def spend(self, seconds: float) -> None:
        end = self.time + seconds
        while self._plans and self._plans[0][0] <= end:
            self.time, _, act = heapq.heappop(self._plans)
            act()
        self.time = end

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        end = self.time + max(0.0, seconds)
        while not event.is_set():
            if not self._plans or self._plans[0][0] > end:
                self.time = end
                break
            self.time, _, act = heapq.heappop(self._plans)
            act()
        if self.time > self._until:
            raise Over


async def taken(
    hands: Hands, bell: Bell, cost: float = 0, after: float = 0, interval: float = 10
) -> list[float]:
    """When snapshots began until the time is over; what they cost the server, and us after it."""
    began: list[float] = []

    async def snapshot(reasons: frozenset[str]) -> float:
        began.append(round(hands.now(), 3))
        hands.spend(cost + after)
        return cost

    with pytest.raises(Over):
        await bell.answer(snapshot, lambda: interval)
    return began


def rung_at(hands: Hands, bell: Bell, *moments: float) -> None:
    for moment in moments:
        hands.plan(moment, lambda: bell.ring('playing'))


async def test_without_a_ring_the_timer_asks():
    hands = Hands(until=35)
    assert await taken(hands, Bell(clock=hands)) == [0, 10, 20, 30]


async def test_a_ring_is_answered_at_once_and_the_timer_begins_anew():
    hands = Hands(until=25)
    bell = Bell(clock=hands)
    rung_at(hands, bell, 3)
    assert await taken(hands, bell) == [0, 3, 13, 23]


async def test_a_thousand_rings_are_a_few_snapshots():
    hands = Hands(until=4)
    bell = Bell(clock=hands)
    rung_at(hands, bell, *(1 + number / 1000 for number in range(1000)))
    assert await taken(hands, bell) == [0, 1, 1.5, 2]
    assert bell.rings['playing'] == 1000


async def test_a_ring_during_a_snapshot_leads_to_exactly_one_more():
    hands = Hands(until=9)
    bell = Bell(clock=hands)
    rung_at(hands, bell, 0.05, 0.1, 0.15)
    assert await taken(hands, bell, cost=0.2) == [0, 0.5]


async def test_a_slow_server_rests_as_long_as_it_took():
    hands = Hands(until=9)
    bell = Bell(clock=hands)
    rung_at(hands, bell, *(number / 10 for number in range(90)))
    assert await taken(hands, bell, cost=2) == [0, 4, 8]


async def test_what_we_do_with_an_answer_is_no_reason_for_a_rest():
    hands = Hands(until=2)
    bell = Bell(clock=hands)
    rung_at(hands, bell, *(number / 10 for number in range(30)))
    assert await taken(hands, bell, cost=0.1, after=0.6) == [0, 0.7, 1.4]


async def test_one_snapshot_is_in_flight_at_a_time():
    bell = Bell(apart=0)
    flying = 0
    seen = 0

    async def snapshot(reasons: frozenset[str]) -> float:
        nonlocal flying, seen
        flying += 1
        assert flying == 1
        bell.ring('playing')
        await asyncio.sleep(0)
        flying -= 1
        seen += 1
        if seen == 5:
            raise Over
        return 0

    with pytest.raises(Over):
        await bell.answer(snapshot, lambda: 60.0)


async def test_a_snapshot_learns_what_rang():
    hands = Hands(until=30)
    bell = Bell(clock=hands)
    told: list[frozenset[str]] = []

    async def snapshot(reasons: frozenset[str]) -> float:
        told.append(reasons)
        return 0

    bell.ring('start')
    hands.plan(1, lambda: bell.ring('webhook'))
    hands.plan(1, lambda: bell.ring('playing'))
    with pytest.raises(Over):
        await bell.answer(snapshot, lambda: 20)
    # The second ring comes while the snapshot that the first one asked for is not taken yet.
    assert told == [{'start'}, {'webhook'}, {'playing'}, {'timer'}]
