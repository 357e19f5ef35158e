# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import datetime

import pytest

from mediahub.store import hub
from mediahub.store.database import Database
from mediahub.store.letters import DeadLetter, DeadLetters

AT = datetime.datetime(2026, 3, 1, 20, 15, tzinfo=datetime.UTC)


def letter(payload: bytes = b'x') -> DeadLetter:
    return DeadLetter(subject='playback.plex.movie', payload=payload, reason='r', times=5, at=AT)


def test_a_letter_comes_back_as_it_went_in(database: Database):
    sent = letter(bytes(range(256)))
    DeadLetters(database).add([sent])

    assert [found for _, found in DeadLetters(database).list()] == [sent]


def test_letters_that_were_recorded_after_all_are_forgotten(database: Database):
    letters = DeadLetters(database)
    letters.add([letter(b'1'), letter(b'2'), letter(b'3')])
    first, _, third = (number for number, _ in letters.list())

    letters.remove([first, third])

    assert [found.payload for _, found in letters.list()] == [b'2']
    assert letters.size() == 1


def test_the_newest_are_kept(database: Database):
    letters = DeadLetters(database, keep=2)
    for number in range(4):
        letters.add([letter(str(number).encode())])

    assert [found.payload for _, found in letters.list()] == [b'2', b'3']


@pytest.mark.parametrize('add', [[], ()])
def test_no_letters_change_nothing(database: Database, add: list[DeadLetter]):
    DeadLetters(database).add(add)

    assert DeadLetters(database).size() == 0


def test_a_database_has_an_id_that_stays_until_it_is_renewed(database: Database):
    first = hub.identity(database)

    assert hub.identity(database) == first
    assert hub.renew(database) != first
    with Database() as other:
        assert hub.identity(other) != hub.identity(database)
