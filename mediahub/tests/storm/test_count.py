# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The count at the end of a storm counts: a storm that cost something would not pass."""

from __future__ import annotations

import datetime
import pathlib
import uuid

import msgspec
import pytest

from mediahub.plays import Item, Play, Player, Viewer
from mediahub.store.database import Database
from mediahub.store.plays import Plays
from mediahub.testing.clocks import HandClock
from mediahub.testing.plays import event
from mediahub.testing.plex_living import LivingPlex
from mediahub.testing.storm_count import Count, Looks, counted


@pytest.fixture
def plex() -> LivingPlex:
    clock = HandClock()
    found = LivingPlex(clock).stocked()
    film = found.shelves.add_film('A film').id
    for number in range(3):
        session = found.play(found.person(f'{number}'), found.device(f'{number}'), film)
        clock.go(60)
        session.stop()
    return found


def recorded(plex: LivingPlex) -> list[Play]:
    """What a hub that makes no mistake keeps."""
    return [
        Play(
            play_id=str(uuid.uuid4()),
            server=plex.machine,
            started_at=true.started,
            seen_at=true.stopped or true.started,
            stopped_at=true.stopped,
            played_ms=true.played_ms,
            item=Item(rating_key=true.rating_key),
            viewer=Viewer(account_id=str(true.person.id)),
            player=Player(client_id=true.device.client_id),
        )
        for true in plex.truth
    ]


def count(
    plex: LivingPlex, plays: list[Play], folder: pathlib.Path, looks: Looks | None = None
) -> Count:
    file = folder / 'hub.duckdb'
    with Database(file) as database:
        Plays(database).record([event(play) for play in plays])
    return counted(plex, file, looks)


def test_a_hub_without_a_mistake_has_lost_and_doubled_nothing(
    plex: LivingPlex, tmp_path: pathlib.Path
):
    found = count(plex, recorded(plex), tmp_path)

    assert (found.expected, found.lost, found.doubled, found.unfinished) == (3, [], [], 0)
    assert (found.off('started'), found.off('stopped'), found.off('played')) == (0, 0, 0)


def test_a_play_that_is_missing_is_lost(plex: LivingPlex, tmp_path: pathlib.Path):
    found = count(plex, recorded(plex)[1:], tmp_path)

    assert [row.account for row, _ in found.lost] == [str(plex.truth[0].person.id)]


def test_a_play_that_is_there_twice_is_doubled(plex: LivingPlex, tmp_path: pathlib.Path):
    plays = recorded(plex)
    twin = msgspec.structs.replace(plays[1], play_id=str(uuid.uuid4()))

    found = count(plex, [*plays, twin], tmp_path)

    assert [row.account for row in found.doubled] == [str(plex.truth[1].person.id)]
    assert found.lost == []


def test_a_play_that_never_was_counts_as_doubled(plex: LivingPlex, tmp_path: pathlib.Path):
    plays = recorded(plex)
    other = msgspec.structs.replace(
        plays[1], play_id=str(uuid.uuid4()), viewer=Viewer(account_id='999')
    )

    assert [row.account for row in count(plex, [*plays, other], tmp_path).doubled] == ['999']


def test_a_play_that_goes_on_for_ever_is_unfinished(plex: LivingPlex, tmp_path: pathlib.Path):
    plays = recorded(plex)
    plays[2] = msgspec.structs.replace(plays[2], stopped_at=None)

    found = count(plex, plays, tmp_path)

    assert (found.unfinished, found.off('stopped')) == (1, float('inf'))


def test_times_that_are_off_are_told(plex: LivingPlex, tmp_path: pathlib.Path):
    plays = recorded(plex)
    late = datetime.timedelta(seconds=7)
    plays[0] = msgspec.structs.replace(plays[0], started_at=plays[0].started_at + late)

    found = count(plex, plays, tmp_path)

    assert (found.off('started'), found.off('started', 0.5)) == (7, 0)
    assert '3 plays, 0 lost, 0 doubled' in str(found)


def looked(plex: LivingPlex, *seconds: float) -> Looks:
    """Looks so many seconds after the first play began."""
    began = plex.truth[0].started
    return Looks([began + datetime.timedelta(seconds=number) for number in seconds])


def test_a_play_that_nobody_could_see_need_not_be_there(plex: LivingPlex, tmp_path: pathlib.Path):
    plays = recorded(plex)

    found = count(plex, plays[:2], tmp_path, looked(plex, 30, 90))

    assert (found.expected, found.unseen, found.lost) == (2, 1, [])


def test_a_play_that_was_looked_at_once_has_to_be_there(plex: LivingPlex, tmp_path: pathlib.Path):
    found = count(plex, recorded(plex)[:2], tmp_path, looked(plex, 30, 90, 178))

    assert (found.expected, len(found.lost)) == (3, 1)


def test_times_may_be_off_by_what_nobody_saw_and_no_more(plex: LivingPlex, tmp_path: pathlib.Path):
    plays = recorded(plex)
    looks = looked(plex, 20, 50, 90, 150)

    def late(seconds: float) -> list[Play]:
        moved = plays[0].started_at + datetime.timedelta(seconds=seconds)
        return [msgspec.structs.replace(plays[0], started_at=moved), *plays[1:]]

    (tmp_path / 'one').mkdir()
    (tmp_path / 'other').mkdir()
    assert count(plex, late(20), tmp_path / 'one', looks).astray == []
    assert len(count(plex, late(27), tmp_path / 'other', looks).astray) == 1


def test_a_server_that_is_starting_shows_nobody_anything(plex: LivingPlex, tmp_path: pathlib.Path):
    plays, began = recorded(plex), plex.truth[0].started
    moved = began + datetime.timedelta(seconds=20)
    plays[0] = msgspec.structs.replace(plays[0], started_at=moved)
    moments = [began + datetime.timedelta(seconds=number) for number in (2, 20, 50, 90, 150)]
    starting = (began, began + datetime.timedelta(seconds=15))

    (tmp_path / 'one').mkdir()
    (tmp_path / 'other').mkdir()
    blank = Looks(moments, [starting])
    assert count(plex, plays, tmp_path / 'one', blank).astray == []
    assert len(count(plex, plays, tmp_path / 'other', Looks(moments)).astray) == 1
