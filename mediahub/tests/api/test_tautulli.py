# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Tools that speak to Tautulli are answered as Tautulli answers."""

from __future__ import annotations

import datetime
import importlib
from collections.abc import Generator
from typing import Any

import httpx2
import msgspec
import pytest

from mediahub import plays
from mediahub.api.app import create_app
from mediahub.api.hub import Hub
from mediahub.api.tautulli import words
from mediahub.playback.tautulli import Tautulli
from mediahub.playback.tautulli_import import TautulliImport
from mediahub.store.database import Database
from mediahub.store.history import HistoryQuery
from mediahub.store.plays import Plays
from mediahub.testing.plex_living import LivingPlex
from mediahub.testing.serving import Serving

from .conftest import MACHINE, MakeHub, Visit

PATH = '/api/v2'

# Home Assistant's own client; it has no types.
pytautulli: Any = importlib.import_module('pytautulli')
MOMENT = datetime.datetime(2026, 1, 17, 20, tzinfo=datetime.UTC)


def play(**changed: Any) -> plays.Play:
    known: dict[str, Any] = {
        'play_id': plays.play_id(MACHINE, 'session-1', '1', '7', MOMENT.timestamp()),
        'server': MACHINE,
        'session_id': 'session-1',
        'session_key': '1',
        'started_at': MOMENT,
        'seen_at': MOMENT + datetime.timedelta(minutes=30),
        'offset_ms': 1_800_000,
        'played_ms': 1_740_000,
        'paused_ms': 60_000,
        'item': plays.Item(
            rating_key='7',
            media_type=plays.MediaType.EPISODE,
            title='The Red Lamp',
            grandparent_title='Harbour Street',
            parent_rating_key='6',
            grandparent_rating_key='5',
            index=3,
            parent_index=2,
            year=2016,
            duration_ms=3_600_000,
            library_id='2',
            library='Shows',
            thumb='/library/metadata/7/thumb/1',
        ),
        'viewer': plays.Viewer(account_id='20000001', name='Anna'),
        'player': plays.Player(
            client_id='tv-1', title='Living room', platform='Android', address='203.0.113.9'
        ),
        'stream': plays.Stream(
            decision=plays.Decision.TRANSCODE,
            video=plays.Decision.TRANSCODE,
            audio=plays.Decision.COPY,
            resolution='720',
            source_resolution='4k',
            bandwidth=4000,
            speed=2.5,
        ),
    }
    return plays.Play(**(known | changed))


def record(hub: Hub, *found: plays.Play) -> None:
    hub.plays.record(
        [
            plays.PlaybackEvent(
                event_id=plays.event_id(entry.play_id, plays.Transition.STARTED, 0),
                transition=plays.Transition.STARTED,
                at=MOMENT,
                play=entry,
            )
            for entry in found
        ]
    )


async def ask(client: httpx2.AsyncClient, command: str, **query: Any) -> Any:
    asked = {'apikey': 'admin-token', 'cmd': command} | query
    response = await client.get(PATH, params=asked)
    body = response.json()['response']
    assert (response.status_code, body['result'], body['message']) == (200, 'success', None), body
    return body['data']


@pytest.mark.anyio
async def test_activity_has_the_kinds_of_value_that_tools_expect(visit: Visit, make_hub: MakeHub):
    hub = make_hub()
    record(hub, play())
    async with visit(hub) as client:
        found = await ask(client, 'get_activity')

    (session,) = found.pop('sessions')
    assert found == {
        'stream_count': '1',
        'stream_count_direct_play': 0,
        'stream_count_direct_stream': 0,
        'stream_count_transcode': 1,
        'total_bandwidth': 4000,
        'lan_bandwidth': 4000,
        'wan_bandwidth': 0,
    }
    expected = {
        'full_title': 'Harbour Street - The Red Lamp',
        'friendly_name': 'Anna',
        'user_id': 20000001,
        'media_index': '3',
        'parent_media_index': '2',
        'view_offset': '1800000',
        'duration': '3600000',
        'progress_percent': '50',
        'state': 'playing',
        'video_decision': 'transcode',
        'audio_decision': 'copy',
        'transcode_decision': 'transcode',
        'stream_video_full_resolution': '720p',
        'video_full_resolution': '4k',
        'transcode_speed': '2.5',
        'ip_address': '203.0.113.9',
        'session_id': 'session-1',
    }
    assert {name: session[name] for name in expected} == expected


