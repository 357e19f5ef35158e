# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Ends the sessions of people whom nothing is shared with any more.

No token of theirs is kept, so it is the owner's token, which the hub has anyway, that asks plex.tv
whom the servers are shared with. Nobody is signed out by what plex.tv does not say: a server whose
owner's token the hub does not have, or a list that did not come whole, proves nothing.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Mapping

from ...engine import errors
from ...settings import PlexServer
from ...store.database import StoreError
from . import plextv
from .liveness import TokenWatch
from .machines import Machines
from .people import Role, Way
from .plextv import PlexTv
from .sessions import SessionBook

log = logging.getLogger(__name__)

# Seconds. Not at once, as a hub that starts again and again would ask as often.
FIRST, EVERY = 600.0, 3600.0

# Between the list that misses somebody and the one that has to miss them, too.
CONFIRM = 60.0


class ShareWatch:
    """Watches whom the hub's servers are shared with.

    Args:
        plex: plex.tv.
        tokens: Of the servers.
        machines: Which servers the hub's are.
        sessions: Of people.
    """

    def __init__(
        self, plex: PlexTv, tokens: TokenWatch, machines: Machines, sessions: SessionBook
    ):
        self._plex = plex
        self._tokens = tokens
        self._machines = machines
        self._sessions = sessions

    async def run(self) -> None:
        """Look once an hour, until cancelled."""
        wait = FIRST
        while True:
            await asyncio.sleep(wait * random.uniform(0.8, 1.2))  # noqa: S311 - not for secrecy
            await self.look()
            wait = EVERY

    async def look(self) -> int:
        """Ask, where somebody is signed in, and end what has to end; says how many sessions."""
        gone = await self._gone()
        if not gone:
            return 0
        await asyncio.sleep(CONFIRM)
        ended = 0
        for account in gone & await self._gone():
            ended += await self._end(account)
        return ended

    async def _end(self, account: str) -> int:
        try:
            ended = await self._sessions.end_account(account)
        except StoreError as error:  # in memory they are over, and the rest is tried again
            log.warning('the end of sessions is not remembered yet: %s', error)
            return 0
        log.info('%d sessions end: nothing is shared with account %s any more', ended, account)
        return ended

    async def _gone(self) -> frozenset[str]:
        """Accounts with a session that they would not get now; empty where it cannot be told."""
        sessions = [one for one in self._sessions.living() if one.way is Way.PLEX]
        if not sessions:
            return frozenset()
        roles = await self._admitted()
        if roles is None:
            return frozenset()
        return frozenset(one.account for one in sessions if not _may(one.role, roles, one.account))

    async def _admitted(self) -> dict[str, Role] | None:
        """What each account may do that has access; None where that cannot be told."""
        machines, unknown = await self._machines.known()
        roles, proven = dict[str, Role](), set[str]()
        try:
            for server in self._tokens.servers:
                proven |= await self._add(server, machines, roles)
        except errors.MediaServerError as error:
            log.info('plex.tv was not asked whom the servers are shared with: %s', error)
            return None
        if unknown or proven != set(machines):
            names = [*unknown, *(machines[machine] for machine in set(machines) - proven)]
            log.info('who has access to %s cannot be told by its token', ', '.join(names))
            return None
        return roles

    async def _add(
        self, server: PlexServer, machines: Mapping[str, str], roles: dict[str, Role]
    ) -> set[str]:
        """Add the owner whose token a server's is, and their guests; answers their servers."""
        token = server.token.get_secret_value()
        resources = await self._plex.resources(token)
        owned = {m for m, own in plextv.roles(resources, machines).items() if own}
        if not owned:
            return set()  # a guest's token tells nothing of the other guests
        owner = await self._plex.user(token)
        for guest in await self._plex.guests(token):
            if guest.home or guest.machines & owned:
                roles.setdefault(guest.account, Role.VIEWER)
        roles[str(owner.id)] = Role.ADMIN
        return owned


def _may(role: Role, roles: Mapping[str, Role], account: str) -> bool:
    found = roles.get(account)
    return found is Role.ADMIN or (found is not None and role is Role.VIEWER)
