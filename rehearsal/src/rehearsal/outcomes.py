# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""How runs of charms ended and what they cost."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping


class Outcome(enum.Enum):
    """How a hook ended."""

    DONE = 'done'
    FAILED = 'failed'
    KILLED = 'killed'
    """The pod died meanwhile."""
    ABANDONED = 'abandoned'
    """The charm's container died meanwhile; the pod and the other containers in it live on."""


@dataclasses.dataclass(frozen=True)
class HookRun:
    """One run of the charm.

    Attributes:
        hook: Juju's name of the hook, or ``<action>`` followed by ``-action``.
        seconds: Wall time it took here.
        reads: Requests to the Kubernetes API that change nothing.
        writes: Requests to the Kubernetes API with a verb that changes things.
        changes: How many databags, secrets, statuses and ports it changed.
    """

    unit: str
    hook: str
    seconds: float
    reads: int
    writes: int
    changes: int
    outcome: Outcome


@dataclasses.dataclass(frozen=True)
class HookError:
    """A hook that failed: the charm's own traceback, to be shown once."""

    unit: str
    hook: str
    traceback: str


@dataclasses.dataclass(frozen=True)
class RoundCost:
    """What a round of update-status over all units cost when nothing had changed."""

    hooks: int = 0
    reads: int = 0
    writes: int = 0
    databag_writes: int = 0


@dataclasses.dataclass(frozen=True)
class Settled:
    """How it went until the model was quiet, or until the bound was reached.

    Attributes:
        hooks: Hooks and actions run.
        reads: Requests to the Kubernetes API that change nothing, by charms.
        writes: Requests to the Kubernetes API with a verb that changes things, by charms.
        rollouts: How often the pods of each application were replaced.
        seconds: Wall time it took.
        quiet: Whether nothing moves any more.
        moving: What still moves, one line each, when it is not quiet.
        errors: Hooks that failed.
        quiet_round: What the last round of update-status cost; it is the steady state.
    """

    hooks: int
    reads: int
    writes: int
    rollouts: Mapping[str, int]
    seconds: float
    quiet: bool
    moving: tuple[str, ...] = ()
    errors: tuple[HookError, ...] = ()
    quiet_round: RoundCost = RoundCost()
