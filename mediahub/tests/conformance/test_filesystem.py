# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import contextlib
import errno
import os
import pathlib
from collections.abc import AsyncGenerator

import pytest

from mediahub.conformance.faults import Fault, Interposer
from mediahub.conformance.harness import Harness
from mediahub.conformance.suite import DialectConformance
from mediahub.engine.contract import MediaServerClient
from mediahub.engine.values import Kind
from mediahub.servers import catalogue
from mediahub.servers.disk import Listing, RealDisk, Tags
from mediahub.servers.filesystem import FilesystemDialect, FilesystemSettings
from mediahub.testing.audio import write_flac

LONG_AGO = 1_700_000_000

ERRNO = {
    Fault.TIMEOUT: errno.ETIMEDOUT,
    Fault.RESET: errno.EIO,
    Fault.FORBIDDEN: errno.EACCES,
    Fault.NOT_FOUND: errno.ENOENT,
    Fault.SERVER_ERROR: errno.ESTALE,
}


class FaultyDisk(RealDisk):
    def __init__(self, interposer: Interposer):
        self._interposer = interposer

    def listing(self, folder: bytes) -> Listing:
        fault = self._strike()
        found = super().listing(folder)
        kept = {Fault.EMPTY: 0, Fault.SHORT: len(found.entries) // 2}
        if fault not in kept:
            return found
        return Listing(found.identity, found.mtime_ns, found.entries[: kept[fault]])

    def tags(self, file: bytes) -> Tags | None:
        self._strike()
        return super().tags(file)

    def _strike(self) -> Fault | None:
        fault = self._interposer.strike()
        if fault in ERRNO:
            raise OSError(ERRNO[fault], os.strerror(ERRNO[fault]))
        return fault


class FolderHarness(Harness):
    faults = frozenset({*ERRNO, Fault.EMPTY, Fault.SHORT})

    def __init__(self, folder: pathlib.Path):
        super().__init__()
        self._folder = folder
        self._dialect: FilesystemDialect | None = None
        self._paths = [
            f'Artist {artist}/Album {artist}.{album}/{number:02} Song.flac'
            for artist in range(2)
            for album in range(2)
            for number in range(1, 4)
        ]
        for path in self._paths:
            self._write(path)
        # Older than the catalogue's doubt about clocks.
        for place, inside, _ in os.walk(folder):
            for name in (place, *(os.path.join(place, name) for name in inside)):
                os.utime(name, (LONG_AGO, LONG_AGO))

    def _write(self, path: str) -> None:
        artist, album, name = path.split('/')
        tags = {'ARTIST': artist, 'ALBUM': album, 'TITLE': f'Song {album[6:]}.{name[1]}'}
        if not (self._folder / path).exists():
            write_flac(self._folder / path, tags | {'TRACKNUMBER': name[:2]})

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncGenerator[MediaServerClient]:
        settings = FilesystemSettings.model_validate({'path': self._folder, 'page-size': 5})
        ticks = iter(range(10**9))
        # A thousand seconds between looks at the clock: no answer is fresh any more.
        self._dialect = FilesystemDialect(
            'folder', settings, FaultyDisk(self.interposer), lambda: next(ticks) * 1000.0
        )
        client = MediaServerClient(self._dialect)
        yield client
        await client.aclose()

    def truth(self, kind: Kind) -> frozenset[str]:
        if kind is Kind.TRACK:
            return frozenset(catalogue.digest(path.encode()) for path in self._paths)
        albums = {tuple(path.split('/')[:2]) for path in self._paths}
        if kind is Kind.ARTIST:
            return frozenset(catalogue.digest('artist', artist.lower()) for artist, _ in albums)
        return frozenset(
            catalogue.digest('album', artist.lower(), album.lower().replace('.', ' '))
            for artist, album in albums
        )

    def searchable(self) -> tuple[str, str, str]:
        return 'Song 1.0.2', 'Artist 1', catalogue.digest(b'Artist 1/Album 1.0/02 Song.flac')

    def most_requests(self, pages: int) -> int:
        return 7  # its folders: no file is opened twice

    def scans(self) -> int:
        return self._dialect.scans if self._dialect else 0

    def finish_scan(self) -> None:
        """It finishes by itself."""


class TestFilesystem(DialectConformance):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: pathlib.Path) -> None:
        self._path = tmp_path

    def make_harness(self) -> FolderHarness:
        return FolderHarness(self._path)
