# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What ``ops`` sees of the model of Pebble: the methods of ``ops.pebble.Client``.

Methods that are missing here are not modelled; a charm that needs one fails with AttributeError.
"""

from __future__ import annotations

import datetime
import functools
import io
import pathlib
import typing
from collections.abc import Iterable
from typing import IO, Any

from ops import pebble, testing

from ._pebble_services import Current

if typing.TYPE_CHECKING:
    from .pebble import PebbleFake, Surround

_DONE = pebble.ChangeID('1')
_INACTIVE = (Current.INACTIVE, Current.TERMINATING)
_Source = str | bytes | bytearray | IO[str] | IO[bytes]


class PebbleClient:
    """Client of one container for the length of one dispatch.

    Args:
        fake: The container.
        name: Its name.
        state: The dispatch's output state; it is kept in step with the fake.
    """

    def __init__(self, fake: PebbleFake, name: str, state: testing.State) -> None:
        self._fake = fake
        self._container = next((each for each in state.containers if each.name == name), None)
        self._show()

    def _show(self) -> None:
        """Write what the container now is into the state that the test will look at."""
        if self._container is None:
            return
        shown = {
            'layers': self._fake.layers(),
            'service_statuses': self._fake.service_statuses(),
            'check_infos': frozenset(self._fake.check_infos()),
        }
        for field, value in shown.items():
            # Frozen for users; ops.testing's own mock writes to it in the same way.
            object.__setattr__(self._container, field, value)

    def _connect(self) -> None:
        if self._container is None or not self._container.can_connect:
            raise pebble.ConnectionError('Could not connect to Pebble: socket not found')

    def get_system_info(self) -> pebble.SystemInfo:
        """Answer as the Pebble of Juju 3.6 does."""
        self._connect()
        return pebble.SystemInfo(version='v1.26.0')

    def get_plan(self) -> pebble.Plan:
        """Return the plan."""
        self._connect()
        return self._fake.plan()

    def add_layer(
        self, label: str, layer: str | pebble.LayerDict | pebble.Layer, *, combine: bool = False
    ) -> None:
        """Add a layer."""
        self._connect()
        self._fake.add_layer(label, layer, combine=combine)
        self._show()

    def replan_services(self, timeout: float = 30.0, delay: float = 0.1) -> pebble.ChangeID:
        """Restart what changed and start what is enabled."""
        self._connect()
        try:
            self._fake.replan()
        finally:
            self._show()
        return _DONE

    def autostart_services(self, timeout: float = 30.0, delay: float = 0.1) -> pebble.ChangeID:
        """Start what is enabled."""
        plan = self.get_plan()
        enabled = [name for name, each in plan.services.items() if each.startup == 'enabled']
        return self.start_services(enabled) if enabled else _DONE

    def start_services(
        self, services: Iterable[str], timeout: float = 30.0, delay: float = 0.1
    ) -> pebble.ChangeID:
        """Start services."""
        self._connect()
        try:
            self._fake.start(*services)
        finally:
            self._show()
        return _DONE

    def stop_services(
        self, services: Iterable[str], timeout: float = 30.0, delay: float = 0.1
    ) -> pebble.ChangeID:
        """Stop services."""
        self._connect()
        self._fake.stop(*services)
        self._show()
        return _DONE

    def restart_services(
        self, services: Iterable[str], timeout: float = 30.0, delay: float = 0.1
    ) -> pebble.ChangeID:
        """Restart services."""
        self._connect()
        try:
            self._fake.restart(*services)
        finally:
            self._show()
        return _DONE

    def get_services(self, names: Iterable[str] | None = None) -> list[pebble.ServiceInfo]:
        """Describe services of the plan, in order of their names."""
        self._connect()
        plan = self._fake.plan().services
        wanted = sorted(plan if names is None else set(names) & plan.keys())
        return [self._service(name, plan[name].startup) for name in wanted]

    def _service(self, name: str, startup: str) -> pebble.ServiceInfo:
        current = self._fake.services.current(name)
        raw: Any = {
            'name': name,
            'startup': startup or 'disabled',
            'current': 'inactive' if current in _INACTIVE else current.value,
        }
        return pebble.ServiceInfo.from_dict(raw)

    def get_changes(
        self,
        select: pebble.ChangeState = pebble.ChangeState.IN_PROGRESS,
        service: str | None = None,
    ) -> list[pebble.Change]:
        """Describe what Pebble has begun with a service, and has not done yet."""
        self._connect()
        if select is not pebble.ChangeState.IN_PROGRESS or service is None:
            raise AssertionError('only changes of one service that are in progress are modelled')
        return [_change(name) for name in self._fake.services.terminating() if name == service]

    def wait_change(
        self, change_id: pebble.ChangeID, timeout: float | None = 30.0, delay: float = 0.1
    ) -> pebble.Change:
        """Wait until a change is done, which it always is in time."""
        self._connect()
        names = [name for name in self._fake.services.terminating() if name == change_id]
        self._fake.services.finish(names)
        self._show()
        return _change(change_id, ready=True)

    def send_signal(self, sig: int | str, services: Iterable[str]) -> None:
        """Accept a signal for services that run; the programs do not feel it.

        Raises:
            ops.pebble.APIError: if one does not run.
        """
        self._connect()
        for name in services:
            if name not in self._fake.running():
                message = f'cannot send signal to "{name}": service is not running'
                raise pebble.APIError({}, 500, 'Internal Server Error', message)

    def get_checks(
        self, level: pebble.CheckLevel | None = None, names: Iterable[str] | None = None
    ) -> list[pebble.CheckInfo]:
        """Describe checks."""
        self._connect()
        wanted = None if names is None else set(names)
        infos = [self._fake.checks.info(name) for name in sorted(self._fake.checks.known)]
        return [
            info
            for info in infos
            if (wanted is None or info.name in wanted) and level in (None, info.level)
        ]

    def start_checks(self, checks: Iterable[str]) -> list[str]:
        """Start checks."""
        return self._switch(checks, on=True)

    def stop_checks(self, checks: Iterable[str]) -> list[str]:
        """Stop checks."""
        return self._switch(checks, on=False)

    def _switch(self, checks: Iterable[str], *, on: bool) -> list[str]:
        self._connect()
        changed = self._fake.checks.switch(checks, on=on)
        self._show()
        return changed

    def pull(
        self, path: str | pathlib.PurePath, *, encoding: str | None = 'utf-8'
    ) -> io.BytesIO | io.StringIO:
        """Read a file."""
        self._connect()
        content = self._fake.files.read(str(path))
        return io.BytesIO(content) if encoding is None else io.StringIO(content.decode(encoding))

    def push(
        self,
        path: str | pathlib.PurePath,
        source: _Source,
        *,
        encoding: str = 'utf-8',
        make_dirs: bool = False,
        permissions: int | None = None,
        user_id: int | None = None,
        user: str | None = None,
        group_id: int | None = None,
        group: str | None = None,
    ) -> None:
        """Write a file."""
        self._connect()
        files = self._fake.files
        files.write(
            str(path),
            _content(source, encoding),
            mode=permissions,
            owner=files.owner_of_names(user_id, user, group_id, group),
            parents=make_dirs,
        )

    def list_files(
        self, path: str | pathlib.PurePath, *, pattern: str | None = None, itself: bool = False
    ) -> list[pebble.FileInfo]:
        """Describe files."""
        self._connect()
        return self._fake.files.listing(str(path), pattern=pattern, itself=itself)

    def make_dir(
        self,
        path: str | pathlib.PurePath,
        *,
        make_parents: bool = False,
        permissions: int | None = None,
        user_id: int | None = None,
        user: str | None = None,
        group_id: int | None = None,
        group: str | None = None,
    ) -> None:
        """Make a folder."""
        self._connect()
        files = self._fake.files
        owner = files.owner_of_names(user_id, user, group_id, group)
        files.make_folder(str(path), mode=permissions, owner=owner, parents=make_parents)

    def remove_path(self, path: str | pathlib.PurePath, *, recursive: bool = False) -> None:
        """Remove a file or folder."""
        self._connect()
        self._fake.files.remove(str(path), recursive=recursive)

    def exec(
        self,
        command: list[str],
        *,
        service_context: str | None = None,
        environment: dict[str, str] | None = None,
        working_dir: str | None = None,
        timeout: float | None = None,
        user_id: int | None = None,
        user: str | None = None,
        group_id: int | None = None,
        group: str | None = None,
        stdin: _Source | None = None,
        stdout: IO[str] | IO[bytes] | None = None,
        stderr: IO[str] | IO[bytes] | None = None,
        encoding: str | None = 'utf-8',
        combine_stderr: bool = False,
    ) -> Process:
        """Run a command; it has ended when this returns."""
        self._connect()
        owner = self._fake.files.owner_of_names(user_id, user, group_id, group)
        ran = self._fake.execute(
            command, environment=environment or {}, user_id=owner[0] if owner else None
        )
        output = ran.stdout + ran.stderr if combine_stderr else ran.stdout
        errors = '' if combine_stderr else ran.stderr
        if ran.exit_code == 127:
            raise pebble.APIError({}, 400, 'Bad Request', f'cannot find executable "{command[0]}"')
        return Process(command, ran.exit_code, output, errors, encoding)


class SurroundedClient:
    """A client of which every call is surrounded.

    Args:
        client: The client.
        fake: Its container.
        surround: What surrounds its calls.
    """

    def __init__(self, client: PebbleClient, fake: PebbleFake, surround: Surround) -> None:
        self._client = client
        self._fake = fake
        self._surround = surround

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        @functools.wraps(method)
        def call(*args: Any, **kwargs: Any) -> Any:
            with self._surround(self._fake, name):
                return method(*args, **kwargs)

        return call


class Process:
    """A command that has ended."""

    def __init__(
        self, command: list[str], exit_code: int, output: str, errors: str, encoding: str | None
    ) -> None:
        self._command = command
        self._exit_code = exit_code
        self._output = output if encoding else output.encode()
        self._errors = errors if encoding else errors.encode()
        self.stdout = io.StringIO(output) if encoding else io.BytesIO(output.encode())
        self.stderr = io.StringIO(errors) if encoding else io.BytesIO(errors.encode())
        self.stdin = io.StringIO() if encoding else io.BytesIO()

    def wait(self) -> None:
        """Return when the command succeeded.

        Raises:
            ops.pebble.ExecError: if it did not.
        """
        if self._exit_code:
            raise pebble.ExecError(self._command, self._exit_code, None, None)

    def wait_output(self) -> tuple[str | bytes, str | bytes]:
        """Return what the command wrote when it succeeded.

        Raises:
            ops.pebble.ExecError: if it did not.
        """
        if self._exit_code:
            raise pebble.ExecError[Any](self._command, self._exit_code, self._output, self._errors)
        return self._output, self._errors


def _change(service: str, *, ready: bool = False) -> pebble.Change:
    now = datetime.datetime.now(datetime.UTC)
    return pebble.Change(
        id=pebble.ChangeID(service),  # opaque to clients, and one for each is enough
        kind='stop',
        summary=f'Stop service "{service}"',
        status='Done' if ready else 'Doing',
        tasks=[],
        ready=ready,
        err=None,
        spawn_time=now,
        ready_time=now if ready else None,
    )


def _content(source: _Source, encoding: str) -> bytes:
    content = source if isinstance(source, str | bytes | bytearray) else source.read()
    return content.encode(encoding) if isinstance(content, str) else bytes(content)
