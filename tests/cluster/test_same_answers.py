# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The fake answers as the real server does, to the last field: defaults, owners, refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from charmarr_lib.testing.kubernetes import juju_reapply, juju_statefulset, trees

from . import overlays, wire
from .twins import Twins

STRANGER = '00000000-0000-4000-8000-000000000000'
Request = Callable[[wire.Api], wire.Answer]


def claim(name: str = 'shared', **spec: Any) -> dict[str, Any]:
    wanted = {'accessModes': ['ReadWriteMany'], 'resources': {'requests': {'storage': '10Gi'}}}
    return {
        'apiVersion': 'v1',
        'kind': 'PersistentVolumeClaim',
        'metadata': {'name': name},
        'spec': {**wanted, **spec},
    }


def statefulset(api: wire.Api, **changes: Any) -> dict[str, Any]:
    options: dict[str, Any] = {'storage': {'config': '/config'}, **changes}
    return juju_statefulset('plex', api.namespace, 'plex', 'example/plex:1', **options)


def created(api: wire.Api) -> wire.Answer:
    return api.create(statefulset(api), fieldManager='juju')


def applied(wanted: wire.Manifest, **query: str) -> Request:
    return lambda api: api.apply(wanted, **query)


def patched(patch: Any, media_type: str = wire.STRATEGIC) -> Request:
    return lambda api: api.patch('StatefulSet', 'plex', patch, media_type)


def with_workload(**fields: Any) -> wire.Manifest:
    return overlays.wish({'containers': [{'name': 'plex', **fields}]})


def with_volume(**source: Any) -> wire.Manifest:
    return overlays.wish({'volumes': [{'name': 'more', **source}]})


def with_claim(**spec: Any) -> wire.Manifest:
    return claim(**spec)


def identified(obj: wire.Manifest, **metadata: str) -> wire.Manifest:
    return {**obj, 'metadata': {**obj['metadata'], **metadata}}


def replaced(change: Callable[[wire.Manifest], wire.Manifest]) -> Request:
    return lambda api: api.replace(change(api.get('StatefulSet', 'plex').done))


