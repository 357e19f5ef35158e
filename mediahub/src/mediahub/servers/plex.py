# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Plex Media Server.

Libraries are read with the bulk listings of a section (``type=8|9|10``), a thousand items a
request. Official paths come first; where an older server does not know one, its predecessor does.
Ids are rating keys. Plex gives an item a new one now and then; the identity map of
:mod:`mediahub.store` follows.
"""

from __future__ import annotations

import datetime
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import cast
from urllib.parse import quote

from ..engine import coerce, errors, wire
from ..engine.capabilities import Capability, Handshake
from ..engine.dialect import Dialect
from ..engine.registry import ServerSettings, ServerType, Surroundings
from ..engine.snapshot import Evidence, Page
from ..engine.values import (
    LIBRARY_KINDS,
    Album,
    Entry,
    Kind,
    Library,
    PlayEvent,
    Playlist,
    ScanProgress,
    Track,
)
from .plex_requests import Requests, window
from .plex_settings import PAGE, PlexSettings
from .plex_wire import TYPES, Activity, Decoder, Directory, Document, flag
from .plex_writing import Writing

# A summary is long and not indexed.
LISTING: wire.Params = (
    ('includeGuids', '1'),
    ('excludeFields', 'summary'),
    ('sort', 'addedAt:asc'),
)

CAPABILITIES = frozenset(Capability) - {Capability.PLAYLIST_OVERWRITE, Capability.WATCH}


class PlexDialect(Dialect):
    """Speaks to one Plex server.

    Args:
        name: The server's name in the configuration.
        connection: Its HTTP connection, token included.
        libraries: Titles of the music libraries to use; all where it is empty.
        page: Items that one request asks for.
    """

    def __init__(
        self, name: str, connection: wire.Wire, libraries: Sequence[str] = (), page: int = PAGE
    ):
        super().__init__(name)
        self._wire = connection
        self._libraries = tuple(libraries)
        self._page = page
        self._requests = Requests(name, connection, page)
        self._writing = Writing(name, connection, self._requests)
        self._machine_id: str | None = None

    async def aclose(self) -> None:
        """Nothing is held open: the connections belong to the pool."""

    async def handshake(self) -> Handshake:
        """Ask the root, which needs the token, unlike ``/identity``."""
        container = await self._requests.get('/')
        machine_id = coerce.text(container.machine_identifier)
        if machine_id is None:
            raise errors.Incompatible(self.name, 'what answers is no Plex Media Server')
        self._machine_id = machine_id
        return Handshake(
            product='Plex Media Server',
            version=coerce.text(container.version) or '',
            machine_id=machine_id,
            capabilities=CAPABILITIES,
            account=coerce.text(container.my_plex_username),
            page_size=self._page,
        )

    # Library

    async def read(self, kinds: Sequence[Kind], evidence: Evidence) -> AsyncGenerator[Page]:
        """Page through every section; the sections are compared before and after."""
        evidence.machine_id = await self._machine()
        sections = await self._scope(evidence)
        for section in sections:
            for kind in kinds:
                async for page in self._section(section, kind, LISTING, evidence):
                    yield page
        await self._scope(evidence)

    async def read_changes(
        self, since: datetime.datetime, evidence: Evidence
    ) -> AsyncGenerator[Page]:
        """Ask twice: what was added need not count as updated."""
        evidence.machine_id = await self._machine()
        for section in await self._scope(evidence):
            for kind in LIBRARY_KINDS:
                for field in ('addedAt', 'updatedAt'):
                    # The operator is part of the name: addedAt>=…
                    params = (*LISTING, (f'{field}>', str(int(since.timestamp()))))
                    async for page in self._section(section, kind, params, evidence, field):
                        yield page

    async def _scope(self, evidence: Evidence) -> list[Directory]:
        sections = await self._sections()
        evidence.scanning(any(flag(section.refreshing) for section in sections))
        named = [
            (section.key, section.uuid, section.title, section.folders) for section in sections
        ]
        changed = [(section.scanned_at, section.content_changed_at) for section in sections]
        evidence.scope(repr((evidence.machine_id, named)))
        evidence.moment(repr(changed))
        return sections

    async def _sections(self) -> list[Directory]:
        """The music libraries in use.

        Raises:
            NotFound: One that is configured is not there, or there is none at all.
        """
        found = (await self._requests.get('/library/sections/all')).directories
        music = [section for section in found if section.type == 'artist']
        titles = [coerce.text(section.title) or '' for section in music]
        lacking = [title for title in self._libraries if title not in titles]
        if lacking or not music:
            wanted = ', '.join(repr(title) for title in lacking) or 'any music library'
            known = ', '.join(titles) or 'none'
            raise errors.NotFound(self.name, f'{wanted} is not there; music libraries: {known}')
        if not self._libraries:
            return music
        return [
            section
            for section, title in zip(music, titles, strict=True)
            if title in self._libraries
        ]

    async def _section(
        self,
        section: Directory,
        kind: Kind,
        params: wire.Params,
        evidence: Evidence,
        part: str = '',
    ) -> AsyncGenerator[Page]:
        """Page through a kind of a section; ``part`` tells totals of several listings apart."""
        decoder = Decoder(self.name, section.folders)
        key = coerce.text(section.key) or ''
        path = f'/library/sections/{quote(key, safe="")}/all'
        asked = (('type', TYPES[kind]), *params)
        listing = self._requests.pages(path, asked, lambda data: decoder.item(kind, data))
        empty = True
        async for batch in listing:
            empty = False
            evidence.total(kind, key + part, batch.total)
            yield Page(kind, tuple(batch.items))
        if empty:
            # Nothing came, and whether that is right only the total can say: an empty answer
            # without one is what a proxy or a broken database gives.
            evidence.total(kind, key + part, await self._requests.total(path, asked))

    async def search_tracks(self, title: str, artist: str, limit: int) -> Sequence[Track]:
        """Search by title and artist, then by title alone: guests are no album artists."""
        tries = [(('title', title), ('artist.title', artist))] if artist else []
        for search in (*tries, (('title', title),)):
            found = await self._search(search, limit)
            if found:
                return found
        return ()

    async def _search(self, search: wire.Params, limit: int) -> list[Track]:
        found: list[Track] = []
        for section in await self._sections():
            decoder = Decoder(self.name, section.folders)
            params = (('type', TYPES[Kind.TRACK]), *search, ('includeGuids', '1'))
            path = f'/library/sections/{coerce.text(section.key)}/all'
            # More than asked for: the ranking is ours, the server's order is by title.
            container = await self._requests.get(path, (*params, *window(0, max(50, limit))))
            items = [decoder.item(Kind.TRACK, data) for data in container.metadata]
            found += [item for item in items if isinstance(item, Track)]
        return found

    async def recently_added_albums(self, limit: int) -> Sequence[Album]:
        """The newest of each section, put in one order."""
        found: list[Album] = []
        for section in await self._sections():
            decoder = Decoder(self.name, section.folders)
            key = coerce.text(section.key)
            params = (('type', TYPES[Kind.ALBUM]), ('sort', 'addedAt:desc'), ('includeGuids', '1'))
            items = await self._requests.first(
                f'/library/sections/{key}/all',
                params,
                lambda data, decoder=decoder: decoder.item(Kind.ALBUM, data),
                limit,
            )
            found += [item for item in items if isinstance(item, Album)]
        newest = datetime.datetime.min.replace(tzinfo=coerce.UTC)
        return sorted(found, key=lambda album: album.added_at or newest, reverse=True)[:limit]

    async def libraries(self) -> Sequence[Library]:
        """All sections."""
        activities = await self._scans()
        return [
            Library(
                key=coerce.text(section.key) or '',
                title=coerce.text(section.title) or '',
                type=coerce.text(section.type) or '',
                scanning=progress.scanning,
                percent=progress.percent,
            )
            for section in (await self._requests.get('/library/sections/all')).directories
            for progress in [_progress([section], activities)]
        ]

    # Scan

    async def start_scan(self, path: str | None) -> None:
        """Refresh the music sections."""
        params = (('path', path),) if path else ()
        for section in await self._sections():
            await self._refresh(coerce.text(section.key) or '', params)

    async def scan_library(self, key: str) -> None:
        """Refresh one section."""
        await self._refresh(key)

    async def _refresh(self, key: str, params: wire.Params = ()) -> None:
        target = f'/library/sections/{quote(key, safe="")}/refresh'
        try:
            await self._wire.send('POST', target, params)
        except errors.NotFound:
            await self._wire.send('GET', target, params)  # before the API was published

    async def scan_progress(self) -> ScanProgress:
        """Sections know that they are refreshed, activities how far."""
        return _progress(await self._sections(), await self._scans())

    async def _scans(self) -> list[Activity]:
        activities = (await self._requests.get('/activities')).activities
        return [each for each in activities if each.type == 'library.update.section']

    # Playlists

    async def playlists(self) -> Sequence[Playlist]:
        """The account's playlists of music."""
        params = (('playlistType', 'audio'),)
        return await self._requests.everything('/playlists', params, Decoder(self.name).playlist)

    async def playlist_entries(self, playlist_id: str) -> Sequence[Entry]:
        """The entries in order."""
        return await self._requests.everything(_items(playlist_id), (), Decoder(self.name).entry)

    async def create_playlist(self, title: str, track_ids: Sequence[str]) -> str:
        """Make a playlist of these tracks; an empty one where there are none."""
        params = [('type', 'audio'), ('title', title), ('smart', '0')]
        uri = [('uri', await self._uri(track_ids))] if track_ids else []
        response = await self._wire.send('POST', '/playlists', [*params, *uri])
        made = self._wire.decode(response, Document).container.metadata
        playlist_id = coerce.text(made[0].rating_key) if made else None
        if playlist_id is None:
            raise self._wire.protocol_error('no playlist in the answer', response)
        return playlist_id

    async def append_entries(self, playlist_id: str, track_ids: Sequence[str]) -> None:
        """Add tracks at the end."""
        uri = await self._uri(track_ids)
        await self._wire.send('PUT', _items(playlist_id), (('uri', uri),))

    async def remove_entries(self, playlist_id: str, entry_ids: Sequence[str]) -> None:
        """Take entries out, one request each: Plex knows no other way but to clear the list."""
        for entry_id in entry_ids:
            path = f'{_items(playlist_id)}/{quote(entry_id, safe="")}'
            await self._wire.send('DELETE', path)

    async def move_entry(self, playlist_id: str, entry_id: str, after: str | None) -> None:
        """Put an entry behind another one, or first."""
        path = f'{_items(playlist_id)}/{quote(entry_id, safe="")}/move'
        await self._wire.send('PUT', path, (('after', after),) if after else ())

    async def _uri(self, track_ids: Sequence[str]) -> str:
        items = ','.join(track_ids)
        machine = await self._machine()
        return f'server://{machine}/com.plexapp.plugins.library/library/metadata/{items}'

    # History

    async def play_history(self, limit: int) -> Sequence[PlayEvent]:
        """The music libraries' plays, newest first."""
        found: list[PlayEvent] = []
        for section in await self._sections():
            params = (
                ('sort', 'viewedAt:desc'),
                ('librarySectionID', coerce.text(section.key) or ''),
            )
            path = '/status/sessions/history/all'
            found += await self._requests.first(path, params, Decoder(self.name).play, limit)
        return sorted(found, key=lambda play: play.played_at, reverse=True)[:limit]

    async def track_play_counts(self) -> Mapping[str, int]:
        """From the tracks themselves: the history may have been cleared."""
        counts: dict[str, int] = {}
        evidence = Evidence()
        seen = 0
        async for page in self.read((Kind.TRACK,), evidence):
            seen += len(page.items)
            counts.update(
                (item.ref.native_id, item.play_count)
                for item in page.items
                if isinstance(item, Track) and item.play_count
            )
        if evidence.totals().get(Kind.TRACK.value) != seen:
            raise errors.Incomplete(self.name, [f'{seen} tracks arrived, not all'])
        return counts

    # Writeback

    async def write_artist_genres(self, artist_id: str, genres: Sequence[str]) -> None:
        """Replace the genres."""
        await self._writing.genres(artist_id, genres)

    async def write_artist_biography(self, artist_id: str, biography: str) -> None:
        """Replace the summary and lock it."""
        await self._writing.biography(artist_id, biography)

    async def write_artist_poster(self, artist_id: str, image: bytes) -> None:
        """Upload a picture."""
        await self._writing.poster(artist_id, image)

    async def write_album_poster(self, album_id: str, image: bytes) -> None:
        """Upload a cover."""
        await self._writing.poster(album_id, image)

    async def _machine(self) -> str:
        return self._machine_id or (await self.handshake()).machine_id


