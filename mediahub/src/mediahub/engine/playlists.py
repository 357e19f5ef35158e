# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Playlists as desired state: plan, write into the journal, change in place, read back.

A playlist is never deleted in order to be made again. New entries are added before old ones are
taken out, so that a server that dies on the way leaves a playlist with too much rather than too
little, and the journal has what was there before.

The same track may stand in a playlist several times, and order matters.
"""

from __future__ import annotations

import bisect
import collections
import dataclasses
from collections.abc import Sequence
from typing import Protocol

import msgspec

from . import errors
from .capabilities import Capability
from .dialect import Dialect
from .values import Entry, ItemRef, Playlist

# Ids in one request; a URL with more becomes too long for proxies.
CHUNK = 200


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What has to change.

    Attributes:
        playlist: The one to change; None when it is to be made.
        desired: Native ids of the tracks as they shall stand.
        kept: Entries that stay.
        removed: Entries that go.
        added: Native ids that come, in order.
        moved: Number of kept entries that change their place.
        missing: Tracks wanted that this server does not have.
    """

    title: str
    playlist: Playlist | None
    desired: tuple[str, ...]
    kept: tuple[Entry, ...] = ()
    removed: tuple[Entry, ...] = ()
    added: tuple[str, ...] = ()
    moved: int = 0
    missing: tuple[str, ...] = ()

    @property
    def changes(self) -> bool:
        """Whether there is anything to do."""
        return self.playlist is None or bool(self.removed or self.added or self.moved)


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a playlist is after it was changed and read back.

    Attributes:
        added: Native ids that are new in it.
        removed: Native ids that are no longer in it.
        missing: Tracks wanted that this server does not have.
        backup: Journal entry with what was there before; None where nothing was.
    """

    playlist: Playlist
    added: tuple[str, ...]
    removed: tuple[str, ...]
    missing: tuple[str, ...] = ()
    backup: str | None = None


class Journal(Protocol):
    """Keeps what playlists held before they were changed."""

    def save(self, playlist: Playlist, entries: Sequence[Entry]) -> str:
        """Keep the entries; answers the name to restore them by. Durable when it returns."""
        ...


def plan(
    title: str,
    playlist: Playlist | None,
    current: Sequence[Entry],
    desired: Sequence[str],
    missing: Sequence[str] = (),
) -> Plan:
    """Work out the difference between a playlist and what it shall be."""
    kept = _kept(current, desired)
    positions = {entry.entry_id: place for place, entry in enumerate(current)}
    stays = {entry.entry_id for entry in kept if entry is not None}
    order = [positions[entry.entry_id] for entry in kept if entry is not None]
    return Plan(
        title=title,
        playlist=playlist,
        desired=tuple(desired),
        kept=tuple(entry for entry in kept if entry is not None),
        removed=tuple(entry for entry in current if entry.entry_id not in stays),
        added=tuple(want for want, entry in zip(desired, kept, strict=True) if entry is None),
        moved=len(order) - len(_longest_rising(order)) or _inserted(kept),
        missing=tuple(missing),
    )


def _kept(current: Sequence[Entry], desired: Sequence[str]) -> list[Entry | None]:
    """For each wanted track the entry that can stay for it: the first goes to the first."""
    spare: dict[str, collections.deque[Entry]] = {}
    for entry in current:
        spare.setdefault(entry.track.native_id, collections.deque()).append(entry)
    none: collections.deque[Entry] = collections.deque()
    return [entries.popleft() if (entries := spare.get(want, none)) else None for want in desired]


def _inserted(kept: Sequence[Entry | None]) -> int:
    """New tracks that have an old one behind them: adding at the end is not enough."""
    last = max((place for place, entry in enumerate(kept) if entry is not None), default=-1)
    return sum(entry is None for entry in kept[: last + 1])


def _longest_rising(numbers: Sequence[int]) -> set[int]:
    """The most numbers that already stand in rising order (patience sorting)."""
    tails: list[int] = []
    before: dict[int, int | None] = {}
    for number in numbers:
        place = bisect.bisect_left(tails, number)
        before[number] = tails[place - 1] if place else None
        tails[place : place + 1] = [number]
    found: set[int] = set()
    number = tails[-1] if tails else None
    while number is not None:
        found.add(number)
        number = before[number]
    return found


@dataclasses.dataclass(frozen=True)
class Editor:
    """Changes playlists of one server in the way that the server allows."""

    dialect: Dialect
    capabilities: frozenset[Capability]

    async def find(self, title: str) -> Playlist | None:
        """The playlist of that title.

        Raises:
            Conflict: There are several; changing one of them at random could hit a stranger's.
        """
        found = [entry for entry in await self.dialect.playlists() if entry.title == title]
        if len(found) > 1:
            ids = ', '.join(entry.ref.native_id for entry in found)
            raise errors.Conflict(
                self.dialect.name, f'{len(found)} playlists are named {title!r}; use an id: {ids}'
            )
        return found[0] if found else None

    async def get(self, ref: ItemRef) -> Playlist:
        """The playlist of that id.

        Raises:
            NotFound: There is none.
        """
        for entry in await self.dialect.playlists():
            if entry.ref.native_id == ref.native_id:
                return entry
        raise errors.NotFound(self.dialect.name, f'there is no playlist {ref.native_id!r}')

    async def entries(self, playlist: Playlist) -> tuple[Entry, ...]:
        """The entries, as many as the server counted.

        Raises:
            Incomplete: Fewer or more came.
        """
        found = tuple(await self.dialect.playlist_entries(playlist.ref.native_id))
        if playlist.count is not None and playlist.count != len(found):
            problem = f'{len(found)} of {playlist.count} entries of {playlist.title!r} arrived'
            raise errors.Incomplete(self.dialect.name, [problem])
        return found

    async def apply(self, plan: Plan, journal: Journal | None) -> Outcome:
        """Carry a plan out and read it back.

        Raises:
            Unverified: The server now shows something else than the plan wanted.
            MediaServerError: It failed on the way; what was there before is in the journal.
        """
        if plan.playlist is None:
            return await self._make(plan)
        if not plan.playlist.editable:
            raise errors.Conflict(self.dialect.name, f'{plan.title!r} cannot be edited')
        before = await self.entries(plan.playlist)
        _unchanged(self.dialect.name, plan, before)
        backup = journal.save(plan.playlist, before) if journal and plan.changes else None
        if plan.changes:
            await self._change(plan.playlist.ref.native_id, plan)
        return await self._read_back(plan, plan.playlist.ref.native_id, backup)

    async def _make(self, plan: Plan) -> Outcome:
        first, rest = plan.desired[:CHUNK], plan.desired[CHUNK:]
        playlist_id = await self.dialect.create_playlist(plan.title, first)
        await self._append(playlist_id, rest)
        return await self._read_back(plan, playlist_id, None)

    async def _change(self, playlist_id: str, plan: Plan) -> None:
        if Capability.PLAYLIST_OVERWRITE in self.capabilities:
            await self.dialect.overwrite_entries(playlist_id, plan.desired)
        elif Capability.PLAYLIST_MOVE in self.capabilities:
            await self._rearrange(playlist_id, plan)
        else:
            await self._append_then_remove(playlist_id, plan)

    async def _rearrange(self, playlist_id: str, plan: Plan) -> None:
        """Add what is new, move what stands wrong, take out the rest."""
        await self._append(playlist_id, plan.added)
        gone = {entry.entry_id for entry in plan.removed}
        now = await self._arrived(playlist_id, (*plan.kept, *plan.removed), plan.added)
        entries = [entry for entry in now if entry.entry_id not in gone]
        await self._order(playlist_id, entries, plan.desired)
        await self._remove(playlist_id, plan.removed)

    async def _arrived(
        self, playlist_id: str, before: Sequence[Entry], added: Sequence[str]
    ) -> Sequence[Entry]:
        """The entries after an addition, seen to be there before anything is taken out."""
        now = await self.dialect.playlist_entries(playlist_id)
        old = {entry.entry_id for entry in before}
        new = [entry.track.native_id for entry in now if entry.entry_id not in old]
        if len(now) != len(before) + len(added) or new != list(added):
            raise errors.Unverified(self.dialect.name, 'the server did not take all tracks')
        return now

    async def _order(
        self, playlist_id: str, entries: Sequence[Entry], desired: Sequence[str]
    ) -> None:
        """Move as few entries as possible; those in the longest rising row stay."""
        wanted = _kept(entries, desired)
        places = {entry.entry_id: place for place, entry in enumerate(entries)}
        goal = [entry.entry_id for entry in wanted if entry is not None]
        standing = _longest_rising([places[entry_id] for entry_id in goal])
        after: str | None = None
        for entry_id in goal:
            if places[entry_id] not in standing:
                await self.dialect.move_entry(playlist_id, entry_id, after)
            after = entry_id

    async def _append_then_remove(self, playlist_id: str, plan: Plan) -> None:
        """Without moving: keep the beginning that is right, add the rest anew, drop the old."""
        current = await self.dialect.playlist_entries(playlist_id)
        kept: list[Entry] = []
        for entry in current:
            if len(kept) < len(plan.desired) and entry.track.native_id == plan.desired[len(kept)]:
                kept.append(entry)
        stays = {entry.entry_id for entry in kept}
        added = plan.desired[len(kept) :]
        await self._append(playlist_id, added)
        await self._arrived(playlist_id, current, added)
        await self._remove(
            playlist_id, [entry for entry in current if entry.entry_id not in stays]
        )

    async def _append(self, playlist_id: str, track_ids: Sequence[str]) -> None:
        for start in range(0, len(track_ids), CHUNK):
            await self.dialect.append_entries(playlist_id, track_ids[start : start + CHUNK])

    async def _remove(self, playlist_id: str, entries: Sequence[Entry]) -> None:
        ids = [entry.entry_id for entry in entries]
        for start in range(0, len(ids), CHUNK):
            await self.dialect.remove_entries(playlist_id, ids[start : start + CHUNK])

    async def _read_back(self, plan: Plan, playlist_id: str, backup: str | None) -> Outcome:
        name = self.dialect.name
        now = [entry.track.native_id for entry in await self.dialect.playlist_entries(playlist_id)]
        if now != list(plan.desired):
            raise errors.Unverified(name, _difference(plan, now))
        before = (*plan.kept, *plan.removed)
        old = collections.Counter(entry.track.native_id for entry in before)
        new = collections.Counter(now)
        playlist = plan.playlist or await self._made(plan.title, playlist_id)
        return Outcome(
            playlist=msgspec.structs.replace(playlist, count=len(now)),
            added=tuple((new - old).elements()),
            removed=tuple((old - new).elements()),
            missing=plan.missing,
            backup=backup,
        )

    async def _made(self, title: str, playlist_id: str) -> Playlist:
        made = await self.find(title)
        if made is None or made.ref.native_id != playlist_id:
            raise errors.Unverified(self.dialect.name, f'{title!r} was made but is not listed')
        return made


def _unchanged(server: str, plan: Plan, entries: Sequence[Entry]) -> None:
    """Refuse a plan that was made for another state of the playlist."""
    planned = sorted(entry.entry_id for entry in (*plan.kept, *plan.removed))
    if planned != sorted(entry.entry_id for entry in entries):
        raise errors.Conflict(server, f'{plan.title!r} was changed meanwhile; plan again')


def _difference(plan: Plan, now: Sequence[str]) -> str:
    wanted, found = collections.Counter(plan.desired), collections.Counter(now)
    lacking, surplus = (wanted - found).total(), (found - wanted).total()
    how = f'{lacking} tracks are missing and {surplus} too many'
    return f'{plan.title!r} is not as wanted: {how if lacking or surplus else "another order"}'
