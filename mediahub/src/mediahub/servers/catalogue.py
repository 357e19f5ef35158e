# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What is known of the files of a library, in SQLite: tags by file, names by folder.

A file whose size, time and inode are the same as before is not opened again. A folder whose time
and inode are the same cannot hold other names than before: where it seems to, the listing is wrong
and nothing may be concluded from it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import pathlib
import sqlite3
import threading
from collections.abc import Generator, Iterable
from typing import Any

from ..engine import errors, matching
from .disk import Found, Listing, Tags

# One process at a time: two scans in one catalogue would forget each other's files. The log in
# front of the file spares a wait for the disk with every file; what a power cut takes is read
# again.
_PRAGMAS = """
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
"""

# Seconds in which another process has to give the file free.
PATIENCE = 1.0

_HINTS = (
    ('locked', '; another process or server uses it, give each a file of its own'),
    ('not a database', '; name another file, or delete this one'),
    ('malformed', '; delete the file, it is made anew'),
    ('unable to open', '; does its folder exist, and may this user write there?'),
)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS files (
    path BLOB PRIMARY KEY, size INTEGER, mtime_ns INTEGER, inode INTEGER, scan INTEGER,
    read_at REAL, track_id TEXT, title TEXT, title_key TEXT, artist TEXT,
    artist_id TEXT, album_artist TEXT, album_id TEXT, album TEXT,
    number INTEGER, disc INTEGER, year INTEGER, duration_ms INTEGER, mbid TEXT
);
CREATE INDEX IF NOT EXISTS by_album ON files (album_id);
CREATE TABLE IF NOT EXISTS folders (
    path BLOB PRIMARY KEY, device INTEGER, inode INTEGER, mtime_ns INTEGER, names BLOB
);
CREATE TABLE IF NOT EXISTS scans (scan INTEGER PRIMARY KEY);
"""

_COLUMNS = (
    'path, size, mtime_ns, inode, scan, read_at, track_id, title, title_key, artist, artist_id, '
    'album_artist, album_id, album, number, disc, year, duration_ms, mbid'
)

# A folder that was changed in the same tick of the clock as it was listed may change again
# without its time doing so; younger ones than this are not remembered.
SETTLED_NS = 2_000_000_000

_QUERIES = {
    'artist': (
        'SELECT artist_id, min(album_artist), max(read_at) FROM files '
        'WHERE {where} AND artist_id IS NOT NULL GROUP BY artist_id ORDER BY artist_id'
    ),
    'album': (
        'SELECT album_id, min(album), min(album_artist), min(artist_id), max(year), count(*), '
        'max(mtime_ns), max(read_at) FROM files '
        'WHERE {where} AND album_id IS NOT NULL GROUP BY album_id ORDER BY {order}'
    ),
    'track': f'SELECT {_COLUMNS} FROM files WHERE {{where}} ORDER BY path',  # noqa: S608 - constants
}


@dataclasses.dataclass(frozen=True, slots=True)
class FileRow:
    """A file with its tags, as :data:`_COLUMNS` has them."""

    path: bytes
    size: int
    mtime_ns: int
    inode: int
    scan: int
    read_at: float
    track_id: str
    title: str
    title_key: str
    artist: str | None
    artist_id: str | None
    album_artist: str | None
    album_id: str | None
    album: str | None
    number: int | None
    disc: int | None
    year: int | None
    duration_ms: int | None
    mbid: str | None


class Catalogue:
    """The known files of one library. Its file is opened when it is first used.

    Args:
        path: Where it is kept; None to forget it with the process.
        server: Name for errors.

    Every method raises ``ServerFailed`` where the file cannot be used: another process has it, it
    is something else, the disk is full.

    Attributes:
        scan: Number of the latest scan; rows of it are on the disk now.
    """

    def __init__(self, path: pathlib.Path | None = None, server: str = ''):
        self._path = path
        self._server = server
        self._connection: sqlite3.Connection | None = None
        self._closed = False
        # A scan that was cancelled goes on in its thread until its folder is done. Without a lock,
        # closing the connection meanwhile ends the process.
        self._lock = threading.RLock()
        self.scan = 0

    def open(self) -> None:
        """See that the file can be used."""
        with self._open():
            pass

    def close(self) -> None:
        """Close the file; what a cancelled scan still wants to keep is lost."""
        with self._lock:
            self._closed = True
            if self._connection is not None:
                self._connection.close()

    @contextlib.contextmanager
    def _open(self) -> Generator[sqlite3.Connection]:
        """Give the connection to one thread, for one transaction."""
        with self._lock, self._explained():
            if self._connection is None:
                self._connection = self._connect()
            with self._connection as database:
                yield database

    def _connect(self) -> sqlite3.Connection:
        if self._closed:
            raise sqlite3.ProgrammingError('closed')
        connection = sqlite3.connect(
            self._path or ':memory:', timeout=PATIENCE, check_same_thread=False
        )
        try:
            connection.executescript(_PRAGMAS + _SCHEMA)
            self.scan = int(connection.execute('SELECT max(scan) FROM scans').fetchone()[0] or 0)
        except BaseException:
            connection.close()
            raise
        return connection

    @contextlib.contextmanager
    def _explained(self) -> Generator[None]:
        try:
            yield
        except sqlite3.Error as error:
            reason = str(error)
            hint = next((hint for part, hint in _HINTS if part in reason), '')
            detail = f'cache {self._path or "in memory"}: {reason}{hint}'
            raise errors.ServerFailed(self._server, detail) from error

    def begin(self) -> None:
        """Begin a scan."""
        with self._open():
            self.scan += 1

    def finish(self, *, whole: bool) -> None:
        """End a scan; files that it did not see are forgotten only if it saw everything."""
        with self._open() as database:
            if whole:
                database.execute('DELETE FROM files WHERE scan < ?', [self.scan])
            database.execute('INSERT OR REPLACE INTO scans VALUES (?)', [self.scan])
            database.execute('DELETE FROM scans WHERE scan < ?', [self.scan])

    def contradiction(self, folder: bytes, listing: Listing) -> str | None:
        """What a listing has against itself, compared with the last one of the folder."""
        with self._open() as database:
            known = database.execute(
                'SELECT device, inode, mtime_ns, names FROM folders WHERE path = ?', [folder]
            ).fetchone()
        if known is None:
            return None
        same = (known[0], known[1]) == listing.identity
        if same and known[2] == listing.mtime_ns and known[3] != _names(listing):
            return 'lists other files than before and says that it was not changed'
        if not same and known[3] and not listing.entries:
            return 'is another folder than before and empty; is it mounted?'
        return None

    def remember(self, folder: bytes, listing: Listing, now_ns: int) -> None:
        """Keep what a folder holds."""
        with self._open() as database:
            if now_ns - listing.mtime_ns < SETTLED_NS:
                database.execute('DELETE FROM folders WHERE path = ?', [folder])
                return
            row = (folder, *listing.identity, listing.mtime_ns, _names(listing))
            database.execute('INSERT OR REPLACE INTO folders VALUES (?, ?, ?, ?, ?)', row)

    def unchanged(self, path: bytes, found: Found) -> bool:
        """Whether the file is as it was; then it counts as seen."""
        with self._open() as database:
            cursor = database.execute(
                'UPDATE files SET scan = ? '
                'WHERE path = ? AND size = ? AND mtime_ns = ? AND inode = ?',
                [self.scan, path, found.size, found.mtime_ns, found.identity[1]],
            )
        return cursor.rowcount == 1

    def see_again(self, path: bytes) -> bool:
        """Count a file as seen whose tags cannot be read now; False where it is not known."""
        with self._open() as database:
            cursor = database.execute(
                'UPDATE files SET scan = ? WHERE path = ?', [self.scan, path]
            )
        return cursor.rowcount == 1

    def put(self, path: bytes, found: Found, tags: Tags, now: float) -> None:
        """Keep a file's tags."""
        row = _row(path, found, tags, self.scan, now)
        marks = ', '.join('?' * len(dataclasses.fields(FileRow)))
        with self._open() as database:
            database.execute(
                f'INSERT OR REPLACE INTO files VALUES ({marks})',  # noqa: S608 - question marks
                dataclasses.astuple(row),
            )

    def count(self, kind: str) -> int:
        """Items of a kind that the latest scan saw."""
        what = {'artist': 'DISTINCT artist_id', 'album': 'DISTINCT album_id', 'track': '*'}[kind]
        sql = f'SELECT count({what}) FROM files WHERE scan = ?'  # noqa: S608 - constants
        with self._open() as database:
            return int(database.execute(sql, [self.scan]).fetchone()[0])

    def artists(self, size: int, since: float = 0) -> Generator[list[tuple[str, str, float]]]:
        """Id, name and time of reading of every artist, in pages."""
        yield from self._pages(self._sql('artist'), size, since)

    def albums(
        self, size: int, since: float = 0, *, newest: bool = False
    ) -> Generator[list[Album]]:
        """The albums, in pages."""
        order = 'max(mtime_ns) DESC, album_id' if newest else 'album_id'
        for page in self._pages(self._sql('album', order=order), size, since):
            yield [Album(*row) for row in page]

    def tracks(self, size: int, since: float = 0) -> Generator[list[FileRow]]:
        """The files, in pages."""
        for page in self._pages(self._sql('track'), size, since):
            yield [FileRow(*row) for row in page]

    def search(self, title: str, limit: int) -> list[FileRow]:
        """Files whose title contains a text, as :func:`matching.key` spells both."""
        with self._open() as database:
            rows = database.execute(
                f'SELECT {_COLUMNS} FROM files '  # noqa: S608 - constants
                'WHERE scan = ? AND instr(title_key, ?) ORDER BY length(title_key), path LIMIT ?',
                [self.scan, matching.key(title), limit],
            ).fetchall()
        return [FileRow(*row) for row in rows]

    def _sql(self, kind: str, order: str = '') -> str:
        return _QUERIES[kind].format(where='scan = ? AND read_at >= ?', order=order)

    def _pages(self, sql: str, size: int, since: float) -> Generator[list[tuple[Any, ...]]]:
        with self._open() as database:
            cursor = database.execute(sql, [self.scan, since])
        while page := self._next(cursor, size):
            yield page

    def _next(self, cursor: sqlite3.Cursor, size: int) -> list[tuple[Any, ...]]:
        with self._lock, self._explained():
            return cursor.fetchmany(size)


