# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Doubles and decoders, held to the published descriptions of Plex and OpenSubsonic."""

from __future__ import annotations

import functools
import json
import pathlib
from typing import Any

import msgspec
import pytest

from mediahub.engine.values import Kind
from mediahub.servers.plex_wire import Decoder, Document
from mediahub.testing.http import Asked
from mediahub.testing.plex import PlexDouble
from mediahub.testing.subsonic import SubsonicDouble

# The descriptions are not part of the project; they lie beside it where it is developed.
SPECS = pathlib.Path(__file__).resolve().parents[4] / 'shared' / 'specs'
PLEX = SPECS / 'plex-media-server.openapi.json'
SUBSONIC = SPECS / 'opensubsonic' / 'openapi'

needs_plex = pytest.mark.skipif(not PLEX.exists(), reason=f'{PLEX.name} is not here')
needs_subsonic = pytest.mark.skipif(not SUBSONIC.exists(), reason='no OpenSubsonic schemas here')

READ = (
    '/identity',
    '/activities',
    '/library/sections/all',
    '/library/sections/{sectionId}/all',
    '/library/metadata/{ids}',
    '/playlists',
    '/playlists/{playlistId}',
    '/playlists/{playlistId}/items',
    '/status/sessions/history/all',
)


@functools.cache
def description() -> Any:
    return json.loads(PLEX.read_bytes())


def examples(path: str) -> list[Any]:
    content = description()['paths'][path]['get']['responses']['200']['content']
    found = content['application/json'].get('examples', {})
    return [example['value'] for example in found.values()]


@needs_plex
@pytest.mark.parametrize('path', READ)
def test_decodes_every_official_example(path: str):
    for example in examples(path):
        decoded = msgspec.json.decode(json.dumps(example), type=Document, strict=False)
        for data in decoded.container.metadata:
            Decoder('plex').item(Kind.TRACK, data)


def ask_plex(double: PlexDouble, path: str, **query: str) -> Any:
    headers = {'accept': 'application/json', 'x-plex-token': double.token}
    answer = double(Asked('GET', path, tuple(query.items()), headers))
    return json.loads(answer.content)


@needs_plex
@pytest.mark.parametrize(
    ('template', 'path', 'query'),
    [
        ('/identity', '/identity', {}),
        ('/activities', '/activities', {}),
        ('/library/sections/all', '/library/sections/all', {}),
        ('/library/sections/{sectionId}/all', '/library/sections/3/all', {'type': '8'}),
        ('/library/sections/{sectionId}/all', '/library/sections/3/all', {'type': '9'}),
        ('/library/sections/{sectionId}/all', '/library/sections/3/all', {'type': '10'}),
        ('/playlists', '/playlists', {}),
        ('/status/sessions/history/all', '/status/sessions/history/all', {}),
    ],
)
def test_plex_double_answers_as_described(template: str, path: str, query: dict[str, str]):
    validator = pytest.importorskip('jsonschema').Draft202012Validator
    double = PlexDouble(refreshing=True)
    double.library.fill(artists=1, albums=1, tracks=2)
    double.plays = [(next(iter(double.library.tracks)), 1_767_000_000)]
    content = description()['paths'][template]['get']['responses']['200']['content']
    schema = content['application/json']['schema'] | {'components': description()['components']}

    errors = validator(schema).iter_errors(ask_plex(double, path, **query))

    # The schema takes ids such as mbid://… for numbers; no server sends any.
    assert [error.message for error in errors if 'Guid' not in error.absolute_path] == []


@needs_plex
def test_everything_that_we_ask_of_plex_is_described_or_known_to_be_older():
    described = set(description()['paths'])
    used = {
        '/', '/activities', '/library/sections/all', '/library/sections/{sectionId}/all',
        '/library/sections/{sectionId}/refresh', '/library/metadata/{ids}',
        '/library/metadata/{ids}/{element}', '/playlists', '/playlists/{playlistId}/items',
        '/playlists/{playlistId}/items/{generatorId}',
        '/playlists/{playlistId}/items/{playlistItemId}/move', '/status/sessions/history/all',
    }  # fmt: skip
    assert used <= described


@functools.cache
def registry() -> Any:
    referencing = pytest.importorskip('referencing')
    resources = [
        (path.as_uri(), referencing.Resource.from_contents(
            json.loads(path.read_text('utf-8')),
            default_specification=referencing.jsonschema.DRAFT202012,
        ))
        for path in SUBSONIC.rglob('*.json')
    ]  # fmt: skip
    return referencing.Registry().with_resources(resources)


@needs_subsonic
@pytest.mark.parametrize(
    ('method', 'key', 'schema', 'query'),
    [
        ('getArtists', 'artists', 'ArtistsID3', {}),
        ('getAlbumList2', 'albumList2', 'AlbumList2', {'type': 'newest'}),
        ('getAlbum', 'album', 'AlbumID3WithSongs', {'id': 'al-1'}),
        ('search3', 'searchResult3', 'SearchResult3', {'query': ''}),
        ('getPlaylists', 'playlists', 'Playlists', {}),
        ('getPlaylist', 'playlist', 'PlaylistWithSongs', {'id': 'pl-0'}),
        ('getScanStatus', 'scanStatus', 'ScanStatus', {}),
        ('getUser', 'user', 'User', {'username': 'alice'}),
        ('getMusicFolders', 'musicFolders', 'MusicFolders', {}),
    ],
)
def test_subsonic_double_answers_as_described(
    method: str, key: str, schema: str, query: dict[str, str]
):
    jsonschema = pytest.importorskip('jsonschema')
    double = SubsonicDouble()
    double.library.fill(artists=2, albums=1, tracks=2)
    auth = {'apiKey': double.api_key}
    make = {'name': 'Mix', 'songId': next(iter(double.library.tracks))}
    double(Asked('GET', '/rest/createPlaylist.view', tuple((auth | make).items()), {}))
    answer = double(Asked('GET', f'/rest/{method}.view', tuple((auth | query).items()), {}))
    found = json.loads(answer.content)['subsonic-response']
    assert found['status'] == 'ok'

    reference = {'$ref': (SUBSONIC / 'schemas' / f'{schema}.json').as_uri()}
    validator = jsonschema.Draft202012Validator(reference, registry=registry())
    errors = [error.message for error in validator.iter_errors(found[key])]

    assert errors == []
