# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Jellyfin, and Emby as a profile of it.

Jellyfin 12 refuses ``X-Emby-Token``; ``Authorization: MediaBrowser`` works with all versions. Emby
knows only the former. Listings are recursive on purpose: the default is not, and asking for it
folder by folder is what brings servers down.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import TypeVar, cast
from urllib.parse import quote

from ..engine import coerce, errors, paging, wire
from ..engine.capabilities import Capability, Handshake
from ..engine.dialect import Dialect
from ..engine.registry import ServerSettings, ServerType, Surroundings
from ..engine.snapshot import Evidence, Page
from ..engine.values import (
    Album,
    Entry,
    Kind,
    Library,
    PlayEvent,
    Playlist,
    ScanProgress,
    Track,
)
from . import jellyfin_account
from .jellyfin_account import Account
from .jellyfin_requests import Requests
from .jellyfin_settings import EMBY, JELLYFIN, JellyfinSettings, Profile
from .jellyfin_wire import TYPES, Decoder, Folder, ItemData, ItemList, Made, SystemInfo
from .jellyfin_writing import Writing

T = TypeVar('T')

FIELDS = 'Path,MediaSources,ProviderIds,DateCreated,Genres'

LISTING: wire.Params = (
    ('Recursive', 'true'),
    ('Fields', FIELDS),
    ('EnableImages', 'false'),
    ('SortBy', 'DateCreated,SortName'),
)

_EVERYBODY = frozenset(
    {
        Capability.CHANGES,
        Capability.SEARCH,
        Capability.RECENTLY_ADDED,
        Capability.LIBRARIES,
        Capability.PLAYLISTS,
        Capability.PLAYLIST_EDIT,
        Capability.HISTORY,
        Capability.PLAY_COUNTS,
    }
)
_ADMINISTRATORS = frozenset(
    {
        Capability.SCAN,
        Capability.SCAN_STATE,
        Capability.ARTIST_GENRES,
        Capability.ARTIST_POSTER,
        Capability.ALBUM_POSTER,
        Capability.ARTIST_BIOGRAPHY,
    }
)


