# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Strategic merge held to kubectl, which runs the API server's own code without a server."""

from __future__ import annotations

import json
import pathlib
import shutil
import subprocess
from typing import Any

import pytest

from charmarr_lib.testing.kubernetes import (
    juju_services,
    juju_statefulset,
    kinds,
    strategic,
    trees,
)

_KUBECTL = shutil.which('kubectl')

pytestmark = pytest.mark.skipif(_KUBECTL is None, reason='kubectl is not installed')

_PLEX = juju_statefulset('plex', 'media', 'plex', 'plex:1', storage={'config': '/config'})
_SERVICE = {
    **juju_services('plex', 'media')[0],
    'spec': {
        'selector': {'app': 'plex'},
        'ports': [
            {'name': 'placeholder', 'port': 65535},
            {'name': 'mine', 'port': 80, 'targetPort': 8080},
            {'name': 'other', 'port': 81, 'protocol': 'UDP'},
        ],
    },
}
_OWNED = {
    'apiVersion': 'v1',
    'kind': 'PersistentVolumeClaim',
    'metadata': {
        'name': 'media',
        'finalizers': ['a/one', 'a/two', 'a/three'],
        'ownerReferences': [
            {'apiVersion': 'v1', 'kind': 'Pod', 'name': 'a', 'uid': '1'},
            {'apiVersion': 'v1', 'kind': 'Pod', 'name': 'b', 'uid': '2'},
        ],
        'labels': {'a': '1', 'b': '2'},
    },
    'spec': {'accessModes': ['ReadWriteMany'], 'selector': {'matchLabels': {'x': 'y', 'z': 'w'}}},
}


def _pod(**spec: Any) -> dict[str, Any]:
    return {'spec': {'template': {'spec': spec}}}


def _workload(**fields: Any) -> dict[str, Any]:
    return _pod(containers=[{'name': 'plex', **fields}])


_CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    'nothing': (_PLEX, {}),
    'the object itself': (_PLEX, _PLEX),
    'a field of one container': (_PLEX, _workload(image='plex:2')),
    'a container more': (_PLEX, _pod(containers=[{'name': 'side', 'image': 'side:1'}])),
    'a container first': (
        _PLEX,
        _pod(containers=[{'name': 'side', 'image': 'side:1'}, {'name': 'charm', 'tty': True}]),
    ),
    'containers in another order': (
        _PLEX,
        _pod(containers=[{'name': 'plex', 'tty': True}, {'name': 'charm', 'tty': True}]),
    ),
    'an order without a change': (
        _PLEX,
        _pod(**{'$setElementOrder/containers': [{'name': 'plex'}, {'name': 'charm'}]}),
    ),
    'a change with an order': (
        _PLEX,
        _pod(
            **{
                '$setElementOrder/containers': [{'name': 'side'}, {'name': 'plex'}],
                'containers': [{'name': 'side', 'image': 'side:1'}],
            }
        ),
    ),
    'mounts by path': (
        _PLEX,
        _workload(
            volumeMounts=[
                {'name': 'media', 'mountPath': '/data'},
                {'name': 'other', 'mountPath': '/config'},
            ]
        ),
    ),
    'a variable replaced, one added': (
        _PLEX,
        _workload(env=[{'name': 'PEBBLE', 'value': '/elsewhere'}, {'name': 'TZ', 'value': 'UTC'}]),
    ),
    'an atomic list': (_PLEX, _workload(args=['run'])),
    'a null': (_PLEX, _workload(securityContext=None, readinessProbe={'httpGet': None})),
    'nulls in what is new': (
        _PLEX,
        _pod(
            volumes=[{'name': 'new', 'emptyDir': {'medium': None}}], affinity={'podAffinity': None}
        ),
    ),
    'an item deleted': (
        _PLEX,
        _workload(
            volumeMounts=[
                {'mountPath': '/config', '$patch': 'delete'},
                {'mountPath': '/data', 'name': 'media'},
            ]
        ),
    ),
    'an item deleted that is not there': (
        _PLEX,
        _pod(volumes=[{'name': 'nope', '$patch': 'delete'}]),
    ),
    'a list replaced': (
        _PLEX,
        _workload(env=[{'name': 'ONLY', 'value': '1'}, {'$patch': 'replace'}]),
    ),
    'a map replaced': (
        _PLEX,
        _workload(securityContext={'$patch': 'replace', 'privileged': True}),
    ),
    'a map deleted': (_PLEX, _workload(livenessProbe={'$patch': 'delete'})),
    'a volume that changes its sort': (
        _PLEX,
        _pod(
            volumes=[
                {
                    'name': 'charm-data',
                    '$retainKeys': ['name', 'hostPath'],
                    'hostPath': {'path': '/x'},
                }
            ]
        ),
    ),
    'a node selector': (_PLEX, _pod(nodeSelector={'gpu': 'yes'})),
    'groups and tolerations': (
        _PLEX,
        _pod(securityContext={'supplementalGroups': [44]}, tolerations=[{'key': 'gpu'}]),
    ),
    'ports of a container': (
        _PLEX,
        _workload(ports=[{'containerPort': 1}, {'containerPort': 2, 'name': 'two'}]),
    ),
    'ports of a Service by number': (
        _SERVICE,
        {'spec': {'ports': [{'port': 80, 'targetPort': 9090}, {'port': 82, 'name': 'new'}]}},
    ),
    'a port of a Service deleted': (
        _SERVICE,
        {'spec': {'ports': [{'port': 65535, '$patch': 'delete'}]}},
    ),
    'a set of scalars': (_OWNED, {'metadata': {'finalizers': ['b/new', 'a/two']}}),
    'scalars taken from a set': (
        _OWNED,
        {'metadata': {'$deleteFromPrimitiveList/finalizers': ['a/two', 'a/nope']}},
    ),
    'owners by uid': (
        _OWNED,
        {'metadata': {'ownerReferences': [{'uid': '2', 'controller': True}, {'uid': '3'}]}},
    ),
    'labels': (_OWNED, {'metadata': {'labels': {'a': None, 'c': '3'}}}),
    'a selector': (_OWNED, {'spec': {'selector': {'matchLabels': {'x': None, 'n': '1'}}}}),
}


@pytest.mark.parametrize('name', _CASES)
def test_merges_as_kubectl_does(name: str, tmp_path: pathlib.Path) -> None:
    live, patch = _CASES[name]
    shape = kinds.BY_NAME[live['kind']].shape
    # The server decodes the result into structs, where a null is nothing; kubectl prints it.
    merged = trees.without_nulls(strategic.merge(live, patch, shape))
    assert merged == trees.without_nulls(_by_kubectl(live, patch, tmp_path))


def _by_kubectl(
    live: dict[str, Any], patch: dict[str, Any], folder: pathlib.Path
) -> dict[str, Any]:
    file = folder / 'live.json'
    file.write_text(json.dumps(live), encoding='utf-8')
    options = ['patch', '--local', '--type=strategic', '--output=json', f'--filename={file}']
    done = subprocess.run(  # noqa: S603  # the program is kubectl, the patch is ours
        [str(_KUBECTL), *options, '--patch', json.dumps(patch)],
        capture_output=True,
        check=True,
        text=True,
    )
    return json.loads(done.stdout)
