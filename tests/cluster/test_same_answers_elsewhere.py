# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The fake answers as the real server does, for kinds other than the StatefulSet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from charmarr_lib.testing.kubernetes import juju_services, trees

from . import manifests, wire
from .twins import Twins

STRANGER = '00000000-0000-4000-8000-000000000000'
Request = Callable[[wire.Api], wire.Answer]


def own(api: wire.Api, word: str = 'own') -> str:
    """Return a name, for what lives in no namespace, that only this test uses."""
    return f'{api.namespace}-{word}'


def created(obj: wire.Manifest) -> Request:
    return lambda api: api.create(obj)


def merged(kind: str, name: str, patch: wire.Manifest, part: str = '') -> Request:
    return lambda api: api.merge(kind, name, patch, part)


def on_claim(patch: wire.Manifest, part: str = '') -> Request:
    return merged('PersistentVolumeClaim', 'shared', patch, part)


def on_volume(patch: wire.Manifest) -> Request:
    return lambda api: api.merge('PersistentVolume', own(api), patch)


def new_class(**fields: Any) -> Request:
    return lambda api: api.create(manifests.storage_class(own(api), **fields))


def classed_claim(size: str = '10Gi') -> Request:
    return lambda api: api.create(manifests.claim(size=size, storageClassName=own(api)))


def new_volume(**spec: Any) -> Request:
    return lambda api: api.create(manifests.volume(own(api), **spec))


def listed(kind: str, **query: str) -> Request:
    return lambda api: api.list(kind, **query)


def deleted(kind: str, name: str, options: wire.Manifest | None = None) -> Request:
    return lambda api: api.delete(kind, name, options)


def got(kind: str, name: str) -> Request:
    return lambda api: api.get(kind, name)


def limited(**resources: dict[str, str]) -> wire.Manifest:
    return {'name': 'main', 'image': 'example/main:1', 'resources': resources}


CLAIMS: dict[str, list[Request]] = {
    'create': [created(manifests.claim()), created(manifests.claim())],
    'without a size': [created(manifests.claim(resources={}))],
    'without access modes': [created(manifests.claim(accessModes=[]))],
    'with an unknown access mode': [created(manifests.claim(accessModes=['ReadAll']))],
    'of no size': [created(manifests.claim(size='0'))],
    'of a negative size': [created(manifests.claim(size='-1Gi'))],
    'of a size in other words': [created(manifests.claim(size='10240Mi'))],
    'of a fraction': [created(manifests.claim(size='1.5Gi'))],
    'of a bad size': [created(manifests.claim(size='big'))],
    'of an empty class': [created(manifests.claim(storageClassName=''))],
    'of a missing class': [created(manifests.claim(storageClassName='none'))],
    'of a bad name': [created(manifests.claim('Shared'))],
    'of the default class': [
        new_class(is_default=True),
        created(manifests.claim()),
        lambda api: api.delete('StorageClass', own(api)),
    ],
    'bind': [
        created(manifests.claim()),
        on_claim(manifests.bound(), 'status'),
        on_claim({'metadata': {'annotations': {'a': 'b'}}}),
    ],
    'grow': [
        new_class(allowVolumeExpansion=True),
        classed_claim(),
        on_claim(manifests.bound(), 'status'),
        on_claim(manifests.grown('20Gi')),
        on_claim(manifests.grown('15Gi')),
        on_claim(manifests.grown('5Gi')),
    ],
    'grow unbound': [
        new_class(allowVolumeExpansion=True),
        classed_claim(),
        on_claim(manifests.grown('20Gi')),
    ],
    'grow where it cannot': [
        new_class(),
        classed_claim(),
        on_claim(manifests.bound(), 'status'),
        on_claim(manifests.grown('20Gi')),
        on_claim(manifests.grown('5Gi')),
    ],
    'grow without a class': [
        created(manifests.claim(storageClassName='')),
        on_claim(manifests.bound(), 'status'),
        on_claim(manifests.grown('20Gi')),
    ],
    'change the class': [
        created(manifests.claim(storageClassName='a')),
        on_claim({'spec': {'storageClassName': 'b'}}),
    ],
    'give a class': [created(manifests.claim()), on_claim({'spec': {'storageClassName': 'b'}})],
    'change the access mode': [
        created(manifests.claim()),
        on_claim({'spec': {'accessModes': ['ReadWriteOnce']}}),
    ],
    'change the mode': [
        created(manifests.claim()),
        on_claim({'spec': {'volumeMode': 'Block'}}),
    ],
    'name the volume': [
        created(manifests.claim()),
        on_claim({'spec': {'volumeName': 'v'}}),
        on_claim({'spec': {'volumeName': 'w'}}),
    ],
    'apply': [
        lambda api: api.apply(manifests.claim()),
        lambda api: api.apply(manifests.claim(), fieldManager='other'),
        lambda api: api.apply(manifests.claim(size='5Gi'), fieldManager='other'),
    ],
    'delete': [
        created(manifests.claim()),
        deleted('PersistentVolumeClaim', 'shared'),
        got('PersistentVolumeClaim', 'shared'),
        created(manifests.claim()),
        on_claim({'metadata': {'finalizers': None}}),
        got('PersistentVolumeClaim', 'shared'),
    ],
    'owners': [
        created(manifests.claim()),
        on_claim(
            {
                'metadata': {
                    'ownerReferences': [
                        {'apiVersion': 'v1', 'kind': 'Pod', 'name': 'p', 'uid': STRANGER}
                    ]
                }
            }
        ),
        on_claim({'metadata': {'ownerReferences': None}}),
    ],
    'bad owner': [
        created(manifests.claim()),
        on_claim({'metadata': {'ownerReferences': [{'kind': 'Pod', 'name': 'p'}]}}),
    ],
}

