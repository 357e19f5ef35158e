# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Removes the plays that ended longer ago than the operator wants to keep them; see decision 58.

Nothing is removed unless a number of days was set. Before a leap of the horizon (see
:mod:`mediahub.store.retention`) the hub has run for a day, and has made a backup.
"""

from __future__ import annotations

import datetime
import logging
import pathlib
from collections.abc import Callable

import msgspec

from . import backup, removal, retention
from .database import Database, StoreError
from .plays import Plays

_log = logging.getLogger(__name__)

# Seconds after which a backup that failed is tried again.
_AGAIN = 3600.0

# No play ended before.
_FIRST = datetime.date(1970, 1, 1)

# More than there are since then, in any year that a clock may say.
_DAYS = 700_000

_EPOCH = datetime.datetime.fromtimestamp(0, datetime.UTC)

Clock = Callable[[], datetime.datetime]


def utc() -> datetime.datetime:
    """The time of this machine."""
    return datetime.datetime.now(datetime.UTC)


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How it is.

    Attributes:
        days: For how many days plays are kept; 0 for ever.
        until: Plays that ended before are removed; None where nothing was removed yet.
        goal: Where this moment is about to leap to; None while it is not.
        left: Seconds that the hub has to run before it leaps.
        due: Plays that wait for being removed.
        removed: Plays that were removed since the start.
        backup: The last one that was made before a leap, since the start; empty for none.
        problem: What is in the way, and what to do; empty where nothing is.
    """

    days: int = 0
    until: datetime.datetime | None = None
    goal: datetime.datetime | None = None
    left: float = 0.0
    due: int = 0
    removed: int = 0
    backup: str = ''
    problem: str = ''

    @property
    def notice(self) -> str:
        """What people should know, in one line; empty where there is nothing."""
        if self.problem:
            return f'nothing older than {self.days} days is removed: {self.problem}'
        if self.goal is None or not self.due:
            return ''
        return (
            f'{self.due} plays that ended before {self.goal:%Y-%m-%d %H:%M} UTC will be removed '
            f'once the hub has run for another {self.left / 3600:.1f} hours, after a backup'
        )


class Expiry:
    """Removes plays, a batch at a time.

    Args:
        database: Where they are.
        plays: Whose zone tells when a day ends, and which is told of names that are gone.
        days: For how many days they are kept; 0 for ever.
        backups: The folder for backups.
        clock: The time, aware and in UTC.

    Attributes:
        standing: How it is.
    """

    def __init__(
        self,
        database: Database,
        plays: Plays,
        days: int,
        backups: pathlib.Path,
        clock: Clock = utc,
    ):
        self._database = database
        self._plays = plays
        self._days = days
        self._backups = backups
        self._clock = clock
        self._told: datetime.datetime | None = None
        self._news = ''
        self._pause = 0.0
        self.standing = Standing(days=days)

    def look(self, elapsed: float) -> str:
        """See how far plays are to be removed. Blocking.

        Args:
            elapsed: Seconds that the hub has run since the look before.

        Returns:
            What people have to be told now, in one line; mostly nothing.

        Raises:
            StoreError: The database takes nothing.
        """
        self._news = ''
        before = retention.remembered(self._database.read)
        if self._days:
            now = retention.looked(before, self._days, self._goal(), elapsed)
            now = self._leap(now, now.goal, elapsed) if now.goal else now
        else:
            now = retention.Memory()
        if now != before:
            retention.remember(self._database, now)
        self._note(now)
        return self._news

    def _goal(self) -> datetime.datetime:
        """The beginning of the first day of which plays are kept."""
        zone = self._plays.zone
        today = self._clock().astimezone(zone).date()
        first = max(_FIRST, today - datetime.timedelta(days=min(self._days, _DAYS)))
        begun = datetime.datetime.combine(first, datetime.time(), zone)
        return begun.astimezone(datetime.UTC)

    def _leap(
        self, memory: retention.Memory, goal: datetime.datetime, elapsed: float
    ) -> retention.Memory:
        """Wait, or leap where it was waited for long enough."""
        due = removal.due(self._database.read, goal)
        self._change(due=due)
        if due and (self._told is None or abs(goal - self._told) > retention.STRIDE):
            self._announce(memory, goal)
        if not memory.ready or (due and not self._kept(elapsed)):
            return memory
        return retention.granted(memory, self._days)

    def _announce(self, memory: retention.Memory, goal: datetime.datetime) -> None:
        self._told = goal
        self._note(memory)
        why = retention.reason(memory, self._days)
        self._news = f'{self.standing.notice}; {why}; MEDIAHUB_RETENTION_DAYS=0 keeps everything'
        _log.warning('%s', self._news)

    def _kept(self, elapsed: float) -> bool:
        """Make a backup; whether there is one."""
        if self._database.path is None:
            return True
        self._pause -= elapsed
        if self._pause > 0:
            return False
        try:
            made = backup.backup(
                self._database, self._backups, self._clock(), 'mediahub-before-retention'
            )
        except StoreError as error:
            self._pause = _AGAIN
            self._change(problem=str(error))
            _log.error('no play is removed, because there is no backup: %s', error)
            return False
        self._change(problem='', backup=str(made))
        _log.warning('%s has all plays, also those that are removed now', made)
        return True

    def step(self) -> bool:
        """Remove one batch; whether there is more to do. Blocking.

        Raises:
            StoreError: Nothing of the batch was removed.
        """
        until = self.standing.until or _EPOCH
        removed = removal.batch(self._database, until)
        if removed:
            due = removal.due(self._database.read, until)
            self._change(removed=self.standing.removed + removed, due=due)
        elif not removal.is_tidy(self._database.read):
            removal.tidy(self._database, until, self._plays.forget_names)
            _log.info(
                'no plays are kept that ended before %s; %d were removed since the start',
                until,
                self.standing.removed,
            )
        return bool(removed)

    def _note(self, memory: retention.Memory) -> None:
        goal = memory.goal
        left = retention.PATIENCE.total_seconds() - memory.waited if goal else 0.0
        self._change(until=memory.until, goal=goal, left=max(0.0, left))
        if goal is None:
            self._change(due=0, problem='')

    def _change(self, **fields: object) -> None:
        self.standing = msgspec.structs.replace(self.standing, **fields)
