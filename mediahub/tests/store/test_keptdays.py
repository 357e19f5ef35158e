# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What is kept of days is what there is now all the same, whatever comes in between."""

import datetime
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest

from mediahub.store import asking, keptdays, peaks, removal, rollups, totals
from mediahub.store.asking import HistoryQuery
from mediahub.store.database import Database
from mediahub.store.keptdays import Chart, Kept
from mediahub.store.plays import Plays
from mediahub.store.stats import Stats, StatsQuery
from mediahub.testing.plays import FILM, START, began, ended, event

DAY = datetime.timedelta(days=1)
MINE = StatsQuery(account='1')


@pytest.fixture
def plays(database: Database) -> Plays:
    """With a play on every tenth day of a hundred."""
    found = Plays(database)
    found.record([event(ended(began(number, START + number * DAY), 60)) for number in DAYS])
    settled(database)
    return found


DAYS = range(0, 100, 10)


def settled(database: Database) -> None:
    rollups.fold(database)
    assert peaks.refresh(database, datetime.UTC) == 0


def another(plays: Plays, day: int) -> None:
    """A play beside the one of that day."""
    plays.record([event(ended(began(1000 + day, START + day * DAY), 60))])


def streams(database: Database) -> list[int]:
    return [peak.streams for peak in Stats(database).concurrent(MINE)]


@pytest.fixture
def sweeps(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many days readers sweep, each time."""
    found: list[int] = []
    true = peaks.sweep

    def noted(query: Any, days: Sequence[datetime.date], *zone: Any, **more: Any) -> Any:
        if 'about' in more:
            found.append(len(days))
        return true(query, days, *zone, **more)

    monkeypatch.setattr(peaks, 'sweep', noted)
    return found


def test_only_days_that_changed_are_swept_again(
    plays: Plays, database: Database, sweeps: list[int]
):
    assert streams(database) == [1] * 10
    assert streams(database) == [1] * 10
    another(plays, 50)
    assert streams(database) == [1] * 5 + [2] + [1] * 4
    settled(database)
    assert streams(database) == [1] * 5 + [2] + [1] * 4
    assert streams(database) == [1] * 5 + [2] + [1] * 4
    assert sweeps == [91, 1, 1]


def test_change_that_a_reader_did_not_see_is_seen_by_the_next(
    plays: Plays, database: Database, monkeypatch: pytest.MonkeyPatch
):
    """Between the beginning of a reader and its sweep the day is changed, and swept again."""
    meanwhile(monkeypatch, lambda: (another(plays, 50), settled(database)))

    assert streams(database) == [1] * 10
    assert streams(database) == [1] * 5 + [2] + [1] * 4


def test_removal_that_a_reader_did_not_see_is_seen_by_the_next(
    plays: Plays, database: Database, monkeypatch: pytest.MonkeyPatch
):
    def remove() -> None:
        removal.batch(database, START + 15 * DAY)
        removal.tidy(database, START + 15 * DAY, plays.forget_names)
        another(plays, -5)

    meanwhile(monkeypatch, remove)

    assert streams(database) == [1] * 10
    assert streams(database) == [1] * 9


def meanwhile(monkeypatch: pytest.MonkeyPatch, happening: Callable[[], object]) -> None:
    """Let something happen once, just before a reader sweeps."""
    true = peaks.sweep

    def late(*arguments: Any, **more: Any) -> Any:
        if 'about' not in more:
            return true(*arguments, **more)
        monkeypatch.setattr(peaks, 'sweep', true)
        happening()
        return true(*arguments, **more)

    monkeypatch.setattr(peaks, 'sweep', late)


def test_day_of_which_all_plays_were_removed_is_gone(plays: Plays, database: Database):
    assert streams(database) == [1] * 10
    removal.batch(database, START + 15 * DAY)
    assert streams(database) == [1] * 8
    removal.tidy(database, START + 15 * DAY, plays.forget_names)
    assert streams(database) == [1] * 8
    another(plays, -5)
    assert streams(database) == [1] * 9


def test_every_question_has_a_chart_of_its_own(plays: Plays, database: Database):
    stats = Stats(database)
    assert len(stats.concurrent(MINE)) == 10
    assert stats.concurrent(StatsQuery(account='2')) == []
    assert stats.concurrent(StatsQuery(account='1', server='elsewhere')) == []
    late = StatsQuery(account='1', first=(START + 45 * DAY).date())
    assert len(stats.concurrent(late)) == 5
    assert len(stats.concurrent(MINE)) == 10


def test_few_charts_are_kept_and_those_that_are_asked_for():
    kept = Kept()
    for number in range(100):
        kept.keep(number, Chart(0, {}))
        kept.find(0)

    assert [number for number in range(100) if kept.find(number)] == [0, *range(77, 100)]


def test_databases_have_nothing_in_common(database: Database):
    with Database() as other:
        assert keptdays.of(database) is keptdays.of(database)
        assert keptdays.of(database) is not keptdays.of(other)


# Totals that no counts know.

# What is asked for is of the tables of counts, but of none of them both.
BOTH = HistoryQuery(account='1', text=FILM.title)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The conditions on plays that are looked through."""
    found: list[str] = []
    true = totals._each_day  # pyright: ignore[reportPrivateUsage]

    def noted(run: Any, condition: Any) -> Any:
        found.append(condition.sql)
        return true(run, condition)

    monkeypatch.setattr(totals, '_each_day', noted)
    return found


def total(plays: Plays, query: HistoryQuery = BOTH) -> tuple[int | None, int | None]:
    page = plays.history(query)
    assert page.total == len(page.plays)
    assert page.played_ms == sum(play.played_ms for play in page.plays)
    return page.total, page.played_ms


def test_total_looks_again_only_at_days_that_changed(
    plays: Plays, database: Database, looks: list[str]
):
    assert total(plays) == total(plays)
    assert len(looks) == 1
    another(plays, 30)
    assert total(plays)[0] == 11
    assert len(looks) == 2
    assert looks[1].startswith('(day IN')
    settled(database)
    another(plays, 35)
    assert total(plays)[0] == 12


def test_total_counts_no_play_that_was_removed(plays: Plays, database: Database):
    assert total(plays)[0] == 10
    removal.batch(database, START + 45 * DAY)
    assert total(plays)[0] == 5
    settled(database)
    assert total(plays)[0] == 5
    removal.tidy(database, START + 45 * DAY, plays.forget_names)
    assert total(plays)[0] == 5


def test_total_that_began_before_a_change_is_not_kept_as_that_behind_it(
    plays: Plays, database: Database
):
    """The reader's state is older than what is committed, swept and settled meanwhile."""
    kept = keptdays.of(database)
    before = totals.Kept(kept, kept.number)
    with database.snapshot() as run:
        words = asking.found(run, BOTH)
        condition = asking.about(BOTH, words)
        another(plays, 30)
        settled(database)
        assert totals.of(run, BOTH, words, condition, before).plays == 10
    assert total(plays)[0] == 11


def test_total_of_titles_that_are_not_named_one_by_one_follows_their_names(
    plays: Plays, monkeypatch: pytest.MonkeyPatch
):
    """A film that is found by its new name as well; its plays of old are of the same piece."""
    monkeypatch.setattr(asking, '_FEW', 0)
    query = HistoryQuery(account='1', text='sequel')
    assert total(plays, query) == (0, 0)
    fresh = msgspec.structs.replace(FILM, rating_key='999', parent_title='Sequel')
    plays.record([event(ended(began(500, START + 200 * DAY, fresh), 60))])
    assert total(plays, query)[0] == 11