@dataclasses.dataclass(frozen=True, slots=True)
class Album:
    """An album as its files describe it."""

    id: str
    title: str
    artist: str | None
    artist_id: str | None
    year: int | None
    count: int
    mtime_ns: int
    read_at: float


def digest(*parts: bytes | str) -> str:
    """128 bits in hex: with a million files, the odds of any two being equal are 1 in 10**27."""
    content = b'\0'.join(part.encode() if isinstance(part, str) else part for part in parts)
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def shown(path: bytes) -> str:
    """A path as text that can be stored; bytes that are no UTF-8 are replaced."""
    return path.decode('utf-8', 'replace')


def _names(listing: Listing) -> bytes:
    return b'\0'.join(entry.name for entry in listing.entries)


def _row(path: bytes, found: Found, tags: Tags, scan: int, now: float) -> FileRow:
    folders = [shown(part) for part in path.split(b'/')[:-1]]
    artist = tags.album_artist or tags.artist or _from_end(folders, 2)
    album = tags.album or _from_end(folders, 1)
    title = tags.title or shown(os.path.splitext(path.split(b'/')[-1])[0])
    artist_key = matching.key(artist)
    return FileRow(
        path=path,
        size=found.size,
        mtime_ns=found.mtime_ns,
        inode=found.identity[1],
        scan=scan,
        read_at=now,
        track_id=digest(path),
        title=title,
        title_key=matching.key(title),
        artist=tags.artist or artist,
        artist_id=digest('artist', artist_key) if artist_key else None,
        album_artist=artist,
        album_id=digest('album', artist_key, matching.key(album)) if album else None,
        album=album,
        number=tags.number,
        disc=tags.disc,
        year=tags.year,
        duration_ms=tags.duration_ms,
        mbid=tags.mbid,
    )


def _from_end(folders: Iterable[str], place: int) -> str | None:
    """The folder's name at that place from the end, for files without the tag."""
    names = list(folders)
    return names[-place] if len(names) >= place else None
