# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Any evening, with any losses: no play lost, none doubled, times that fit."""

from __future__ import annotations

import collections
import dataclasses
import itertools
import random

from hypothesis import event, given, settings
from hypothesis import strategies as st

from mediahub import plays
from mediahub.plays import State, Transition

from .seen import Hand, sighting

TICK = 5  # seconds between two looks
DURATION = 7_200_000


@dataclasses.dataclass
class Viewing:
    """What one viewer does with one item.

    Attributes:
        begins: The tick of its start.
        pattern: What the player does, tick by tick.
    """

    player: int
    item: int
    begins: int
    pattern: list[State]
    key: str = ''
    offset: int = 0
    shown: bool = False


@dataclasses.dataclass
class Weather:
    """What goes wrong, by tick.

    Attributes:
        lost: Snapshots that fail.
        server: Restarts of the server, with the ticks that it lists nothing afterwards.
        hub: Restarts of the hub, with the ticks that it is away.
        new_ids: Whether players make up new session ids when the server comes back.
    """

    lost: set[int]
    server: dict[int, int]
    hub: dict[int, int]
    new_ids: bool
    hints: bool
    seed: int


states = st.sampled_from([State.PLAYING, State.PLAYING, State.PAUSED, State.BUFFERING])


@st.composite
def evenings(draw: st.DrawFn) -> list[Viewing]:
    found: list[Viewing] = []
    for player in range(draw(st.integers(1, 4))):
        begins = draw(st.integers(0, 10))
        for item in range(draw(st.integers(1, 4))):
            pattern = draw(st.lists(states, min_size=3, max_size=40))
            found.append(Viewing(player, player * 10 + item, begins, pattern))
            begins += len(pattern) + draw(st.integers(0, 6))
    return found


weathers = st.builds(
    Weather,
    lost=st.sets(st.integers(0, 120), max_size=40),
    server=st.dictionaries(st.integers(1, 100), st.integers(0, 8), max_size=3),
    hub=st.dictionaries(st.integers(1, 100), st.integers(0, 30), max_size=3),
    new_ids=st.booleans(),
    hints=st.booleans(),
    seed=st.integers(0, 1000),
)


