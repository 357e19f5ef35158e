# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Fills the gaps from a Plex server's own history: what was played while the hub did not watch.

The history says that somebody viewed something, and when the server took it for watched. When it
began is not told; it is estimated by the item's length. Such plays carry
:attr:`mediahub.plays.Source.PLEX_HISTORY`, and give way to what was watched or told by Tautulli.

The first sweep reads everything, oldest first, and goes on where it was broken off. Later ones
begin two intervals before the last entry that is known, for servers enter things late.
"""

from __future__ import annotations

import datetime
import itertools
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence

from .. import plays
from ..store.database import Database
from ..store.outbox import Outbox
from . import importing, plex_api, plex_shapes

# How long something is taken to have been played of which nobody knows how long it is. The end of
# what the hub itself saw lies up to one look before the server's, so a moment would match nothing.
_UNKNOWN = datetime.timedelta(minutes=1)

_MILLISECOND = datetime.timedelta(milliseconds=1)


class Sweep(importing.Importing):
    """Reads one server's history into the hub's.

    Args:
        api: Asks the server.
        taker: Takes the plays.
        database: Runs the store's calls.
        machine: The server's machine identifier; empty while it is not known, or away.
        interval: Between two sweeps.
        outbox: Of the watchers. While it is not emptied nothing is imported.
        clock: The time, aware and in UTC.
        page: Entries to a request.
    """

    def __init__(
        self,
        api: plex_api.PlexApi,
        taker: importing.Taker,
        database: Database,
        *,
        machine: Callable[[], str],
        interval: datetime.timedelta = datetime.timedelta(minutes=5),
        outbox: Outbox | None = None,
        clock: importing.Clock = importing.utc,
        page: int = plex_api.PAGE,
    ):
        name = f'history of {api.address.name}'
        super().__init__(name, taker, database, interval, outbox, clock)
        self._api = api
        self._machine = machine
        self._page = page
        self._shelf = importing.Shelf(api)

    async def once(self) -> bool:
        """Read what is new, or everything at first."""
        machine = self._machine()
        if not machine:
            return False
        mark = f'history {machine}'
        reached = await self._reached(mark)
        since = reached - 2 * self._interval if reached else None
        names = Names(machine, await self._api.accounts(), await self._api.devices())
        last: datetime.datetime | None = None
        in_order = True
        async for rows in self._pages(since):
            await self._shelf.learn(row.item.rating_key for row in rows)
            found = self._settled(names.plays(rows, self._shelf))
            await self._take(found, len(rows))
            moments = [row.viewed_at for row in rows if row.viewed_at]
            in_order = in_order and _ascending([*([last] if last else []), *moments])
            last = moments[-1] if moments else last
            # Not what was left out; nor beyond now, for a server's clock can be wrong.
            known = [reached] if reached else []
            reached = max([*known, *(play.seen_at for play in found)], default=None)
            if reached and in_order:  # one that sorts in its own way is read to the end first
                await self._reach(mark, reached)
        if reached is not None:
            await self._reach(mark, reached)
        return True

    async def _pages(
        self, since: datetime.datetime | None
    ) -> AsyncGenerator[Sequence[plex_shapes.HistoryRow]]:
        """The history from a moment on, page by page."""
        start = 0
        before: set[str] = set()
        while True:
            page = await self._api.history(start, since, self._page)
            fresh = [row for row in page.rows if row.history_key not in before]
            if fresh:
                yield fresh
            start += len(page.rows)
            before = {row.history_key for row in page.rows if row.history_key}
            complete = page.total is not None and start >= page.total
            # A server that knows no windows sends everything each time.
            if not fresh or complete or len(page.rows) < self._page:
                return


class Names:
    """The accounts and devices that the history has as numbers.

    Args:
        machine: The server's machine identifier.
        accounts: 1 is the owner.
        devices: Some entries are of devices that are gone.
    """

    def __init__(
        self,
        machine: str,
        accounts: Iterable[plex_shapes.Account],
        devices: Iterable[plex_shapes.Device],
    ):
        self._machine = machine
        self._accounts = {account.account_id: account for account in accounts}
        self._devices = {device.device_id: device for device in devices}
        self._last: dict[tuple[str, str], datetime.datetime] = {}

    def plays(
        self, rows: Iterable[plex_shapes.HistoryRow], shelf: importing.Shelf
    ) -> list[plays.Play]:
        """Plays of those entries that say when; the others are no plays."""
        return [
            self._play(row, row.viewed_at, shelf.completed(row.item))
            for row in rows
            if row.viewed_at is not None
        ]

    def _play(
        self, row: plex_shapes.HistoryRow, ended: datetime.datetime, item: plays.Item
    ) -> plays.Play:
        began = self._began(row, ended, item)
        mark = row.history_key or f'{row.account_id}/{row.device_id}'
        return plays.Play(
            play_id=plays.play_id(
                self._machine, 'history', mark, item.rating_key or item.title, ended.timestamp()
            ),
            server=self._machine,
            source=plays.Source.PLEX_HISTORY,
            started_at=began,
            seen_at=ended,
            stopped_at=ended,
            offset_ms=item.duration_ms,
            played_ms=(ended - began) // _MILLISECOND if item.duration_ms else 0,
            item=item,
            viewer=self._viewer(row.account_id),
            player=self._player(row.device_id),
            stream=plays.Stream(decision=plays.Decision.UNKNOWN),
        )

    def _began(
        self, row: plex_shapes.HistoryRow, ended: datetime.datetime, item: plays.Item
    ) -> datetime.datetime:
        """When a play began that lasted as long as its item.

        One player plays one thing at a time. Of a season that was marked as watched, the entries
        come within a second: those have been played for no time at all.
        """
        length = item.duration_ms
        began = ended - (datetime.timedelta(milliseconds=length) if length else _UNKNOWN)
        who = (row.account_id, row.device_id)
        before, self._last[who] = self._last.get(who), ended
        return before if before is not None and began < before <= ended else began

    def _viewer(self, account_id: str) -> plays.Viewer:
        account = self._accounts.get(account_id)
        if account is None:
            return plays.Viewer(account_id=account_id)
        return plays.Viewer(account_id=account_id, name=account.name, thumb=account.thumb)

    def _player(self, device_id: str) -> plays.Player:
        device = self._devices.get(device_id)
        if device is None:
            return plays.Player()
        return plays.Player(
            client_id=device.client_id, title=device.name, platform=device.platform
        )


def _ascending(moments: Sequence[datetime.datetime]) -> bool:
    """Whether entries come in the order that was asked for."""
    return all(earlier <= later for earlier, later in itertools.pairwise(moments))