VOLUMES: dict[str, list[Request]] = {
    'create': [new_volume(), lambda api: api.get('PersistentVolume', own(api))],
    'on a folder': [new_volume(nfs=None, hostPath={'path': '/media', 'type': 'Directory'})],
    'on a folder, plain': [new_volume(nfs=None, hostPath={'path': '/media'})],
    'without a source': [new_volume(nfs=None)],
    'with two sources': [new_volume(hostPath={'path': '/x'})],
    'without a size': [new_volume(capacity=None)],
    'without access modes': [new_volume(accessModes=[])],
    'for one node': [
        new_volume(
            nodeAffinity={
                'required': {
                    'nodeSelectorTerms': [
                        {
                            'matchExpressions': [
                                {
                                    'key': 'kubernetes.io/hostname',
                                    'operator': 'In',
                                    'values': ['node-1'],
                                }
                            ]
                        }
                    ]
                }
            }
        )
    ],
    'for a claim': [
        lambda api: api.create(
            manifests.volume(own(api), claimRef={'namespace': api.namespace, 'name': 'shared'})
        ),
        on_volume({'spec': {'claimRef': {'uid': STRANGER}}}),
        on_volume({'spec': {'claimRef': {'uid': None, 'resourceVersion': None}}}),
    ],
    'move': [new_volume(), on_volume({'spec': {'nfs': {'server': 'other.lan'}}})],
    'change the source': [
        new_volume(),
        on_volume({'spec': {'nfs': None, 'hostPath': {'path': '/x'}}}),
    ],
    'grow': [new_volume(), on_volume({'spec': {'capacity': {'storage': '20Gi'}}})],
    'shrink': [new_volume(), on_volume({'spec': {'capacity': {'storage': '5Gi'}}})],
    'mount otherwise': [
        new_volume(),
        on_volume({'spec': {'mountOptions': ['nfsvers=4.1']}}),
        on_volume({'spec': {'mountOptions': None}}),
    ],
    'change the mode': [new_volume(), on_volume({'spec': {'volumeMode': 'Block'}})],
    'status': [
        new_volume(),
        lambda api: api.merge(
            'PersistentVolume', own(api), {'status': {'phase': 'Bound'}}, 'status'
        ),
    ],
    'delete': [
        new_volume(),
        lambda api: api.delete('PersistentVolume', own(api)),
        lambda api: api.get('PersistentVolume', own(api)),
        on_volume({'metadata': {'finalizers': []}}),
        lambda api: api.get('PersistentVolume', own(api)),
    ],
    'class': [
        new_class(allowVolumeExpansion=True, parameters={'a': 'b'}),
        lambda api: api.merge('StorageClass', own(api), {'parameters': {'a': 'c'}}),
        lambda api: api.merge('StorageClass', own(api), {'provisioner': 'other'}),
        lambda api: api.merge('StorageClass', own(api), {'reclaimPolicy': 'Retain'}),
        lambda api: api.merge('StorageClass', own(api), {'allowVolumeExpansion': False}),
        lambda api: api.delete('StorageClass', own(api)),
    ],
    'class without a provisioner': [new_class(provisioner='')],
}

