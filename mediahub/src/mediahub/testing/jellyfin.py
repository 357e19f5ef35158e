# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A Jellyfin 12 server, or an Emby one, with one music library.

It does what makes clients stumble: it refuses ``X-Emby-Token``, lists nothing recursively unless
told to, wants pictures in base64, forgets fields that a written item lacks, and lets only users,
not keys, move entries of a playlist. Names of paths and parameters count in any case, as ASP.NET
reads them.

Held to jellyfin-apiclient-python in ``tests/oracles/test_jellyfin_client.py``: that client signs
in, reads, edits playlists and writes items. No other client was tried on the Emby profile, on
answers to an API key, on ``/UserViews`` and ``/Library/Media/Updated``, or on searches, counts of
plays and changes since a date.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime
import itertools
import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from .http import Answer, Asked, NotModelled, answer_html, answer_json
from .library import EPOCH, AlbumRow, ArtistRow, MusicLibrary, TrackRow, guid

Node = dict[str, Any]
Row = ArtistRow | AlbumRow | TrackRow
Routes = tuple[tuple[str, str, Callable[..., object]], ...]

SERVER_ID = 'f00dfeedf00dfeedf00dfeedf00dfeed'
USER_ID = 'd' * 32
LIBRARY_ID = 'e' * 32
FOLDER = '/media/music'


@dataclasses.dataclass(frozen=True)
class _AnyCase(Asked):
    """A request whose parameters are found in whatever case they were sent."""

    @property
    def form(self) -> tuple[tuple[str, str], ...]:
        return tuple((name.lower(), value) for name, value in super().form)

    def first(self, name: str, default: str = '') -> str:
        return super().first(name.lower(), default)

    def flag(self, name: str) -> bool:
        """Whether a parameter is true; .NET reads ``True`` as well."""
        return self.first(name).lower() == 'true'

    def ids(self, name: str) -> list[str]:
        """The ids in a parameter, between commas."""
        return [word for word in self.first(name).split(',') if word]


@dataclasses.dataclass
class PlaylistRow:
    """A playlist: ids of places with the track at each."""

    id: str
    name: str
    entries: list[tuple[str, str]] = dataclasses.field(default_factory=list[tuple[str, str]])


