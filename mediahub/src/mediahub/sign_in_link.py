# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Makes a sign-in link for a person on the hub's machine; what ``mediahub sign-in`` prints."""

from __future__ import annotations

import datetime

import msgspec

from .api.auth.links import LIFETIME, LinkBook
from .api.auth.people import Role, now
from .serve import control
from .settings import Settings


class SignInLink(msgspec.Struct, frozen=True):
    """A link that signs in once.

    Attributes:
        notes: One line each, for people.
    """

    url: str
    expires_at: datetime.datetime
    notes: list[str]


def make(settings: Settings, *, viewer: bool = False) -> SignInLink:
    """Make a link.

    Args:
        settings: The hub's.
        viewer: It is for somebody who may look at things, not change them.

    Raises:
        LinkError: The hub's home cannot be written.
    """
    role = Role.VIEWER if viewer else Role.ADMIN
    name = 'guest' if viewer else 'administrator'
    expires_at = now() + LIFETIME
    path = LinkBook(settings.home).make(role, name)
    minutes = round(LIFETIME.total_seconds() / 60)
    notes = [f'the link signs in once, within {minutes} minutes, as {name}']
    running = control.read(settings.home)
    if running is None:
        notes.append(f'no hub runs on {settings.home}; start it with: mediahub serve')
    return SignInLink(_address(settings, running) + path, expires_at, notes)


def _address(settings: Settings, running: control.Control | None) -> str:
    """Where browsers find the hub; from this machine, where nothing says more."""
    if settings.origin:
        return settings.origin
    if running:
        return running.url
    host = f'[{settings.host}]' if ':' in settings.host else settings.host
    return f'http://{host}:{settings.port}'
