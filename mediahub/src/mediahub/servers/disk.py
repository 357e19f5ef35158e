# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Reads folders and tags: the one place where the filesystem dialect touches the disk."""

from __future__ import annotations

import dataclasses
import os
import stat
import struct
from typing import Protocol

import tinytag

from ..engine import coerce

# Tags beyond this are no names any more; a hostile file must not fill the index.
LONGEST_TAG = 2000

SUFFIXES = frozenset(
    {
        '.aac', '.aif', '.aiff', '.flac', '.m4a', '.m4b', '.mp2', '.mp3', '.oga', '.ogg', '.opus',
        '.wav', '.wma',
    }
)  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """A file or folder in a folder, links followed.

    Attributes:
        identity: Device and inode, which tell where a link leads.
    """

    name: bytes
    folder: bool
    size: int
    mtime_ns: int
    identity: tuple[int, int]


@dataclasses.dataclass(frozen=True, slots=True)
class Listing:
    """A folder.

    Attributes:
        mtime_ns: Changes whenever an entry comes or goes.
        broken: Entries of which nothing can be learnt, with the reason.
    """

    identity: tuple[int, int]
    mtime_ns: int
    entries: tuple[Found, ...]
    broken: tuple[tuple[bytes, str], ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Tags:
    """What an audio file says of itself."""

    title: str | None = None
    artist: str | None = None
    album_artist: str | None = None
    album: str | None = None
    number: int | None = None
    disc: int | None = None
    year: int | None = None
    duration_ms: int | None = None
    mbid: str | None = None


class Disk(Protocol):
    """What the dialect asks of a disk; both methods raise ``OSError`` where it fails."""

    def listing(self, folder: bytes) -> Listing:
        """Everything in a folder, by name."""
        ...

    def tags(self, file: bytes) -> Tags | None:
        """The tags of a file; None where it is no audio."""
        ...


class RealDisk:
    """The disk of this machine."""

    def listing(self, folder: bytes) -> Listing:
        """Everything in a folder, by name; pipes, sockets and devices are not music."""
        before = os.stat(folder)
        entries: list[Found] = []
        broken: list[tuple[bytes, str]] = []
        with os.scandir(folder) as found:
            for entry in found:
                if entry.name.startswith(b'.'):
                    continue
                try:
                    status = entry.stat()
                except OSError as error:
                    broken.append((entry.name, _reason(entry, error)))
                    continue
                # Opening a pipe would wait for whoever writes into it.
                if stat.S_ISDIR(status.st_mode) or stat.S_ISREG(status.st_mode):
                    entries.append(_found(entry.name, status))
        entries.sort(key=lambda item: item.name)
        identity = (before.st_dev, before.st_ino)
        return Listing(identity, before.st_mtime_ns, tuple(entries), tuple(sorted(broken)))

    def tags(self, file: bytes) -> Tags | None:
        """The tags of a file; None where it is no audio.

        tinytag gives an empty answer for most garbage, and stumbles over some.
        """
        try:
            found = tinytag.TinyTag.get(os.fsdecode(file))
        except (tinytag.TinyTagException, ValueError, LookupError, struct.error):
            return None
        return _tags(found) if found.duration else None


def _reason(entry: os.DirEntry[bytes], error: OSError) -> str:
    lost = entry.is_symlink() and isinstance(error, FileNotFoundError)
    return 'is a link that leads nowhere' if lost else str(error.strerror)


def _found(name: bytes, status: os.stat_result) -> Found:
    return Found(
        name=name,
        folder=stat.S_ISDIR(status.st_mode),
        size=status.st_size,
        mtime_ns=status.st_mtime_ns,
        identity=(status.st_dev, status.st_ino),
    )


def _tags(found: tinytag.TinyTag) -> Tags:
    other = found.other
    mbid = next(iter(other.get('musicbrainz_trackid') or ()), None)
    return Tags(
        title=_text(found.title),
        artist=_text(found.artist),
        album_artist=_text(found.albumartist),
        album=_text(found.album),
        number=coerce.integer(found.track),
        disc=coerce.integer(found.disc),
        year=coerce.year(found.year),
        duration_ms=coerce.integer((found.duration or 0) * 1000 + 0.5) or None,
        mbid=_text(mbid),
    )


def _text(value: object) -> str | None:
    found = coerce.text(value)
    # A tag in a broken encoding can hold halves of characters, which nothing can store.
    return found[:LONGEST_TAG].encode('utf-8', 'replace').decode() if found else None


def is_audio(name: bytes) -> bool:
    """Whether a file's name looks like audio."""
    return os.fsdecode(os.path.splitext(name)[1]).lower() in SUFFIXES
