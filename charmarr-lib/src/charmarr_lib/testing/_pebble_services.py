# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The processes of one Pebble: services, and the checks that watch them."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import enum
import itertools
import shlex
from collections.abc import Callable, Generator, Iterable, Mapping
from typing import Any, Final

import httpx2
from ops import pebble

from . import _pebble_plan
from .workload import CannotStart, Launch, Workload

TICK: Final = 10.0
"""Seconds in one tick of virtual time."""


class Current(enum.Enum):
    """What a service does, in the word that Pebble has for it."""

    INACTIVE = 'inactive'
    ACTIVE = 'active'
    BACKOFF = 'backoff'
    ERROR = 'error'
    TERMINATING = 'terminating'
    """Told to stop, and not gone yet. Pebble says ``inactive`` of it (its ``stateToStatus``)."""


@dataclasses.dataclass
class Service:
    """A service that was started at least once.

    Attributes:
        config: Its part of the plan when it was started; ``replan`` compares with it.
        starts: How often its program was started, for tests that count restarts.
        restarts: Whether it starts again once it has ended.
    """

    config: _pebble_plan.Entry
    program: Workload | None
    current: Current = Current.INACTIVE
    starts: int = 0
    restarts: bool = False


@dataclasses.dataclass(frozen=True)
class Refusal:
    """A start that came to nothing.

    Attributes:
        why: In Pebble's words.
        output: The last that the program printed.
    """

    why: str
    output: str = ''