APPLIES: dict[str, list[Request]] = {
    'overlay': [applied(overlays.overlay())],
    'overlay twice': [applied(overlays.overlay()), applied(overlays.overlay())],
    'release': [applied(overlays.overlay()), applied(overlays.wish())],
    'release in part': [applied(overlays.overlay()), applied(overlays.overlay(gpu=False))],
    'nothing': [applied(overlays.wish())],
    'empty spec': [applied(overlays.wish({}))],
    'two managers': [
        applied(overlays.overlay(gpu=False)),
        applied(overlays.overlay(storage=False), fieldManager='gpu'),
        applied(overlays.wish()),
    ],
    'shared fields': [
        applied(overlays.overlay()),
        applied(overlays.overlay(), fieldManager='other'),
        applied(overlays.wish()),
        applied(overlays.wish(), fieldManager='other'),
    ],
    'conflict with juju': [applied(with_workload(image='other'))],
    'two conflicts with juju': [applied(with_workload(image='other', imagePullPolicy='Never'))],
    'conflict with an applier': [
        applied(with_workload(resources={'limits': {'a.b/c': '1'}})),
        applied(with_workload(resources={'limits': {'a.b/c': '2'}}), fieldManager='other'),
    ],
    'conflict in a volume': [
        applied(overlays.overlay()),
        applied(
            overlays.wish(
                {
                    'volumes': [
                        {'name': 'charmarr-shared', 'persistentVolumeClaim': {'claimName': 'x'}}
                    ]
                }
            ),
            fieldManager='other',
        ),
    ],
    'force': [applied(with_workload(image='other'), force='true')],
    'force and give back': [
        applied(with_workload(image='other'), force='true'),
        patched(with_workload(image='example/plex:1')),
        applied(with_workload(image='other')),
    ],
    'same value as juju': [applied(with_workload(image='example/plex:1'))],
    'release of a shared value': [
        applied(with_workload(image='example/plex:1')),
        applied(overlays.wish()),
    ],
    'unknown uid': [applied(identified(overlays.overlay(), uid=STRANGER))],
    'old version': [applied(identified(overlays.overlay(), resourceVersion='1'))],
    'dry run': [applied(overlays.overlay(), dryRun='All')],
    'missing volume': [applied(with_workload(volumeMounts=[{'name': 'no', 'mountPath': '/x'}]))],
    'bad image': [applied(with_workload(image=''), force='true')],
    'groups': [applied(overlays.wish({'securityContext': {'supplementalGroups': [44]}}))],
    'grace period': [applied(overlays.wish({'terminationGracePeriodSeconds': 60}))],
    'host device': [
        applied(
            overlays.wish(
                {
                    'containers': [
                        {
                            'name': 'plex',
                            'securityContext': {'privileged': True},
                            'volumeMounts': [{'name': 'dri', 'mountPath': '/dev/dri'}],
                        }
                    ],
                    'volumes': [{'name': 'dri', 'hostPath': {'path': '/dev/dri'}}],
                }
            )
        ),
        applied(overlays.wish()),
    ],
    'scratch': [applied(with_volume(emptyDir={'sizeLimit': '20480Mi'}))],
    'no volume source': [applied(with_volume())],
    'two volume sources': [
        applied(with_volume(emptyDir={}, hostPath={'path': '/x'})),
    ],
    'claim without a name': [applied(with_volume(persistentVolumeClaim={}))],
    'item without a key': [applied(overlays.wish({'containers': [{'image': 'x'}]}))],
    'item twice': [applied(overlays.wish({'containers': [{'name': 'a'}, {'name': 'a'}]}))],
    'wrong type': [applied(overlays.wish({'containers': 'plex'}))],
    'init container': [applied(overlays.wish({'initContainers': [{'name': 'i', 'image': 'x'}]}))],
    'new container': [applied(overlays.wish({'containers': [{'name': 'c', 'image': 'x:1'}]}))],
    'bad container name': [
        applied(overlays.wish({'containers': [{'name': 'C_C', 'image': 'x:1'}]}))
    ],
    'replicas': [applied({**overlays.wish(), 'spec': {'replicas': 3}})],
    'replicas forced': [applied({**overlays.wish(), 'spec': {'replicas': 3}}, force='true')],
    'selector': [applied({**overlays.wish(), 'spec': {'selector': {'matchLabels': {'a': 'b'}}}})],
    'labels': [
        applied(trees.graft(overlays.wish(), {'example.org/tier': 'media'}, 'metadata', 'labels'))
    ],
    'bad label': [applied(trees.graft(overlays.wish(), {'a': 'b c'}, 'metadata', 'labels'))],
    'environment': [applied(with_workload(env=[{'name': 'A', 'value': '1'}]))],
    'environment of juju': [applied(with_workload(env=[{'name': 'PEBBLE', 'value': '/x'}]))],
    'ports': [applied(with_workload(ports=[{'containerPort': 32400, 'name': 'plex'}]))],
    'ports with a protocol': [
        applied(with_workload(ports=[{'containerPort': 1900, 'protocol': 'UDP'}]))
    ],
    'bad port': [applied(with_workload(ports=[{'containerPort': 70000}]))],
    'quantity': [applied(with_workload(resources={'limits': {'memory': '1024Mi'}}))],
    'bad quantity': [applied(with_workload(resources={'limits': {'memory': 'much'}}))],
    'overcommitted': [
        applied(with_workload(resources={'requests': {'a.b/c': '1'}, 'limits': {'a.b/c': '2'}}))
    ],
    'duplicate mount path': [
        applied(
            with_workload(volumeMounts=[{'name': 'charm-data', 'mountPath': '/charm/container'}])
        )
    ],
    'mount path with a colon': [
        applied(with_workload(volumeMounts=[{'name': 'charm-data', 'mountPath': '/a:b'}]))
    ],
}

