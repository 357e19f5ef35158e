# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A model of Pebble that keeps what it is told, for unit tests and for the rehearsal.

``ops.testing`` has a Pebble of its own that forgets files between runs, starts whatever it is
asked to start and never restarts anything. This one stands in for it::

    with PebbleFake(PlexDouble(), mounts={'/config': tmp_path}) as fake:
        with testing.Context(PlexCharm) as ctx, use_pebble({'plex': fake}):
            container = testing.Container('plex', can_connect=True)
            out = ctx.run(ctx.on.config_changed(), testing.State(containers={container}))
    assert fake.running() == ['plex']
    assert out.get_container('plex').plan == fake.plan()

One :class:`PebbleFake` is one boot of one container. A new one is a restarted container: the plan,
the services and all files outside the mounted folders are gone.
"""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import shutil
import tempfile
import weakref
from collections.abc import Callable, Collection, Generator, Mapping
from types import TracebackType
from typing import Any

import httpx2
from ops import pebble, testing

from . import _pebble_plan, _pebble_services, _scenario
from ._container_files import ContainerFiles, Owners
from ._container_shell import Shell, UnexpectedCommand
from ._pebble_plan import UnexpectedPlan
from ._pebble_services import CheckEvent
from .workload import Launch, Ran, Workload

__all__ = [
    'CheckEvent',
    'Executed',
    'Owners',
    'PebbleFake',
    'Surround',
    'UnexpectedCommand',
    'UnexpectedPlan',
    'use_pebble',
]

Programs = Workload | Mapping[str, Workload] | None

Surround = Callable[['PebbleFake', str], contextlib.AbstractContextManager[None]]
"""Surrounds each call to a container's Pebble, of which it gets the method's name in ``ops``."""


@dataclasses.dataclass(frozen=True)
class Executed:
    """A command that a charm ran in the container."""

    command: tuple[str, ...]
    environment: Mapping[str, str]
    user_id: int
    exit_code: int


class PebbleFake:
    """One boot of one workload container.

    Args:
        workload: What its image runs. A container with several services needs a mapping of
            service name to program; a service without one starts and answers nothing.
        mounts: Folders of this machine by the path where they are mounted.
        read_only: Mount points that cannot be written below.
        devices: Device files by path, with the group that may use them.
        owners: Table of file owners; share one among containers that mount the same folders.
        localhost: Answers HTTP requests to the pod's own address, for a container whose pod has
            others; by default only this container's programs do.

    Attributes:
        files: The container's files.
        executed: Commands that were run, oldest first.
        check_events: Checks that went down or came up, oldest first; whoever acts on one takes it.
        changes: Goes up with each change of the plan and each start and stop of a program.
    """

    def __init__(
        self,
        workload: Programs = None,
        *,
        mounts: Mapping[str, pathlib.Path] | None = None,
        read_only: Collection[str] = (),
        devices: Mapping[str, int] | None = None,
        owners: Owners | None = None,
        localhost: Callable[[httpx2.Request], httpx2.Response] | None = None,
    ) -> None:
        folder = pathlib.Path(tempfile.mkdtemp(prefix='container-'))
        self._delete = weakref.finalize(self, shutil.rmtree, folder, True)
        self.files = ContainerFiles(
            folder, mounts=mounts or {}, read_only=read_only, devices=devices, owners=owners
        )
        self.executed: list[Executed] = []
        self.check_events: list[CheckEvent] = []
        self.changes = 0
        self._workload = workload
        self._layers = _pebble_plan.Layers()
        self._shell = Shell(self.files)
        self.services = _pebble_services.Services(self._program, self._launch)
        self.checks = _pebble_services.Checks(
            fetch=localhost or self._own, listens=self.listens, execute=self._check_command
        )
        for program in self.programs():
            self.files.bring(program.image_files())

    def __enter__(self) -> PebbleFake:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the container: its programs stop, and files outside mounted folders are gone."""
        self.services.stop_all()
        if self._delete.alive:
            self.files.unmount()
            self._delete()

    def programs(self) -> list[Workload]:
        """Return what runs, or would run, in the container."""
        if self._workload is None:
            return []
        if isinstance(self._workload, Mapping):
            return list(self._workload.values())
        return [self._workload]

    def _program(self, service: str) -> Workload | None:
        if self._workload is None or isinstance(self._workload, Mapping):
            return (self._workload or {}).get(service)
        others = [name for name in self.services.known if name != service]
        if others:
            raise UnexpectedPlan(
                f'services {others} and "{service}" cannot share one program: '
                'give PebbleFake a mapping of service name to program'
            )
        return self._workload

    def _launch(self, config: Mapping[str, Any]) -> Launch:
        owner = self.files.owner_of_names(
            config.get('user-id'), config.get('user'), config.get('group-id'), config.get('group')
        )
        return Launch(
            command=config.get('command', ''),
            environment=dict(config.get('environment') or {}),
            user_id=owner[0] if owner else None,
            group_id=owner[1] if owner else None,
            root=self.files.root,
            owner=self.files.owner,
            working_dir=config.get('working-dir', '/'),
        )

    @property
    def root(self) -> pathlib.Path:
        """The container's root folder on this machine."""
        return self.files.root

    def plan(self) -> pebble.Plan:
        """Return the plan: all layers combined."""
        raw: Any = {section: body for section, body in self._layers.plan().items() if body}
        return pebble.Plan(raw)

    def add_layer(
        self, label: str, layer: str | pebble.LayerDict | pebble.Layer, *, combine: bool = False
    ) -> None:
        """Add a layer; checks that it changes begin anew, services wait for a replan.

        Raises:
            ops.pebble.APIError: as Pebble refuses a layer.
        """
        if not isinstance(layer, str):
            # As ops sends it: a value that YAML has no notation for fails here, not in production.
            layer = pebble.Layer(layer).to_yaml() if isinstance(layer, dict) else layer.to_yaml()
        before = self._layers.plan()
        self._layers.add(label, layer, combine)
        after = self._layers.plan()
        self.checks.plan(after['checks'])
        self.changes += before != after

    def replan(self) -> None:
        """Restart services whose configuration changed, and start those that are enabled.

        Raises:
            ops.pebble.ChangeError: if a program exits at once.
        """
        before = self._starts()
        failures = self.services.replan(self._layers.plan()['services'])
        self.changes += self._starts() != before
        _raise(failures)

    def start(self, *names: str) -> None:
        """Start services that do not run.

        Raises:
            ops.pebble.APIError: if there is no such service.
            ops.pebble.ChangeError: if a program exits at once.
        """
        plan = self._known('start', names)
        before = self._starts()
        failures = self.services.start(plan, names)
        self.changes += self._starts() != before
        _raise(failures)

    def stop(self, *names: str) -> None:
        """Stop services with SIGTERM.

        Raises:
            ops.pebble.APIError: if there is no such service.
        """
        self._known('stop', names)
        before = self._starts()
        self.services.stop(names)
        self.changes += self._starts() != before

    def restart(self, *names: str) -> None:
        """Stop services that run, then start them all.

        Raises:
            ops.pebble.APIError: if there is no such service.
            ops.pebble.ChangeError: if a program exits at once.
        """
        plan = self._known('restart', names)
        failures = self.services.restart(plan, names, names)
        self.changes += 1
        _raise(failures)

    def unattended(self) -> contextlib.AbstractContextManager[None]:
        """Let what is asked for in here go on by itself, as when the hook that asks is killed.

        A program that is to stop is then still there: Pebble calls it inactive, and will not start
        it, until time passes or somebody waits for the change.
        """
        return self.services.unattended()

    def _known(self, verb: str, names: Collection[str]) -> dict[str, _pebble_plan.Entry]:
        plan = self._layers.plan()['services']
        if not names:
            raise _pebble_plan.bad_request(f'must specify services for {verb} action')
        for name in names:
            if name not in plan:
                raise _pebble_plan.bad_request(f'service "{name}" does not exist')
        return plan

    def _starts(self) -> dict[str, tuple[int, _pebble_services.Current]]:
        return {name: (each.starts, each.current) for name, each in self.services.known.items()}

    def running(self) -> list[str]:
        """Return the names of the services that run."""
        current = self.services.current
        return sorted(
            name
            for name in self.services.known
            if current(name) is _pebble_services.Current.ACTIVE
        )

    def starts(self, service: str) -> int:
        """Return how often a service's program was started."""
        known = self.services.known.get(service)
        return known.starts if known else 0

    def execute(
        self, command: list[str], *, environment: Mapping[str, str], user_id: int | None
    ) -> Ran:
        """Run a command in the container; 127 when there is no such command."""
        user = user_id or 0
        ran = self._shell.run(command, user)
        if ran is None:
            answers = (program.execute(command) for program in self.programs())
            ran = next((answer for answer in answers if answer is not None), None)
        if ran is None:
            ran = Ran(127, stderr=f'exec: "{command[0]}": executable file not found in $PATH')
        self.executed.append(Executed(tuple(command), dict(environment), user, ran.exit_code))
        return ran

    def _check_command(self, command: list[str]) -> int:
        return self.execute(command, environment={}, user_id=None).exit_code

    def listens(self, port: int) -> bool:
        """Tell whether a program of this container runs and listens on a port."""
        return self.services.listener(port) is not None

    def handle(self, request: httpx2.Request, peer: str) -> httpx2.Response:
        """Let the program that listens on the request's port answer.

        Raises:
            httpx2.ConnectError: if none does.
        """
        port = request.url.port or (443 if request.url.scheme == 'https' else 80)
        program = self.services.listener(port)
        if program is None:
            raise httpx2.ConnectError('[Errno 111] Connection refused', request=request)
        return program.handle(request, peer)

    def _own(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.host not in ('localhost', '127.0.0.1'):
            raise httpx2.ConnectError('[Errno 113] No route to host', request=request)
        return self.handle(request, '127.0.0.1')

    def tick(self) -> None:
        """Let ten seconds pass: programs go on, checks run, services that exited are retried."""
        before = self._starts()
        self.services.tick()
        events = self.checks.tick()
        self.check_events.extend(events)
        for event in events:
            if event.failed:
                self._heal(event.check)
        self.changes += self._starts() != before

    def _heal(self, check: str) -> None:
        """Do what the services that name this check in ``on-check-failure`` want done."""
        for name in self.running():
            actions: Mapping[str, str] = self.services.known[name].config.get(
                'on-check-failure', {}
            )
            action = actions.get(check)
            if action == 'restart':
                self.services.restart(self._layers.plan()['services'], [name], [name])
            elif action not in (None, 'ignore'):
                raise UnexpectedPlan(f'on-check-failure: the model does not know "{action}"')

    def as_container(self, name: str, *, can_connect: bool = True) -> testing.Container:
        """Describe the container as ``ops.testing`` does, for a ``State``."""
        return testing.Container(
            name,
            can_connect=can_connect,
            layers=self.layers(),
            service_statuses=self.service_statuses(),
            check_infos=frozenset(self.check_infos()),
        )

    def layers(self) -> dict[str, pebble.Layer]:
        """Return copies of the layers by label."""
        return self._layers.as_layers()

    def service_statuses(self) -> dict[str, pebble.ServiceStatus]:
        """Return what ``ops.testing`` can say of the services; it has no word for backoff."""
        words = {
            _pebble_services.Current.ACTIVE: pebble.ServiceStatus.ACTIVE,
            _pebble_services.Current.INACTIVE: pebble.ServiceStatus.INACTIVE,
            _pebble_services.Current.TERMINATING: pebble.ServiceStatus.INACTIVE,
            _pebble_services.Current.BACKOFF: pebble.ServiceStatus.ERROR,
            _pebble_services.Current.ERROR: pebble.ServiceStatus.ERROR,
        }
        return {name: words[each.current] for name, each in self.services.known.items()}

    def check_infos(self) -> list[testing.CheckInfo]:
        """Describe the checks as ``ops.testing`` does."""
        infos = [self.checks.info(name) for name in self.checks.known]
        return [
            testing.CheckInfo(
                info.name,
                level=pebble.CheckLevel(info.level),
                startup=info.startup,
                status=pebble.CheckStatus(info.status),
                successes=info.successes,
                failures=info.failures,
                threshold=info.threshold,
                change_id=info.change_id,
            )
            for info in infos
        ]


@contextlib.contextmanager
def use_pebble(
    fakes: Mapping[str | tuple[str, str], PebbleFake], surround: Surround | None = None
) -> Generator[None]:
    """Let charms in ``ops.testing`` reach these containers instead of its own mock.

    Args:
        fakes: By container name, or by unit and container (``('plex/0', 'plex')``). The plan,
            services, checks and files come from here; the ``Container`` in the ``State`` only
            says whether Pebble can be reached. Containers without a fake stay as they are.
        surround: Stands between charms and these Pebbles.
    """
    with _scenario.replaced(
        lambda unit, name: fakes.get((unit, name)) or fakes.get(name), surround
    ):
        yield


def _raise(failures: Mapping[str, _pebble_services.Refusal]) -> None:
    if failures:
        raise _pebble_services.start_failed(failures)
