# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import json

import ops
import pytest
from ops import testing

from charmarr_lib import ingress

META = {
    'name': 'plex',
    'requires': {'ingress': {'interface': 'istio_ingress_route', 'limit': 1, 'optional': True}},
}


class Sample(ops.CharmBase):
    url: str | None = None
    withdrawing = False

    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        self.ingress = ingress.IstioIngress(self, port=32400)
        framework.observe(self.on.config_changed, self._publish)
        framework.observe(self.on['ingress'].relation_broken, self._publish)
        framework.observe(self.on.update_status, self._withdraw)

    def _publish(self, _: ops.EventBase):
        self.ingress.publish(80)
        Sample.url = self.ingress.url(80)

    def _withdraw(self, _: ops.EventBase):
        self.ingress.withdraw()


@pytest.fixture
def context():
    with testing.Context(Sample, meta=META) as context:
        yield context


def test_asks_for_the_whole_host(context):
    relation = testing.Relation('ingress')
    state = testing.State(leader=True, relations={relation}, model=testing.Model('media'))
    out = context.run(context.on.config_changed(), state)
    asked = json.loads(out.get_relation(relation.id).local_app_data['config'])
    [route] = asked['http_routes']
    assert asked['listeners'] == [{'port': 80, 'protocol': 'HTTP'}]
    assert asked['model'] == 'media'
    assert route['matches'][0]['path'] == {'type': 'PathPrefix', 'value': '/'}
    [backend] = route['backends']
    assert (backend['service'], backend['port']) == ('plex', 32400)


def test_asks_for_the_same_only_once(context, monkeypatch):
    relation = testing.Relation('ingress')
    state = testing.State(leader=True, relations={relation})
    out = context.run(context.on.config_changed(), state)
    writes: list[object] = []
    monkeypatch.setattr(ops.RelationDataContent, '__setitem__', lambda *each: writes.append(each))
    context.run(context.on.config_changed(), out)
    assert writes == []


def test_a_follower_asks_for_nothing_and_does_not_fail(context):
    relation = testing.Relation('ingress')
    for event in (context.on.config_changed(), context.on.update_status()):
        out = context.run(event, testing.State(leader=False, relations={relation}))
        assert out.get_relation(relation.id).local_app_data == {}


def test_takes_the_request_back(context):
    relation = testing.Relation('ingress')
    state = testing.State(leader=True, relations={relation})
    asked = context.run(context.on.config_changed(), state)
    out = context.run(context.on.update_status(), asked)
    assert out.get_relation(relation.id).local_app_data == {}


def test_without_a_relation_nothing_happens(context):
    context.run(context.on.config_changed(), testing.State(leader=True))
    assert Sample.url is None


def test_a_relation_being_removed_is_left_alone(context):
    relation = testing.Relation('ingress')
    state = testing.State(leader=True, relations={relation})
    context.run(context.on.relation_broken(relation), state)
    assert Sample.url is None


@pytest.mark.parametrize(
    ('said', 'url'),
    [
        ({}, None),
        ({'external_host': 'plex.example.org'}, 'http://plex.example.org'),
        (
            {'external_host': 'plex.example.org', 'tls_enabled': 'True'},
            'https://plex.example.org:80',
        ),
    ],
)
def test_tells_the_url_that_people_use(context, said, url):
    relation = testing.Relation('ingress', remote_app_data=said)
    context.run(context.on.config_changed(), testing.State(leader=True, relations={relation}))
    assert Sample.url == url


@pytest.mark.parametrize(
    'host',
    ['not a host', 'user:secret@example.org', 'example.org:99999', 'http://x', '[::', 'a\n'],
)
def test_what_is_no_host_counts_as_not_said(context, host: str):
    relation = testing.Relation('ingress', remote_app_data={'external_host': host})
    context.run(context.on.config_changed(), testing.State(leader=True, relations={relation}))
    assert Sample.url is None
    logged = [each.message for each in context.juju_log if each.level == 'WARNING']
    assert logged == ['remote published malformed data: external_host']


@pytest.mark.parametrize('host', ['plex', 'plex.example.org', '10.1.2.3', '[2001:db8::1]'])
def test_names_and_addresses_are_hosts(context, host: str):
    relation = testing.Relation('ingress', remote_app_data={'external_host': host})
    context.run(context.on.config_changed(), testing.State(leader=True, relations={relation}))
    assert Sample.url == f'http://{host}'
