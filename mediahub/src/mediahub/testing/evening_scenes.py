# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Scenes of an evening: each does something, then says after how many minutes it goes on."""

from __future__ import annotations

import dataclasses
import itertools
import random
from collections.abc import Callable, Generator

from . import plex_delivery
from .evening_cast import Cast, Viewer
from .evening_library import NEW, broadcasts, episodes, films
from .plex_delivery import DIRECT, Delivery
from .plex_living import LivingPlex
from .plex_sessions import Session
from .plex_shelves import FILMS, MUSIC, File, VideoRow

# Minutes until it goes on.
Scene = Generator[float]

# What a browser plays as it is.
_EASY = frozenset({('mp4', 'h264', 'aac')})


@dataclasses.dataclass(frozen=True)
class House:
    """What a scene is played with."""

    plex: LivingPlex
    cast: Cast
    chance: random.Random

    def start(
        self, viewer: Viewer, row: VideoRow, how: Delivery | None = None, minutes: float = 0
    ) -> Session:
        """Somebody starts something, ``minutes`` into it."""
        chosen = delivery(viewer, row.file) if how is None else how
        offset = int(minutes * 60_000)
        return self.plex.play(viewer.person, viewer.device, row.id, chosen, offset)


def delivery(viewer: Viewer, file: File) -> Delivery:
    """How a file reaches a player, for the reasons that are usual."""
    device = viewer.device
    if device.relayed:
        return plex_delivery.picture('sd', 1_500)
    if not device.local:
        return plex_delivery.picture('720', 4_000) if file.bitrate > 8_000 else DIRECT
    if device.platform == 'Chrome':
        return _for_browser(file)
    if device.platform == 'Roku':
        return _for_stick(file)
    if device.platform != 'tvOS' and file.resolution == '4k':
        return plex_delivery.picture('1080', 12_000)
    return DIRECT


def _for_browser(file: File) -> Delivery:
    if (file.container, file.video, file.audio) in _EASY:
        return DIRECT
    if file.video != 'h264':
        return plex_delivery.picture('1080', 10_000)
    return plex_delivery.REMUX if file.audio == 'aac' else plex_delivery.SOUND


def _for_stick(file: File) -> Delivery:
    if file.subtitles == 'pgs':
        return plex_delivery.picture('1080', 8_000, burn=True, hardware=False)
    return plex_delivery.SOUND if file.audio in {'dca', 'truehd'} else DIRECT


def _minutes(row: VideoRow) -> float:
    return row.duration_ms / 60_000


def film_night(house: House) -> Scene:
    """The sofa, the best picture there is, tea in the middle."""
    row = house.chance.choice([row for row in films(house.plex) if row.file.resolution == '4k'])
    session = house.start(house.cast.sofa, row)
    yield house.chance.uniform(35, 50)
    session.pause()
    yield house.chance.uniform(4, 9)
    session.resume()
    yield 3
    session.rate(8)
    yield _minutes(row)


def binge(house: House) -> Scene:
    """A child, a tablet, one more episode and one more."""
    viewer = house.cast.tablet
    rows = episodes(house.plex, 'The Tinker Twins')
    first = house.chance.randrange(len(rows) - 6)
    for row in rows[first : first + house.chance.randint(4, 6)]:
        session = house.start(viewer, row)
        yield _minutes(row) + 0.2
        session.stop()
        if session.truth.how == 'terminated':
            return
    session = house.start(viewer, house.chance.choice(films(house.plex, 'Family')))
    yield house.chance.uniform(3, 6)
    session.stop()  # bedtime


def news(house: House) -> Scene:
    """Half an hour of a channel, which has no end of its own."""
    row = house.chance.choice(broadcasts(house.plex))
    session = house.start(house.cast.armchair, row, plex_delivery.SOUND)
    yield 30
    session.stop()
    yield 1
    show = house.chance.choice(episodes(house.plex, 'Constable Fjord'))
    session = house.start(house.cast.armchair, show)
    yield _minutes(show) / 2
    session.pause()
    yield 2
    session.resume()
    yield _minutes(show)


