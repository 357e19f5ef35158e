# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Peaks of accounts are kept, and are those of now all the same, whatever comes in between."""

import datetime
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from mediahub.store import account_peaks, peaks, removal, rollups
from mediahub.store.account_peaks import Chart, Kept
from mediahub.store.database import Database
from mediahub.store.plays import Plays
from mediahub.store.stats import Stats, StatsQuery
from mediahub.testing.plays import START, began, ended, event

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

    assert [number for number in range(100) if kept.find(number)] == [0, *range(85, 100)]


def test_databases_have_nothing_in_common(database: Database):
    with Database() as other:
        assert account_peaks.of(database) is account_peaks.of(database)
        assert account_peaks.of(database) is not account_peaks.of(other)
