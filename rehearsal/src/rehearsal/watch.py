# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Progress while the model runs: plain lines, or one live line on a terminal."""

from __future__ import annotations

import datetime
import typing

import rich.console
import rich.markup

from . import model

_MARKS = {model.Outcome.FAILED: '  failed', model.Outcome.KILLED: '  killed'}


class Lines:
    """Writes a line for each thing that happens.

    Args:
        stream: Where to.
        log_stream: Where the charms' own log goes; None to drop it.
    """

    def __init__(
        self, stream: typing.TextIO | None, log_stream: typing.TextIO | None = None
    ) -> None:
        self._stream = stream
        self._log_stream = log_stream

    def hook_started(self, unit: str, hook: str) -> None:
        """Write nothing: the line about its end says all."""

    def hook_finished(self, run: model.HookRun) -> None:
        """Write what ran, how long it took and what it did to the cluster."""
        self._write(f'{run.unit}: {run.hook}{described(run)}')

    def rollout(self, application: str) -> None:
        """Write that pods are being replaced."""
        self._write(f'{application}: Kubernetes replaces its pods')

    def note(self, text: str) -> None:
        """Write the note."""
        self._write(text)

    def log(self, unit: str, level: str, message: str) -> None:
        """Write the line as ``juju debug-log`` does."""
        if self._log_stream is not None:
            print(log_line(unit, level, message), file=self._log_stream, flush=True)

    def _write(self, line: str) -> None:
        if self._stream is not None:
            print(line, file=self._stream, flush=True)


def described(run: model.HookRun) -> str:
    """Return the time a run took, its writes to Kubernetes, and how it ended if not well."""
    writes = '' if not run.writes else f', {run.writes} write{"s" if run.writes > 1 else ""}'
    return f'  {run.seconds * 1000:.0f} ms{writes}{_MARKS.get(run.outcome, "")}'


def log_line(unit: str, level: str, message: str) -> str:
    """Return a line of ``juju debug-log``."""
    name = 'unit-' + unit.replace('/', '-')
    now = datetime.datetime.now(datetime.UTC).strftime('%H:%M:%S')
    return f'{name}: {now} {level} unit.{unit}.juju-log {message}'


class Live:
    """Keeps one line on a terminal up to date, and lets what is worth keeping scroll by.

    Args:
        console: The terminal.
        logs: Whether the charms' own log is shown.
    """

    def __init__(self, console: rich.console.Console, *, logs: bool = False) -> None:
        self._console = console
        self._logs = logs
        self._hooks = 0
        self._status = console.status('')

    def __enter__(self) -> Live:
        return self

    def __exit__(self, *exc: object) -> None:
        self._status.stop()

    def pause(self) -> None:
        """Take the live line off, for others to print."""
        self._status.stop()

    def hook_started(self, unit: str, hook: str) -> None:
        """Show what runs now."""
        self._status.update(rich.markup.escape(f'{unit} {hook}  ({self._hooks} hooks run)'))
        self._status.start()

    def hook_finished(self, run: model.HookRun) -> None:
        """Count it; keep a line of it only if it did not end well."""
        self._hooks += 1
        if run.outcome is not model.Outcome.DONE:
            self._keep(f'{run.unit}: {run.hook}{described(run)}')

    def rollout(self, application: str) -> None:
        """Keep a line: a rollout is what an operator would notice."""
        self._keep(f'{application}: Kubernetes replaces its pods')

    def note(self, text: str) -> None:
        """Keep the note."""
        self._keep(text)

    def log(self, unit: str, level: str, message: str) -> None:
        """Keep the line if logs are wanted."""
        if self._logs:
            self._keep(log_line(unit, level, message))

    def _keep(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)
