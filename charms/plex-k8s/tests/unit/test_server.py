# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The client of Plex's API against answers that a server, or something else, may send."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

import plex
from charmarr_lib import http

SPECIFICATION = (
    pathlib.Path(__file__).parents[4].parent / 'shared/specs/plex-media-server.openapi.json'
)
IDENTITY = {'claimed': False, 'machineIdentifier': 'm', 'version': '1.43.1.10611-1e34174b1'}
Answer = Callable[[httpx2.Request], httpx2.Response]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def answering(answer: Answer) -> Any:
    return http.use_transport(httpx2.MockTransport(answer))


def with_json(body: Any) -> Any:
    return answering(lambda request: httpx2.Response(200, json=body))


@pytest.mark.parametrize(
    ('claimed', 'expected'),
    [
        (True, True),
        (False, False),
        (1, True),
        (0, False),
        ('1', True),
        ('0', False),
        (None, False),
    ],
)
def test_reads_the_claim_in_every_spelling(claimed: Any, expected: bool):
    with with_json({'MediaContainer': {**IDENTITY, 'claimed': claimed}}):
        assert plex.Server().identity().claimed is expected


@pytest.mark.parametrize(
    'body',
    [
        b'',
        b'<MediaContainer claimed="1"/>',
        b'[]',
        b'null',
        b'{}',
        b'{"MediaContainer": []}',
        b'{"MediaContainer": {}}',
        b'{"MediaContainer": {"version": "1"}}',
        b'[' * 100_000,
        b'\xff\xfe',
    ],
)
def test_what_is_no_identity_is_an_error_of_one_line(body: bytes):
    with (
        answering(lambda request: httpx2.Response(200, content=body)),
        pytest.raises(plex.PlexError, match=r'^Plex .*'),
    ):
        plex.Server().identity()


def complaint(ask: Callable[[], Any]) -> str:
    try:
        ask()
    except plex.PlexError as error:
        return str(error)
    return ''


@given(JSON)
def test_no_json_of_any_shape_breaks_the_client(body: Any):
    server = plex.Server()
    for ask in (server.identity, server.libraries, server.sessions):
        for shape in (body, {'MediaContainer': body}, {'MediaContainer': {'Directory': body}}):
            with with_json(shape):
                assert '\n' not in complaint(ask)


@pytest.mark.parametrize(
    'error',
    [
        httpx2.ConnectError('refused'),
        httpx2.ConnectTimeout('slow'),
        httpx2.ReadTimeout('slow'),
        httpx2.ReadError('reset'),
        httpx2.RemoteProtocolError('half an answer'),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_broken_connection_is_a_silent_server(error: Exception):
    def answer(request: httpx2.Request) -> httpx2.Response:
        raise error

    with answering(answer), pytest.raises(plex.SilentError, match=r'^Plex ') as raised:
        plex.Server('own-token').identity()
    assert str(error) not in str(raised.value)


@pytest.mark.parametrize(
    ('code', 'kind'),
    [
        (400, plex.AnswerError),
        (401, plex.DeniedError),
        (403, plex.DeniedError),
        (404, plex.AnswerError),
        (500, plex.AnswerError),
        (503, plex.SilentError),
    ],
)
def test_statuses_are_told_apart(code: int, kind: type[plex.PlexError]):
    with answering(lambda request: httpx2.Response(code)), pytest.raises(kind):
        plex.Server().libraries()


def test_the_token_travels_in_a_header_only():
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200, json={'MediaContainer': {'size': 3}})

    with answering(answer):
        assert plex.Server('own-token').sessions() == 3
    assert seen[0].headers['X-Plex-Token'] == 'own-token'
    assert 'own-token' not in str(seen[0].url)


@pytest.mark.parametrize('missing', [404, 405])
def test_an_older_server_is_asked_in_its_own_words(missing: int):
    asked: list[tuple[str, str]] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append((request.method, request.url.path))
        if request.method == 'POST' or request.url.path.endswith('/all'):
            return httpx2.Response(missing)
        directories = [{'key': '4', 'title': 'Movies'}]
        return httpx2.Response(200, json={'MediaContainer': {'Directory': directories}})

    with answering(answer):
        libraries = plex.Server().libraries()
        plex.Server().scan(libraries[0])
    assert asked == [
        ('GET', '/library/sections/all'),
        ('GET', '/library/sections'),
        ('POST', '/library/sections/4/refresh'),
        ('GET', '/library/sections/4/refresh'),
    ]


@pytest.mark.skipif(not SPECIFICATION.exists(), reason='needs the public API description')
@pytest.mark.parametrize(
    ('path', 'read'),
    [
        ('/identity', lambda: plex.Server().identity()),
        ('/library/sections/all', lambda: plex.Server().libraries()),
        ('/status/sessions', lambda: plex.Server().sessions()),
    ],
)
def test_reads_the_examples_of_the_public_description(path: str, read: Callable[[], Any]):
    operation = json.loads(SPECIFICATION.read_text())['paths'][path]['get']
    examples = operation['responses']['200']['content']['application/json']['examples']
    assert examples
    for example in examples.values():
        with with_json(example['value']):
            assert read()
