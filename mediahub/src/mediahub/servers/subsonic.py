# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Subsonic and OpenSubsonic: Navidrome, gonic, Supysonic, LMS and others.

The protocol has no totals. A list ends with an empty page, and that is all it says; so the parts
are held against each other: albums count their songs, songs name their album, albums name their
artist. Where one list stands alone, its end is asked for twice.

Requests are sent with POST, credentials in the body, because URLs end up in logs.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from typing import TypeVar, cast

from ..engine import breaker, coerce, errors, paging, wire
from ..engine.capabilities import Capability, Handshake
from ..engine.dialect import Dialect
from ..engine.registry import ServerSettings, ServerType, Surroundings
from ..engine.snapshot import Evidence, Page
from ..engine.values import (
    Album,
    Artist,
    Entry,
    Kind,
    Library,
    PlayEvent,
    Playlist,
    ScanProgress,
    Track,
)
from .subsonic_auth import PAGE, Credentials, SubsonicSettings
from .subsonic_calls import REFUSED, Calls
from .subsonic_reading import BY_NAME, Reading
from .subsonic_wire import Album3, Artist3, Decoder, PlaylistData, Song

T = TypeVar('T')

# What a search for everything is called: OpenSubsonic's word first, then those of servers that
# take no empty text.
EVERYTHING = ('', '""')

# Seconds for which the handshake's look at the scan counts as the one before a read.
JUST_NOW = 10.0

BASIC = frozenset(
    {
        Capability.CHANGES,
        Capability.SEARCH,
        Capability.RECENTLY_ADDED,
        Capability.LIBRARIES,
        Capability.PLAYLISTS,
        Capability.PLAYLIST_EDIT,
        Capability.PLAYLIST_OVERWRITE,
    }
)


