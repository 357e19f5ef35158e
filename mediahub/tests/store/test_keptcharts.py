# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Charts of an account are those of now, however often they are asked for."""

import datetime
import random
from collections.abc import Callable
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from mediahub.plays import Decision, Player, Stream, Viewer
from mediahub.store import keptcharts, keptdays, peaks, removal, rollups, stats, zones
from mediahub.store.database import Database
from mediahub.store.plays import Plays
from mediahub.store.ranges import Apart, Measure
from mediahub.store.stats import Slice, Stats, StatsQuery
from mediahub.testing.plays import FILM, START, began, ended, event

DAY = datetime.timedelta(days=1)
LAST = START + 80 * DAY
TODAY = LAST.date()

CHARTS: list[Callable[[Stats, StatsQuery], Any]] = [
    Stats.totals,
    Stats.by_day,
    Stats.by_month,
    Stats.by_weekday,
    Stats.by_hour,
    Stats.by_decision,
    Stats.by_media_type,
    Stats.by_platform,
    Stats.by_resolution,
    Stats.by_library,
    Stats.by_user,
    Stats.by_player,
    lambda charts, query: charts.by_platform(query, Measure.TIME),
]

QUERIES = [
    StatsQuery(account='1'),
    StatsQuery(account='1', server='here', apart=Apart.NOTHING),
    StatsQuery(account='1', first=TODAY - 60 * DAY, limit=2),
    StatsQuery(account='1', first=TODAY - 60 * DAY, last=TODAY - 20 * DAY),
    StatsQuery(account='1', last=TODAY - DAY),
    StatsQuery(account='1', first=TODAY - 20 * DAY),
]


@pytest.fixture(autouse=True)
def days(monkeypatch: pytest.MonkeyPatch) -> list[datetime.date]:
    """What day it is: the last one."""
    found = [TODAY]
    monkeypatch.setattr(zones, 'today', lambda zone: found[-1])  # pyright: ignore[reportUnknownArgumentType, reportUnknownLambdaType]
    return found


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[tuple[datetime.date | None, Any]]:
    """The first and the last of the days that are read, each time."""
    found: list[tuple[datetime.date | None, Any]] = []
    true = stats._look  # pyright: ignore[reportPrivateUsage]

    def noted(run: Any, query: StatsQuery, *rest: Any) -> Any:
        found.append((query.first, query.last))
        return true(run, query, *rest)

    monkeypatch.setattr(stats, '_look', noted)
    return found


def settled(database: Database) -> None:
    rollups.fold(database)
    assert peaks.refresh(database, datetime.UTC) == 0


def record(plays: Plays, number: int, day: float, accounts: str = '112') -> None:
    chance = random.Random(number)  # noqa: S311 - no secret
    play = began(
        number,
        START + day * DAY,
        FILM,
        server=chance.choice(['here', 'there']),
        viewer=Viewer(account_id=chance.choice(accounts), name='somebody'),
        player=Player(client_id=chance.choice('ab'), platform=chance.choice(['Roku', 'iOS', ''])),
        stream=Stream(decision=chance.choice(list(Decision)), resolution=chance.choice('47')),
    )
    plays.record([event(ended(play, chance.choice([0, 60, 3600, 90_000])))])


@pytest.fixture
def plays(database: Database) -> Plays:
    found = Plays(database)
    for number in range(80):
        record(found, number, number + 0.3)
    settled(database)
    return found


def changes(plays: Plays, database: Database, number: int) -> dict[str, Callable[[], object]]:
    return {
        'today': lambda: record(plays, number, 80),
        'yesterday, over midnight': lambda: record(plays, number, 79 - 0.01),
        'long ago': lambda: record(plays, number, number % 70),
        'counted': lambda: rollups.fold(database),
        'settled': lambda: settled(database),
        'removed': lambda: removal.batch(database, START + (number % 60) * DAY, 3),
        'tidied': lambda: removal.tidy(database, START, plays.forget_names),
        'nothing': lambda: None,
    }


