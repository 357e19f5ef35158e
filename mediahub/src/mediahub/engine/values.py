# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What the engine answers with: frozen values that never fetch anything.

Times are aware and in UTC, durations are milliseconds, sizes are bytes. None means that the server
did not say. A value of one server refers to others of the same server by :class:`ItemRef`.
"""

from __future__ import annotations

import datetime
import enum

import msgspec


class Kind(enum.Enum):
    """What an item is."""

    ARTIST = 'artist'
    ALBUM = 'album'
    TRACK = 'track'
    PLAYLIST = 'playlist'


LIBRARY_KINDS = (Kind.ARTIST, Kind.ALBUM, Kind.TRACK)


class ItemRef(msgspec.Struct, frozen=True, gc=False):
    """Names one item of one server.

    Attributes:
        server: The server's name in the configuration.
        kind: What the item is.
        native_id: The server's own id as text: a Plex rating key, a Jellyfin GUID, a Subsonic id,
            128 bits in hex for a file.
    """

    server: str
    kind: Kind
    native_id: str

    def __str__(self) -> str:
        return f'{self.server}:{self.kind.value}:{self.native_id}'


class ExternalId(msgspec.Struct, frozen=True, gc=False):
    """An id that means the same on every server, such as scheme ``mbid``."""

    scheme: str
    value: str


class Artist(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An artist as the library lists it.

    Attributes:
        album_count: Number of albums that the server counts as the artist's own.
    """

    ref: ItemRef
    name: str
    album_count: int | None = None
    genres: tuple[str, ...] = ()
    added_at: datetime.datetime | None = None
    updated_at: datetime.datetime | None = None
    external_ids: tuple[ExternalId, ...] = ()

    @property
    def title(self) -> str:
        """The name, so that any item can be shown by its title."""
        return self.name


class Album(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An album.

    Attributes:
        artist: Name of the album's artist.
        artist_ref: The same artist in the list of artists.
        track_count: Number of tracks that the server counts in it.
    """

    ref: ItemRef
    title: str
    artist: str | None = None
    artist_ref: ItemRef | None = None
    year: int | None = None
    track_count: int | None = None
    genres: tuple[str, ...] = ()
    added_at: datetime.datetime | None = None
    updated_at: datetime.datetime | None = None
    external_ids: tuple[ExternalId, ...] = ()


class Track(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A track.

    Attributes:
        artist: The performer's name; the album's artist where the server names no other.
        path: Place of the file relative to its library's folder, with ``/``; survives a library
            that is mounted elsewhere.
        size: Bytes of the file.
        play_count: Plays by the account that the server was asked with.
    """

    ref: ItemRef
    title: str
    artist: str | None = None
    album: str | None = None
    artist_ref: ItemRef | None = None
    album_ref: ItemRef | None = None
    number: int | None = None
    disc: int | None = None
    year: int | None = None
    duration_ms: int | None = None
    path: str | None = None
    size: int | None = None
    play_count: int | None = None
    last_played_at: datetime.datetime | None = None
    added_at: datetime.datetime | None = None
    updated_at: datetime.datetime | None = None
    external_ids: tuple[ExternalId, ...] = ()


Item = Artist | Album | Track


class Playlist(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A playlist.

    Attributes:
        editable: False for smart playlists and those of other users.
    """

    ref: ItemRef
    title: str
    count: int | None = None
    editable: bool = True


class Entry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One place in a playlist.

    Attributes:
        entry_id: The server's name for this place; a track that is in a playlist twice has two.
        track: What plays there.
    """

    entry_id: str
    track: ItemRef
    title: str = ''
    artist: str | None = None


class PlayPrecision(enum.Enum):
    """What a server's history really holds."""

    EVERY_PLAY = 'every play'
    LAST_PLAY_ONLY = 'last play of each track'


class PlayEvent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Somebody played a track."""

    track: ItemRef
    played_at: datetime.datetime
    title: str = ''
    account: str | None = None
    precision: PlayPrecision = PlayPrecision.EVERY_PLAY


class Library(msgspec.Struct, frozen=True, kw_only=True):
    """A library of a server: of music, or of anything else that it keeps.

    Attributes:
        key: Names it on its server.
        type: In the server's own word, such as ``music`` or ``movies``; empty where it has none.
        scanning: Whether the server looks for new files in it; None where it does not tell.
        percent: 0 to 100, None where the server does not say.
    """

    key: str
    title: str
    type: str = ''
    scanning: bool | None = None
    percent: float | None = None


class ScanProgress(msgspec.Struct, frozen=True, kw_only=True):
    """A server's scan at one moment.

    Attributes:
        scanning: Whether the library is being read.
        marker: Text that differs after every finished scan, such as the time of the last one;
            empty where the server tells nothing of the kind.
        percent: 0 to 100, None where the server does not say.
    """

    scanning: bool
    marker: str = ''
    percent: float | None = None
