# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import datetime
import json
import pathlib
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest

from mediahub import plays
from mediahub.engine import errors, wire
from mediahub.playback import plex_api
from mediahub.playback.plex_api import PlexApi
from mediahub.testing.http import Answer, Asked, answer_json

from .conftest import TOKEN, Paths

pytestmark = pytest.mark.anyio

SPECIFICATION = (
    pathlib.Path(__file__).parents[4] / 'shared' / 'specs' / 'plex-media-server.openapi.json'
)

# The paths that we use, what reads them, and what is found in their example. Bare
# ``/library/sections`` and the like are not in the official description.
READERS: dict[str, tuple[Callable[[PlexApi], Awaitable[Any]], Callable[[Any], object], object]] = {
    '/': (PlexApi.capabilities, lambda found: 'webhooks' in found.owner_features, True),
    '/identity': (PlexApi.identity, lambda found: found.version, '1.40.2.8395-c67dce28e'),
    '/activities': (PlexApi.activities, lambda found: [a.progress for a in found], [7, None]),
    '/playlists': (PlexApi.playlists, lambda found: [p.smart for p in found], [False, True]),
    '/status/sessions': (
        PlexApi.sessions,
        lambda found: [(s.viewer.account_id, s.stream.bandwidth) for s in found],
        [('123456789', 5212)],
    ),
    '/status/sessions/history/all': (
        PlexApi.history,
        lambda found: (found.total, [row.account_id for row in found.rows]),
        (33, ['123456']),
    ),
    '/library/sections/all': (
        PlexApi.sections,
        lambda found: [(s.title, len(s.folders)) for s in found],
        [('Movies', 1), ('TV Shows', 1), ('Music', 2)],
    ),
    '/hubs/continueWatching': (PlexApi.on_deck, len, 0),  # the hubs of the example are empty
    '/library/metadata/{ids}': (
        lambda api: api.metadata('1049'),
        lambda found: (found.item.year, found.item.library, [f.size for f in found.files]),
        (2001, 'Movies', [4208219125]),
    ),
}


def examples() -> list[Any]:
    if not SPECIFICATION.exists():
        reason = f'{SPECIFICATION} is not there'
        return [pytest.param('', None, marks=pytest.mark.skip(reason=reason))]
    document = json.loads(SPECIFICATION.read_text())
    found: list[Any] = []
    for path in READERS:
        content = document['paths'][path]['get']['responses']['200']['content']
        for name, example in content['application/json']['examples'].items():
            found.append(pytest.param(path, example['value'], id=f'{path} {name}'))
    return found


@pytest.mark.parametrize(('path', 'example'), examples())
async def test_reads_every_official_example(api: PlexApi, server: Paths, path: str, example: Any):
    server.put(path.replace('{ids}', '1049'), example)
    read, look, expected = READERS[path]
    assert look(await read(api)) == expected


@pytest.mark.skipif(not SPECIFICATION.exists(), reason='the specification is not there')
async def test_official_paths_are_official():
    document = json.loads(SPECIFICATION.read_text())
    assert {'/status/sessions/terminate', *READERS} <= set(document['paths'])


async def test_the_token_is_in_a_header_and_never_in_a_url(api: PlexApi, server: Paths):
    server.container('/status/sessions', size=0)
    await api.sessions()
    (asked,) = server.asked
    assert asked.headers['x-plex-token'] == TOKEN
    assert TOKEN not in str(asked.query)
    assert TOKEN not in repr(api.address)


async def test_what_is_asked_often_is_not_waited_for_long():
    waits: list[object] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        waits.append(request.extensions['timeout']['read'])
        return httpx2.Response(200, json={'MediaContainer': {'size': 0}})

    async with wire.pool(httpx2.MockTransport(answer)) as pool:
        api = PlexApi(plex_api.Address('den', 'http://h', TOKEN), pool)
        await api.sessions()
        await api.playlists()
    assert waits == [plex_api.SOON, 30.0]


@pytest.mark.parametrize('status', [400, 401, 403, 404, 429, 500, 503])
async def test_no_error_holds_the_token(api: PlexApi, server: Paths, status: int):
    server.put('/status/sessions', f'<p>{TOKEN}</p>'.encode(), status)
    with pytest.raises(errors.MediaServerError) as failure:
        await api.sessions()
    assert 'den' in str(failure.value)
    assert TOKEN not in str(failure.value)
    assert TOKEN not in repr(failure.value)


@pytest.mark.parametrize('number', [7, '7'])
async def test_ids_come_as_number_or_text(api: PlexApi, server: Paths, number: object):
    session = {
        'ratingKey': number,
        'sessionKey': number,
        'librarySectionID': number,
        'viewOffset': number,
        'type': 'movie',
        'User': {'id': number, 'title': 'ann'},
        'Session': {'id': number, 'bandwidth': number},
        'Player': {'state': 'paused', 'local': number == 7, 'machineIdentifier': 'tv'},
    }
    server.container('/status/sessions', size=str(1), Metadata=[session])
    (seen,) = await api.sessions()
    assert (seen.session_id, seen.session_key, seen.offset_ms) == ('7', '7', 7)
    assert (seen.item.rating_key, seen.item.library_id) == ('7', '7')
    assert (seen.viewer.account_id, seen.stream.bandwidth) == ('7', 7)
    assert seen.state is plays.State.PAUSED


