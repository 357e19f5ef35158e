# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A network that fails charms: requests refused, lost or never answered, and pods that die."""

from __future__ import annotations

import dataclasses
import enum
from typing import Final

import httpx2

from charmarr_lib.testing.kubernetes import Fault, KubernetesFake

from . import model
from .dispatch import PodKilled

_API: Final = 'kubernetes.default.svc'
_KINDS: Final = frozenset({'Namespace', 'Pod', 'Service'})
_PAGE: Final = '<html><body>Please log in</body></html>'


class Target(enum.Enum):
    """Whom a request is sent to."""

    API = 'api'
    WORKLOAD = 'workload'
    ANY = 'any'

    def meets(self, request: httpx2.Request) -> bool:
        """Tell whether a request goes there."""
        if self is Target.ANY:
            return True
        return request.url.host.startswith(_API) is (self is Target.API)


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
    USURP = 'usurp'
    """The asking unit loses the leadership meanwhile, to another unit if there is one."""


_CODES: Final = {Way.UNAVAILABLE: 503, Way.BROKEN: 500, Way.THROTTLED: 429}
_REACHING: Final = frozenset({Way.LOST_REPLY, Way.KILL_AFTER, Way.USURP})


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

    def meets(self, unit: model.Unit, request: httpx2.Request) -> bool:
        """Count a request that this is about, and tell whether it is one that fails."""
        if unit.application != self.application or not self.target.meets(request):
            return False
        self.skip -= 1
        if self.skip >= 0:
            return False
        self.times -= 1
        return True


class Storm:
    """Stands between charms and the network.

    Attributes:
        graceless: Whether a pod dies just now without its programs being told to stop.
        killed: How many pods have died in the middle of a hook.
        failed: How many requests have failed.
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
        trouble = self._next(unit, request)
        if trouble is None:
            return network.handle_request(request)
        self.failed += 1
        response = network.handle_request(request) if trouble.way in _REACHING else None
        if trouble.way in (Way.KILL_BEFORE, Way.KILL_AFTER):
            self.killed += 1
            self.graceless = True
            raise PodKilled
        if trouble.way is Way.USURP and response is not None:
            unit.leader = False
            return response
        return _fault(trouble.way, request).outcome(request)

    def _next(self, unit: model.Unit, request: httpx2.Request) -> Trouble | None:
        # Every trouble counts every request, so this must not stop at the first that meets it.
        meeting = [each for each in self._troubles if each.meets(unit, request)]
        self._troubles = [each for each in self._troubles if each.times > 0]
        return meeting[0] if meeting else None


def _fault(way: Way, request: httpx2.Request) -> Fault:
    if way is Way.REFUSED:
        return Fault.refused()
    if way in (Way.TIMEOUT, Way.LOST_REPLY):
        return Fault.timeout()
    if way is Way.GARBLED:
        return Fault.body(_PAGE, 'text/html')
    if Target.API.meets(request):
        return Fault.status(_CODES[way], 'the server is unwell')
    return Fault(Fault.status(0).way, _CODES[way], _PAGE, 'text/html')