@pytest.mark.anyio
async def test_viewer_is_shown_no_addresses(visit: Visit, make_hub: MakeHub):
    hub = make_hub()
    record(hub, play())
    async with visit(hub) as client:
        found = await ask(client, 'get_activity', apikey='viewer-token')

    assert found['sessions'][0]['ip_address'] == ''


@pytest.mark.anyio
async def test_one_session_is_picked(visit: Visit, make_hub: MakeHub):
    hub = make_hub()
    record(hub, play())
    async with visit(hub) as client:
        assert (await ask(client, 'get_activity', session_key='1'))['title'] == 'The Red Lamp'
        assert await ask(client, 'get_activity', session_key='2') == {}


@pytest.mark.anyio
@pytest.mark.parametrize(
    ('query', 'status'),
    [
        ({}, 401),
        ({'apikey': 'wrong', 'cmd': 'get_activity'}, 401),
        ({'apikey': 'admin-token'}, 400),
        ({'apikey': 'admin-token', 'cmd': 'delete_all'}, 400),
        ({'apikey': 'admin-token', 'cmd': '__class__'}, 400),
        ({'apikey': 'admin-token', 'cmd': 'get_activity', 'out_type': 'xml'}, 400),
        ({'apikey': 'admin-token', 'cmd': 'get_activity', 'server': 'nowhere'}, 404),
        ({'apikey': 'viewer-token', 'cmd': 'terminate_session', 'session_id': 'x'}, 403),
        ({'apikey': 'admin-token', 'cmd': 'terminate_session', 'session_id': 'x'}, 400),
    ],
)
async def test_what_cannot_be_done_is_an_error_of_tautulli(
    visit: Visit, query: dict[str, str], status: int
):
    async with visit() as client:
        response = await client.get(PATH, params=query)

    body = response.json()['response']
    assert (response.status_code, body['result'], body['data']) == (status, 'error', {})
    assert body['message']


@pytest.mark.anyio
async def test_key_can_be_in_a_header(visit: Visit):
    async with visit() as client:
        response = await client.get(
            PATH, params={'cmd': 'arnold'}, headers={'X-Api-Key': 'viewer-token'}
        )

    assert isinstance(response.json()['response']['data'], str)


@pytest.mark.anyio
async def test_server_users_and_libraries_are_told(
    visit: Visit, make_hub: MakeHub, living_plex: LivingPlex
):
    living_plex.person('Anna')
    async with visit(make_hub(living_plex)) as client:
        info = await ask(client, 'get_server_info')
        assert await ask(client, 'get_servers_info') == [info]
        assert await ask(client, 'server_status') == {'connected': True}
        assert await ask(client, 'get_server_friendly_name') == 'Double'
        assert (await ask(client, 'get_server_identity'))['version'] == living_plex.version
        names = [user['friendly_name'] for user in await ask(client, 'get_user_names')]
        titles = [entry['section_name'] for entry in await ask(client, 'get_library_names')]

    assert info['pms_identifier'] == living_plex.machine
    assert 'Anna' in names
    assert titles == ['Films', 'Shows', 'Music']


def ended(number: int) -> plays.Play:
    began, who = MOMENT + datetime.timedelta(days=number), number % 2
    return play(
        play_id=plays.play_id(MACHINE, f's{number}', '1', '7', began.timestamp()),
        started_at=began,
        seen_at=began + datetime.timedelta(minutes=30),
        stopped_at=began + datetime.timedelta(minutes=30),
        viewer=plays.Viewer(account_id=str(20000001 + who), name=('Anna', 'Ben')[who]),
    )


