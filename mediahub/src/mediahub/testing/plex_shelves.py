# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Films, shows and broadcasts as a Plex server holds and shows them."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator

from .library import EPOCH
from .plex_documents import Node

FILMS = '1'
SHOWS = '2'
MUSIC = '3'

SECTIONS = {FILMS: 'Films', SHOWS: 'Shows', MUSIC: 'Music'}

FOLDERS = {FILMS: '/data/films', SHOWS: '/data/shows', MUSIC: '/data/music'}

# The numbers by which Plex asks for a type.
KINDS = {'1': 'movie', '2': 'show', '3': 'season', '4': 'episode'}


@dataclasses.dataclass(frozen=True)
class File:
    """What a video file holds; ``bitrate`` in kbit/s, ``subtitles`` a codec or nothing."""

    container: str = 'mkv'
    video: str = 'h264'
    audio: str = 'ac3'
    resolution: str = '1080'
    bitrate: int = 9_000
    channels: int = 6
    subtitles: str = ''

    @property
    def height(self) -> int:
        """Lines of the picture."""
        return {'4k': 2160, '1080': 1080, '720': 720}.get(self.resolution, 480)

    @property
    def width(self) -> int:
        """Dots in a line."""
        return self.height * 16 // 9


FULL_HD = File()
ULTRA_HD = File('mkv', 'hevc', 'truehd', '4k', 62_000, 8, 'pgs')
SMALL = File('mp4', 'h264', 'aac', '720', 3_200, 2)
BROADCAST = File('mpegts', 'mpeg2video', 'ac3', '1080', 14_000, 6)


@dataclasses.dataclass
class VideoRow:
    """A film, show, season, episode or broadcast.

    Attributes:
        parent: Id of the season, or of the show of a season.
        live: Whether it comes from an aerial.
        show: Name of the show of a broadcast, which stands in no library.
    """

    id: str
    kind: str
    title: str
    year: int = 2001
    duration_ms: int = 0
    index: int = 0
    parent: str = ''
    file: File = FULL_HD
    genre: str = 'Drama'
    summary: str = ''
    live: bool = False
    show: str = ''
    added: int = EPOCH
    updated: int = EPOCH

    @property
    def section(self) -> str:
        """Key of the section it stands in; a broadcast stands in none."""
        if self.live:
            return ''
        return FILMS if self.kind == 'movie' else SHOWS


@dataclasses.dataclass
class Shelves:
    """The videos of a server, by id, in the order in which they were added."""

    rows: dict[str, VideoRow] = dataclasses.field(default_factory=dict[str, VideoRow])
    _numbers: Iterator[int] = dataclasses.field(default_factory=lambda: itertools.count(1001))

    def add_film(
        self, title: str, year: int = 2001, minutes: int = 100, file: File = FULL_HD, **more: str
    ) -> VideoRow:
        """Add a film; ``more`` may be its genre and summary."""
        return self._add(
            'movie', title, year=year, duration_ms=minutes * 60_000, file=file, **more
        )

    def add_show(
        self,
        title: str,
        year: int = 2001,
        seasons: int = 1,
        episodes: int = 6,
        minutes: int = 42,
        file: File = FULL_HD,
        **more: str,
    ) -> VideoRow:
        """Add a show with that many seasons, each of so many episodes."""
        show = self._add('show', title, year=year, **more)
        for number in range(1, seasons + 1):
            season = self._add(
                'season', f'Season {number}', index=number, parent=show.id, year=year
            )
            for place in range(1, episodes + 1):
                self.add_episode(season, place, minutes, file)
        return show

    def add_episode(
        self, season: VideoRow, place: int, minutes: int = 42, file: File = FULL_HD
    ) -> VideoRow:
        """Add an episode."""
        name = f'Chapter {place}'
        facts = {'index': place, 'duration_ms': minutes * 60_000, 'file': file}
        return self._add('episode', name, parent=season.id, year=season.year, **facts)

    def add_broadcast(self, show: str, title: str = '', minutes: int = 30) -> VideoRow:
        """Add what a channel shows."""
        facts = {'duration_ms': minutes * 60_000, 'file': BROADCAST, 'live': True, 'show': show}
        return self._add('episode', title or show, **facts)

    def _add(self, kind: str, title: str, **facts: object) -> VideoRow:
        number = next(self._numbers)
        known = {'added': EPOCH + number, 'updated': EPOCH + number}
        row = VideoRow(str(number), kind, title, **(known | facts))  # pyright: ignore[reportArgumentType]  # facts are fields by name
        self.rows[row.id] = row
        return row

    def of_kind(self, kind: str) -> list[VideoRow]:
        """The rows of a kind that stand in a library."""
        return [row for row in self.rows.values() if row.kind == kind and not row.live]

    def children(self, key: str) -> list[VideoRow]:
        """Seasons of a show, or episodes of a season."""
        return [row for row in self.rows.values() if row.parent == key]

    def episodes(self, show: VideoRow) -> list[VideoRow]:
        """All episodes of a show."""
        return [row for season in self.children(show.id) for row in self.children(season.id)]

    def following(self, row: VideoRow) -> VideoRow | None:
        """The episode after an episode; None after the last and after a film."""
        if row.kind != 'episode' or row.live:
            return None
        episodes = self.episodes(self.rows[self.rows[row.parent].parent])
        place = [each.id for each in episodes].index(row.id) + 1
        return episodes[place] if place < len(episodes) else None

    def node(self, row: VideoRow) -> Node:
        """A video as every listing shows it, without its media."""
        node: Node = {
            'ratingKey': row.id,
            'key': f'/library/metadata/{row.id}',
            'guid': f'plex://{row.kind}/{row.id}',
            'type': row.kind,
            'title': row.title,
            'summary': row.summary,
            'year': row.year,
            'addedAt': row.added,
            'updatedAt': row.updated,
        }
        if row.live:
            return node | _broadcast(row)
        node |= {'librarySectionID': int(row.section), 'thumb': thumb(row)}
        node['librarySectionTitle'] = SECTIONS[row.section]
        node['librarySectionKey'] = f'/library/sections/{row.section}'
        node['art'] = f'/library/metadata/{row.id}/art/{row.updated}'
        return node | self._particulars(row)

    def _particulars(self, row: VideoRow) -> Node:
        if row.kind == 'show':
            seasons = self.children(row.id)
            leaves = sum(len(self.children(season.id)) for season in seasons)
            return {'childCount': len(seasons), 'leafCount': leaves, 'Genre': [{'tag': row.genre}]}
        if row.kind == 'season':
            show = self.rows[row.parent]
            above = {'parentRatingKey': show.id, 'parentKey': f'/library/metadata/{show.id}'}
            facts = {'parentTitle': show.title, 'index': row.index}
            return above | facts | {'leafCount': len(self.children(row.id))}
        # Names that differ by their case alone, as the real ones do.
        facts: Node = {
            'duration': row.duration_ms,
            'originallyAvailableAt': f'{row.year}-06-01',
            'Guid': [{'id': f'imdb://tt{int(row.id):07}'}],
            'rating': 7.5,
            'Rating': [{'image': 'imdb://image.rating', 'value': 7.5, 'type': 'audience'}],
        }
        if row.kind == 'movie':
            return facts | {'Genre': [{'tag': row.genre}], 'contentRating': 'PG'}
        return facts | self._above(row)

    def _above(self, row: VideoRow) -> Node:
        season = self.rows[row.parent]
        show = self.rows[season.parent]
        return {
            'index': row.index,
            'parentIndex': season.index,
            'parentRatingKey': season.id,
            'parentKey': f'/library/metadata/{season.id}',
            'parentTitle': season.title,
            'parentThumb': thumb(season),
            'grandparentRatingKey': show.id,
            'grandparentKey': f'/library/metadata/{show.id}',
            'grandparentTitle': show.title,
            'grandparentThumb': thumb(show),
        }


