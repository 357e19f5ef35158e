# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Whatever an operator changes, in whatever order: what runs keeps running."""

from collections.abc import Callable
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from charmarr_lib import kubernetes

SIZES = st.integers(1, 4096).map(lambda number: f'{number}Gi')
NFS = {'backend_type': 'native-nfs', 'nfs_server': 'nas', 'nfs_path': '/media'}
STARTS: dict[str, dict[str, Any]] = {
    'storage-class': {'backend_type': 'storage-class'},
    'native-nfs': NFS,
    'hostpath': {'backend_type': 'hostpath', 'hostpath': '/srv/media'},
}

CHANGES = st.one_of(
    SIZES.map(lambda size: {'size': size}),
    st.sampled_from(
        [
            {'backend_type': 'storage-class'},
            {'backend_type': 'hostpath', 'hostpath': '/srv/other'},
            {'backend_type': 'existing-claim', 'claim_name': 'library'},
            NFS,
            {'nfs_server': 'other'},
            {'nfs_path': '/elsewhere'},
            {'hostpath': '/srv/elsewhere'},
            {'hostpath_node': '*'},
            {'storage_class': 'fast'},
            {'storage_class': 'nowhere'},
            {'storage_class': ''},
            {'access_mode': 'ReadWriteOnce'},
            {'access_mode': 'ReadWriteMany'},
            {'size': 'huge'},
            {'nfs_mount_options': 'hard'},
            {'cleanup_on_remove': True},
            {'cleanup_on_remove': False},
            {'create_layout': False},
            {'puid': -1},
        ]
    ),
)
FIXED = ('accessModes', 'storageClassName', 'volumeName', 'volumeMode')
SETTINGS = hypothesis.settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)


def identity(storage: Any) -> list[Any]:
    """What must never change once there is a volume that applications mount."""
    claim = storage.cluster.claim
    volumes = storage.cluster.api.list('PersistentVolume')
    sources = [
        (each['metadata']['uid'], each['spec'].get('nfs'), each['spec'].get('hostPath'))
        for each in volumes
    ]
    return [
        claim['metadata']['uid'],
        [claim['spec'].get(field) for field in FIXED],
        sources,
        storage.published().pvc_name,
    ]


def size(storage: Any) -> Any:
    volumes = storage.cluster.api.list('PersistentVolume')
    if volumes:
        return kubernetes.parse_quantity(volumes[0]['spec']['capacity']['storage'])
    claim = storage.cluster.claim
    return kubernetes.parse_quantity(claim['spec']['resources']['requests']['storage'])


@pytest.mark.parametrize('start', STARTS)
@SETTINGS
@hypothesis.given(changes=st.lists(CHANGES, min_size=1, max_size=6))
def test_no_change_of_options_moves_or_shrinks_what_is_mounted(
    new_storage: Callable[[], Any], start: str, changes: list[dict[str, Any]]
):
    storage = new_storage()
    storage.cluster.add_class('fast')
    storage.cluster.add_claim('library')
    storage.configure(**STARTS[start])
    storage.relate('plex')
    storage.settle()
    before = identity(storage)
    for change in changes:
        had = size(storage)
        storage.configure(**change)
        assert identity(storage) == before
        assert size(storage) >= had
        assert storage.status[1].count('\n') == 0
    deleted = [each for each in storage.cluster.api.writes() if each.verb == 'delete']
    assert {each.kind for each in deleted} <= {'Job'}


@SETTINGS
@hypothesis.given(sizes=st.lists(SIZES, min_size=1, max_size=6))
def test_the_size_is_the_largest_that_was_asked_for(
    new_storage: Callable[[], Any], sizes: list[str]
):
    storage = new_storage()
    storage.settle()
    for wanted in sizes:
        storage.configure(size=wanted)
        is_smaller = kubernetes.parse_quantity(wanted) < size(storage)
        assert (storage.status[0] == 'blocked') is is_smaller
    asked = max(kubernetes.parse_quantity(each) for each in ['100Gi', *sizes])
    assert size(storage) == asked
