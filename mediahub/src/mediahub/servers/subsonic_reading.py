# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Reads a Subsonic library and holds its parts against each other."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Sequence
from typing import Protocol

from ..engine import paging
from ..engine.snapshot import Evidence, Page
from ..engine.values import Album, Artist, Kind, Track

BY_NAME = 'alphabeticalByName'


class Lists(Protocol):
    """What a Subsonic server lists; see :class:`mediahub.servers.subsonic.SubsonicDialect`."""

    async def artists(self, folder: str) -> list[Artist]:
        """All artists, each once."""
        ...

    def albums(
        self, folder: str, order: str, *, confirm: bool = False, expected: int | None = None
    ) -> AsyncGenerator[paging.Batch[Album]]:
        """Albums in an order, in pages."""
        ...

    def tracks(self, folder: str, *, confirm: bool = False) -> AsyncGenerator[paging.Batch[Track]]:
        """All songs, in pages."""
        ...


class Reading:
    """Holds the parts of a library against each other while they are read.

    Args:
        dialect: Reads them.
        evidence: Takes what does not fit.
        kinds: What is read. Where the list that would speak for another is not among it, that
            other one's end is asked for twice.
    """

    def __init__(self, dialect: Lists, evidence: Evidence, kinds: Collection[Kind]):
        self._dialect = dialect
        self._evidence = evidence
        self._kinds = frozenset(kinds)
        self._artists: set[str] = set()
        self._albums: int | None = None
        self._songs = 0

    async def folder(self, folder: str) -> AsyncGenerator[Page]:
        """Yield everything of a folder: each list before the one that it speaks for."""
        for kind, read in (
            (Kind.ARTIST, self._read_artists),
            (Kind.ALBUM, self._read_albums),
            (Kind.TRACK, self._read_tracks),
        ):
            if kind in self._kinds:
                async for page in read(folder):
                    yield page

    async def _read_artists(self, folder: str) -> AsyncGenerator[Page]:
        artists = await self._dialect.artists(folder)
        self._artists = {artist.ref.native_id for artist in artists}
        self._albums = sum(artist.album_count or 0 for artist in artists)
        if Kind.ALBUM not in self._kinds:
            again = await self._dialect.artists(folder)
            if {artist.ref.native_id for artist in again} != self._artists:
                self._evidence.problem('two lists of artists differ')
        self._evidence.total(Kind.ARTIST, folder, len(artists))
        if artists:
            yield Page(Kind.ARTIST, tuple(artists))

    async def _read_albums(self, folder: str) -> AsyncGenerator[Page]:
        count = songs = 0
        vouched = Kind.TRACK in self._kinds
        batches = self._dialect.albums(
            folder, BY_NAME, confirm=not vouched, expected=self._albums if vouched else None
        )
        async for batch in batches:
            count += len(batch.items)
            songs += sum(album.track_count or 0 for album in batch.items)
            self._check_artists(batch.items)
            yield Page(Kind.ALBUM, tuple(batch.items))
        self._songs = songs
        self._evidence.total(Kind.ALBUM, folder, count)

    def _check_artists(self, albums: Sequence[Album]) -> None:
        named = {album.artist_ref.native_id for album in albums if album.artist_ref}
        if Kind.ARTIST in self._kinds and not named <= self._artists:
            self._evidence.problem('albums are of artists that were not listed')

    async def _read_tracks(self, folder: str) -> AsyncGenerator[Page]:
        count = 0
        vouched = Kind.ALBUM in self._kinds
        async for batch in self._dialect.tracks(folder, confirm=not vouched):
            count += len(batch.items)
            yield Page(Kind.TRACK, tuple(batch.items))
        self._evidence.total(Kind.TRACK, folder, self._songs if vouched else count)
