# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What is removed is what the operator asked for, and not before there was time to object."""

import datetime
import logging
import pathlib
import zoneinfo
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from mediahub.plays import Play, Source, Viewer
from mediahub.store import peaks, removal, retention, rollups
from mediahub.store.database import Database
from mediahub.store.expiry import Expiry
from mediahub.store.history import HistoryQuery
from mediahub.store.letters import DeadLetter, DeadLetters
from mediahub.store.plays import Imported, Plays
from mediahub.store.stats import Stats, StatsQuery
from mediahub.testing.plays import EPISODE, FILM, START, began, ended, event, later

DAY = datetime.timedelta(days=1)
HOUR = datetime.timedelta(hours=1)
NOON = datetime.datetime(2026, 11, 28, 12, tzinfo=datetime.UTC)
RUN_A_DAY = DAY.total_seconds()


class Hub:
    """A database with a clock that a test sets."""

    def __init__(self, database: Database, backups: pathlib.Path, days: int = 30):
        self.database = database
        self.backups = backups
        self.now = NOON
        self.days = days
        self.zone: datetime.tzinfo = datetime.UTC
        self.start()

    def start(self) -> None:
        """Start, or start again with what was set."""
        self.plays = Plays(self.database, self.zone)
        self.stats = Stats(self.database, self.zone)
        self.expiry = Expiry(self.database, self.plays, self.days, self.backups, lambda: self.now)

    def run(self, hours: float = 25, look: float = 1) -> None:
        """Let time pass, with a look at every hour and everything done that is to be done."""
        for _ in range(round(hours / look)):
            self.now += look * HOUR
            self.look(look * 3600)

    def look(self, elapsed: float = 60) -> str:
        told = self.expiry.look(elapsed)
        while self.expiry.step():
            pass
        return told

    def has(self, *plays: Play) -> list[bool]:
        return [self.plays.find(play.play_id) is not None for play in plays]

    def count(self) -> int:
        """Plays that are kept, which charts say too."""
        kept = int(self.database.one('SELECT count(*) FROM finished_plays') or 0)
        everything = StatsQuery()
        assert self.stats.totals(everything).plays == kept
        assert sum(bar.plays for bar in self.stats.by_user(everything)) == kept
        assert sum(bar.plays for bar in self.stats.by_month(everything)) == kept
        return kept


@pytest.fixture
def hub(database: Database, tmp_path: pathlib.Path) -> Hub:
    return Hub(database, tmp_path / 'backups')


def play(days: float, number: int = 1, **changes: Any) -> Play:
    """A play that ended so many days before noon."""
    return ended(began(number, NOON - days * DAY - HOUR, **changes), 3600)


def test_everything_is_kept_by_default(database: Database, tmp_path: pathlib.Path):
    hub = Hub(database, tmp_path, days=0)
    old = play(10_000)
    hub.plays.record([event(old)])

    hub.run(24 * 10, look=8)

    assert hub.has(old) == [True]
    assert hub.expiry.standing.notice == ''


def test_first_removal_is_told_a_day_before_and_backed_up(
    tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture
):
    old, kept = play(31), play(29, 2)
    with Database(tmp_path / 'hub.duckdb') as database:
        hub = Hub(database, tmp_path / 'backups')
        hub.plays.record([event(old), event(kept)])

        told = hub.look()
        hub.run(23)
        assert hub.has(old, kept) == [True, True]
        assert not hub.backups.exists()
        hub.run(2)
        assert hub.has(old, kept) == [False, True]

    assert '1 plays that ended before 2026-10-29 00:00 UTC will be removed' in told
    assert 'MEDIAHUB_RETENTION_DAYS=0 keeps everything' in told
    assert [record.levelno for record in caplog.records if told in record.message] == [
        logging.WARNING
    ]
    (backup,) = hub.backups.glob('mediahub-before-retention-*.duckdb')
    with Database(backup) as copy:
        assert Plays(copy).find(old.play_id) == old


def test_days_go_by_and_the_oldest_go_without_waiting(hub: Hub):
    plays = [play(number + 0.1, number) for number in range(40)]
    hub.plays.record([event(one) for one in plays])
    hub.run(26)
    first = hub.count()

    hub.run(24)

    assert (first, hub.count()) == (30, 29)
    assert hub.expiry.standing.goal is None
    assert hub.expiry.standing.removed == 11


