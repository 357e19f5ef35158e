# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Plays as the hub knows them: ``live_plays`` are going on, ``finished_plays`` have ended.

Of a play the version with the greatest ordinal is kept, so events may come repeated, late and in
any order. A batch takes effect as a whole, together with everything that is counted from it.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from ..plays import Play, PlaybackEvent
from . import playrows
from .database import Database, stored

_DECODER = msgspec.json.Decoder(Play)

# A play's beginning is part of its id and does not change; this much is allowed for all the same.
_SLACK = datetime.timedelta(days=1)

_LIVE_ORDINALS = """
SELECT play_id::VARCHAR, ordinal FROM live_plays
WHERE play_id IN (SELECT unnest(?::UUID[]))
"""

# Plays lie in the file about in the order of time, so the range lets DuckDB pass over most of it.
_FINISHED_ORDINALS = """
SELECT play_id::VARCHAR, ordinal FROM finished_plays
WHERE started_at BETWEEN ? AND ? AND play_id IN (SELECT unnest(?::UUID[]))
"""


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a batch of events.

    Attributes:
        new: Events that told something new.
        known: Events that did not: repeated, or older than what was known.
        told: The new ones themselves.
        finished: Plays that ended by this batch, or whose end was told anew.
        refused: Events that cannot be kept, with the reason; they belong among the dead letters.
    """

    new: int = 0
    known: int = 0
    told: list[PlaybackEvent] = msgspec.field(default_factory=list[PlaybackEvent])
    finished: list[Play] = msgspec.field(default_factory=list[Play])
    refused: list[tuple[PlaybackEvent, str]] = msgspec.field(
        default_factory=list[tuple[PlaybackEvent, str]]
    )


class Plays:
    """The plays of all servers.

    Args:
        database: Where they are kept.
        zone: Time zone whose days and hours plays are counted by.
    """

    def __init__(self, database: Database, zone: datetime.tzinfo = datetime.UTC):
        self._database = database
        self._zone = zone

    def record(self, events: Sequence[PlaybackEvent]) -> Recorded:
        """Take in a batch; committed when this returns.

        Raises:
            StoreError: Nothing of the batch was kept; it may be given again.
        """
        refused = [(event, why) for event in events if (why := playrows.unfit(event.play))]
        told = _distinct(event.play for event in events if not playrows.unfit(event.play))
        with self._database.transaction():
            known = self._ordinals([play for versions in told.values() for play in versions])
            new = {
                play_id: fresh
                for play_id, versions in told.items()
                if (fresh := [play for play in versions if play.ordinal > known.get(play_id, -1)])
            }
            latest = [versions[-1] for versions in new.values()]
            self._replace(latest)
        told_by = {(event.play.play_id, event.play.ordinal): event for event in events}
        fresh = [
            told_by[play.play_id, play.ordinal] for versions in new.values() for play in versions
        ]
        return Recorded(
            new=len(fresh),
            known=len(events) - len(refused) - len(fresh),
            told=fresh,
            finished=[play for play in latest if play.stopped_at is not None],
            refused=refused,
        )

    def _ordinals(self, plays: Sequence[Play]) -> dict[str, int]:
        """The kept version of each play that is known."""
        if not plays:
            return {}
        ids = list({play.play_id for play in plays})
        begun = [play.started_at for play in plays]
        window = [stored(min(begun) - _SLACK), stored(max(begun) + _SLACK)]
        rows = self._database.rows(_LIVE_ORDINALS, [ids])
        rows += self._database.rows(_FINISHED_ORDINALS, [*window, ids])
        return {str(play_id): int(ordinal) for play_id, ordinal in rows}

    def _replace(self, latest: Sequence[Play]) -> None:
        """Put plays where they belong now, in place of what was known of them."""
        if not latest:
            return
        ids = [play.play_id for play in latest]
        begun = [play.started_at for play in latest]
        self._database.execute(
            'DELETE FROM live_plays WHERE play_id IN (SELECT unnest(?::UUID[]))', [ids]
        )
        self._database.execute(
            'DELETE FROM finished_plays WHERE started_at BETWEEN ? AND ? '
            'AND play_id IN (SELECT unnest(?::UUID[]))',
            [stored(min(begun) - _SLACK), stored(max(begun) + _SLACK), ids],
        )
        self._go_on([play for play in latest if play.stopped_at is None])
        self._finish([play for play in latest if play.stopped_at is not None])

    def _go_on(self, plays: Sequence[Play]) -> None:
        if plays:
            self._database.execute(
                'INSERT INTO live_plays SELECT unnest(?::UUID[]), unnest(?::VARCHAR[]), '
                'unnest(?::BIGINT[]), unnest(?::TIMESTAMP[]), unnest(?::VARCHAR[])',
                [
                    [play.play_id for play in plays],
                    [play.server for play in plays],
                    [playrows.bounded(play.ordinal) for play in plays],
                    [stored(play.started_at) for play in plays],
                    [msgspec.json.encode(play).decode() for play in plays],
                ],
            )

    def _finish(self, plays: Sequence[Play]) -> None:
        if plays:
            rows = (playrows.row(play, self._zone) for play in plays)
            self._database.execute(playrows.INSERT, [playrows.encoded(rows)])

    def live(self, server: str | None = None) -> list[Play]:
        """The plays that go on, of one server or of all, in the order of their beginning."""
        rows = self._database.read(
            'SELECT document FROM live_plays WHERE ?::VARCHAR IS NULL OR server = ?',
            [server, server],
        )
        plays = [_DECODER.decode(document) for (document,) in rows]
        return sorted(plays, key=lambda play: (play.started_at, play.play_id))

    def find(self, play_id: str) -> Play | None:
        """A play by its id, whether it goes on or has ended."""
        if playrows.is_uuid(play_id):
            rows = self._database.read(
                'SELECT document FROM live_plays WHERE play_id = ?::UUID', [play_id]
            )
            if rows:
                return _DECODER.decode(rows[0][0])
            rows = self._database.read(
                f'SELECT {playrows.SELECTED} FROM finished_plays WHERE play_id = ?::UUID',  # noqa: S608 - constants
                [play_id],
            )
            if rows:
                return playrows.play(playrows.COLUMNS, rows[0])
        return None


def _distinct(plays: Iterable[Play]) -> Mapping[str, list[Play]]:
    """The different versions of each play, the greatest ordinal last."""
    found: dict[str, dict[int, Play]] = {}
    for play in plays:
        found.setdefault(play.play_id, {})[play.ordinal] = play
    return {
        play_id: [versions[ordinal] for ordinal in sorted(versions)]
        for play_id, versions in found.items()
    }
