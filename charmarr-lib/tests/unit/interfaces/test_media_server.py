# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charmarr_lib.interfaces import (
    Malformed,
    MediaServer,
    MediaServerProviderData,
    MediaServerRequirerData,
    RequestManager,
)
from charmarr_lib.testing import relation_for_provider, relation_for_requirer

PLEX = MediaServerProviderData(
    api_url='http://plex.media.svc.cluster.local:32400',
    server=MediaServer.PLEX,
    instance_name='plex',
)
SEERR = MediaServerRequirerData(requester=RequestManager.SEERR, instance_name='overseerr')


def test_publishes_what_older_peers_read_too(provider):
    relation = relation_for_provider('media-server')
    _, out = provider(lambda charm: charm.server.publish_data(PLEX), relation)
    assert json.loads(out.get_relation(relation.id).local_app_data['config']) == {
        'api_url': 'http://plex.media.svc.cluster.local:32400',
        'server': 'plex',
        'instance_name': 'plex',
        'name': 'plex',
    }


def test_requirers_tell_who_they_are(requirer):
    relation = relation_for_requirer('media-server', PLEX)
    _, out = requirer(lambda charm: charm.server.publish_data(SEERR), relation)
    assert json.loads(out.get_relation(relation.id).local_app_data['config']) == {
        'requester': 'seerr',
        'instance_name': 'overseerr',
    }


def test_providers_list_valid_requirers(provider):
    relations = [
        relation_for_provider('media-server', SEERR),
        relation_for_provider('media-server', '{"requester": "unheard-of", "instance_name": "x"}'),
        relation_for_provider('media-server'),
    ]
    requirers, _ = provider(lambda charm: charm.server.get_requirers(), *relations)
    assert requirers == [SEERR]


def test_several_servers_are_listed_by_relation_id(requirer):
    jellyfin = PLEX.model_copy(update={'server': MediaServer.JELLYFIN, 'instance_name': 'jf'})
    relations = [
        relation_for_requirer('media-server', jellyfin, relation_id=9),
        relation_for_requirer('media-server', PLEX, relation_id=4),
    ]
    providers, _ = requirer(lambda charm: charm.server.get_providers(), *relations)
    assert [each.instance_name for each in providers] == ['plex', 'jf']


@pytest.mark.parametrize(('remote', 'ready'), [(PLEX, True), ('{', False), (None, False)])
def test_is_ready_with_at_least_one_server(requirer, remote, ready):
    relation = relation_for_requirer('media-server', remote)
    answer, _ = requirer(lambda charm: charm.server.is_ready(), relation)
    assert answer is ready


def test_a_peer_from_before_other_servers_existed_is_a_plex(requirer):
    text = '{"name": "plex", "api_url": "http://plex.media.svc.cluster.local:32400"}'
    relation = relation_for_requirer('media-server', text)
    providers, _ = requirer(lambda charm: charm.server.get_providers(), relation)
    assert providers == [PLEX]


@pytest.mark.parametrize(
    ('change', 'field'),
    [
        ({'api_url': 'plex:32400'}, 'api_url'),
        ({'api_url': 'http://user:word@plex:32400'}, 'api_url'),
        ({'api_url': 'http://plex:99999'}, 'api_url'),
        ({'api_url': 'http://plex:32400/?X-Plex-Token=a'}, 'api_url'),
        ({'api_url': 'http://plex:32400/ a'}, 'api_url'),
        ({'api_url': 7}, 'api_url'),
        ({'server': 'navidrome'}, 'server'),
        ({'instance_name': ''}, 'instance_name'),
    ],
)
def test_malformed_data_names_the_field(requirer, change, field):
    text = json.dumps({**PLEX.model_dump(mode='json', exclude_none=True), **change})
    relation = relation_for_requirer('media-server', text)
    [answer], _ = requirer(lambda charm: charm.server.read(), relation)
    assert isinstance(answer, Malformed)
    assert answer.field == field


def test_a_url_loses_its_trailing_slash():
    data = PLEX.model_copy()
    assert (
        type(data)
        .model_validate({'api_url': 'http://plex:32400/', 'instance_name': 'plex'})
        .api_url
        == 'http://plex:32400'
    )


def test_changed_is_emitted_for_changed_and_broken(requirer):
    relation = relation_for_requirer('media-server', PLEX)
    for event in (
        requirer.context.on.relation_changed(relation),
        requirer.context.on.relation_broken(relation),
    ):
        requirer(lambda _: None, relation, event=event)
    assert requirer.charm.seen == ['MediaServerChangedEvent'] * 2


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
NAMES = st.sampled_from(['api_url', 'server', 'instance_name', 'name', 'web_url', 'other'])


@given(st.dictionaries(NAMES, JSON) | JSON)
def test_no_content_makes_reading_raise(content):
    from charmarr_lib.interfaces import _databag

    answer = _databag.parse(1, 'plex', json.dumps(content), MediaServerProviderData)
    assert answer.app == 'plex'
    if isinstance(answer, Malformed):
        assert '\n' not in str(answer)
