# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Jellyfin's JSON, decoded as far as the engine needs it.

Emby's is the same, with whole numbers for ids.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from ..engine import coerce
from ..engine.values import (
    Album,
    Artist,
    Entry,
    ExternalId,
    Item,
    ItemRef,
    Kind,
    PlayEvent,
    Playlist,
    PlayPrecision,
    Track,
)

# 100 nanoseconds.
TICKS_PER_MS = 10_000

TYPES = {Kind.ARTIST: 'MusicArtist', Kind.ALBUM: 'MusicAlbum', Kind.TRACK: 'Audio'}

# Which of an item's ids in MusicBrainz names the item itself, best first.
_MUSICBRAINZ = {
    Kind.ARTIST: ('MusicBrainzArtist', 'MusicBrainzAlbumArtist'),
    Kind.ALBUM: ('MusicBrainzAlbum',),
    Kind.TRACK: ('MusicBrainzRecording', 'MusicBrainzTrack'),
}


class Named(msgspec.Struct, rename='pascal', gc=False):
    """A reference with a name."""

    id: object = None
    name: object = None


class UserData(msgspec.Struct, rename='pascal', gc=False):
    """What a user did with an item."""

    play_count: object = None
    last_played_date: object = None


class MediaSource(msgspec.Struct, rename='pascal', gc=False):
    """A file."""

    size: object = None
    path: object = None


class ItemData(msgspec.Struct, rename='pascal'):
    """An item (``BaseItemDto``)."""

    id: object = None
    type: object = None
    name: object = None
    album: object = None
    album_id: object = None
    album_artist: object = None
    album_artists: list[Named] | None = None
    artists: list[object] | None = None
    index_number: object = None
    parent_index_number: object = None
    production_year: object = None
    run_time_ticks: object = None
    child_count: object = None
    path: object = None
    media_sources: list[MediaSource] | None = None
    date_created: object = None
    genres: list[object] | None = None
    provider_ids: dict[str, object] | None = None
    user_data: UserData | None = None
    playlist_item_id: object = None
    collection_type: object = None


class ItemList(msgspec.Struct, rename='pascal'):
    """A page of items (``QueryResult``)."""

    items: list[ItemData] | None = None
    total_record_count: object = None


class SystemInfo(msgspec.Struct, rename='pascal'):
    """The server."""

    id: object = None
    version: object = None
    product_name: object = None


class UserPolicy(msgspec.Struct, rename='pascal', gc=False):
    """What a user may do."""

    is_administrator: object = None


class User(msgspec.Struct, rename='pascal'):
    """A user."""

    id: object = None
    name: object = None
    policy: UserPolicy | None = None


class Folder(msgspec.Struct, rename='pascal'):
    """A library."""

    name: object = None
    item_id: object = None
    collection_type: object = None
    locations: list[object] | None = None
    refresh_status: object = None
    refresh_progress: object = None

    @property
    def folders(self) -> list[str]:
        """Its folders as the server sees them."""
        return list(coerce.texts(self.locations or ()))


class Made(msgspec.Struct, rename='pascal'):
    """The answer to making a playlist."""

    id: object = None


class Decoder:
    """Makes values of one server's items; None stands for one without an id.

    Args:
        server: Name that goes into references.
        folders: Of the library that is read, to make paths relative.
    """

    def __init__(self, server: str, folders: Iterable[str] = ()):
        self._server = server
        self._folders = tuple(folders)

    def ref(self, kind: Kind, value: object) -> ItemRef | None:
        """A reference to an item."""
        native_id = coerce.text(value)
        return None if native_id is None else ItemRef(self._server, kind, native_id)

    def item(self, kind: Kind, data: ItemData) -> Item | None:
        """An item of a kind; None where it is of another."""
        ref = self.ref(kind, data.id)
        if ref is None or data.type != TYPES[kind]:
            return None
        if kind is Kind.ARTIST:
            return self._artist(ref, data)
        return self._album(ref, data) if kind is Kind.ALBUM else self._track(ref, data)

    def _artist(self, ref: ItemRef, data: ItemData) -> Artist:
        return Artist(
            ref=ref,
            name=coerce.text(data.name) or '',
            genres=coerce.texts(data.genres or ()),
            added_at=coerce.moment(data.date_created),
            external_ids=_external(Kind.ARTIST, data),
        )

    def _album(self, ref: ItemRef, data: ItemData) -> Album:
        return Album(
            ref=ref,
            title=coerce.text(data.name) or '',
            artist=coerce.text(data.album_artist),
            artist_ref=self._album_artist(data),
            year=coerce.year(data.production_year),
            genres=coerce.texts(data.genres or ()),
            added_at=coerce.moment(data.date_created),
            external_ids=_external(Kind.ALBUM, data),
        )

    def _track(self, ref: ItemRef, data: ItemData) -> Track:
        source = next(iter(data.media_sources or ()), MediaSource())
        played = data.user_data or UserData()
        performers = coerce.texts(data.artists or ())
        ticks = coerce.integer(data.run_time_ticks)
        return Track(
            ref=ref,
            title=coerce.text(data.name) or '',
            artist=', '.join(performers) or coerce.text(data.album_artist),
            album=coerce.text(data.album),
            artist_ref=self._album_artist(data),
            album_ref=self.ref(Kind.ALBUM, data.album_id),
            number=coerce.integer(data.index_number),
            disc=coerce.integer(data.parent_index_number),
            year=coerce.year(data.production_year),
            duration_ms=None if ticks is None else ticks // TICKS_PER_MS,
            path=coerce.relative_path(coerce.text(data.path or source.path), self._folders),
            size=coerce.integer(source.size),
            play_count=coerce.integer(played.play_count),
            last_played_at=coerce.moment(played.last_played_date),
            added_at=coerce.moment(data.date_created),
            external_ids=_external(Kind.TRACK, data),
        )

    def _album_artist(self, data: ItemData) -> ItemRef | None:
        artists = data.album_artists or []
        return self.ref(Kind.ARTIST, artists[0].id) if artists else None

    def playlist(self, data: ItemData) -> Playlist | None:
        """A playlist."""
        ref = self.ref(Kind.PLAYLIST, data.id)
        if ref is None or data.type != 'Playlist':
            return None
        title = coerce.text(data.name) or ''
        return Playlist(ref=ref, title=title, count=coerce.integer(data.child_count))

    def entry(self, data: ItemData) -> Entry | None:
        """An entry of a playlist."""
        track = self.ref(Kind.TRACK, data.id)
        entry_id = coerce.text(data.playlist_item_id)
        if track is None or entry_id is None:
            return None
        title, artist = coerce.text(data.name) or '', coerce.text(data.album_artist)
        return Entry(entry_id=entry_id, track=track, title=title, artist=artist)

    def play(self, data: ItemData) -> PlayEvent | None:
        """The last play of a track."""
        track = self.ref(Kind.TRACK, data.id)
        played_at = coerce.moment((data.user_data or UserData()).last_played_date)
        if track is None or played_at is None:
            return None
        title = coerce.text(data.name) or ''
        precision = PlayPrecision.LAST_PLAY_ONLY
        return PlayEvent(track=track, played_at=played_at, title=title, precision=precision)


def _external(kind: Kind, data: ItemData) -> tuple[ExternalId, ...]:
    ids = data.provider_ids or {}
    found = [coerce.text(ids.get(name)) for name in _MUSICBRAINZ[kind]]
    best = next((value for value in found if value), None)
    return (ExternalId('mbid', best),) if best else ()
