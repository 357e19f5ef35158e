# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import json

import ops
import pytest
from ops import testing

from charmarr_lib.interfaces import (
    Absent,
    Malformed,
    MediaStorageProviderData,
    MediaStorageRequirerData,
    Valid,
)
from charmarr_lib.testing import relation_for_provider, relation_for_requirer

OFFER = MediaStorageProviderData(pvc_name='storage-shared', puid=1001, pgid=1002)
PLEX = MediaStorageRequirerData(instance_name='plex-4k')


def config_of(state: testing.State, relation: testing.Relation) -> object:
    text = state.get_relation(relation.id).local_app_data.get('config')
    return None if text is None else json.loads(text)


def test_publishes_the_wire_format_of_the_published_charms(provider):
    relation = relation_for_provider('media-storage')
    _, out = provider(lambda charm: charm.storage.publish_data(OFFER), relation)
    assert config_of(out, relation) == {
        'pvc_name': 'storage-shared',
        'mount_path': '/data',
        'puid': 1001,
        'pgid': 1002,
    }


def test_publishes_to_every_consumer(provider):
    relations = [relation_for_provider('media-storage', remote_app=name) for name in 'ab']
    _, out = provider(lambda charm: charm.storage.publish_data(OFFER), *relations)
    assert [config_of(out, each) for each in relations] == [OFFER.model_dump(mode='json')] * 2


def test_a_follower_publishes_nothing_and_does_not_fail(provider):
    relation = relation_for_provider('media-storage')
    _, out = provider(lambda charm: charm.storage.publish_data(OFFER), relation, leader=False)
    assert config_of(out, relation) is None


def test_a_follower_withdraws_nothing(provider):
    relation = relation_for_provider('media-storage', published=OFFER)
    _, out = provider(lambda charm: charm.storage.clear_data(), relation, leader=False)
    assert config_of(out, relation) is not None


def test_writing_the_same_value_again_writes_nothing(provider, monkeypatch):
    relation = relation_for_provider('media-storage', published=OFFER)
    writes: list[object] = []
    monkeypatch.setattr(ops.RelationDataContent, '__setitem__', lambda *args: writes.append(args))
    provider(lambda charm: charm.storage.publish_data(OFFER), relation)
    assert writes == []


def test_withdraws_what_was_published(provider):
    relation = relation_for_provider('media-storage', published=OFFER)
    _, out = provider(lambda charm: charm.storage.clear_data(), relation)
    assert config_of(out, relation) is None


def test_names_connected_applications_also_those_that_published_nothing(provider):
    relations = [
        relation_for_provider('media-storage', PLEX, remote_app='plex'),
        relation_for_provider('media-storage', remote_app='radarr'),
        relation_for_provider('media-storage', '{', remote_app='broken'),
    ]
    names, _ = provider(lambda charm: charm.storage.get_connected_apps(), *relations)
    assert names == ['broken', 'plex-4k', 'radarr']


def test_lists_requirers_with_valid_data_only(provider):
    relations = [
        relation_for_provider('media-storage', PLEX),
        relation_for_provider('media-storage', '{"instance_name": ""}'),
    ]
    requirers, _ = provider(lambda charm: charm.storage.get_requirers(), *relations)
    assert requirers == [PLEX]


def test_reads_what_the_provider_published(requirer):
    relation = relation_for_requirer('media-storage', OFFER)
    data, _ = requirer(lambda charm: charm.storage.get_provider_data(), relation)
    assert data == OFFER


def test_get_provider_is_another_name_for_get_provider_data(requirer):
    relation = relation_for_requirer('media-storage', OFFER)
    data, _ = requirer(lambda charm: charm.storage.get_provider(), relation)
    assert data == OFFER


def test_an_older_provider_without_ids_and_path_gets_the_defaults(requirer):
    relation = relation_for_requirer('media-storage', '{"pvc_name": "charmarr-shared-media"}')
    data, _ = requirer(lambda charm: charm.storage.get_provider_data(), relation)
    assert (data.mount_path, data.puid, data.pgid) == ('/data', 1000, 1000)


def test_a_newer_provider_may_say_more(requirer):
    text = '{"pvc_name": "a", "tier": {"fast": true}, "mount_path": null}'
    data, _ = requirer(
        lambda charm: charm.storage.get_provider_data(),
        relation_for_requirer('media-storage', text),
    )
    assert data == MediaStorageProviderData(pvc_name='a')


def test_no_relation_is_none(requirer):
    answer, _ = requirer(lambda charm: charm.storage.read())
    assert answer is None


def test_nothing_published_is_absent(requirer):
    relation = relation_for_requirer('media-storage', remote_app='storage')
    answer, _ = requirer(lambda charm: charm.storage.read(), relation)
    assert answer == Absent(relation.id, 'storage')


