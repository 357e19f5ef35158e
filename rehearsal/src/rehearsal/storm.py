# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What fails charms between two steps: requests refused, lost or never answered, pods that die."""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import http.client
from collections.abc import Generator
from typing import Final

import httpx2
from ops import pebble

from charmarr_lib.testing.kubernetes import Fault, KubernetesFake
from charmarr_lib.testing.pebble import PebbleFake

from . import model
from .dispatch import AgentKilled, PodKilled

_API: Final = 'kubernetes.default.svc'
_KINDS: Final = frozenset({'Namespace', 'Pod', 'Service'})
_PAGE: Final = '<html><body>Please log in</body></html>'


class Target(enum.Enum):
    """Whom a charm asks."""

    API = 'api'
    WORKLOAD = 'workload'
    ANY = 'any'
    """Either, over the network."""
    PEBBLE = 'pebble'

    @classmethod
    def of(cls, request: httpx2.Request) -> Target:
        """Return where a request goes."""
        return cls.API if request.url.host.startswith(_API) else cls.WORKLOAD

    def meets(self, asked: Target) -> bool:
        """Tell whether this is who is asked."""
        return self is asked or (self is Target.ANY and asked is not Target.PEBBLE)


class Way(enum.Enum):
    """What becomes of a request."""

    REFUSED = 'refused'
    TIMEOUT = 'timeout'
    LOST_REPLY = 'lost-reply'
    """It takes effect, and the answer comes too late."""
    UNAVAILABLE = 'unavailable'
    BROKEN = 'broken'
    THROTTLED = 'throttled'
    GARBLED = 'garbled'
    """Something else answers 200, as a proxy's login page does."""
    KILL_BEFORE = 'kill-before'
    """The pod of the asking charm dies, and the request is never sent."""
    KILL_AFTER = 'kill-after'
    """It takes effect, and the pod of the asking charm dies."""
    AGENT_BEFORE = 'agent-before'
    """The charm's container dies, that of the workload lives on, and nothing is sent."""
    AGENT_AFTER = 'agent-after'
    """It takes effect, and the charm's container dies, but not that of the workload."""
    USURP = 'usurp'
    """The asking unit loses the leadership meanwhile, to another unit if there is one."""


_CODES: Final = {Way.UNAVAILABLE: 503, Way.BROKEN: 500, Way.THROTTLED: 429}
_REACHING: Final = frozenset({Way.LOST_REPLY, Way.KILL_AFTER, Way.AGENT_AFTER, Way.USURP})
_PODS_END: Final = frozenset({Way.KILL_BEFORE, Way.KILL_AFTER})
_AGENTS_END: Final = frozenset({Way.AGENT_BEFORE, Way.AGENT_AFTER})
DEADLY: Final = tuple(way for way in Way if way in _PODS_END | _AGENTS_END)
"""What ends the hook that asks."""


@dataclasses.dataclass
class Trouble:
    """Trouble that awaits an application's requests.

    Attributes:
        application: Whose requests.
        target: Which of them.
        way: What becomes of them.
        skip: How many get through first.
        times: How many after these do not.
    """

    application: str
    target: Target
    way: Way
    skip: int = 0
    times: int = 1

    def meets(self, unit: model.Unit, asked: Target) -> bool:
        """Count a request that this is about, and tell whether it is one that fails."""
        if unit.application != self.application or not self.target.meets(asked):
            return False
        self.skip -= 1
        if self.skip >= 0:
            return False
        self.times -= 1
        return True


class Storm:
    """Stands between charms and the network, and between charms and Pebble.

    Attributes:
        graceless: Whether a pod dies just now without its programs being told to stop.
        killed: How many hooks have ended in the middle, with their pod or the charm's container.
        failed: How many requests and calls have failed.
    """

    def __init__(self) -> None:
        self.graceless = False
        self.killed = 0
        self.failed = 0
        self._troubles: list[Trouble] = []
        self._denied: set[str] = set()

    def add(self, trouble: Trouble) -> None:
        """Let trouble await an application."""
        self._troubles.append(trouble)

    def deny(self, application: str) -> None:
        """Let the API server refuse what only trust allows, whatever Juju says."""
        self._denied.add(application)

    def allow(self, application: str) -> None:
        """Let the API server know of the trust again."""
        self._denied.discard(application)

    def calm(self) -> None:
        """End all trouble."""
        self._troubles.clear()
        self._denied.clear()

    def guard(self, api: KubernetesFake) -> None:
        """Stand before an API server's authorisation too."""
        before = api.authorise

        def authorise(user: str, verb: str, kind: str, namespace: str | None) -> bool:
            denied = user.rpartition(':')[2] in self._denied and kind not in _KINDS
            return not denied and before(user, verb, kind, namespace)

        api.authorise = authorise

    def tamper(self, unit: model.Unit, network: httpx2.BaseTransport) -> httpx2.BaseTransport:
        """Stand between one unit and the network."""
        return httpx2.MockTransport(lambda request: self._pass(unit, network, request))

    def _pass(
        self, unit: model.Unit, network: httpx2.BaseTransport, request: httpx2.Request
    ) -> httpx2.Response:
        way = self._next(unit, Target.of(request))
        if way is None:
            return network.handle_request(request)
        response = network.handle_request(request) if way in _REACHING else None
        self._strike(unit, way)
        if way is Way.USURP and response is not None:
            return response
        return _fault(way, request).outcome(request)

    @contextlib.contextmanager
    def surround(self, unit: model.Unit, fake: PebbleFake, call: str) -> Generator[None]:
        """Stand between one unit's charm and a container's Pebble.

        Nobody waits for what is asked for by a call whose answer does not arrive.
        """
        way = self._next(unit, Target.PEBBLE)
        if way is None or way in _REACHING:
            with fake.unattended() if way else contextlib.nullcontext():
                yield
        if way is not None:
            self._strike(unit, way)
            if way is not Way.USURP:
                raise _pebble_fault(way, call)

    def _next(self, unit: model.Unit, asked: Target) -> Way | None:
        # Every trouble counts every request, so this must not stop at the first that meets it.
        meeting = [each.way for each in self._troubles if each.meets(unit, asked)]
        self._troubles = [each for each in self._troubles if each.times > 0]
        return meeting[0] if meeting else None

    def _strike(self, unit: model.Unit, way: Way) -> None:
        self.failed += 1
        if way is Way.USURP:
            unit.leader = False
        elif way in _PODS_END:
            self.killed += 1
            self.graceless = True
            raise PodKilled
        elif way in _AGENTS_END:
            self.killed += 1
            raise AgentKilled


def _fault(way: Way, request: httpx2.Request) -> Fault:
    if way is Way.REFUSED:
        return Fault.refused()
    if way in (Way.TIMEOUT, Way.LOST_REPLY):
        return Fault.timeout()
    if way is Way.GARBLED:
        return Fault.body(_PAGE, 'text/html')
    if Target.of(request) is Target.API:
        return Fault.status(_CODES[way], 'the server is unwell')
    return Fault(Fault.status(0).way, _CODES[way], _PAGE, 'text/html')


def _pebble_fault(way: Way, call: str) -> Exception:
    """Return what ``ops.pebble.Client`` raises when a call does not come through."""
    if way is Way.TIMEOUT:
        return TimeoutError('timed out')
    if way is Way.LOST_REPLY:
        return http.client.RemoteDisconnected('Remote end closed connection without response')
    return pebble.ConnectionError(f'{call}: [Errno 111] Connection refused')
