# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""From when on plays are kept, and when that moment may move; see decision 58.

It moves on a day at a time by itself. A leap is another matter: the setting is new or shorter, the
hub was off for long, or its clock is wrong. A leap waits until the hub has run for a day, which
tells people of it and gives a clock the time to be set.
"""

from __future__ import annotations

import datetime

import msgspec

from .database import Database, Query

# How far the moment moves at once without waiting. A hub that is off over the weekend is no leap;
# a clock that is wrong by less removes the oldest plays by so much too early.
STRIDE = datetime.timedelta(days=7)

# How long the hub has to have run before a leap.
PATIENCE = datetime.timedelta(days=1)


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of the horizon between two looks, and over a restart.

    Attributes:
        days: For how many days plays are kept by it; 0 before anything was ever removed.
        until: The horizon: plays that ended before are removed, and are not taken in again.
        goal: Where it would leap to; None while it does not.
        waited: Seconds that the hub has run since it wanted to.
    """

    days: int = 0
    until: datetime.datetime | None = None
    goal: datetime.datetime | None = None
    waited: float = 0.0

    @property
    def ready(self) -> bool:
        """Whether the leap has waited for long enough."""
        return self.goal is not None and self.waited >= PATIENCE.total_seconds()


_DECODER = msgspec.json.Decoder(Memory)


def until(query: Query) -> datetime.datetime | None:
    """The horizon; None where everything is kept."""
    return remembered(query).until


def remembered(query: Query) -> Memory:
    """What is remembered; nothing where everything is kept."""
    rows = query("SELECT value FROM facts WHERE name = 'retention'")
    return _DECODER.decode(rows[0][0]) if rows else Memory()


def remember(database: Database, memory: Memory) -> None:
    """Replace what is remembered."""
    with database.transaction():
        database.execute("DELETE FROM facts WHERE name = 'retention'")
        if memory != Memory():
            text = msgspec.json.encode(memory).decode()
            database.execute("INSERT INTO facts VALUES ('retention', ?)", [text])


def looked(memory: Memory, days: int, goal: datetime.datetime, elapsed: float) -> Memory:
    """What is to be remembered after a look.

    Args:
        memory: What is remembered.
        days: For how many days plays are to be kept.
        goal: Where the horizon would be by that and by the clock.
        elapsed: Seconds that the hub has run since the look before, however the clock was set.
    """
    if memory.until is not None and goal <= memory.until:
        # Without another setting it is the clock that went back, and will come again.
        moved = goal if days > memory.days else memory.until
        return Memory(days=days, until=moved)
    if memory.until is not None and goal - memory.until <= STRIDE:
        return Memory(days=days, until=goal)
    same = memory.goal is not None and abs(goal - memory.goal) <= STRIDE
    waited = memory.waited + elapsed if same else 0.0
    return msgspec.structs.replace(memory, goal=goal, waited=waited)


def granted(memory: Memory, days: int) -> Memory:
    """What is to be remembered after a leap."""
    return Memory(days=days, until=memory.goal)


def reason(memory: Memory, days: int) -> str:
    """Why the horizon leaps, for people."""
    if memory.until is None:
        return f'MEDIAHUB_RETENTION_DAYS is {days} now'
    if days < memory.days:
        return f'MEDIAHUB_RETENTION_DAYS is {days} now and was {memory.days}'
    leap = memory.goal - memory.until if memory.goal else datetime.timedelta()
    return (
        f'the clock is {leap.days} days ahead of when the hub looked last: the hub was off, or '
        'the clock is wrong'
    )
