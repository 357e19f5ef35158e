# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A music library for doubles: plain rows with ids that the double chooses."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable

# 2024-01-01, as all doubles count time.
EPOCH = 1_704_067_200

IdScheme = Callable[[str, int], str]


def decimal(kind: str, number: int) -> str:
    """Ids as Plex gives them: whole numbers over all kinds."""
    return str({'artist': 1_000_000, 'album': 2_000_000, 'track': 3_000_000}[kind] + number)


def guid(kind: str, number: int) -> str:
    """Ids as Jellyfin gives them: 32 digits in hex."""
    return {'artist': 'a', 'album': 'b', 'track': 'c'}[kind] + f'{number:031x}'


def lettered(kind: str, number: int) -> str:
    """Ids as Subsonic servers give them: any text."""
    return f'{kind[:2]}-{number}'


@dataclasses.dataclass
class ArtistRow:
    """An artist."""

    id: str
    name: str
    genres: list[str] = dataclasses.field(default_factory=list[str])
    biography: str = ''
    poster: bytes = b''
    added: int = EPOCH
    updated: int = EPOCH


@dataclasses.dataclass
class AlbumRow:
    """An album."""

    id: str
    title: str
    artist: str
    year: int = 2001
    poster: bytes = b''
    added: int = EPOCH
    updated: int = EPOCH


@dataclasses.dataclass
class TrackRow:
    """A track; ``path`` is below the library's folder."""

    id: str
    title: str
    album: str
    artist: str
    number: int
    path: str
    mbid: str
    duration_ms: int = 180_000
    size: int = 5_000_000
    plays: int = 0
    last_played: int = 0
    added: int = EPOCH
    updated: int = EPOCH


@dataclasses.dataclass
class MusicLibrary:
    """Artists, albums and tracks by id, in the order in which they were added."""

    ids: IdScheme
    artists: dict[str, ArtistRow] = dataclasses.field(default_factory=dict[str, ArtistRow])
    albums: dict[str, AlbumRow] = dataclasses.field(default_factory=dict[str, AlbumRow])
    tracks: dict[str, TrackRow] = dataclasses.field(default_factory=dict[str, TrackRow])
    _numbers: itertools.count[int] = dataclasses.field(default_factory=itertools.count)

    def add_artist(self, name: str) -> ArtistRow:
        """Add an artist."""
        row = ArtistRow(self.ids('artist', next(self._numbers)), name, ['Rock'])
        self.artists[row.id] = row
        return row

    def add_album(self, artist: ArtistRow, title: str, year: int = 2001) -> AlbumRow:
        """Add an album."""
        number = next(self._numbers)
        row = AlbumRow(self.ids('album', number), title, artist.id, year, added=EPOCH + number)
        self.albums[row.id] = row
        return row

    def add_track(self, album: AlbumRow, title: str, number: int = 1) -> TrackRow:
        """Add a track."""
        count = next(self._numbers)
        artist = self.artists[album.artist]
        row = TrackRow(
            id=self.ids('track', count),
            title=title,
            album=album.id,
            artist=artist.id,
            number=number,
            path=f'{artist.name}/{album.title}/{number:02} {title}.flac',
            mbid=f'00000000-0000-4000-8000-{count:012x}',
            duration_ms=120_000 + count % 200_000,
            size=4_000_000 + count,
            added=EPOCH + count,
            updated=EPOCH + count,
        )
        self.tracks[row.id] = row
        return row

    def fill(self, artists: int, albums: int, tracks: int) -> MusicLibrary:
        """Add that many artists, albums of each, and tracks on each."""
        for artist_number in range(artists):
            artist = self.add_artist(f'Artist {artist_number}')
            for album_number in range(albums):
                album = self.add_album(artist, f'Album {artist_number}.{album_number}')
                for number in range(1, tracks + 1):
                    self.add_track(album, f'Song {artist_number}.{album_number}.{number}', number)
        return self

    def remove_album(self, album_id: str) -> None:
        """Remove an album and what is on it."""
        del self.albums[album_id]
        for track_id in [row.id for row in self.tracks.values() if row.album == album_id]:
            del self.tracks[track_id]

    def tracks_of(self, album_id: str) -> list[TrackRow]:
        """The tracks of an album."""
        return [row for row in self.tracks.values() if row.album == album_id]

    def rekey(self) -> None:
        """Give every item another id, as Navidrome 0.64 did at once and Plex does by and by."""
        artists = {
            row.id: self.ids('artist', next(self._numbers)) for row in self.artists.values()
        }
        albums = {row.id: self.ids('album', next(self._numbers)) for row in self.albums.values()}
        for track in self.tracks.values():
            track.id = self.ids('track', next(self._numbers))
            track.album, track.artist = albums[track.album], artists[track.artist]
        for album in self.albums.values():
            album.id, album.artist = albums[album.id], artists[album.artist]
        for artist in self.artists.values():
            artist.id = artists[artist.id]
        self.artists = {row.id: row for row in self.artists.values()}
        self.albums = {row.id: row for row in self.albums.values()}
        self.tracks = {row.id: row for row in self.tracks.values()}
