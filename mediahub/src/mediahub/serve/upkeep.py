# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What the database wants done now and then, so that charts stay quick and a full disk is left."""

from __future__ import annotations

import asyncio
import datetime
import logging

from ..store import peaks, rollups
from ..store.database import Database, StoreError

log = logging.getLogger(__name__)

# Seconds between two rounds.
PAUSE = 60.0


async def run(database: Database, zone: datetime.tzinfo) -> None:
    """Fold the counts, sweep days whose peaks are stale, look whether a full disk has room again.

    Args:
        database: The open database.
        zone: Whose days plays are counted by.
    """
    while True:
        await asyncio.sleep(PAUSE)
        try:
            await database.run(lambda: once(database, zone))
        except StoreError as error:  # its health says so too; the next round tries again
            log.info('no upkeep: %s', error)


def once(database: Database, zone: datetime.tzinfo) -> None:
    """One round.

    Raises:
        StoreError: The database takes nothing.
    """
    database.probe()
    rollups.fold(database)
    peaks.refresh(database, zone)
