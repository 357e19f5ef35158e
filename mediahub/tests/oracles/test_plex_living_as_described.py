# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The living Plex, held to the published description of Plex."""

from __future__ import annotations

import functools
import json
import pathlib
from typing import Any

import pytest

from mediahub.testing import plex_delivery
from mediahub.testing.clocks import HandClock
from mediahub.testing.http import Asked
from mediahub.testing.plex_living import LivingPlex

# It is not part of the project; it lies beside it, or above it, where it is developed.
PLEX = next(
    (
        path
        for folder in pathlib.Path(__file__).resolve().parents
        if (path := folder / 'shared/specs/plex-media-server.openapi.json').exists()
    ),
    None,
)

pytestmark = pytest.mark.skipif(PLEX is None, reason='the description of Plex is not here')

# The description takes these for numbers, or for texts; servers send the other.
UNTRUE = frozenset({'Guid'})


@functools.cache
def description() -> Any:
    assert PLEX is not None
    return json.loads(PLEX.read_bytes())


def errors(template: str, document: Any) -> list[str]:
    validator = pytest.importorskip('jsonschema').Draft202012Validator
    content = description()['paths'][template]['get']['responses']['200']['content']
    schema = content['application/json']['schema'] | {'components': description()['components']}
    return [
        f'{list(error.absolute_path)}: {error.message}'
        for error in validator(schema).iter_errors(document)
        if UNTRUE.isdisjoint(map(str, error.absolute_path))
    ]


def ask(plex: LivingPlex, path: str, **query: str) -> Any:
    headers = {'accept': 'application/json', 'x-plex-token': plex.token}
    answer = plex(Asked('GET', path, tuple(query.items()), headers))
    assert (answer.status, answer.content_type) == (200, 'application/json')
    return json.loads(answer.content)


@pytest.fixture
def plex() -> LivingPlex:
    """A server with every way to deliver, every kind of item, some history and a scan."""
    clock = HandClock()
    made = LivingPlex(clock).stocked()
    video = [row for row in made.shelves.rows.values() if row.kind in {'movie', 'episode'}]
    ways = [
        plex_delivery.DIRECT, plex_delivery.REMUX, plex_delivery.SOUND, plex_delivery.picture(),
        plex_delivery.picture('sd', burn=True, hardware=False),
    ]  # fmt: skip
    for number, row in enumerate(video):
        made.play(made.owner, made.device(f'TV {number}'), row.id, ways[number % len(ways)])
    tracks = list(made.music.library.tracks)
    made.play(made.person('Anna'), made.device('Phone'), tracks[0], plex_delivery.MUSIC)
    made.play(made.person('Ben'), made.device('Desk'), tracks[1], with_id=False)
    clock.go(100)
    made.stage.sessions[0].stop()
    made.stage.sessions[0].seek(video[1].duration_ms - 1)
    made.stage.sessions[0].stop()
    made.scan('1')
    return made


@pytest.mark.parametrize(
    ('template', 'path', 'query'),
    [
        ('/', '/', {}),
        ('/identity', '/identity', {}),
        ('/activities', '/activities', {}),
        ('/playlists', '/playlists', {}),
        ('/status/sessions', '/status/sessions', {}),
        (
            '/status/sessions/history/all',
            '/status/sessions/history/all',
            {'sort': 'viewedAt:desc'},
        ),
        ('/library/sections/all', '/library/sections/all', {}),
        ('/library/sections/{sectionId}/all', '/library/sections/1/all', {}),
        ('/library/sections/{sectionId}/all', '/library/sections/2/all', {}),
        ('/library/sections/{sectionId}/all', '/library/sections/2/all', {'type': '3'}),
        ('/library/sections/{sectionId}/all', '/library/sections/2/all', {'type': '4'}),
        ('/library/sections/{sectionId}/all', '/library/sections/3/all', {'type': '10'}),
        ('/library/metadata/{ids}', '/library/metadata/1001,1002', {}),
        ('/hubs/continueWatching', '/hubs/continueWatching', {}),
    ],
)
def test_answers_as_described(plex: LivingPlex, template: str, path: str, query: dict[str, str]):
    document = ask(plex, path, **query)

    assert len(document['MediaContainer']) > 1
    assert errors(template, document) == []


def test_a_check_of_an_answer_can_fail(plex: LivingPlex):
    document = ask(plex, '/status/sessions')
    document['MediaContainer']['Metadata'][0]['Session']['bandwidth'] = 'wide'

    assert len(errors('/status/sessions', document)) == 1


def test_sessions_have_what_the_official_example_has(plex: LivingPlex):
    content = description()['paths']['/status/sessions']['get']['responses']['200']['content']
    (example,) = content['application/json']['examples'].values()
    (wanted,) = example['value']['MediaContainer']['Metadata']
    (found,) = [
        session
        for session in ask(plex, '/status/sessions')['MediaContainer']['Metadata']
        if session['Player']['title'] == 'TV 5'
    ]

    for part in ('User', 'Player', 'Session'):
        assert wanted[part].keys() <= found[part].keys()
        assert {name: type(found[part][name]) for name in wanted[part]} == {
            name: type(value) for name, value in wanted[part].items()
        }


def test_what_is_not_described_is_known_to_be_older():
    described = set(description()['paths'])
    older = {
        '/accounts', '/devices', '/library/sections', '/library/onDeck', '/transcode/sessions',
        '/:/websockets/notifications',
    }  # fmt: skip
    newer = {
        '/library/sections/all', '/hubs/continueWatching', '/:/websocket/notifications',
        '/:/eventsource/notifications', '/status/sessions/terminate', '/photo/:/transcode',
    }  # fmt: skip
    assert (older & described, newer - described) == (set(), set())
