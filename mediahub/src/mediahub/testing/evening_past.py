# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What was watched in the months before an evening."""

from __future__ import annotations

import datetime
import random

from . import evening_library
from .evening_cast import Cast, Viewer
from .plex_living import LivingPlex
from .plex_shelves import VideoRow

# How likely something begins in each hour of a day, from midnight.
_HOURS = (3, 1, 0, 0, 0, 0, 1, 2, 2, 2, 3, 3, 4, 4, 4, 5, 7, 10, 16, 22, 26, 22, 14, 7)

# Plays a day, from Monday.
_DAYS = (7, 6, 7, 8, 12, 15, 14)


def remember(plex: LivingPlex, cast: Cast, days: int, chance: random.Random) -> None:
    """Fill a server's history up to its present.

    Shows are watched in order, films in any; weekends and evenings see more of both. All that it
    holds was watched to its end, because that is when a server remembers.
    """
    past = _Past(plex, cast, chance)
    now = plex.clock()
    for back in range(days, -1, -1):
        past.add_day((now - datetime.timedelta(days=back)).date(), now)
    deck = [row for row in evening_library.films(plex) if row.file.resolution == '1080'][:2]
    plex.on_deck = {row.id: row.duration_ms // 3 for row in deck}


class _Past:
    def __init__(self, plex: LivingPlex, cast: Cast, chance: random.Random):
        self._plex = plex
        self._chance = chance
        self._viewers = cast.viewers
        self._music = cast.kitchen
        self._places: dict[tuple[int, str], int] = {}

    def add_day(self, day: datetime.date, now: datetime.datetime) -> None:
        for _ in range(self._chance.randint(_DAYS[day.weekday()] - 3, _DAYS[day.weekday()] + 3)):
            (hour,) = self._chance.choices(range(24), _HOURS)
            minute = datetime.time(hour, self._chance.randrange(60), tzinfo=datetime.UTC)
            begun = datetime.datetime.combine(day, minute)
            if self._chance.random() < 0.15:
                self._add_music(begun, now)
            else:
                self._add_video(begun, now)

    def _add_video(self, begun: datetime.datetime, now: datetime.datetime) -> None:
        (viewer,) = self._chance.choices(self._viewers, [each.weight for each in self._viewers])
        row = self._chosen(viewer)
        ended = begun + datetime.timedelta(milliseconds=row.duration_ms)
        if ended < now:
            self._add(viewer, row.id, ended)

    def _chosen(self, viewer: Viewer) -> VideoRow:
        if viewer.shows and self._chance.random() < 0.7:
            return self._next_episode(viewer, self._chance.choice(viewer.shows))
        genres = ['Family'] if 'The Tinker Twins' in viewer.shows else []
        return self._chance.choice(evening_library.films(self._plex, *genres))

    def _next_episode(self, viewer: Viewer, show: str) -> VideoRow:
        rows = evening_library.episodes(self._plex, show)
        place = self._places.get((viewer.person.id, show), 0)
        self._places[viewer.person.id, show] = place + 1
        return rows[place % len(rows)]

    def _add_music(self, begun: datetime.datetime, now: datetime.datetime) -> None:
        library = self._plex.music.library
        ended = begun
        for track in library.tracks_of(self._chance.choice(list(library.albums)))[:4]:
            ended += datetime.timedelta(milliseconds=track.duration_ms)
            if ended < now:
                self._add(self._music, track.id, ended)

    def _add(self, viewer: Viewer, rating_key: str, ended: datetime.datetime) -> None:
        node = self._plex.playable(rating_key).node
        who = viewer.person.id, viewer.device.id
        self._plex.history.add(node, int(ended.timestamp()), *who)
