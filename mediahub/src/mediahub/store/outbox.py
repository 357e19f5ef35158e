# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Events that were committed together with what they tell of, and wait to go over the bus."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ..plays import PlaybackEvent
from .database import Database

_DECODER = msgspec.json.Decoder(PlaybackEvent)


class Outbox:
    """The queue between the watchers and the bus: first in, first out, and kept on disk.

    Args:
        database: Where it is kept.
    """

    def __init__(self, database: Database):
        self._database = database

    def add(self, events: Sequence[PlaybackEvent]) -> None:
        """Put events at the end, within the caller's transaction where there is one."""
        if not events:
            return
        documents = [msgspec.json.encode(event).decode() for event in events]
        numbers = [
            row[0]
            for row in self._database.rows(
                "SELECT nextval('outbox_numbers') FROM range(?) ORDER BY 1", [len(events)]
            )
        ]
        self._database.execute(
            'INSERT INTO outbox SELECT unnest(?::BIGINT[]), unnest(?::VARCHAR[])',
            [numbers, documents],
        )

    def pending(self, limit: int = 1000) -> list[tuple[int, PlaybackEvent]]:
        """The oldest events with their numbers, which grow and are never used again."""
        return [(number, _DECODER.decode(document)) for number, document in self.documents(limit)]

    def documents(self, limit: int = 1000) -> list[tuple[int, bytes]]:
        """The same as they are kept, in JSON; another version of the hub may have put them in."""
        rows = self._database.read(
            'SELECT number, document FROM outbox ORDER BY number LIMIT ?', [limit]
        )
        return [(int(number), str(document).encode()) for number, document in rows]

    def acknowledge(self, delivered: int | Sequence[int]) -> None:
        """Forget events: all up to a number, or those with the numbers given."""
        if isinstance(delivered, int):
            self._database.execute('DELETE FROM outbox WHERE number <= ?', [delivered])
        elif delivered:
            self._database.execute(
                'DELETE FROM outbox WHERE number IN (SELECT unnest(?::BIGINT[]))',
                [list(delivered)],
            )

    def size(self) -> int:
        """How many events wait."""
        return int(self._database.read('SELECT count(*) FROM outbox')[0][0])
