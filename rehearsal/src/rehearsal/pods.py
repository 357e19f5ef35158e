# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Pods: one life of a unit's containers, and of the charm's folder beside them."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from typing import Any

import httpx2
from ops import pebble, testing

from charmarr_lib.testing.pebble import PebbleFake


class Phase(enum.Enum):
    """How far a pod is."""

    PENDING = 'Pending'
    RUNNING = 'Running'


@dataclasses.dataclass
class Pod:
    """A pod of an application.

    Attributes:
        revision: Digest of the template that it was made from.
        uid: As in Kubernetes; another pod of the same name has another one.
        containers: The workload containers, by name; empty until it runs.
        why: What keeps it pending, in the scheduler's words.
        abandoned: Its unit is gone, and nothing runs hooks in it any more.
        terminating: It has been told to stop; its agent runs ``stop`` and leaves.
        ready: Containers whose pebble-ready has run since they started.
        stored_states: What the charm stored. It lies in the charm's folder and goes with the pod.
        deferred: Events the charm deferred; they lie there too.
    """

    name: str
    revision: str
    address: str
    template: Mapping[str, Any]
    uid: str = ''
    phase: Phase = Phase.PENDING
    why: str = ''
    abandoned: bool = False
    terminating: bool = False
    containers: dict[str, PebbleFake] = dataclasses.field(default_factory=dict[str, PebbleFake])
    ready: set[str] = dataclasses.field(default_factory=set[str])
    stored_states: frozenset[testing.StoredState] = frozenset()
    deferred: tuple[testing.DeferredEvent, ...] = ()

    @property
    def is_running(self) -> bool:
        """Whether its containers have started."""
        return self.phase is Phase.RUNNING

    @property
    def is_ready(self) -> bool:
        """Whether Kubernetes sends it requests: it runs, and no check of level ready is down."""
        return (
            self.is_running
            and not self.terminating
            and not any(
                fake.checks.is_down(pebble.CheckLevel.READY) for fake in self.containers.values()
            )
        )

    def handle(self, request: httpx2.Request, peer: str) -> httpx2.Response:
        """Let whichever container listens on the request's port answer.

        Raises:
            httpx2.ConnectError: if none does.
        """
        for fake in self.containers.values():
            if fake.listens(port_of(request)):
                return fake.handle(request, peer)
        raise httpx2.ConnectError('[Errno 111] Connection refused', request=request)

    def close(self) -> None:
        """End its containers."""
        for fake in self.containers.values():
            fake.close()
        self.containers = {}


def port_of(request: httpx2.Request) -> int:
    """Return the TCP port a request goes to."""
    return request.url.port or (443 if request.url.scheme == 'https' else 80)