ABSENT: dict[str, Request] = {
    'get': lambda api: api.get('StatefulSet', 'plex'),
    'apply a part': applied(overlays.overlay()),
    'apply a part with a uid': applied(identified(overlays.overlay(), uid=STRANGER)),
    'apply a part with a version': applied(identified(overlays.overlay(), resourceVersion='1')),
    'apply all': lambda api: api.apply(statefulset(api)),
    'apply all with a version': lambda api: api.apply(
        identified(statefulset(api), resourceVersion='1')
    ),
    'apply all with a dry run': lambda api: api.apply(statefulset(api), dryRun='All'),
    'apply all with a uid': lambda api: api.apply(identified(statefulset(api), uid=STRANGER)),
    'merge': patched({'spec': {'replicas': 2}}, wire.MERGE),
    'replace': lambda api: api.replace(statefulset(api)),
    'delete': lambda api: api.delete('StatefulSet', 'plex'),
    'list': lambda api: api.list('StatefulSet'),
    'scale': lambda api: api.get('StatefulSet', 'plex', 'scale'),
    'status': lambda api: api.merge('StatefulSet', 'plex', {'status': {}}, 'status'),
    'create': created,
    'create with a dry run': lambda api: api.create(statefulset(api), dryRun='All'),
    'create without a selector': lambda api: api.create(
        trees.without(statefulset(api), 'spec', 'selector')
    ),
    'create with a bad label': lambda api: api.create(
        trees.graft(statefulset(api), 'b c', 'metadata', 'labels', 'a')
    ),
    'create with a bad name': lambda api: api.create(identified(statefulset(api), name='P_x')),
    'create with a long name': lambda api: api.create(
        identified(statefulset(api), name='p' * 254)
    ),
    'create without a name': lambda api: api.create(identified(statefulset(api), name='')),
    'create with owners': lambda api: api.create(
        trees.graft(
            statefulset(api),
            [{'apiVersion': 'v1', 'kind': 'Pod', 'name': 'x', 'uid': STRANGER}],
            'metadata',
            'ownerReferences',
        )
    ),
}

