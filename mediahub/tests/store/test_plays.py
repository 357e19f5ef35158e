# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import datetime
import itertools
import pathlib
import random
import zoneinfo

import msgspec
import pytest

from mediahub.plays import Decision, MediaType, Player, Stream, Transition
from mediahub.store import playrows
from mediahub.store.database import Database, StoreError
from mediahub.store.plays import Plays
from mediahub.testing.plays import EPISODE, began, ended, event, later


@pytest.fixture
def plays(database: Database) -> Plays:
    return Plays(database)


def test_columns_are_those_of_the_table(database: Database):
    rows = database.rows("SELECT name, type FROM pragma_table_info('finished_plays')")

    assert dict(rows) == playrows.SHAPE


def test_play_that_began_is_live(plays: Plays):
    play = began()

    told = plays.record([event(play)])

    assert (told.new, told.known, told.finished) == (1, 0, [])
    assert plays.live() == [play]
    assert plays.find(play.play_id) == play


def test_play_that_ended_is_live_no_more(plays: Plays):
    first = began()
    last = ended(first, 60)
    plays.record([event(first)])

    told = plays.record([event(last)])

    assert told.finished == [last]
    assert plays.live() == []
    assert plays.find(last.play_id) == last


def test_every_field_comes_back_as_it_was(plays: Plays):
    player = Player(client_id='x', title='Zoë 電視\0\n', local=True, relayed=False, secure=True)
    stream = Stream(
        decision=Decision.TRANSCODE,
        video=Decision.TRANSCODE,
        audio=Decision.COPY,
        reason='the player cannot decode hevc',
        transcode_progress=12.5,
        speed=3.25,
        throttled=False,
        hardware=True,
        bandwidth=12_000,
    )
    play = ended(began(item=EPISODE), 90.125, player=player, stream=stream, transcoded=True)

    plays.record([event(play)])

    assert plays.find(play.play_id) == play


def test_second_delivery_changes_nothing(plays: Plays):
    first = began()
    batch = [event(first), event(later(first, 5)), event(ended(later(first, 5), 5))]
    plays.record(batch)

    told = plays.record(batch)

    assert (told.new, told.known, told.finished) == (0, 3, [])


@pytest.mark.parametrize('order', list(itertools.permutations(range(4))))
@pytest.mark.parametrize('size', [1, 2, 4])
def test_order_and_batches_do_not_matter(plays: Plays, order: tuple[int, ...], size: int):
    first = began()
    middle = later(first, 10)
    last = ended(middle, 10)
    reopened = later(last, 5, stopped_at=None)
    events = [event(version) for version in (first, middle, last, reopened)]
    shuffled = [events[place] for place in order]

    for start in range(0, 4, size):
        plays.record(shuffled[start : start + size])

    assert plays.live() == [reopened]
    assert plays.find(first.play_id) == reopened


def test_repeated_event_in_one_batch_counts_once(plays: Plays):
    play = began()

    told = plays.record([event(play), event(play)])

    assert (told.new, told.known) == (1, 1)
    assert plays.live() == [play]


def test_play_that_goes_on_after_its_end_is_live_again(plays: Plays, database: Database):
    last = ended(began(), 60)
    again = later(last, 5, stopped_at=None)
    plays.record([event(last)])

    plays.record([event(again, Transition.RESUMED)])

    assert plays.live() == [again]
    assert database.one('SELECT count(*) FROM finished_plays') == 0


def test_live_plays_are_of_the_server_asked_for(plays: Plays):
    here, there = began(1), began(2, server='other')
    plays.record([event(here), event(there)])

    assert plays.live('other') == [there]
    assert plays.live() == sorted([here, there], key=lambda play: play.play_id)


def test_event_that_cannot_be_kept_is_refused_and_the_others_are_kept(plays: Plays):
    good = began()
    wrong_id = msgspec.structs.replace(good, play_id='1')
    no_zone = began(2, started_at=datetime.datetime(2026, 1, 1))  # noqa: DTZ001, RUF100 - meant

    told = plays.record([event(wrong_id), event(good), event(no_zone)])

    assert [bad.play for bad, _ in told.refused] == [wrong_id, no_zone]
    assert 'no UUID' in told.refused[0][1]
    assert 'no time with a zone' in told.refused[1][1]
    assert (told.new, told.known) == (1, 0)
    assert plays.live() == [good]


