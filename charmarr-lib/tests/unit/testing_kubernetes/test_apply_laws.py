# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Server-side apply as laws: repeating, exchanging and withdrawing what managers want."""

from __future__ import annotations

import datetime
import json
from typing import Any

import httpx2
from hypothesis import given, settings
from hypothesis import strategies as st

from charmarr_lib.testing.kubernetes import (
    JUJU_MANAGER,
    KubernetesFake,
    juju_reapply,
    juju_statefulset,
    trees,
    wire,
)

_PATH = 'https://kubernetes/apis/apps/v1/namespaces/media/statefulsets/plex'
_PLEX = juju_statefulset('plex', 'media', 'plex', 'plex:1')

_names = st.sampled_from(['media', 'transcode', 'cache'])
_claims = st.sampled_from(['x', 'y'])
_law = settings(max_examples=30, deadline=None)


@st.composite
def _wishes(draw: st.DrawFn) -> dict[str, Any]:
    """What a charm may want: volumes mounted in the workload, variables, limits, labels."""
    volumes = draw(st.dictionaries(_names, _claims, max_size=3))
    mounts = [{'name': name, 'mountPath': f'/{name}'} for name in volumes]
    variables = draw(st.dictionaries(st.sampled_from('ABC'), st.sampled_from('12'), max_size=3))
    limits = draw(st.dictionaries(st.sampled_from(['g.pu/a', 'g.pu/b']), st.just('1')))
    labels = draw(st.dictionaries(st.sampled_from('xyz'), st.sampled_from('12')))
    workload: dict[str, Any] = {'name': 'plex'}
    if mounts:
        workload['volumeMounts'] = mounts
    if variables:
        workload['env'] = [{'name': key, 'value': value} for key, value in variables.items()]
    if limits:
        workload['resources'] = {'limits': limits}
    pod: dict[str, Any] = {'containers': [workload]}
    if volumes:
        pod['volumes'] = [
            {'name': name, 'persistentVolumeClaim': {'claimName': claim}}
            for name, claim in volumes.items()
        ]
    template: dict[str, Any] = {'spec': pod}
    if labels:
        template['metadata'] = {'labels': labels}
    return {**_NOTHING, 'spec': {'template': template}}


_NOTHING: dict[str, Any] = {
    'apiVersion': 'apps/v1',
    'kind': 'StatefulSet',
    'metadata': {'name': 'plex', 'namespace': 'media'},
}


class _Cluster:
    def __init__(self) -> None:
        moment = datetime.datetime(2026, 11, 21, tzinfo=datetime.UTC)
        self.fake = KubernetesFake(clock=lambda: moment)
        self.fake.add(_PLEX, manager=JUJU_MANAGER)

    def patch(self, manager: str, body: dict[str, Any], content_type: str, **params: str) -> int:
        request = httpx2.Request(
            'PATCH',
            _PATH,
            params={'fieldManager': manager, **params},
            headers={'content-type': content_type},
            content=json.dumps(body).encode(),
        )
        return self.fake.handle(request).status_code

    def apply(self, manager: str, wish: dict[str, Any], **params: str) -> int:
        return self.patch(manager, wish, wire.APPLY_PATCH, **params)

    def state(self) -> dict[str, Any]:
        found = self.fake.get('StatefulSet', 'plex', 'media')
        assert found is not None
        return found

    def share(self, manager: str) -> Any:
        entries = self.state()['metadata']['managedFields']
        mine = [entry['fieldsV1'] for entry in entries if entry['manager'] == manager]
        return mine[0] if mine else None


def _holds(actual: Any, wanted: Any) -> bool:
    """Whether everything wanted is there, in any order."""
    if trees.is_map(wanted):
        return all(key in actual and _holds(actual[key], wanted[key]) for key in wanted)
    if trees.is_list(wanted):
        return all(any(_holds(item, each) for item in actual) for each in wanted)
    return actual == wanted


@_law
@given(_wishes())
def test_what_is_applied_is_there_and_applying_it_again_changes_nothing(
    wish: dict[str, Any],
) -> None:
    cluster = _Cluster()
    assert cluster.apply('charm', wish) == 200
    first = cluster.state()
    assert _holds(first, wish)
    assert cluster.apply('charm', wish) == 200
    assert cluster.state() == first


@_law
@given(_wishes(), _wishes())
def test_the_last_wish_alone_counts(first: dict[str, Any], second: dict[str, Any]) -> None:
    direct, detour = _Cluster(), _Cluster()
    direct.apply('charm', first)
    for wish in (first, second, first):
        assert detour.apply('charm', wish) == 200
    assert detour.share('charm') == direct.share('charm')
    assert _content(detour.state()) == _content(direct.state())


@_law
@given(_wishes())
def test_withdrawing_a_wish_leaves_no_trace(wish: dict[str, Any]) -> None:
    cluster = _Cluster()
    before = cluster.state()
    cluster.apply('charm', wish)
    assert cluster.apply('charm', _NOTHING) == 200
    assert cluster.share('charm') is None
    assert cluster.state()['spec'] == before['spec']


@_law
@given(_wishes(), _wishes())
def test_managers_do_not_lose_each_others_fields(
    first: dict[str, Any], second: dict[str, Any]
) -> None:
    cluster = _Cluster()
    untouched = cluster.state()['spec']
    cluster.apply('a', first)
    before = cluster.state()
    if cluster.apply('b', second) == 409:
        assert cluster.state() == before
        return
    assert _holds(cluster.state(), first)
    assert _holds(cluster.state(), second)
    cluster.apply('a', _NOTHING)
    assert _holds(cluster.state(), second)
    cluster.apply('b', _NOTHING)
    assert cluster.state()['spec'] == untouched


@_law
@given(_wishes(), _wishes())
def test_force_moves_what_is_contested(first: dict[str, Any], second: dict[str, Any]) -> None:
    cluster = _Cluster()
    cluster.apply('a', first)
    assert cluster.apply('b', second, force='true') == 200
    assert _holds(cluster.state(), second)
    assert cluster.apply('b', second) == 200


@_law
@given(_wishes())
def test_juju_and_a_charm_leave_each_other_alone(wish: dict[str, Any]) -> None:
    cluster = _Cluster()
    cluster.apply('charm', wish)
    before = cluster.state()
    assert cluster.patch(JUJU_MANAGER, juju_reapply(_PLEX), wire.STRATEGIC_PATCH) == 200
    assert cluster.state() == before
    rolled = juju_statefulset('plex', 'media', 'plex', 'plex:2', charm_modified_version=1)
    assert cluster.patch(JUJU_MANAGER, juju_reapply(rolled), wire.STRATEGIC_PATCH) == 200
    assert _holds(cluster.state(), wish)
    assert cluster.share('charm') == _share_in(before, 'charm')


def _share_in(obj: dict[str, Any], manager: str) -> Any:
    entries = obj['metadata']['managedFields']
    return next((entry['fieldsV1'] for entry in entries if entry['manager'] == manager), None)


def _content(value: Any) -> Any:
    """A spec whose lists are in one order, as their order may tell of the detour."""
    if trees.is_map(value):
        return {key: _content(item) for key, item in value.items() if key != 'metadata'}
    if trees.is_list(value):
        return sorted((_content(item) for item in value), key=json.dumps)
    return value
