# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import datetime

import pytest

from mediahub.bus.rivals import LASTING, Rivals
from mediahub.testing.clocks import HandClock
from mediahub.testing.plays import SERVER, began, event


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def rivals(clock: HandClock) -> Rivals:
    return Rivals('me', lambda: {SERVER}, clock)


def test_a_hub_that_watches_what_we_watch_is_a_rival_for_a_while(rivals: Rivals, clock: HandClock):
    rivals.note('other', event(began(at=clock())))

    assert 'hub other watches' in rivals.warning
    assert SERVER in rivals.warning
    clock.go(LASTING.total_seconds() + 1)
    assert rivals.warning == ''


@pytest.mark.parametrize('hub', ['me', ''])
def test_we_are_no_rival_of_ourselves(rivals: Rivals, clock: HandClock, hub: str):
    rivals.note(hub, event(began(at=clock())))

    assert rivals.warning == ''


def test_a_hub_that_watches_another_server_is_none(rivals: Rivals, clock: HandClock):
    rivals.note('other', event(began(at=clock(), server='elsewhere')))

    assert rivals.warning == ''


def test_what_is_read_again_from_long_ago_makes_none(rivals: Rivals, clock: HandClock):
    long_ago = clock() - datetime.timedelta(hours=1)

    rivals.note('other', event(began(at=long_ago)))

    assert rivals.warning == ''
