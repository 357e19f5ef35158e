# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""How often somebody may ask, by address and by account. In memory; a restart forgives.

None of it makes the hub ask a media server anything. Addresses are those that the connection or a
trusted proxy says; of IPv6 the network counts, because a customer has all of one.
"""

from __future__ import annotations

import collections
import functools
import ipaddress
import time
from collections.abc import Callable

import limits
import limits.storage
import limits.strategies

from ..envelope import Problem

# Counters kept. With more than that the oldest are forgotten, so that memory has a bound.
MOST = 20_000


class BoundedMemory(limits.storage.Storage):
    """Counters in memory, on a clock that is never put back, and only so many.

    Args:
        clock: Monotonic seconds.
    """

    STORAGE_SCHEME: list[str] | None = ['mediahub']  # noqa: RUF012 - as the library has it

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        super().__init__()
        self._clock = clock
        self._counters = collections.OrderedDict[str, tuple[int, float]]()

    @property
    def base_exceptions(self) -> type[Exception]:
        """What can go wrong with the storage itself: nothing."""
        return ValueError

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count; the first count of a window begins it."""
        count, end = self._live(key)
        if not count:
            end = self._clock() + expiry
            self._counters[key] = (0, end)
            while len(self._counters) > MOST:
                self._counters.popitem(last=False)
        self._counters[key] = (count + amount, end)
        return count + amount

    def get(self, key: str) -> int:
        """How much was counted."""
        return self._live(key)[0]

    def get_expiry(self, key: str) -> float:
        """When the window ends, on the storage's clock."""
        return self._live(key)[1]

    def check(self) -> bool:
        """Whether it works."""
        return True

    def reset(self) -> int:
        """Forget everything; says how much that was."""
        found = len(self._counters)
        self._counters.clear()
        return found

    def clear(self, key: str) -> None:
        """Forget one counter."""
        self._counters.pop(key, None)

    def _live(self, key: str) -> tuple[int, float]:
        now = self._clock()
        count, end = self._counters.get(key, (0, now))
        if end <= now:
            self._counters.pop(key, None)
            return 0, now
        return count, end


# Beginning a sign-in asks plex.tv; all people together may do so no oftener than this.
START = limits.RateLimitItemPerMinute(10, namespace='start')
START_OF_ALL = limits.RateLimitItemPerMinute(30, namespace='start-of-all')
FINISH = limits.RateLimitItemPerMinute(20, namespace='finish')
LINK = limits.RateLimitItemPerMinute(10, namespace='link')
# Tickets and tokens that open nothing.
WRONG = limits.RateLimitItemPerMinute(60, namespace='wrong')
# Plex sends one for each change of a play; this is for a loop gone wild, or worse.
WEBHOOKS = limits.RateLimitItemPerSecond(5_000, namespace='webhooks')


class Throttle:
    """Counts what people do.

    Args:
        per_account: Requests a minute of one session or token; 0 is no limit.
        clock: Monotonic seconds.
    """

    def __init__(self, per_account: int, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._storage = BoundedMemory(clock)
        self._window = limits.strategies.FixedWindowRateLimiter(self._storage)
        self._account = (
            limits.RateLimitItemPerMinute(per_account, namespace='account')
            if per_account
            else None
        )

    def pass_on(self, rate: limits.RateLimitItem, who: str) -> None:
        """Count one.

        Raises:
            Problem: That is one too many.
        """
        if not self._window.hit(rate, who):
            left = self._storage.get_expiry(rate.key_for(who)) - self._clock()
            wait = max(1, round(left))
            message = f'too many requests; try again in {wait} s'
            raise Problem(429, 'RATE_LIMITED', message, headers={'Retry-After': str(wait)})

    def account(self, key: str) -> None:
        """Count a request of a session or token."""
        if self._account:
            self.pass_on(self._account, key)


@functools.lru_cache(4096)
def counted(address: str) -> str:
    """What an address counts as."""
    try:
        found = ipaddress.ip_address(address.partition('%')[0])
    except ValueError:
        return address[:64] or '-'
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
