# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Plays that pages have shown are not read again, and no page shows what a play was before."""

import datetime
import uuid
from typing import Any

import msgspec
import pytest

from mediahub.store import history, removal
from mediahub.store.asking import HistoryQuery, Order
from mediahub.store.database import Database
from mediahub.store.plays import Plays
from mediahub.store.readplays import ReadPlays
from mediahub.testing.plays import START, began, ended, event

HOUR = datetime.timedelta(hours=1)


@pytest.fixture
def plays(database: Database) -> Plays:
    """With ten of an hour each."""
    found = Plays(database)
    found.record([event(ended(began(number, START + number * HOUR), 60)) for number in range(10)])
    return found


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many plays are read in full, each time."""
    found: list[int] = []
    true = history._read  # pyright: ignore[reportPrivateUsage]

    def noted(run: Any, numbers: list[int], versions: Any) -> Any:
        found.append(len(numbers))
        return true(run, numbers, versions)

    monkeypatch.setattr(history, '_read', noted)
    return found


def test_page_that_is_asked_for_again_is_not_read_again(plays: Plays, reads: list[int]):
    first = plays.history(HistoryQuery())
    assert plays.history(HistoryQuery()) == first
    assert plays.history(HistoryQuery(order=Order.TITLE)).total == 10
    assert reads == [10]


def test_only_new_plays_are_read(plays: Plays, reads: list[int]):
    plays.history(HistoryQuery())
    plays.record([event(ended(began(10, START + 10 * HOUR), 60))])
    assert len(plays.history(HistoryQuery()).plays) == 11
    assert reads == [10, 1]


def test_newer_version_of_a_play_is_shown(plays: Plays, reads: list[int]):
    before = plays.history(HistoryQuery()).plays[0]
    newer = msgspec.structs.replace(before, ordinal=before.ordinal + 1, played_ms=1)
    plays.record([event(newer)])
    assert plays.history(HistoryQuery()).plays[0] == newer
    assert reads == [10, 1]


def test_rows_that_move_in_the_file_are_other_plays(plays: Plays, database: Database):
    """Where plays were removed, numbers of rows come to stand for others."""
    before = plays.history(HistoryQuery(descending=False)).plays
    removal.batch(database, before[4].stopped_at or START)
    database.checkpoint()
    plays.record([event(ended(began(20, START + 20 * HOUR), 60))])
    after = plays.history(HistoryQuery(descending=False)).plays
    assert after[:-1] == before[-len(after) + 1 :]
    assert after[-1].started_at == START + 20 * HOUR


def test_what_is_kept_is_what_a_fresh_reader_reads(plays: Plays, database: Database):
    kept = plays.history(HistoryQuery())
    assert plays.history(HistoryQuery()).plays == kept.plays
    assert Plays(database).history(HistoryQuery()) == kept


def test_few_plays_are_kept_and_those_that_are_asked_for():
    kept = ReadPlays(most=2)
    versions = [(uuid.UUID(int=number), 0) for number in range(3)]
    plays = {version: began(number) for number, version in enumerate(versions)}
    for version in versions[:2]:
        kept.keep({version: plays[version]})
    assert kept.find(versions[:1]) == {versions[0]: plays[versions[0]]}
    kept.keep({versions[2]: plays[versions[2]]})
    assert kept.find(versions).keys() == {versions[0], versions[2]}


def test_versions_of_a_play_are_told_apart():
    kept = ReadPlays()
    number = uuid.UUID(int=1)
    kept.keep({(number, 1): began(1)})
    assert kept.find([(number, 2)]) == {}
