# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""An OpenSubsonic server as Navidrome is one: token and key authentication, play counts.

Held to the OpenSubsonic schemas and to py-opensonic, in ``tests/oracles``. What older servers do
differently is held to the real Supysonic.
"""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from .http import Answer, Asked, NotModelled, answer_json
from .library import EPOCH, AlbumRow, ArtistRow, MusicLibrary, TrackRow, lettered

T = TypeVar('T')
Node = dict[str, Any]


class Refused(Exception):
    """A call fails with one of Subsonic's codes."""

    def __init__(self, code: int, message: str):
        self.code = code
        super().__init__(message)


@dataclasses.dataclass
class PlaylistRow:
    """A playlist."""

    id: str
    name: str
    owner: str
    tracks: list[str] = dataclasses.field(default_factory=list[str])


@dataclasses.dataclass
class SubsonicDouble:
    """The server's state. Call it with a request.

    Attributes:
        page_limit: Most albums in one answer.
        takes_empty_query: Whether a search for nothing finds everything.
        counted_albums: Numbers of albums that the list of artists gives wrongly, by artist.
    """

    library: MusicLibrary = dataclasses.field(default_factory=lambda: MusicLibrary(lettered))
    username: str = 'alice'
    password: str = 'sesame'  # noqa: S105 - a double's
    api_key: str = 'subsonic-double-key'
    admin: bool = True
    page_limit: int = 500
    takes_empty_query: bool = True
    counted_albums: dict[str, int] = dataclasses.field(default_factory=dict[str, int])
    scanning: bool = False
    scans: int = 0
    scanned_at: int = EPOCH
    playlists: dict[str, PlaylistRow] = dataclasses.field(default_factory=dict[str, PlaylistRow])
    _numbers: itertools.count[int] = dataclasses.field(default_factory=itertools.count)
    _albums: tuple[object, dict[str, list[TrackRow]]] = dataclasses.field(
        default_factory=lambda: (None, {})
    )

    def __call__(self, asked: Asked) -> Answer:
        """Answer a request."""
        method = asked.path.removeprefix('/rest/').removesuffix('.view')
        handler = self._methods().get(method)
        if handler is None:
            raise NotModelled(f'{asked.method} {asked.path}')
        try:
            self._authenticate(asked)
            return self._envelope('ok', handler(asked))
        except Refused as refused:
            error = {'code': refused.code, 'message': str(refused)}
            return self._envelope('failed', {'error': error})

    def _methods(self) -> dict[str, Callable[[Asked], Node]]:
        return {
            'ping': lambda asked: {},
            'getOpenSubsonicExtensions': self._extensions,
            'tokenInfo': lambda asked: {'tokenInfo': {'username': self.username}},
            'getUser': self._user,
            'getMusicFolders': self._folders,
            'getScanStatus': self._scan_status,
            'startScan': self._start_scan,
            'getArtists': self._artists,
            'getAlbumList2': self._album_list,
            'getAlbum': self._one_album,
            'search3': self._search,
            'getPlaylists': self._list_playlists,
            'getPlaylist': self._one_playlist,
            'createPlaylist': self._create_playlist,
            'updatePlaylist': self._update_playlist,
        }

    def _envelope(self, status: str, content: Node) -> Answer:
        common = {
            'status': status,
            'version': '1.16.1',
            'type': 'navidrome',
            'serverVersion': '0.64.0',
            'openSubsonic': True,
        }
        return answer_json({'subsonic-response': common | content})

    def _authenticate(self, asked: Asked) -> None:
        if asked.first('apiKey'):
            if asked.first('u'):
                raise Refused(43, 'Multiple conflicting authentication mechanisms provided')
            if asked.first('apiKey') != self.api_key:
                raise Refused(44, 'Invalid API key')
            return
        expected = hashlib.md5(
            (self.password + asked.first('s')).encode(), usedforsecurity=False
        ).hexdigest()
        if not asked.first('t') or not asked.first('u'):
            raise Refused(10, 'Required parameter is missing')
        if (asked.first('u'), asked.first('t')) != (self.username, expected):
            raise Refused(40, 'Wrong username or password')

    def _extensions(self, asked: Asked) -> Node:
        names = ('apiKeyAuthentication', 'formPost', 'transcodeOffset')
        return {'openSubsonicExtensions': [{'name': name, 'versions': [1]} for name in names]}

    def _user(self, asked: Asked) -> Node:
        roles = dict.fromkeys(_ROLES, False)
        return {'user': {'username': self.username, **roles, 'adminRole': self.admin}}

    def _folders(self, asked: Asked) -> Node:
        return {'musicFolders': {'musicFolder': [{'id': 1, 'name': 'Music'}]}}

    # Scan

    def _scan_status(self, asked: Asked) -> Node:
        count = len(self.library.tracks)
        status = {'scanning': self.scanning, 'count': count, 'lastScan': _iso(self.scanned_at)}
        return {'scanStatus': status}

    def _start_scan(self, asked: Asked) -> Node:
        if not self.admin:
            raise Refused(50, 'User is not authorized for the given operation')
        self.scanning, self.scans = True, self.scans + 1
        return self._scan_status(asked)

    def finish_scan(self) -> None:
        """End the running scan."""
        self.scanning = False
        self.scanned_at += 60

    # Library

    def _artists(self, asked: Asked) -> Node:
        letters: dict[str, list[Node]] = {}
        for row in self.library.artists.values():
            letters.setdefault(row.name[:1].upper() or '#', []).append(self._artist(row))
        index = [{'name': letter, 'artist': rows} for letter, rows in letters.items()]
        return {'artists': {'index': index, 'ignoredArticles': 'The'}}

    def _artist(self, row: ArtistRow) -> Node:
        albums = sum(album.artist == row.id for album in self.library.albums.values())
        counted = self.counted_albums.get(row.id, albums)
        return {'id': row.id, 'name': row.name, 'albumCount': counted}

    def _album_list(self, asked: Asked) -> Node:
        rows = list(self.library.albums.values())
        if asked.first('type') == 'newest':
            rows.sort(key=lambda row: row.added, reverse=True)
        elif asked.first('type') == 'alphabeticalByName':
            rows.sort(key=lambda row: row.title)
        else:
            raise NotModelled(f'albums by {asked.first("type")}')
        size = min(asked.number('size', 10), self.page_limit)
        page = _window(rows, asked.number('offset', 0), size)
        return {'albumList2': {'album': [self._album(row) for row in page]}}

    def _album(self, row: AlbumRow) -> Node:
        tracks = self._by_album().get(row.id, [])
        return {
            'id': row.id,
            'name': row.title,
            'artist': self.library.artists[row.artist].name,
            'artistId': row.artist,
            'songCount': len(tracks),
            'duration': sum(track.duration_ms // 1000 for track in tracks),
            'created': _iso(row.added),
            'year': row.year,
        }

    def _by_album(self) -> dict[str, list[TrackRow]]:
        key = (len(self.library.tracks), next(iter(self.library.tracks), ''))
        if self._albums[0] != key:
            albums: dict[str, list[TrackRow]] = {}
            for track in self.library.tracks.values():
                albums.setdefault(track.album, []).append(track)
            self._albums = (key, albums)
        return self._albums[1]

    def _one_album(self, asked: Asked) -> Node:
        row = self.library.albums.get(asked.first('id'))
        if row is None:
            raise Refused(70, 'Album not found')
        songs = [self._song(track) for track in self.library.tracks_of(row.id)]
        return {'album': self._album(row) | {'song': songs}}

    def _song(self, row: TrackRow) -> Node:
        album = self.library.albums[row.album]
        song = {
            'id': row.id,
            'parent': row.album,
            'isDir': False,
            'title': row.title,
            'album': album.title,
            'albumId': album.id,
            'artist': self.library.artists[row.artist].name,
            'artistId': row.artist,
            'track': row.number,
            'discNumber': 1,
            'year': album.year,
            'size': row.size,
            'suffix': 'flac',
            'contentType': 'audio/flac',
            'duration': row.duration_ms // 1000,
            'path': row.path,
            'created': _iso(row.added),
            'type': 'music',
            'mediaType': 'song',
            'musicBrainzId': row.mbid,
            'playCount': row.plays,
        }
        return song | ({'played': _iso(row.last_played)} if row.plays else {})

    def _search(self, asked: Asked) -> Node:
        query = asked.first('query')
        if not query and not self.takes_empty_query:
            return {'searchResult3': {}}
        library = self.library
        artists = _hits(asked, 'artist', library.artists.values(), lambda row: row.name)
        albums = _hits(asked, 'album', library.albums.values(), lambda row: row.title)
        songs = _hits(asked, 'song', library.tracks.values(), lambda row: row.title)
        found = {
            'artist': [self._artist(row) for row in artists],
            'album': [self._album(row) for row in albums],
            'song': [self._song(row) for row in songs],
        }
        return {'searchResult3': {name: rows for name, rows in found.items() if rows}}

    # Playlists

    def _list_playlists(self, asked: Asked) -> Node:
        return {
            'playlists': {'playlist': [self._playlist(row) for row in self.playlists.values()]}
        }

    def _playlist(self, row: PlaylistRow) -> Node:
        return {
            'id': row.id,
            'name': row.name,
            'owner': row.owner,
            'public': False,
            'songCount': len(row.tracks),
            'duration': 0,
            'created': _iso(EPOCH),
            'changed': _iso(EPOCH),
        }

    def _with_entries(self, row: PlaylistRow) -> Node:
        entries = [self._song(self.library.tracks[track]) for track in row.tracks]
        return {'playlist': self._playlist(row) | {'entry': entries}}

    def _one_playlist(self, asked: Asked) -> Node:
        return self._with_entries(self._find(asked.first('id')))

    def _find(self, playlist_id: str) -> PlaylistRow:
        row = self.playlists.get(playlist_id)
        if row is None:
            raise Refused(70, 'Playlist not found')
        return row

    def _known(self, tracks: Sequence[str]) -> list[str]:
        if any(track not in self.library.tracks for track in tracks):
            raise Refused(70, 'Song not found')
        return list(tracks)

    def _create_playlist(self, asked: Asked) -> Node:
        tracks = self._known(asked.all('songId'))
        if asked.first('playlistId'):
            row = self._find(asked.first('playlistId'))
        else:
            row = PlaylistRow(f'pl-{next(self._numbers)}', asked.first('name'), self.username)
            self.playlists[row.id] = row
        row.tracks = tracks
        return self._with_entries(row)

    def _update_playlist(self, asked: Asked) -> Node:
        row = self._find(asked.first('playlistId'))
        gone = {int(place) for place in asked.all('songIndexToRemove')}
        row.tracks = [track for place, track in enumerate(row.tracks) if place not in gone]
        row.tracks += self._known(asked.all('songIdToAdd'))
        return {}


_ROLES = (
    'scrobblingEnabled',
    'settingsRole',
    'downloadRole',
    'uploadRole',
    'playlistRole',
    'coverArtRole',
    'commentRole',
    'podcastRole',
    'streamRole',
    'jukeboxRole',
    'shareRole',
    'videoConversionRole',
)


def _iso(seconds: int) -> str:
    moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return moment.strftime('%Y-%m-%dT%H:%M:%SZ')


def _hits(asked: Asked, kind: str, rows: Iterable[T], name: Callable[[T], str]) -> Sequence[T]:
    """The page of one kind of result that a search asks for."""
    count = asked.number(f'{kind}Count', 20)
    if not count:
        return ()
    wanted = asked.first('query').strip('"').casefold()
    found = [row for row in rows if wanted in name(row).casefold()] if wanted else list(rows)
    return _window(found, asked.number(f'{kind}Offset', 0), count)


def _window(rows: Sequence[T], start: int, size: int) -> Sequence[T]:
    return rows[start : start + size]
