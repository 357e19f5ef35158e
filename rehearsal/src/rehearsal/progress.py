# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What an onlooker is told while the model runs."""

from __future__ import annotations

import typing

from .model import HookRun


class Progress(typing.Protocol):
    """Somebody who watches."""

    def hook_started(self, unit: str, hook: str) -> None:
        """A hook or action begins."""
        ...

    def hook_finished(self, run: HookRun) -> None:
        """A hook or action has ended, well or not."""
        ...

    def rollout(self, application: str) -> None:
        """Kubernetes begins to replace the application's pods."""
        ...

    def note(self, text: str) -> None:
        """Something worth a line has happened."""
        ...

    def log(self, unit: str, level: str, message: str) -> None:
        """A charm wrote to Juju's log."""
        ...


class Silence:
    """Nobody watches."""

    def hook_started(self, unit: str, hook: str) -> None:
        """Ignore it."""

    def hook_finished(self, run: HookRun) -> None:
        """Ignore it."""

    def rollout(self, application: str) -> None:
        """Ignore it."""

    def note(self, text: str) -> None:
        """Ignore it."""

    def log(self, unit: str, level: str, message: str) -> None:
        """Ignore it."""
