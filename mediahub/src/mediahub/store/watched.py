# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What the watchers know of the plays they follow, so that a restart continues them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ..plays import Play, PlaybackEvent
from .database import Database
from .outbox import Outbox

_DECODER = msgspec.json.Decoder(Play)


class Watched:
    """The watchers' own state of every play that goes on.

    Args:
        database: Where it is kept.
        outbox: Takes the events; one in the same database by default.
    """

    def __init__(self, database: Database, outbox: Outbox | None = None):
        self._database = database
        self._outbox = outbox or Outbox(database)

    def commit(
        self, changed: Sequence[Play], ended: Sequence[str], events: Sequence[PlaybackEvent]
    ) -> None:
        """Keep a diff: what changed, what is no longer followed, and its events, or none of it.

        Args:
            changed: Plays as they are now.
            ended: Ids of plays that need not be followed any more.
            events: For the bus.
        """
        if not (changed or ended or events):
            return
        gone = [*ended, *(play.play_id for play in changed)]
        with self._database.transaction():
            if gone:
                self._database.execute(
                    'DELETE FROM watched WHERE play_id IN (SELECT unnest(?::VARCHAR[]))', [gone]
                )
            self._keep([play for play in changed if play.play_id not in set(ended)])
            self._outbox.add(events)

    def _keep(self, plays: Sequence[Play]) -> None:
        latest = {play.play_id: play for play in plays}
        if not latest:
            return
        self._database.execute(
            'INSERT INTO watched '
            'SELECT unnest(?::VARCHAR[]), unnest(?::VARCHAR[]), unnest(?::VARCHAR[])',
            [
                list(latest),
                [play.server for play in latest.values()],
                [msgspec.json.encode(play).decode() for play in latest.values()],
            ],
        )

    def load(self, server: str) -> list[Play]:
        """The plays of a server that were followed last, in the order of their beginning."""
        rows = self._database.read('SELECT document FROM watched WHERE server = ?', [server])
        plays = [_DECODER.decode(document) for (document,) in rows]
        return sorted(plays, key=lambda play: (play.started_at, play.play_id))

    def servers(self) -> list[str]:
        """The servers of which plays are followed, or were when the hub last ran."""
        rows = self._database.read('SELECT DISTINCT server FROM watched ORDER BY server')
        return [str(server) for (server,) in rows]