class JellyfinDialect(Dialect):
    """Speaks to one Jellyfin or Emby server.

    Args:
        name: The server's name in the configuration.
        connection: Its HTTP connection, token included.
        settings: Its configuration.
        profile: Which product it is.
    """

    def __init__(
        self, name: str, connection: wire.Wire, settings: JellyfinSettings, profile: Profile
    ):
        super().__init__(name)
        self._wire = connection
        self._settings = settings
        self._profile = profile
        self._requests = Requests(name, connection, profile, settings.page_size)
        self._writing = Writing(name, self._requests, self._whose)
        self._size = paging.PageSize(settings.page_size)
        self._hello: tuple[Handshake, Account] | None = None

    async def aclose(self) -> None:
        """Nothing is held open: the connections belong to the pool."""

    async def handshake(self) -> Handshake:
        """Ask who the server is, and who we are to it."""
        info = await self._requests.get('/System/Info', SystemInfo)
        machine_id = coerce.text(info.id)
        if machine_id is None:
            raise errors.Incompatible(self.name, f'what answers is no {self._profile.product}')
        account = await jellyfin_account.find(self.name, self._requests, self._settings)
        handshake = Handshake(
            product=coerce.text(info.product_name) or self._profile.product,
            version=coerce.text(info.version) or '',
            machine_id=machine_id,
            capabilities=self._capabilities(account),
            account=account.name,
            page_size=self._settings.page_size,
        )
        self._hello = (handshake, account)
        return handshake

    def _capabilities(self, account: Account) -> frozenset[Capability]:
        found = set(_EVERYBODY)
        if account.administrator:
            found |= _ADMINISTRATORS
        # A key stands for no user, and moving asks whether the user owns the playlist.
        if self._settings.auth == 'user-token':
            found.add(Capability.PLAYLIST_MOVE)
        return frozenset(found)

    async def _ready(self) -> tuple[Handshake, Account]:
        if self._hello is None:
            await self.handshake()
        return cast('tuple[Handshake, Account]', self._hello)

    async def _whose(self) -> Account:
        _, account = await self._ready()
        return account

    # Library

    async def read(self, kinds: Sequence[Kind], evidence: Evidence) -> AsyncGenerator[Page]:
        """Page through every library; the libraries are compared before and after."""
        for library in await self._scope(evidence):
            for kind in kinds:
                async for page in self._library(library, kind, (), evidence):
                    yield page
        await self._scope(evidence)

    async def read_changes(
        self, since: datetime.datetime, evidence: Evidence
    ) -> AsyncGenerator[Page]:
        """What was saved since then; artists, who cannot be asked for so, in full."""
        changed = (('MinDateLastSaved', since.astimezone(coerce.UTC).isoformat()),)
        for library in await self._scope(evidence):
            for kind, params in ((Kind.ARTIST, ()), (Kind.ALBUM, changed), (Kind.TRACK, changed)):
                async for page in self._library(library, kind, params, evidence):
                    yield page

    async def _scope(self, evidence: Evidence) -> list[Folder]:
        handshake, account = await self._ready()
        evidence.machine_id = handshake.machine_id
        libraries = await self._libraries()
        known = account.administrator
        evidence.scanning(any(_busy(library) for library in libraries) if known else None)
        named = [(library.item_id, library.name, library.folders) for library in libraries]
        evidence.scope(repr((handshake.machine_id, account.id, named)))
        return libraries

    async def _libraries(self) -> list[Folder]:
        """The music libraries in use.

        Raises:
            NotFound: One that is configured is not there, or there is none at all.
        """
        found = await self._folders()
        music = [library for library in found if library.collection_type == 'music']
        names = [coerce.text(library.name) or '' for library in music]
        wanted = self._settings.libraries
        lacking = [name for name in wanted if name not in names]
        if lacking or not music:
            what = ', '.join(repr(name) for name in lacking) or 'any music library'
            known = ', '.join(names) or 'none'
            raise errors.NotFound(self.name, f'{what} is not there; music libraries: {known}')
        pairs = zip(music, names, strict=True)
        return [library for library, name in pairs if not wanted or name in wanted]

    async def _folders(self) -> list[Folder]:
        _, account = await self._ready()
        if account.administrator:
            return await self._requests.get('/Library/VirtualFolders', list[Folder])
        views = await self._requests.get('/UserViews', ItemList, (('userId', account.id),))
        return [
            Folder(name=view.name, item_id=view.id, collection_type=view.collection_type)
            for view in views.items or ()
        ]

    async def _library(
        self, library: Folder, kind: Kind, params: wire.Params, evidence: Evidence
    ) -> AsyncGenerator[Page]:
        decoder = Decoder(self.name, library.folders)
        key = coerce.text(library.item_id) or ''
        where = (('ParentId', key), *params)
        listing = self._list(kind, where, lambda data: decoder.item(kind, data))
        empty = True
        async for batch in listing:
            empty = False
            evidence.total(kind, key, batch.total)
            yield Page(kind, tuple(batch.items))
        if empty:
            # Whether there is nothing, only a second question can tell from an answer gone wrong.
            evidence.total(kind, key, await self._total(kind, where))

    async def _total(self, kind: Kind, params: wire.Params) -> int | None:
        path, listing = await self._listing(kind)
        window = (('StartIndex', '0'), ('Limit', '1'))
        found = await self._requests.get(path, ItemList, (*listing, *params, *window))
        return coerce.integer(found.total_record_count)

    async def _listing(self, kind: Kind) -> tuple[str, wire.Params]:
        """Where the items of a kind are listed."""
        _, account = await self._ready()
        user = ('userId', account.id)
        if kind is Kind.ARTIST:
            return '/Artists/AlbumArtists', (*LISTING, user)
        return '/Items', (('IncludeItemTypes', TYPES[kind]), *LISTING, user)

    def _list(
        self, kind: Kind, params: wire.Params, make: Callable[[ItemData], T | None]
    ) -> AsyncGenerator[paging.Batch[T]]:
        async def fetch(start: int, count: int) -> paging.Batch[T]:
            path, listing = await self._listing(kind)
            return await self._requests.page(path, (*listing, *params), make, start, count)

        return paging.pages(self.name, fetch, self._size)

    async def search_tracks(self, title: str, artist: str, limit: int) -> Sequence[Track]:
        """Search by title; the ranking looks at the artist."""
        found: list[Track] = []
        for library in await self._libraries():
            path, listing = await self._listing(Kind.TRACK)
            decoder = Decoder(self.name, library.folders)
            where = (('ParentId', coerce.text(library.item_id) or ''), ('SearchTerm', title))
            batch = await self._requests.page(
                path,
                (*listing, *where),
                lambda data, decoder=decoder: decoder.item(Kind.TRACK, data),
                0,
                max(100, limit),
            )
            found += [item for item in batch.items if isinstance(item, Track)]
        return found

    async def recently_added_albums(self, limit: int) -> Sequence[Album]:
        """The newest of each library, put in one order."""
        found: list[Album] = []
        _, account = await self._ready()
        for library in await self._libraries():
            decoder = Decoder(self.name, library.folders)
            params = (
                ('ParentId', coerce.text(library.item_id) or ''),
                *_of('MusicAlbum', account, 'DateCreated'),
            )
            items = await self._requests.everything(
                '/Items',
                params,
                lambda data, decoder=decoder: decoder.item(Kind.ALBUM, data),
                limit,
            )
            found += [item for item in items if isinstance(item, Album)]
        earliest = datetime.datetime.min.replace(tzinfo=coerce.UTC)
        return sorted(found, key=lambda album: album.added_at or earliest, reverse=True)

    async def libraries(self) -> Sequence[Library]:
        """All of them. Only administrators are told of scans."""
        _, account = await self._ready()
        return [
            Library(
                key=coerce.text(folder.item_id) or '',
                title=coerce.text(folder.name) or '',
                type=coerce.text(folder.collection_type) or '',
                scanning=_busy(folder) if account.administrator else None,
                percent=coerce.integer(folder.refresh_progress),
            )
            for folder in await self._folders()
        ]

    # Scan

    async def scan_library(self, key: str) -> None:
        """Refresh one library."""
        await self._refresh(key)

    async def start_scan(self, path: str | None) -> None:
        """Refresh the music libraries, or tell the server that a folder changed."""
        if path is not None:
            update = {'Updates': [{'Path': path, 'UpdateType': 'Modified'}]}
            await self._requests.post('/Library/Media/Updated', json.dumps(update).encode())
            return
        for library in await self._libraries():
            await self._refresh(coerce.text(library.item_id) or '')

    async def _refresh(self, key: str) -> None:
        modes = (('metadataRefreshMode', 'Default'), ('imageRefreshMode', 'Default'))
        await self._requests.send('POST', f'/Items/{quote(key, safe="")}/Refresh', modes)

    async def scan_progress(self) -> ScanProgress:
        """From the libraries: a refresh is no scheduled task."""
        libraries = await self._libraries()
        percents = [coerce.integer(library.refresh_progress) for library in libraries]
        known = [percent for percent in percents if percent is not None]
        return ScanProgress(
            scanning=any(_busy(library) for library in libraries),
            percent=float(min(known)) if known else None,
        )

    # Playlists

    async def playlists(self) -> Sequence[Playlist]:
        """The user's playlists."""
        _, account = await self._ready()
        params = (*_of('Playlist', account, 'SortName'), ('Fields', 'ChildCount'))
        return await self._requests.everything('/Items', params, Decoder(self.name).playlist)

    async def playlist_entries(self, playlist_id: str) -> Sequence[Entry]:
        """The entries in order."""
        _, account = await self._ready()
        params = (('userId', account.id),)
        decoder = Decoder(self.name)
        return await self._requests.everything(_items(playlist_id), params, decoder.entry)

    async def create_playlist(self, title: str, track_ids: Sequence[str]) -> str:
        """Make a playlist of the user's."""
        _, account = await self._ready()
        wanted = {
            'Name': title,
            'Ids': list(track_ids),
            'UserId': account.id,
            'MediaType': 'Audio',
        }
        response = await self._requests.post('/Playlists', json.dumps(wanted).encode())
        playlist_id = coerce.text(self._wire.decode(response, Made).id)
        if playlist_id is None:
            raise self._wire.protocol_error('no playlist in the answer', response)
        return playlist_id

    async def append_entries(self, playlist_id: str, track_ids: Sequence[str]) -> None:
        """Add tracks at the end."""
        _, account = await self._ready()
        params = (('ids', ','.join(track_ids)), ('userId', account.id))
        await self._requests.send('POST', _items(playlist_id), params)

    async def remove_entries(self, playlist_id: str, entry_ids: Sequence[str]) -> None:
        """Take entries out, by the ids of their places."""
        params = (('entryIds', ','.join(entry_ids)),)
        await self._requests.send('DELETE', _items(playlist_id), params)

    async def move_entry(self, playlist_id: str, entry_id: str, after: str | None) -> None:
        """Move an entry to the place behind another one, which has to be counted first."""
        order = [entry.entry_id for entry in await self.playlist_entries(playlist_id)]
        if not {entry_id, after} - {None} <= set(order):
            raise errors.Conflict(self.name, 'the playlist was changed meanwhile')
        order.remove(entry_id)
        place = order.index(after) + 1 if after is not None else 0
        path = f'{_items(playlist_id)}/{quote(entry_id, safe="")}/Move/{place}'
        await self._requests.send('POST', path)

    # History

    async def play_history(self, limit: int) -> Sequence[PlayEvent]:
        """The last play of each track: the server keeps no more."""
        return await self._requests.everything(
            '/Items', await self._played(), Decoder(self.name).play, limit
        )

    async def track_play_counts(self) -> Mapping[str, int]:
        """From the tracks that were played."""
        decoder = Decoder(self.name)
        items = await self._requests.everything(
            '/Items', await self._played(), lambda data: decoder.item(Kind.TRACK, data)
        )
        tracks = [item for item in items if isinstance(item, Track)]
        return {track.ref.native_id: track.play_count for track in tracks if track.play_count}

    async def _played(self) -> wire.Params:
        _, account = await self._ready()
        return (*_of('Audio', account, 'DatePlayed'), ('Filters', 'IsPlayed'))

    # Writeback

    async def write_artist_genres(self, artist_id: str, genres: Sequence[str]) -> None:
        """Replace the genres."""
        await self._writing.genres(artist_id, genres)

    async def write_artist_biography(self, artist_id: str, biography: str) -> None:
        """Replace the overview."""
        await self._writing.biography(artist_id, biography)

    async def write_artist_poster(self, artist_id: str, image: bytes) -> None:
        """Replace the picture."""
        await self._writing.poster(artist_id, image)

    async def write_album_poster(self, album_id: str, image: bytes) -> None:
        """Replace the cover."""
        await self._writing.poster(album_id, image)


