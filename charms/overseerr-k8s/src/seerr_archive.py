# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The archive of a backup: how it is written, and how it is checked before anybody relies on it.

It is a compressed tar file with a manifest and up to four files. The database is taken with its
write-ahead log: after a stop nearly all data are in there, and without it the rest is worthless.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import pathlib
import sqlite3
import tarfile
import tempfile
import typing
from collections.abc import Mapping
from typing import Any, BinaryIO, Final

import seerr_settings
from seerr import Flavour
from seerr_settings import Fault

FILES: Final = ('settings.json', 'db/db.sqlite3', 'db/db.sqlite3-wal', 'db/db.sqlite3-shm')
"""What makes up an installation, below the config folder."""

_MANIFEST: Final = 'manifest.json'
_FORMAT: Final = 1
_CHUNK: Final = 1 << 20
_MAX_MANIFEST: Final = 1 << 16


class Unsound(Exception):
    """The archive cannot be used; the message says why, in one line."""


@dataclasses.dataclass(frozen=True)
class Manifest:
    """What an archive says of itself.

    Attributes:
        flavour: The program that it was taken from.
        version: Its release.
        created: When it was taken, in UTC.
        files: Size in bytes and SHA-256 of each file.
    """

    flavour: Flavour
    version: str
    created: str
    files: Mapping[str, tuple[int, str]]


def checksum(file: BinaryIO) -> str:
    """Return the SHA-256 of a file from where it stands, and rewind it."""
    digest = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()


def write(
    target: BinaryIO,
    files: Mapping[str, BinaryIO],
    *,
    flavour: Flavour,
    version: str,
    created: str,
) -> None:
    """Write an archive of the files, and rewind it."""
    sizes = {name: file.seek(0, io.SEEK_END) for name, file in files.items()}
    for file in files.values():
        file.seek(0)
    manifest = {
        'format': _FORMAT,
        'flavour': flavour.value,
        'version': version,
        'created': created,
        'files': {
            name: {'size': sizes[name], 'sha256': checksum(file)} for name, file in files.items()
        },
    }
    text = json.dumps(manifest, indent=1).encode()
    with tarfile.open(fileobj=target, mode='w:gz') as archive:
        archive.addfile(_member(_MANIFEST, len(text)), io.BytesIO(text))
        for name, file in files.items():
            archive.addfile(_member(name, sizes[name]), file)
    target.seek(0)


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size = size
    member.mode = 0o600
    return member


def unpack(source: BinaryIO, folder: pathlib.Path, *, sound: bool = True) -> Manifest:
    """Unpack an archive into an empty folder, and check all of it.

    Args:
        source: The archive.
        folder: Where its files go; nothing is written outside it.
        sound: Whether Seerr has to be able to start with it. One that was taken of a damaged
            installation, to be able to go back to that, need not be.

    Raises:
        Unsound: if anything is missing, too much or altered, or would not start.
    """
    try:
        with tarfile.open(fileobj=source, mode='r:gz') as archive:
            manifest = _manifest(archive)
            _extract(archive, manifest, folder)
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:
        # A gzip stream that was cut short, or is none, shows as any of these.
        raise Unsound('the archive is damaged, or none of ours') from error
    if sound:
        _check_content(manifest, folder)
    return manifest


def _manifest(archive: tarfile.TarFile) -> Manifest:
    member = archive.next()
    file = archive.extractfile(member) if member is not None else None
    if member is None or file is None or member.name != _MANIFEST:
        raise Unsound('the archive has no manifest: it is none of ours')
    if member.size > _MAX_MANIFEST:
        raise Unsound('the manifest of the archive is too long')
    try:
        return _parse_manifest(json.load(file))
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError):
        raise Unsound('the manifest of the archive is malformed') from None


def _parse_manifest(values: Any) -> Manifest:
    if values['format'] != _FORMAT:
        raise Unsound('the archive was written by a newer charm: refresh this one first')
    files = {
        str(name): (int(each['size']), str(each['sha256']))
        for name, each in values['files'].items()
    }
    if not files or not files.keys() <= set(FILES):
        raise Unsound('the archive names files that are none of Seerr')
    return Manifest(
        Flavour(values['flavour']), str(values['version']), str(values['created']), files
    )


def _extract(archive: tarfile.TarFile, manifest: Manifest, folder: pathlib.Path) -> None:
    missing = dict(manifest.files)
    while (member := archive.next()) is not None:
        # The name is one of four, so it cannot lead out of the folder.
        size, sha256 = missing.pop(member.name, (None, None))
        file = archive.extractfile(member) if member.isreg() else None
        if size is None or file is None or member.size != size:
            raise Unsound(f'{member.name!r} in the archive is not what the manifest says')
        if _save(typing.cast('BinaryIO', file), folder / member.name) != sha256:
            raise Unsound(f'{member.name!r} in the archive has been altered')
    if missing:
        raise Unsound(f'the archive lacks {", ".join(missing)}')


def _save(file: BinaryIO, place: pathlib.Path) -> str:
    place.parent.mkdir(exist_ok=True)
    digest = hashlib.sha256()
    with place.open('wb') as target:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            target.write(chunk)
    return digest.hexdigest()


def _check_content(manifest: Manifest, folder: pathlib.Path) -> None:
    file = folder / 'settings.json'
    try:
        settings = seerr_settings.parse(file.read_bytes() if file.exists() else None)
    except seerr_settings.Damaged:
        raise Unsound(f'in the archive, {Fault.NOT_JSON.value.partition(":")[0]}') from None
    sizes = {place.name: place.stat().st_size for place in (folder / 'db').glob('*')}
    fault = seerr_settings.fault(settings, seerr_settings.database(sizes), manifest.flavour)
    if fault is not None:
        raise Unsound(f'in the archive, {fault.value.partition(":")[0]}')
    if sizes:
        _check_database(folder / 'db')


def _check_database(folder: pathlib.Path) -> None:
    """Let SQLite read all of a copy: opening it folds the log, and the original must stay."""
    with tempfile.TemporaryDirectory() as scratch:
        for place in folder.iterdir():
            (pathlib.Path(scratch) / place.name).write_bytes(place.read_bytes())
        try:
            verdict = _quick_check(pathlib.Path(scratch) / 'db.sqlite3')
        except sqlite3.Error as error:
            raise Unsound('the database in the archive is damaged') from error
    if verdict != 'ok':
        raise Unsound('the database in the archive is damaged')


def _quick_check(path: pathlib.Path) -> str:
    connection = sqlite3.connect(path)
    try:
        return str(connection.execute('PRAGMA quick_check(1)').fetchone()[0])
    finally:
        connection.close()
