# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Plex's JSON, decoded as far as the engine needs it.

Fields are declared as ``object``: PMS sends a rating key as text here and as a number there, and
the official examples disagree with the official schema. :mod:`mediahub.engine.coerce` reads them.

What there are many of is kept from the garbage collector: it holds no cycles, and walking through
a page of items again and again takes longer than decoding it.
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
    Track,
)

TYPES = {Kind.ARTIST: '8', Kind.ALBUM: '9', Kind.TRACK: '10'}


class Part(msgspec.Struct, gc=False):
    """A file."""

    file: object = None
    size: object = None


class Media(msgspec.Struct, rename='pascal', gc=False):
    """A version of an item."""

    part: list[Part] = []


class Tag(msgspec.Struct, gc=False):
    """A genre or the like."""

    tag: object = None


class Guid(msgspec.Struct, gc=False):
    """An id in somebody's catalogue, such as ``mbid://…``."""

    id: object = None


class Metadata(msgspec.Struct, rename='camel', gc=False):
    """An artist, album, track, playlist, playlist entry or play."""

    rating_key: object = None
    type: object = None
    title: object = None
    original_title: object = None
    parent_rating_key: object = None
    parent_title: object = None
    grandparent_rating_key: object = None
    grandparent_title: object = None
    index: object = None
    parent_index: object = None
    year: object = None
    duration: object = None
    leaf_count: object = None
    view_count: object = None
    last_viewed_at: object = None
    viewed_at: object = None
    added_at: object = None
    updated_at: object = None
    library_section_id: object = msgspec.field(default=None, name='librarySectionID')
    account_id: object = msgspec.field(default=None, name='accountID')
    playlist_item_id: object = msgspec.field(default=None, name='playlistItemID')
    playlist_type: object = None
    smart: object = None
    summary: object = None
    thumb: object = None
    media: list[Media] = msgspec.field(default_factory=list[Media], name='Media')
    genres: list[Tag] = msgspec.field(default_factory=list[Tag], name='Genre')
    guids: list[Guid] = msgspec.field(default_factory=list[Guid], name='Guid')


class Location(msgspec.Struct, gc=False):
    """A folder of a section."""

    path: object = None


class Directory(msgspec.Struct, rename='camel'):
    """A library section."""

    key: object = None
    uuid: object = None
    type: object = None
    title: object = None
    refreshing: object = None
    scanned_at: object = None
    content_changed_at: object = None
    locations: list[Location] = msgspec.field(default_factory=list[Location], name='Location')

    @property
    def folders(self) -> list[str]:
        """Its folders as the server sees them."""
        return list(coerce.texts(location.path for location in self.locations))


class Context(msgspec.Struct, gc=False):
    """What an activity is about."""

    library_section_id: object = msgspec.field(default=None, name='librarySectionID')


class Activity(msgspec.Struct):
    """Something that the server does in the background."""

    type: object = None
    progress: object = None
    context: Context = msgspec.field(default_factory=Context, name='Context')


class MediaContainer(msgspec.Struct, rename='camel'):
    """What is around every answer."""

    size: object = None
    total_size: object = None
    machine_identifier: object = None
    version: object = None
    my_plex_username: object = None
    metadata: list[Metadata] = msgspec.field(default_factory=list[Metadata], name='Metadata')
    directories: list[Directory] = msgspec.field(default_factory=list[Directory], name='Directory')
    activities: list[Activity] = msgspec.field(default_factory=list[Activity], name='Activity')


class Document(msgspec.Struct):
    """A whole answer."""

    container: MediaContainer = msgspec.field(name='MediaContainer')


