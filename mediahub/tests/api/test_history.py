# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""History as pages, as files and as charts, over the API."""

from __future__ import annotations

import csv
import datetime
import io
import json
from typing import Any

import httpx2
import pytest

from mediahub import plays
from mediahub.api.history_routes import COLUMNS, harmless
from mediahub.api.hub import Hub

from .conftest import MACHINE, Visit

pytestmark = pytest.mark.anyio

MOMENT = datetime.datetime(2026, 1, 17, 20, tzinfo=datetime.UTC)
FORMULA = '=HYPERLINK("http://evil.example")'


def play(number: int) -> plays.Play:
    began = MOMENT + datetime.timedelta(hours=number)
    return plays.Play(
        play_id=plays.play_id(MACHINE, f's{number}', '1', '7', began.timestamp()),
        server=MACHINE,
        session_id=f's{number}',
        started_at=began,
        seen_at=began + datetime.timedelta(minutes=50),
        stopped_at=began + datetime.timedelta(minutes=50),
        offset_ms=3_000_000,
        played_ms=3_000_000,
        item=plays.Item(
            rating_key=str(number % 3),
            media_type=plays.MediaType.MOVIE,
            title=FORMULA if number == 0 else f'Film {number % 3}',
            duration_ms=6_000_000,
            library_id='1',
            library='Films',
        ),
        viewer=plays.Viewer(account_id=str(number % 2 + 1), name=('Zoë', 'Ada')[number % 2]),
        player=plays.Player(client_id='tv', title='TV', platform='tvOS', address='203.0.113.9'),
        stream=plays.Stream(
            decision=(plays.Decision.DIRECT_PLAY, plays.Decision.TRANSCODE)[number % 2]
        ),
    )


@pytest.fixture
def hub(bare_hub: Hub) -> Hub:
    bare_hub.plays.record(
        [
            plays.PlaybackEvent(
                event_id=plays.event_id(found.play_id, plays.Transition.STOPPED, 0),
                transition=plays.Transition.STOPPED,
                at=MOMENT,
                play=found,
            )
            for found in map(play, range(30))
        ]
    )
    return bare_hub


def data(response: httpx2.Response) -> Any:
    assert response.status_code == 200, response.text
    return response.json()['data']


async def test_pages_follow_each_other_and_hold_everything_once(visit: Visit, hub: Hub):
    seen, cursor = list[str](), ''
    async with visit(hub, token='viewer-token') as client:
        while cursor is not None:
            asked = {'limit': 7} | ({'cursor': cursor} if cursor else {})
            page = data(await client.get('/api/v1/history', params=asked))
            assert page['total'] == 30
            seen += [entry['play_id'] for entry in page['plays']]
            cursor = page['next']

    assert seen == [play(number).play_id for number in reversed(range(30))]


async def test_play_is_told_with_how_far_it_went_and_without_its_address(visit: Visit, hub: Hub):
    path = f'/api/v1/history/{play(3).play_id}'
    async with visit(hub, token='viewer-token') as client:
        found = data(await client.get(path))
    async with visit(hub, token='admin-token') as client:
        everything = data(await client.get(path))
        missing = await client.get('/api/v1/history/00000000-0000-4000-8000-000000000000')

    assert (found['percent'], found['item']['title']) == (50, 'Film 0')
    assert found['player']['address'] == ''
    assert everything['player']['address'] == '203.0.113.9'
    assert missing.status_code == 404


@pytest.mark.parametrize(
    ('query', 'count'),
    [
        ({}, 30),
        ({'user': 'zoe'}, 15),
        ({'user': 'ADA'}, 15),
        ({'account': '1'}, 15),
        ({'search': 'film 1'}, 10),
        ({'decision': 'transcode'}, 15),
        ({'media_type': 'episode'}, 0),
        ({'rating_key': '2'}, 10),
        ({'first': '2026-01-18', 'last': '2026-01-18'}, 24),
        ({'start': '2026-01-17T20:00:00Z', 'end': '2026-01-17T22:00:00+00:00'}, 2),
        ({'server': MACHINE}, 30),
        ({'server': 'another'}, 0),
        ({'user': "x' OR 1=1 --"}, 0),
        ({'search': '%'}, 0),
    ],
)
async def test_filters(visit: Visit, hub: Hub, query: dict[str, str], count: int):
    async with visit(hub, token='viewer-token') as client:
        assert data(await client.get('/api/v1/history', params=query))['total'] == count


@pytest.mark.parametrize(
    'query',
    [
        {'limit': '0'},
        {'limit': '1001'},
        {'cursor': 'bm9uc2Vuc2U'},
        {'cursor': '!'},
        {'order': 'password'},
        {'direction': 'sideways'},
        {'first': 'yesterday'},
        {'start': 'now'},
        {'user': 'a\nb'},
        {'media_type': 'book'},
        {'server': ''},
    ],
)
async def test_nonsense_is_refused(visit: Visit, hub: Hub, query: dict[str, str]):
    async with visit(hub, token='viewer-token') as client:
        response = await client.get('/api/v1/history', params=query)

    assert (response.status_code, response.json()['error']['code']) == (400, 'INVALID_REQUEST')


async def test_export_is_a_table_that_no_spreadsheet_runs(visit: Visit, hub: Hub):
    async with visit(hub, token='viewer-token') as client:
        response = await client.get('/api/v1/export', params={'direction': 'asc'})

    assert response.headers['content-type'].startswith('text/csv')
    assert response.headers['content-disposition'] == 'attachment; filename="plays.csv"'
    head, *rows = csv.reader(io.StringIO(response.text))
    assert tuple(head) == COLUMNS
    assert len(rows) == 30
    first = dict(zip(head, rows[0], strict=True))
    assert first['title'] == f"'{FORMULA}"
    assert (first['viewer'], first['percent'], first['address']) == ('Zoë', '50', '')


