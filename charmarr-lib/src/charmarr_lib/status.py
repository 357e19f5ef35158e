# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A unit's status as a plain value, for a charm's modules that know the workload and no Juju."""

from __future__ import annotations

import dataclasses
import enum

import ops


class Level(enum.Enum):
    """Juju's name of a status, worst first."""

    BLOCKED = 'blocked'
    MAINTENANCE = 'maintenance'
    WAITING = 'waiting'
    ACTIVE = 'active'


@dataclasses.dataclass(frozen=True)
class Status:
    """One line, and how bad it is."""

    level: Level
    message: str

    def for_juju(self) -> ops.StatusBase:
        """Return it as ops takes it."""
        return ops.StatusBase.from_name(self.level.value, self.message)


def active(message: str = '') -> Status:
    """Return a status that says what is worth knowing, though all is well."""
    return Status(Level.ACTIVE, message)


def blocked(message: str) -> Status:
    """Return a status that asks the operator to do something."""
    return Status(Level.BLOCKED, message)


def waiting(message: str) -> Status:
    """Return a status that asks for patience."""
    return Status(Level.WAITING, message)
