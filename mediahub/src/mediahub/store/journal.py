# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Keeps what playlists held before they were changed, so that they can be brought back.

The journal is ours: no second playlist appears on the server, and the server's death takes nothing
with it.
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Callable, Sequence

import msgspec

from ..engine import errors
from ..engine.contract import MediaServerClient
from ..engine.playlists import Outcome
from ..engine.values import Entry, ItemRef, Kind, Playlist
from .database import Database, restored, stored

Clock = Callable[[], datetime.datetime]


class Saved(msgspec.Struct, frozen=True):
    """A state of a playlist in the journal.

    Attributes:
        entry: Name to restore it by.
    """

    entry: str
    server: str
    playlist_id: str
    title: str
    saved_at: datetime.datetime
    count: int


class PlaylistJournal:
    """The journal in the hub's database.

    Args:
        database: Where it is kept.
        clock: The time, aware.
        keep: States of each playlist that are kept.
    """

    def __init__(self, database: Database, clock: Clock | None = None, keep: int = 50):
        self._database = database
        self._clock = clock or (lambda: datetime.datetime.now(datetime.UTC))
        self._keep = keep

    def save(self, playlist: Playlist, entries: Sequence[Entry]) -> str:
        """Keep the entries; committed when this returns."""
        name = uuid.uuid4().hex
        # A place of -1 stands for the state itself, which may hold nothing.
        rows = [_row(-1, None), *(_row(place, entry) for place, entry in enumerate(entries))]
        with self._database.transaction():
            self._database.execute(
                _INSERT,
                [
                    name,
                    playlist.ref.server,
                    playlist.ref.native_id,
                    playlist.title,
                    stored(self._clock()),
                    msgspec.json.encode(rows).decode(),
                ],
            )
            self._forget_old(playlist.ref)
        return name

    def _forget_old(self, ref: ItemRef) -> None:
        self._database.execute(
            'DELETE FROM playlist_journal WHERE entry IN ('
            'SELECT entry FROM playlist_journal WHERE server = ? AND playlist_id = ? '
            'AND place = -1 ORDER BY saved_at DESC OFFSET ?)',
            [ref.server, ref.native_id, self._keep],
        )

    def list(self, server: str) -> list[Saved]:
        """The kept states of a server's playlists, newest first."""
        rows = self._database.rows(
            'SELECT entry, server, playlist_id, min(title), min(saved_at), count(track_id) '
            'FROM playlist_journal WHERE server = ? '
            'GROUP BY entry, server, playlist_id ORDER BY min(saved_at) DESC, entry',
            [server],
        )
        return [
            Saved(name, owner, playlist_id, title, restored(at) or _NEVER, count)
            for name, owner, playlist_id, title, at, count in rows
        ]

    async def restore(self, client: MediaServerClient, entry: str) -> Outcome:
        """Make a playlist hold again what it held; made anew where it was deleted meanwhile.

        Tracks that have another id now are found by the identity map. Those that the index knows
        to be gone from the server are told as missing; the others come back all the same.

        Raises:
            NotFound: The journal has no such entry for this server, or nothing that was in the
                playlist is there any more.
        """
        saved = next((row for row in self.list(client.name) if row.entry == entry), None)
        if saved is None:
            raise errors.NotFound(client.name, f'the journal has no entry {entry!r}')
        tracks: list[ItemRef] = []
        missing: list[str] = []
        for native_id, shown in self._tracks(entry):
            ref = self._current(client.name, native_id)
            tracks += [ref] if ref else []
            missing += [] if ref else [shown]
        if missing and not tracks:
            detail = f'none of the {len(missing)} tracks of {saved.title!r} is there any more'
            raise errors.NotFound(client.name, detail)
        playlists = await client.get_playlists()
        there = any(row.ref.native_id == saved.playlist_id for row in playlists)
        ref = ItemRef(client.name, Kind.PLAYLIST, saved.playlist_id)
        plan = await client.plan_playlist(ref if there else saved.title, tracks, missing)
        return await client.apply_playlist(plan, self)

    def _tracks(self, entry: str) -> list[tuple[str, str]]:
        """Native ids in order, each with words for people."""
        rows = self._database.rows(
            'SELECT track_id, track_title, track_artist FROM playlist_journal '
            'WHERE entry = ? AND place >= 0 ORDER BY place',
            [entry],
        )
        return [
            (str(native_id), ' - '.join(word for word in (artist, title) if word) or native_id)
            for native_id, title, artist in rows
        ]

    def _current(self, server: str, native_id: str) -> ItemRef | None:
        """A track under the id that it has now; None where it is known to be gone."""
        known = self._database.rows(
            'SELECT items.native_id, items.missing_since IS NULL '
            'FROM aliases LEFT JOIN items USING (uid) '
            "WHERE aliases.kind = 'track' AND aliases.server = ? AND aliases.native_id = ? "
            'ORDER BY aliases.since DESC LIMIT 1',
            [server, native_id],
        )
        now, there = known[0] if known else (native_id, True)
        return ItemRef(server, Kind.TRACK, str(now)) if now and there else None


_SHAPE = {
    'place': 'BIGINT',
    'track_id': 'VARCHAR',
    'track_title': 'VARCHAR',
    'track_artist': 'VARCHAR',
}

# In one statement: row by row, a long playlist would stop everything else for seconds.
_INSERT = (
    'INSERT INTO playlist_journal '  # noqa: S608 - constants
    '(entry, server, playlist_id, title, saved_at, place, track_id, track_title, track_artist) '
    'SELECT ?, ?, ?, ?, ?, place, track_id, track_title, track_artist FROM (SELECT unnest('
    f"from_json(?, '{msgspec.json.encode([_SHAPE]).decode()}'), recursive := true))"
)


def _row(place: int, entry: Entry | None) -> dict[str, object]:
    if entry is None:
        return {'place': place}
    return {
        'place': place,
        'track_id': entry.track.native_id,
        'track_title': entry.title,
        'track_artist': entry.artist,
    }


_NEVER = datetime.datetime.min.replace(tzinfo=datetime.UTC)
