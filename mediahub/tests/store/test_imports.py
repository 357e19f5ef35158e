# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import datetime
import itertools
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from mediahub.plays import Play, Source, Viewer
from mediahub.store.database import Database, StoreError
from mediahub.store.plays import Imported, Plays
from mediahub.store.stats import Stats, StatsQuery
from mediahub.testing.plays import EPISODE, FILM, SERVER, START, began, ended, event, later

HOUR = datetime.timedelta(hours=1)


@pytest.fixture
def plays(database: Database) -> Plays:
    return Plays(database)


def row(
    number: int,
    at: datetime.datetime = START,
    seconds: float = 3600,
    source: Source = Source.TAUTULLI,
    **changes: Any,
) -> Play:
    """A row of another program."""
    return ended(began(number, at, source=source, **changes), seconds)


def total(database: Database) -> int:
    stated = Stats(database).totals(StatsQuery()).plays
    assert stated == database.one('SELECT count(*) FROM finished_plays')
    return stated


def test_import_fills_gaps(plays: Plays, database: Database):
    told = plays.import_plays([row(1), row(2, START + 5 * HOUR)])

    assert told == Imported(new=2)
    assert plays.find(row(1).play_id) == row(1)
    assert total(database) == 2


def test_second_import_finds_everything_known(plays: Plays, database: Database):
    rows = [row(number, START + number * HOUR) for number in range(50)]
    plays.import_plays(rows)

    assert plays.import_plays(rows) == Imported(known=50)
    assert Plays(database).import_plays(iter(rows)) == Imported(known=50)
    assert total(database) == 50


@pytest.mark.parametrize('lag', [-90, 0, 90])
def test_what_we_saw_wins(plays: Plays, database: Database, lag: int):
    ours = ended(began(1), 3600)
    plays.record([event(ours)])

    told = plays.import_plays([row(7, START + datetime.timedelta(seconds=lag))])

    assert told == Imported(known=1)
    assert plays.find(ours.play_id) == ours
    assert total(database) == 1


def test_what_we_saw_wins_also_when_it_is_told_later(plays: Plays, database: Database):
    theirs = row(7, START - datetime.timedelta(seconds=5))
    plays.import_plays([theirs])
    ours = ended(began(1), 3600)

    plays.record([event(ours)])

    assert (plays.find(ours.play_id), plays.find(theirs.play_id)) == (ours, None)
    assert plays.import_plays([theirs]) == Imported(known=1)
    assert total(database) == 1


def test_row_of_a_play_that_goes_on_is_known(plays: Plays, database: Database):
    plays.record([event(later(began(1), 1800))])

    assert plays.import_plays([row(7, seconds=1700)]) == Imported(known=1)
    assert total(database) == 0


def test_parts_of_a_play_are_known(plays: Plays, database: Database):
    plays.record([event(ended(began(1), 7200))])

    told = plays.import_plays([row(7, seconds=3000), row(8, START + HOUR, 3000)])

    assert told == Imported(known=2)
    assert total(database) == 1


def test_repeats_that_touch_each_other_are_different_plays(plays: Plays, database: Database):
    second = datetime.timedelta(seconds=1)
    plays.record([event(ended(began(1, START), 180))])

    told = plays.import_plays(
        [row(7, START + second, 180), row(8, START + 180 * second - second, 180)]
    )

    assert told == Imported(new=1, known=1)
    assert total(database) == 2


@pytest.mark.parametrize(
    'other',
    [
        row(7, server='another'),
        row(7, viewer=Viewer(account_id='2', name='bert')),
        row(7, item=EPISODE),
        row(7, START + 2 * HOUR),
        row(7, START - 2 * HOUR),
    ],
)
def test_what_differs_is_another_play(plays: Plays, database: Database, other: Play):
    plays.record([event(ended(began(1), 3600))])

    assert plays.import_plays([other]) == Imported(new=1)
    assert total(database) == 2


def test_item_is_recognised_under_another_id(plays: Plays):
    plays.record([event(ended(began(1), 3600))])
    renewed = msgspec.structs.replace(FILM, rating_key='99')

    assert plays.import_plays([row(7, item=renewed)]) == Imported(known=1)


def test_item_without_id_is_not_every_other_one(plays: Plays):
    unnamed = [msgspec.structs.replace(item, rating_key='') for item in (FILM, EPISODE)]
    plays.import_plays([row(1, item=unnamed[0])])

    told = plays.import_plays([row(2, item=unnamed[1], source=Source.PLEX_HISTORY)])

    assert told == Imported(new=1)


@pytest.mark.parametrize('order', list(itertools.permutations(Source)))
def test_the_best_source_stays_in_whatever_order_they_come(
    plays: Plays, database: Database, order: tuple[Source, ...]
):
    for number, source in enumerate(order):
        play = row(number, START + datetime.timedelta(seconds=number), source=source)
        if source is Source.PLEX:
            plays.record([event(play)])
        else:
            plays.import_plays([play])

    kept = database.rows('SELECT source FROM finished_plays')
    assert kept == [('plex',)]
    assert total(database) == 1


def test_two_sources_in_one_import_are_matched_too(plays: Plays, database: Database):
    told = plays.import_plays([row(1, source=Source.PLEX_HISTORY), row(2)])

    assert told == Imported(new=1, known=1)
    assert database.rows('SELECT source FROM finished_plays') == [('tautulli',)]


def test_two_players_at_once_are_two_plays(plays: Plays, database: Database):
    told = plays.import_plays([row(1), row(2, START + datetime.timedelta(seconds=9))])

    assert told == Imported(new=2)
    assert total(database) == 2


def test_second_tautulli_with_the_same_rows_doubles_nothing(plays: Plays, database: Database):
    plays.import_plays([row(1)])

    assert plays.import_plays([row(1001)]) == Imported(known=1)
    assert plays.import_plays([row(2, START + HOUR), row(2002, START + HOUR)]) == Imported(
        new=1, known=1
    )
    assert total(database) == 2


def test_row_that_makes_no_sense_is_refused_and_the_others_are_kept(plays: Plays):
    backwards = msgspec.structs.replace(row(2), stopped_at=START - HOUR)

    told = plays.import_plays([began(1), backwards, row(3)])

    assert (told.new, told.refused) == (1, 2)
    assert 'has not ended' in told.reasons[0]
    assert 'ends too early' in told.reasons[1]


def test_import_that_breaks_off_goes_on_when_begun_again(plays: Plays, database: Database):
    rows = [row(number, START + number * HOUR) for number in range(5000)]

    def breaking() -> Iterator[Play]:
        yield from rows[:4500]
        raise ConnectionError('gone')

    with pytest.raises(ConnectionError):
        plays.import_plays(breaking())

    assert total(database) == 4000
    told = plays.import_plays(rows)
    assert told == Imported(new=1000, known=4000)
    assert total(database) == 5000


def test_nothing_of_a_transaction_is_kept_where_it_fails(plays: Plays, database: Database):
    database.execute('ALTER TABLE imported_plays RENAME TO elsewhere')

    with pytest.raises(StoreError):
        plays.import_plays([row(1)])

    assert total(database) == 0
    database.execute('ALTER TABLE elsewhere RENAME TO imported_plays')
    assert plays.import_plays([row(1)]) == Imported(new=1)


def test_newest_import_is_told(plays: Plays):
    plays.import_plays([row(1), row(2, START + HOUR)])

    assert plays.newest_import(Source.TAUTULLI, SERVER) == START + HOUR
    assert plays.newest_import(Source.TAUTULLI, 'other') is None