def _of(kind: str, account: Account, order: str) -> wire.Params:
    """Everything of a type that a user sees, the latest first."""
    direction = 'Ascending' if order == 'SortName' else 'Descending'
    return (
        ('IncludeItemTypes', kind),
        ('Recursive', 'true'),
        ('userId', account.id),
        ('SortBy', f'{order},SortName' if order != 'SortName' else order),
        ('SortOrder', direction),
    )


def _items(playlist_id: str) -> str:
    return f'/Playlists/{quote(playlist_id, safe="")}/Items'


def _busy(library: Folder) -> bool:
    """Whether a library is refreshed, or waits for it."""
    return library.refresh_status in {'Active', 'Queued'}


def _builder(profile: Profile) -> Callable[[str, ServerSettings, Surroundings], Dialect]:
    def build(name: str, settings: ServerSettings, around: Surroundings) -> Dialect:
        chosen = cast('JellyfinSettings', settings)
        token = chosen.credential()
        connection = wire.Wire(
            name,
            chosen.url,
            around.pool,
            headers=profile.headers(f'{wire.PRODUCT}-{name}', token),
            secrets=(token, quote(token)),
            policy=around.policy,
            clock=around.clock,
        )
        return JellyfinDialect(name, connection, chosen, profile)

    return build


SERVER_TYPE = ServerType('jellyfin', 'Jellyfin', JellyfinSettings, _builder(JELLYFIN))
EMBY_SERVER_TYPE = ServerType('emby', 'Emby', JellyfinSettings, _builder(EMBY))