_POD_LABELS = ('spec', 'template', 'metadata', 'labels')

JOBS: dict[str, list[Request]] = {
    'create': [created(manifests.job()), got('Job', 'check')],
    'with limits': [
        created(
            manifests.job(
                backoffLimit=0,
                activeDeadlineSeconds=600,
                podFailurePolicy={
                    'rules': [
                        {
                            'action': 'FailJob',
                            'onExitCodes': {'operator': 'In', 'values': [3]},
                        }
                    ]
                },
            )
        )
    ],
    'with labels': [
        created(trees.graft(manifests.job(), {'a': 'b'}, 'metadata', 'labels')),
        deleted('Job', 'check'),
        created(trees.graft(manifests.job(), {'a': 'b'}, *_POD_LABELS)),
    ],
    'that restarts': [
        created(
            trees.graft(manifests.job(), 'Always', *('spec', 'template', 'spec', 'restartPolicy'))
        )
    ],
    'another template': [
        created(manifests.job()),
        lambda api: wire.outline(
            api.merge('Job', 'check', {'spec': {'template': {'metadata': {'labels': {'a': 'b'}}}}})
        ),
    ],
    'annotate': [
        created(manifests.job()),
        merged('Job', 'check', {'metadata': {'annotations': {'a': 'b'}}}),
    ],
    'more tries': [
        created(manifests.job()),
        merged('Job', 'check', {'spec': {'backoffLimit': 9}}),
    ],
    'delete': [created(manifests.job()), deleted('Job', 'check'), got('Job', 'check')],
    'delete in the background': [
        created(manifests.job()),
        deleted('Job', 'check', {'propagationPolicy': 'Background'}),
        got('Job', 'check'),
    ],
}

