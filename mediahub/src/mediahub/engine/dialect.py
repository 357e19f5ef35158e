# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What a new kind of server has to implement: one class, most of it optional.

Four methods are required. Everything else belongs to a capability: a dialect overrides the methods
of those that its handshake declares and leaves the others alone. The client in front of it
(:class:`mediahub.engine.contract.MediaServerClient`) refuses undeclared calls, so no dialect needs
to answer for what it cannot do, and none can pretend.

A method either does what it says or raises an error of :mod:`mediahub.engine.errors`.
"""

from __future__ import annotations

import abc
import datetime
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from typing import ClassVar, NoReturn

from . import errors
from .capabilities import Capability, Handshake
from .snapshot import Evidence, Page
from .values import (
    Album,
    Entry,
    Kind,
    Library,
    PlayEvent,
    Playlist,
    ScanProgress,
    Track,
)


class Dialect(abc.ABC):
    """Speaks one protocol to one server.

    Args:
        name: The server's name in the configuration.

    Attributes:
        scans_here: Scans are this process's own work, and end with it.
    """

    scans_here: ClassVar[bool] = False

    def __init__(self, name: str):
        self.name = name

    # Required.

    @abc.abstractmethod
    async def handshake(self) -> Handshake:
        """Greet the server: real requests, always. Says what this account can do there."""

    @abc.abstractmethod
    def read(self, kinds: Sequence[Kind], evidence: Evidence) -> AsyncGenerator[Page]:
        """Yield everything of the given kinds, in pages, without a request per item.

        Hand in as evidence: the machine id, a scope (twice, before and after), totals, and
        whether the server scans (twice).
        """

    @abc.abstractmethod
    async def aclose(self) -> None:
        """Let go of what belongs to this dialect alone."""

    # CHANGES

    def read_changes(self, since: datetime.datetime, evidence: Evidence) -> AsyncGenerator[Page]:
        """Yield what was added or changed at or after a moment."""
        self._unsupported(Capability.CHANGES)

    # SEARCH, RECENTLY_ADDED

    async def search_tracks(self, title: str, artist: str, limit: int) -> Sequence[Track]:
        """Tracks that may be the wanted one; the client ranks and cuts them."""
        self._unsupported(Capability.SEARCH)

    async def recently_added_albums(self, limit: int) -> Sequence[Album]:
        """The newest albums, newest first."""
        self._unsupported(Capability.RECENTLY_ADDED)

    # LIBRARIES, and SCAN for one of them

    async def libraries(self) -> Sequence[Library]:
        """All libraries that the account sees, also those of other things than music."""
        self._unsupported(Capability.LIBRARIES)

    async def scan_library(self, key: str) -> None:
        """Have the server look for new files in one; in all of them where it cannot in one."""
        await self.start_scan(None)

    # SCAN, SCAN_STATE

    async def start_scan(self, path: str | None) -> None:
        """Have the server look for new files, below ``path`` only where one is given."""
        self._unsupported(Capability.SCAN)

    async def scan_progress(self) -> ScanProgress:
        """Whether it does so now."""
        self._unsupported(Capability.SCAN_STATE)

    # PLAYLISTS, PLAYLIST_EDIT, PLAYLIST_MOVE, PLAYLIST_OVERWRITE

    async def playlists(self) -> Sequence[Playlist]:
        """All playlists of music that the account sees."""
        self._unsupported(Capability.PLAYLISTS)

    async def playlist_entries(self, playlist_id: str) -> Sequence[Entry]:
        """The entries in order."""
        self._unsupported(Capability.PLAYLISTS)

    async def create_playlist(self, title: str, track_ids: Sequence[str]) -> str:
        """Make a playlist; answers its id."""
        self._unsupported(Capability.PLAYLIST_EDIT)

    async def append_entries(self, playlist_id: str, track_ids: Sequence[str]) -> None:
        """Add tracks at the end; one that is there already is added again."""
        self._unsupported(Capability.PLAYLIST_EDIT)

    async def remove_entries(self, playlist_id: str, entry_ids: Sequence[str]) -> None:
        """Take entries out."""
        self._unsupported(Capability.PLAYLIST_EDIT)

    async def move_entry(self, playlist_id: str, entry_id: str, after: str | None) -> None:
        """Put an entry behind another one, or first where ``after`` is None."""
        self._unsupported(Capability.PLAYLIST_MOVE)

    async def overwrite_entries(self, playlist_id: str, track_ids: Sequence[str]) -> None:
        """Replace all entries in one request that succeeds or changes nothing."""
        self._unsupported(Capability.PLAYLIST_OVERWRITE)

    # HISTORY, PLAY_COUNTS

    async def play_history(self, limit: int) -> Sequence[PlayEvent]:
        """What was played, newest first."""
        self._unsupported(Capability.HISTORY)

    async def track_play_counts(self) -> Mapping[str, int]:
        """Plays of each track that was played at all, by native id."""
        self._unsupported(Capability.PLAY_COUNTS)

    # ARTIST_GENRES, ARTIST_POSTER, ALBUM_POSTER, ARTIST_BIOGRAPHY

    async def write_artist_genres(self, artist_id: str, genres: Sequence[str]) -> None:
        """Make these the artist's genres, and no others."""
        self._unsupported(Capability.ARTIST_GENRES)

    async def write_artist_poster(self, artist_id: str, image: bytes) -> None:
        """Make this JPEG or PNG the artist's picture."""
        self._unsupported(Capability.ARTIST_POSTER)

    async def write_album_poster(self, album_id: str, image: bytes) -> None:
        """Make this JPEG or PNG the album's cover."""
        self._unsupported(Capability.ALBUM_POSTER)

    async def write_artist_biography(self, artist_id: str, biography: str) -> None:
        """Make this text the artist's biography."""
        self._unsupported(Capability.ARTIST_BIOGRAPHY)

    # WATCH

    def watch(self) -> AsyncIterator[frozenset[str]]:
        """Yield the relative paths that changed, whenever some did."""
        self._unsupported(Capability.WATCH)

    def _unsupported(self, capability: Capability) -> NoReturn:
        raise errors.Unsupported(self.name, capability)