@hypothesis.settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
@hypothesis.given(
    steps=st.lists(
        st.tuples(st.integers(100, 160), st.sampled_from(sorted(changes(Any, Any, 0)))),  # pyright: ignore[reportArgumentType]
        max_size=4,
        unique_by=lambda step: step[0],
    ),
    query=st.sampled_from(QUERIES),
)
def test_charts_are_those_that_nothing_is_kept_of(steps: list[tuple[int, str]], query: StatsQuery):
    with Database() as database:
        plays, charts = Plays(database), Stats(database)
        for number in range(0, 80, 5):
            record(plays, number, number + 0.3)
        settled(database)
        for number, step in [(0, 'nothing'), *steps]:
            changes(plays, database, number)[step]()
            asked = [chart(charts, query) for chart in CHARTS]
            keptdays.of(database).forget()
            assert asked == [chart(charts, query) for chart in CHARTS]
            for chart in CHARTS:
                chart(charts, query)


def hours(database: Database) -> list[Slice]:
    return Stats(database).by_hour(StatsQuery(account='1'))


def test_only_the_latest_days_are_read_again(
    plays: Plays, database: Database, looks: list[tuple[datetime.date | None, Any]]
):
    yesterday = TODAY - DAY
    hours(database)
    assert looks == [(None, yesterday - DAY), (yesterday, None)]
    record(plays, 200, 80)
    hours(database)
    settled(database)
    hours(database)
    assert looks[2:] == [(yesterday, None)] * 2


def test_earlier_day_that_changed_is_read_again_until_it_is_swept(
    plays: Plays, database: Database, looks: list[tuple[datetime.date | None, Any]]
):
    everything = [(None, TODAY - 2 * DAY), (TODAY - DAY, None)]
    hours(database)
    record(plays, 200, 5)
    hours(database)
    settled(database)
    hours(database)
    assert looks == everything * 3
    hours(database)
    assert looks[6:] == everything[1:]


def test_days_that_go_by_are_kept_before_they_are_too_many(
    plays: Plays,
    database: Database,
    days: list[datetime.date],
    looks: list[tuple[datetime.date | None, Any]],
):
    hours(database)
    days.append(TODAY + 30 * DAY)
    hours(database)
    assert looks[2:] == [(TODAY - DAY, None)]
    days.append(TODAY + 31 * DAY)
    hours(database)
    assert looks[3:] == [(None, TODAY + 29 * DAY), (TODAY + 30 * DAY, None)]


def test_what_lies_in_the_past_is_read_once(
    plays: Plays, database: Database, looks: list[tuple[datetime.date | None, Any]]
):
    past = StatsQuery(account='1', last=TODAY - 5 * DAY)
    before = Stats(database).by_hour(past)
    assert Stats(database).by_hour(past) == before
    assert looks == [(None, TODAY - 5 * DAY)]


def test_few_days_are_read_and_not_kept(
    plays: Plays, database: Database, looks: list[tuple[datetime.date | None, Any]]
):
    month = StatsQuery(account='1', first=TODAY - 30 * DAY)
    for _ in range(2):
        Stats(database).by_hour(month)
    assert looks == [(month.first, None)] * 2


def test_chart_that_began_before_a_change_is_not_kept_as_that_behind_it(
    plays: Plays, database: Database
):
    """The reader's state is older than what is committed, swept and settled meanwhile."""
    query = StatsQuery(account='1')
    days = keptdays.of(database)
    kept = keptcharts.Kept(days, days.number, TODAY)
    with database.snapshot() as run:
        run('SELECT 1 FROM finished_plays LIMIT 1')
        record(plays, 200, 5, accounts='1')
        settled(database)
        count = stats._by_days()  # pyright: ignore[reportPrivateUsage]
        before = stats._kept_rows(run, kept, query, count, ())  # pyright: ignore[reportPrivateUsage]
    after = Stats(database).totals(query)
    assert after.plays == before[0][0] + 1
