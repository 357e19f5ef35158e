# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What can be deployed: charms by name, and stand-ins for the programs in their images."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from charmarr_lib.testing.mediahub import MediahubDouble
from charmarr_lib.testing.plex import PlexDouble
from charmarr_lib.testing.seerr import SeerrDouble
from charmarr_lib.testing.workload import Workload

from . import charm, errors, model

Program = Callable[[], Workload]
"""Makes the program that one container of one pod runs."""

PROGRAMS: Final[Mapping[str, Program]] = {
    'lscr.io/linuxserver/plex': PlexDouble,
    'ghcr.io/seerr-team/seerr': SeerrDouble,
    'ghcr.io/fallenbagel/jellyseerr': lambda: SeerrDouble('jellyseerr', '2.7.3'),
    'lscr.io/linuxserver/overseerr': lambda: SeerrDouble('overseerr', '1.34.0', linuxserver=True),
    'ghcr.io/charmarr/mediahub': MediahubDouble,
    'sctx/overseerr': lambda: SeerrDouble('overseerr', '1.34.0'),
}
"""Stand-ins for the programs of the suite's images, by image repository."""


class Catalogue:
    """Charms and images.

    Args:
        folders: Folders of charms; each has a ``charmcraft.yaml``. A charm's code is loaded when
            it is deployed.
        programs: Stand-ins by image repository; by default :data:`PROGRAMS`. An image that has
            none starts and answers nothing.

    Raises:
        errors.InputError: if a folder holds no charm.
    """

    def __init__(
        self, folders: Iterable[pathlib.Path] = (), programs: Mapping[str, Program] | None = None
    ) -> None:
        self._folders: dict[str, pathlib.Path] = {}
        self._loaded: dict[str, model.Charm] = {}
        self._programs = dict(PROGRAMS if programs is None else programs)
        for folder in folders:
            self.add(folder)

    @property
    def names(self) -> list[str]:
        """Names of the charms there are, in order."""
        return sorted(self._folders.keys() | self._loaded.keys())

    def add(self, charm_or_folder: model.Charm | pathlib.Path) -> str:
        """Add a charm and return its name; a charm of the same name gives way.

        Raises:
            errors.InputError: if the folder holds no charm.
        """
        if isinstance(charm_or_folder, model.Charm):
            self._loaded[charm_or_folder.name] = charm_or_folder
            return charm_or_folder.name
        name = charm.read_metadata(charm_or_folder)['name']
        self._folders[name] = charm_or_folder
        self._loaded.pop(name, None)
        return name

    def charm(self, name: str) -> model.Charm:
        """Return a charm by name, loading its code the first time.

        Raises:
            errors.JujuError: if there is no such charm.
            errors.InputError: if its code cannot be loaded.
        """
        if name not in self._loaded:
            if name not in self._folders:
                raise errors.JujuError(f'charm or bundle not found for charm {name!r}')
            self._loaded[name] = charm.load(self._folders[name])
        return self._loaded[name]

    def copy(self) -> Catalogue:
        """Return a catalogue of the same charms, whose programs can be replaced apart."""
        twin = Catalogue(programs=self._programs)
        twin._folders = dict(self._folders)
        twin._loaded = dict(self._loaded)
        return twin

    def register(self, repository: str, program: Program) -> None:
        """Let ``program`` stand in for what an image runs."""
        self._programs[repository] = program

    def program(self, image: str) -> Workload | None:
        """Return a new stand-in for the program of an image; None when there is none."""
        make = self._programs.get(repository(image))
        return make() if make else None


def repository(image: str) -> str:
    """Return an image reference without its tag and digest."""
    name = image.partition('@')[0]
    head, slash, last = name.rpartition('/')
    return head + slash + last.partition(':')[0]


def in_folder(parent: pathlib.Path) -> list[pathlib.Path]:
    """Return the charms' folders below ``parent``, in order."""
    return sorted(path.parent for path in parent.glob('*/charmcraft.yaml'))
