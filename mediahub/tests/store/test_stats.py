# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import datetime

import msgspec
import pytest

from mediahub.plays import MediaType, Player, Viewer
from mediahub.store import peaks, rollups
from mediahub.store.database import Database, StoreError
from mediahub.store.plays import Plays
from mediahub.store.stats import Level, Measure, QueryError, Stats, StatsQuery, Tally
from mediahub.testing.plays import EPISODE, FILM, SERVER, START, began, ended, event, later

DAY = datetime.timedelta(days=1)
EVERYTHING = StatsQuery()


@pytest.fixture
def plays(database: Database) -> Plays:
    return Plays(database)


@pytest.fixture
def stats(database: Database) -> Stats:
    return Stats(database)


def test_days_without_plays_are_there(plays: Plays, stats: Stats):
    plays.record([event(ended(began(1), 60)), event(ended(began(2, START + 2 * DAY), 60))])

    assert [(bar.key, bar.plays) for bar in stats.by_day(EVERYTHING)] == [
        ('2026-03-01', 1),
        ('2026-03-02', 0),
        ('2026-03-03', 1),
    ]
    asked = StatsQuery(first=datetime.date(2026, 2, 27), last=datetime.date(2026, 3, 4))
    assert [bar.plays for bar in stats.by_day(asked)] == [0, 0, 1, 0, 1, 0]


def test_months_hours_and_weekdays_without_plays_are_there(plays: Plays, stats: Stats):
    plays.record([event(ended(began(1), 60)), event(ended(began(2, START + 65 * DAY), 60))])

    assert [bar.key for bar in stats.by_month(EVERYTHING)] == [
        '2026-03-01',
        '2026-04-01',
        '2026-05-01',
    ]
    assert [bar.key for bar in stats.by_hour(EVERYTHING)] == [str(hour) for hour in range(24)]
    assert [(bar.key, bar.plays) for bar in stats.by_weekday(EVERYTHING)] == [
        ('1', 0),
        ('2', 1),
        ('3', 0),
        ('4', 0),
        ('5', 0),
        ('6', 0),
        ('7', 1),
    ]


def test_empty_database_has_empty_charts(stats: Stats):
    assert stats.totals(EVERYTHING).plays == 0
    assert stats.by_day(EVERYTHING) == stats.by_month(EVERYTHING) == []
    assert stats.by_user(EVERYTHING) == stats.by_player(EVERYTHING) == []
    assert stats.top_titles(EVERYTHING) == stats.concurrent(EVERYTHING) == []


def test_bar_tells_decisions_and_media_types(plays: Plays, stats: Stats):
    plays.record([event(ended(began(1), 60)), event(ended(began(2, item=EPISODE), 30))])

    bar = stats.totals(EVERYTHING)

    assert bar.decisions['direct play'] == Tally(2, 90_000)
    assert bar.decisions['transcode'] == Tally()
    assert bar.media_types['movie'] == Tally(1, 60_000)
    assert bar.media_types['episode'] == Tally(1, 30_000)


def test_users_libraries_and_players_are_called_as_they_were_last(plays: Plays, stats: Stats):
    renamed = msgspec.structs.replace(FILM, library='Cinema')
    newer = began(
        2,
        START + DAY,
        renamed,
        viewer=Viewer(account_id='1', name='Anna K.', thumb='/a.png'),
        player=Player(client_id='tv', title='Den', product='Plex for Roku', platform='Roku'),
    )
    plays.record([event(ended(newer, 60))])
    plays.record([event(ended(began(1), 60))])

    [user] = stats.by_user(EVERYTHING)
    [library] = stats.by_library(EVERYTHING)
    [player] = stats.by_player(EVERYTHING)
    assert (user.label, user.key, user.server, user.plays) == ('Anna K.', '1', SERVER, 2)
    assert user.detail == {'thumb': '/a.png'}
    assert (library.label, library.key, library.server) == ('Cinema', '1', SERVER)
    assert (player.label, player.key) == ('Den', 'tv')
    assert player.detail == {'product': 'Plex for Roku', 'platform': 'Roku', 'device': ''}


def test_name_that_changes_back_is_the_last_one(plays: Plays, stats: Stats):
    for number, name in enumerate(['Anna', 'Bert', 'Anna']):
        viewer = Viewer(account_id='1', name=name)
        plays.record([event(ended(began(number, START + number * DAY, viewer=viewer), 60))])

    assert [bar.label for bar in stats.by_user(EVERYTHING)] == ['Anna']


def test_what_has_no_name_is_called_by_its_id(plays: Plays, stats: Stats):
    plays.record([event(ended(began(viewer=Viewer(account_id='7')), 60))])

    assert [bar.label for bar in stats.by_user(EVERYTHING)] == ['7']


def test_ranking_goes_by_plays_time_or_viewers(plays: Plays, stats: Stats):
    other = msgspec.structs.replace(FILM, rating_key='2', title='Metropolis')
    third = msgspec.structs.replace(FILM, rating_key='3', title='Nosferatu')
    plays.record(
        [
            event(ended(began(1), 10)),
            event(ended(began(2, START + DAY), 10)),
            event(ended(began(3, START + 2 * DAY), 10)),
            event(ended(began(4, item=other), 9000)),
            event(ended(began(5, item=third), 20)),
            event(ended(began(6, item=third, viewer=Viewer(account_id='2')), 20)),
        ]
    )

    def titles(measure: Measure) -> list[str]:
        return [title.title for title in stats.top_titles(EVERYTHING, Level.MOVIE, measure)]

    assert titles(Measure.PLAYS) == ['The General', 'Nosferatu', 'Metropolis']
    assert titles(Measure.TIME) == ['Metropolis', 'Nosferatu', 'The General']
    assert titles(Measure.VIEWERS) == ['Nosferatu', 'The General', 'Metropolis']
    assert len(stats.top_titles(StatsQuery(limit=2))) == 2