def test_a_play_is_removed_by_its_end_at_the_beginning_of_a_local_day(
    database: Database, tmp_path: pathlib.Path
):
    hub = Hub(database, tmp_path)
    hub.zone = zoneinfo.ZoneInfo('Asia/Kathmandu')
    hub.start()
    midnight = datetime.datetime(2026, 10, 30, tzinfo=hub.zone)  # of the day that is kept first
    over = ended(began(1, midnight - 2 * HOUR), 7200.001)
    before = ended(began(2, midnight - 2 * HOUR), 7199.999)
    hub.plays.record([event(over), event(before)])

    hub.run(26)

    assert hub.has(over, before) == [True, False]
    assert hub.count() == 1


def test_nothing_of_what_was_derived_stays(hub: Hub):
    viewer = Viewer(account_id='7', name='zoe')
    gone = [play(50 + number, number, item=EPISODE, viewer=viewer) for number in range(5)]
    hub.plays.record([event(one) for one in gone])
    hub.plays.import_plays([play(50, 99, item=EPISODE, viewer=viewer, source=Source.TAUTULLI)])
    hub.plays.record([event(play(1, 50))])
    DeadLetters(hub.database).add(
        [
            DeadLetter(subject='s', payload=b'x', reason='r', times=1, at=NOON - age * DAY)
            for age in (50, 1)
        ]
    )
    rollups.fold(hub.database)
    peaks.refresh(hub.database, datetime.UTC)

    hub.run()

    for rollup in rollups.ROLLUPS:
        assert hub.database.one(f'SELECT count(*) FROM {rollup.table}') == 1  # noqa: S608 - constants
    for table in ('imported_plays', 'uncounted', 'stale_peaks'):
        assert hub.database.one(f'SELECT count(*) FROM {table}') == 0  # noqa: S608 - constants
    for table in ('people', 'sections', 'devices', 'titles', 'dead_letters'):
        assert hub.database.one(f'SELECT count(*) FROM {table}') == 1  # noqa: S608 - constants
    assert hub.database.rows('SELECT DISTINCT day FROM peaks') == [((NOON - DAY).date(),)]
    assert hub.plays.history(HistoryQuery(viewer='zoe')).plays == []


def test_name_comes_back_with_the_next_play(hub: Hub):
    hub.plays.record([event(play(50))])
    hub.run()
    assert hub.database.rows('SELECT name FROM people') == []

    hub.plays.record([event(play(1, 2))])

    assert hub.database.rows('SELECT name FROM people') == [('anna',)]
    assert [bar.label for bar in hub.stats.by_user(StatsQuery())] == ['anna']


def test_late_event_does_not_bring_a_removed_play_back(hub: Hub):
    old = play(40)
    story = [began(1, old.started_at), old, ended(old, 60)]
    hub.plays.record([event(old)])
    hub.run()

    told = hub.plays.record([event(version) for version in story])

    assert (told.new, told.known) == (0, 3)
    assert hub.plays.live() == []
    assert hub.count() == 0


def test_end_of_a_play_that_was_live_long_ago_is_recorded_and_then_removed(hub: Hub):
    live = began(1, NOON - 40 * DAY)
    hub.plays.record([event(live), event(play(40, 2))])
    hub.run()

    assert hub.plays.record([event(ended(live, 60))]).new == 1

    assert hub.plays.live() == []
    hub.look()
    assert hub.count() == 0


def test_history_of_others_is_not_imported_and_removed_again_and_again(hub: Hub):
    rows = [play(age, age, source=Source.PLEX_HISTORY) for age in (60, 40, 20)]
    assert hub.plays.import_plays(rows) == Imported(new=3)
    hub.run()

    assert hub.plays.import_plays(rows) == Imported(known=1, expired=2)

    hub.look()
    assert hub.expiry.standing.removed == 2
    assert hub.count() == 1


@pytest.mark.parametrize('days', [0, 365])
def test_with_more_days_what_is_still_known_elsewhere_comes_back(hub: Hub, days: int):
    rows = [play(age, age, source=Source.TAUTULLI) for age in (60, 40, 20)]
    hub.plays.import_plays(rows)
    hub.run()

    hub.days = days
    hub.start()
    hub.look()

    assert hub.plays.import_plays(rows) == Imported(new=2, known=1)
    hub.run(24 * 3, look=4)
    assert hub.count() == 3


