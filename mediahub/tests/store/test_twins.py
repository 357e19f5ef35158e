# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What we watched and what others tell of it is one play, in whatever order it is heard of.

With a broker that lags an import comes before the end of a play that it tells of, or between its
events. Nothing is doubled, and nothing that only others know is lost.
"""

import datetime
import itertools
import random

import hypothesis
import msgspec
import pytest
from hypothesis import strategies as st

from mediahub.plays import Item, Play, Source
from mediahub.store import peaks, rollups
from mediahub.store.database import Database
from mediahub.store.plays import Imported, Plays
from mediahub.store.stats import Level, Stats, StatsQuery
from mediahub.testing.plays import EPISODE, FILM, START, began, ended, event, later

HOUR = datetime.timedelta(hours=1)


class Evening(msgspec.Struct, frozen=True):
    """What happened, by those who tell of it.

    Attributes:
        ours: Versions of the plays that we watched, each play's in order.
        theirs: Plays that others tell of.
        kept: What is to be kept in the end.
    """

    ours: list[list[Play]]
    theirs: list[Play]
    kept: set[str]


def moved(play: Play, number: int, source: Source, begin: float, end: float) -> Play:
    """The same play as another program has it: with an id and with times of its own."""
    start = play.started_at + datetime.timedelta(seconds=begin)
    last = (play.stopped_at or play.seen_at) + datetime.timedelta(seconds=end)
    return ended(
        began(number, start, play.item, source=source, viewer=play.viewer),
        (last - start).total_seconds(),
    )


@st.composite
def evenings(draw: st.DrawFn) -> Evening:
    ours: list[list[Play]] = []
    theirs: list[Play] = []
    kept: set[str] = set()
    for number in range(draw(st.integers(1, 4))):
        item: Item = draw(st.sampled_from([FILM, EPISODE]))
        minutes = draw(st.integers(1, 100))
        first = began(number, START + 3 * number * HOUR, item)
        middle = later(first, draw(st.integers(0, minutes * 60 - 1)))
        rest = minutes * 60 - (middle.seen_at - first.seen_at).total_seconds()
        versions = [first, middle, ended(middle, rest)]
        told = draw(st.sets(st.sampled_from([Source.TAUTULLI, Source.PLEX_HISTORY])))
        jitter = st.floats(-minutes * 10, minutes * 10)
        found = [
            moved(versions[-1], 100 * place + number, source, draw(jitter), draw(jitter))
            for place, source in enumerate(sorted(told, key=lambda one: one.value), 1)
        ]
        theirs += found
        if not found or draw(st.booleans()):
            ours.append(versions)
            kept.add(first.play_id)
        else:  # the hub was away; Tautulli knows better than the server
            kept.add(found[-1].play_id)
    return Evening(ours, theirs, kept)


@hypothesis.settings(max_examples=30, suppress_health_check=[hypothesis.HealthCheck.too_slow])
@hypothesis.given(evenings(), st.integers(0, 2**32))
def test_every_play_is_there_once_in_whatever_order_it_is_told(evening: Evening, seed: int):
    chance = random.Random(seed)  # noqa: S311  # no secret
    told = [*itertools.chain(*evening.ours), *evening.theirs, *evening.theirs]
    chance.shuffle(told)
    with Database() as database:
        plays = Plays(database)
        while told:
            batch, told = told[: (size := chance.randint(1, 4))], told[size:]
            plays.record([event(play) for play in batch if play.source is Source.PLEX])
            plays.import_plays(play for play in batch if play.source is not Source.PLEX)
            if chance.random() < 0.3:
                rollups.fold(database)
                peaks.refresh(database, plays.zone)

        found = {str(row[0]) for row in database.rows('SELECT play_id FROM finished_plays')}
        assert found == evening.kept
        assert plays.live() == []
        check_charts(database, len(found))
        # And it stays so: whoever tells it again tells nothing new.
        assert plays.import_plays(evening.theirs) == Imported(known=len(evening.theirs))
        again = [event(play) for play in itertools.chain(*evening.ours)]
        assert plays.record(again).new == 0
        check_charts(database, len(found))


def check_charts(database: Database, count: int) -> None:
    stats, everything = Stats(database), StatsQuery(limit=100)
    assert stats.totals(everything).plays == count
    for bars in (
        stats.by_user(everything),
        stats.by_hour(everything),
        stats.by_library(everything),
        stats.by_player(everything),
    ):
        assert sum(bar.plays for bar in bars) == count
    titles = [*stats.top_titles(everything, Level.MOVIE)]
    titles += stats.top_titles(everything, Level.SHOW)
    assert sum(title.plays for title in titles) == count
    # One after the other, none was there twice at a time.
    assert {peak.streams for peak in stats.concurrent(everything)} <= {1}


def test_import_between_the_events_of_a_play_gives_way(database: Database):
    first = began()
    middle = later(first, 1800)
    last = ended(middle, 1800)
    twin = moved(last, 7, Source.TAUTULLI, 5, -5)
    plays = Plays(database)
    plays.record([event(first)])
    late = moved(last, 8, Source.PLEX_HISTORY, 60, 60)  # begins after what is known of ours
    assert plays.import_plays([twin, late]).new == 1

    plays.record([event(middle), event(last)])

    assert database.rows('SELECT play_id::VARCHAR FROM finished_plays') == [(last.play_id,)]
    assert Stats(database).totals(StatsQuery()).played_ms == last.played_ms


@pytest.mark.parametrize('order', list(itertools.permutations(range(3))))
def test_play_that_others_have_as_one_and_we_as_two(database: Database, order: tuple[int, ...]):
    ours = [ended(began(1), 3500), ended(began(2, START + HOUR), 3500)]
    whole = moved(ended(began(1), 7200), 7, Source.TAUTULLI, 0, 0)
    plays = Plays(database)
    for place in order:
        if place < 2:
            plays.record([event(ours[place])])
        else:
            plays.import_plays([whole])

    rows = database.rows('SELECT play_id::VARCHAR FROM finished_plays')
    assert {row[0] for row in rows} == {play.play_id for play in ours}
    assert Stats(database).totals(StatsQuery()).plays == 2
