# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Who goes next, where Juju promises no order."""

from __future__ import annotations

import typing
from collections.abc import Sequence

from .model import Hook


class Scheduler(typing.Protocol):
    """Decides races: between units, and between the sources of one unit's hooks."""

    def unit(self, ready: Sequence[str]) -> str:
        """Choose among units that have something to run."""
        ...

    def hook(self, unit: str, legal: Sequence[Hook]) -> Hook:
        """Choose among hooks that Juju may run next; the first is the usual one."""
        ...


class RoundRobin:
    """Units take turns, and each runs its usual next hook."""

    def __init__(self) -> None:
        self._last = ''

    def unit(self, ready: Sequence[str]) -> str:
        """Choose the unit after the one that went last, in the order of names."""
        ordered = sorted(ready)
        self._last = next((name for name in ordered if name > self._last), ordered[0])
        return self._last

    def hook(self, unit: str, legal: Sequence[Hook]) -> Hook:
        """Choose the usual one."""
        return legal[0]
