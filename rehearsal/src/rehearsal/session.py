# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What an operator's commands share: the model, where they print, and how it went so far."""

from __future__ import annotations

import dataclasses
import pathlib
import typing
from collections.abc import Callable, Mapping
from typing import Any

import yaml

from . import arguments, engine, errors, model


@dataclasses.dataclass
class Totals:
    """What running the model has cost so far.

    Attributes:
        hooks: Hooks and actions run.
        reads: Requests by charms to the Kubernetes API that change nothing.
        writes: Requests by charms to the Kubernetes API with a verb that changes things.
        rollouts: How often the pods of each application were replaced.
        seconds: Wall time.
        quiet_round: What the last round of update-status cost.
    """

    hooks: int = 0
    reads: int = 0
    writes: int = 0
    rollouts: dict[str, int] = dataclasses.field(default_factory=dict[str, int])
    seconds: float = 0.0
    quiet_round: model.RoundCost = dataclasses.field(default_factory=model.RoundCost)

    def add(self, settled: model.Settled) -> None:
        """Add one run to the sum."""
        self.hooks += settled.hooks
        self.reads += settled.reads
        self.writes += settled.writes
        self.seconds += settled.seconds
        self.quiet_round = settled.quiet_round
        for application, count in settled.rollouts.items():
            self.rollouts[application] = self.rollouts.get(application, 0) + count


def nobody(question: str) -> bool:
    """Stand in for an operator who is not there.

    Raises:
        errors.InputError: Always; the message says how to do without a question.
    """
    raise errors.InputError('nobody is there to confirm; add --no-prompt')


class Session:
    """One operator at work on one model.

    Args:
        rehearsal: The model.
        out: Where results go (Juju's stdout).
        err: Where everything else goes (Juju's stderr).
        folder: What relative paths start from.
        confirm: Asks the operator a question; by default it raises, as nobody is there.
        pause: Takes live progress off the terminal, so that others can print.
        limit: How many hooks may run before the model counts as not coming to rest.
    """

    def __init__(
        self,
        rehearsal: engine.Rehearsal,
        out: typing.TextIO,
        err: typing.TextIO,
        *,
        folder: pathlib.Path | None = None,
        confirm: Callable[[str], bool] = nobody,
        pause: Callable[[], None] = lambda: None,
        limit: int = arguments.LIMIT,
    ) -> None:
        self.rehearsal = rehearsal
        self.folder = folder or pathlib.Path()
        self.confirm = confirm
        self.totals = Totals()
        self.tasks: dict[int, model.ActionRun] = {}
        self.errors: list[model.HookError] = []
        self.moving: tuple[str, ...] = ()
        self.action_failed = False
        self._pause = pause
        self._limit = limit
        self._out = out
        self._err = err

    @property
    def failed(self) -> bool:
        """Whether a hook or an action failed, or the model did not come to rest."""
        return bool(self.errors or self.moving) or self.action_failed

    def say(self, text: str) -> None:
        """Print a result."""
        print(text, file=self._out, flush=True)

    def tell(self, text: str) -> None:
        """Print what is not a result: progress, warnings, errors."""
        print(text, file=self._err, flush=True)

    def say_yaml(self, value: Mapping[str, Any]) -> None:
        """Print a result as YAML, keys in their order."""
        if value:
            self.say(to_yaml(value))

    def settle(self) -> None:
        """Let the model run until nothing moves, and report what went wrong."""
        try:
            settled = self.rehearsal.settle(self._limit)
        finally:
            self._pause()
        self.totals.add(settled)
        self.errors.extend(settled.errors)
        self.moving = settled.moving or (() if settled.quiet else ('the model',))
        for error in settled.errors:
            self.tell(f'{error.traceback.rstrip()}\n{error.unit}: hook failed: "{error.hook}"')
        if self.moving:
            self.tell(f'Not settled after {settled.hooks} hooks. Still moving:')
        for line in self.moving:
            self.tell(f'- {line}')

    def application(self, name: str) -> model.Application:
        """Return an application by name.

        Raises:
            errors.JujuError: There is none.
        """
        found = self.rehearsal.applications.get(name)
        if found is None:
            raise errors.JujuError(f'application "{name}" not found')
        return found


class _Dumper(yaml.SafeDumper):
    """Writes a text of several lines as Juju does, line by line."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = '|' if '\n' in text else None
    return yaml.ScalarNode('tag:yaml.org,2002:str', text, style=style)


_Dumper.add_representer(str, _text)


def to_yaml(value: object) -> str:
    """Write YAML as Juju does: block style, keys in their order, no trailing line break."""
    written = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=2**31)
    return written.rstrip('\n')