def _items(playlist_id: str) -> str:
    return f'/playlists/{quote(playlist_id, safe="")}/items'


def _progress(sections: Sequence[Directory], scans: Sequence[Activity]) -> ScanProgress:
    keys = {coerce.text(section.key) for section in sections}
    running = [activity for activity in scans if _about(activity, keys)]
    percents = [coerce.integer(activity.progress) for activity in running]
    known = [percent for percent in percents if percent is not None and percent >= 0]
    return ScanProgress(
        scanning=bool(running) or any(flag(section.refreshing) for section in sections),
        marker=repr([section.scanned_at for section in sections]),
        percent=float(min(known)) if known else None,
    )


def _about(activity: Activity, sections: set[str | None]) -> bool:
    """Whether an activity concerns one of the sections; one that names none may."""
    section = coerce.text(activity.context.library_section_id)
    return section is None or section in sections


def _build(name: str, settings: ServerSettings, around: Surroundings) -> Dialect:
    chosen = cast('PlexSettings', settings)
    token = chosen.credential()
    headers = {
        'Accept': 'application/json',
        'X-Plex-Token': token,
        'X-Plex-Product': wire.PRODUCT,
        'X-Plex-Version': wire.VERSION,
        'X-Plex-Client-Identifier': f'{wire.PRODUCT}-{name}',
    }
    connection = wire.Wire(
        name,
        chosen.url,
        around.pool,
        headers=headers,
        secrets=(token,),
        policy=around.policy,
        clock=around.clock,
    )
    return PlexDialect(name, connection, chosen.libraries, chosen.page_size)


SERVER_TYPE = ServerType('plex', 'Plex', PlexSettings, _build, aliases=('pms',))
