# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Signing in with Plex: a PIN that the user confirms on Plex's page, then what they can reach.

plex.tv sends the browser back exactly to the address it was given, with nothing added, so that
our state and the browser's cookie are what ties the two ends together. The user's token is used
for two questions and dropped.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence
from typing import Protocol
from urllib.parse import urlencode

from ...engine import errors
from ..envelope import Problem
from . import plextv
from .flows import Flow, FlowBook
from .machines import Machines
from .people import Person, Role
from .plextv import Pin, PlexTv

# Plex sends the browser back at the moment of confirming; its other machines may know it later.
PAUSES = (0.0, 0.5, 1.0)

HELP = "where plex.tv is down, `mediahub sign-in` on the hub's machine lets you in"


class Pins(Protocol):
    """A kind of PIN."""

    async def make(self) -> Pin:
        """Make one."""
        ...

    async def confirmed(self, pin: str) -> str | None:
        """The token of a confirmed one; None while it is not confirmed."""
        ...


@dataclasses.dataclass(frozen=True)
class Started:
    """A sign-in that was begun.

    Attributes:
        page: Plex's page, to send the browser to.
        seconds: For which it can be finished.
    """

    page: str = dataclasses.field(repr=False)
    state: str = dataclasses.field(repr=False)
    seconds: int


class SignIn:
    """Signs people in.

    Args:
        plex: plex.tv.
        pins: The kind of PIN.
        way: What that kind is called in the settings.
        flows: Sign-ins on their way.
        machines: The hub's servers.
        shared: Whether those may come in whom a server is shared with.
        pauses: Seconds before each look at a PIN.
    """

    def __init__(
        self,
        plex: PlexTv,
        pins: Pins,
        way: str,
        flows: FlowBook,
        machines: Machines,
        shared: bool = True,
        pauses: Sequence[float] = PAUSES,
    ):
        self._plex = plex
        self._pins = pins
        self._way = way
        self._flows = flows
        self._machines = machines
        self._shared = shared
        self._pauses = pauses

    async def start(self, return_to: str, verifier: str, callback: str) -> Started:
        """Begin.

        Args:
            return_to: Path of ours to go to at the end; has been checked.
            verifier: That the browser will hold.
            callback: Address to which Plex sends the browser back.

        Raises:
            Problem: plex.tv does not answer as it should.
        """
        try:
            pin = await self._pins.make()
        except errors.MediaServerError as error:
            raise _explained(error) from error
        flow = await self._flows.begin(str(pin.id), self._way, return_to, verifier, pin.expires_in)
        separator = '&' if '?' in callback else '?'
        forward = f'{callback}{separator}{urlencode({"state": flow.state})}'
        seconds = max(1, int((flow.expires_at - flow.created_at).total_seconds()))
        return Started(self._plex.page(pin, forward), flow.state, seconds)

    async def finish(self, state: str, verifiers: Sequence[str]) -> tuple[Person, str]:
        """Finish: who came, and the path to go to.

        Args:
            state: That the browser brought back.
            verifiers: That the browser holds.

        Raises:
            Problem: They may not come in, or it cannot be told whether they may.
        """
        flow = await self._flows.take(state, verifiers)
        if flow.way != self._way:
            raise Problem(400, 'STATE_INVALID', 'the way of signing in was changed; begin again')
        try:
            person = await self.admitted(await self._token(flow))
        except errors.MediaServerError as error:
            await self._flows.put_back(flow, checked=False)
            raise _explained(error) from error
        return person, flow.return_to

    async def _token(self, flow: Flow) -> str:
        try:
            token = await self._confirmed(flow.pin)
        except errors.NotFound as error:
            message = 'Plex waited too long for the confirmation; begin again'
            raise Problem(410, 'PIN_EXPIRED', message) from error
        except plextv.KeyRefused as error:
            message = 'plex.tv refused the key of this hub; begin again, with a new one'
            raise Problem(502, 'PLEXTV_ERROR', message) from error
        if token is None:
            await self._flows.put_back(flow, checked=True)
            message = 'Plex has not confirmed this sign-in yet; do so there, then reload this page'
            raise Problem(409, 'PIN_PENDING', message)
        return token

    async def _confirmed(self, pin: str) -> str | None:
        for pause in self._pauses:
            await asyncio.sleep(pause)
            if token := await self._pins.confirmed(pin):
                return token
        return None

    async def admitted(self, token: str) -> Person:
        """Who a token is of, and what they may do here.

        Raises:
            Problem: They have no access to any of the hub's servers.
            MediaServerError: plex.tv does not say.
        """
        (machines, unknown), user, resources = await asyncio.gather(
            self._machines.known(), self._plex.user(token), self._plex.resources(token)
        )
        found = plextv.roles(resources, machines)
        if not found:
            raise _stranger(user.name, unknown)
        role = Role.ADMIN if any(found.values()) else Role.VIEWER
        if role is Role.VIEWER and not self._shared:
            message = f'the Plex account {plain(user.name)} owns no server of this hub'
            raise Problem(403, 'NO_ACCESS', f'{message}, and only owners may come in')
        return Person(str(user.id), plain(user.name), role)


def plain(name: str) -> str:
    """A name as it can be shown and logged: short, on one line."""
    return ''.join(letter for letter in name if letter.isprintable())[:80] or 'unnamed'


def _stranger(name: str, unknown: Sequence[str]) -> Problem:
    if unknown:
        message = f'it cannot be told who may come in: {", ".join(unknown)} does not answer'
        return Problem(503, 'PLEX_ERROR', f'{message}; try again later, or: {HELP}')
    message = f'the Plex account {plain(name)} has no access to a server of this hub'
    return Problem(403, 'NO_ACCESS', message)


def _explained(error: errors.MediaServerError) -> Problem:
    """What is wrong with plex.tv, for who waits for it."""
    status = 504 if isinstance(error, errors.TimedOut) else 502
    headers = dict[str, str]()
    if isinstance(error, errors.RateLimited | errors.CircuitOpen):
        status = 503
        headers['Retry-After'] = str(max(1, round(error.retry_after or 1)))
    message = f'{error}; try again later; {HELP}'
    return Problem(status, 'PLEXTV_ERROR', message, headers=headers)
