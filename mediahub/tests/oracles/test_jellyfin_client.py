# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The Jellyfin double, held to jellyfin-apiclient-python: somebody else's client reads what we do.

That client asks for items at ``/Users/{id}/Items``, which servers still answer although it is
obsolete, so the double serves it here.
"""

from __future__ import annotations

import pathlib
from collections.abc import Generator
from typing import Any

import pytest

from mediahub.testing.http import loopback
from mediahub.testing.jellyfin import FOLDER, LIBRARY_ID, SERVER_ID, USER_ID, JellyfinDouble

client_module = pytest.importorskip(
    'jellyfin_apiclient_python', reason='jellyfin-apiclient-python is not installed'
)
constants = pytest.importorskip('jellyfin_apiclient_python.constants')
states = pytest.importorskip('jellyfin_apiclient_python.connection_manager').CONNECTION_STATE


@pytest.fixture
def double() -> JellyfinDouble:
    made = JellyfinDouble(obsolete=True)
    made.library.fill(artists=2, albums=2, tracks=3)
    return made


@pytest.fixture
def address(double: JellyfinDouble) -> Generator[str]:
    with loopback(double) as found:
        yield found


def unknown_client() -> Any:
    """A client that has not met any server."""
    made = client_module.JellyfinClient()
    made.config.app('test', '1', 'here', 'device')
    made.config.data['auth.ssl'] = False
    return made


@pytest.fixture
def client(address: str) -> Any:
    """A client that has met the server and not signed in."""
    made = unknown_client()
    found = made.auth.connect_to_address(address)
    assert found['State'] is states.ServerSignIn
    return made


@pytest.fixture
def api(client: Any, address: str, double: JellyfinDouble) -> Any:
    """The calls of a client that has signed in with the password."""
    assert client.auth.login(address, double.username, double.password)
    return client.jellyfin


def ids(found: Any) -> list[str]:
    return [item['Id'] for item in found['Items']]


def test_the_client_signs_in_with_a_password(client: Any, address: str, double: JellyfinDouble):
    client.auth.login(address, double.username, double.password)

    server = client.auth.get_server_info(SERVER_ID)
    assert (server['UserId'], server['AccessToken']) == (USER_ID, double.user_token)
    assert client.jellyfin.get_user()['Name'] == double.username


def test_the_client_is_refused_with_a_wrong_password(client: Any, address: str):
    assert client.auth.login(address, 'alice', 'wrong') == {}


@pytest.mark.usefixtures('api')
def test_the_client_signs_in_with_the_token_that_it_kept(client: Any, double: JellyfinDouble):
    again = unknown_client()
    state = again.authenticate(client.get_credentials(), discover=False)

    assert state['State'] is states.SignedIn
    assert len(ids(again.jellyfin.get_album_artists())) == len(double.library.artists)


def test_the_client_sees_the_server(api: Any):
    info = api.get_system_info_new()

    assert (info['Id'], info['Version']) == (SERVER_ID, '12.1.0')
    assert ids(api.get_views()) == [LIBRARY_ID]


def test_the_client_lists_what_the_double_holds(api: Any, double: JellyfinDouble):
    library = double.library
    albums = api.get_user_items(include_item_types='MusicAlbum', recursive=True)
    tracks = api.get_user_items(include_item_types='Audio', recursive=True)

    assert ids(api.get_album_artists()) == list(library.artists)
    assert set(ids(albums)) == set(library.albums)
    assert set(ids(tracks)) == set(library.tracks)
    first = tracks['Items'][0]
    assert first['MediaSources'][0]['Size'] == library.tracks[first['Id']].size


def test_the_client_walks_from_the_artist_to_the_tracks(api: Any, double: JellyfinDouble):
    artist = list(double.library.artists)[1]
    albums = ids(api.get_artist_albums(artist))
    tracks = api.get_album_tracks(albums[0])

    assert {double.library.albums[album].artist for album in albums} == {artist}
    assert len(albums) == 2
    assert [item['IndexNumber'] for item in tracks['Items']] == [1, 2, 3]
    assert {item['AlbumId'] for item in tracks['Items']} == {albums[0]}


def test_the_client_pages_without_gap_or_repeat(api: Any, double: JellyfinDouble):
    found: list[str] = []
    for start in range(0, 12, 5):
        page = api.get_user_items(
            include_item_types='Audio', recursive=True, start_index=start, limit=5
        )
        assert page['TotalRecordCount'] == 12
        found += ids(page)

    assert len(found) == 12
    assert set(found) == set(double.library.tracks)


def test_the_client_edits_playlists_as_we_do(api: Any, double: JellyfinDouble):
    one, two, three, four = list(double.library.tracks)[:4]
    playlist = api.new_playlist('Mix', [one, two, three], media_type='Audio')['Id']
    api.add_playlist_items(playlist, [four, one])
    entries = api.get_playlist_items(playlist)['Items']
    api.move_playlist_item(playlist, entries[3]['PlaylistItemId'], 0)
    api.remove_playlist_items(playlist, [entries[1]['PlaylistItemId']])

    wanted = [four, one, three, one]
    assert [track for _, track in double.playlists[playlist].entries] == wanted
    assert ids(api.get_playlist_items(playlist)) == wanted
    listed = api.get_playlists()['Items']
    assert [(item['Name'], item['ChildCount']) for item in listed] == [('Mix', 4)]


def test_the_client_writes_an_item_as_we_do(api: Any, double: JellyfinDouble):
    artist = next(iter(double.library.artists))
    api.update_item(artist, {'Genres': ['Jazz'], 'Overview': 'Somebody'})

    row, item = double.library.artists[artist], api.get_item(artist)
    assert (row.genres, row.biography) == (['Jazz'], 'Somebody')
    assert (item['Genres'], item['Overview']) == (['Jazz'], 'Somebody')
    assert item['Tags'] == ['kept']


def test_the_client_sends_pictures_in_base64(
    api: Any, double: JellyfinDouble, tmp_path: pathlib.Path
):
    artist, picture = next(iter(double.library.artists)), b'\xff\xd8\xff\xe0 a picture'
    (tmp_path / 'poster.jpg').write_bytes(picture)
    api.set_item_image(artist, tmp_path / 'poster.jpg', constants.ImageType.PRIMARY)

    assert double.pictures == {artist: picture}
    assert 'Primary' in api.get_item(artist)['ImageTags']


def test_the_client_sees_a_scan(api: Any, double: JellyfinDouble):
    api.refresh_item(LIBRARY_ID)

    music = api.virtual_folders()[0]
    assert (music['ItemId'], music['Locations']) == (LIBRARY_ID, [FOLDER])
    assert music['RefreshStatus'] == 'Active'
    double.finish_scan()
    assert api.virtual_folders()[0]['RefreshStatus'] == 'Idle'