class SubsonicDialect(Dialect):
    """Speaks to one Subsonic server.

    Args:
        name: The server's name in the configuration.
        connection: Its HTTP connection.
        credentials: The account.
        libraries: Names of the music folders to use; all where it is empty.
        page: Items that one request asks for.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        name: str,
        connection: wire.Wire,
        credentials: Credentials,
        libraries: Sequence[str] = (),
        page: int = PAGE,
        clock: breaker.Clock = time.monotonic,
    ):
        super().__init__(name)
        self._calls = Calls(name, connection, credentials)
        self._credentials = credentials
        self._libraries = tuple(libraries)
        self._page = page
        self._size = paging.PageSize(page)
        self._decoder = Decoder(name)
        self._clock = clock
        self._handshake: Handshake | None = None
        self._greeting: tuple[float, ScanProgress] | None = None

    async def aclose(self) -> None:
        """Nothing is held open: the connections belong to the pool."""

    # Handshake

    async def handshake(self) -> Handshake:
        """Ping, then ask what the account may do."""
        hello = await self._calls.ping()
        opens = hello.open_subsonic is True
        if opens:
            await self._check_extensions()
        account = self._credentials.username or await self._owner_of_key()
        capabilities = set(BASIC)
        if opens:
            # Subsonic's songs do not tell when they were played.
            capabilities |= {Capability.HISTORY, Capability.PLAY_COUNTS}
        scan = await self._scan_state()
        if scan is not None:
            self._greeting = (self._clock(), scan)
            capabilities.add(Capability.SCAN_STATE)
            if await self._is_admin(account):
                capabilities.add(Capability.SCAN)
        product = coerce.text(hello.type) or 'Subsonic'
        self._handshake = Handshake(
            product=product,
            version=coerce.text(hello.server_version) or coerce.text(hello.version) or '',
            machine_id=f'{product}:{account}',
            capabilities=frozenset(capabilities),
            account=account,
            page_size=self._page,
        )
        return self._handshake

    async def _check_extensions(self) -> None:
        extensions = (await self._calls.read('getOpenSubsonicExtensions')).open_subsonic_extensions
        if extensions is None:
            raise errors.ProtocolError(self.name, 'getOpenSubsonicExtensions lists none')
        names = {coerce.text(extension.name) for extension in extensions}
        if self._credentials.username is None and 'apiKeyAuthentication' not in names:
            raise errors.Incompatible(self.name, 'the server takes no API keys')

    async def _owner_of_key(self) -> str:
        info = (await self._calls.read('tokenInfo')).token_info
        account = coerce.text(info.username) if info else None
        if account is None:
            raise errors.ProtocolError(self.name, 'tokenInfo names no user')
        return account

    async def _is_admin(self, account: str) -> bool:
        try:
            user = (await self._calls.read('getUser', (('username', account),))).user
        except REFUSED:
            return False
        return user is not None and user.admin_role is True

    async def _scan_state(self) -> ScanProgress | None:
        """How the scan stands; None where the server refuses to tell."""
        try:
            return await self.scan_progress()
        except REFUSED:
            return None

    async def _ready(self) -> Handshake:
        return self._handshake or await self.handshake()

    # Library

    async def read(self, kinds: Sequence[Kind], evidence: Evidence) -> AsyncGenerator[Page]:
        """Artists in one request, albums and songs in pages."""
        hello = await self._ready()
        evidence.machine_id = hello.machine_id
        folders = await self._folders()
        evidence.scope(repr((hello.machine_id, folders)))
        reading = Reading(self, evidence, kinds)
        alone = len(kinds) == 1
        if not alone:
            await self._note_scan(evidence, self._greeted_with())
        for folder in folders or [('', None)]:
            async for page in reading.folder(folder[0]):
                yield page
        if not alone:
            await self._note_scan(evidence)

    async def _note_scan(self, evidence: Evidence, known: ScanProgress | None = None) -> None:
        if Capability.SCAN_STATE not in (await self._ready()).capabilities:
            evidence.scanning(None)
            return
        progress = known or await self.scan_progress()
        evidence.scanning(progress.scanning)
        evidence.moment(progress.marker)

    def _greeted_with(self) -> ScanProgress | None:
        """What the handshake saw of the scan, if that was just now; once."""
        seen, self._greeting = self._greeting, None
        return seen[1] if seen and self._clock() - seen[0] < JUST_NOW else None

    async def _folders(self) -> list[tuple[str, str | None]]:
        """Ids and names of the folders in use; empty for all of them, which needs no ids.

        Raises:
            NotFound: One that is configured is not there.
        """
        if not self._libraries:
            return []
        data = (await self._calls.read('getMusicFolders')).music_folders
        found = data.music_folder if data else []
        known = {coerce.text(folder.name): coerce.text(folder.id) for folder in found}
        lacking = [name for name in self._libraries if known.get(name) is None]
        if lacking:
            names = ', '.join(name for name in known if name) or 'none'
            raise errors.NotFound(self.name, f'no music folder {lacking[0]!r}; there are: {names}')
        return [(known[name] or '', name) for name in self._libraries]

    async def artists(self, folder: str) -> list[Artist]:
        """All artists, each once: some servers list them many times."""
        data = (await self._calls.read('getArtists', _within(folder))).artists
        if data is None:
            raise errors.ProtocolError(self.name, 'getArtists answers without artists')
        rows = [row for index in data.index for row in index.artist]
        return list({item.ref: item for item in self._made(self._decoder.artist, rows)}.values())

    def albums(
        self, folder: str, order: str, *, confirm: bool = False, expected: int | None = None
    ) -> AsyncGenerator[paging.Batch[Album]]:
        """Albums in an order, in pages; see :func:`mediahub.engine.paging.pages`."""

        async def fetch(start: int, count: int) -> paging.Batch[Album]:
            params = (('type', order), ('size', str(count)), ('offset', str(start)))
            answer = await self._calls.read('getAlbumList2', (*params, *_within(folder)))
            data = answer.album_list2
            if data is None:
                raise errors.ProtocolError(self.name, 'getAlbumList2 answers without a list')
            return self._batch(self._made(self._decoder.album, data.album))

        return paging.pages(self.name, fetch, self._size, confirm=confirm, expected=expected)

    async def tracks(
        self, folder: str, *, confirm: bool = False
    ) -> AsyncGenerator[paging.Batch[Track]]:
        """All songs in pages, in the first way that yields any."""
        for query in EVERYTHING:
            found = False
            async for batch in self._found(query, folder, confirm=confirm):
                found = True
                yield batch
            if found:
                return
        async for batch in self.albums(folder, BY_NAME):
            for album in batch.items:
                yield self._batch(await self._songs_of(album))

    def _found(
        self, query: str, folder: str, *, confirm: bool
    ) -> AsyncGenerator[paging.Batch[Track]]:
        async def fetch(start: int, count: int) -> paging.Batch[Track]:
            return self._batch(await self._search(query, count, start, folder))

        return paging.pages(self.name, fetch, self._size, confirm=confirm)

    async def _search(self, query: str, count: int, start: int, folder: str) -> list[Track]:
        params = (
            ('query', query),
            ('artistCount', '0'),
            ('albumCount', '0'),
            ('songCount', str(count)),
            ('songOffset', str(start)),
            *_within(folder),
        )
        data = (await self._calls.read('search3', params)).search_result3
        # A search without a result may answer without the list.
        return self._made(self._decoder.track, data.song if data else [])

    async def _songs_of(self, album: Album) -> list[Track]:
        data = (await self._calls.read('getAlbum', (('id', album.ref.native_id),))).album
        songs = self._made(self._decoder.track, data.song if data else [])
        if album.track_count is not None and len(songs) != album.track_count:
            problem = f'{len(songs)} of {album.track_count} songs of {album.title!r} arrived'
            raise errors.Incomplete(self.name, [problem])
        return songs

    async def read_changes(
        self, since: datetime.datetime, evidence: Evidence
    ) -> AsyncGenerator[Page]:
        """Albums that came since then, with their artists and songs."""
        hello = await self._ready()
        evidence.machine_id = hello.machine_id
        folders = await self._folders()
        evidence.scope(repr((hello.machine_id, folders)))
        for folder in folders or [('', None)]:
            new = await self._newest(folder[0], since)
            wanted = {album.artist_ref for album in new}
            artists = [item for item in await self.artists(folder[0]) if item.ref in wanted]
            if wanted - {item.ref for item in artists} - {None}:
                evidence.problem('albums are of artists that were not listed')
            if artists:
                yield Page(Kind.ARTIST, tuple(artists))
            if new:
                yield Page(Kind.ALBUM, tuple(new))
            for album in new:
                yield Page(Kind.TRACK, tuple(await self._songs_of(album)))

    async def _newest(self, folder: str, since: datetime.datetime) -> list[Album]:
        found: list[Album] = []
        async for batch in self.albums(folder, 'newest', confirm=True):
            recent = [item for item in batch.items if item.added_at and item.added_at >= since]
            found += recent
            if len(recent) < len(batch.items):
                break
        return found

    async def search_tracks(self, title: str, artist: str, limit: int) -> Sequence[Track]:
        """Search by title: many servers look for the whole text in one field."""
        found: list[Track] = []
        for folder in await self._folders() or [('', None)]:
            found += await self._search(title, max(100, limit), 0, folder[0])
        return found

    async def recently_added_albums(self, limit: int) -> Sequence[Album]:
        """The newest of each folder, put in one order."""
        found: list[Album] = []
        for folder in await self._folders() or [('', None)]:
            taken = 0
            async for batch in self.albums(folder[0], 'newest'):
                found += batch.items
                taken += len(batch.items)
                if taken >= limit:
                    break
        earliest = datetime.datetime.min.replace(tzinfo=coerce.UTC)
        return sorted(found, key=lambda album: album.added_at or earliest, reverse=True)

    async def libraries(self) -> Sequence[Library]:
        """The music folders, all of which a scan reads."""
        data = (await self._calls.read('getMusicFolders')).music_folders
        if data is None:
            raise errors.ProtocolError(self.name, 'getMusicFolders answers without folders')
        scan = await self._scan_state()
        return [
            Library(
                key=coerce.text(folder.id) or '',
                title=coerce.text(folder.name) or '',
                type='music',
                scanning=scan.scanning if scan else None,
            )
            for folder in data.music_folder
        ]

    # Scan

    async def start_scan(self, path: str | None) -> None:
        """Scan everything; the protocol knows no part of it."""
        self._greeting = None
        await self._calls.change('startScan')

    async def scan_progress(self) -> ScanProgress:
        """Whether a scan runs; the count and time of the last one mark its end."""
        data = (await self._calls.read('getScanStatus')).scan_status
        if data is None or not isinstance(data.scanning, bool):
            raise errors.ProtocolError(self.name, 'getScanStatus does not say whether it scans')
        return ScanProgress(scanning=data.scanning, marker=repr((data.last_scan, data.count)))

    # Playlists

    async def playlists(self) -> Sequence[Playlist]:
        """Own playlists, and those of others that are public.

        Asked twice where there seem to be none: a title that is not found is made anew.
        """
        found = await self._playlists()
        again = found if found else await self._playlists()
        if {row.ref for row in again} != {row.ref for row in found}:
            raise errors.Incomplete(self.name, ['two lists of playlists differ'])
        return found

    async def _playlists(self) -> list[Playlist]:
        account = (await self._ready()).account or ''
        data = (await self._calls.read('getPlaylists')).playlists
        rows: list[PlaylistData] = data.playlist if data else []

        def make(row: PlaylistData) -> Playlist | None:
            return self._decoder.playlist(row, account)

        return self._made(make, rows)

    async def playlist_entries(self, playlist_id: str) -> Sequence[Entry]:
        """The entries in order, as many as the list counts."""
        data = (await self._calls.read('getPlaylist', (('id', playlist_id),))).playlist
        if data is None or coerce.text(data.id) != playlist_id:
            raise errors.ProtocolError(self.name, 'getPlaylist answers another playlist')
        count = coerce.integer(data.song_count)
        if count is not None and count != len(data.entry):
            problem = f'{len(data.entry)} of {count} entries arrived'
            raise errors.Incomplete(self.name, [problem])
        places = list(enumerate(data.entry))
        return self._made(lambda row: self._decoder.entry(*row), places)

    async def create_playlist(self, title: str, track_ids: Sequence[str]) -> str:
        """Make a playlist; servers before 1.14 do not say its id, so it is looked for."""
        before = {row.ref for row in await self.playlists()}
        params = (('name', title), *_all('songId', track_ids))
        made = (await self._calls.change('createPlaylist', params)).playlist
        playlist_id = coerce.text(made.id) if made else None
        if playlist_id is not None:
            return playlist_id
        new = [
            row for row in await self.playlists() if row.ref not in before and row.title == title
        ]
        if len(new) != 1:
            raise errors.Unverified(self.name, f'{title!r} was made but is not listed')
        return new[0].ref.native_id

    async def append_entries(self, playlist_id: str, track_ids: Sequence[str]) -> None:
        """Add tracks at the end."""
        params = (('playlistId', playlist_id), *_all('songIdToAdd', track_ids))
        await self._calls.change('updatePlaylist', params)

    async def remove_entries(self, playlist_id: str, entry_ids: Sequence[str]) -> None:
        """Take entries out by their places."""
        params = (('playlistId', playlist_id), *_all('songIndexToRemove', entry_ids))
        await self._calls.change('updatePlaylist', params)

    async def overwrite_entries(self, playlist_id: str, track_ids: Sequence[str]) -> None:
        """Replace all entries; nothing can only be reached by taking all of them out."""
        if track_ids:
            params = (('playlistId', playlist_id), *_all('songId', track_ids))
            await self._calls.change('createPlaylist', params)
            return
        entries = await self.playlist_entries(playlist_id)
        await self.remove_entries(playlist_id, [entry.entry_id for entry in entries])

    # History

    async def play_history(self, limit: int) -> Sequence[PlayEvent]:
        """The last play of each track: the protocol keeps no more."""
        plays = [play async for track in self._played() if (play := self._decoder.play(track))]
        return sorted(plays, key=lambda play: play.played_at, reverse=True)[:limit]

    async def track_play_counts(self) -> Mapping[str, int]:
        """From the songs themselves."""
        return {
            track.ref.native_id: track.play_count
            async for track in self._played()
            if track.play_count
        }

    async def _played(self) -> AsyncGenerator[Track]:
        for folder in await self._folders() or [('', None)]:
            async for batch in self.tracks(folder[0]):
                for track in batch.items:
                    yield track

    def _made(self, make: Callable[[_Row], T | None], rows: Iterable[_Row]) -> list[T]:
        """Every row as a value.

        Raises:
            ProtocolError: One has no id.
        """
        made = [make(row) for row in rows]
        if any(item is None for item in made):
            raise errors.ProtocolError(self.name, 'a list holds an item without an id')
        return cast('list[T]', made)

    def _batch(self, items: Sequence[_Item]) -> paging.Batch[_Item]:
        return paging.Batch(items, [item.ref.native_id for item in items])


_Row = TypeVar('_Row', Album3, Artist3, Song, PlaylistData, tuple[int, Song])
_Item = TypeVar('_Item', Album, Track)


def _within(folder: str) -> wire.Params:
    return (('musicFolderId', folder),) if folder else ()


def _all(name: str, values: Sequence[str]) -> wire.Params:
    return tuple((name, value) for value in values)


def _build(name: str, settings: ServerSettings, around: Surroundings) -> Dialect:
    chosen = cast('SubsonicSettings', settings)
    credentials = Credentials(chosen)
    connection = wire.Wire(
        name,
        chosen.url,
        around.pool,
        headers={'Accept': 'application/json'},
        secrets=(credentials.hidden, credentials.hidden.encode().hex()),
        policy=around.policy,
        clock=around.clock,
    )
    return SubsonicDialect(
        name, connection, credentials, chosen.libraries, chosen.page_size, around.clock
    )


SERVER_TYPE = ServerType(
    'subsonic',
    'Subsonic',
    SubsonicSettings,
    _build,
    aliases=('opensubsonic', 'navidrome', 'gonic', 'supysonic'),
)
