# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Who somebody is, to plex.tv and to the hub."""

from __future__ import annotations

import dataclasses
import datetime
import enum
from collections.abc import Callable

import msgspec

from ..access import Identity

Clock = Callable[[], datetime.datetime]

# A clock that is put right by less than this neither lets anybody in nor locks anybody out.
TOLERANCE = datetime.timedelta(days=1)


def now() -> datetime.datetime:
    """The time."""
    return datetime.datetime.now(datetime.UTC)


def moment(value: object) -> datetime.datetime:
    """A moment from the database, where the column is never empty."""
    if not isinstance(value, datetime.datetime):
        raise TypeError(f'the database holds a {type(value).__name__} in place of a time')
    return value.replace(tzinfo=datetime.UTC)


class Role(enum.Enum):
    """What somebody may do: change things, or look at them."""

    ADMIN = 'admin'
    VIEWER = 'viewer'


class Way(enum.Enum):
    """How somebody signed in."""

    PLEX = 'plex'
    LINK = 'link'


class Person(msgspec.Struct, frozen=True):
    """Somebody who may sign in.

    Attributes:
        account: Their id at plex.tv; empty for whoever came by a link.
        name: As plex.tv shows it.
    """

    account: str
    name: str
    role: Role


@dataclasses.dataclass(frozen=True, slots=True)
class Caller(Identity):
    """Who sends a request.

    Attributes:
        key: Of the session or API token.
        ticket: What the session's cookie holds; empty with API tokens.
    """

    key: str = ''
    ticket: str = dataclasses.field(default='', repr=False)