def thumb(row: VideoRow) -> str:
    """Path of its poster."""
    return f'/library/metadata/{row.id}/thumb/{row.updated}'


def _broadcast(row: VideoRow) -> Node:
    return {
        'key': f'/livetv/sessions/{row.id}',
        'grandparentTitle': row.show,
        'index': row.index or 105,
        'parentIndex': 49,
        'live': '1',
    }


def media(row: VideoRow) -> list[Node]:
    """The media of a video as the file has it."""
    if row.kind not in {'movie', 'episode'}:
        return []
    file, number = row.file, int(row.id) * 10
    part: Node = {
        'id': number + 1,
        'key': f'/library/parts/{number + 1}/{row.updated}/file.{file.container}',
        'duration': row.duration_ms,
        'file': f'{FOLDERS[row.section]}/{row.title}.{file.container}' if row.section else '',
        'size': file.bitrate * row.duration_ms // 8,
        'container': file.container,
        'Stream': streams(file, number),
    }
    return [{**described(file), 'id': number, 'duration': row.duration_ms, 'Part': [part]}]


def described(file: File) -> Node:
    """What media of a file say of it."""
    return {
        'bitrate': file.bitrate,
        'width': file.width,
        'height': file.height,
        'aspectRatio': 1.78,
        'audioChannels': file.channels,
        'audioCodec': file.audio,
        'videoCodec': file.video,
        'videoResolution': file.resolution,
        'container': file.container,
        'videoFrameRate': '24p',
    }


def streams(file: File, number: int) -> list[Node]:
    """The streams of a file: a picture, a sound, and subtitles where it has some."""
    common = {'default': True, 'selected': True}
    picture = {
        'id': number + 2, 'streamType': 1, 'index': 0, 'codec': file.video, **common,
        'bitrate': file.bitrate * 9 // 10, 'width': file.width, 'height': file.height,
        'frameRate': 23.976, 'displayTitle': f'{_lines(file)} ({file.video.upper()})',
    }  # fmt: skip
    sound = {
        'id': number + 3, 'streamType': 2, 'index': 1, 'codec': file.audio, **common,
        'channels': file.channels, 'bitrate': file.bitrate // 10, 'language': 'English',
        'languageCode': 'eng', 'displayTitle': f'English ({file.audio.upper()})',
    }  # fmt: skip
    if not file.subtitles:
        return [picture, sound]
    text = {
        'id': number + 4, 'streamType': 3, 'index': 2, 'codec': file.subtitles, 'selected': True,
        'language': 'English', 'languageCode': 'eng',
        'displayTitle': f'English ({file.subtitles.upper()})',
    }  # fmt: skip
    return [picture, sound, text]


def _lines(file: File) -> str:
    return '4K' if file.resolution == '4k' else f'{file.height}p'
