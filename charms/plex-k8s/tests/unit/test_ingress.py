# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import json
import typing

import pytest
from ops import testing

if typing.TYPE_CHECKING:
    from conftest import Unit


def wanted(unit: Unit) -> dict[str, typing.Any]:
    return json.loads(unit.published('ingress') or '')


def test_asks_for_the_whole_host(running: Unit):
    running.relate_ingress()
    running.run()
    route = wanted(running)['http_routes'][0]
    assert route['matches'][0]['path'] == {'type': 'PathPrefix', 'value': '/'}
    backend = route['backends'][0]
    assert (backend['service'], backend['port']) == ('plex', 32400)
    assert wanted(running)['listeners'][0]['port'] == 80


def test_asks_at_the_port_of_the_option(running: Unit):
    running.relate_ingress()
    running.configure(ingress_port=8080)
    assert wanted(running)['listeners'][0]['port'] == 8080


@pytest.mark.parametrize(
    ('data', 'port', 'url'),
    [
        ({}, 80, 'none'),
        ({'external_host': 'plex.example.org'}, 80, 'http://plex.example.org'),
        ({'external_host': 'plex.example.org'}, 8080, 'http://plex.example.org:8080'),
        (
            {'external_host': 'plex.example.org', 'tls_enabled': 'True'},
            443,
            'https://plex.example.org',
        ),
    ],
    ids=['not said yet', 'default port', 'another port', 'TLS'],
)
def test_shows_the_url_for_people(running: Unit, data: dict[str, str], port: int, url: str):
    running.relate_ingress(**data)
    running.configure(ingress_port=port)
    assert running.act('show-info')['external-url'] == url


def test_tells_request_managers_the_url_for_people(running: Unit):
    running.relate_ingress(external_host='plex.example.org')
    running.run()
    assert json.loads(running.published('media-server') or '')['web_url'] == (
        'http://plex.example.org'
    )


def test_takes_the_url_back_with_the_ingress(running: Unit):
    running.relate_ingress(external_host='plex.example.org')
    running.run()
    running.break_relation('ingress')
    assert 'web_url' not in json.loads(running.published('media-server') or '')
    assert running.status.startswith('active')


def test_does_not_ask_twice(running: Unit):
    running.relate_ingress()
    running.run()
    before = running.relation('ingress').local_app_data
    running.run()
    assert running.relation('ingress').local_app_data == before


def test_a_follower_asks_for_nothing(running: Unit):
    running.scale(2, leader=False)
    running.relate_ingress()
    running.run()
    assert not running.published('ingress')


@pytest.mark.parametrize(
    'data',
    [
        {'external_host': ''},
        {'tls_enabled': 'perhaps'},
        {'external_host': 'not a host'},
        {'external_host': 'user:secret@example.org'},
        {'external_host': 'example.org:99999'},
        {'external_host': 'http://example.org'},
        {'external_host': '[::'},
        {'external_host': 'example.org\n'},
    ],
    ids=lambda data: repr(data),
)
def test_strange_data_of_an_ingress_is_no_error(running: Unit, data: dict[str, str]):
    running.relate_ingress(**data)
    running.run()
    assert running.state.unit_status == testing.ActiveStatus(
        'unclaimed; run: juju run plex/leader claim-server token=(from https://plex.tv/claim)'
    )
    assert 'web_url' not in json.loads(running.published('media-server') or '')
    assert running.act('show-info')['external-url'] == 'none'