@pytest.mark.parametrize(
    'document',
    [
        b'',
        b'<html>maintenance</html>',
        b'[]',
        b'{}',
        b'{"MediaContainer": {}}',
        b'{"MediaContainer": null}',
        b'{"MediaContainer": {"size": 2, "Metadata": [{"ratingKey": "1"}]}}',
        b'{"MediaContainer": {"size": 1}}',
        b'\xff\xfe',
    ],
)
async def test_what_is_no_list_of_sessions_is_an_error_and_not_an_empty_list(
    api: PlexApi, server: Paths, document: bytes
):
    server.put('/status/sessions', document)
    with pytest.raises(errors.MediaServerError):
        await api.sessions()


@pytest.mark.parametrize(
    'document',
    [
        b'{"MediaContainer": {"size": 1, "Metadata": {"ratingKey": "7", "viewOffset": "5"}}}',
        b'{"MediaContainer": [{"size": "1", "Metadata": [{"ratingKey": 7, "viewOffset": 5}]}]}',
        b'{"MediaContainer": {"size": 1, "Metadata": [{"ratingKey": 7, "viewOffset": 5, '
        b'"User": {"title": "\xff"}}]}}',
        b'{"MediaContainer": {"size": 1, "Metadata": [{"ratingKey": 7, "viewOffset": 5}, null]}}',
    ],
)
async def test_a_snapshot_of_another_shape_is_read_as_well(
    api: PlexApi, server: Paths, document: bytes
):
    server.put('/status/sessions', document)
    for _ in range(2):
        (seen,) = await api.sessions()
        assert (seen.item.rating_key, seen.offset_ms) == ('7', 5)


@pytest.mark.parametrize(
    'listed', [b'null', b'7', b'[7, 8]', b'[]', b'""', b'{}', b'[{}]', b'[{ }, [], null]']
)
async def test_what_is_no_session_is_not_counted_as_one(
    api: PlexApi, server: Paths, listed: bytes
):
    server.put('/status/sessions', b'{"MediaContainer": {"size": 0, "Metadata": %s}}' % listed)
    assert await api.sessions() == []
    server.put('/status/sessions', b'{"MediaContainer": {"size": 1, "Metadata": %s}}' % listed)
    with pytest.raises(errors.Incomplete):
        await api.sessions()


async def test_one_odd_session_does_not_cost_the_others(api: PlexApi, server: Paths):
    odd: dict[str, Any] = {'ratingKey': [], 'User': [], 'Media': {'Part': 7}, 'Player': 'x'}
    good = {'ratingKey': '9', 'sessionKey': '2', 'Player': [{'state': 'playing', 'title': 'tv'}]}
    server.container('/status/sessions', size=2, Metadata=[odd, good])
    strange, usual = await api.sessions()
    assert strange.item.rating_key == ''
    assert (usual.item.rating_key, usual.player.title) == ('9', 'tv')


async def test_asks_the_official_path_first_and_remembers_what_the_server_knows(
    api: PlexApi, server: Paths
):
    server.container('/library/onDeck', size=1, Metadata=[{'ratingKey': '5', 'type': 'episode'}])
    assert [shape.item.rating_key for shape in await api.on_deck()] == ['5']
    await api.on_deck()
    official, legacy = '/hubs/continueWatching', '/library/onDeck'
    assert server.paths() == [official, legacy, legacy]
    api.forget()
    hub = {'hubIdentifier': 'home.continue', 'Metadata': [{'ratingKey': '6'}]}
    server.container(official, size=1, Hub=[hub])
    assert [shape.item.rating_key for shape in await api.on_deck()] == ['6']
    assert server.paths()[3:] == [official]


async def test_a_path_that_vanishes_is_looked_for_again(api: PlexApi, server: Paths):
    sections = [{'key': 1, 'title': 'Films', 'Location': [{'path': '/films'}]}]
    server.container('/library/sections/all', size=1, Directory=sections)
    await api.sections()
    del server.answers['/library/sections/all']
    server.container('/library/sections', size=1, Directory=sections)
    (section,) = await api.sections()
    assert (section.key, section.folders) == ('1', ('/films',))


async def test_continue_watching_takes_no_other_hub_of_the_home_page(api: PlexApi, server: Paths):
    hubs = [
        {'hubIdentifier': 'home.continue', 'Metadata': [{'ratingKey': '1'}, {'ratingKey': '2'}]},
        {'hubIdentifier': 'home.ondeck', 'Metadata': [{'ratingKey': '2'}]},
        {'hubIdentifier': 'home.movies.recent', 'Metadata': [{'ratingKey': '3'}]},
    ]
    server.container('/hubs/continueWatching', size=3, Hub=hubs)
    assert [shape.item.rating_key for shape in await api.on_deck()] == ['1', '2']


