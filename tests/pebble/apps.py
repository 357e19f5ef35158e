# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Our workloads under a real Pebble, brought up by what the charms themselves call."""

from __future__ import annotations

import dataclasses
import pathlib
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

import ops

from charmarr_lib import pebble

from .daemons import Daemon
from .rooms import Entry

_ROOT: Final = pathlib.Path(__file__).parents[2]
for _charm in ('plex-k8s', 'overseerr-k8s'):
    sys.path.append(str(_ROOT / 'charms' / _charm / 'src'))

import plex_layer  # noqa: E402  # found where the line above says
import seerr  # noqa: E402
import seerr_folder  # noqa: E402
import seerr_settings  # noqa: E402

SECRET: Final = 'f00ba5-do-not-tell'
LAUNCH: Final = plex_layer.Launch(1000, 1001)
PREFERENCES: Final = f'<?xml version="1.0"?>\n<Preferences PlexOnlineToken="{SECRET}"/>'


@dataclasses.dataclass(frozen=True)
class App:
    """One of our workloads.

    Attributes:
        daemon: The Pebble that runs it.
        service: Name of its service, which is the name of the layer too.
        check: Name of the check that says whether it is up.
        volume: Where its storage is mounted.
        secret_file: The file with its secret.
        prepare: Does what the charm does before it starts the workload.
        layer: Makes the layer, with another time zone where one is named.
    """

    daemon: Daemon
    service: str
    check: str
    volume: str
    secret_file: str
    prepare: Callable[[], None]
    layer: Callable[[str], Mapping[str, Any]]

    @property
    def container(self) -> ops.Container:
        """The container as the charm has it."""
        return self.daemon.container

    def replan(self, timezone: str = 'Etc/UTC') -> bool:
        """Bring the layer into the plan as the charm does."""
        layer: Any = self.layer(timezone)
        return pebble.replan(self.container, self.service, layer)

    def start(self) -> Entry:
        """Prepare and start the workload; return what it told of its start."""
        self.prepare()
        assert self.replan()
        started = self.daemon.room.wait_for('started')
        self.daemon.room.wait_for('listening')
        return started

    def stop(self) -> bool:
        """Stop the workload as the charm does."""
        return pebble.stop(self.container, self.service)


def plex(daemon: Daemon, launch: plex_layer.Launch = LAUNCH) -> App:
    """Return Plex, whose volume is empty and root's, as a new volume is."""

    def prepare() -> None:
        owner = (launch.user_id, launch.group_id)
        pebble.ensure_owner(daemon.container, plex_layer.CONFIG, *owner)
        daemon.container.push(
            plex_layer.PREFERENCES,
            PREFERENCES,
            make_dirs=True,
            permissions=0o600,
            user_id=owner[0],
            group_id=owner[1],
        )

    return App(
        daemon=daemon,
        service=plex_layer.SERVICE,
        check=plex_layer.STARTED_CHECK,
        volume=plex_layer.CONFIG,
        secret_file=plex_layer.PREFERENCES,
        prepare=prepare,
        layer=lambda zone: plex_layer.layer(dataclasses.replace(launch, timezone=zone)),
    )


def seerr_app(daemon: Daemon) -> App:
    """Return Seerr, whose volume is empty and root's, as a new volume is."""
    program = pebble.Program(daemon.container, seerr.SERVICE)
    image = seerr.identify(program)
    assert image is not None

    def prepare() -> None:
        seerr_folder.own(program, seerr_folder.read(program))
        settings = seerr_settings.Settings({'main': {'apiKey': SECRET}})
        seerr_folder.write_settings(program, settings, None)

    return App(
        daemon=daemon,
        service=seerr.SERVICE,
        check=seerr.CHECK,
        volume=seerr.FOLDER,
        secret_file=seerr_settings.PATH,
        prepare=prepare,
        layer=lambda zone: seerr.layer(image, 'info', zone),
    )
