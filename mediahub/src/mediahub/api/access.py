# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Who may ask: the two dependencies that guard every route, and what is behind them."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Protocol

import fastapi
from starlette.requests import HTTPConnection

from . import front
from .envelope import Problem


@dataclasses.dataclass(frozen=True, slots=True)
class Identity:
    """Somebody whom we know.

    Attributes:
        name: For the log and for people; no secret.
        admin: Whether they may change things.
        kind: How they are known: ``session`` or ``token``.
    """

    name: str
    admin: bool
    kind: str


class Doorkeeper(Protocol):
    """Knows people by what their requests carry."""

    async def identify(self, connection: HTTPConnection) -> Identity:
        """Who sends this: by session cookie or ``Authorization: Bearer``.

        Raises:
            Problem: 401, nobody whom we know; 403, a change that lacks the CSRF header or comes
                from another origin; 429, too many failures from that address.
        """
        ...

    async def by_token(self, token: str, address: str) -> Identity:
        """Whose API token this is.

        Args:
            token: As it was sent.
            address: Of the sender, who can be wrong only so often.

        Raises:
            Problem: 401, nobody's; 429, too many failures from that address.
        """
        ...


def doorkeeper(connection: HTTPConnection) -> Doorkeeper:
    """The hub's own."""
    found: Doorkeeper = connection.app.state.hub.auth
    return found


async def viewer(connection: HTTPConnection) -> Identity:
    """Let only those pass whom we know."""
    found = await doorkeeper(connection).identify(connection)
    front.identify(connection.scope, f'{found.name}/{found.kind}')
    return found


async def admin(found: Annotated[Identity, fastapi.Depends(viewer)]) -> Identity:
    """Let only those pass who may change things."""
    if not found.admin:
        raise Problem(403, 'FORBIDDEN', 'this is for administrators')
    return found


Viewer = Annotated[Identity, fastapi.Depends(viewer)]
Admin = Annotated[Identity, fastapi.Depends(admin)]
