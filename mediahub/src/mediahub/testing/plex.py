# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A Plex Media Server with one music library: JSON and XML from one state.

Held to the public OpenAPI description and to python-plexapi.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Callable, Iterable, Sequence
from urllib.parse import unquote

from .http import Answer, Asked, NotModelled, answer_html
from .library import EPOCH, ArtistRow, MusicLibrary, TrackRow, decimal
from .plex_documents import Node, container, rendered
from .plex_items import FOLDER, Row, item

MACHINE = '0123456789abcdef0123456789abcdef01234567'
SECTION_UUID = '70cb5089-b165-429b-809a-9e0a31493abf'

_CONTENT = re.compile(
    r'server://(?P<machine>[0-9a-f]+)/com\.plexapp\.plugins\.library'
    r'/library/metadata/(?P<ids>[0-9,]+)'
)


@dataclasses.dataclass
class PlaylistRow:
    """A playlist: entry ids with the track at each."""

    id: str
    title: str
    smart: bool = False
    entries: list[tuple[int, str]] = dataclasses.field(default_factory=list[tuple[int, str]])


@dataclasses.dataclass
class PlexDouble:
    """The server's state. Call it with a request.

    Attributes:
        token: The only one that is accepted.
        refreshing: Whether a scan is running.
        scans: Folders that scans were asked for, '' for all.
        plays: History: track id and time, oldest first.
    """

    library: MusicLibrary = dataclasses.field(default_factory=lambda: MusicLibrary(decimal))
    token: str = 'plex-double-token'  # noqa: S105 - a double's
    machine: str = MACHINE
    version: str = '1.43.2.10000-0123abcd'
    title: str = 'Music'
    refreshing: bool = False
    scanned_at: int = EPOCH
    scans: list[str] = dataclasses.field(default_factory=list[str])
    plays: list[tuple[str, int]] = dataclasses.field(default_factory=list[tuple[str, int]])
    playlists: dict[str, PlaylistRow] = dataclasses.field(default_factory=dict[str, PlaylistRow])
    _numbers: itertools.count[int] = dataclasses.field(
        default_factory=lambda: itertools.count(9_000_001)
    )
    _sorted: tuple[object, Sequence[Row]] = (None, ())

    def __call__(self, asked: Asked) -> Answer:
        """Answer a request."""
        if asked.path != '/identity' and self._token(asked) != self.token:
            return answer_html(401, 'Unauthorized')
        for method, pattern, handler in self._routes():
            match = re.fullmatch(pattern, asked.path)
            if match and asked.method == method:
                found = handler(asked, *match.groups())
                return found if isinstance(found, Answer) else rendered(asked, found)
        raise NotModelled(f'{asked.method} {asked.path}')

    def _token(self, asked: Asked) -> str:
        return asked.headers.get('x-plex-token') or asked.first('X-Plex-Token')

    def _routes(self) -> tuple[tuple[str, str, Callable[..., Node | Answer]], ...]:
        entries = r'/playlists/(\d+)/items'
        return (
            ('GET', '/', self._root),
            ('GET', '/identity', self._identity),
            ('GET', '/activities', self._activities),
            ('GET', '/library', self._library_root),
            ('GET', '/library/sections(?:/all)?', self._sections),
            ('GET', r'/library/sections/(\d+)/all', self._listing),
            ('PUT', r'/library/sections/(\d+)/all', self._edit),
            ('POST', r'/library/sections/(\d+)/refresh', self._refresh),
            ('GET', r'/library/sections/(\d+)/refresh', self._refresh),
            ('GET', r'/library/metadata/([\d,]+)', self._metadata),
            ('GET', r'/library/metadata/(\d+)/children', self._children),
            ('POST', r'/library/metadata/(\d+)/(thumb|posters)', self._poster),
            ('GET', r'/library/metadata/(\d+)/thumb/\d+', self._picture),
            ('GET', '/status/sessions/history/all', self._history),
            ('GET', '/playlists', self._list_playlists),
            ('POST', '/playlists', self._create_playlist),
            ('GET', r'/playlists/(\d+)', self._one_playlist),
            ('DELETE', r'/playlists/(\d+)', self._delete_playlist),
            ('GET', entries, self._entries),
            ('PUT', entries, self._add_entries),
            ('DELETE', entries, self._clear),
            ('DELETE', entries + r'/(\d+)', self._remove_entry),
            ('PUT', entries + r'/(\d+)/move', self._move_entry),
        )

    # Server and sections

    def _root(self, asked: Asked) -> Node:
        return {
            'size': 0,
            'friendlyName': 'Double',
            'machineIdentifier': self.machine,
            'version': self.version,
            'platform': 'Linux',
            'myPlex': True,
            'myPlexUsername': 'owner@example.com',
        }

    def _library_root(self, asked: Asked) -> Node:
        return {'size': 0, 'title1': 'Plex Library'}

    def _identity(self, asked: Asked) -> Node:
        return {
            'size': 0,
            'claimed': True,
            'machineIdentifier': self.machine,
            'version': self.version,
        }

    def _activities(self, asked: Asked) -> Node:
        running = {
            'uuid': 'd6199ba1-fb5e-4cae-bf17-1a5369c1cf1e',
            'type': 'library.update.section',
            'cancellable': False,
            'userID': 1,
            'title': f'Scanning {self.title}',
            'subtitle': '',
            'progress': 42,
            'Context': {'librarySectionID': '3'},
        }
        return container('Activity', [running] if self.refreshing else [])

    def _sections(self, asked: Asked) -> Node:
        music = {
            'key': '3',
            'uuid': SECTION_UUID,
            'type': 'artist',
            'title': self.title,
            'agent': 'tv.plex.agents.music',
            'scanner': 'Plex Music',
            'language': 'en-US',
            'refreshing': self.refreshing,
            'createdAt': EPOCH,
            'updatedAt': EPOCH,
            'scannedAt': self.scanned_at,
            'content': True,
            'directory': True,
            'hidden': False,
            'Location': [{'id': 3, 'path': FOLDER}],
        }
        films = {**music, 'key': '1', 'uuid': 'f' * 36, 'type': 'movie', 'title': 'Films'}
        films |= {'refreshing': False, 'Location': [{'id': 1, 'path': '/data/films'}]}
        return container('Directory', [films, music])

    def _refresh(self, asked: Asked, section: str) -> Answer:
        self.refreshing = True
        self.scans.append(asked.first('path'))
        return Answer()

    def finish_scan(self) -> None:
        """End the running scan."""
        self.refreshing = False
        self.scanned_at += 60

    # Library

    def _listing(self, asked: Asked, section: str) -> Node | Answer:
        if section != '3':
            return container('Metadata', [], total=0)
        rows = self._rows(asked.first('type', '8'))
        if _FILTERS.isdisjoint(name for name, _ in asked.query):
            return self._page(asked, rows)
        return self._page(asked, [row for row in rows if self._wanted(asked, row)])

    def _rows(self, kind: str) -> list[Row]:
        tables = {
            '8': self.library.artists,
            '9': self.library.albums,
            '10': self.library.tracks,
        }
        return list(tables[kind].values())

    def _wanted(self, asked: Asked, row: Row) -> bool:
        title = row.name if isinstance(row, ArtistRow) else row.title
        since = asked.number('updatedAt>', 0), asked.number('addedAt>', 0)
        ids = asked.first('id')
        return (
            asked.first('title').casefold() in title.casefold()
            and asked.first('artist.title').casefold() in self._artist_name(row).casefold()
            and row.updated >= since[0]
            and row.added >= since[1]
            and (not ids or row.id in ids.split(','))
        )

    def _artist_name(self, row: Row) -> str:
        return row.name if isinstance(row, ArtistRow) else self.library.artists[row.artist].name

    def _page(self, asked: Asked, rows: Sequence[Row]) -> Node:
        field, _, direction = asked.first('sort', 'addedAt').partition(':')
        if field == 'addedAt':
            rows = self._by_addition(rows, newest_first=direction == 'desc')
        start, size = self._window(asked, len(rows))
        shown = [self._item(row) for row in rows[start : start + size]]
        page = container('Metadata', shown, total=len(rows), offset=start)
        return page | ({'Meta': _META} if asked.first('includeMeta') == '1' else {})

    def _by_addition(self, rows: Sequence[Row], *, newest_first: bool) -> Sequence[Row]:
        """The rows in that order; sorted once for all pages of a listing."""
        key = (len(rows), rows[0].id, rows[-1].id, newest_first) if rows else None
        if key is None or self._sorted[0] != key:
            ordered = sorted(rows, key=lambda row: row.added, reverse=newest_first)
            self._sorted = (key, ordered)
        return self._sorted[1]

    def _window(self, asked: Asked, count: int) -> tuple[int, int]:
        def given(name: str, default: int) -> int:
            return int(asked.headers.get(name.lower()) or asked.first(name) or default)

        return given('X-Plex-Container-Start', 0), given('X-Plex-Container-Size', count)

    def _item(self, row: Row) -> Node:
        return item(self.library, row, self.title)

    def _find(self, key: str) -> Row | None:
        library = self.library
        return library.artists.get(key) or library.albums.get(key) or library.tracks.get(key)

    def _metadata(self, asked: Asked, keys: str) -> Node | Answer:
        rows = [row for key in keys.split(',') if (row := self._find(key))]
        if not rows:
            return answer_html(404, 'Not Found')
        return container('Metadata', [self._item(row) for row in rows])

    def _children(self, asked: Asked, key: str) -> Node:
        albums = [row for row in self.library.albums.values() if row.artist == key]
        return self._page(asked, [*albums, *self.library.tracks_of(key)])

    def _edit(self, asked: Asked, section: str) -> Answer:
        row = self.library.artists.get(asked.first('id'))
        if asked.first('type') != '8' or row is None:
            raise NotModelled(f'edit of {asked.query}')
        for name, value in asked.query:
            self._set(row, name, value)
        row.updated += 1
        return Answer()

    def _set(self, row: ArtistRow, name: str, value: str) -> None:
        if name == 'summary.value':
            row.biography = value
        elif re.fullmatch(r'genre\[\d+\]\.tag\.tag', name):
            row.genres += [] if value in row.genres else [value]
        elif name == 'genre[].tag.tag-':
            gone = {unquote(tag) for tag in value.split(',')}
            row.genres = [genre for genre in row.genres if genre not in gone]
        elif name not in {'type', 'id', 'summary.locked', 'genre.locked'}:
            raise NotModelled(f'edit of {name}')

    def _poster(self, asked: Asked, key: str, element: str) -> Answer:
        row = self._find(key)
        if row is None:
            return answer_html(404, 'Not Found')
        if isinstance(row, TrackRow) or not asked.body:
            return answer_html(400, 'Bad Request')
        row.poster = asked.body
        row.updated += 1
        return Answer()

    def _picture(self, asked: Asked, key: str) -> Answer:
        row = self._find(key)
        if row is None or isinstance(row, TrackRow) or not row.poster:
            return _gone()
        return Answer(200, row.poster, 'image/jpeg')

    def _history(self, asked: Asked) -> Node:
        plays = [play for play in reversed(self.plays) if play[0] in self.library.tracks]
        start, size = self._window(asked, len(plays))
        shown = [self._play(number, play) for number, play in enumerate(plays)]
        page = shown[start : start + size]
        return container('Metadata', page, total=len(plays), offset=start)

    def _play(self, number: int, play: tuple[str, int]) -> Node:
        track = self._item(self.library.tracks[play[0]])
        kept = ('ratingKey', 'key', 'type', 'title', 'parentTitle', 'grandparentTitle')
        history = {'historyKey': f'/status/sessions/history/{number}', 'librarySectionID': '3'}
        times = {'viewedAt': play[1], 'accountID': 1, 'deviceID': 2}
        return history | {name: track[name] for name in kept} | times

    # Playlists

    def _list_playlists(self, asked: Asked) -> Node:
        rows = list(self.playlists.values())
        start, size = self._window(asked, len(rows))
        shown = [self._playlist(row) for row in rows[start : start + size]]
        return container('Metadata', shown, total=len(rows), offset=start)

    def _playlist(self, row: PlaylistRow) -> Node:
        return {
            'ratingKey': row.id,
            'key': f'/playlists/{row.id}/items',
            'guid': f'com.plexapp.agents.none://{row.id}',
            'type': 'playlist',
            'title': row.title,
            'smart': row.smart,
            'playlistType': 'audio',
            'leafCount': len(row.entries),
            'duration': 0,
            'addedAt': EPOCH,
            'updatedAt': EPOCH,
        }

    def _one_playlist(self, asked: Asked, key: str) -> Node | Answer:
        row = self.playlists.get(key)
        return container('Metadata', [self._playlist(row)]) if row else _gone()

    def _create_playlist(self, asked: Asked) -> Node | Answer:
        if asked.first('smart', '0') != '0' or asked.first('type') != 'audio':
            raise NotModelled(f'playlist of {asked.query}')
        row = PlaylistRow(str(next(self._numbers)), asked.first('title'))
        ids = self._content(asked) if asked.first('uri') else []
        if ids is None:
            return answer_html(400, 'Bad Request')
        self.playlists[row.id] = row
        self._append(row, ids)
        return container('Metadata', [self._playlist(row)])

    def _content(self, asked: Asked) -> list[str] | None:
        """The tracks that a content URI names; None where it names none of this server."""
        match = _CONTENT.fullmatch(asked.first('uri'))
        if match is None or match['machine'] != self.machine:
            return None
        ids = match['ids'].split(',')
        return ids if all(key in self.library.tracks for key in ids) else None

    def _append(self, row: PlaylistRow, ids: Iterable[str]) -> None:
        row.entries += [(next(self._numbers), key) for key in ids]

    def _delete_playlist(self, asked: Asked, key: str) -> Answer:
        return Answer(204) if self.playlists.pop(key, None) else _gone()

    def _entries(self, asked: Asked, key: str) -> Node | Answer:
        row = self.playlists.get(key)
        if row is None:
            return _gone()
        start, size = self._window(asked, len(row.entries))
        shown = [
            self._item(self.library.tracks[track]) | {'playlistItemID': entry}
            for entry, track in row.entries[start : start + size]
        ]
        return container('Metadata', shown, total=len(row.entries), offset=start)

    def _add_entries(self, asked: Asked, key: str) -> Node | Answer:
        row, ids = self.playlists.get(key), self._content(asked)
        if row is None:
            return _gone()
        if row.smart or ids is None:
            return answer_html(400, 'Bad Request')
        self._append(row, ids)
        return container('Metadata', [self._playlist(row)])

    def _clear(self, asked: Asked, key: str) -> Node | Answer:
        row = self.playlists.get(key)
        if row is None:
            return _gone()
        row.entries.clear()
        return container('Metadata', [self._playlist(row)])

    def _remove_entry(self, asked: Asked, key: str, entry: str) -> Node | Answer:
        row = self.playlists.get(key)
        if row is None or int(entry) not in dict(row.entries):
            return _gone()
        row.entries = [pair for pair in row.entries if pair[0] != int(entry)]
        return container('Metadata', [self._playlist(row)])

    def _move_entry(self, asked: Asked, key: str, entry: str) -> Node | Answer:
        row = self.playlists.get(key)
        if row is None or int(entry) not in dict(row.entries):
            return _gone()
        moved = (int(entry), dict(row.entries)[int(entry)])
        row.entries.remove(moved)
        order = [number for number, _ in row.entries]
        after = asked.first('after')
        row.entries.insert(order.index(int(after)) + 1 if after else 0, moved)
        return container('Metadata', [self._playlist(row)])


_FILTERS = frozenset({'title', 'artist.title', 'updatedAt>', 'addedAt>', 'id'})

# What python-plexapi asks for before it builds a search.
_META: Node = {
    'Type': [
        {'key': f'/library/sections/3/all?type={number}', 'type': kind, 'title': kind.title()}
        for number, kind in ((8, 'artist'), (9, 'album'), (10, 'track'))
    ],
    'FieldType': [],
}


def _gone() -> Answer:
    return answer_html(404, 'Not Found')
