# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Takes over what a Tautulli has recorded, once or while it goes on beside the hub.

What both have seen is one play, for the store compares them; what only Tautulli has seen fills a
gap. So nothing is doubled however often and in whatever order this runs.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable

from ..store.database import Database
from ..store.outbox import Outbox
from . import importing
from .tautulli import Tautulli


class TautulliImport(importing.Importing):
    """Reads one Tautulli's history into the hub's.

    Args:
        tautulli: Asks it.
        taker: Takes the plays.
        database: Runs the store's calls.
        shelf: Of the Plex server with a machine identifier, if the hub knows it: tells how long
            items are, which Tautulli does not.
        interval: Between two imports.
        outbox: Of the watchers. While it is not emptied nothing is imported.
        clock: The time, aware and in UTC.
    """

    def __init__(
        self,
        tautulli: Tautulli,
        taker: importing.Taker,
        database: Database,
        *,
        shelf: Callable[[str], importing.Shelf | None] = lambda machine: None,
        interval: datetime.timedelta = datetime.timedelta(minutes=5),
        outbox: Outbox | None = None,
        clock: importing.Clock = importing.utc,
    ):
        name = f'history of {tautulli.name}'
        super().__init__(name, taker, database, interval, outbox, clock)
        self._tautulli = tautulli
        self._shelf = shelf

    async def once(self) -> bool:
        """Take over what is new, or everything at first.

        Where it goes on the next time is noted at the end only: libraries are read one after the
        other, each from its beginning. What was read before is known then.
        """
        around = await self._tautulli.surroundings()
        mark = f'tautulli {around.machine_id}'
        reached = await self._reached(mark)
        began = self._clock()
        shelf = self._shelf(around.machine_id)
        newest = reached
        async for found in self._tautulli.history(around, reached, shelf):
            await self._take(self._settled(found), len(found))
            starts = (play.started_at for play in found)
            newest = max((moment for moment in (newest, *starts) if moment), default=None)
        if newest is not None:
            await self._reach(mark, min(newest, began))
        return True