@dataclasses.dataclass
class JellyfinDouble:
    """The server's state. Call it with a request.

    Attributes:
        api_key: An administrator's key, which stands for no user.
        user_token: The user's token, which signing in answers.
        emby: Whether it is an Emby server.
        obsolete: Whether ``/Users/{id}/Items`` and ``/Users/{id}/Views`` are served, as real
            servers still do. Our client must not need them, so a test has to ask for them.
        edits: Fields that were written over an item, by its id.
    """

    library: MusicLibrary = dataclasses.field(default_factory=lambda: MusicLibrary(guid))
    api_key: str = 'jellyfin-double-key'
    user_token: str = 'jellyfin-double-user-token'  # noqa: S105 - a double's
    username: str = 'alice'
    password: str = 'sesame'  # noqa: S105 - a double's
    emby: bool = False
    obsolete: bool = False
    administrator: bool = True
    refreshing: bool = False
    scans: list[str] = dataclasses.field(default_factory=list[str])
    playlists: dict[str, PlaylistRow] = dataclasses.field(default_factory=dict[str, PlaylistRow])
    edits: dict[str, Node] = dataclasses.field(default_factory=dict[str, Node])
    pictures: dict[str, bytes] = dataclasses.field(default_factory=dict[str, bytes])
    _numbers: itertools.count[int] = dataclasses.field(default_factory=lambda: itertools.count(1))

    def __call__(self, asked: Asked) -> Answer:
        """Answer a request."""
        given = _AnyCase(asked.method, asked.path, asked.query, asked.headers, asked.body)
        found = self._answer(given, self._public_routes())
        if found is None and self._token(given) not in {self.api_key, self.user_token}:
            return Answer(401)
        found = found or self._answer(given, self._routes())
        if found is None and self.obsolete:
            found = self._answer(given, self._obsolete_routes())
        if found is None:
            raise NotModelled(f'{asked.method} {asked.path}')
        return found

    def _answer(self, asked: _AnyCase, routes: Routes) -> Answer | None:
        path = asked.path.removeprefix('/emby') if self.emby else asked.path
        for method, pattern, handler in routes:
            match = re.fullmatch(pattern, path, re.IGNORECASE)
            if match and asked.method == method:
                found = handler(asked, *match.groups())
                return found if isinstance(found, Answer) else answer_json(found)
        return None

    def _token(self, asked: _AnyCase) -> str:
        if self.emby:
            return asked.headers.get('x-emby-token', '')
        match = re.search(r'Token="([^"]*)"', asked.headers.get('authorization', ''))
        given = asked.headers.get('authorization', '').startswith('MediaBrowser ')
        return match[1] if match and given else asked.first('ApiKey')

    def _public_routes(self) -> Routes:
        return (
            ('GET', '/System/Info/Public', self._info),
            ('POST', '/Users/AuthenticateByName', self._sign_in),
        )

    def _obsolete_routes(self) -> Routes:
        return (
            ('GET', f'/Users/{USER_ID}/Views', self._views),
            ('GET', f'/Users/{USER_ID}/Items', self._items),
            ('GET', f'/Users/{USER_ID}/Items/([0-9a-f]{{32}})', self._one),
        )

    def _routes(self) -> Routes:
        item, entries = r'/Items/([0-9a-f]{32})', r'/Playlists/([^/]+)/Items'
        return (
            ('GET', '/System/Info', self._info),
            ('GET', '/Users', self._users),
            ('GET', '/Users/Me', self._me),
            ('GET', f'/Users/{USER_ID}', self._one_user),
            ('GET', '/Library/VirtualFolders', self._folders),
            ('GET', '/UserViews', self._views),
            ('GET', '/Artists/AlbumArtists', self._artists),
            ('GET', '/Items', self._items),
            ('GET', item, self._one),
            ('POST', item, self._overwrite),
            ('POST', item + '/Refresh', self._refresh),
            ('POST', item + '/Images/Primary', self._upload),
            ('GET', item + '/Images/Primary', self._picture),
            ('POST', '/Library/Media/Updated', self._updated),
            ('POST', '/Playlists', self._create),
            ('GET', entries, self._entries),
            ('POST', entries, self._append),
            ('DELETE', entries, self._remove),
            ('POST', entries + r'/([^/]+)/Move/(\d+)', self._move),
        )

    # Server

    def _info(self, asked: _AnyCase) -> Node:
        product = 'Emby Server' if self.emby else 'Jellyfin Server'
        version = '4.9.1.80' if self.emby else '12.1.0'
        return {
            'Id': SERVER_ID,
            'Version': version,
            'ProductName': product,
            'ServerName': 'Double',
        }

    def _user(self) -> Node:
        policy = {'IsAdministrator': self.administrator}
        return {'Id': USER_ID, 'Name': self.username, 'Policy': policy}

    def _sign_in(self, asked: _AnyCase) -> Node | Answer:
        given = {name.lower(): value for name, value in json.loads(asked.body).items()}
        if (given.get('username'), given.get('pw')) != (self.username, self.password):
            return Answer(401)
        return {'User': self._user(), 'AccessToken': self.user_token, 'ServerId': SERVER_ID}

    def _one_user(self, asked: _AnyCase) -> Node:
        return self._user()

    def _users(self, asked: _AnyCase) -> list[Node]:
        return [self._user()]

    def _me(self, asked: _AnyCase) -> Node | Answer:
        if self._token(asked) == self.api_key:
            return answer_html(400, 'Bad Request')
        return self._user()

    def _folders(self, asked: _AnyCase) -> list[Node] | Answer:
        if self._token(asked) != self.api_key and not self.administrator:
            return Answer(403)
        music = {
            'Name': 'Music',
            'Locations': [FOLDER],
            'CollectionType': 'music',
            'ItemId': LIBRARY_ID,
            'RefreshStatus': 'Active' if self.refreshing else 'Idle',
        }
        music |= {'RefreshProgress': 42.0} if self.refreshing else {}
        films = {**music, 'Name': 'Films', 'CollectionType': 'movies', 'ItemId': '0' * 32}
        return [music, films | {'RefreshStatus': 'Idle'}]

    def _views(self, asked: _AnyCase) -> Node:
        return _result([{'Id': LIBRARY_ID, 'Name': 'Music', 'CollectionType': 'music'}])

    def _refresh(self, asked: _AnyCase, item: str) -> Answer:
        self.refreshing = True
        self.scans.append(item)
        return Answer(204)

    def _updated(self, asked: _AnyCase) -> Answer:
        self.scans += [update['Path'] for update in json.loads(asked.body)['Updates']]
        return Answer(204)

    def finish_scan(self) -> None:
        """End the running scan."""
        self.refreshing = False

    # Library

    def _artists(self, asked: _AnyCase) -> Node:
        return self._page(asked, list(self.library.artists.values()))

    def _items(self, asked: _AnyCase) -> Node:
        if not asked.flag('Recursive'):
            return self._page(asked, self._children(asked.first('ParentId')))
        if asked.first('IncludeItemTypes') == 'Playlist':
            return self._window(asked, [self._playlist(row) for row in self.playlists.values()])
        rows = self._rows(asked)
        if not _FILTERS.isdisjoint(name for name, _ in asked.form):
            rows = [row for row in rows if self._wanted(asked, row)]
        return self._page(asked, self._ordered(asked, rows))

    def _children(self, parent: str) -> list[TrackRow]:
        """What lies directly in an album; of libraries and artists, nothing that is music."""
        tracks = self.library.tracks_of(parent) if parent in self.library.albums else []
        return sorted(tracks, key=lambda row: row.number)

    def _rows(self, asked: _AnyCase) -> list[Row]:
        kind = asked.first('IncludeItemTypes')
        tables = {'MusicAlbum': self.library.albums, 'Audio': self.library.tracks}
        if kind not in tables:
            raise NotModelled(f'items of type {kind}')
        return list(tables[kind].values())

    def _wanted(self, asked: _AnyCase, row: Row) -> bool:
        title = row.name if isinstance(row, ArtistRow) else row.title
        played = isinstance(row, TrackRow) and row.plays > 0
        since = asked.first('MinDateLastSaved')
        artists = asked.ids('AlbumArtistIds') or asked.ids('ArtistIds')
        return (
            (not artists or isinstance(row, ArtistRow) or row.artist in artists)
            and asked.first('SearchTerm').casefold() in title.casefold()
            and (played or asked.first('Filters') != 'IsPlayed')
            and (not since or row.updated >= datetime.datetime.fromisoformat(since).timestamp())
        )

    def _ordered(self, asked: _AnyCase, rows: list[Row]) -> list[Row]:
        backwards = asked.first('SortOrder') == 'Descending'
        if asked.first('SortBy').startswith('DatePlayed'):
            return sorted(rows, key=_last_played, reverse=backwards)
        return sorted(rows, key=lambda row: row.added, reverse=backwards)

    def _page(self, asked: _AnyCase, rows: Sequence[Row]) -> Node:
        start, limit = asked.number('StartIndex', 0), asked.number('Limit', len(rows))
        shown = [self._item(row) for row in rows[start : start + limit]]
        return _result(shown, len(rows), start)

    def _window(self, asked: _AnyCase, items: Sequence[Node]) -> Node:
        start, limit = asked.number('StartIndex', 0), asked.number('Limit', len(items))
        return _result(list(items[start : start + limit]), len(items), start)

    def _item(self, row: Row) -> Node:
        common = {'Id': row.id, 'ServerId': SERVER_ID, 'DateCreated': _iso(row.added)}
        if isinstance(row, ArtistRow):
            return common | self._artist(row)
        if isinstance(row, AlbumRow):
            return common | self._album(row)
        return common | self._track(row)

    def _artist(self, row: ArtistRow) -> Node:
        return {'Type': 'MusicArtist', 'Name': row.name, 'Genres': row.genres}

    def _album(self, row: AlbumRow) -> Node:
        artist = self.library.artists[row.artist]
        return {
            'Type': 'MusicAlbum',
            'Name': row.title,
            'AlbumArtist': artist.name,
            'AlbumArtists': [{'Id': artist.id, 'Name': artist.name}],
            'ProductionYear': row.year,
        }

    def _track(self, row: TrackRow) -> Node:
        album, artist = self.library.albums[row.album], self.library.artists[row.artist]
        path = f'{FOLDER}/{row.path}'
        played: Node = {'PlayCount': row.plays, 'Played': row.plays > 0}
        if row.plays:
            played['LastPlayedDate'] = _iso(row.last_played)
        return {
            'Type': 'Audio',
            'MediaType': 'Audio',
            'Name': row.title,
            'Album': album.title,
            'AlbumId': album.id,
            'AlbumArtist': artist.name,
            'AlbumArtists': [{'Id': artist.id, 'Name': artist.name}],
            'Artists': [artist.name],
            'IndexNumber': row.number,
            'ParentIndexNumber': 1,
            'RunTimeTicks': row.duration_ms * 10_000,
            'Path': path,
            'MediaSources': [{'Path': path, 'Size': row.size}],
            'ProviderIds': {'MusicBrainzRecording': row.mbid},
            'UserData': played,
        }

    def _find(self, key: str) -> Row | None:
        library = self.library
        return library.artists.get(key) or library.albums.get(key) or library.tracks.get(key)

    def _one(self, asked: _AnyCase, key: str) -> Node | Answer:
        row = self._find(key)
        if row is None:
            return answer_html(404, 'Not Found')
        whole = self._item(row) | {'Overview': '', 'Tags': ['kept'], 'LockData': False}
        tags = {'Primary': f'{hash(self.pictures[key]):x}'} if key in self.pictures else {}
        return whole | self.edits.get(key, {}) | {'ImageTags': tags}

    def _overwrite(self, asked: _AnyCase, key: str) -> Answer:
        row, given = self._find(key), json.loads(asked.body)
        if row is None:
            return answer_html(404, 'Not Found')
        # A field that is not sent is forgotten.
        self.edits[key] = {
            name: given.get(name) for name in ('Name', 'Genres', 'Overview', 'Tags')
        }
        if isinstance(row, ArtistRow):
            row.genres, row.biography = given.get('Genres') or [], given.get('Overview') or ''
        row.updated += 1
        return Answer(204)

    def _upload(self, asked: _AnyCase, key: str) -> Answer:
        try:
            picture = base64.b64decode(asked.body, validate=True)
        except ValueError:
            return answer_html(500, 'Error processing request.')
        self.pictures[key] = picture
        return Answer(204)

    def _picture(self, asked: _AnyCase, key: str) -> Answer:
        found = self.pictures.get(key)
        return Answer(200, found, 'image/jpeg') if found else answer_html(404, 'Not Found')

    # Playlists

    def _playlist(self, row: PlaylistRow) -> Node:
        common = {'Id': row.id, 'Type': 'Playlist', 'MediaType': 'Audio'}
        return common | {'Name': row.name, 'ChildCount': len(row.entries)}

    def _create(self, asked: _AnyCase) -> Node:
        given = json.loads(asked.body)
        row = PlaylistRow(f'{next(self._numbers):032x}', given['Name'])
        self.playlists[row.id] = row
        self._add(row, given['Ids'])
        return {'Id': row.id}

    def _add(self, row: PlaylistRow, tracks: Sequence[str]) -> None:
        known = [track for track in tracks if track in self.library.tracks]
        row.entries += [(f'{next(self._numbers):032x}', track) for track in known]

    def _entries(self, asked: _AnyCase, key: str) -> Node | Answer:
        row = self.playlists.get(key)
        if row is None:
            return answer_html(404, 'Not Found')
        items = [
            self._item(self.library.tracks[track]) | {'PlaylistItemId': place}
            for place, track in row.entries
        ]
        return self._window(asked, items)

    def _append(self, asked: _AnyCase, key: str) -> Answer:
        self._add(self.playlists[key], asked.ids('Ids'))
        return Answer(204)

    def _remove(self, asked: _AnyCase, key: str) -> Answer:
        gone = set(asked.ids('EntryIds'))
        row = self.playlists[key]
        row.entries = [entry for entry in row.entries if entry[0] not in gone]
        return Answer(204)

    def _move(self, asked: _AnyCase, key: str, place: str, index: str) -> Answer:
        if self._token(asked) == self.api_key:
            return Answer(403)
        row = self.playlists[key]
        moved = next(entry for entry in row.entries if entry[0] == place)
        row.entries.remove(moved)
        row.entries.insert(int(index), moved)
        return Answer(204)


_FILTERS = frozenset({'searchterm', 'filters', 'mindatelastsaved', 'albumartistids', 'artistids'})


def _result(items: list[Node], total: int | None = None, start: int = 0) -> Node:
    count = len(items) if total is None else total
    return {'Items': items, 'TotalRecordCount': count, 'StartIndex': start}


def _last_played(row: Row) -> int:
    return row.last_played if isinstance(row, TrackRow) else EPOCH


def _iso(seconds: int) -> str:
    """A time as .NET writes it, with seven digits of fraction."""
    moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return moment.strftime('%Y-%m-%dT%H:%M:%S.0000000Z')
