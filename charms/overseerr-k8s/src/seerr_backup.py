# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Take a backup of the running Seerr, and put one back without losing what is there."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import io
import itertools
import logging
import pathlib
import posixpath
import tempfile
import typing
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO, Final

import seerr
import seerr_archive
import seerr_folder
import seerr_settings
import seerr_work
from charmarr_lib.pebble import ProgramError
from seerr import Failed, Flavour
from seerr_api import Client, Reason, SeerrError
from seerr_archive import Manifest, Unsound
from seerr_plan import Room
from seerr_settings import Stage

if typing.TYPE_CHECKING:
    from charmarr_lib.pebble import Program

logger = logging.getLogger(__name__)

FOLDER: Final = f'{seerr.FOLDER}/backups'
_FILE_MODE: Final = 0o600
_FOLDER_MODE: Final = 0o700
# An OSError is the charm container's own: archives are packed and unpacked on its disk.
_FAULTS: Final = (ProgramError, OSError)


@dataclasses.dataclass(frozen=True)
class Archive:
    """A backup in the config storage.

    Attributes:
        path: Where it lies in the container.
        sha256: Its checksum.
        size: Bytes.
    """

    path: str
    sha256: str
    size: int


def backup(program: Program) -> Archive:
    """Write settings and database to a new archive in the config storage.

    Seerr is stopped while its files are copied out of the container, and runs again before they
    are packed.

    Raises:
        Failed: if that cannot be done. Seerr runs again if it ran before.
    """
    try:
        with contextlib.ExitStack() as copies:
            room = seerr_work.look(program)
            files = _copy_while_stopped(program, copies)
            return _store(program, room, files, 'seerr')
    except _FAULTS as error:
        raise Failed(f'no backup was written: {error}') from error


def restore(program: Program, layer: Any, path: str, sha256: str) -> Archive | None:
    """Put settings and database back from an archive.

    Args:
        program: Seerr's service.
        layer: What runs it; it may not be in the plan, when what is there now is damaged.
        path: Where the archive lies in the container.
        sha256: Checksum to compare first, or empty.

    Returns:
        The archive of what was there before, None if nothing was.

    Raises:
        Failed: if the archive is unsound, or Seerr does not answer with it; what was there
            before is there again.
    """
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        try:
            room = seerr_work.look(program)
            manifest = _checked(program, path, sha256, folder)
            _check_flavour(manifest, room)
            safe, before = _set_aside(program, room, stack)
        except _FAULTS as error:
            raise Failed(f'nothing was restored: {error}') from error
        new = {name: stack.enter_context((folder / name).open('rb')) for name in manifest.files}
        _exchange(program, layer, new, before)
        return safe


def _set_aside(
    program: Program, room: Room, stack: contextlib.ExitStack
) -> tuple[Archive | None, dict[str, BinaryIO]]:
    """Stop Seerr, back up what there is, and leave a note for :func:`recover`."""
    program.stop()
    try:
        before = _copy_out(program, stack)
        safe = _store(program, room, before, 'before-restore') if before else None
        note = safe.path if safe else ''
        program.write(seerr_folder.RESTORING, note.encode(), seerr.OWNER, _FILE_MODE)
    except (*_FAULTS, Failed):
        if room.running:
            program.start()
        raise
    return safe, before


def recover(program: Program) -> None:
    """Put back what was there before a restore that was cut short.

    Raises:
        ProgramError: if Pebble or the container refuses.
        Failed: if the archive that was made before it cannot be used.
    """
    program.stop()
    path = (program.read(seerr_folder.RESTORING) or b'').decode(errors='replace').strip()
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        names: Iterable[str] = ()
        if path:
            try:
                with program.open(path) as archive:
                    names = seerr_archive.unpack(archive, folder, sound=False).files
            except Unsound as error:
                raise Failed(f'{path}: {error}') from error
        files = {name: stack.enter_context((folder / name).open('rb')) for name in names}
        _put(program, files)
    program.remove(seerr_folder.RESTORING)
    logger.warning('a restore was cut short: what was there before is back')


def _copy_while_stopped(program: Program, stack: contextlib.ExitStack) -> dict[str, BinaryIO]:
    running = program.is_running()
    program.stop()
    try:
        return _copy_out(program, stack)
    finally:
        if running:
            program.start()