OTHERS: dict[str, list[Request]] = {
    'services': [
        lambda api: api.create(juju_services('plex', api.namespace)[0]),
        lambda api: api.create(juju_services('plex', api.namespace)[1]),
        merged(
            'Service',
            'plex',
            {'spec': {'ports': [{'name': 'juju-32400-tcp', 'port': 32400, 'protocol': 'TCP'}]}},
        ),
        lambda api: api.patch(
            'Service', 'plex', juju_services('plex', api.namespace)[0], wire.STRATEGIC
        ),
        merged('Service', 'plex', {'spec': {'clusterIP': '10.152.1.1'}}),
        deleted('Service', 'plex'),
    ],
    'secret': [
        created(manifests.secret(stringData={'password': 'x'})),
        merged('Secret', 'secret', {'data': {'more': 'eA=='}}),
        merged('Secret', 'secret', {'type': 'other'}),
        merged('Secret', 'secret', {'immutable': True}),
        merged('Secret', 'secret', {'data': {'more': 'eQ=='}}),
        deleted('Secret', 'secret'),
    ],
    'secret by apply': [
        lambda api: api.apply(manifests.secret(stringData={'password': 'x'})),
        lambda api: api.apply(manifests.secret(stringData={'password': 'x'})),
        lambda api: api.apply(manifests.secret(data={'password': 'eA=='})),
    ],
    'config map': [created(manifests.config_map('a')), deleted('ConfigMap', 'a')],
    'service account': [
        created({'apiVersion': 'v1', 'kind': 'ServiceAccount', 'metadata': {'name': 'a'}}),
        lambda api: api.apply(
            {
                'apiVersion': 'v1',
                'kind': 'ServiceAccount',
                'metadata': {'name': 'a'},
                'secrets': [{'name': 's'}],
            }
        ),
    ],
    'node': [
        lambda api: api.create(
            {
                'apiVersion': 'v1',
                'kind': 'Node',
                'metadata': {'name': own(api), 'labels': {'kubernetes.io/hostname': 'a'}},
            }
        ),
        lambda api: api.merge(
            'Node', own(api), {'status': {'allocatable': {'gpu.intel.com/i915': '2'}}}, 'status'
        ),
        lambda api: api.delete('Node', own(api)),
    ],
    'lists': [
        created(manifests.config_map('a', tier='front', stage='one')),
        created(manifests.config_map('b', tier='back')),
        created(manifests.config_map('c')),
        listed('ConfigMap'),
        listed('ConfigMap', labelSelector='tier'),
        listed('ConfigMap', labelSelector='!tier'),
        listed('ConfigMap', labelSelector='tier=front'),
        listed('ConfigMap', labelSelector='tier!=front'),
        listed('ConfigMap', labelSelector='tier in (front,back),stage notin (two)'),
        lambda api: wire.outline(api.list('ConfigMap', labelSelector='a=b=c')),
        lambda api: wire.outline(api.list('ConfigMap', labelSelector='a in (b')),
        listed('ConfigMap', fieldSelector='metadata.name=b'),
        listed('ConfigMap', fieldSelector='metadata.name!=b'),
        listed('ConfigMap', fieldSelector='data.x=b'),
        listed('ConfigMap', fieldSelector='metadata.name'),
    ],
    'pods with limits': [
        created(manifests.pod('a', containers=[limited(requests={'cpu': '100m'})])),
        created(manifests.pod('b', containers=[limited(limits={'cpu': '1', 'memory': '1024Mi'})])),
        created(manifests.pod('c', containers=[limited(limits={'gpu.intel.com/i915': '1'})])),
    ],
    'pods': [
        created(manifests.pod('a')),
        created(manifests.pod('b', restartPolicy='Never')),
        merged('Pod', 'a', {'status': {'phase': 'Running'}}, 'status'),
        merged('Pod', 'a', {'spec': {'restartPolicy': 'Never'}}),
        merged('Pod', 'a', {'spec': {'hostname': 'x'}}),
        lambda api: wire.names(api.list('Pod', fieldSelector='status.phase=Running')),
        lambda api: wire.names(api.list('Pod', fieldSelector='status.phase!=Running')),
        lambda api: wire.names(api.list('Pod', fieldSelector='spec.image=x')),
        deleted('Pod', 'a'),
        deleted('Pod', 'b', {'gracePeriodSeconds': 0}),
    ],
    'events': [
        lambda api: api.create(
            manifests.event('e', manifests.claim(), api.namespace, 'no volume left')
        ),
        listed(
            'Event',
            fieldSelector='involvedObject.kind=PersistentVolumeClaim,involvedObject.name=shared',
        ),
        listed('Event', fieldSelector='involvedObject.kind=Pod'),
    ],
    'event about another namespace': [
        lambda api: api.create(manifests.event('e', manifests.claim(), 'other', 'x'))
    ],
    'namespace': [
        lambda api: api.merge('Namespace', api.namespace, {'metadata': {'labels': {'a': 'b'}}}),
        lambda api: api.get('Namespace', api.namespace),
    ],
}

STORIES = {
    f'{group}: {name}': requests
    for group, stories in (
        ('claim', CLAIMS),
        ('volume', VOLUMES),
        ('job', JOBS),
        ('other', OTHERS),
    )
    for name, requests in stories.items()
}


@pytest.mark.parametrize('requests', [*STORIES.values()], ids=[*STORIES])
def test_stories(twins: Twins, requests: list[Request]):
    for request in requests:
        twins.ask(request)
