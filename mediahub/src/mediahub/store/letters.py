# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Dead letters: what came over the bus and could not be recorded, kept for people and replays."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import msgspec

from .database import Database, restored, stored

# The newest of so many are kept; they are looked at by people.
KEEP = 10_000


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """What could not be recorded.

    Attributes:
        subject: Where it was on the bus.
        payload: As it arrived.
        reason: Why it could not be recorded, in one line.
        times: How often that was tried.
        at: When it was given up.
    """

    subject: str
    payload: bytes
    reason: str
    times: int
    at: datetime.datetime


class DeadLetters:
    """The hub's own dead letters; those of a broker are in its stream.

    Args:
        database: Where they are kept.
        keep: How many.
    """

    def __init__(self, database: Database, keep: int = KEEP):
        self._database = database
        self._keep = keep

    def add(self, letters: Sequence[DeadLetter]) -> None:
        """Keep letters, within the caller's transaction where there is one."""
        if not letters:
            return
        self._database.execute(
            'INSERT INTO dead_letters '
            "SELECT nextval('dead_letter_numbers'), unnest(?::VARCHAR[]), unnest(?::BLOB[]), "
            'unnest(?::VARCHAR[]), unnest(?::BIGINT[]), unnest(?::TIMESTAMP[])',
            [
                [letter.subject for letter in letters],
                [letter.payload for letter in letters],
                [letter.reason for letter in letters],
                [letter.times for letter in letters],
                [stored(letter.at) for letter in letters],
            ],
        )
        self._database.execute(
            'DELETE FROM dead_letters WHERE number IN '
            '(SELECT number FROM dead_letters ORDER BY number DESC OFFSET ?)',
            [self._keep],
        )

    def list(self, limit: int = 1000) -> list[tuple[int, DeadLetter]]:
        """The oldest letters with their numbers."""
        rows = self._database.read(
            'SELECT number, subject, payload, reason, times, buried_at '
            'FROM dead_letters ORDER BY number LIMIT ?',
            [limit],
        )
        return [(int(row[0]), _letter(*row[1:])) for row in rows]

    def remove(self, numbers: Sequence[int]) -> None:
        """Forget letters that were recorded after all."""
        if numbers:
            self._database.execute(
                'DELETE FROM dead_letters WHERE number IN (SELECT unnest(?::BIGINT[]))',
                [[*numbers]],
            )

    def size(self) -> int:
        """How many there are."""
        return int(self._database.read('SELECT count(*) FROM dead_letters')[0][0])


def _letter(
    subject: str, payload: bytes, reason: str, times: int, at: datetime.datetime
) -> DeadLetter:
    moment = restored(at) or at
    return DeadLetter(subject=subject, payload=payload, reason=reason, times=times, at=moment)