def _copy_out(program: Program, stack: contextlib.ExitStack) -> dict[str, BinaryIO]:
    """Return open copies of the files there are; Seerr is stopped."""
    top = program.entries(seerr.FOLDER)
    present = set(top)
    if 'db' in top:
        present |= {f'db/{name}' for name in program.entries(seerr_settings.DATABASE)}
    return {
        name: stack.enter_context(program.open(_path(name)))
        for name in seerr_archive.FILES
        if name in present
    }


def _path(name: str) -> str:
    return posixpath.join(seerr.FOLDER, name)


def _store(program: Program, room: Room, files: dict[str, BinaryIO], prefix: str) -> Archive:
    """Pack the files and put the archive into the config storage, for nobody else to read."""
    if room.image is None or not files:
        raise Failed('there is nothing to back up yet')
    now = datetime.datetime.now(datetime.UTC)
    with tempfile.TemporaryFile() as packed:
        seerr_archive.write(
            packed,
            files,
            flavour=room.image.flavour,
            version=room.image.version,
            created=now.isoformat(timespec='seconds'),
        )
        size = packed.seek(0, io.SEEK_END)
        packed.seek(0)
        sha256 = seerr_archive.checksum(packed)
        program.make_folder(FOLDER, seerr.OWNER, _FOLDER_MODE)
        path = _free_path(program, f'{prefix}-{now:%Y%m%dT%H%M%SZ}')
        program.write(path, packed, seerr.OWNER, _FILE_MODE)
    return Archive(path, sha256, size)


def _free_path(program: Program, name: str) -> str:
    taken = program.entries(FOLDER)
    names = (name if not number else f'{name}-{number}' for number in itertools.count())
    return next(
        posixpath.join(FOLDER, f'{each}.tar.gz') for each in names if f'{each}.tar.gz' not in taken
    )


def _checked(program: Program, path: str, sha256: str, folder: pathlib.Path) -> Manifest:
    with program.open(path) as archive:
        if sha256 and seerr_archive.checksum(archive) != sha256:
            raise Failed('nothing was restored: the checksum is not that of the archive')
        try:
            return seerr_archive.unpack(archive, folder)
        except Unsound as error:
            raise Failed(f'nothing was restored: {error}') from error


def _check_flavour(manifest: Manifest, room: Room) -> None:
    """Refuse what the image could not read: Overseerr does not know its successors' tables."""
    flavour = room.image.flavour if room.image else None
    if flavour is Flavour.OVERSEERR and manifest.flavour is not flavour:
        raise Failed(f'nothing was restored: {flavour} cannot read a {manifest.flavour}')


def _exchange(
    program: Program, layer: Any, new: Mapping[str, BinaryIO], before: Mapping[str, BinaryIO]
) -> None:
    try:
        _put(program, new)
        program.give(seerr.FOLDER, seerr.OWNER)
        program.replan(layer)
        _see_it_answer(program)
        program.remove(seerr_folder.RESTORING)
    except (ProgramError, SeerrError) as error:
        back = _put_back(program, layer, before)
        raise Failed(f'Seerr does not run with the archive: {error}; {back}') from error


def _put_back(program: Program, layer: Any, before: Mapping[str, BinaryIO]) -> str:
    """Undo a restore; where even that fails, the next event tries it from the archive."""
    try:
        program.stop()
        _put(program, before)
        program.remove(seerr_folder.RESTORING)
        program.replan(layer)
    except ProgramError as error:
        return f'what was there before comes back with the next event: {error}'
    return 'what was there before is back'


def _put(program: Program, files: Mapping[str, BinaryIO]) -> None:
    """Make these the installation's files; what is not among them goes."""
    for name in seerr_archive.FILES:
        if name in files:
            files[name].seek(0)
            program.write(_path(name), files[name], seerr.OWNER, _FILE_MODE)
        else:
            program.remove(_path(name))


def _see_it_answer(program: Program) -> None:
    """See whether Seerr has come up, and knows its administrator if it had one.

    Raises:
        SeerrError: if not.
    """
    with Client(starting=True) as client:
        client.public_settings()
    room = seerr_work.look(program)
    if room.image is None or room.folder.settings is None:
        raise SeerrError(Reason.GARBAGE)
    settings = room.folder.settings
    stage = seerr_settings.stage(settings, room.folder.database, room.image.flavour)
    with Client(settings.api_key) as client:
        if stage in (Stage.SIGNED_IN, Stage.DONE) and not client.is_administrator():
            raise SeerrError(Reason.FORBIDDEN)
