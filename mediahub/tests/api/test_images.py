# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Pictures of a living Plex, passed on."""

from __future__ import annotations

import pathlib

import pytest

from mediahub.api.picture_cache import PictureCache
from mediahub.playback import plex_pictures
from mediahub.testing.faults import Fault
from mediahub.testing.plex_living import LivingPlex

from .conftest import MakeHub, Visit

PATH = '/api/v1/images'
JPEG = b'\xff\xd8\xff\xe0' + bytes(1000)


def thumb(plex: LivingPlex) -> str:
    row = next(row for row in plex.shelves.rows.values() if row.title == 'The Long Ferry')
    return f'/library/metadata/{row.id}/thumb/1700000000'


@pytest.mark.anyio
async def test_picture_is_passed_on_and_kept(
    visit: Visit, make_hub: MakeHub, living_plex: LivingPlex
):
    asked = {'path': thumb(living_plex), 'width': 200, 'height': 300}
    async with visit(make_hub(living_plex), token='viewer-token') as client:
        first = await client.get(PATH, params=asked)
        living_plex.faults.add(Fault(status=500))
        again = await client.get(PATH, params=asked)
        known = await client.get(
            PATH, params=asked, headers={'If-None-Match': first.headers['etag']}
        )

    assert first.status_code == 200
    assert first.headers['content-type'] == 'image/jpeg'
    assert first.headers['cache-control'] == 'private, max-age=86400'
    assert first.headers['x-content-type-options'] == 'nosniff'
    assert again.content == first.content
    assert (known.status_code, known.content) == (304, b'')


@pytest.mark.anyio
async def test_picture_of_an_item_that_is_gone_is_not_found(
    visit: Visit, make_hub: MakeHub, living_plex: LivingPlex
):
    async with visit(make_hub(living_plex), token='viewer-token') as client:
        response = await client.get(PATH, params={'path': '/library/metadata/99999/thumb/1'})

    assert (response.status_code, response.json()['error']['code']) == (404, 'NOT_FOUND')


@pytest.mark.anyio
@pytest.mark.parametrize(
    'path',
    [
        'http://169.254.169.254/latest/meta-data',
        '//evil.example/x.jpg',
        '/library/../../etc/passwd',
        '/library/metadata/7/thumb/1?X-Plex-Token=1',
        '/library/metadata/7/thumb/1#x',
        '/library/metadata/7/thumb/1\r\nX: y',
        '/library/metadata/%2e%2e/thumb',
        '/status/sessions',
        '/:/prefs',
        '/photo/:/transcode?url=http://evil.example',
        'library/metadata/7/thumb/1',
        '/library/' + 'a' * 300,
        '',
    ],
)
async def test_only_paths_of_pictures_are_asked_for(visit: Visit, path: str):
    async with visit(token='viewer-token') as client:
        response = await client.get(PATH, params={'path': path})

    assert (response.status_code, response.json()['error']['code']) == (400, 'INVALID_REQUEST')


@pytest.mark.anyio
@pytest.mark.parametrize(
    'fault',
    [
        Fault('/photo.*', body=b'<html>not a picture</html>'),
        Fault('/photo.*', body=JPEG + bytes(plex_pictures.LARGEST)),
        Fault('/photo.*', status=302, headers={'Location': 'http://evil.example/'}),
        Fault('/photo.*', status=500),
        Fault('/photo.*', reset=True),
    ],
)
async def test_what_is_no_picture_is_not_passed_on(
    visit: Visit, make_hub: MakeHub, living_plex: LivingPlex, fault: Fault
):
    living_plex.faults.add(fault)
    async with visit(make_hub(living_plex), token='viewer-token') as client:
        response = await client.get(PATH, params={'path': thumb(living_plex)})

    assert (response.status_code, response.json()['error']['code']) == (502, 'PLEX_ERROR')
    assert living_plex.token not in response.text


@pytest.mark.anyio
async def test_sizes_are_a_few(visit: Visit, make_hub: MakeHub, living_plex: LivingPlex):
    hub = make_hub(living_plex)
    async with visit(hub, token='viewer-token') as client:
        for width in (201, 220, 240):
            await client.get(PATH, params={'path': thumb(living_plex), 'width': width})
        too_large = await client.get(PATH, params={'path': thumb(living_plex), 'width': 99999})

    assert len(list((hub.settings.home / 'pictures').iterdir())) == 1
    assert too_large.status_code == 400


def test_cache_stays_within_its_bounds(tmp_path: pathlib.Path):
    cache = PictureCache(tmp_path / 'pictures', most=5 * len(JPEG))
    for number in range(20):
        cache.put('machine', f'/library/metadata/{number}/thumb', 'box', JPEG)

    sizes = [file.stat().st_size for file in (tmp_path / 'pictures').iterdir()]
    assert sum(sizes) <= 5 * len(JPEG)
    assert cache.get('machine', '/library/metadata/19/thumb', 'box') == JPEG
    assert cache.get('machine', '/library/metadata/0/thumb', 'box') is None


def test_cache_leaves_alone_what_it_did_not_make(tmp_path: pathlib.Path):
    folder = tmp_path / 'pictures'
    folder.mkdir()
    (folder / 'mine.txt').write_bytes(bytes(100_000))
    cache = PictureCache(folder, most=2 * len(JPEG))
    for number in range(5):
        cache.put('machine', f'/{number}', 'box', JPEG)

    assert (folder / 'mine.txt').exists()


def test_cache_that_cannot_write_is_no_error(
    tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture
):
    (tmp_path / 'pictures').write_text('a file where the folder should be')
    cache = PictureCache(tmp_path / 'pictures')

    cache.put('machine', '/path', 'box', JPEG)

    assert cache.get('machine', '/path', 'box') is None
    assert len(caplog.records) == 1


def test_damaged_picture_is_asked_for_again(tmp_path: pathlib.Path):
    cache = PictureCache(tmp_path)
    cache.put('machine', '/path', 'box', JPEG)
    (file,) = tmp_path.iterdir()
    file.write_bytes(b'')

    assert cache.get('machine', '/path', 'box') is None