def test_number_that_no_column_holds_is_bounded(plays: Plays):
    play = ended(began(played_ms=10**30, item=msgspec.structs.replace(EPISODE, year=-(10**30))))

    plays.record([event(play)])

    found = plays.find(play.play_id)
    assert found is not None
    assert (found.played_ms, found.item.year) == (2**63 - 1, -(2**63) + 1)


def test_unknown_id_finds_nothing(plays: Plays):
    assert plays.find('0f5f7d0f-8c11-4c1d-9d3f-0f5f7d0f8c11') is None
    assert plays.find("x' OR 1") is None


def test_nothing_of_a_batch_is_kept_where_a_part_fails(plays: Plays, database: Database):
    before = began(1)
    plays.record([event(before)])
    database.execute('ALTER TABLE finished_plays RENAME TO elsewhere')

    with pytest.raises(StoreError):
        plays.record([event(later(before, 5)), event(ended(began(2), 5))])

    assert plays.live() == [before]


def test_readers_do_not_wait_for_a_writer(database: Database, plays: Plays):
    plays.record([event(began())])
    with database.transaction():
        database.execute('DELETE FROM live_plays')

        assert len(plays.live()) == 1

    assert plays.live() == []


def test_what_was_recorded_is_there_after_a_restart(tmp_path: pathlib.Path):
    play = ended(began(), 5)
    with Database(tmp_path / 'hub.duckdb') as database:
        Plays(database).record([event(play), event(began(2))])

    with Database(tmp_path / 'hub.duckdb') as database:
        assert Plays(database).find(play.play_id) == play
        assert Plays(database).live() == [began(2)]


def test_work_is_the_same_on_two_servers_and_under_another_id(plays: Plays):
    other = msgspec.structs.replace(
        EPISODE, rating_key='9', library_id='7', grandparent_title='LIGHTHOUSE '
    )
    second = msgspec.structs.replace(EPISODE, index=2)
    assert playrows.work_key(other) == playrows.work_key(EPISODE)
    assert playrows.piece_key(other) == playrows.piece_key(EPISODE)
    assert playrows.work_key(second) == playrows.work_key(EPISODE)
    assert playrows.piece_key(second) != playrows.piece_key(EPISODE)


def test_day_and_hour_are_those_of_the_zone(database: Database):
    zone = zoneinfo.ZoneInfo('Asia/Kathmandu')
    at = datetime.datetime(2026, 3, 1, 18, 20, tzinfo=datetime.UTC)

    Plays(database, zone).record([event(ended(began(at=at)))])

    assert database.rows('SELECT day, hour FROM finished_plays') == [
        (datetime.date(2026, 3, 2), 0)
    ]


def test_many_plays_in_many_batches_are_each_there_once(plays: Plays, database: Database):
    chance = random.Random(8)  # noqa: S311  # no secret
    versions = [
        version
        for number in range(60)
        for version in (began(number), later(began(number), 1), ended(later(began(number), 1), 1))
    ]
    deliveries = versions * 2
    chance.shuffle(deliveries)
    while deliveries:
        size = chance.randint(1, 20)
        plays.record([event(version) for version in deliveries[:size]])
        del deliveries[:size]

    assert database.one('SELECT count(DISTINCT play_id) FROM finished_plays') == 60
    assert database.one('SELECT count(*) FROM finished_plays') == 60
    assert plays.live() == []


def test_media_types_are_kept_in_plex_words(plays: Plays, database: Database):
    for number, kind in enumerate(MediaType):
        item = msgspec.structs.replace(EPISODE, media_type=kind)
        plays.record([event(ended(began(number, item=item)))])

    rows = database.rows('SELECT item_media_type FROM finished_plays')
    assert {kind for (kind,) in rows} == {kind.value for kind in MediaType}
