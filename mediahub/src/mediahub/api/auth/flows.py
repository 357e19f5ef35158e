# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Sign-ins that were begun and wait for the browser to come back from Plex.

Each belongs to the browser that began it: the browser holds a verifier, the hub its challenge
(S256). The PIN's id never leaves the hub. A state is used once; that another browser comes back
with it ends the sign-in, because then somebody may have been talked into confirming a stranger's.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Sequence

from ...store.database import Database, stored
from ..envelope import Problem
from . import tickets
from .people import TOLERANCE, Clock, moment, now

# However long the PIN lives.
LONGEST = datetime.timedelta(minutes=15)

# How often one may come back before the PIN was confirmed. Few, so that nobody can lie in wait
# for the moment in which somebody else confirms it.
CHECKS = 3

# Begun and not finished, of all people together; then the oldest goes.
MOST = 500


@dataclasses.dataclass(frozen=True)
class Flow:
    """A sign-in on its way.

    Attributes:
        pin: Id of the PIN at plex.tv.
        way: Value of ``PLEX_AUTH_FLOW`` when it was begun.
        return_to: Path to go to at the end.
        checks: How often the PIN was found unconfirmed.
    """

    state: str = dataclasses.field(repr=False)
    challenge: str
    pin: str = dataclasses.field(repr=False)
    way: str
    return_to: str
    created_at: datetime.datetime
    expires_at: datetime.datetime
    checks: int = 0


class FlowBook:
    """All sign-ins on their way."""

    def __init__(self, database: Database, clock: Clock = now):
        self._database = database
        self._clock = clock

    async def begin(
        self, pin: str, way: str, return_to: str, verifier: str, lifetime: float
    ) -> Flow:
        """Keep a sign-in.

        Args:
            pin: Id of the PIN.
            way: As in :class:`Flow`.
            return_to: As in :class:`Flow`.
            verifier: That the browser holds.
            lifetime: Seconds for which the PIN lives.
        """
        began = self._clock()
        flow = Flow(
            state=tickets.fresh(),
            challenge=tickets.challenge(verifier),
            pin=pin,
            way=way,
            return_to=return_to,
            created_at=began,
            expires_at=began + min(LONGEST, datetime.timedelta(seconds=lifetime)),
        )
        await self._database.run(lambda: self._insert(flow))
        return flow

    async def take(self, state: str, verifiers: Sequence[str]) -> Flow:
        """Take the sign-in of a state out; nobody else finds it afterwards.

        Args:
            state: As the browser brought it back.
            verifiers: That the browser holds.

        Raises:
            Problem: There is none, or it belongs to another browser.
        """
        flow = await self._database.run(lambda: self._taken(state))
        if flow is None or not self._lives(flow):
            message = 'this sign-in is over: it was used already or took too long; begin again'
            raise Problem(400, 'STATE_INVALID', message)
        challenges = [tickets.challenge(verifier) for verifier in verifiers]
        matches = [tickets.same(challenge, flow.challenge) for challenge in challenges]
        if not any(matches):
            message = 'this sign-in was begun in another browser and is ended; begin again here'
            raise Problem(403, 'OTHER_BROWSER', message)
        return flow

    async def put_back(self, flow: Flow, checked: bool) -> None:
        """Let a sign-in be tried again.

        Args:
            flow: As it was taken.
            checked: Plex said that the PIN is not confirmed yet, which is allowed a few times.
        """
        again = dataclasses.replace(flow, checks=flow.checks + checked)
        if again.checks < CHECKS:
            await self._database.run(lambda: self._insert(again))

    async def sweep(self) -> None:
        """Forget those that are over."""
        over = stored(self._clock())
        sql = 'DELETE FROM auth_flows WHERE expires_at <= ?'
        await self._database.run(lambda: self._database.execute(sql, [over]))

    def _insert(self, flow: Flow) -> None:
        values = [
            tickets.hashed(flow.state),
            flow.challenge,
            flow.pin,
            flow.way,
            flow.return_to,
            flow.checks,
            stored(flow.created_at),
            stored(flow.expires_at),
        ]
        with self._database.transaction():
            self._database.execute(_CROWD_OUT, [MOST - 1])
            self._database.execute(_INSERT, values)

    def _taken(self, state: str) -> Flow | None:
        rows = self._database.rows(_TAKE, [tickets.hashed(state)])
        if not rows:
            return None
        challenge, pin, way, return_to, checks, created_at, expires_at = rows[0]
        return Flow(
            state=state,
            challenge=challenge,
            pin=pin,
            way=way,
            return_to=return_to,
            created_at=moment(created_at),
            expires_at=moment(expires_at),
            checks=checks,
        )

    def _lives(self, flow: Flow) -> bool:
        today = self._clock()
        return flow.created_at - TOLERANCE <= today < flow.expires_at


_INSERT = """
    INSERT INTO auth_flows
        (mark, challenge, pin, way, return_to, checks, created_at, expires_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_TAKE = """
    DELETE FROM auth_flows WHERE mark = ?
    RETURNING challenge, pin, way, return_to, checks, created_at, expires_at
"""
_CROWD_OUT = """
    DELETE FROM auth_flows WHERE mark NOT IN
        (SELECT mark FROM auth_flows ORDER BY created_at DESC LIMIT ?)
"""
