# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import pathlib

import pytest

from mediahub.store.database import Database, StoreError
from mediahub.store.outbox import Outbox
from mediahub.store.watched import Watched
from mediahub.testing.plays import SERVER, began, ended, event, later


@pytest.fixture
def outbox(database: Database) -> Outbox:
    return Outbox(database)


@pytest.fixture
def watched(database: Database, outbox: Outbox) -> Watched:
    return Watched(database, outbox)


def test_events_come_out_in_the_order_in_which_they_went_in(outbox: Outbox):
    events = [event(began(number)) for number in range(2500)]
    outbox.add(events[:1000])
    outbox.add(events[1000:])

    first = outbox.pending(2000)
    outbox.acknowledge(first[-1][0])
    second = outbox.pending(2000)

    assert [found for _, found in first + second] == events
    assert outbox.size() == 500


def test_events_can_be_acknowledged_one_by_one(outbox: Outbox):
    outbox.add([event(began(number)) for number in range(3)])
    first, second, third = outbox.pending()

    outbox.acknowledge([first[0], third[0]])

    assert outbox.pending() == [second]


def test_numbers_are_never_used_again(tmp_path: pathlib.Path):
    with Database(tmp_path / 'hub.duckdb') as database:
        Outbox(database).add([event(began())])
        before = Outbox(database).pending()[0][0]
        Outbox(database).acknowledge(before)

    with Database(tmp_path / 'hub.duckdb') as database:
        Outbox(database).add([event(began(2))])
        assert Outbox(database).pending()[0][0] > before


def test_empty_acknowledgement_forgets_nothing(outbox: Outbox):
    outbox.add([event(began())])

    outbox.acknowledge([])

    assert outbox.size() == 1


def test_state_and_events_are_kept_together(watched: Watched, outbox: Outbox):
    play = began()

    watched.commit([play], [], [event(play)])

    assert watched.load(SERVER) == [play]
    assert [found for _, found in outbox.pending()] == [event(play)]


def test_neither_is_kept_where_one_fails(database: Database, watched: Watched):
    play = began()
    watched.commit([play], [], [])
    database.execute('ALTER TABLE outbox RENAME TO elsewhere')

    with pytest.raises(StoreError):
        watched.commit([later(play, 5)], [], [event(later(play, 5))])

    assert watched.load(SERVER) == [play]


def test_newest_state_of_a_play_is_kept(watched: Watched):
    play = began()
    watched.commit([play, later(play, 1)], [], [])
    watched.commit([later(later(play, 1), 2)], [], [])

    assert watched.load(SERVER) == [later(later(play, 1), 2)]


def test_play_that_ended_is_followed_no_more(watched: Watched, outbox: Outbox):
    play, other = began(1), began(2)
    watched.commit([play, other], [], [])
    last = ended(play, 5)

    watched.commit([last], [play.play_id], [event(last)])

    assert watched.load(SERVER) == [other]
    assert outbox.size() == 1


def test_servers_are_apart(watched: Watched):
    watched.commit([began(1), began(2, server='other')], [], [])

    assert watched.load('other') == [began(2, server='other')]


def test_commit_of_nothing_does_nothing(watched: Watched, outbox: Outbox):
    watched.commit([], [], [])

    assert (watched.load(SERVER), outbox.size()) == ([], 0)
