# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Seerr's config folder: reading it as a whole, and changing it while Seerr is stopped."""

from __future__ import annotations

import dataclasses
import json
import posixpath
import typing
from collections.abc import Iterator, Mapping
from typing import Any, Final

import seerr
import seerr_settings
from seerr_settings import Database, Settings

if typing.TYPE_CHECKING:
    from charmarr_lib.pebble import Entry, Program

RECORD: Final = '/app/config/.charm-record.json'
_OURS: Final = ('settings.json', 'settings.old.json', 'db', 'logs')


@dataclasses.dataclass(frozen=True)
class Record:
    """What the charm has set for an ingress, and what was there before.

    It lies beside the settings, so that it outlives the pod and goes where they go. Without it
    nobody could tell, once the ingress is gone, whether the URL was the charm's or the user's.
    """

    url: str
    url_before: str = ''
    trust_before: bool = False


@dataclasses.dataclass(frozen=True)
class Folder:
    """The config folder as it was found.

    Attributes:
        settings: The settings, None when the file is damaged.
        mode: Mode of the settings file, None where there is none.
        database: What there is of the database.
        record: The charm's note, if it has left one.
        foreign_paths: Files and folders that belong to another user than Seerr's.
        restoring: Whether a restore was cut short.
    """

    settings: Settings | None
    mode: int | None
    database: Database
    record: Record | None
    foreign_paths: tuple[str, ...]
    restoring: bool


RESTORING: Final = '/app/config/.restoring'


def read(program: Program) -> Folder:
    """Read the folder.

    Raises:
        ProgramError: if Pebble does not let us.
    """
    top = program.entries(seerr.FOLDER)
    data: Mapping[str, Entry] = program.entries(seerr_settings.DATABASE) if 'db' in top else {}
    try:
        settings = seerr_settings.parse(program.read(seerr_settings.PATH))
    except seerr_settings.Damaged:
        settings = None
    file = top.get('settings.json')
    return Folder(
        settings=settings,
        mode=file.permissions if file else None,
        database=seerr_settings.database({name: each.size for name, each in data.items()}),
        record=_read_record(program) if _name(RECORD) in top else None,
        foreign_paths=tuple(_foreign(top, data)),
        restoring=_name(RESTORING) in top,
    )


def _name(path: str) -> str:
    return posixpath.basename(path)


def _foreign(top: Mapping[str, Entry], data: Mapping[str, Entry]) -> Iterator[str]:
    """Yield what Seerr could not write; a lost+found of the volume is nobody's concern."""
    for name in _OURS:
        if name in top and _owner(top[name]) != seerr.OWNER:
            yield posixpath.join(seerr.FOLDER, name)
    for name, each in data.items():
        if _owner(each) != seerr.OWNER:
            yield posixpath.join(seerr_settings.DATABASE, name)


def _owner(entry: Entry) -> tuple[int, int]:
    return entry.user_id, entry.group_id


def own(program: Program, folder: Folder) -> None:
    """Give the folder to Seerr, which exits at once where it cannot write.

    Raises:
        ProgramError: if that cannot be done, as on a read-only volume.
    """
    if not program.give(seerr.FOLDER, seerr.OWNER) and folder.foreign_paths:
        program.change_owner(folder.foreign_paths, seerr.OWNER)


def write_settings(program: Program, settings: Settings, mode: int | None) -> None:
    """Replace the settings file. Seerr must be stopped: it would write its own over it.

    Raises:
        ProgramError: if that cannot be done; the old file is still there.
    """
    content = seerr_settings.render(settings)
    program.write(
        seerr_settings.PATH,
        content,
        seerr.OWNER,
        seerr_settings.NEW_MODE if mode is None else mode,
    )


def write_record(program: Program, record: Record | None) -> None:
    """Note what is set for the ingress, or that nothing is.

    Raises:
        ProgramError: if that cannot be done.
    """
    if record is None:
        program.remove(RECORD)
    else:
        content = json.dumps(dataclasses.asdict(record)).encode()
        program.write(RECORD, content, seerr.OWNER, seerr_settings.NEW_MODE)


def _read_record(program: Program) -> Record | None:
    try:
        value: Any = json.loads(program.read(RECORD) or b'')
        return Record(str(value['url']), str(value['url_before']), value['trust_before'] is True)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None  # somebody has edited it; then the settings are the user's
