# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""How each capability is used where nothing goes wrong."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest

from ..engine.capabilities import Capability
from ..engine.contract import MediaServerClient
from ..engine.errors import NotFound
from ..engine.scans import ScanResult
from ..engine.values import ItemRef, Kind
from .driver import Driver

T = TypeVar('T')

IMAGE = b'\xff\xd8\xff\xe0 an image, as far as its first bytes tell \xff\xd9'
GENRES = ['Jazz', 'Rock, Progressive & "odd"']
LONG_AGO = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
BIOGRAPHY = 'Born & raised in "quotes"; plays 100 % 🎸.'

# How each capability is used; in the order in which a failure is easiest to understand.
CALLS: dict[Capability, Callable[[Uses, MediaServerClient], Awaitable[Any]]] = {}


def exercises(capability: Capability) -> Callable[[T], T]:
    """Note that a method of the suite uses a capability."""

    def note(method: T) -> T:
        CALLS[capability] = method  # pyright: ignore[reportArgumentType] - a method of the suite
        return method

    return note


class Uses(Driver):
    """One use of each capability; override one where a server needs another."""

    @exercises(Capability.CHANGES)
    async def use_changes(self, client: MediaServerClient) -> None:
        """Read what changed since long ago."""
        snapshot = await client.changes(LONG_AGO)
        found = [item async for page in snapshot for item in page.items]
        assert {item.ref.native_id for item in found} >= self._harness.truth(Kind.TRACK)
        assert snapshot.proof.problems == ()
        assert not snapshot.proof.complete

    @exercises(Capability.SEARCH)
    async def use_search(self, client: MediaServerClient) -> None:
        """Find a track by title and artist, by title alone, and in another spelling."""
        title, artist, native_id = self._harness.searchable()
        for asked in ((title, artist), (title, ''), (title.upper(), artist.lower())):
            found = await client.search_tracks(*asked)
            assert native_id in [track.ref.native_id for track in found]
        assert await client.search_tracks('no such title anywhere', artist) == ()
        assert len(await client.search_tracks(title, '', limit=1)) == 1

    @exercises(Capability.RECENTLY_ADDED)
    async def use_recently_added(self, client: MediaServerClient) -> None:
        """List the newest albums."""
        found = await client.get_recently_added_albums(max_results=2)
        assert len(found) == 2
        dates = [album.added_at for album in found if album.added_at]
        assert dates == sorted(dates, reverse=True)
        everything = await client.get_recently_added_albums()
        assert {album.ref.native_id for album in everything} <= self._harness.truth(Kind.ALBUM)

    @exercises(Capability.LIBRARIES)
    async def use_libraries(self, client: MediaServerClient) -> None:
        """List the libraries, each with a key of its own."""
        found = await client.get_libraries()
        assert found
        assert all(library.key and library.title for library in found)
        assert len({library.key for library in found}) == len(found)

    @exercises(Capability.SCAN_STATE)
    async def use_scan_state(self, client: MediaServerClient) -> None:
        """Ask whether a scan runs."""
        assert await client.is_library_scanning() is False

    @exercises(Capability.SCAN)
    async def use_scan(self, client: MediaServerClient) -> None:
        """Scan, and see it begin and end."""
        before = self._harness.scans() if await client.supports(Capability.SCAN) else 0
        job = await client.trigger_library_scan()
        assert self._harness.scans() == before + 1
        assert await client.is_library_scanning()
        assert (await job.progress()).scanning
        self._harness.finish_scan()
        assert await job.wait(timeout=10, poll=0.01) is ScanResult.FINISHED
        assert not await client.is_library_scanning()
        if await client.supports(Capability.LIBRARIES):
            await self._scan_library(client)

    async def _scan_library(self, client: MediaServerClient) -> None:
        """Scan each library, and no other one."""
        libraries = await client.get_libraries()
        for asked in libraries:
            before = self._harness.scans()
            await client.scan_library(asked.key)
            assert self._harness.scans() == before + 1
            assert any(library.scanning for library in await client.get_libraries())
            self._harness.finish_scan()
            for _ in range(1000):
                if not await client.is_library_scanning():
                    break
                await asyncio.sleep(0.01)
        with pytest.raises(NotFound):
            await client.scan_library('no such library')

    @exercises(Capability.PLAYLISTS)
    async def use_playlists(self, client: MediaServerClient) -> None:
        """List the playlists and what is in them."""
        for playlist in await client.get_playlists():
            await client.get_playlist_entries(playlist)

    @exercises(Capability.PLAYLIST_EDIT)
    async def use_playlist_edit(self, client: MediaServerClient) -> None:
        """Create, change in every way, and copy; repetitions and order are kept."""
        harness = self._harness
        one, two, three, four = self._tracks(client, harness)[:4]
        shapes: tuple[list[ItemRef], ...] = (
            [one, two, three],
            [three, two, one],
            [one, one, two, one],
            [four, one, two, three, one],
            [two],
            [],
            [one, two, three, four, four, four],
        )
        for shape in shapes:
            outcome = await client.update_playlist('Shapes', shape)
            assert harness.playlist('Shapes') == [ref.native_id for ref in shape]
            assert outcome.playlist.count == len(shape)
            assert not (await client.plan_playlist('Shapes', shape)).changes
        await client.copy_playlist('Shapes', 'Copy')
        assert harness.playlist('Copy') == harness.playlist('Shapes')

    @exercises(Capability.HISTORY)
    async def use_history(self, client: MediaServerClient) -> None:
        """Read the history."""
        plays = await client.get_play_history()
        assert plays
        assert {play.track.native_id for play in plays} <= self._harness.truth(Kind.TRACK)
        assert len(await client.get_play_history(limit=1)) == 1

    @exercises(Capability.PLAY_COUNTS)
    async def use_play_counts(self, client: MediaServerClient) -> None:
        """Read the counts."""
        counts = await client.get_track_play_counts()
        assert counts
        assert set(counts) <= self._harness.truth(Kind.TRACK)
        assert all(count > 0 for count in counts.values())

    @exercises(Capability.ARTIST_GENRES)
    async def use_artist_genres(self, client: MediaServerClient) -> None:
        """Write genres."""
        await client.update_artist_genres(self._first(client, Kind.ARTIST), GENRES)

    @exercises(Capability.ARTIST_BIOGRAPHY)
    async def use_artist_biography(self, client: MediaServerClient) -> None:
        """Write a biography."""
        await client.update_artist_biography(self._first(client, Kind.ARTIST), BIOGRAPHY)

    @exercises(Capability.ARTIST_POSTER)
    async def use_artist_poster(self, client: MediaServerClient) -> None:
        """Write a picture."""
        await client.update_artist_poster(self._first(client, Kind.ARTIST), IMAGE)

    @exercises(Capability.ALBUM_POSTER)
    async def use_album_poster(self, client: MediaServerClient) -> None:
        """Write a cover."""
        await client.update_album_poster(self._first(client, Kind.ALBUM), IMAGE)