@pytest.mark.parametrize(
    'key', ['', '.', '..', '../identity', '1/../2', '1%2f2', '1?a=b', '1#', 'é', '1\r\n', 'x' * 65]
)
async def test_a_rating_key_cannot_leave_its_place(api: PlexApi, server: Paths, key: str):
    with pytest.raises(errors.InvalidKey) as failure:
        await api.metadata(key)
    assert server.asked == []
    assert len(str(failure.value)) < 200


@pytest.mark.parametrize('key', ['', '.', '..', 'a/b', '..%2f', 'a b', 'a\0', 'x' * 200])
async def test_a_session_key_cannot_leave_its_place(api: PlexApi, server: Paths, key: str):
    with pytest.raises(errors.InvalidKey):
        await api.cancel_transcode(key)
    with pytest.raises(errors.InvalidKey):
        await api.terminate(key)
    assert server.asked == []


async def test_cancels_a_transcode_by_its_own_key(api: PlexApi, server: Paths):
    server.container('/transcode/sessions/a3d01c51-5480', size=0)
    await api.cancel_transcode('a3d01c51-5480')
    assert [(asked.method, asked.path) for asked in server.asked] == [
        ('DELETE', '/transcode/sessions/a3d01c51-5480')
    ]
    with pytest.raises(errors.NotFound):
        await api.cancel_transcode('gone')


async def test_tells_a_viewer_why_a_session_ends(api: PlexApi, server: Paths):
    server.container('/status/sessions/terminate')
    await api.terminate('abc', 'maintenance at ten')
    (asked,) = server.asked
    assert asked.method == 'POST'
    assert asked.query == (('sessionId', 'abc'), ('reason', 'maintenance at ten'))


async def test_no_item_of_that_key_is_not_found(api: PlexApi, server: Paths):
    server.container('/library/metadata/12', size=0)
    with pytest.raises(errors.NotFound, match='no item 12'):
        await api.metadata('12')


async def test_asks_the_history_from_a_moment_on_oldest_first(api: PlexApi, server: Paths):
    row = {'historyKey': '/status/sessions/history/1', 'ratingKey': 3, 'accountID': 1}
    row |= {'viewedAt': '1700000000', 'deviceID': 4}
    server.container('/status/sessions/history/all', size=1, totalSize=8, Metadata=[row])
    since = datetime.datetime(2023, 11, 14, 22, 0, tzinfo=datetime.UTC)
    page = await api.history(7, since, 100)
    query = dict(server.asked[0].query)
    assert query['viewedAt>'] == '1699999200'
    assert query['sort'] == 'viewedAt:asc'
    assert (query['X-Plex-Container-Start'], query['X-Plex-Container-Size']) == ('7', '100')
    assert page.total == 8
    (found,) = page.rows
    assert (found.account_id, found.device_id, found.item.rating_key) == ('1', '4', '3')
    assert found.viewed_at == datetime.datetime(2023, 11, 14, 22, 13, 20, tzinfo=datetime.UTC)


async def test_reads_all_pages_of_playlists(api: PlexApi, server: Paths):
    def page(asked: Asked) -> Answer:
        late = asked.first('X-Plex-Container-Start') == str(plex_api.PAGE)
        keys = ['late'] if late else [str(number) for number in range(plex_api.PAGE)]
        rows = [{'ratingKey': key} for key in keys]
        return answer_json({'MediaContainer': {'totalSize': 1001, 'Metadata': rows}})

    server.answers['/playlists'] = page
    found = await api.playlists()
    assert (len(found), found[-1].rating_key) == (1001, 'late')


async def test_what_answers_without_an_id_is_no_plex(api: PlexApi, server: Paths):
    server.container('/identity', size=0)
    with pytest.raises(errors.Incompatible, match='check its URL'):
        await api.identity()


async def test_names_accounts_and_devices(api: PlexApi, server: Paths):
    server.container('/accounts', size=1, Account=[{'id': 1, 'name': 'owner', 'thumb': '/t'}])
    device = {'id': 3, 'name': 'TV', 'platform': 'webOS', 'clientIdentifier': 'c', 'createdAt': 9}
    server.container('/devices', size=1, Device=[device])
    (account,) = await api.accounts()
    (found,) = await api.devices()
    assert (account.account_id, account.name) == ('1', 'owner')
    assert (found.device_id, found.name, found.client_id) == ('3', 'TV', 'c')


async def test_lists_transcodes_by_the_key_that_cancels_them(api: PlexApi, server: Paths):
    transcode = {
        'key': '/transcode/sessions/abc',
        'throttled': '0',
        'progress': '12.5',
        'speed': 1.25,
        'videoDecision': 'transcode',
        'audioDecision': 'copy',
        'transcodeHwRequested': '1',
        'transcodeHwDecoding': 'vaapi',
    }
    server.container('/transcode/sessions', size=1, TranscodeSession=[transcode])
    (found,) = await api.transcodes()
    assert (found.key, found.progress, found.throttled, found.hardware) == (
        'abc', 12.5, False, True,
    )  # fmt: skip
    assert (found.video, found.audio) == (plays.Decision.TRANSCODE, plays.Decision.COPY)
