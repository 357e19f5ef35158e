# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The applications that mount the volume."""

import dataclasses
from typing import Any

import ops
import pytest

from charmarr_lib import interfaces
from charmarr_lib.testing import relation_for_provider

ENDPOINT = 'media-storage'
OFFER = interfaces.MediaStorageProviderData(pvc_name='storage-shared')


@pytest.fixture
def ready(storage: Any) -> Any:
    storage.settle()
    return storage


def relate_many(storage: Any, count: int) -> None:
    """Relate applications that know the claim already."""
    relations = {
        relation_for_provider(
            ENDPOINT,
            interfaces.MediaStorageRequirerData(instance_name=f'app-{number:03}'),
            published=OFFER,
            remote_app=f'app-{number:03}',
            relation_id=number,
        )
        for number in range(1, count + 1)
    }
    storage.state = dataclasses.replace(storage.state, relations=relations)


def test_are_named_by_what_they_call_themselves(ready: Any):
    ready.relate('plex')
    ready.relate('overseerr', number=2)
    assert ready.status == ('active', '100Gi for overseerr, plex')


def test_that_have_not_said_their_name_are_unknown(ready: Any):
    ready.relate('plex', known=False)
    assert ready.status == ('active', '100Gi for plex (unknown)')
    assert ready.published() == OFFER


@pytest.mark.parametrize('text', ['', '{', '[]', '{"instance_name": 7}', '{"instance_name": ""}'])
def test_that_publish_nonsense_are_unknown_and_served_all_the_same(ready: Any, text: str):
    relation = relation_for_provider(ENDPOINT, text, remote_app='odd', relation_id=5)
    ready.run(ready.context.on.relation_changed(relation), relations={relation})
    assert ready.status == ('active', '100Gi for odd (unknown)')
    assert ready.published(5) == OFFER


def test_many_are_counted_in_the_status_and_listed_by_the_action(ready: Any):
    relate_many(ready, 12)
    ready.run()
    assert ready.status[1].endswith('app-007, app-008 and 4 more')
    assert 'app-012' in ready.act('show-storage')['consumers']


def test_leaving_takes_nothing_from_the_others(ready: Any):
    ready.relate('plex')
    ready.relate('overseerr', number=2)
    ready.break_relation(2)
    assert ready.published() == OFFER
    assert ready.status == ('active', '100Gi for plex')


def test_a_hundred_of_them_cost_no_more_when_nothing_has_changed(ready: Any):
    relate_many(ready, 100)
    before = {each.id: each.local_app_data for each in ready.state.relations}
    reads, writes = ready.requests()
    after = {each.id: each.local_app_data for each in ready.state.relations}
    assert len(reads) <= 3
    assert writes == []
    assert after == before


def test_a_databag_is_written_only_when_it_differs(ready: Any, monkeypatch: pytest.MonkeyPatch):
    relate_many(ready, 100)
    ready.relate('plex', number=101)
    written: list[str] = []
    set_item = ops.RelationDataContent.__setitem__

    def record(databag: ops.RelationDataContent, key: str, value: str) -> None:
        written.append(key)
        set_item(databag, key, value)

    monkeypatch.setattr(ops.RelationDataContent, '__setitem__', record)
    ready.run()
    assert written == []
    ready.relate('jellyfin', number=102)
    assert written == ['config']


def test_a_follower_writes_to_nobody(ready: Any):
    ready.state = dataclasses.replace(ready.state, leader=False)
    ready.relate('plex')
    assert ready.published() is None
