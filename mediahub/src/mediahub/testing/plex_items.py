# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Artists, albums and tracks as a Plex server shows them."""

from __future__ import annotations

from .library import AlbumRow, ArtistRow, MusicLibrary, TrackRow
from .plex_documents import Node

Row = ArtistRow | AlbumRow | TrackRow

FOLDER = '/data/music'


def item(library: MusicLibrary, row: Row, section: str) -> Node:
    """An artist, album or track of a section, as every listing shows it."""
    common = {
        'ratingKey': row.id,
        'key': f'/library/metadata/{row.id}',
        'librarySectionID': 3,
        'librarySectionTitle': section,
        'addedAt': row.added,
        'updatedAt': row.updated,
    }
    if not isinstance(row, TrackRow) and row.poster:
        common['thumb'] = f'/library/metadata/{row.id}/thumb/{row.updated}'
    if isinstance(row, ArtistRow):
        return common | _artist(row)
    if isinstance(row, AlbumRow):
        return common | _album(library, row)
    return common | _track(library, row)


def _artist(row: ArtistRow) -> Node:
    return {
        'type': 'artist',
        'title': row.name,
        'guid': f'plex://artist/{row.id}',
        'summary': row.biography,
        'Genre': [{'tag': genre} for genre in row.genres],
    }


def _album(library: MusicLibrary, row: AlbumRow) -> Node:
    return {
        'type': 'album',
        'title': row.title,
        'guid': f'plex://album/{row.id}',
        'parentRatingKey': row.artist,
        'parentKey': f'/library/metadata/{row.artist}',
        'parentTitle': library.artists[row.artist].name,
        'year': row.year,
        'leafCount': 0,
    }


def _track(library: MusicLibrary, row: TrackRow) -> Node:
    album, artist = library.albums[row.album], library.artists[row.artist]
    part = {
        'id': int(row.id) + 2,
        'key': f'/library/parts/{row.id}/file.flac',
        'duration': row.duration_ms,
        'file': f'{FOLDER}/{row.path}',
        'size': row.size,
        'container': 'flac',
    }
    media = {'id': int(row.id) + 1, 'duration': row.duration_ms, 'Part': [part]}
    node = {
        'type': 'track',
        'title': row.title,
        'guid': f'plex://track/{row.id}',
        'parentRatingKey': album.id,
        'parentKey': f'/library/metadata/{album.id}',
        'parentTitle': album.title,
        'grandparentRatingKey': artist.id,
        'grandparentKey': f'/library/metadata/{artist.id}',
        'grandparentTitle': artist.name,
        'index': row.number,
        'parentIndex': 1,
        'duration': row.duration_ms,
        'Media': [media],
        'Guid': [{'id': f'mbid://{row.mbid}'}],
    }
    return node | ({'viewCount': row.plays, 'lastViewedAt': row.last_played} if row.plays else {})
