# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What a stand-in for a workload program has to offer.

A double of Plex or Seerr is a :class:`Workload`. Unit tests drive it directly; the rehearsal
starts and stops it as the Pebble model starts and stops the service that runs it.
"""

from __future__ import annotations

import dataclasses
import pathlib
import typing
from collections.abc import Callable, Mapping, Sequence

import httpx2


def _root_owns(path: str) -> tuple[int, int]:
    return 0, 0


@dataclasses.dataclass(frozen=True)
class Launch:
    """How Pebble starts the program.

    Attributes:
        command: The service's command line, as in the plan.
        environment: The service's environment, as in the plan.
        user_id: The service's ``user-id``, None for root.
        group_id: The service's ``group-id``, None for root.
        root: The container's root folder on this machine; mounted volumes are below it.
        owner: Returns user and group of a path in the container. The files below ``root`` belong
            to whoever runs the tests; this is who owns them in the container.
        working_dir: Where the program is started, as in the plan.
    """

    command: str
    environment: Mapping[str, str]
    user_id: int | None
    group_id: int | None
    root: pathlib.Path
    owner: Callable[[str], tuple[int, int]] = _root_owns
    working_dir: str = '/'


@dataclasses.dataclass(frozen=True)
class Ran:
    """The end of a command that was executed in the container."""

    exit_code: int = 0
    stdout: str = ''
    stderr: str = ''


class CannotStart(Exception):
    """The program exits at once; the message is what it would print."""


class Workload(typing.Protocol):
    """A program in a container.

    Attributes:
        port: The TCP port it listens on while it runs.
    """

    port: int

    def image_files(self) -> Mapping[str, str]:
        """Return the files its image brings: absolute path to text."""
        ...

    def start(self, launch: Launch) -> None:
        """Start the program.

        Raises:
            CannotStart: if it would exit straight away (wrong owner of its folder, broken file).
        """
        ...

    def stop(self) -> None:
        """Stop the program as SIGTERM does, leaving its files behind."""
        ...

    def handle(self, request: httpx2.Request, peer: str) -> httpx2.Response:
        """Answer a request that came from the address ``peer`` (``127.0.0.1`` is the own pod)."""
        ...

    def execute(self, command: Sequence[str]) -> Ran | None:
        """Run a command in the container; None when the image has no such command."""
        ...

    def tick(self) -> None:
        """Let time pass: one tick is about ten seconds, the period of a readiness check."""
        ...