class Storm:
    """Plays an evening to a tracker."""

    def __init__(self, evening: list[Viewing], weather: Weather):
        self.evening = evening
        self.weather = weather
        self.hand = Hand()
        self.chance = random.Random(weather.seed)  # noqa: S311 - not for secrets
        self.epoch = 0
        self.keys = 0
        self.dark = 0
        self.away = 0
        self.before: list[Viewing] = []

    def run(self) -> None:
        """All of it, and long enough for everything to end."""
        last = max(viewing.begins + len(viewing.pattern) for viewing in self.evening)
        for tick in range(max(last, 130) + 100):  # 130: the last restart, and a hub's absence
            self._tick(tick)

    def _tick(self, tick: int) -> None:
        if tick in self.weather.server:
            self.epoch += 1
            self.keys = 0
            self.dark = self.weather.server[tick]
            for viewing in self.evening:
                viewing.key = ''
        if tick in self.weather.hub:
            self.away = self.weather.hub[tick]
            self.hand.restart()
        on = [
            viewing
            for viewing in self.evening
            if viewing.begins <= tick < viewing.begins + len(viewing.pattern)
        ]
        listed = [self._listed(viewing, tick) for viewing in on]
        self._look(tick, on, [] if self.dark else listed)
        self.dark = max(0, self.dark - 1)
        for viewing in on:
            if viewing.pattern[tick - viewing.begins] is State.PLAYING:
                viewing.offset += TICK * 1000

    def _listed(self, viewing: Viewing, tick: int) -> plays.Seen:
        if not viewing.key:
            self.keys += 1
            viewing.key = str(self.keys)
        epoch = self.epoch if self.weather.new_ids else 0
        return sighting(
            viewing.key,
            str(viewing.item),
            session=f'{viewing.player}/{viewing.item}/{epoch}',
            player=f'player {viewing.player}',
            state=viewing.pattern[tick - viewing.begins],
            offset=viewing.offset,
            duration=DURATION,
        )

    def _look(self, tick: int, on: list[Viewing], listed: list[plays.Seen]) -> None:
        hand = self.hand
        if self.away:
            self.away -= 1
            hand.wait(TICK)
        elif tick in self.weather.lost:
            hand.failure(after=TICK)
        else:
            hints = [
                hand.hint(viewing.key, str(viewing.item))
                for viewing in self.before
                if viewing not in on and self.weather.hints
            ]
            self.before = on
            for viewing in on if listed else []:
                viewing.shown = True
            shuffled = [*listed, *self.chance.sample(listed, k=len(listed) // 2)]
            self.chance.shuffle(shuffled)
            hand.snapshot(*shuffled, after=TICK, hints=hints)


@given(evening=evenings(), weather=weathers)
@settings(max_examples=300, deadline=None)
def test_no_play_is_lost_and_none_is_doubled(evening: list[Viewing], weather: Weather):
    storm = Storm(evening, weather)
    storm.run()
    hand = storm.hand
    shown = [str(viewing.item) for viewing in evening if viewing.shown]
    found = [play.item.rating_key for play in hand.plays()]
    assert sorted(found) == sorted(shown)
    event(f'{len(found)} plays, {len(weather.server)} server and {len(weather.hub)} hub restarts')
    # In the end nothing goes on and nothing is followed any more.
    assert all(play.stopped_at for play in hand.plays())
    assert hand.kept == {}
    assert hand.state == {}


@given(evening=evenings(), weather=weathers)
@settings(max_examples=200, deadline=None)
def test_times_fit_and_ordinals_have_no_gap(evening: list[Viewing], weather: Weather):
    storm = Storm(evening, weather)
    storm.run()
    told: dict[str, list[plays.PlaybackEvent]] = collections.defaultdict(list)
    for entry in storm.hand.events:
        told[entry.play.play_id].append(entry)
    assert len({entry.event_id for entry in storm.hand.events}) == len(storm.hand.events)
    for events in told.values():
        assert [entry.play.ordinal for entry in events] == list(range(len(events)))
        transitions = [entry.transition for entry in events]
        assert transitions.count(Transition.STARTED) == 1
        assert transitions[0] is Transition.STARTED
        assert transitions[-1] is Transition.STOPPED
        for earlier, later in itertools.pairwise(events):
            assert earlier.play.played_ms <= later.play.played_ms
            assert earlier.play.paused_ms <= later.play.paused_ms
            assert earlier.play.seen_at <= later.play.seen_at
        for entry in events:
            _fits(entry.play)


def _fits(play: plays.Play) -> None:
    assert play.started_at <= play.seen_at
    assert play.stopped_at is None or play.stopped_at >= play.started_at
    there = (play.seen_at - play.started_at).total_seconds() * 1000
    assert play.played_ms >= 0
    assert play.paused_ms >= 0
    assert play.played_ms + play.paused_ms <= there


@given(evening=evenings())
@settings(max_examples=100, deadline=None)
def test_in_fair_weather_times_are_true_to_a_look(evening: list[Viewing]):
    calm = Weather(set(), {}, {}, new_ids=False, hints=True, seed=0)
    storm = Storm(evening, calm)
    storm.run()
    for play in storm.hand.plays():
        (viewing,) = [entry for entry in evening if str(entry.item) == play.item.rating_key]
        # Buffering counts as playing, unless it comes between two looks at a pause.
        paused = sum(state is State.PAUSED for state in viewing.pattern) * TICK * 1000
        assert play.paused_ms <= paused + _buffered(viewing)
        assert play.played_ms + play.paused_ms <= len(viewing.pattern) * TICK * 1000
        assert play.offset_ms is not None
        assert abs(viewing.offset - play.offset_ms) <= TICK * 1000


def _buffered(viewing: Viewing) -> int:
    return sum(state is State.BUFFERING for state in viewing.pattern) * TICK * 1000
