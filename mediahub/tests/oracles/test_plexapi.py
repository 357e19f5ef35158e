# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The Plex double, held to python-plexapi: somebody else's client reads what we read."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from mediahub.testing.http import loopback
from mediahub.testing.plex import PlexDouble

server_module = pytest.importorskip('plexapi.server', reason='python-plexapi is not installed')


@pytest.fixture
def double() -> PlexDouble:
    made = PlexDouble()
    made.library.fill(artists=2, albums=2, tracks=3)
    return made


@pytest.fixture
def plex(double: PlexDouble) -> Generator[Any]:
    with loopback(double) as address:
        server = server_module.PlexServer(address, double.token)
        yield server
        server._session.close()


def test_plexapi_sees_the_server(plex: Any, double: PlexDouble):
    assert (plex.machineIdentifier, plex.version) == (double.machine, double.version)


def test_plexapi_lists_what_the_double_holds(plex: Any, double: PlexDouble):
    music = plex.library.section('Music')

    assert [str(item.ratingKey) for item in music.all()] == list(double.library.artists)
    tracks = music.searchTracks()
    assert {str(track.ratingKey) for track in tracks} == set(double.library.tracks)
    assert tracks[0].media[0].parts[0].size == double.library.tracks[str(tracks[0].ratingKey)].size


def test_plexapi_edits_playlists_as_we_do(plex: Any, double: PlexDouble):
    tracks = plex.library.section('Music').searchTracks()
    playlist = plex.createPlaylist('Mix', items=tracks[:3])
    playlist.addItems(tracks[3:4])
    playlist.moveItem(playlist.items()[3])
    playlist.removeItems(tracks[1:2])

    row = next(iter(double.playlists.values()))
    wanted = [tracks[3], tracks[0], tracks[2]]
    assert [track for _, track in row.entries] == [str(track.ratingKey) for track in wanted]


def test_plexapi_edits_genres_and_summary_as_we_do(plex: Any, double: PlexDouble):
    artist = plex.library.section('Music').all()[0]
    artist.addGenre(['Jazz']).reload()
    artist.removeGenre(['Rock']).editSummary('Somebody').reload()

    row = double.library.artists[str(artist.ratingKey)]
    assert (row.genres, row.biography) == (['Jazz'], 'Somebody')
    assert [genre.tag for genre in artist.genres] == ['Jazz']


def test_plexapi_reads_the_history(plex: Any, double: PlexDouble):
    track = next(iter(double.library.tracks))
    double.plays = [(track, 1_767_000_000)]

    assert [str(play.ratingKey) for play in plex.history()] == [track]