def test_fewer_days_are_told_and_wait_while_the_former_still_hold(hub: Hub):
    hub.days = 365
    hub.plays.record([event(play(age, age)) for age in (400, 100, 50, 10)])
    hub.start()
    hub.run()
    assert hub.count() == 3

    hub.days = 30
    hub.start()
    told = hub.look()
    assert hub.count() == 3
    assert hub.plays.import_plays([play(401, 401, source=Source.TAUTULLI)]).expired == 1
    hub.run()

    assert '2 plays' in told
    assert 'MEDIAHUB_RETENTION_DAYS is 30 now and was 365' in told
    assert hub.count() == 1


def test_setting_that_is_taken_back_in_time_removes_nothing(hub: Hub):
    hub.plays.record([event(play(age, age)) for age in (400, 100, 50)])
    hub.run(20)
    assert hub.expiry.standing.due == 3

    hub.days = 0
    hub.start()
    hub.run(24 * 10, look=8)

    assert hub.count() == 3


@pytest.mark.parametrize('restarts', [1, 5])
def test_waiting_goes_on_over_restarts_but_not_while_the_hub_is_off(hub: Hub, restarts: int):
    old = play(40)
    hub.plays.record([event(old)])
    hub.look()
    for _ in range(restarts):
        hub.run(4)
        hub.now += 10 * HOUR
        hub.start()
    assert hub.has(old) == [True]

    hub.run(25 - 4 * restarts)

    assert hub.has(old) == [False]


@pytest.mark.parametrize('leap', [10 * DAY, 400 * DAY, 40_000 * DAY])
def test_clock_that_leaps_ahead_removes_nothing_and_is_told(hub: Hub, leap: datetime.timedelta):
    plays = [play(number + 0.1, number) for number in range(30)]
    hub.plays.record([event(one) for one in plays])
    hub.run()
    before = hub.count()

    hub.now += leap
    told = hub.look()
    hub.run(20)
    assert hub.count() == before
    hub.now -= leap
    hub.run(30)

    assert 'the clock is' in told
    assert 'or the clock is wrong' in told
    assert hub.count() in (before - 1, before - 2)  # those of the days that went by
    assert hub.expiry.standing.notice == ''


def test_clock_that_goes_back_changes_nothing(hub: Hub):
    hub.plays.record([event(play(age, age)) for age in (40, 20)])
    hub.run()

    hub.now -= 1000 * DAY
    hub.look()
    until = hub.expiry.standing.until
    hub.now += 1000 * DAY
    assert hub.look() == ''

    assert until == hub.expiry.standing.until
    assert hub.count() == 1


def test_hub_that_was_off_for_long_waits_a_day_before_it_removes(hub: Hub):
    hub.plays.record([event(play(age, age)) for age in (40, 20)])
    hub.run()

    hub.now += 60 * DAY
    hub.start()
    told = hub.look()
    assert hub.count() == 1
    hub.run()

    assert 'the hub was off' in told
    assert hub.count() == 0


def test_weekend_is_no_leap(hub: Hub):
    hub.plays.record([event(play(age, age)) for age in (40, 27)])
    hub.run()

    hub.now += 5 * DAY
    hub.start()

    assert hub.look() == ''
    assert hub.count() == 0


def test_without_a_backup_nothing_is_removed_and_it_is_tried_again(tmp_path: pathlib.Path):
    with Database(tmp_path / 'hub.duckdb') as database:
        in_the_way = tmp_path / 'backups'
        in_the_way.write_text('a file')
        hub = Hub(database, in_the_way)
        hub.plays.record([event(play(40))])

        hub.run(30)

        assert hub.count() == 1
        assert hub.expiry.standing.problem == f'{in_the_way} cannot be made (File exists)'
        assert 'nothing older than 30 days is removed' in hub.expiry.standing.notice
        in_the_way.unlink()
        hub.run(2)
        assert hub.count() == 0
        assert hub.expiry.standing.problem == ''