@pytest.mark.parametrize(
    ('text', 'field'),
    [
        pytest.param('', None, id='empty is Juju for absent'),
        pytest.param('{', 'config', id='truncated'),
        pytest.param('[]', 'config', id='not an object'),
        pytest.param('[' * 100_000, 'config', id='nested without end'),
        pytest.param('{}', 'pvc_name', id='required field missing'),
        pytest.param('{"pvc_name": null}', 'pvc_name', id='required field null'),
        pytest.param('{"pvc_name": "A b"}', 'pvc_name', id='no object name'),
        pytest.param('{"pvc_name": "a", "mount_path": "data"}', 'mount_path', id='relative'),
        pytest.param('{"pvc_name": "a", "mount_path": "/a/../b"}', 'mount_path', id='dot-dot'),
        pytest.param('{"pvc_name": "a", "mount_path": "/"}', 'mount_path', id='root'),
        pytest.param('{"pvc_name": "a", "puid": -1}', 'puid', id='negative id'),
        pytest.param('{"pvc_name": "a", "pgid": "abc"}', 'pgid', id='id is a word'),
    ],
)
def test_malformed_names_the_application_and_the_field(requirer, text, field):
    relation = relation_for_requirer('media-storage', text, remote_app='storage')
    answer, _ = requirer(lambda charm: charm.storage.read(), relation)
    if field is None:
        assert isinstance(answer, Absent | Malformed)
        return
    assert isinstance(answer, Malformed)
    assert (answer.app, answer.field) == ('storage', field)
    warnings = [line.message for line in requirer.context.juju_log if line.level == 'WARNING']
    assert any('storage' in line and field in line for line in warnings)


def test_malformed_does_not_repeat_the_value(requirer):
    relation = relation_for_requirer('media-storage', '{"pvc_name": "Sesame Open"}')
    answer, _ = requirer(lambda charm: charm.storage.read(), relation)
    assert 'Sesame' not in str(answer)
    assert not any('Sesame' in line.message for line in requirer.context.juju_log)


def test_of_several_relations_the_valid_one_counts(requirer):
    relations = [
        relation_for_requirer('media-storage', relation_id=11),
        relation_for_requirer('media-storage', '{', relation_id=12),
        relation_for_requirer('media-storage', OFFER, relation_id=13),
        relation_for_requirer(
            'media-storage', MediaStorageProviderData(pvc_name='later'), relation_id=14
        ),
    ]
    answer, _ = requirer(lambda charm: charm.storage.read(), *relations)
    assert isinstance(answer, Valid)
    assert answer.data == OFFER


def test_malformed_is_told_before_absent(requirer):
    relations = [
        relation_for_requirer('media-storage', relation_id=11),
        relation_for_requirer('media-storage', '{', relation_id=12),
    ]
    answer, _ = requirer(lambda charm: charm.storage.read(), *relations)
    assert isinstance(answer, Malformed)


@pytest.mark.parametrize('leader', [True, False])
def test_is_ready_once_both_sides_have_published(requirer, leader):
    relation = relation_for_requirer('media-storage', OFFER, published=PLEX)
    ready, _ = requirer(lambda charm: charm.storage.is_ready(), relation, leader=leader)
    assert ready is True


def test_is_not_ready_before_our_own_side_has_published(requirer):
    relation = relation_for_requirer('media-storage', OFFER)
    ready, _ = requirer(lambda charm: charm.storage.is_ready(), relation)
    assert ready is False


def test_is_not_ready_without_the_provider(requirer):
    relation = relation_for_requirer('media-storage', published=PLEX)
    ready, _ = requirer(lambda charm: charm.storage.is_ready(), relation)
    assert ready is False


def test_emits_changed_once_for_relation_changed(requirer):
    relation = relation_for_requirer('media-storage', OFFER)
    event = requirer.context.on.relation_changed(relation)
    requirer(lambda _: None, relation, event=event)
    assert requirer.charm.seen == ['MediaStorageChangedEvent']


def test_reads_nothing_in_relation_broken_and_does_not_fail(requirer):
    relation = relation_for_requirer('media-storage', OFFER, published=PLEX)
    event = requirer.context.on.relation_broken(relation)
    answer, _ = requirer(
        lambda charm: (charm.storage.read(), charm.storage.is_ready()), relation, event=event
    )
    assert answer == (None, False)
    assert requirer.charm.seen == ['MediaStorageChangedEvent']


def test_a_provider_publishing_in_relation_broken_does_not_fail(provider):
    relation = relation_for_provider('media-storage', PLEX)
    event = provider.context.on.relation_broken(relation)
    provider(lambda charm: charm.storage.publish_data(OFFER), relation, event=event)


def test_a_refused_read_is_absent(requirer, monkeypatch):
    relation = relation_for_requirer('media-storage', OFFER, remote_app='storage')

    def refuse(*_: object) -> str:
        raise ops.RelationDataAccessError('permission denied')

    monkeypatch.setattr(ops.RelationDataContent, 'get', refuse)
    answer, _ = requirer(lambda charm: charm.storage.read(), relation, leader=False)
    assert answer == Absent(relation.id, 'storage')


def test_a_cross_model_application_is_read_like_any_other(requirer):
    remote = 'remote-' + 'ab' * 16
    relation = relation_for_requirer('media-storage', OFFER, remote_app=remote)
    answer, _ = requirer(lambda charm: charm.storage.read(), relation)
    assert answer == Valid(relation.id, remote, OFFER)


def test_a_provider_knows_what_it_has_published(provider):
    told = relation_for_provider('media-storage', published=OFFER, remote_app='a')
    untold = relation_for_provider('media-storage', remote_app='b')
    found, _ = provider(lambda charm: charm.storage.get_published(), told, untold)
    assert found == [OFFER]


def test_a_follower_does_not_know_what_is_published(provider):
    told = relation_for_provider('media-storage', published=OFFER)
    found, _ = provider(lambda charm: charm.storage.get_published(), told, leader=False)
    assert found == []
