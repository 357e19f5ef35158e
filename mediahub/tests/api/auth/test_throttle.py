# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import limits
import pytest

from mediahub.api.auth import throttle
from mediahub.api.auth.throttle import Throttle, counted
from mediahub.api.envelope import Problem

from .conftest import Seconds

TWO = limits.RateLimitItemPerMinute(2, namespace='two')


def test_one_too_many_is_told_when_to_come_back(seconds: Seconds):
    found = Throttle(0, seconds)
    found.pass_on(TWO, 'anna')
    seconds.now += 20
    found.pass_on(TWO, 'anna')
    with pytest.raises(Problem) as refused:
        found.pass_on(TWO, 'anna')
    assert refused.value.status == 429
    assert refused.value.headers == {'Retry-After': '40'}
    found.pass_on(TWO, 'bert')
    seconds.now += 40
    found.pass_on(TWO, 'anna')


def test_refused_attempts_do_not_lengthen_the_wait(seconds: Seconds):
    found = Throttle(0, seconds)
    for _ in range(2):
        found.pass_on(TWO, 'anna')
    for _ in range(59):
        seconds.now += 1
        with pytest.raises(Problem):
            found.pass_on(TWO, 'anna')
    seconds.now += 1
    found.pass_on(TWO, 'anna')


def test_kinds_are_counted_apart(seconds: Seconds):
    found = Throttle(0, seconds)
    for _ in range(throttle.START.amount):
        found.pass_on(throttle.START, 'a')
    with pytest.raises(Problem):
        found.pass_on(throttle.START, 'a')
    found.pass_on(throttle.FINISH, 'a')


def test_account_has_its_own_limit_or_none(seconds: Seconds):
    found = Throttle(3, seconds)
    for _ in range(3):
        found.account('key')
    with pytest.raises(Problem):
        found.account('key')
    free = Throttle(0, seconds)
    for _ in range(100):
        free.account('key')


def test_memory_has_a_bound(seconds: Seconds, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(throttle, 'MOST', 10)
    storage = throttle.BoundedMemory(seconds)
    for number in range(100):
        storage.incr(str(number), 60)
    assert storage.reset() == 10


def test_counter_ends_with_its_window(seconds: Seconds):
    storage = throttle.BoundedMemory(seconds)
    assert [storage.incr('a', 60), storage.incr('a', 60)] == [1, 2]
    seconds.now += 60
    assert storage.get('a') == 0
    assert storage.incr('a', 60) == 1


@pytest.mark.parametrize(
    ('address', 'as_what'),
    [
        ('10.0.0.1', '10.0.0.1'),
        ('::ffff:10.0.0.1', '10.0.0.1'),
        ('2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'),
        ('fe80::1%eth0', 'fe80::/64'),
        ('', '-'),
        ('testclient', 'testclient'),
        ('x' * 1000, 'x' * 64),
    ],
)
def test_address_counts_with_its_network(address: str, as_what: str):
    assert counted(address) == as_what
