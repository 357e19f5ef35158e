# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Links that sign in once, for whoever can write to the hub's home: when plex.tv is down.

The database belongs to the running hub alone, so the command leaves a file: its name is the hash
of what the link holds, its content when it ends and what may be done. Whoever removes the file
has used the link, and only one can.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import pathlib
import re
import secrets

import msgspec

from ...engine.errors import MediaHubError
from . import tickets
from .people import Clock, Role, now

FOLDER = 'sign-in'
PATH = '/api/v1/auth/link/'

LIFETIME = datetime.timedelta(minutes=10)

_HASH = re.compile(r'[0-9a-f]{64}')
_LARGEST = 1024


class Link(msgspec.Struct, frozen=True):
    """What a link allows.

    Attributes:
        name: For whom it is, as the session will be called.
    """

    role: Role
    name: str
    created_at: datetime.datetime
    expires_at: datetime.datetime


class LinkError(MediaHubError):
    """The link could not be made."""


class LinkBook:
    """The links of one home.

    Args:
        home: The hub's folder.
        clock: The time.
    """

    def __init__(self, home: pathlib.Path, clock: Clock = now):
        self._folder = home / FOLDER
        self._clock = clock

    def make(
        self,
        role: Role = Role.ADMIN,
        name: str = 'administrator',
        lifetime: datetime.timedelta = LIFETIME,
    ) -> str:
        """Make a link; returns its path, to be put behind the hub's address.

        Raises:
            LinkError: The home cannot be written.
        """
        ticket, began = tickets.fresh(), self._clock()
        link = Link(role, name, began, began + lifetime)
        place = self._folder / tickets.hashed(ticket)
        try:
            self._make_folder()
            draft = self._folder / f'.{secrets.token_hex(8)}'
            draft.touch(mode=0o600, exist_ok=False)
            draft.write_bytes(msgspec.json.encode(link))
            self._give(draft)
            draft.rename(place)  # whole or not at all
        except OSError as error:
            reason = f'{self._folder} cannot be written: {error.strerror}'
            raise LinkError(f'{reason}; run this as the user that the hub runs as') from error
        return PATH + ticket

    def _make_folder(self) -> None:
        self._folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self._folder.exists():
            self._folder.mkdir(mode=0o700, exist_ok=True)
            self._give(self._folder)

    def _give(self, place: pathlib.Path) -> None:
        """Let root, as whom one comes into a container, make links for the hub's own user."""
        owner = self._folder.parent.stat()
        if os.geteuid() == 0 and owner.st_uid != 0:
            os.chown(place, owner.st_uid, owner.st_gid)

    def look(self, ticket: str) -> Link | None:
        """What a ticket allows, without using it; None where it allows nothing."""
        return self._read(self._folder / tickets.hashed(ticket))

    def use(self, ticket: str) -> Link | None:
        """What a ticket allows, this once; None where it allows nothing, or nothing any more."""
        place = self._folder / tickets.hashed(ticket)
        link = self._read(place)
        if link is None:
            return None
        try:
            place.unlink()
        except OSError:
            return None  # another was faster; or it would stay, and be no single use
        return link

    def sweep(self) -> None:
        """Remove links of ours that are over."""
        with contextlib.suppress(OSError):
            for place in self._folder.iterdir():
                if _HASH.fullmatch(place.name) and self._read(place) is None:
                    place.unlink(missing_ok=True)

    def _read(self, place: pathlib.Path) -> Link | None:
        try:
            with place.open('rb') as file:
                link = msgspec.json.decode(file.read(_LARGEST), type=Link)
        except (OSError, msgspec.DecodeError):
            return None
        today = self._clock()
        lives = link.created_at - LIFETIME <= today < link.expires_at
        return link if lives else None