@pytest.mark.anyio
async def test_history_has_the_kinds_of_value_that_tools_expect(visit: Visit, make_hub: MakeHub):
    hub = make_hub()
    record(hub, *map(ended, range(30)))
    async with visit(hub) as client:
        page = await ask(client, 'get_history', length=10)
        second = await ask(client, 'get_history', length=10, start=10)
        anna = await ask(client, 'get_history', user_id=20000001, order_dir='asc', length=100)

    assert (page['recordsTotal'], page['recordsFiltered'], len(page['data'])) == (30, 30, 10)
    assert page['total_duration'] == '14 hrs 30 mins'
    assert (anna['recordsTotal'], anna['recordsFiltered']) == (30, 15)
    assert anna['filter_duration'] == '7 hrs 15 mins'
    dates = [row['date'] for row in page['data'] + second['data']]
    assert dates == sorted(dates, reverse=True)
    assert len(set(dates)) == 20
    row = anna['data'][0]
    expected = {
        'date': int(MOMENT.timestamp()),
        'stopped': int(MOMENT.timestamp()) + 1800,
        'duration': 1740,
        'paused_counter': 60,
        'percent_complete': 50,
        'watched_status': 0.5,
        'rating_key': 7,
        'parent_rating_key': 6,
        'grandparent_rating_key': 5,
        'media_index': 3,
        'user_id': 20000001,
        'friendly_name': 'Anna',
        'full_title': 'Harbour Street - The Red Lamp',
        'transcode_decision': 'transcode',
        'state': None,
        'session_key': None,
    }
    assert {name: row[name] for name in expected} == expected


@pytest.mark.anyio
async def test_what_plays_comes_first_where_it_is_asked_for(visit: Visit, make_hub: MakeHub):
    hub = make_hub()
    record(hub, play(), ended(1))
    async with visit(hub) as client:
        page = await ask(client, 'get_history', include_activity=1)

    assert [row['state'] for row in page['data']] == ['playing', None]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ('query', 'count'),
    [
        ({'start_date': '2026-01-18'}, 1),
        ({'after': '2026-02-01'}, 15),
        ({'before': '2026-01-20'}, 4),
        ({'media_type': 'movie'}, 0),
        ({'transcode_decision': 'transcode'}, 30),
        ({'rating_key': '5'}, 30),
        ({'section_id': '2'}, 30),
        ({'search': 'harbour'}, 30),
        ({'user': 'ben'}, 15),
    ],
)
async def test_history_is_filtered(
    visit: Visit, make_hub: MakeHub, query: dict[str, str], count: int
):
    hub = make_hub()
    record(hub, *map(ended, range(30)))
    async with visit(hub) as client:
        assert (await ask(client, 'get_history', **query))['recordsFiltered'] == count


@pytest.mark.anyio
async def test_items_and_users_have_their_times(visit: Visit, make_hub: MakeHub):
    hub = make_hub()
    record(hub, *map(ended, range(30)))
    async with visit(hub) as client:
        times = await ask(client, 'get_item_watch_time_stats', rating_key=7, query_days='0')
        users = await ask(client, 'get_item_user_stats', rating_key=5)
        own = await ask(client, 'get_user_watch_time_stats', user_id=20000002, query_days='0,1')

    assert times == [{'query_days': 0, 'total_plays': 30, 'total_time': 30 * 1740}]
    assert {(row['friendly_name'], row['total_plays']) for row in users} == {
        ('Anna', 15),
        ('Ben', 15),
    }
    assert [row['total_plays'] for row in own] == [15, 0]


@pytest.mark.anyio
async def test_front_page_has_its_charts(visit: Visit, make_hub: MakeHub):
    hub = make_hub()
    record(hub, *map(ended, range(30)))
    async with visit(hub) as client:
        found = await ask(client, 'get_home_stats', time_range=0)
        one = await ask(client, 'get_home_stats', stat_id='top_users', time_range=0)

    charts = {chart['stat_id']: chart['rows'] for chart in found}
    assert charts['top_tv'][0]['title'] == 'Harbour Street'
    assert charts['popular_tv'][0]['users_watched'] == 2
    assert {row['user'] for row in charts['top_users']} == {'Anna', 'Ben'}
    assert charts['top_platforms'][0]['platform'] == 'Android'
    assert charts['most_concurrent'][0]['count'] == 1
    assert len(charts['last_watched']) == 5
    assert [chart['stat_id'] for chart in one] == ['top_users']


