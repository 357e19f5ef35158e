# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What takes plays from somebody else's history, again and again, and how far that is."""

from __future__ import annotations

import abc
import asyncio
import datetime
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import msgspec

from .. import plays
from ..engine import errors
from ..store.database import Database
from ..store.outbox import Outbox
from ..store.waypoints import Waypoints
from . import plex_api

_logger = logging.getLogger(__name__)

# Before the first try, and while the server is not known: the watcher finds out which one it is.
_SOON = 5.0

# What ended less than this ago is left for the next time: a play that was watched may still be on
# its way through the bus, and would not be recognised.
SETTLED = datetime.timedelta(minutes=2)

# Items that are remembered between two pages.
_REMEMBERED = 20_000

Clock = Callable[[], datetime.datetime]


def utc() -> datetime.datetime:
    """The time of this machine."""
    return datetime.datetime.now(datetime.UTC)


class BusBehind(errors.MediaHubError):
    """An import has to wait for the bus, lest it take what was watched for a gap."""


class Taken(Protocol):
    """What became of plays that were given."""

    @property
    def new(self) -> int:
        """How many were not known before."""
        ...


class Taker(Protocol):
    """Takes plays in, where they fill a gap; :class:`mediahub.store.plays.Plays` does."""

    def import_plays(self, plays: Iterable[plays.Play]) -> Taken:
        """Blocking; what is known already is passed over."""
        ...


class ImportState(msgspec.Struct, frozen=True, kw_only=True):
    """How far an import is.

    Attributes:
        done_at: When the last one was complete.
        reached: Up to where that history is known; None before the first page.
        read: Entries that were read since the hub started.
        new: Plays that they added.
        running: Whether one is under way.
        problem: Why the last one failed, without credentials; empty if it did not.
    """

    done_at: datetime.datetime | None = None
    reached: datetime.datetime | None = None
    read: int = 0
    new: int = 0
    running: bool = False
    problem: str = ''


class Importing(abc.ABC):
    """Imports at every interval, and goes on where it was broken off.

    Args:
        name: For the log.
        taker: Takes the plays.
        database: Runs the store's calls.
        interval: Between two imports.
        outbox: Of the watchers. While it is not emptied nothing is imported.
        clock: The time, aware and in UTC.

    Attributes:
        state: How far it is.
    """

    def __init__(
        self,
        name: str,
        taker: Taker,
        database: Database,
        interval: datetime.timedelta,
        outbox: Outbox | None = None,
        clock: Clock = utc,
    ):
        self.state = ImportState()
        self._name = name
        self._taker = taker
        self._database = database
        self._waypoints = Waypoints(database)
        self._interval = interval
        self._outbox = outbox
        self._clock = clock

    @abc.abstractmethod
    async def once(self) -> bool:
        """Import what is new, or everything at first.

        Returns:
            Whether that could be done: False while it is not known from which server.

        Raises:
            MediaServerError: The other side failed; what was read before is kept.
            StoreError: The database did.
        """

    async def run(self) -> None:
        """Import until cancelled."""
        while True:
            await asyncio.sleep(_SOON if self.state.done_at is None else self._pause())
            if not await self.try_once() and self.state.problem:
                await asyncio.sleep(self._pause())

    def _pause(self) -> float:
        return self._interval.total_seconds()

    async def try_once(self) -> bool:
        """Import, and note how it went. Raises nothing but cancellation."""
        before = self.state
        self._change(running=True)
        try:
            await self._wait_for_bus()
            done = await self.once()
        except errors.MediaHubError as error:
            if not self.state.problem:
                _logger.warning('%s: the import failed and is tried again: %s', self._name, error)
            self._change(problem=str(error))
            return False
        except Exception:  # a mistake of ours must not end the imports for ever
            _logger.exception('%s: the import failed', self._name)
            self._change(problem='an internal error; see the log')
            return False
        finally:
            self._change(running=False)
        if done:
            self._log(before)
            self._change(done_at=self._clock())
        self._change(problem='')
        return done

    def _log(self, before: ImportState) -> None:
        """Tell of the first import that was complete, and of those that found something."""
        read, new = self.state.read - before.read, self.state.new - before.new
        if new or before.done_at is None or before.problem:
            _logger.info('%s: complete; %d entries read, %d plays added', self._name, read, new)

    async def _wait_for_bus(self) -> None:
        """Make sure that what was watched has been recorded, or is about to be.

        Raises:
            BusBehind: It is not.
        """
        outbox = self._outbox
        pending = await self._database.run(lambda: outbox.pending(1)) if outbox else []
        if pending and self._clock() - pending[0][1].at > SETTLED:
            raise BusBehind('what was watched is not recorded yet, since the bus is behind')

    def _settled(self, found: Sequence[plays.Play]) -> list[plays.Play]:
        """Those that ended long enough ago."""
        latest = self._clock() - SETTLED
        return [play for play in found if play.stopped_at and play.stopped_at <= latest]

    async def _take(self, found: Sequence[plays.Play], entries: int) -> None:
        """Hand plays over; committed when this returns."""
        taken = await self._database.run(lambda: self._taker.import_plays(found))
        self._change(read=self.state.read + entries, new=self.state.new + taken.new)

    async def _reached(self, mark: str) -> datetime.datetime | None:
        """Up to where a history was read before."""
        seconds = await self._database.run(lambda: self._waypoints.get(mark))
        return datetime.datetime.fromtimestamp(int(seconds), datetime.UTC) if seconds else None

    async def _reach(self, mark: str, moment: datetime.datetime) -> None:
        """Go on from there the next time."""
        seconds = str(int(moment.timestamp()))
        await self._database.run(lambda: self._waypoints.put(mark, seconds))
        self._change(reached=moment)

    def _change(self, **fields: object) -> None:
        self.state = msgspec.structs.replace(self.state, **fields)


class Shelf:
    """What a server's library says of items, asked for many at a time and remembered.

    Args:
        api: Asks the server.
    """

    def __init__(self, api: plex_api.PlexApi):
        self._api = api
        self._items: dict[str, plays.Item | None] = {}

    async def learn(self, rating_keys: Iterable[str]) -> None:
        """Ask for those that were not asked for yet."""
        if len(self._items) > _REMEMBERED:
            self._items.clear()
        keys = {key for key in rating_keys if plex_api.is_rating_key(key)}
        wanted = sorted(keys - self._items.keys())
        for start in range(0, len(wanted), plex_api.IDS):
            batch = wanted[start : start + plex_api.IDS]
            self._items.update(dict.fromkeys(batch))
            try:
                found = await self._api.items(batch)
            except errors.NotFound:  # none of them is there any more
                continue
            self._items.update((shape.item.rating_key, shape.item) for shape in found)

    def completed(self, noted: plays.Item) -> plays.Item:
        """An item as a history has it, with what the library says of it today added.

        Not if it says something else: a library that was built anew counts keys from 1.
        """
        known = self._items.get(noted.rating_key)
        if known is None or not _alike(noted, known):
            return noted
        kept = {name: value for name, value in msgspec.structs.asdict(noted).items() if value}
        if noted.media_type is plays.MediaType.OTHER:
            del kept['media_type']
        return msgspec.structs.replace(known, **kept)


def _alike(noted: plays.Item, known: plays.Item) -> bool:
    if noted.guid and noted.guid == known.guid:
        return True
    return not noted.title or noted.title.casefold() == known.title.casefold()
