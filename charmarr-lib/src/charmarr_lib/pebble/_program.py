# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A program in a workload container, for code that shall not know of ``ops``.

Pebble has six kinds of error. Code that stops a program, edits its files and starts it again needs
three of them, each with one line for the operator.
"""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import typing
from collections.abc import Generator, Mapping, Sequence

import ops

from ._files import ensure_owner, mounts
from ._services import is_running, replan, stop


class ProgramError(Exception):
    """The container did not do what was asked; the message is one line for the operator."""


class Disconnected(ProgramError):
    """Pebble cannot be reached just now. Juju tells when it is back."""


class NotDone(ProgramError):
    """A file could not be read or written, or Pebble refused a request."""


class Exited(ProgramError):
    """The program did not stay up, or could not be stopped."""


@dataclasses.dataclass(frozen=True)
class Entry:
    """A file or folder in the container.

    Attributes:
        size: Bytes; 0 for a folder.
        permissions: The lower nine bits of its mode.
        user_id: Number of the user who owns it.
        group_id: Number of the group that owns it.
    """

    size: int
    permissions: int
    user_id: int
    group_id: int


@dataclasses.dataclass(frozen=True)
class Finished:
    """The end of a command in the container.

    Attributes:
        exit_code: 0 where it succeeded.
        stdout: What it printed.
        stderr: What it complained of.
    """

    exit_code: int
    stdout: str
    stderr: str


class Program:
    """One service of a container, and the container's files.

    Args:
        container: The container.
        service: Name of the service in the plan.

    Every method but :meth:`can_connect` raises a :class:`ProgramError` when it fails; none raises
    anything else.
    """

    def __init__(self, container: ops.Container, service: str):
        self._container = container
        self._service = service

    def can_connect(self) -> bool:
        """Tell whether the container's Pebble answers."""
        try:
            with _translated(self._service):
                return self._container.can_connect()
        except Disconnected:  # ops knows of a Pebble that is not there, not of one that goes away
            return False

    def replan(self, layer: ops.pebble.LayerDict) -> bool:
        """Bring the plan to ``layer`` and the program up; tell whether anything had to be done."""
        with _translated(self._service):
            return replan(self._container, self._service, layer)

    def is_up(self, check: str) -> bool:
        """Tell whether a check of the plan passes. One that is not in the plan does not."""
        with _translated(self._service):
            info = self._container.get_checks(check).get(check)
        return info is not None and info.status is ops.pebble.CheckStatus.UP

    def failures(self, check: str) -> int:
        """Return how often in a row a check has failed; 0 for one that is not in the plan."""
        with _translated(self._service):
            info = self._container.get_checks(check).get(check)
        return info.failures if info is not None else 0

    def is_running(self) -> bool:
        """Tell whether the program runs."""
        with _translated(self._service):
            return is_running(self._container, self._service)

    def stop(self) -> None:
        """Stop the program if it runs, and wait until it is gone."""
        with _translated(self._service):
            stop(self._container, self._service)

    def start(self) -> None:
        """Start the program if it does not run. It has to be in the plan."""
        with _translated(self._service):
            self._container.start(self._service)

    def read(self, path: str) -> bytes | None:
        """Return what is in a file, or None where there is none."""
        with _translated(path):
            try:
                with self._container.pull(path, encoding=None) as file:
                    return file.read()
            except ops.pebble.PathError as error:
                if error.kind == 'not-found':
                    return None
                raise

    def open(self, path: str) -> typing.BinaryIO:
        """Return an open copy of a file that may be too large for the memory; close it."""
        with _translated(path):
            return self._container.pull(path, encoding=None)

    def write(
        self, path: str, content: bytes | typing.BinaryIO, owner: tuple[int, int], mode: int
    ) -> None:
        """Write a file, all or nothing.

        Pebble writes to a temporary file beside it, gives that the owner and the mode, and renames
        it (``AtomicWriteChown`` in Pebble's ``api_files.go``). A program that is killed in
        between, or a full disk, leaves the old file as it was.

        Args:
            path: Absolute path; folders that are missing are made, with the same owner.
            content: What the file will hold.
            owner: Numbers of user and group.
            mode: Permissions, such as ``0o600``.
        """
        with _translated(path):
            self._container.push(
                path,
                content,
                make_dirs=True,
                permissions=mode,
                user_id=owner[0],
                group_id=owner[1],
            )

    def make_folder(self, path: str, owner: tuple[int, int], mode: int) -> None:
        """Make a folder, and those above it that are missing, with that owner and mode."""
        with _translated(path):
            self._container.make_dir(
                path, make_parents=True, permissions=mode, user_id=owner[0], group_id=owner[1]
            )

    def mounts(self) -> frozenset[str]:
        """Return the mount points inside the container."""
        with _translated('the mount table'):
            return mounts(self._container)

    def entry(self, path: str) -> Entry | None:
        """Return what a file or folder is like, or None where there is none."""
        with _translated(path):
            try:
                found = self._container.list_files(path, itself=True)
            except ops.pebble.APIError as error:
                if error.code == _NOT_FOUND:
                    return None
                raise
        return _entry(found[0])

    def give(self, path: str, owner: tuple[int, int]) -> bool:
        """Give a folder and all below it to a user and group, if the folder is not theirs."""
        with _translated(path):
            return ensure_owner(self._container, path, *owner)

    def change_owner(self, paths: Sequence[str], owner: tuple[int, int]) -> None:
        """Give files, and folders with all below them, to a user and group."""
        with _translated(paths[0]):
            command = ['chown', '-R', f'{owner[0]}:{owner[1]}', *paths]
            self._container.exec(command).wait_output()

    def execute(
        self, command: Sequence[str], owner: tuple[int, int], *, timeout: float
    ) -> Finished:
        """Run a command of the image and wait for its end, good or bad.

        Args:
            command: The program and its arguments. Everybody in the container can read them.
            owner: Numbers of user and group that it runs as.
            timeout: Seconds after which Pebble ends it.
        """
        with _translated(command[0]):
            process = self._container.exec(
                list(command), user_id=owner[0], group_id=owner[1], timeout=timeout
            )
            try:
                stdout, stderr = process.wait_output()
            except ops.pebble.ExecError as error:  # pyright: ignore[reportUnknownVariableType] -- generic in what it read
                return _failed(error)  # pyright: ignore[reportUnknownArgumentType] -- likewise
        return Finished(0, stdout, stderr or '')

    def remove(self, path: str) -> None:
        """Remove a file if it is there."""
        with _translated(path):
            self._container.remove_path(path, recursive=True)

    def entries(self, folder: str) -> Mapping[str, Entry]:
        """Return what is in a folder by name; nothing where there is no such folder."""
        with _translated(folder):
            try:
                found = self._container.list_files(folder)
            except ops.pebble.APIError as error:
                if error.code == _NOT_FOUND:
                    return {}
                raise
        return {each.name: _entry(each) for each in found}


def _failed(error: ops.pebble.ExecError[typing.Any]) -> Finished:
    return Finished(error.exit_code, error.stdout or '', error.stderr or '')


_NOT_FOUND: typing.Final = 404


def _entry(found: ops.pebble.FileInfo) -> Entry:
    return Entry(found.size or 0, found.permissions, found.user_id or 0, found.group_id or 0)


@contextlib.contextmanager
def _translated(subject: str) -> Generator[None]:
    try:
        yield
    except ops.pebble.ChangeError as error:
        raise Exited(f'{subject} does not stay up: look at its log') from error
    except (ops.pebble.PathError, ops.pebble.APIError) as error:
        raise NotDone(f'{subject}: {_first_line(error.message)}') from error
    except ops.pebble.ExecError as error:  # pyright: ignore[reportUnknownVariableType] -- generic in what it read
        raise NotDone(f'{subject}: a command in the container failed') from error
    except (ops.pebble.Error, OSError, http.client.HTTPException) as error:
        # A container that goes away in the middle of an answer shows as any of these.
        raise Disconnected('waiting for Pebble') from error


def _first_line(text: str) -> str:
    return text.partition('\n')[0]