@dataclasses.dataclass
class Check:
    """A health check and how it went."""

    config: _pebble_plan.Entry
    active: bool
    change_id: str
    up: bool = True
    failures: int = 0
    successes: int = 0
    elapsed: float = 0.0

    @property
    def threshold(self) -> int:
        """Failures in a row that make it down."""
        return int(self.config.get('threshold') or 3)

    def due(self, passed: float) -> int:
        """Let time pass and return how often the check would have run in it."""
        period = _pebble_plan.seconds(self.config.get('period') or '10s')
        before = self.elapsed // period
        self.elapsed += passed
        return int(self.elapsed // period - before) if self.active else 0


@dataclasses.dataclass(frozen=True)
class CheckEvent:
    """A check that has gone down, or come up again: what Juju makes a hook of."""

    check: str
    failed: bool


class Services:
    """The services of one container.

    Args:
        programs: Gives the program of a service, None for one that answers nothing.
        launch: Describes how a service's program is started.
    """

    def __init__(
        self,
        programs: Callable[[str], Workload | None],
        launch: Callable[[_pebble_plan.Entry], Launch],
    ) -> None:
        self._programs = programs
        self._launch = launch
        self._unattended = False
        self.known: dict[str, Service] = {}

    @contextlib.contextmanager
    def unattended(self) -> Generator[None]:
        """Let what is asked for in here go on by itself: whoever asks does not wait for it."""
        self._unattended = True
        try:
            yield
        finally:
            self._unattended = False

    def running(self) -> list[Service]:
        """Return the services that run."""
        return [each for each in self.known.values() if each.current is Current.ACTIVE]

    def current(self, name: str) -> Current:
        """Return what a service does."""
        return self.known[name].current if name in self.known else Current.INACTIVE

    def terminating(self) -> list[str]:
        """Return the names of the services that were told to stop, and are not gone yet."""
        leaving = Current.TERMINATING
        return [name for name, each in self.known.items() if each.current is leaving]

    def replan(self, plan: Mapping[str, _pebble_plan.Entry]) -> dict[str, Refusal]:
        """Restart what was ever started with another configuration, and start what is enabled.

        Pebble makes no difference between a service that runs and one that was stopped
        (``ServiceManager.Replan`` in its ``servstate/manager.go``).

        Returns:
            Services that could not be started, by name.
        """
        changed = [
            name for name, service in self.known.items() if service.config != plan.get(name)
        ]
        enabled = [name for name, each in plan.items() if each.get('startup') == 'enabled']
        return self.restart(plan, changed, dict.fromkeys([*changed, *enabled]))

    def restart(
        self,
        plan: Mapping[str, _pebble_plan.Entry],
        stopping: Iterable[str],
        starting: Iterable[str],
    ) -> dict[str, Refusal]:
        """Stop services, then start services that do not run.

        Returns:
            Services that could not be started, by name.
        """
        leaving = self.stop(stopping)
        for name in leaving:
            self.known[name].restarts = name in plan
            self.known[name].config = plan.get(name, self.known[name].config)
        return self.start(plan, [name for name in starting if name not in leaving])

    def start(
        self, plan: Mapping[str, _pebble_plan.Entry], names: Iterable[str]
    ) -> dict[str, Refusal]:
        """Start services that do not run, and return those that could not be, by name."""
        failures: dict[str, Refusal] = {}
        for name in names:
            if name not in plan or self.current(name) is Current.ACTIVE:
                continue
            service = self.known.setdefault(name, Service(plan[name], self._programs(name)))
            service.config = plan[name]
            refused = self._try(service)
            if refused is not None:
                failures[name] = refused
        return failures

    def _try(self, service: Service) -> Refusal | None:
        if service.current is Current.TERMINATING:
            return Refusal('cannot start service while terminating')
        service.starts += 1
        try:
            if service.program is not None:
                service.program.start(self._launch(service.config))
        except CannotStart as error:
            # Since Juju 3.6.1 Pebble keeps trying a service that exits at once.
            action = service.config.get('on-failure') or 'restart'
            service.current = Current.BACKOFF if action == 'restart' else Current.ERROR
            why = f'service start attempt: exited quickly with code 1, will {action}'
            return Refusal(why, str(error))
        service.current = Current.ACTIVE
        return None

    def stop(self, names: Iterable[str]) -> list[str]:
        """Stop services with SIGTERM and wait for their end.

        One that has been told to stop before is not waited for (``serviceForStop`` in Pebble's
        ``servstate/handlers.go``).

        Returns:
            Services that are not gone yet, because nobody waits for them.
        """
        leaving: list[str] = []
        for name in names:
            service = self.known.get(name)
            if service is None or service.current is Current.TERMINATING:
                continue
            if service.current is not Current.ACTIVE:
                service.current = Current.INACTIVE
            else:
                service.current = Current.TERMINATING
                leaving.append(name)
        return leaving if self._unattended else self.finish(leaving)

    def finish(self, names: Iterable[str]) -> list[str]:
        """Wait until services that were told to stop are gone, and started again if they shall."""
        for name in names:
            service = self.known[name]
            if service.program is not None:
                service.program.stop()
            service.current = Current.INACTIVE
            if service.restarts:
                service.restarts = False
                self._try(service)
        return []

    def stop_all(self) -> None:
        """Stop all, as the end of the container does."""
        for service in self.known.values():
            service.restarts = False
        self.finish(self.terminating())
        self.stop(list(self.known))

    def tick(self) -> None:
        """Let time pass: programs go on or end, those that could not start are tried again."""
        self.finish(self.terminating())
        for service in self.known.values():
            if service.current is Current.BACKOFF:
                self._try(service)
            elif service.current is Current.ACTIVE and service.program is not None:
                service.program.tick()

    def listener(self, port: int | None) -> Workload | None:
        """Return the running program that listens on a port."""
        programs = [each.program for each in self.running()]
        return next((each for each in programs if each is not None and each.port == port), None)


class Checks:
    """The checks of one container.

    Args:
        fetch: Makes an HTTP request from inside the container.
        listens: Tells whether a TCP port of the container is open.
        execute: Runs a command and returns its exit status.
    """

    def __init__(
        self,
        *,
        fetch: Callable[[httpx2.Request], httpx2.Response],
        listens: Callable[[int], bool],
        execute: Callable[[list[str]], int],
    ) -> None:
        self._fetch = fetch
        self._listens = listens
        self._execute = execute
        self._ids = itertools.count(1)
        self.known: dict[str, Check] = {}

    def plan(self, entries: Mapping[str, _pebble_plan.Entry]) -> None:
        """Take over the plan's checks: those that changed begin anew."""
        for name in self.known.keys() - entries.keys():
            del self.known[name]
        for name, config in entries.items():
            if name not in self.known or self.known[name].config != config:
                self.known[name] = self._new(config, config.get('startup') != 'disabled')

    def _new(self, config: _pebble_plan.Entry, active: bool) -> Check:
        return Check(config, active, str(next(self._ids)) if active else '')

    def switch(self, names: Iterable[str], *, on: bool) -> list[str]:
        """Start or stop checks and return those that were not so before.

        Raises:
            ops.pebble.APIError: if there is no such check.
        """
        wanted = list(names)
        for name in wanted:
            if name not in self.known:
                raise _pebble_plan.bad_request(f'cannot find check with name "{name}"')
        changed = [name for name in wanted if self.known[name].active is not on]
        for name in changed:
            self.known[name] = self._new(self.known[name].config, on)
        return changed

    def tick(self) -> list[CheckEvent]:
        """Let time pass and return which checks went down or came up."""
        events: list[CheckEvent] = []
        for name, check in self.known.items():
            for _ in range(check.due(TICK)):
                events.extend(self._run(name, check))
        return events

    def _run(self, name: str, check: Check) -> list[CheckEvent]:
        was_up = check.up
        if self._passes(check.config):
            check.successes = check.successes + 1 if was_up else 1
            check.failures = 0
        else:
            check.failures += 1
        check.up = check.failures < check.threshold if was_up else check.failures == 0
        return [] if check.up is was_up else [CheckEvent(name, failed=was_up)]

    def _passes(self, config: _pebble_plan.Entry) -> bool:
        if 'http' in config:
            return self._answers(config['http'])
        if 'tcp' in config:
            return self._listens(int(config['tcp']['port']))
        return self._execute(shlex.split(config['exec']['command'])) == 0

    def _answers(self, http: Mapping[str, Any]) -> bool:
        request = httpx2.Request('GET', http['url'], headers=http.get('headers') or {})
        try:
            return self._fetch(request).is_success
        except httpx2.TransportError:
            return False

    def is_down(self, level: pebble.CheckLevel) -> bool:
        """Tell whether a check of a level is down, in which case Pebble's health is bad."""
        return any(
            check.active and not check.up and check.config.get('level') == level.value
            for check in self.known.values()
        )

    def info(self, name: str) -> pebble.CheckInfo:
        """Describe a check as Pebble's API does."""
        check = self.known[name]
        status = pebble.CheckStatus.UP if check.up else pebble.CheckStatus.DOWN
        return pebble.CheckInfo(
            name=name,
            level=pebble.CheckLevel(check.config.get('level') or ''),
            status=status if check.active else pebble.CheckStatus.INACTIVE,
            successes=check.successes,
            failures=check.failures,
            threshold=check.threshold,
            change_id=pebble.ChangeID(check.change_id),
            startup=pebble.CheckStartup(check.config.get('startup') or ''),
        )


def start_failed(failures: Mapping[str, Refusal]) -> pebble.ChangeError:
    """Return the error that ends a change in which services could not be started.

    Args:
        failures: Why not, by service.
    """
    now = datetime.datetime.now(datetime.UTC)
    tasks = [
        pebble.Task(
            id=pebble.TaskID(str(number)),
            kind='start',
            summary=f'Start service "{name}"',
            status='Error',
            log=[f'{now.isoformat()} INFO Most recent service output:\n    {refused.output}'],
            progress=pebble.TaskProgress('', 1, 1),
            spawn_time=now,
            ready_time=now,
        )
        for number, (name, refused) in enumerate(failures.items(), start=1)
    ]
    lines = [
        f'- {task.summary} ({refused.why})'
        for task, refused in zip(tasks, failures.values(), strict=True)
    ]
    error = '\n'.join(['cannot perform the following tasks:', *lines])
    change = pebble.Change(
        id=pebble.ChangeID('1'),
        kind='replan',
        summary=f'Start {len(tasks)} services',
        status='Error',
        tasks=tasks,
        ready=True,
        err=error,
        spawn_time=now,
        ready_time=now,
    )
    return pebble.ChangeError(error, change)
