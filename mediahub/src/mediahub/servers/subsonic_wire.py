# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Subsonic's JSON, decoded as far as the engine needs it."""

from __future__ import annotations

import msgspec

from ..engine import coerce
from ..engine.values import (
    Album,
    Artist,
    Entry,
    ExternalId,
    ItemRef,
    Kind,
    PlayEvent,
    Playlist,
    PlayPrecision,
    Track,
)


class Artist3(msgspec.Struct, rename='camel'):
    """An artist (``ArtistID3``)."""

    id: object = None
    name: object = None
    album_count: object = None
    music_brainz_id: object = None


class Genre(msgspec.Struct, gc=False):
    """A genre of an item."""

    name: object = None


class Song(msgspec.Struct, rename='camel'):
    """A track (``Child``)."""

    id: object = None
    title: object = None
    artist: object = None
    artist_id: object = None
    album: object = None
    album_id: object = None
    is_dir: object = None
    track: object = None
    disc_number: object = None
    year: object = None
    duration: object = None
    path: object = None
    size: object = None
    created: object = None
    play_count: object = None
    played: object = None
    music_brainz_id: object = None


class Album3(msgspec.Struct, rename='camel'):
    """An album (``AlbumID3``), with its songs where it was asked for alone."""

    id: object = None
    name: object = None
    artist: object = None
    artist_id: object = None
    song_count: object = None
    year: object = None
    genre: object = None
    genres: list[Genre] = []
    created: object = None
    music_brainz_id: object = None
    song: list[Song] = []


class Index(msgspec.Struct):
    """The artists of one letter."""

    artist: list[Artist3] = []


class Artists(msgspec.Struct):
    """All artists."""

    index: list[Index] = []


class AlbumList(msgspec.Struct):
    """Some albums."""

    album: list[Album3] = []


class SearchResult(msgspec.Struct):
    """Some songs."""

    song: list[Song] = []


class Folder(msgspec.Struct, gc=False):
    """A music folder."""

    id: object = None
    name: object = None


class Folders(msgspec.Struct, rename='camel'):
    """All music folders."""

    music_folder: list[Folder] = []


class PlaylistData(msgspec.Struct, rename='camel'):
    """A playlist, with its entries where it was asked for alone."""

    id: object = None
    name: object = None
    owner: object = None
    song_count: object = None
    readonly: object = None
    entry: list[Song] = []


class Playlists(msgspec.Struct):
    """All playlists that the account sees."""

    playlist: list[PlaylistData] = []


class ScanStatus(msgspec.Struct, rename='camel'):
    """Whether a scan runs."""

    scanning: object = None
    count: object = None
    last_scan: object = None


class User(msgspec.Struct, rename='camel'):
    """What an account may do."""

    username: object = None
    admin_role: object = None


class Extension(msgspec.Struct):
    """Something beyond Subsonic that the server offers."""

    name: object = None


class Problem(msgspec.Struct):
    """Why a call failed."""

    code: object = None
    message: object = None


class Response(msgspec.Struct, rename='camel'):
    """What is in every answer."""

    status: object = None
    version: object = None
    type: object = None
    server_version: object = None
    open_subsonic: object = None
    error: Problem | None = None
    artists: Artists | None = None
    album_list2: AlbumList | None = None
    album: Album3 | None = None
    search_result3: SearchResult | None = None
    music_folders: Folders | None = None
    playlists: Playlists | None = None
    playlist: PlaylistData | None = None
    scan_status: ScanStatus | None = None
    user: User | None = None
    token_info: User | None = None
    open_subsonic_extensions: list[Extension] | None = None


class Document(msgspec.Struct):
    """A whole answer."""

    response: Response = msgspec.field(name='subsonic-response')


class Decoder:
    """Makes values of one server's items; None stands for one without an id."""

    def __init__(self, server: str):
        self._server = server

    def ref(self, kind: Kind, value: object) -> ItemRef | None:
        """A reference to an item."""
        native_id = coerce.text(value)
        return None if native_id is None else ItemRef(self._server, kind, native_id)

    def artist(self, data: Artist3) -> Artist | None:
        """An artist."""
        ref = self.ref(Kind.ARTIST, data.id)
        if ref is None:
            return None
        name = coerce.text(data.name) or ''
        return Artist(
            ref=ref,
            name=name,
            album_count=coerce.integer(data.album_count),
            external_ids=_external(data.music_brainz_id),
        )

    def album(self, data: Album3) -> Album | None:
        """An album."""
        ref = self.ref(Kind.ALBUM, data.id)
        if ref is None:
            return None
        return Album(
            ref=ref,
            title=coerce.text(data.name) or '',
            artist=coerce.text(data.artist),
            artist_ref=self.ref(Kind.ARTIST, data.artist_id),
            year=coerce.year(data.year),
            track_count=coerce.integer(data.song_count),
            genres=coerce.texts([*(genre.name for genre in data.genres), data.genre]),
            added_at=coerce.moment(data.created),
            external_ids=_external(data.music_brainz_id),
        )

    def track(self, data: Song) -> Track | None:
        """A track."""
        ref = self.ref(Kind.TRACK, data.id)
        if ref is None or data.is_dir is True:
            return None
        seconds = coerce.integer(data.duration)
        return Track(
            ref=ref,
            title=coerce.text(data.title) or '',
            artist=coerce.text(data.artist),
            album=coerce.text(data.album),
            artist_ref=self.ref(Kind.ARTIST, data.artist_id),
            album_ref=self.ref(Kind.ALBUM, data.album_id),
            number=coerce.integer(data.track),
            disc=coerce.integer(data.disc_number),
            year=coerce.year(data.year),
            duration_ms=None if seconds is None else coerce.integer(seconds * 1000),
            path=coerce.relative_path(coerce.text(data.path), ('/',)),
            size=coerce.integer(data.size),
            play_count=coerce.integer(data.play_count),
            last_played_at=coerce.moment(data.played),
            added_at=coerce.moment(data.created),
            external_ids=_external(data.music_brainz_id),
        )

    def playlist(self, data: PlaylistData, account: str) -> Playlist | None:
        """A playlist; editable where it is the account's own."""
        ref = self.ref(Kind.PLAYLIST, data.id)
        if ref is None:
            return None
        owner = coerce.text(data.owner)
        return Playlist(
            ref=ref,
            title=coerce.text(data.name) or '',
            count=coerce.integer(data.song_count),
            editable=owner in {None, account} and data.readonly is not True,
        )

    def entry(self, place: int, data: Song) -> Entry | None:
        """An entry; the protocol names it by its place."""
        track = self.ref(Kind.TRACK, data.id)
        if track is None:
            return None
        title = coerce.text(data.title) or ''
        return Entry(
            entry_id=str(place), track=track, title=title, artist=coerce.text(data.artist)
        )

    def play(self, track: Track) -> PlayEvent | None:
        """The last play of a track."""
        if track.last_played_at is None:
            return None
        return PlayEvent(
            track=track.ref,
            played_at=track.last_played_at,
            title=track.title,
            precision=PlayPrecision.LAST_PLAY_ONLY,
        )


def _external(mbid: object) -> tuple[ExternalId, ...]:
    found = coerce.text(mbid)
    return (ExternalId('mbid', found),) if found else ()
