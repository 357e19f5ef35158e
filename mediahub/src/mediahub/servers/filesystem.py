# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A folder of music without a server.

A track's id is 128 bits of its path below the folder, so that a library which is mounted elsewhere
keeps its ids. Albums and artists have ids of their names, in whatever capitals they are written.
"""

from __future__ import annotations

import asyncio
import datetime
import os
import pathlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Sequence
from typing import cast

import pydantic
import watchfiles

from ..engine import breaker, coerce, errors, wire
from ..engine.capabilities import Capability, Handshake
from ..engine.dialect import Dialect
from ..engine.registry import ServerSettings, ServerType, Surroundings
from ..engine.snapshot import Evidence, Page
from ..engine.values import (
    LIBRARY_KINDS,
    Album,
    Artist,
    ExternalId,
    ItemRef,
    Kind,
    Library,
    ScanProgress,
    Track,
)
from . import catalogue
from .disk import Disk, Found, Listing, RealDisk, is_audio

PAGE = 1000

# The key of the one library that a folder is.
_LIBRARY = 'folder'

# Seconds for which searches believe the last scan.
FRESH = 300.0

CAPABILITIES = frozenset(
    {
        Capability.CHANGES,
        Capability.SEARCH,
        Capability.RECENTLY_ADDED,
        Capability.LIBRARIES,
        Capability.SCAN,
        Capability.SCAN_STATE,
        Capability.WATCH,
    }
)


class FilesystemSettings(ServerSettings):
    """Configuration of a folder.

    Attributes:
        path: The folder.
        cache: File that keeps the tags between runs; without one all files are read anew.
        poll: Look for changes every now and then instead of being told; for NFS and SMB, which
            do not tell.
    """

    path: pathlib.Path
    cache: pathlib.Path | None = None
    poll: bool = False
    page_size: int = pydantic.Field(default=PAGE, ge=1, le=5000, alias='page-size')


class FilesystemDialect(Dialect):
    """Reads one folder.

    Args:
        name: The server's name in the configuration.
        settings: The folder.
        disk: Reads it.
        clock: Monotonic seconds.

    Attributes:
        scans: How many scans were begun.
    """

    scans_here = True

    def __init__(
        self,
        name: str,
        settings: FilesystemSettings,
        disk: Disk | None = None,
        clock: breaker.Clock = time.monotonic,
    ):
        super().__init__(name)
        self._settings = settings
        self._root = os.fsencode(settings.path)
        self._disk = disk or RealDisk()
        self._clock = clock
        self._catalogue = catalogue.Catalogue(settings.cache, name)
        self._turn = asyncio.Lock()
        self._scanned_at: float | None = None
        self._finished = 0
        self._task: asyncio.Task[list[str]] | None = None
        self.scans = 0

    async def aclose(self) -> None:
        """Stop a scan and close the catalogue."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        self._catalogue.close()

    async def handshake(self) -> Handshake:
        """Look at the folder."""
        await self._listing(self._root)
        self._catalogue.open()
        return Handshake(
            product='folder',
            version=wire.VERSION,
            machine_id=f'file://{self._settings.path}',
            capabilities=CAPABILITIES,
            page_size=self._settings.page_size,
        )

    # Library

    async def read(self, kinds: Sequence[Kind], evidence: Evidence) -> AsyncGenerator[Page]:
        """Walk through the folders, open what has changed, and list the catalogue."""
        async with self._turn:
            await self._note_scan(evidence)
            for kind in kinds:
                evidence.total(kind, '', self._catalogue.count(kind.value))
                for page in self._pages(kind):
                    yield page

    async def read_changes(
        self, since: datetime.datetime, evidence: Evidence
    ) -> AsyncGenerator[Page]:
        """List what was opened since then."""
        async with self._turn:
            await self._note_scan(evidence)
            for kind in LIBRARY_KINDS:
                for page in self._pages(kind, since.timestamp()):
                    yield page

    async def _note_scan(self, evidence: Evidence) -> None:
        evidence.machine_id = f'file://{self._settings.path}'
        evidence.scope(repr(evidence.machine_id))
        evidence.scanning(False)  # this walk is the only one
        for problem in await self._scan():
            evidence.problem(problem)

    def _pages(self, kind: Kind, since: float = 0) -> Generator[Page]:
        size = self._settings.page_size
        if kind is Kind.ARTIST:
            for rows in self._catalogue.artists(size, since):
                yield Page(kind, tuple(self._artist(*row) for row in rows))
        elif kind is Kind.ALBUM:
            for rows in self._catalogue.albums(size, since):
                yield Page(kind, tuple(self._album(row) for row in rows))
        else:
            for rows in self._catalogue.tracks(size, since):
                yield Page(kind, tuple(self._track(row) for row in rows))

    async def search_tracks(self, title: str, artist: str, limit: int) -> Sequence[Track]:
        """Search the catalogue."""
        await self._fresh()
        rows = self._catalogue.search(title, max(500, limit))
        return [self._track(row) for row in rows]

    async def recently_added_albums(self, limit: int) -> Sequence[Album]:
        """Albums by the time of their newest file."""
        await self._fresh()
        for rows in self._catalogue.albums(limit, newest=True):
            return [self._album(row) for row in rows]
        return ()

    async def _fresh(self) -> None:
        """Scan unless that was done lately.

        Raises:
            Incomplete: Not everything could be read.
        """
        async with self._turn:
            age = None if self._scanned_at is None else self._clock() - self._scanned_at
            if age is not None and age < FRESH:
                return
            problems = await self._scan()
            if problems:
                raise errors.Incomplete(self.name, problems)

    async def libraries(self) -> Sequence[Library]:
        """The folder."""
        scanning = self._task is not None and not self._task.done()
        title = self._settings.path.name or self.name
        return [Library(key=_LIBRARY, title=title, type='music', scanning=scanning)]

    # Scan

    async def start_scan(self, path: str | None) -> None:
        """Begin a walk; it goes on while others are answered."""
        if self._task is None or self._task.done():
            self.scans += 1
            self._task = asyncio.create_task(self._scan_alone())

    async def scan_progress(self) -> ScanProgress:
        """Whether a walk that was asked for still goes on; raises what stopped it."""
        task = self._task
        scanning = task is not None and not task.done()
        if task is not None and not scanning:
            problems = task.result()
            if problems:
                raise errors.Incomplete(self.name, problems)
        return ScanProgress(scanning=scanning, marker=str(self._finished))

    async def _scan_alone(self) -> list[str]:
        async with self._turn:
            return await self._scan()

    async def _scan(self) -> list[str]:
        """Walk through all folders; answers what stood in the way."""
        problems: list[str] = []
        self._scanned_at = None
        self._catalogue.begin()
        seen: set[tuple[int, int]] = set()
        folders = [b'']
        first = True
        while folders:
            folder = folders.pop()
            before = len(problems)
            listing = await self._folder(folder, problems, root=first)
            first = False
            if listing is None or listing.identity in seen:
                continue  # a link leads back to where we have been
            seen.add(listing.identity)
            folders += await asyncio.to_thread(self._take_in, folder, listing, problems)
            if len(problems) == before:
                # A listing that is in doubt must not become what later ones are compared with.
                self._catalogue.remember(folder, listing, time.time_ns())
        self._catalogue.finish(whole=not problems)
        if not problems:
            self._scanned_at = self._clock()
            self._finished += 1
        return problems

    async def _folder(self, folder: bytes, problems: list[str], *, root: bool) -> Listing | None:
        """List a folder; the root's failure is the scan's, another one's is a problem."""
        path = os.path.join(self._root, folder) if folder else self._root
        if root:
            listing = await self._listing(path)
            if not listing.entries:
                problems.append('the folder is empty; is it mounted?')
        else:
            try:
                listing = await asyncio.to_thread(self._disk.listing, path)
            except OSError as error:
                problems.append(f'{catalogue.shown(folder)}: {error.strerror}')
                return None
        contradiction = self._catalogue.contradiction(folder, listing)
        if contradiction:
            problems.append(f'{catalogue.shown(folder) or "the folder"} {contradiction}')
        return listing

    def _take_in(self, folder: bytes, listing: Listing, problems: list[str]) -> list[bytes]:
        """Take in a folder's files; answers the folders in it, the last first."""
        inner: list[bytes] = []
        for entry in listing.entries:
            path = os.path.join(folder, entry.name)
            if entry.folder:
                inner.append(path)
            elif is_audio(entry.name) and not self._catalogue.unchanged(path, entry):
                self._read_tags(path, entry, problems)
        problems.extend(
            f'{catalogue.shown(os.path.join(folder, name))}: {reason}'
            for name, reason in listing.broken
        )
        return inner[::-1]

    def _read_tags(self, path: bytes, entry: Found, problems: list[str]) -> None:
        try:
            tags = self._disk.tags(os.path.join(self._root, path))
        except OSError as error:
            # The file is there. Its old tags are better than a track of nobody.
            self._catalogue.see_again(path)
            problems.append(f'{catalogue.shown(path)}: {error.strerror}')
            return
        if tags is not None:
            self._catalogue.put(path, entry, tags, time.time())

    async def _listing(self, path: bytes) -> Listing:
        """List the library's folder itself.

        Raises:
            Forbidden, Unreachable: With the reason.
        """
        try:
            return await asyncio.to_thread(self._disk.listing, path)
        except (FileNotFoundError, NotADirectoryError) as error:
            detail = f'{self._settings.path} is no folder here; is it mounted?'
            raise errors.Unreachable(self.name, detail) from error
        except PermissionError as error:
            detail = f'{self._settings.path} may not be read by this user'
            raise errors.Forbidden(self.name, detail) from error
        except OSError as error:
            detail = f'{self._settings.path}: {error.strerror}'
            raise errors.Unreachable(self.name, detail) from error

    # Values

    def _ref(self, kind: Kind, native_id: str | None) -> ItemRef | None:
        return ItemRef(self.name, kind, native_id) if native_id else None

    def _artist(self, native_id: str, name: str, read_at: float) -> Artist:
        return Artist(ref=ItemRef(self.name, Kind.ARTIST, native_id), name=name)

    def _album(self, row: catalogue.Album) -> Album:
        return Album(
            ref=ItemRef(self.name, Kind.ALBUM, row.id),
            title=row.title,
            artist=row.artist,
            artist_ref=self._ref(Kind.ARTIST, row.artist_id),
            year=row.year,
            track_count=row.count,
            added_at=coerce.epoch(row.mtime_ns // 10**9),
        )

    def _track(self, row: catalogue.FileRow) -> Track:
        changed = coerce.epoch(row.mtime_ns // 10**9)
        # Without a cache every process reads everything, and nothing is new for that.
        read = coerce.epoch(row.read_at) if self._settings.cache else changed
        return Track(
            ref=ItemRef(self.name, Kind.TRACK, row.track_id),
            title=row.title,
            artist=row.artist,
            album=row.album,
            artist_ref=self._ref(Kind.ARTIST, row.artist_id),
            album_ref=self._ref(Kind.ALBUM, row.album_id),
            number=row.number,
            disc=row.disc,
            year=row.year,
            duration_ms=row.duration_ms,
            path=catalogue.shown(row.path),
            size=row.size,
            added_at=changed,
            updated_at=read,
            external_ids=(ExternalId('mbid', row.mbid),) if row.mbid else (),
        )

    # Watch

    async def watch(self) -> AsyncIterator[frozenset[str]]:
        """Yield the paths that changed, relative to the folder."""
        poll = self._settings.poll or None
        changed = watchfiles.awatch(  # pyright: ignore[reportUnknownMemberType] - names trio's event
            self._settings.path, force_polling=poll, step=100
        )
        async for changes in changed:
            yield frozenset(os.path.relpath(path, self._settings.path) for _, path in changes)


def _build(name: str, settings: ServerSettings, around: Surroundings) -> Dialect:
    chosen = cast('FilesystemSettings', settings)
    return FilesystemDialect(name, chosen, clock=around.clock)


SERVER_TYPE = ServerType(
    'filesystem', 'Folder', FilesystemSettings, _build, aliases=('files', 'folder')
)
