# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Somebody watches a film, and the hub sees it: from Plex to the page and into the history.

What an operator would do first is done here as well, with the commands that they would type: the
server is claimed, and the hub gets its token.
"""

from __future__ import annotations

import dataclasses
import io
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from . import commands, errors, flags, hubprocess, session

if TYPE_CHECKING:
    from . import livingplex

TITLE: Final = 'The Long Ferry'
_VIEWER, _PLAYER = 'Anna', 'Living room'
_SECRET: Final = 'plex-token'  # noqa: S105  # its name
_LIVE, _HISTORY = '/api/v1/live', '/api/v1/history'
_PATIENCE: Final = 60.0  # seconds; a free machine needs less than one
_STEP: Final = 0.02


HINT: Final = (
    "To see it on the page: make rehearse ARGS='bundle.yaml --interactive', then type: film 60"
)


@dataclasses.dataclass(frozen=True)
class Pair:
    """A hub, and a Plex that it is related to."""

    hub: str
    plex: str


@dataclasses.dataclass(frozen=True)
class Journey:
    """How a session came from Plex to the hub.

    Attributes:
        seen: Seconds from its beginning until the hub showed it.
        ended: Seconds from its end until it was in the hub's history.
    """

    title: str
    seen: float
    ended: float


def command(at: session.Session, parsed: flags.Parsed) -> None:
    """Let somebody watch a film, and say where the hub shows it."""
    seconds = parsed.arguments[0] if parsed.arguments else '0'
    if not seconds.isdecimal():
        raise errors.InputError(f'invalid number of seconds "{seconds}"')
    found = pair(at)
    if found is None:
        raise errors.JujuError('no mediahub runs here that is related to a Plex')
    play(at, found, float(seconds))


def pair(at: session.Session) -> Pair | None:
    """Find a hub that runs as itself, and a Plex that people play on; None if there is none."""
    hubs = {name.rpartition('-')[0] for name, _ in hubprocess.running(at.rehearsal)}
    for relation in at.rehearsal.relations:
        for hub in relation.applications & hubs:
            for plex in relation.applications - hubs:
                if any(_peopled(at, plex)):
                    return Pair(hub, plex)
    return None


def _peopled(at: session.Session, application: str) -> Iterator[livingplex.PeopledPlex]:
    from . import livingplex  # it knows mediahub, which need not be installed

    return livingplex.running(at.rehearsal, application)


def play(at: session.Session, found: Pair, seconds: float = 0.0) -> Journey:
    """Let somebody watch a film on a Plex, and follow it to the hub.

    Args:
        at: The session; it is told what happens.
        found: The hub and the Plex.
        seconds: How long they watch once the hub shows it.

    Raises:
        errors.JujuError: It does not arrive.
    """
    server = next(_peopled(at, found.plex))
    _introduce(at, found, server)
    if seconds:
        at.say(f'The page: {_hub(at).sign_in()}')
    house = server.house
    film = next(row for row in house.shelves.rows.values() if row.title == TITLE)
    viewer = next((each for each in house.people.values() if each.name == _VIEWER), None)
    player = next((each for each in house.devices.values() if each.title == _PLAYER), None)
    who = viewer or house.person(_VIEWER), player or house.device(_PLAYER)
    eyes = _Eyes(at, _hub(at))
    eyes.until(lambda: eyes.listens(found.plex), f'the hub does not listen to {found.plex}')
    watching = house.play(*who, film.id)
    seen = eyes.until(lambda: TITLE in eyes.titles(_LIVE), 'the hub does not show the film')
    at.say(f'{_VIEWER} plays "{TITLE}": the hub shows it after {seen:.1f} s.')
    eyes.wait(seconds)
    watching.stop()
    ended = eyes.until(
        lambda: TITLE not in eyes.titles(_LIVE) and TITLE in eyes.titles(_HISTORY),
        'the end of the film is not in the history',
    )
    at.say(f'She stops: it is in the history, and no longer playing, after {ended:.1f} s.')
    return Journey(TITLE, round(seen, 3), round(ended, 3))


def _introduce(at: session.Session, found: Pair, server: livingplex.PeopledPlex) -> None:
    """Claim the server and give the hub its token, where nobody has yet."""
    if not server.claimed:
        _type(at, f'run {found.plex}/leader claim-server token=claim-of-the-rehearsal')
    if any(each['name'] == found.plex for each in _hub(at).servers()):
        return
    token = server.preference('PlexOnlineToken')
    secret = _type(at, f'add-secret {_SECRET} token={token}').strip()
    _type(at, f'grant-secret {_SECRET} {found.hub}')
    _type(at, f'config {found.hub} {_SECRET}={secret}')


def _hub(at: session.Session) -> hubprocess.HubProcess:
    return next(hub for _, hub in hubprocess.running(at.rehearsal))


def _type(at: session.Session, line: str) -> str:
    """Carry a command out, showing it but not what it prints."""
    invocation = commands.parse(line)
    if invocation is None:
        raise AssertionError(line)
    at.say(f'$ {invocation.shown}')
    printed, told = io.StringIO(), io.StringIO()
    aside = session.Session(at.rehearsal, printed, told)
    commands.execute(aside, invocation)
    if aside.failed:
        raise errors.JujuError(f'{invocation.shown}: {told.getvalue().strip() or "failed"}')
    return printed.getvalue()


class _Eyes:
    """Looks at the hub, which goes on meanwhile."""

    def __init__(self, at: session.Session, hub: hubprocess.HubProcess) -> None:
        self._rehearsal = at.rehearsal
        self.hub = hub

    def titles(self, path: str) -> list[str]:
        """Return the titles of the plays at a path of the API."""
        found: Any = self.hub.ask(path)
        return [each['item']['title'] for each in found['plays']]

    def listens(self, server: str) -> bool:
        """Whether the hub hears of what happens on a server, as it happens."""
        return any(each['name'] == server and each['realtime'] for each in self.hub.servers())

    def until(self, holds: Callable[[], bool], otherwise: str) -> float:
        """Wait until something is the case, and return how many seconds that took.

        Raises:
            errors.JujuError: It does not come to be the case.
        """
        began = time.monotonic()
        while not holds():
            if time.monotonic() - began > _PATIENCE:
                raise errors.JujuError(f'{otherwise} after {_PATIENCE:.0f} s')
            self._go_on()
        return time.monotonic() - began

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._go_on()

    def _go_on(self) -> None:
        self._rehearsal.kubernetes.tick()
        time.sleep(_STEP)
