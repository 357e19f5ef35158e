# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The engine: owns the servers, knows the active one, dispatches to it or to several.

No caller asks which kind of server is active. A call on the engine goes to the active server; a
call on :meth:`MediaServerEngine.client` goes to a named one; :meth:`MediaServerEngine.fan_out`
goes to several at once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import TracebackType
from typing import Self, TypeVar

import httpx2

from . import breaker, errors, merging, wire
from .capabilities import Capability, Handshake, Status
from .config import Config, ServerEntry
from .contract import MediaServerClient
from .playlists import Journal, Outcome, Plan
from .registry import Surroundings
from .scans import ScanJob
from .values import (
    Album,
    Artist,
    ItemRef,
    PlayEvent,
    Playlist,
    Track,
)

T = TypeVar('T')


class MediaServerEngine:
    """All configured servers behind one surface. Use it in ``async with``.

    Args:
        config: The servers and which one is active.
        transport: In place of the network; for tests.
        policy: Timeouts and retries for every server.
        clock: Monotonic seconds.
        journal: Where playlists are kept before they are changed; without one they are not.
    """

    def __init__(
        self,
        config: Config,
        *,
        transport: httpx2.AsyncBaseTransport | None = None,
        policy: wire.Policy | None = None,
        clock: breaker.Clock = time.monotonic,
        journal: Journal | None = None,
    ):
        self._pool = wire.pool(transport)
        self._surroundings = Surroundings(self._pool, policy or wire.Policy(), clock)
        self._journal = journal
        self._clients = {entry.name: self._build(entry) for entry in config.servers}
        self._active = config.active

    def _build(self, entry: ServerEntry) -> MediaServerClient:
        dialect = entry.server_type.build(entry.name, entry.settings, self._surroundings)
        return MediaServerClient(dialect, entry.server_type.name, self._surroundings.clock)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection."""
        for client in self._clients.values():
            await client.aclose()
        await self._pool.aclose()

    # Selection

    @property
    def names(self) -> tuple[str, ...]:
        """The configured servers in the order of the configuration."""
        return tuple(self._clients)

    def client(self, name: str) -> MediaServerClient:
        """A server by name.

        Raises:
            UnknownServer: There is none of that name; lists those that there are.
        """
        if name not in self._clients:
            raise errors.UnknownServer(name, self._clients)
        return self._clients[name]

    @property
    def active(self) -> MediaServerClient:
        """The active server.

        Raises:
            NoActiveServer: Several are configured and none was chosen.
        """
        if self._active is None:
            raise errors.NoActiveServer(self._clients)
        return self.client(self._active)

    @property
    def active_server(self) -> str:
        """The active server's name."""
        return self.active.name

    def get_active_client_type(self) -> str:
        """The active server's kind, such as ``plex``, where a shape genuinely differs."""
        return self.active.server_type

    def activate(self, name: str) -> None:
        """Make another server the active one.

        Raises:
            UnknownServer: There is none of that name.
        """
        self._active = self.client(name).name

    def statuses(self) -> Mapping[str, Status]:
        """How every server stood when it was last asked."""
        return {name: client.status for name, client in self._clients.items()}

    async def supports(self, capability: Capability) -> bool:
        """Whether the active server offers that."""
        return await self.active.supports(capability)

    # Several servers

    async def fan_out(
        self,
        call: Callable[[MediaServerClient], Awaitable[T]],
        servers: Sequence[str] | None = None,
    ) -> merging.FanOut[T]:
        """Make a call to several servers at once, to all of them by default.

        One server's failure is in the answer and costs the others nothing. Cancelling this
        cancels all of them.
        """
        clients = [self.client(name) for name in dict.fromkeys(servers or self.names)]
        results: dict[str, T] = {}
        failures: dict[str, errors.MediaServerError] = {}

        async def ask(client: MediaServerClient) -> None:
            try:
                results[client.name] = await call(client)
            except errors.MediaServerError as error:
                failures[client.name] = error

        async with asyncio.TaskGroup() as group:
            for client in clients:
                group.create_task(ask(client))
        order = [client.name for client in clients]
        return merging.FanOut(
            {name: results[name] for name in order if name in results},
            {name: failures[name] for name in order if name in failures},
        )

    async def search_everywhere(
        self, title: str, artist: str, limit: int = 15, servers: Sequence[str] | None = None
    ) -> merging.SearchAnswer:
        """Search several servers and put the same recording of each together."""
        answers = await self.fan_out(
            lambda client: client.search_tracks(title, artist, limit), servers
        )
        return merging.SearchAnswer(
            tuple(merging.merge(answers.results, title, artist, limit)),
            {name: error.detail for name, error in answers.failures.items()},
        )

    # The active server

    async def is_connected(self) -> bool:
        """Whether the active server can be used."""
        return await self.active.is_connected()

    async def ensure_connection(self) -> Handshake:
        """Greet the active server unless that was done."""
        return await self.active.ensure_connection()

    async def get_all_artists(self) -> tuple[Artist, ...]:
        """All artists, or an error."""
        return await self.active.get_all_artists()

    async def get_all_album_ids(self) -> frozenset[str]:
        """Native ids of all albums, or an error."""
        return await self.active.get_all_album_ids()

    async def search_tracks(self, title: str, artist: str, limit: int = 15) -> tuple[Track, ...]:
        """Tracks of about that title and artist, best first."""
        return await self.active.search_tracks(title, artist, limit)

    async def get_recently_added_albums(self, max_results: int = 400) -> tuple[Album, ...]:
        """The newest albums, newest first."""
        return await self.active.get_recently_added_albums(max_results)

    async def trigger_library_scan(self, path: str | None = None) -> ScanJob:
        """Have the server look for new files."""
        return await self.active.trigger_library_scan(path)

    async def is_library_scanning(self) -> bool:
        """Whether the server reads its folders just now."""
        return await self.active.is_library_scanning()

    async def get_playlists(self) -> tuple[Playlist, ...]:
        """All playlists of music."""
        return await self.active.get_playlists()

    async def create_playlist(self, name: str, tracks: Sequence[ItemRef]) -> Outcome:
        """Make a playlist."""
        return await self.active.create_playlist(name, tracks)

    async def plan_playlist(self, target: str | ItemRef, tracks: Sequence[ItemRef]) -> Plan:
        """Say what :meth:`update_playlist` would do."""
        return await self.active.plan_playlist(target, tracks)

    async def update_playlist(self, name: str | ItemRef, tracks: Sequence[ItemRef]) -> Outcome:
        """Make a playlist hold these tracks in this order."""
        return await self.active.update_playlist(name, tracks, self._journal)

    async def copy_playlist(self, source: str | ItemRef, dest_name: str) -> Outcome:
        """Make another playlist hold what one holds."""
        return await self.active.copy_playlist(source, dest_name, self._journal)

    async def get_play_history(self, limit: int = 500) -> tuple[PlayEvent, ...]:
        """What was played, newest first."""
        return await self.active.get_play_history(limit)

    async def get_track_play_counts(self) -> Mapping[str, int]:
        """Plays of each track that was ever played, by native id."""
        return await self.active.get_track_play_counts()

    async def update_artist_genres(self, artist: ItemRef, genres: Sequence[str]) -> None:
        """Make these the artist's genres, and no others."""
        await self._owner(artist).update_artist_genres(artist, genres)

    async def update_artist_poster(self, artist: ItemRef, image_data: bytes) -> None:
        """Make this JPEG or PNG the artist's picture."""
        await self._owner(artist).update_artist_poster(artist, image_data)

    async def update_album_poster(self, album: ItemRef, image_data: bytes) -> None:
        """Make this JPEG or PNG the album's cover."""
        await self._owner(album).update_album_poster(album, image_data)

    async def update_artist_biography(self, artist: ItemRef, biography: str) -> None:
        """Make this text the artist's biography."""
        await self._owner(artist).update_artist_biography(artist, biography)

    def _owner(self, ref: ItemRef) -> MediaServerClient:
        """The server that an item belongs to: a reference says so, whichever is active."""
        return self.client(ref.server)
