# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""How Kubernetes objects are told in a row."""

from typing import Any

import pytest

from rehearsal import report

SET: dict[str, Any] = {
    'kind': 'StatefulSet',
    'metadata': {'name': 'plex', 'namespace': 'media'},
    'spec': {
        'replicas': 1,
        'template': {
            'spec': {
                'volumes': [
                    {'name': 'charm-data', 'emptyDir': {}},
                    {'name': 'media', 'persistentVolumeClaim': {'claimName': 'charmarr-media'}},
                    {'name': 'dri', 'hostPath': {'path': '/dev/dri', 'type': ''}},
                ],
                'containers': [
                    {'name': 'charm', 'volumeMounts': [{'name': 'charm-data', 'mountPath': '/c'}]},
                    {
                        'name': 'plex',
                        'volumeMounts': [
                            {'name': 'media', 'mountPath': '/data'},
                            {'name': 'dri', 'mountPath': '/dev/dri'},
                        ],
                    },
                ],
            }
        },
    },
    'status': {'readyReplicas': 1},
}
CLAIM: dict[str, Any] = {
    'kind': 'PersistentVolumeClaim',
    'metadata': {'name': 'charmarr-media', 'namespace': 'media'},
    'spec': {
        'accessModes': ['ReadWriteMany'],
        'storageClassName': 'standard',
        'resources': {'requests': {'storage': '100Gi'}},
    },
    'status': {'phase': 'Bound'},
}
VOLUME: dict[str, Any] = {
    'kind': 'PersistentVolume',
    'metadata': {'name': 'pv-1'},
    'spec': {
        'accessModes': ['ReadWriteMany'],
        'capacity': {'storage': '100Gi'},
        'claimRef': {'name': 'charmarr-media'},
    },
    'status': {'phase': 'Bound'},
}
SERVICE: dict[str, Any] = {
    'kind': 'Service',
    'metadata': {'name': 'plex', 'namespace': 'media'},
    'spec': {'ports': [{'port': 32400, 'protocol': 'TCP'}, {'port': 1900, 'protocol': 'UDP'}]},
}
POD: dict[str, Any] = {
    'kind': 'Pod',
    'metadata': {'name': 'plex-0', 'namespace': 'media'},
    'spec': {'nodeName': 'node-1', 'containers': []},
    'status': {'phase': 'Running'},
}


@pytest.mark.parametrize(
    ('each', 'state', 'detail'),
    [
        (
            SET,
            '1/1 ready',
            'mounts charmarr-media at /data in plex, node /dev/dri at /dev/dri in plex',
        ),
        (CLAIM, 'Bound', '100Gi ReadWriteMany standard'),
        (VOLUME, 'Bound', '100Gi ReadWriteMany for charmarr-media'),
        (SERVICE, '', '32400/TCP, 1900/UDP'),
        (POD, 'Running', 'on node-1'),
    ],
)
def test_an_object_tells_what_is_notable(each: dict[str, Any], state: str, detail: str):
    assert (report.state(each), report.detail(each)) == (state, detail)


@pytest.mark.parametrize(
    ('status', 'state'),
    [
        ({}, 'Active'),
        ({'conditions': [{'type': 'Complete', 'status': 'True'}]}, 'Complete'),
        ({'conditions': [{'type': 'Failed', 'status': 'False'}]}, 'Active'),
    ],
)
def test_a_job_tells_how_it_ended(status: dict[str, Any], state: str):
    job = {'kind': 'Job', 'metadata': {'name': 'j'}, 'spec': {}, 'status': status}
    assert report.state(job) == state


def test_an_object_without_a_status_is_shown_all_the_same():
    bare = {key: value for key, value in SET.items() if key != 'status'}
    lines = report.kubernetes_table([bare, SERVICE]).splitlines()
    assert lines[0] == 'Kubernetes object  Name  Status     Detail'
    assert lines[1].startswith('StatefulSet        plex  0/1 ready  mounts charmarr-media')
    assert lines[2] == 'Service            plex             32400/TCP, 1900/UDP'
