# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Pictures on disk, within bounds. What is here can be had again; losing it costs nothing."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import pathlib
import re
import tempfile

from ..playback import plex_pictures

log = logging.getLogger(__name__)

# Bytes of all pictures together; beyond it those that were not asked for longest go.
MOST = 256 * 1024 * 1024

_NAME = re.compile(r'[0-9a-f]{64}')


class PictureCache:
    """A folder of pictures. All calls block.

    Args:
        folder: For nothing else; made when it is needed.
        most: Bytes of all pictures together.
    """

    def __init__(self, folder: pathlib.Path, most: int = MOST):
        self._folder = folder
        self._most = most
        self._size: int | None = None

    def get(self, server: str, path: str, box: str) -> bytes | None:
        """A picture that is here.

        Args:
            server: Machine identifier.
            path: Of the picture on it.
            box: Which size.
        """
        file = self._file(server, path, box)
        try:
            picture = file.read_bytes()
            os.utime(file)
        except OSError:
            return None
        return picture if plex_pictures.kind(picture) else None

    def put(self, server: str, path: str, box: str, picture: bytes) -> None:
        """Keep a picture. A disk that takes none is no error: it is asked for again."""
        if len(picture) > plex_pictures.LARGEST or plex_pictures.kind(picture) is None:
            return
        try:
            self._write(self._file(server, path, box), picture)
            if self._total() > self._most:
                self._shrink()
        except OSError as error:
            log.warning('pictures cannot be kept in %s: %s', self._folder, error.strerror)

    def _file(self, server: str, path: str, box: str) -> pathlib.Path:
        name = hashlib.sha256('\n'.join((server, path, box)).encode()).hexdigest()
        return self._folder / name

    def _write(self, file: pathlib.Path, picture: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._folder, prefix='new-')
        try:
            with os.fdopen(handle, 'wb') as new:
                new.write(picture)
            pathlib.Path(name).replace(file)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise
        self._size = self._total() + len(picture)

    def _total(self) -> int:
        if self._size is None:
            self._size = sum(entry.stat().st_size for entry in self._entries())
        return self._size

    def _entries(self) -> list[os.DirEntry[str]]:
        """The files that are ours, and no others that somebody may have put there."""
        with contextlib.suppress(FileNotFoundError), os.scandir(self._folder) as found:
            return [entry for entry in found if _NAME.fullmatch(entry.name)]
        return []

    def _shrink(self) -> None:
        """Let go of a fifth, those first that were not asked for longest."""
        entries = sorted(self._entries(), key=lambda entry: entry.stat().st_mtime)
        total = sum(entry.stat().st_size for entry in entries)
        for entry in entries:
            if total <= self._most * 0.8:
                break
            total -= entry.stat().st_size
            os.unlink(entry.path)
        self._size = total
