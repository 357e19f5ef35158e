# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Programs of the suite's images that are watched, moody, and die without a word."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from charmarr_lib.testing import mediahub, plex, seerr
from charmarr_lib.testing.workload import Launch

from . import catalogue, storm

MOODS: Final = ('well', 'broken', 'hanging', 'garbled', 'slow')
PLEX_IMAGE: Final = 'lscr.io/linuxserver/plex'
SEERR_IMAGE: Final = 'ghcr.io/seerr-team/seerr'
HUB_IMAGE: Final = 'ghcr.io/charmarr/mediahub'
_SLOW: Final = 3  # ticks until a slow Plex listens; requests until a slow Seerr does


class Troupe:
    """All programs of one rehearsal.

    Attributes:
        plexes: Every Plex that was started.
        seerrs: Every Seerr that was started.
        hubs: Every hub that was started.
        collisions: Folders that a second Plex was started on while a first one ran there.
        hub_collisions: Likewise, of hubs.
    """

    def __init__(self, weather: storm.Storm) -> None:
        self.plexes: list[plex.PlexDouble] = []
        self.seerrs: list[seerr.SeerrDouble] = []
        self.hubs: list[mediahub.MediahubDouble] = []
        self.collisions: list[str] = []
        self.hub_collisions: list[str] = []
        self._storm = weather
        self._mood = {'plex': 'well', 'seerr': 'well'}

    def register(self, charms: catalogue.Catalogue) -> None:
        """Let these programs stand in for what the images run."""
        charms.register(PLEX_IMAGE, lambda: _Plex(self, self._storm))
        charms.register(SEERR_IMAGE, lambda: _Seerr(self))
        charms.register(HUB_IMAGE, lambda: _Hub(self, self._storm))

    def set_mood(self, program: str, mood: str) -> None:
        """Set how all programs of a kind answer from now on; ``slow`` is about their next start.

        Args:
            program: ``plex`` or ``seerr``.
            mood: One of :data:`MOODS`.
        """
        self._mood[program] = mood
        for each in self.plexes if program == 'plex' else self.seerrs:
            self.adjust(each)

    def adjust(self, program: plex.PlexDouble | seerr.SeerrDouble) -> None:
        """Put one program into the mood that it should be in."""
        is_plex = isinstance(program, plex.PlexDouble)
        mood = self._mood['plex' if is_plex else 'seerr']
        moods: Any = plex.Mood if is_plex else seerr.Mood
        program.slow_start = _SLOW if mood == 'slow' else 0
        program.mood = moods.WELL if mood == 'slow' else moods[mood.upper()]

    def started(self, program: plex.PlexDouble) -> None:
        """Note that a Plex runs, and whether another one has its folder."""
        folder = program.folders[-1]
        for each in self.plexes:
            if each is not program and each.running and each.folders[-1] == folder:
                self.collisions.append(folder)
        if program not in self.plexes:
            self.plexes.append(program)

    def hub_started(self, program: mediahub.MediahubDouble) -> None:
        """Note that a hub runs, and whether another one has its database."""
        for each in self.hubs:
            if each is not program and each.running and each.database == program.database:
                self.hub_collisions.append(str(program.database.parent))
        if program not in self.hubs:
            self.hubs.append(program)

    def lost_edits(self) -> Iterator[str]:
        """Yield the folder of each Plex whose settings somebody has edited while it ran."""
        for each in self.plexes:
            if each.edited or each.lost_edits:
                yield each.folders[-1]

    def secrets(self) -> Iterator[str]:
        """Yield what the programs know and nobody else may."""
        for each in self.plexes:
            yield each.preference('PlexOnlineToken')
        for each in self.seerrs:
            yield str(each.settings.get('main', {}).get('apiKey', ''))
        for hub in self.hubs:
            yield from hub.secrets()


class _Plex(plex.PlexDouble):
    def __init__(self, troupe: Troupe, weather: storm.Storm) -> None:
        super().__init__()
        self._troupe = troupe
        self._storm = weather

    def start(self, launch: Launch) -> None:
        self._troupe.adjust(self)
        super().start(launch)
        self._troupe.started(self)

    def stop(self) -> None:
        if self._storm.graceless:
            self.running = False  # its pid file stays, and what it had not written is lost
        else:
            super().stop()


class _Seerr(seerr.SeerrDouble):
    def __init__(self, troupe: Troupe) -> None:
        super().__init__()
        self._troupe = troupe

    def start(self, launch: Launch) -> None:
        self._troupe.adjust(self)
        super().start(launch)
        if self not in self._troupe.seerrs:
            self._troupe.seerrs.append(self)


class _Hub(mediahub.MediahubDouble):
    def __init__(self, troupe: Troupe, weather: storm.Storm) -> None:
        super().__init__()
        self._troupe = troupe
        self._storm = weather

    def start(self, launch: Launch) -> None:
        super().start(launch)
        self._troupe.hub_started(self)

    def stop(self) -> None:
        if self._storm.graceless:
            self.running = False  # the file that says where it listens stays
        else:
            super().stop()
