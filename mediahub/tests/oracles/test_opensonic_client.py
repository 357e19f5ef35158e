# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The Subsonic double, held to py-opensonic: somebody else's client reads what we read."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from typing import Any

import pytest

from mediahub.testing.http import loopback
from mediahub.testing.subsonic import SubsonicDouble

sonic = pytest.importorskip('libopensonic', reason='py-opensonic is not installed')

Connect = Callable[..., contextlib.AbstractContextManager[Any]]


@pytest.fixture
def double() -> SubsonicDouble:
    made = SubsonicDouble()
    made.library.fill(artists=2, albums=2, tracks=3)
    return made


@pytest.fixture
def connect(double: SubsonicDouble) -> Generator[Connect]:
    with loopback(double) as address:
        base, _, port = address.rpartition(':')

        @contextlib.contextmanager
        def connected(**credentials: str) -> Generator[Any]:
            made = sonic.Connection(base, port=int(port), **credentials)
            try:
                yield made
            finally:
                made.cleanup()
                # The client stops its loop and leaves it open.
                made._loop.close()

        yield connected


@pytest.fixture
def client(connect: Connect, double: SubsonicDouble) -> Generator[Any]:
    with connect(username=double.username, password=double.password) as made:
        yield made


def ids(rows: Any) -> list[str]:
    return [row.id for row in rows or ()]


def test_the_client_signs_in_with_a_token(client: Any, double: SubsonicDouble):
    assert client.ping()
    user = client.get_user(double.username)
    assert (user.username, user.admin_role) == (double.username, True)


def test_the_client_signs_in_with_a_key(connect: Connect, double: SubsonicDouble):
    with connect(api_key=double.api_key) as client:
        assert client.token_info().username == double.username
        assert len(client.get_playlists()) == 0


def test_the_client_is_refused_with_wrong_credentials(connect: Connect):
    wrong_password, wrong_key = {'username': 'alice', 'password': 'wrong'}, {'api_key': 'wrong'}

    with (
        connect(**wrong_password) as client,
        pytest.raises(sonic.errors.CredentialError, match='Wrong username'),
    ):
        client.get_artists()
    with connect(**wrong_key) as client, pytest.raises(sonic.errors.SonicError, match='API key'):
        client.get_artists()


def test_the_client_sees_the_extensions(client: Any):
    found = {row.name: row.versions for row in client.get_open_subsonic_extensions()}

    assert found['apiKeyAuthentication'] == [1]


def test_the_client_lists_what_the_double_holds(client: Any, double: SubsonicDouble):
    library = double.library
    artists = [row for index in client.get_artists().index for row in index.artist]
    albums = client.get_album_list2('alphabeticalByName', size=500)

    assert {row.id: row.name for row in artists} == {
        key: row.name for key, row in library.artists.items()
    }
    assert {row.id: row.song_count for row in albums} == dict.fromkeys(library.albums, 3)
    songs = [song for row in albums for song in client.get_album(row.id).song]
    assert {song.id: song.size for song in songs} == {
        key: row.size for key, row in library.tracks.items()
    }


def test_the_client_pages_through_a_search_for_nothing(client: Any, double: SubsonicDouble):
    found: list[str] = []
    for start in range(0, 15, 5):
        page = client.search3('', song_count=5, song_offset=start, artist_count=0, album_count=0)
        found += ids(page.song)

    assert len(found) == 12
    assert set(found) == set(double.library.tracks)


def test_the_client_searches_artists_albums_and_songs(client: Any, double: SubsonicDouble):
    library = double.library
    artist, album = list(library.artists.values())[1], list(library.albums.values())[2]

    assert artist.id in ids(client.search3(artist.name).artist)
    assert album.id in ids(client.search3(album.title).album)
    everything = client.search3('', artist_count=1, album_count=3)
    assert [len(rows) for rows in (everything.artist, everything.album)] == [1, 3]


def test_the_client_edits_playlists_as_we_do(client: Any, double: SubsonicDouble):
    one, two, three, four = list(double.library.tracks)[:4]
    client.create_playlist(name='Mix', song_ids=[one, two, three])
    playlist = client.get_playlists()[0]
    client.update_playlist(playlist.id, song_ids_to_add=[four, one], song_indices_to_remove=[1])

    wanted = [one, three, four, one]
    assert double.playlists[playlist.id].tracks == wanted
    assert ids(client.get_playlist(playlist.id).entry) == wanted
    client.create_playlist(playlist_id=playlist.id, song_ids=[two])
    assert [row.song_count for row in client.get_playlists()] == [1]
    assert double.playlists[playlist.id].tracks == [two]


def test_the_client_is_told_what_is_missing(client: Any):
    with pytest.raises(sonic.errors.DataNotFoundError, match='Playlist not found'):
        client.get_playlist('nothing')


def test_the_client_sees_plays_and_a_scan(client: Any, double: SubsonicDouble):
    track = next(iter(double.library.tracks.values()))
    track.plays, track.last_played = 4, 1_767_000_000
    song = client.get_album(track.album).song[0]
    client.start_scan()

    assert (song.play_count, song.played) == (4, '2025-12-29T09:20:00Z')
    status = client.get_scan_status()
    assert (status.scanning, status.count) == (True, 12)
    double.finish_scan()
    assert not client.get_scan_status().scanning
