# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The one surface of every media server, whatever its protocol.

What callers can rely on:

- A list is whole, or the call raises. An empty list means that the server has nothing.
- A change that returns was made. Playlists were read back.
- What the server cannot do raises ``Unsupported``; ask :meth:`MediaServerClient.supports` first
  where nothing should happen instead.
"""

from __future__ import annotations

import asyncio
import datetime
import time
from collections.abc import AsyncGenerator, Mapping, Sequence

from . import breaker, errors, matching
from .capabilities import Capability, ConnectionState, Handshake, Status
from .dialect import Dialect
from .playlists import Editor, Journal, Outcome, Plan, plan
from .scans import ScanJob
from .snapshot import Evidence, Snapshot, collect
from .values import (
    LIBRARY_KINDS,
    Album,
    Artist,
    Entry,
    ItemRef,
    Kind,
    Library,
    PlayEvent,
    Playlist,
    ScanProgress,
    Track,
)

# Seconds for which a successful handshake is believed by is_connected.
FRESH = 30.0

_STATES: tuple[tuple[type[errors.MediaServerError], ConnectionState], ...] = (
    (errors.Unreachable, ConnectionState.UNREACHABLE),
    (errors.CredentialsRefused, ConnectionState.ACCESS_DENIED),
    (errors.Forbidden, ConnectionState.ACCESS_DENIED),
    (errors.ProtocolError, ConnectionState.INCOMPATIBLE),
    (errors.Incompatible, ConnectionState.INCOMPATIBLE),
    (errors.NotFound, ConnectionState.INCOMPATIBLE),
)


class MediaServerClient:
    """A media server.

    Args:
        dialect: Speaks its protocol.
        server_type: Name under which the dialect is registered, such as ``plex``.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        dialect: Dialect,
        server_type: str = '',
        clock: breaker.Clock = time.monotonic,
    ):
        self.dialect = dialect
        self.server_type = server_type
        self._clock = clock
        self._status = Status(state=ConnectionState.UNTRIED)
        self._greeting = asyncio.Lock()

    @property
    def name(self) -> str:
        """The server's name in the configuration."""
        return self.dialect.name

    # Connection

    @property
    def status(self) -> Status:
        """The connection state as it was last found; asks nobody."""
        return self._status

    async def probe(self) -> Handshake:
        """Greet the server now.

        Raises:
            MediaServerError: It cannot be used; :attr:`status` has the reason too.
        """
        try:
            handshake = await self.dialect.handshake()
        except errors.MediaServerError as error:
            self._status = Status(
                state=_state(error), reason=error.detail, checked_at=self._clock()
            )
            raise
        self._status = Status(
            state=ConnectionState.CONNECTED, checked_at=self._clock(), handshake=handshake
        )
        return handshake

    async def ensure_connection(self) -> Handshake:
        """The handshake, made now if there is none yet. Callers at the same time share one.

        Raises:
            MediaServerError: The server cannot be used.
        """
        async with self._greeting:
            return self._status.handshake or await self.probe()

    async def is_connected(self) -> bool:
        """Whether the server could be used just now, or at most half a minute ago."""
        async with self._greeting:
            checked = self._status.checked_at
            if self._status.handshake and checked and self._clock() - checked < FRESH:
                return True
            try:
                await self.probe()
            except errors.MediaServerError:
                return False  # the reason is kept in the status
            return True

    async def supports(self, capability: Capability) -> bool:
        """Whether a call of that kind would not raise ``Unsupported``."""
        return capability in (await self.ensure_connection()).capabilities

    # Library

    def snapshot(self, kinds: Sequence[Kind] = LIBRARY_KINDS) -> Snapshot:
        """Read everything of these kinds, page by page, with a proof at the end."""
        evidence = Evidence()
        ordered = tuple(kinds)
        return Snapshot(self.dialect.read(ordered, evidence), evidence, ordered)

    async def changes(self, since: datetime.datetime) -> Snapshot:
        """Read what was added or changed since a moment.

        The proof has problems where changes are known to be lacking. It says nothing about the
        rest of the library.
        """
        await self._require(Capability.CHANGES)
        evidence = Evidence(partial=True)
        return Snapshot(self.dialect.read_changes(since, evidence), evidence, LIBRARY_KINDS)

    async def get_all_artists(self) -> tuple[Artist, ...]:
        """All artists.

        Raises:
            Incomplete: They came without proof that these are all.
        """
        found = await collect(self.name, self.snapshot((Kind.ARTIST,)))
        return tuple(item for item in found.values() if isinstance(item, Artist))

    async def get_all_album_ids(self) -> frozenset[str]:
        """Native ids of all albums.

        Raises:
            Incomplete: They came without proof that these are all.
        """
        return frozenset(await collect(self.name, self.snapshot((Kind.ALBUM,))))

    async def search_tracks(self, title: str, artist: str, limit: int = 15) -> tuple[Track, ...]:
        """Tracks of about that title and artist, best first; an empty artist means any."""
        await self._require(Capability.SEARCH)
        title, artist = title.replace('\0', ''), artist.replace('\0', '')
        if limit < 1 or not title.strip():
            return ()
        found = await self.dialect.search_tracks(title, artist, limit)
        return matching.best(found, title, artist, limit)

    async def get_recently_added_albums(self, max_results: int = 400) -> tuple[Album, ...]:
        """The newest albums, newest first."""
        await self._require(Capability.RECENTLY_ADDED)
        if max_results < 1:
            return ()
        return tuple(await self.dialect.recently_added_albums(max_results))[:max_results]

    async def get_libraries(self) -> tuple[Library, ...]:
        """All libraries that the account sees, also those of other things than music."""
        await self._require(Capability.LIBRARIES)
        return tuple(await self.dialect.libraries())

    # Scan

    async def scan_library(self, key: str) -> None:
        """Have the server look for new files in one library; in all where it cannot in one.

        Raises:
            NotFound: It has no such library.
        """
        await self._require(Capability.SCAN)
        if key not in {library.key for library in await self.get_libraries()}:
            raise errors.NotFound(self.name, f'there is no library of key {key!r}')
        await self.dialect.scan_library(key)

    async def trigger_library_scan(self, path: str | None = None) -> ScanJob:
        """Have the server look for new files; the job can be awaited.

        Args:
            path: Folder on the server to look at; everything where it is None.
        """
        await self._require(Capability.SCAN)
        await self._require(Capability.SCAN_STATE)
        before = await self.dialect.scan_progress()
        await self.dialect.start_scan(path)
        return ScanJob(self.name, before, self.dialect.scan_progress, self._clock)

    async def is_library_scanning(self) -> bool:
        """Whether the server reads its folders just now."""
        return (await self.scan_progress()).scanning

    async def scan_progress(self) -> ScanProgress:
        """How far a scan is."""
        await self._require(Capability.SCAN_STATE)
        return await self.dialect.scan_progress()

    # Playlists

    async def get_playlists(self) -> tuple[Playlist, ...]:
        """All playlists of music."""
        await self._require(Capability.PLAYLISTS)
        return tuple(await self.dialect.playlists())

    async def get_playlist_entries(self, playlist: Playlist) -> tuple[Entry, ...]:
        """What is in a playlist, in order."""
        await self._require(Capability.PLAYLISTS)
        return await (await self._editor()).entries(playlist)

    async def plan_playlist(
        self,
        target: str | ItemRef,
        tracks: Sequence[ItemRef],
        missing: Sequence[str] = (),
    ) -> Plan:
        """Say what :meth:`update_playlist` would do; nothing changes.

        Args:
            target: A title, or the playlist itself.
            tracks: What it shall hold, in order.
            missing: Wanted tracks that the caller could not find here, for the report.
        """
        await self._require(Capability.PLAYLIST_EDIT)
        editor = await self._editor()
        by_title = isinstance(target, str)
        playlist = await editor.find(target) if by_title else await editor.get(target)
        current = await editor.entries(playlist) if playlist else ()
        title = playlist.title if playlist else str(target)
        return plan(title, playlist, current, self._native_ids(tracks), missing)

    async def apply_playlist(self, plan: Plan, journal: Journal | None = None) -> Outcome:
        """Carry out a plan.

        Raises:
            Conflict: The playlist was changed since it was planned.
            Unverified: The server now shows something else.
        """
        await self._require(Capability.PLAYLIST_EDIT)
        return await (await self._editor()).apply(plan, journal)

    async def create_playlist(self, name: str, tracks: Sequence[ItemRef]) -> Outcome:
        """Make a playlist.

        Raises:
            Conflict: There is one of that name already.
        """
        wanted = await self.plan_playlist(name, tracks)
        if wanted.playlist is not None:
            raise errors.Conflict(self.name, f'there is a playlist named {name!r} already')
        return await self.apply_playlist(wanted)

    async def update_playlist(
        self,
        name: str | ItemRef,
        tracks: Sequence[ItemRef],
        journal: Journal | None = None,
    ) -> Outcome:
        """Make a playlist hold these tracks in this order; it is made where there is none."""
        return await self.apply_playlist(await self.plan_playlist(name, tracks), journal)

    async def copy_playlist(
        self, source: str | ItemRef, dest_name: str, journal: Journal | None = None
    ) -> Outcome:
        """Make another playlist hold what one holds, order and repetitions included.

        Raises:
            NotFound: There is no such source.
        """
        await self._require(Capability.PLAYLIST_EDIT)
        editor = await self._editor()
        by_title = isinstance(source, str)
        playlist = await editor.find(source) if by_title else await editor.get(source)
        if playlist is None:
            raise errors.NotFound(self.name, f'there is no playlist named {source!r}')
        tracks = [entry.track for entry in await editor.entries(playlist)]
        return await self.update_playlist(dest_name, tracks, journal)

    # History

    async def get_play_history(self, limit: int = 500) -> tuple[PlayEvent, ...]:
        """What was played, newest first."""
        await self._require(Capability.HISTORY)
        return tuple(await self.dialect.play_history(limit))[:limit] if limit > 0 else ()

    async def get_track_play_counts(self) -> Mapping[str, int]:
        """Plays of each track that was ever played, by native id."""
        await self._require(Capability.PLAY_COUNTS)
        return await self.dialect.track_play_counts()

    # Writeback

    async def update_artist_genres(self, artist: ItemRef, genres: Sequence[str]) -> None:
        """Make these the artist's genres, and no others."""
        await self._require(Capability.ARTIST_GENRES)
        await self.dialect.write_artist_genres(self._native_id(artist, Kind.ARTIST), genres)

    async def update_artist_poster(self, artist: ItemRef, image_data: bytes) -> None:
        """Make this JPEG or PNG the artist's picture."""
        await self._require(Capability.ARTIST_POSTER)
        native_id = self._native_id(artist, Kind.ARTIST)
        await self.dialect.write_artist_poster(native_id, self._image(image_data))

    async def update_album_poster(self, album: ItemRef, image_data: bytes) -> None:
        """Make this JPEG or PNG the album's cover."""
        await self._require(Capability.ALBUM_POSTER)
        native_id = self._native_id(album, Kind.ALBUM)
        await self.dialect.write_album_poster(native_id, self._image(image_data))

    async def update_artist_biography(self, artist: ItemRef, biography: str) -> None:
        """Make this text the artist's biography."""
        await self._require(Capability.ARTIST_BIOGRAPHY)
        native_id = self._native_id(artist, Kind.ARTIST)
        await self.dialect.write_artist_biography(native_id, biography)

    # Changes on the server

    async def watch(self) -> AsyncGenerator[frozenset[str]]:
        """Yield relative paths that changed, whenever some did."""
        await self._require(Capability.WATCH)
        async for paths in self.dialect.watch():
            yield paths

    async def aclose(self) -> None:
        """Let go of what this server's dialect holds open."""
        await self.dialect.aclose()

    async def _require(self, capability: Capability) -> None:
        if not await self.supports(capability):
            raise errors.Unsupported(self.name, capability)

    async def _editor(self) -> Editor:
        return Editor(self.dialect, (await self.ensure_connection()).capabilities)

    def _native_ids(self, tracks: Sequence[ItemRef]) -> list[str]:
        return [self._native_id(track, Kind.TRACK) for track in tracks]

    def _native_id(self, ref: ItemRef, kind: Kind) -> str:
        """The id, if the item is of that kind and ours: another server may use the same ids."""
        if ref.server != self.name or ref.kind is not kind:
            raise errors.NotFound(self.name, f'{ref} is no {kind.value} of this server')
        return ref.native_id

    def _image(self, data: bytes) -> bytes:
        if image_type(data) is None:
            raise errors.Conflict(self.name, 'a poster has to be a JPEG or PNG image')
        return data


def image_type(data: bytes) -> str | None:
    """The media type of a JPEG or PNG by its first bytes; None for anything else."""
    if data.startswith(b'\xff\xd8\xff'):
        return 'image/jpeg'
    return 'image/png' if data.startswith(b'\x89PNG\r\n\x1a\n') else None


def _state(error: errors.MediaServerError) -> ConnectionState:
    for cause, state in _STATES:
        if isinstance(error, cause):
            return state
    return ConnectionState.FAILING
