# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Tools that speak to Tautulli are answered as Tautulli answers."""

from __future__ import annotations

import datetime
from typing import Any

import httpx2
import pytest

from mediahub import plays
from mediahub.api.hub import Hub
from mediahub.api.tautulli import words
from mediahub.testing.plex_living import LivingPlex

from .conftest import MACHINE, MakeHub, Visit

PATH = '/api/v2'
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