@pytest.mark.parametrize('level', [Level.EPISODE, Level.TRACK])
def test_viewers_of_parts_are_not_counted(stats: Stats, level: Level):
    with pytest.raises(QueryError, match='films, shows and artists'):
        stats.top_titles(EVERYTHING, level, Measure.VIEWERS)


def test_viewers_are_exact_before_and_after_they_are_counted(
    plays: Plays, stats: Stats, database: Database
):
    def viewers() -> list[int | None]:
        return [title.viewers for title in stats.top_titles(EVERYTHING, measure=Measure.VIEWERS)]

    last = ended(began(1), 60)
    plays.record([event(last)])
    rollups.fold(database)
    plays.record([event(ended(began(2), 60))])
    plays.record([event(ended(began(3, viewer=Viewer(account_id='2')), 60))])
    assert viewers() == [2]
    rollups.fold(database)
    assert viewers() == [2]
    plays.record(
        [event(later(ended(began(3, viewer=Viewer(account_id='2')), 60), 5, stopped_at=None))]
    )
    assert viewers() == [1]


def test_title_is_one_on_two_servers_and_is_shown_as_it_was_last(plays: Plays, stats: Stats):
    elsewhere = msgspec.structs.replace(FILM, rating_key='77', title='THE GENERAL', thumb='/t')
    plays.record(
        [
            event(ended(began(2, START + DAY, elsewhere, server='other'), 60)),
            event(ended(began(1), 60)),
        ]
    )

    [title] = stats.top_titles(EVERYTHING)

    assert (title.plays, title.server, title.rating_key) == (2, 'other', '77')
    assert (title.title, title.year, title.thumb) == ('THE GENERAL', 1926, '/t')


def test_show_is_described_as_a_show(plays: Plays, stats: Stats):
    plays.record([event(ended(began(item=EPISODE), 60))])

    [show] = stats.top_titles(EVERYTHING, Level.SHOW)
    [episode] = stats.top_titles(EVERYTHING, Level.EPISODE)

    assert (show.title, show.rating_key, show.parent_title) == ('Lighthouse', '2000', '')
    assert show.thumb == '/library/metadata/2000/thumb'
    assert (episode.title, episode.rating_key) == ('Pilot', '2011')
    assert episode.grandparent_title == 'Lighthouse'


def test_show_without_name_is_called_by_its_episode(plays: Plays, stats: Stats):
    item = msgspec.structs.replace(EPISODE, grandparent_title='', grandparent_rating_key='')
    plays.record([event(ended(began(item=item), 60))])

    assert [show.title for show in stats.top_titles(EVERYTHING, Level.SHOW)] == ['Pilot']


def test_play_that_is_taken_back_counts_for_nothing(
    plays: Plays, stats: Stats, database: Database
):
    last = ended(began(), 60)
    plays.record([event(last)])
    rollups.fold(database)

    plays.record([event(later(last, 5, stopped_at=None))])

    assert stats.totals(EVERYTHING).plays == 0
    assert stats.by_user(EVERYTHING) == stats.top_titles(EVERYTHING) == []
    rollups.fold(database)
    assert stats.by_user(EVERYTHING) == stats.top_titles(EVERYTHING) == []


def test_peak_is_told_with_its_moment(plays: Plays, stats: Stats, database: Database):
    minute = datetime.timedelta(minutes=1)
    versions = [began(number, START + number * minute) for number in range(3)]
    plays.record([event(ended(play, 90)) for play in versions])

    for _ in range(2):
        [peak] = stats.concurrent(EVERYTHING)
        assert (peak.day, peak.streams, peak.moment) == (START.date(), 2, START + minute)
        assert peak.decisions == {
            'direct play': 2,
            'copy': 0,
            'transcode': 0,
            'unknown': 0,
        }
        rollups.fold(database)
        assert peaks.refresh(database, datetime.UTC) == 0


def test_play_over_midnight_counts_at_once_on_both_days(plays: Plays, stats: Stats):
    plays.record([event(ended(began(), 5 * 3600))])

    assert [(peak.day.day, peak.streams) for peak in stats.concurrent(EVERYTHING)] == [
        (1, 1),
        (2, 1),
    ]


def test_stream_that_follows_another_is_not_beside_it(plays: Plays, stats: Stats):
    plays.record(
        [
            event(ended(began(1), 60)),
            event(ended(began(2, START + datetime.timedelta(seconds=60)), 60)),
        ]
    )

    assert [peak.streams for peak in stats.concurrent(EVERYTHING)] == [1]


def test_failed_fold_changes_no_count(plays: Plays, stats: Stats, database: Database):
    plays.record([event(ended(began(), 60))])
    database.execute('ALTER TABLE count_audience RENAME TO elsewhere')

    with pytest.raises(StoreError):
        rollups.fold(database)

    assert stats.totals(EVERYTHING).plays == 1


def test_recorder_folds_by_itself(plays: Plays, stats: Stats, database: Database):
    made = [ended(began(number), 1) for number in range(5200)]
    for start in range(0, 5200, 1300):
        plays.record([event(play) for play in made[start : start + 1300]])

    assert database.one('SELECT count(*) FROM uncounted') < 5000
    assert stats.totals(EVERYTHING).plays == 5200


def test_clip_counts_as_something_else(plays: Plays, stats: Stats):
    item = msgspec.structs.replace(FILM, media_type=MediaType.CLIP)
    plays.record([event(ended(began(item=item), 60))])

    assert {bar.key: bar.plays for bar in stats.by_media_type(EVERYTHING)} == {
        'movie': 0,
        'episode': 0,
        'track': 0,
        'live': 0,
        'other': 1,
    }
