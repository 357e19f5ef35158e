# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What the database wants done now and then, so that charts stay quick and a full disk is left."""

from __future__ import annotations

import asyncio
import datetime
import logging
import time
from collections.abc import Callable

from ..store import peaks, rollups
from ..store.database import Database, StoreError
from ..store.expiry import Expiry

log = logging.getLogger(__name__)

# Seconds between two rounds.
PAUSE = 60.0

# Seconds of a round in which plays are removed; the counts wait to be folded meanwhile.
REMOVING = 40.0


async def run(
    database: Database, zone: datetime.tzinfo, expiry: Expiry, tell: Callable[[str], None]
) -> None:
    """Fold the counts, sweep days whose peaks are stale, look whether a full disk has room again.

    And remove the plays that are not to be kept any longer.

    Args:
        database: The open database.
        zone: Whose days plays are counted by.
        expiry: Removes them.
        tell: Told, in one line, what people have to know of that.
    """
    looked = time.monotonic()
    while True:
        await asyncio.sleep(PAUSE)
        before, looked = looked, time.monotonic()
        elapsed = looked - before
        try:
            await database.run(lambda: once(database, zone))
            if news := await database.run(lambda elapsed=elapsed: expiry.look(elapsed)):
                tell(news)
            await remove(database, expiry)
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


async def remove(database: Database, expiry: Expiry) -> None:
    """Remove plays for a while, and let others write for at least half of that time.

    Raises:
        StoreError: The database takes nothing; what was removed before stays so.
    """
    end = time.monotonic() + REMOVING
    more = True
    while more and time.monotonic() < end:
        began = time.monotonic()
        more = await database.run(expiry.step)
        await asyncio.sleep(time.monotonic() - began if more else 0)
