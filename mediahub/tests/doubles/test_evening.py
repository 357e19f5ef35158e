# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""An evening of films: the same for the same seed, with some of everything, and no end."""

from __future__ import annotations

import datetime
import itertools
import time
from collections import Counter
from typing import Any

import httpx2

from mediahub.testing import clocks
from mediahub.testing.clocks import HandClock
from mediahub.testing.evening import Evening


def watched(evening: Evening, evenings: int = 1) -> Evening:
    """Let evenings go by."""
    clock = evening.plex.clock
    assert isinstance(clock, HandClock)
    while evening.number <= evenings:
        evening.step()
        clock.go(max(evening.wait, 0.001))
    return evening


def plays(evening: Evening) -> list[tuple[Any, ...]]:
    return [
        (play.started, play.person.name, play.title, play.played_ms, play.paused_ms, play.how)
        for play in evening.plex.truth
    ]


def test_the_same_seed_gives_the_same_evening():
    first, second, other = (watched(Evening(HandClock(), seed=seed)) for seed in (8, 8, 9))

    assert plays(first) == plays(second) != plays(other)
    assert first.plex.history.views == second.plex.history.views


def test_an_evening_has_some_of_everything():
    truth = watched(Evening(HandClock())).plex.truth

    assert {play.kind for play in truth} == {'movie', 'episode', 'track', 'live'}
    assert {play.how for play in truth} == {'finished', 'stopped', 'vanished'}
    assert {play.transcoded for play in truth} == {True, False}
    assert len({play.person.id for play in truth}) == 6
    assert len({play.device.platform for play in truth}) >= 6
    assert any(play.pauses for play in truth)
    twins = [play for play in truth if play.person.name == 'Tove']
    assert len(twins) >= 5


def test_nobody_plays_two_things_on_one_player_at_a_time():
    truth = watched(Evening(HandClock()), 3).plex.truth
    for client in {play.device.client_id for play in truth}:
        theirs = [play for play in truth if play.device.client_id == client]
        for earlier, later in itertools.pairwise(theirs):
            assert earlier.stopped is not None
            assert earlier.stopped <= later.started


def test_several_watch_at_once_and_all_go_home():
    evening, clock = Evening(HandClock()), None
    clock, most = evening.plex.clock, 0
    assert isinstance(clock, HandClock)
    while evening.number < 2:
        evening.step()
        most = max(most, len(evening.plex.stage.sessions))
        clock.go(max(evening.wait, 0.001))

    assert most >= 6
    assert [play for play in evening.plex.truth if play.stopped is None] == []


def test_evenings_go_on_and_the_server_is_updated_in_between():
    evening = watched(Evening(HandClock()), 4)

    assert evening.number == 5
    assert any(len(play.session_keys) > 1 for play in evening.plex.truth)
    found = {row.title for row in evening.plex.shelves.of_kind('movie')}
    assert found & {'The Glass Ferryman', 'Nobody Counts the Swans', 'Tin Roof Serenade',
                    'Ballad of the Spare Key', 'Half Past Forever'}  # fmt: skip


def test_speed_is_that_of_the_films_and_not_of_the_clock():
    fast, slow = watched(Evening(HandClock(), speed=60)), watched(Evening(HandClock(), speed=6))
    spans = [
        max(play.stopped or play.started for play in evening.plex.truth) - clocks.EVENING
        for evening in (fast, slow)
    ]

    assert 9 < spans[1] / spans[0] < 11
    kept = [[(play.person.name, play.title) for play in each.plex.truth] for each in (fast, slow)]
    assert Counter(kept[0]) == Counter(kept[1])


def test_months_of_history_lie_behind_and_none_ahead():
    evening = Evening(HandClock(), days=90)
    times = [view.viewed_at for view in evening.plex.history.views]
    now = clocks.EVENING.timestamp()

    assert 600 < len(times) < 3_000
    assert now - 91 * 86_400 < times[0] < times[-1] < now
    hours = Counter(datetime.datetime.fromtimestamp(at, datetime.UTC).hour for at in times)
    assert hours[21] > 3 * hours[11]


def test_it_is_on_the_air_by_itself():
    evening = Evening(clocks.real, speed=600)
    headers = {'x-plex-token': evening.plex.token, 'accept': 'application/json'}
    with evening.on_air():
        deadline = time.monotonic() + 20
        found: list[Any] = []
        while not found and time.monotonic() < deadline:
            answer = httpx2.get(f'{evening.plex.url}/status/sessions', headers=headers)
            found = answer.json()['MediaContainer'].get('Metadata', [])
        assert found
        assert evening.tv.servers[0].address == evening.plex.url
        assert httpx2.get(f'{evening.tv.url}/auth').status_code == 200
