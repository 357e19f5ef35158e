# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Whose library, playlists and plays are meant."""

from __future__ import annotations

import dataclasses

from ..engine import coerce, errors
from .jellyfin_requests import Requests
from .jellyfin_settings import JellyfinSettings
from .jellyfin_wire import User, UserPolicy


@dataclasses.dataclass(frozen=True, slots=True)
class Account:
    """Whose playlists and plays are meant, and what the credential may do."""

    id: str
    name: str
    administrator: bool


async def find(server: str, requests: Requests, settings: JellyfinSettings) -> Account:
    """The token's user; with a key, the one that is configured, or the first administrator.

    Raises:
        NotFound: There is no such user.
    """
    if settings.auth == 'user-token':
        user = await requests.get('/Users/Me', User)
        return _account(server, user, administrator=_administers(user))
    users = await requests.get('/Users', list[User])
    wanted = settings.user
    for user in users:
        if coerce.text(user.name) == wanted or (wanted is None and _administers(user)):
            return _account(server, user, administrator=True)
    names = ', '.join(coerce.texts(user.name for user in users)) or 'none'
    raise errors.NotFound(server, f'no user {wanted or "that administers"!r}; {names}')


def _account(server: str, user: User, *, administrator: bool) -> Account:
    user_id = coerce.text(user.id)
    if user_id is None:
        raise errors.ProtocolError(server, 'a user without an id')
    return Account(user_id, coerce.text(user.name) or '', administrator)


def _administers(user: User) -> bool:
    return (user.policy or UserPolicy()).is_administrator is True