UPDATES: dict[str, list[Request]] = {
    'juju again': [
        applied(overlays.overlay()),
        lambda api: api.patch(
            'StatefulSet',
            'plex',
            juju_reapply(statefulset(api)),
            wire.STRATEGIC,
            fieldManager='juju',
        ),
    ],
    'juju refresh': [
        applied(overlays.overlay()),
        lambda api: api.patch(
            'StatefulSet',
            'plex',
            juju_reapply(statefulset(api, charm_modified_version=3)),
            wire.STRATEGIC,
            fieldManager='juju',
        ),
        applied(overlays.overlay()),
    ],
    'juju with a user': [
        applied(overlays.wish({'securityContext': {'supplementalGroups': [44]}})),
        lambda api: api.patch(
            'StatefulSet',
            'plex',
            juju_reapply(statefulset(api, charm_user=True)),
            wire.STRATEGIC,
            fieldManager='juju',
        ),
    ],
    'replace': [
        applied(overlays.overlay()),
        replaced(lambda live: trees.graft(live, 'x', 'metadata', 'labels', 'a')),
    ],
    'replace without fields': [
        applied(overlays.overlay()),
        replaced(lambda live: trees.without(live, 'metadata', 'managedFields')),
    ],
    'replace resetting owners': [
        applied(overlays.overlay()),
        replaced(lambda live: trees.graft(live, [{}], 'metadata', 'managedFields')),
    ],
    'replace clearing owners': [
        applied(overlays.overlay()),
        replaced(lambda live: trees.graft(live, [], 'metadata', 'managedFields')),
    ],
    'replace an old version': [
        replaced(lambda live: trees.graft(live, '1', 'metadata', 'resourceVersion'))
    ],
    'replace another uid': [replaced(lambda live: trees.graft(live, STRANGER, 'metadata', 'uid'))],
    'replace another name': [
        lambda api: api.send(
            'PUT',
            api.path('StatefulSet', 'plex'),
            wire.encoded(identified(statefulset(api), name='other')),
            'application/json',
        )
    ],
    'replace what is not there': [
        lambda api: api.replace(identified(statefulset(api), name='no'))
    ],
    'replace the selector': [
        replaced(lambda live: trees.graft(live, {'matchLabels': {'a': 'b'}}, 'spec', 'selector'))
    ],
    'replace the service': [replaced(lambda live: trees.graft(live, 'x', 'spec', 'serviceName'))],
    'replace the claims': [
        replaced(lambda live: trees.graft(live, [], 'spec', 'volumeClaimTemplates'))
    ],
    'replace template labels': [
        replaced(
            lambda live: trees.graft(live, {'a': 'b'}, 'spec', 'template', 'metadata', 'labels')
        )
    ],
    'merge null': [patched({'spec': {'template': None}}, wire.MERGE)],
    'merge a list': [patched(overlays.wish({'volumes': []}), wire.MERGE)],
    'merge a negative': [patched({'spec': {'replicas': -1}}, wire.MERGE)],
    'merge a uid': [patched({'metadata': {'uid': STRANGER}}, wire.MERGE)],
    'merge a name': [patched({'metadata': {'name': 'x'}}, wire.MERGE)],
    'merge a namespace': [patched({'metadata': {'namespace': 'x'}}, wire.MERGE)],
    'merge a creation time': [
        patched({'metadata': {'creationTimestamp': '2020-01-01T00:00:00Z'}}, wire.MERGE)
    ],
    'merge a generation': [patched({'metadata': {'generation': 7}}, wire.MERGE)],
    'merge annotations': [
        patched({'metadata': {'annotations': {'a': None, 'b': 'c'}}}, wire.MERGE)
    ],
    'bad annotation': [patched({'metadata': {'annotations': {'a b': 'c'}}}, wire.MERGE)],
    'bad finaliser': [patched({'metadata': {'finalizers': ['x']}}, wire.MERGE)],
    'finaliser': [patched({'metadata': {'finalizers': ['example.org/x']}}, wire.MERGE)],
    'strategic merge': [patched(with_workload(env=[{'name': 'PEBBLE', 'value': '/x'}]))],
    'strategic deletion': [patched(with_workload(env=[{'name': 'PEBBLE', '$patch': 'delete'}]))],
    'strategic replacement': [patched(with_workload(env=[{'$patch': 'replace'}, {'name': 'A'}]))],
    'a mounted volume of no source': [
        patched(
            overlays.wish(
                {
                    'volumes': [
                        {'name': 'charm-data', 'emptyDir': None, 'persistentVolumeClaim': {}}
                    ]
                }
            )
        )
    ],
    'strategic order': [
        patched(
            overlays.wish(
                {
                    '$setElementOrder/containers': [{'name': 'plex'}, {'name': 'charm'}],
                    'containers': [{'name': 'plex', 'tty': True}],
                }
            )
        )
    ],
    'strategic retention': [
        patched(
            overlays.wish(
                {
                    'volumes': [
                        {
                            'name': 'charm-data',
                            '$retainKeys': ['name', 'hostPath'],
                            'emptyDir': None,
                            'hostPath': {'path': '/x'},
                        }
                    ]
                }
            )
        )
    ],
    'strategic without a key': [patched(overlays.wish({'containers': [{'image': 'x'}]}))],
    'strategic with a bad directive': [patched(with_workload(**{'$patch': 'mangle'}))],
    'json patch': [
        patched([{'op': 'replace', 'path': '/spec/replicas', 'value': 2}], wire.JSON_PATCH)
    ],
    'json patch of nothing': [patched([{'op': 'remove', 'path': '/spec/x'}], wire.JSON_PATCH)],
    'json patch test': [
        patched([{'op': 'test', 'path': '/spec/replicas', 'value': 9}], wire.JSON_PATCH)
    ],
    'json patch unknown operation': [patched([{'op': 'x', 'path': '/spec'}], wire.JSON_PATCH)],
    'status': [
        lambda api: api.merge(
            'StatefulSet', 'plex', {'status': {'replicas': 1, 'readyReplicas': 1}}, 'status'
        )
    ],
    'status through the object': [patched({'status': {'replicas': 4}}, wire.MERGE)],
    'spec through the status': [
        lambda api: api.merge('StatefulSet', 'plex', {'spec': {'replicas': 4}}, 'status')
    ],
    'scale': [
        lambda api: api.get('StatefulSet', 'plex', 'scale'),
        lambda api: api.merge('StatefulSet', 'plex', {'spec': {'replicas': 4}}, 'scale'),
        lambda api: api.get('StatefulSet', 'plex'),
    ],
    'delete': [
        lambda api: api.delete('StatefulSet', 'plex'),
        lambda api: api.get('StatefulSet', 'plex'),
        lambda api: api.delete('StatefulSet', 'plex'),
        created,
    ],
    'delete in the foreground': [
        lambda api: api.delete('StatefulSet', 'plex', {'propagationPolicy': 'Foreground'}),
        lambda api: api.get('StatefulSet', 'plex'),
        applied(overlays.overlay()),
    ],
    'delete leaving orphans': [
        lambda api: api.delete('StatefulSet', 'plex', {'propagationPolicy': 'Orphan'}),
        lambda api: api.get('StatefulSet', 'plex'),
    ],
    'delete another uid': [
        lambda api: api.delete('StatefulSet', 'plex', {'preconditions': {'uid': STRANGER}})
    ],
    'delete an old version': [
        lambda api: api.delete('StatefulSet', 'plex', {'preconditions': {'resourceVersion': '1'}})
    ],
    'delete with a finaliser': [
        patched({'metadata': {'finalizers': ['example.org/x']}}, wire.MERGE),
        lambda api: api.delete('StatefulSet', 'plex'),
        lambda api: api.delete('StatefulSet', 'plex'),
        patched({'metadata': {'finalizers': ['example.org/x', 'example.org/y']}}, wire.MERGE),
        patched({'metadata': {'finalizers': None}}, wire.MERGE),
        lambda api: api.get('StatefulSet', 'plex'),
    ],
    'delete with a dry run': [
        lambda api: api.delete('StatefulSet', 'plex', {'dryRun': ['All']}),
        lambda api: api.get('StatefulSet', 'plex'),
    ],
    'create again': [created],
    'create with a version': [
        lambda api: api.create(identified(statefulset(api), name='b', resourceVersion='1'))
    ],
    'create with a uid': [
        lambda api: api.create(identified(statefulset(api), name='b', uid=STRANGER))
    ],
    'create in another namespace': [
        lambda api: api.create(identified(statefulset(api), name='b', namespace='other'))
    ],
}


@pytest.mark.parametrize('requests', [*APPLIES.values()], ids=[*APPLIES])
def test_applies(twins: Twins, requests: list[Request]):
    assert twins.ask(created).done
    for request in requests:
        twins.ask(request)


@pytest.mark.parametrize('request_', [*ABSENT.values()], ids=[*ABSENT])
def test_requests_for_what_is_not_there(twins: Twins, request_: Request):
    twins.ask(request_)
    twins.ask(lambda api: api.list('StatefulSet'))


@pytest.mark.parametrize('requests', [*UPDATES.values()], ids=[*UPDATES])
def test_updates(twins: Twins, requests: list[Request]):
    assert twins.ask(created).done
    for request in requests:
        twins.ask(request)
