# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The engine for code that is not asynchronous.

One thread runs the event loop and keeps the connections; any number of threads may call. The calls
are those of :class:`mediahub.engine.engine.MediaServerEngine`, and raise what it raises.
"""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import TracebackType
from typing import Self, TypeVar

import anyio.from_thread
import httpx2

from . import breaker, merging, wire
from .capabilities import Capability, Handshake, Status
from .config import Config
from .contract import MediaServerClient
from .engine import MediaServerEngine
from .playlists import Journal, Outcome, Plan
from .scans import ScanJob, ScanResult
from .values import Album, Artist, ItemRef, PlayEvent, Playlist, Track

T = TypeVar('T')


class BlockingEngine:
    """All configured servers behind blocking calls. Use it in ``with``.

    Args:
        config: The servers and which one is active.
        transport: In place of the network; for tests.
        policy: Timeouts and retries for every server.
        clock: Monotonic seconds.
        journal: Where playlists are kept before they are changed.
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
        self._make = functools.partial(
            MediaServerEngine,
            config,
            transport=transport,
            policy=policy,
            clock=clock,
            journal=journal,
        )

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            self._portal = stack.enter_context(anyio.from_thread.start_blocking_portal())
            # Made in the loop's thread, where its locks belong.
            self._engine = self._portal.call(self._make)
            stack.callback(self._portal.call, self._engine.aclose)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def call(self, method: Callable[[MediaServerEngine], Awaitable[T]]) -> T:
        """Run anything on the engine, such as what has no method here."""
        return self._portal.call(method, self._engine)

    @property
    def names(self) -> tuple[str, ...]:
        """The configured servers."""
        return self._engine.names

    @property
    def active_server(self) -> str:
        """The active server's name."""
        return self._engine.active_server

    def activate(self, name: str) -> None:
        """Make another server the active one."""
        self._engine.activate(name)

    def statuses(self) -> Mapping[str, Status]:
        """How every server stood when it was last asked."""
        return self._engine.statuses()

    def supports(self, capability: Capability) -> bool:
        """Whether the active server offers that."""
        return self.call(lambda engine: engine.supports(capability))

    def fan_out(
        self,
        call: Callable[[MediaServerClient], Awaitable[T]],
        servers: Sequence[str] | None = None,
    ) -> merging.FanOut[T]:
        """Make a call to several servers at once."""
        return self.call(lambda engine: engine.fan_out(call, servers))

    def search_everywhere(
        self, title: str, artist: str, limit: int = 15, servers: Sequence[str] | None = None
    ) -> merging.SearchAnswer:
        """Search several servers."""
        return self.call(lambda engine: engine.search_everywhere(title, artist, limit, servers))

    def is_connected(self) -> bool:
        """Whether the active server can be used."""
        return self.call(lambda engine: engine.is_connected())

    def ensure_connection(self) -> Handshake:
        """Greet the active server unless that was done."""
        return self.call(lambda engine: engine.ensure_connection())

    def get_all_artists(self) -> tuple[Artist, ...]:
        """All artists, or an error."""
        return self.call(lambda engine: engine.get_all_artists())

    def get_all_album_ids(self) -> frozenset[str]:
        """Native ids of all albums, or an error."""
        return self.call(lambda engine: engine.get_all_album_ids())

    def search_tracks(self, title: str, artist: str, limit: int = 15) -> tuple[Track, ...]:
        """Tracks of about that title and artist, best first."""
        return self.call(lambda engine: engine.search_tracks(title, artist, limit))

    def get_recently_added_albums(self, max_results: int = 400) -> tuple[Album, ...]:
        """The newest albums, newest first."""
        return self.call(lambda engine: engine.get_recently_added_albums(max_results))

    def trigger_library_scan(self, path: str | None = None) -> ScanJob:
        """Have the server look for new files; see :meth:`wait_for_scan`."""
        return self.call(lambda engine: engine.trigger_library_scan(path))

    def wait_for_scan(self, job: ScanJob, timeout: float = 3600.0) -> ScanResult:
        """Follow a scan to its end."""
        return self.call(lambda engine: job.wait(timeout))

    def is_library_scanning(self) -> bool:
        """Whether the server reads its folders just now."""
        return self.call(lambda engine: engine.is_library_scanning())

    def get_playlists(self) -> tuple[Playlist, ...]:
        """All playlists of music."""
        return self.call(lambda engine: engine.get_playlists())

    def create_playlist(self, name: str, tracks: Sequence[ItemRef]) -> Outcome:
        """Make a playlist."""
        return self.call(lambda engine: engine.create_playlist(name, tracks))

    def plan_playlist(self, target: str | ItemRef, tracks: Sequence[ItemRef]) -> Plan:
        """Say what :meth:`update_playlist` would do."""
        return self.call(lambda engine: engine.plan_playlist(target, tracks))

    def update_playlist(self, name: str | ItemRef, tracks: Sequence[ItemRef]) -> Outcome:
        """Make a playlist hold these tracks in this order."""
        return self.call(lambda engine: engine.update_playlist(name, tracks))

    def copy_playlist(self, source: str | ItemRef, dest_name: str) -> Outcome:
        """Make another playlist hold what one holds."""
        return self.call(lambda engine: engine.copy_playlist(source, dest_name))

    def get_play_history(self, limit: int = 500) -> tuple[PlayEvent, ...]:
        """What was played, newest first."""
        return self.call(lambda engine: engine.get_play_history(limit))

    def get_track_play_counts(self) -> Mapping[str, int]:
        """Plays of each track that was ever played, by native id."""
        return self.call(lambda engine: engine.get_track_play_counts())

    def update_artist_genres(self, artist: ItemRef, genres: Sequence[str]) -> None:
        """Make these the artist's genres, and no others."""
        self.call(lambda engine: engine.update_artist_genres(artist, genres))

    def update_artist_poster(self, artist: ItemRef, image_data: bytes) -> None:
        """Make this JPEG or PNG the artist's picture."""
        self.call(lambda engine: engine.update_artist_poster(artist, image_data))

    def update_album_poster(self, album: ItemRef, image_data: bytes) -> None:
        """Make this JPEG or PNG the album's cover."""
        self.call(lambda engine: engine.update_album_poster(album, image_data))

    def update_artist_biography(self, artist: ItemRef, biography: str) -> None:
        """Make this text the artist's biography."""
        self.call(lambda engine: engine.update_artist_biography(artist, biography))
