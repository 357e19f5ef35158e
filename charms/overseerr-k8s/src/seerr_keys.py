# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Replace Seerr's API key, or leave the old one in place."""

from __future__ import annotations

import secrets
import typing

import seerr_folder
import seerr_plan
import seerr_settings
import seerr_work
from charmarr_lib.pebble import NotDone, ProgramError
from seerr import Failed
from seerr_api import Client, Reason, SeerrError
from seerr_plan import Room
from seerr_settings import Stage, Wanted

if typing.TYPE_CHECKING:
    from charmarr_lib.pebble import Program


def new_key() -> str:
    """Return a key that nobody can guess."""
    return secrets.token_hex(32)


def rotate(program: Program, key: str) -> None:
    """Stop Seerr, write the key, start Seerr, and see whether the key opens it.

    Raises:
        Failed: if it does not; then the old key has been put back.
    """
    try:
        room = seerr_work.look(program)
    except ProgramError as error:
        raise Failed(f'{error}; the API key is unchanged') from error
    settings = room.folder.settings
    if not room.running or settings is None or not settings.api_key:
        raise Failed('Seerr does not run; the API key is unchanged')
    old = settings.api_key
    try:
        _install(program, key)
        _verify(program, key)
    except (ProgramError, SeerrError) as error:
        raise Failed(f'{error}; {_put_back(program, old)}') from error


def _put_back(program: Program, old: str) -> str:
    try:
        _install(program, old)
    except ProgramError as error:
        return f'the old API key could not be put back: {error}'
    return 'the old API key is back'


def _install(program: Program, key: str) -> None:
    if not seerr_work.edit(program, lambda room: _write(program, room, key)):
        raise NotDone('settings.json was damaged by the stop')
    program.start()


def _write(program: Program, room: Room, key: str) -> bool:
    image, settings = room.image, room.folder.settings
    if image is None or settings is None or seerr_plan.fault(room) is not None:
        return False
    stage = seerr_settings.stage(settings, room.folder.database, image.flavour)
    merged = seerr_settings.merge(settings, Wanted(api_key=key), stage, image.flavour)
    if merged.values != settings.values:
        seerr_folder.write_settings(program, merged, room.folder.mode)
    return True


def _verify(program: Program, key: str) -> None:
    """See whether the key opens Seerr, as far as that can be seen.

    Before the first sign-in no key opens anything; then it has to do that Seerr has come up and
    kept the key.

    Raises:
        SeerrError: if Seerr does not come up, or refuses the key.
    """
    room = seerr_work.look(program)
    kept = room.folder.settings is not None and room.folder.settings.api_key == key
    with Client(key, starting=True) as client:
        client.public_settings()
        opens = client.is_administrator()
    if not kept or (_has_administrator(room) and not opens):
        raise SeerrError(Reason.FORBIDDEN)


def _has_administrator(room: Room) -> bool:
    image, settings = room.image, room.folder.settings
    if image is None or settings is None:
        return False
    stage = seerr_settings.stage(settings, room.folder.database, image.flavour)
    return stage in (Stage.SIGNED_IN, Stage.DONE)