def sleeper(house: House) -> Scene:
    """Somebody who falls asleep: paused by a hand on the remote, gone when the battery is."""
    row = house.chance.choice(films(house.plex, 'Drama', 'Mystery'))
    session = house.start(house.cast.bed, row)
    yield house.chance.uniform(20, 40)
    session.seek(session.offset_ms - 60_000)
    yield house.chance.uniform(10, 20)
    session.vanish(linger=20)


def faraway(house: House) -> Scene:
    """A friend's television, over a line that gets worse and better again."""
    row = house.chance.choice([row for row in films(house.plex) if row.file.bitrate > 8_000])
    session = house.start(house.cast.far, row)
    yield 18
    session.buffer()
    yield 0.5
    session.deliver(plex_delivery.picture('sd', 1_500))
    session.resume()
    yield 25
    session.deliver(plex_delivery.picture('720', 4_000))
    yield _minutes(row)


def train(house: House) -> Scene:
    """A telephone on a train: a tunnel in the middle, then the rest of it."""
    row = house.chance.choice(episodes(house.plex, 'Moss & Mortar'))
    session = house.start(house.cast.train, row)
    yield 7
    session.vanish(linger=15)
    yield 4
    session = house.start(house.cast.train, row, minutes=6.5)
    yield _minutes(row)
    yield from _music(house, house.cast.train, plex_delivery.MUSIC, 4)


def desk(house: House) -> Scene:
    """A browser that can do little by itself, and somebody who cannot decide."""
    viewer = house.cast.desk
    for row in house.chance.sample(films(house.plex), 2):
        session = house.start(viewer, row)
        yield house.chance.uniform(2, 4)
        session.stop()
        yield 1
    row = house.chance.choice(episodes(house.plex, 'Signal Lost'))
    session = house.start(viewer, row)
    yield 20
    session.pause()
    yield 3
    session.resume()
    yield _minutes(row)


def kitchen(house: House) -> Scene:
    """Music while somebody cooks."""
    yield from _music(house, house.cast.kitchen, DIRECT, 9)


def _music(house: House, viewer: Viewer, how: Delivery, count: int) -> Scene:
    """Track after track of an album in one session."""
    library = house.plex.music.library
    tracks = library.tracks_of(house.chance.choice(list(library.albums)))[:count]
    session = house.plex.play(viewer.person, viewer.device, tracks[0].id, how)
    for track, following in itertools.pairwise(tracks):
        yield track.duration_ms / 60_000 - 0.05
        session.next(house.plex.playable(following.id))
    yield tracks[-1].duration_ms / 60_000 - 0.05
    session.stop()


def librarian(house: House) -> Scene:
    """A scan of the films, which finds one; later one of the music."""
    house.plex.scan(FILMS)
    yield 2
    title, year = house.chance.choice(NEW)
    if title not in {row.title for row in films(house.plex)}:
        house.plex.arrive(house.plex.shelves.add_film(title, year, 96))
    yield 90
    house.plex.scan(MUSIC)
    yield 120
    house.plex.telling.post('admin.database.backup')


def late(house: House) -> Scene:
    """Two episodes of what a friend follows, one after the other."""
    rows = episodes(house.plex, 'Harbour Street')
    first = house.chance.randrange(len(rows) - 2)
    for row in rows[first : first + 2]:
        session = house.start(house.cast.far, row)
        yield _minutes(row)
        session.stop()


def update(house: House) -> Scene:
    """The owner updates the server, while others watch; their players hardly notice."""
    house.plex.restart(survivors=True, starting='503')
    yield 1
    house.plex.ready()


@dataclasses.dataclass(frozen=True)
class Cue:
    """When a scene begins: minutes into the evening, at the earliest and at the latest.

    Attributes:
        every: On which evenings: 1 for all, 3 for every third.
    """

    scene: Callable[[House], Scene]
    earliest: float
    latest: float
    every: int = 1


CUES = (
    Cue(kitchen, 0, 1),
    Cue(binge, 0.5, 2),
    Cue(train, 1, 4),
    Cue(desk, 2, 6),
    Cue(news, 3, 8),
    Cue(film_night, 5, 12),
    Cue(faraway, 8, 15),
    Cue(librarian, 12, 20),
    Cue(sleeper, 25, 45),
    Cue(kitchen, 60, 70, every=2),
    Cue(update, 70, 75, every=3),
    Cue(desk, 95, 110),
    Cue(late, 150, 160),
)