def test_what_a_kill_left_half_removed_is_removed_by_the_next_start(hub: Hub):
    hub.plays.record([event(play(40 + number, number)) for number in range(20)])
    hub.plays.record([event(play(1, 99))])
    hub.run(24)
    hub.now += HOUR
    hub.expiry.look(3600)
    until = hub.expiry.standing.until
    assert until is not None
    removal.batch(hub.database, until, 5)
    assert hub.count() == 16

    hub.start()
    assert hub.database.one('SELECT count(*) FROM people') == 1
    hub.look()

    assert hub.count() == 1
    assert hub.database.one('SELECT count(*) FROM count_day') == 1


def test_oldest_go_first_and_a_batch_is_about_as_great_as_asked(hub: Hub):
    plays = [play(40 + number, number) for number in range(9)]
    alike = [play(45, 100 + number, item=FILM) for number in range(3)]
    hub.plays.record([event(one) for one in (*plays, *alike)])

    removed = [removal.batch(hub.database, NOON - 30 * DAY, 2) for _ in range(6)]

    assert removed == [2, 5, 2, 2, 1, 0]
    assert hub.count() == 0


@pytest.mark.parametrize('days', [36_500, 1])
def test_extreme_settings_are_sensible(hub: Hub, days: int):
    hub.days = days
    hub.start()
    hub.plays.record([event(play(2)), event(play(0.1, 2))])
    hub.run()

    assert hub.count() == (2 if days > 2 else 1)


ages = st.integers(0, 100)


@hypothesis.settings(max_examples=15)
@hypothesis.given(
    st.lists(st.tuples(ages, st.integers(0, 9), st.integers(0, 5)), max_size=25),
    ages,
    st.integers(1, 7),
)
def test_exactly_the_plays_that_ended_before_are_removed(
    given: list[tuple[int, int, int]], horizon: int, limit: int
):
    moment = NOON - horizon * DAY
    with Database() as database:
        hub = Hub(database, pathlib.Path('nowhere'))
        plays = {
            (one := ended(began(number, NOON - age * DAY), hours * 3600)).play_id: one
            for age, number, hours in given
        }
        hub.plays.record([event(one) for one in plays.values()])
        kept = {one.play_id for one in plays.values() if (one.stopped_at or NOON) >= moment}
        assert removal.due(database.read, moment) == len(plays) - len(kept)

        while removal.batch(database, moment, limit):
            hub.count()
        removal.tidy(database, moment, hub.plays.forget_names)

        found = {str(row[0]) for row in database.rows('SELECT play_id FROM finished_plays')}
        assert found == kept
        assert hub.count() == len(kept)
        days = {row[0] for row in database.rows('SELECT day FROM count_day')}
        assert days == {plays[play_id].started_at.date() for play_id in kept}


# What a clock may say, in days, and for how many hours it says so.
errors = st.tuples(st.integers(-4000, 40_000), st.integers(1, 23))


@hypothesis.given(st.integers(1, 4000), st.lists(errors, max_size=6), st.integers(25, 60))
def test_clock_that_is_wrong_for_less_than_a_day_costs_a_week_at_most(
    days: int, wrong: list[tuple[int, int]], between: int
):
    memory = retention.Memory()
    true = NOON
    said = [(0, 30)]
    for error in wrong:
        said += [error, (0, between)]
    for error, hours in said:
        for _ in range(hours):
            true += HOUR
            goal = true + (error - days) * DAY
            memory = retention.looked(memory, days, goal, 3600)
            if memory.ready:
                memory = retention.granted(memory, days)
            if memory.until is not None:
                assert memory.until <= true - days * DAY + retention.STRIDE
    assert memory.until is not None
    assert memory.until >= true - days * DAY


def test_state_is_that_of_the_clock_when_it_was_last_right():
    memory = retention.Memory(days=30, until=START)
    ahead = retention.looked(memory, 30, START + 100 * DAY, 60)
    assert (ahead.until, ahead.goal, ahead.ready) == (START, START + 100 * DAY, False)
    assert retention.looked(ahead, 30, START + HOUR, 60) == retention.Memory(
        days=30, until=START + HOUR
    )


def test_play_that_goes_on_is_never_removed(hub: Hub):
    live = later(began(1, NOON - 100 * DAY), 60)
    hub.plays.record([event(live)])

    hub.run()

    assert hub.plays.live() == [live]
