# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""An operator at a real Juju, through jubilant.

jubilant is in the integration environment only. The part of it that is used is written down here,
so that types are checked, and tests collected, where it is not installed.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import pathlib
import shlex
import subprocess
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import yaml

from .operator import Task

ROOT = pathlib.Path(__file__).parents[2]
_PATIENCE = 1800.0  # seconds; images have to be pulled
_PAUSE = 5.0  # seconds between two looks at the status
_STILL = 6  # looks in a row that find nothing moving; a rollout begins within half a minute


class _Info(typing.Protocol):
    current: str
    message: str


class _Unit(typing.Protocol):
    @property
    def workload_status(self) -> _Info: ...
    @property
    def juju_status(self) -> _Info: ...
    @property
    def leader(self) -> bool: ...


class _App(typing.Protocol):
    @property
    def units(self) -> Mapping[str, _Unit]: ...


class _Status(typing.Protocol):
    @property
    def apps(self) -> Mapping[str, _App]: ...


class Juju(typing.Protocol):
    """What is used of ``jubilant.Juju``."""

    def cli(self, *args: str) -> str:
        """Run a command in the model; a failure raises ``subprocess.CalledProcessError``."""
        ...

    def status(self) -> _Status:
        """Return the model's status."""
        ...

    def wait(
        self,
        ready: Callable[[Any], bool],
        *,
        error: Callable[[Any], bool] | None = None,
        delay: float = 1.0,
        timeout: float | None = None,
        successes: int = 3,
    ) -> object:
        """Wait until ``ready`` is true of several statuses in a row."""
        ...


@dataclasses.dataclass(frozen=True)
class PackedCharm:
    """A charm as ``charmcraft pack`` leaves it.

    Attributes:
        name: As its metadata has it.
        path: The packed file.
        resources: Image of each resource.
        previous: An earlier revision: a packed file, or the name of a channel of Charmhub.
    """

    name: str
    path: pathlib.Path
    resources: Mapping[str, str]
    previous: str | None = None

    def flags(self) -> Iterator[str]:
        """Yield what gives Juju the images."""
        for name, image in self.resources.items():
            yield from ('--resource', f'{name}={image}')


class JujuOperator:
    """Types commands at a model of a real controller.

    Args:
        juju: An empty model.
        charms: The charms by name.
        folder: Where bundles are written. Juju from a snap reads nothing below ``/tmp``.
    """

    def __init__(self, juju: Juju, charms: Mapping[str, PackedCharm], folder: pathlib.Path):
        self._juju = juju
        self._charms = charms
        self._folder = folder
        self._printed: list[str] = []

    def deploys_bundle(self, *, previous: bool = False) -> None:
        """Deploy the tree's bundle, with packed charms in place of names."""
        bundle: Any = yaml.safe_load((ROOT / 'bundle.yaml').read_text())
        for application in bundle['applications'].values():
            charm = self._charms[application['charm']]
            application['resources'] = dict(charm.resources)
            if previous and charm.previous and not charm.previous.endswith('.charm'):
                application['channel'] = charm.previous
            else:
                local = charm.previous if previous and charm.previous else charm.path
                application['charm'] = str(local)
        target = self._folder / 'bundle.yaml'
        target.write_text(yaml.safe_dump(bundle, sort_keys=False))
        self._types(['deploy', str(target), '--trust'])
        self._settle()

    def types(self, text: str) -> str:
        """Run commands."""
        lines = [shlex.split(line, comments=True) for line in text.splitlines()]
        printed = [self._types(words[1:]) for words in lines if words]
        self._settle()
        return ''.join(printed)

    def runs(self, unit: str, action: str, **params: str | int | bool) -> Task:
        """Run an action."""
        given = [f'{name}={json.dumps(value)}' for name, value in params.items()]
        try:
            printed = self._types(['run', unit, action, *given, '--format=json', '--wait=10m'])
        except Failed as error:
            printed = error.stdout
        found: Any = json.loads(printed)[unit]
        results = {k: v for k, v in found.get('results', {}).items() if k != 'return-code'}
        return Task(found['status'] == 'completed', found.get('message', ''), results)

    def expects(self, application: str, level: str, message: str = '') -> None:
        """Wait for a status of the leader."""
        seen = ['']

        def fits(status: _Status) -> bool:
            leader = _leader(status, application)
            seen[0] = f'{leader.current}: {leader.message}' if leader else 'no leader'
            return leader is not None and leader.current == level and message in leader.message

        try:
            self._juju.wait(fits, delay=_PAUSE, timeout=_PATIENCE)
        except TimeoutError:
            raise AssertionError(
                f'{application}: expected {level}: ...{message}...; it is {seen[0]}'
            ) from None

    def has(self, application: str) -> bool:
        """Tell whether there is an application of that name; one that goes is waited for."""
        with contextlib.suppress(TimeoutError):
            self._juju.wait(
                lambda status: application not in status.apps, delay=_PAUSE, timeout=_PATIENCE
            )
        return application in self._juju.status().apps

    def printed(self) -> str:
        """Return what was printed, with the log and the status of the model."""
        log = self._juju.cli('debug-log', '--replay', '--no-tail', '--level=DEBUG')
        return ''.join((*self._printed, log, self._juju.cli('status')))

    def _types(self, words: Sequence[str]) -> str:
        try:
            printed = self._juju.cli(*self._packed(words))
        except subprocess.CalledProcessError as error:
            self._printed += [error.stdout or '', error.stderr or '']
            raise Failed(words, error.stdout or '', error.stderr or '') from None
        self._printed.append(printed)
        return printed

    def _packed(self, words: Sequence[str]) -> list[str]:
        """Put packed charms in the place of names."""
        if words[0] == 'deploy' and words[1] in self._charms:
            charm = self._charms[words[1]]
            return ['deploy', str(charm.path), *words[2:], *charm.flags(), *_named(words)]
        if words[0] == 'refresh' and '--resource' not in words:
            charm = self._charms[self._charm_of(words[1])]
            return [*words, '--path', str(charm.path), *charm.flags()]
        return list(words)

    def _charm_of(self, application: str) -> str:
        found: Any = json.loads(self._juju.cli('status', application, '--format=json'))
        return found['applications'][application]['charm-name']

    def _settle(self) -> None:
        """Wait until every agent has been idle for a while, and no hook has failed."""
        self._juju.wait(
            _is_still, error=_has_failed, delay=_PAUSE, timeout=_PATIENCE, successes=_STILL
        )


class Failed(AssertionError):
    """Juju refused a command, or an action failed."""

    def __init__(self, words: Sequence[str], stdout: str, stderr: str):
        super().__init__(f'juju {words[0]}: {stderr.strip() or stdout.strip()}')
        self.stdout = stdout


def _named(words: Sequence[str]) -> list[str]:
    """Name the application where the command does not: Juju would take the charm's own name."""
    return [words[1]] if words[2:3] == [] or words[2].startswith('-') else []


def _units(status: _Status) -> list[_Unit]:
    return [unit for app in status.apps.values() for unit in app.units.values()]


def _leader(status: _Status, application: str) -> _Info | None:
    app = status.apps.get(application)
    units = app.units.values() if app else ()
    return next((each.workload_status for each in units if each.leader), None)


def _is_still(status: _Status) -> bool:
    return all(each.juju_status.current == 'idle' for each in _units(status))


def _has_failed(status: _Status) -> bool:
    return any(each.workload_status.current == 'error' for each in _units(status))