class Decoder:
    """Makes values of one server's items.

    Args:
        server: Name that goes into references.
        folders: Of the sections that are read, to make paths relative.
    """

    def __init__(self, server: str, folders: Iterable[str] = ()):
        self._server = server
        self._folders = tuple(folders)

    def ref(self, kind: Kind, key: object) -> ItemRef | None:
        """A reference to an item; None where the server names none."""
        native_id = coerce.text(key)
        return None if native_id is None else ItemRef(self._server, kind, native_id)

    def item(self, kind: Kind, data: Metadata) -> Item | None:
        """An item of a kind; None where it has no id or is of another kind."""
        ref = self.ref(kind, data.rating_key)
        if ref is None or data.type != kind.value:
            return None
        if kind is Kind.ARTIST:
            return self._artist(ref, data)
        return self._album(ref, data) if kind is Kind.ALBUM else self._track(ref, data)

    def _artist(self, ref: ItemRef, data: Metadata) -> Artist:
        return Artist(
            ref=ref,
            name=coerce.text(data.title) or '',
            genres=coerce.texts(genre.tag for genre in data.genres),
            added_at=coerce.epoch(data.added_at),
            updated_at=coerce.epoch(data.updated_at),
            external_ids=_external(data),
        )

    def _album(self, ref: ItemRef, data: Metadata) -> Album:
        return Album(
            ref=ref,
            title=coerce.text(data.title) or '',
            artist=coerce.text(data.parent_title),
            artist_ref=self.ref(Kind.ARTIST, data.parent_rating_key),
            year=coerce.year(data.year),
            genres=coerce.texts(genre.tag for genre in data.genres),
            added_at=coerce.epoch(data.added_at),
            updated_at=coerce.epoch(data.updated_at),
            external_ids=_external(data),
        )

    def _track(self, ref: ItemRef, data: Metadata) -> Track:
        part = next((part for media in data.media for part in media.part), Part())
        return Track(
            ref=ref,
            title=coerce.text(data.title) or '',
            artist=coerce.text(data.original_title) or coerce.text(data.grandparent_title),
            album=coerce.text(data.parent_title),
            artist_ref=self.ref(Kind.ARTIST, data.grandparent_rating_key),
            album_ref=self.ref(Kind.ALBUM, data.parent_rating_key),
            number=coerce.integer(data.index),
            disc=coerce.integer(data.parent_index),
            year=coerce.year(data.year),
            duration_ms=coerce.integer(data.duration),
            path=coerce.relative_path(coerce.text(part.file), self._folders),
            size=coerce.integer(part.size),
            play_count=coerce.integer(data.view_count) or 0,
            last_played_at=coerce.epoch(data.last_viewed_at),
            added_at=coerce.epoch(data.added_at),
            updated_at=coerce.epoch(data.updated_at),
            external_ids=_external(data),
        )

    def playlist(self, data: Metadata) -> Playlist | None:
        """A playlist; None where it has no id."""
        ref = self.ref(Kind.PLAYLIST, data.rating_key)
        if ref is None or data.type != Kind.PLAYLIST.value:
            return None
        return Playlist(
            ref=ref,
            title=coerce.text(data.title) or '',
            count=coerce.integer(data.leaf_count),
            editable=not flag(data.smart),
        )

    def entry(self, data: Metadata) -> Entry | None:
        """An entry of a playlist; None where it cannot be addressed."""
        track = self.ref(Kind.TRACK, data.rating_key)
        entry_id = coerce.text(data.playlist_item_id)
        if track is None or entry_id is None:
            return None
        return Entry(
            entry_id=entry_id,
            track=track,
            title=coerce.text(data.title) or '',
            artist=coerce.text(data.grandparent_title),
        )

    def play(self, data: Metadata) -> PlayEvent | None:
        """A play; None for one without a time, or of an item that is gone."""
        track = self.ref(Kind.TRACK, data.rating_key)
        played_at = coerce.epoch(data.viewed_at)
        if track is None or played_at is None:
            return None
        return PlayEvent(
            track=track,
            played_at=played_at,
            title=coerce.text(data.title) or '',
            account=coerce.text(data.account_id),
        )


def flag(value: object) -> bool:
    """A yes or no, which Plex writes as ``true``, ``1`` or ``"1"``."""
    return value is True or coerce.integer(value) == 1


def _external(data: Metadata) -> tuple[ExternalId, ...]:
    """Ids in catalogues: ``mbid://x`` is scheme ``mbid``, value ``x``."""
    if not data.guids:
        return ()
    pairs = [guid.partition('://') for guid in coerce.texts(entry.id for entry in data.guids)]
    return tuple(ExternalId(scheme, value) for scheme, sign, value in pairs if sign and value)