@pytest.mark.parametrize('text', ['=1', '+1', '-1', '@a', '\t=1', '\r=1'])
def test_formula_is_made_harmless(text: str):
    assert harmless(text) == f"'{text}"
    assert harmless(-1) == -1


async def test_export_in_lines_holds_whole_plays(visit: Visit, hub: Hub):
    async with visit(hub, token='admin-token') as client:
        response = await client.get(
            '/api/v1/export', params={'format': 'jsonl', 'decision': 'transcode'}
        )

    lines = [json.loads(line) for line in response.text.splitlines()]
    assert len(lines) == 15
    assert {line['stream']['decision'] for line in lines} == {'transcode'}


CHARTS = [
    'totals',
    'by-day',
    'by-month',
    'by-weekday',
    'by-hour',
    'by-user',
    'by-library',
    'by-platform',
    'by-player',
    'by-resolution',
    'by-decision',
    'by-media-type',
]


@pytest.mark.parametrize('chart', CHARTS)
async def test_every_chart_counts_every_play_once(visit: Visit, hub: Hub, chart: str):
    async with visit(hub, token='viewer-token') as client:
        found = data(await client.get(f'/api/v1/stats/{chart}', params={'limit': 100}))

    assert sum(row['plays'] for row in found['rows']) == 30
    assert sum(row['played_ms'] for row in found['rows']) == 30 * 3_000_000
    for row in found['rows']:
        if row['parts']:
            assert sum(part.get('plays', 0) for part in row['parts'].values()) == row['plays']


async def test_charts_name_their_rows_and_divide_them(visit: Visit, hub: Hub):
    async with visit(hub, token='viewer-token') as client:
        users = data(await client.get('/api/v1/stats/by-user'))['rows']
        kinds = data(await client.get('/api/v1/stats/by-user', params={'split': 'media_type'}))[
            'rows'
        ]
        peak = data(await client.get('/api/v1/stats/concurrent'))['rows'][0]
        titles = data(await client.get('/api/v1/stats/top-titles'))['rows']
        watched = data(
            await client.get(
                '/api/v1/stats/top-titles', params={'level': 'movie', 'measure': 'viewers'}
            )
        )['rows']

    assert {row['label'] for row in users} == {'Zoë', 'Ada'}
    assert {name for row in users for name in row['parts']} == {'direct play', 'transcode'}
    assert {name for row in kinds for name in row['parts']} == {'movie'}
    assert (peak['key'], peak['streams']) == ('2026-01-17', 1)
    assert [row['plays'] for row in titles] == [10, 10, 9, 1]
    assert titles[0]['detail']['level'] == 'movie'
    assert watched[0]['viewers'] == 2


async def test_rows_tell_only_what_is_there(visit: Visit, hub: Hub):
    async with visit(hub, token='viewer-token') as client:
        days = {'first': '2026-01-16', 'last': '2026-01-17'}
        divided = data(
            await client.get('/api/v1/stats/by-day', params=days | {'split': 'decision'})
        )
        whole = data(await client.get('/api/v1/stats/by-day', params=days | {'split': 'none'}))
        peaks = data(await client.get('/api/v1/stats/concurrent', params=days))

    row: dict[str, object] = {
        'key': '2026-01-16',
        'label': '',
        'server': '',
        'plays': 0,
        'played_ms': 0,
        'streams': None,
        'viewers': None,
        'parts': {},
        'detail': {},
    }
    played = row | {'key': '2026-01-17', 'plays': 4, 'played_ms': 12_000_000}
    halves = {name: {'plays': 2, 'played_ms': 6_000_000} for name in ('direct play', 'transcode')}
    assert divided['rows'] == [row, played | {'parts': halves}]
    assert whole['rows'] == [row, played]
    assert peaks['rows'] == [
        row
        | {
            'key': '2026-01-17',
            'streams': 1,
            'parts': {'direct play': {'streams': 1}, 'transcode': {'streams': 1}},
            'detail': {'moment': '2026-01-17T20:00:00+00:00'},
        }
    ]


async def test_range_is_of_days_in_the_zone_of_the_hub(visit: Visit, hub: Hub):
    async with visit(hub, token='viewer-token') as client:
        one = data(
            await client.get(
                '/api/v1/stats/by-day', params={'first': '2026-01-18', 'last': '2026-01-18'}
            )
        )
        recent = data(await client.get('/api/v1/stats/by-day', params={'days': 7}))

    assert [(row['key'], row['plays']) for row in one['rows']] == [('2026-01-18', 24)]
    assert one['zone'] == 'UTC'
    assert len(recent['rows']) == 7


@pytest.mark.parametrize(
    ('chart', 'query'),
    [
        ('by-day', {'days': '0'}),
        ('by-day', {'days': '7', 'first': '2026-01-01'}),
        ('by-day', {'first': '2026-02-01', 'last': '2026-01-01'}),
        ('by-user', {'measure': 'viewers'}),
        ('by-user', {'limit': '100000'}),
        ('top-titles', {'level': 'book'}),
        ('top-titles', {'level': 'track', 'measure': 'viewers'}),
        ('by-day', {'split': 'everything'}),
    ],
)
async def test_chart_that_cannot_be_drawn_is_refused(
    visit: Visit, hub: Hub, chart: str, query: dict[str, str]
):
    async with visit(hub, token='viewer-token') as client:
        response = await client.get(f'/api/v1/stats/{chart}', params=query)

    assert response.status_code == 400
