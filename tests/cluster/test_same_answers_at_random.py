# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Both servers under any sequence of writes by Juju, two charms and an administrator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from charmarr_lib.testing.kubernetes import juju_reapply, juju_statefulset

from . import overlays, wire
from .twins import Twins

Request = Callable[[wire.Api], wire.Answer]


def named(item: dict[str, Any]) -> str:
    return item['name']


LIMITS = st.dictionaries(
    st.sampled_from(['gpu.intel.com/i915', 'nvidia.com/gpu', 'memory']),
    st.sampled_from(['1', '2']),
    max_size=2,
)
MOUNTS = st.lists(
    st.fixed_dictionaries(
        {
            'name': st.sampled_from(['charm-data', 'more', 'plex-config-8e0f1b2c']),
            'mountPath': st.sampled_from(['/data', '/config', '/more']),
        },
        optional={'readOnly': st.booleans()},
    ),
    max_size=2,
    unique_by=lambda mount: mount['mountPath'],
)
ENVIRONMENT = st.lists(
    st.fixed_dictionaries(
        {'name': st.sampled_from(['PEBBLE', 'MORE']), 'value': st.sampled_from(['1', '2'])}
    ),
    max_size=2,
    unique_by=named,
)
VOLUMES = st.lists(
    st.one_of(
        st.fixed_dictionaries(
            {'name': st.sampled_from(['more', 'other']), 'emptyDir': st.just({'sizeLimit': '1Gi'})}
        ),
        st.fixed_dictionaries(
            {'name': st.just('more'), 'hostPath': st.just({'path': '/more', 'type': 'Directory'})}
        ),
    ),
    max_size=2,
    unique_by=named,
)
CONTAINERS = st.fixed_dictionaries(
    {'name': st.sampled_from(['plex', 'plex', 'charm'])},
    optional={
        'env': ENVIRONMENT,
        'image': st.sampled_from(['example/plex:1', 'example/plex:2']),
        'resources': st.fixed_dictionaries({'limits': LIMITS}),
        'securityContext': st.fixed_dictionaries({'privileged': st.booleans()}),
        'volumeMounts': MOUNTS,
    },
)
PODS = st.fixed_dictionaries(
    {},
    optional={
        'containers': st.lists(CONTAINERS, max_size=2, unique_by=named),
        'nodeSelector': st.just({'kubernetes.io/arch': 'arm64'}),
        'securityContext': st.fixed_dictionaries(
            {'supplementalGroups': st.lists(st.sampled_from([44, 109]), max_size=2)}
        ),
        'terminationGracePeriodSeconds': st.sampled_from([30, 60]),
        'volumes': VOLUMES,
    },
)


def applied(pod: dict[str, Any], manager: str, *, force: bool) -> Request:
    forced = {'force': 'true'} if force else {}
    return lambda api: api.apply(overlays.wish(pod), fieldManager=manager, **forced)


def strategic(pod: dict[str, Any]) -> Request:
    return lambda api: api.patch('StatefulSet', 'plex', overlays.wish(pod), wire.STRATEGIC)


def ensured(version: int) -> Request:
    return lambda api: api.patch(
        *('StatefulSet', 'plex', juju_reapply(deployed(api, version)), wire.STRATEGIC),
        fieldManager='juju',
    )


def deployed(api: wire.Api, version: int = 0) -> wire.Manifest:
    return juju_statefulset(
        *('plex', api.namespace, 'plex', 'example/plex:1'),
        storage={'config': '/config'},
        charm_modified_version=version,
    )


REQUESTS = st.one_of(
    st.builds(applied, PODS, st.sampled_from(['one', 'two']), force=st.booleans()),
    st.builds(applied, PODS, st.sampled_from(['one', 'two']), force=st.just(False)),
    st.builds(strategic, PODS),
    st.builds(ensured, st.integers(0, 2)),
)


@settings(
    max_examples=60,
    phases=[Phase.generate, Phase.shrink],
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(requests=st.lists(REQUESTS, min_size=2, max_size=7))
def test_any_sequence_of_writes(twins: Twins, requests: list[Request]):
    for api in (twins.fake, twins.real):
        api.delete('StatefulSet', 'plex')
    both = twins.afresh()
    assert both.ask(lambda api: api.create(deployed(api), fieldManager='juju')).done
    for request in requests:
        both.ask(request)