@pytest.mark.anyio
@pytest.mark.parametrize(
    ('command', 'query'),
    [
        ('get_history', {'length': 'many'}),
        ('get_history', {'length': '-1'}),
        ('get_history', {'start_date': 'yesterday'}),
        ('get_history', {'order_column': '1; DROP TABLE plays'}),
        ('get_history', {'media_type': 'book'}),
        ('get_history', {'start': '٣'}),
        ('get_item_watch_time_stats', {}),
        ('get_item_user_stats', {}),
        ('get_user_watch_time_stats', {}),
        ('get_item_watch_time_stats', {'rating_key': '1', 'query_days': 'all'}),
        ('get_home_stats', {'stats_type': 'money'}),
        ('get_home_stats', {'stat_id': 'top_secrets'}),
        ('get_home_stats', {'stats_count': '0'}),
    ],
)
async def test_nonsense_is_refused(visit: Visit, command: str, query: dict[str, str]):
    async with visit() as client:
        response = await client.get(PATH, params={'apikey': 'admin-token', 'cmd': command} | query)

    body = response.json()['response']
    assert (response.status_code, body['result']) == (400, 'error')


@pytest.fixture
def address(bare_hub: Hub) -> Generator[str]:
    """Of a hub without servers, on a port."""
    with Serving(create_app(bare_hub)) as serving:
        yield serving.url


@pytest.mark.anyio
async def test_home_assistant_reads_it(bare_hub: Hub, address: str):
    record(bare_hub, play(), *map(ended, range(1, 30)))
    where = pytautulli.PyTautulliHostConfiguration(
        api_token='admin-token', url=address, base_api_path=''
    )
    async with pytautulli.PyTautulli(host_configuration=where) as client:
        activity = await client.async_get_activity()
        charts = await client.async_get_home_stats(time_range=0)

    assert (activity.stream_count, activity.stream_count_transcode) == ('1', 1)
    (session,) = activity.sessions
    assert (session.friendly_name, session.full_title) == ('Anna', 'Harbour Street - The Red Lamp')
    top = next(chart for chart in charts if chart.stat_id == 'top_tv')
    assert top.rows[0].title == 'Harbour Street'


@pytest.mark.anyio
async def test_another_hub_imports_from_it(
    visit: Visit, make_hub: MakeHub, living_plex: LivingPlex
):
    hub = make_hub(living_plex)
    (server,) = hub.servers
    async with visit(hub) as client:
        known = [
            msgspec.structs.replace(ended(number), server=server.machine_id)
            for number in range(30)
        ]
        record(hub, *known)
        with Database() as database:
            other = Plays(database)
            tautulli = Tautulli('http://hub.test', 'admin-token', client)
            importing = TautulliImport(tautulli, other, database)
            assert await importing.once()
            assert await importing.once()
            taken = other.history(HistoryQuery(limit=100)).plays

    assert sorted(found.started_at for found in taken) == [found.started_at for found in known]
    assert {found.viewer.name for found in taken} == {'Anna', 'Ben'}
    assert {found.played_ms for found in taken} == {1_740_000}


@pytest.mark.anyio
async def test_home_assistant_is_told_of_a_wrong_key(address: str):
    where = pytautulli.PyTautulliHostConfiguration(
        api_token='wrong', url=address, base_api_path=''
    )
    async with pytautulli.PyTautulli(host_configuration=where) as client:
        with pytest.raises(pytautulli.PyTautulliAuthenticationException):
            await client.async_get_activity()


@pytest.mark.parametrize(
    ('milliseconds', 'text'),
    [(0, '0 mins'), (60_000, '1 min'), (3_660_000, '1 hr 1 min'), (183_600_000, '2 days 3 hrs')],
)
def test_lengths_are_written_as_tautulli_does(milliseconds: int, text: str):
    assert words.length(milliseconds) == text


@pytest.mark.parametrize(
    ('percent', 'share'), [(0, 0), (22, 0.25), (50, 0.5), (84, 0.75), (85, 1)]
)
def test_watched_goes_by_quarters(percent: int, share: float):
    assert words.watched(percent) == share
