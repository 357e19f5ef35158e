# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A library of films, shows and music that nobody made, for demonstrations."""

from __future__ import annotations

import random

from .plex_living import LivingPlex
from .plex_shelves import File, VideoRow

FULL_HD = File(subtitles='srt')
OLD = File('avi', 'mpeg4', 'mp3', 'sd', 1_800, 2)
HEVC = File('mkv', 'hevc', 'eac3', '1080', 7_500, 6, 'pgs')
ULTRA_HD = File('mkv', 'hevc', 'truehd', '4k', 58_000, 8, 'pgs')
DTS = File('mkv', 'h264', 'dca', '1080', 12_000, 6, 'pgs')
SMALL = File('mp4', 'h264', 'aac', '720', 3_200, 2)

_FILMS: tuple[tuple[str, int, int, File, str], ...] = (
    ('The Long Ferry', 2011, 102, FULL_HD, 'Drama'),
    ('Nine Lanterns', 2019, 141, ULTRA_HD, 'Adventure'),
    ('A Small Orchard', 2004, 88, SMALL, 'Drama'),
    ('Salt on the Window', 2016, 97, FULL_HD, 'Thriller'),
    ('The Clockmaker of Visby', 2021, 118, HEVC, 'Mystery'),
    ('Third Floor, Left', 1998, 84, OLD, 'Comedy'),
    ('Winter Timetable', 2014, 109, DTS, 'Drama'),
    ("The Beekeeper's Alibi", 2020, 104, FULL_HD, 'Crime'),
    ('Night Shift at Pier 9', 2022, 112, ULTRA_HD, 'Thriller'),
    ('Marzipan Heist', 2018, 99, FULL_HD, 'Comedy'),
    ('Cartographers of Rain', 2023, 128, ULTRA_HD, 'Fantasy'),
    ('The Quiet Satellite', 2017, 121, HEVC, 'Science Fiction'),
    ('Goodnight, Captain Plum', 2015, 78, SMALL, 'Family'),
    ('Otters in Orbit', 2020, 82, FULL_HD, 'Family'),
    ('Last Tram to Lindholm', 2009, 95, DTS, 'Romance'),
    ('An Inventory of Storms', 2024, 134, ULTRA_HD, 'Drama'),
    ('The Violin Repairman', 2012, 101, FULL_HD, 'Music'),
    ('Seventeen Bridges', 2006, 93, OLD, 'Documentary'),
    ("The Understudy's Shadow", 2013, 107, DTS, 'Mystery'),
    ('Glasshouse Summer', 2021, 90, HEVC, 'Romance'),
    ('Copper and Thunder', 2018, 126, ULTRA_HD, 'Action'),
    ('Four Knots for a Sailor', 2010, 98, FULL_HD, 'Adventure'),
    ('The Lighthouse Accountant', 2019, 94, FULL_HD, 'Comedy'),
    ('Paper Planets', 2022, 116, HEVC, 'Science Fiction'),
)

# Title, year, seasons, episodes of each, minutes, file, genre.
_SHOWS: tuple[tuple[str, int, int, int, int, File, str], ...] = (
    ('Harbour Street', 2016, 4, 8, 44, FULL_HD, 'Drama'),
    ('Signal Lost', 2021, 2, 8, 52, HEVC, 'Science Fiction'),
    ('Moss & Mortar', 2013, 5, 10, 23, SMALL, 'Comedy'),
    ('The Tinker Twins', 2019, 3, 20, 12, SMALL, 'Family'),
    ('Constable Fjord', 2018, 3, 6, 58, DTS, 'Crime'),
    ('Deep Field', 2023, 1, 6, 50, ULTRA_HD, 'Documentary'),
)

_BROADCASTS = ('Evening News', 'Weather at Nine', 'The Cup, Live')

_ARTISTS = (
    'Paper Lighthouse', 'The Northbound Trams', 'Ada Quill', 'Sleet & Saffron',
    'Brass for Breakfast',
)  # fmt: skip
_WORDS = (
    'Harbour', 'Copper', 'Winter', 'Velvet', 'Paper', 'Quiet', 'Northern', 'Salt', 'Amber',
    'Hollow',
)  # fmt: skip
_THINGS = (
    'Letters', 'Windows', 'Avenue', 'Signals', 'Garden', 'Machines', 'Rivers', 'Morning', 'Static',
    'Orchard',
)  # fmt: skip

# What a scan finds, one an evening.
NEW = (
    ('The Glass Ferryman', 2025), ('Nobody Counts the Swans', 2026), ('Tin Roof Serenade', 2025),
    ('Ballad of the Spare Key', 2026), ('Half Past Forever', 2026),
)  # fmt: skip


def stock(plex: LivingPlex) -> None:
    """Fill the libraries of a server."""
    for title, year, minutes, file, genre in _FILMS:
        plex.shelves.add_film(title, year, minutes, file, genre=genre)
    for title, year, seasons, episodes, minutes, file, genre in _SHOWS:
        plex.shelves.add_show(title, year, seasons, episodes, minutes, file, genre=genre)
    for title in _BROADCASTS:
        plex.shelves.add_broadcast(title)
    chance = random.Random(1)  # noqa: S311 - names of songs
    for name in _ARTISTS:
        artist = plex.music.library.add_artist(name)
        for number in range(2):
            album = plex.music.library.add_album(artist, _title(chance), 2012 + 3 * number)
            for place in range(1, 10):
                plex.music.library.add_track(album, _title(chance), place)


def _title(chance: random.Random) -> str:
    return f'{chance.choice(_WORDS)} {chance.choice(_THINGS)}'


def films(plex: LivingPlex, *genres: str) -> list[VideoRow]:
    """The films of these genres, or all."""
    found = plex.shelves.of_kind('movie')
    return [row for row in found if row.genre in genres] if genres else found


def episodes(plex: LivingPlex, show: str) -> list[VideoRow]:
    """All episodes of a show, in order."""
    (row,) = (each for each in plex.shelves.of_kind('show') if each.title == show)
    return plex.shelves.episodes(row)


def broadcasts(plex: LivingPlex) -> list[VideoRow]:
    """What the channels show."""
    return [row for row in plex.shelves.rows.values() if row.live]
