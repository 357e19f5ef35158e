# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0
"""What the admission plugins and allocators of the API server add to objects, and refuse."""

from __future__ import annotations

from collections.abc import Callable

from . import kinds, quantities, refusals, store, trees

_DEFAULT_CLASS = 'storageclass.kubernetes.io/is-default-class'
_NAMESPACE = kinds.BY_NAME['Namespace']
_STORAGE_CLASS = kinds.BY_NAME['StorageClass']
_FIRST_NODE_PORT = 30000


def admit(kind: kinds.Kind, obj: trees.Tree, objects: store.Store) -> trees.Tree:
    """A new object as admission leaves it.

    Raises:
        Refused: its namespace is being terminated (403).
    """
    metadata = trees.branch(obj, 'metadata')
    _check_namespace(kind, metadata, objects)
    if kind.protection:
        finalisers = trees.items(metadata, 'finalizers')
        if kind.protection not in finalisers:
            finalisers = [*finalisers, kind.protection]
        obj = trees.graft(obj, finalisers, 'metadata', 'finalizers')
    change = _ADMISSIONS.get(kind.name)
    return change(obj, objects) if change else obj


def _check_namespace(kind: kinds.Kind, metadata: trees.Tree, objects: store.Store) -> None:
    name = metadata.get('namespace', '')
    namespace = objects.get(_NAMESPACE, None, name)
    if namespace is not None and 'deletionTimestamp' in namespace.metadata:
        detail = f'unable to create new content in namespace {name} because it is being terminated'
        raise refusals.not_admitted(kind, metadata.get('name', ''), detail)


def _claim(obj: trees.Tree, objects: store.Store) -> trees.Tree:
    if trees.dig(obj, 'spec', 'storageClassName') is not None:
        return obj
    defaults = [
        found
        for found in objects.all(_STORAGE_CLASS)
        if trees.dig(found.metadata, 'annotations', _DEFAULT_CLASS) == 'true'
    ]
    if not defaults:
        return obj
    # Where several are marked as the default, the newest is meant.
    newest = max(defaults, key=lambda found: found.metadata['creationTimestamp'])
    return trees.graft(obj, newest.name, 'spec', 'storageClassName')


def _volume(obj: trees.Tree, objects: store.Store) -> trees.Tree:
    now = obj['metadata']['creationTimestamp']
    return trees.graft(obj, now, 'status', 'lastPhaseTransitionTime')


def _namespace(obj: trees.Tree, objects: store.Store) -> trees.Tree:
    return trees.graft(obj, ['kubernetes'], 'spec', 'finalizers')


def _service(obj: trees.Tree, objects: store.Store) -> trees.Tree:
    spec = trees.branch(obj, 'spec')
    if spec.get('type') == 'ExternalName':
        return obj
    address = spec.get('clusterIP') or _free_address(objects)
    spec = trees.with_defaults(
        {**spec, 'clusterIP': address, 'clusterIPs': [address]},
        ipFamilies=['IPv4'],
        ipFamilyPolicy='SingleStack',
    )
    if spec['type'] in ('NodePort', 'LoadBalancer'):
        spec = trees.mapped_items(spec, 'ports', _NodePorts(objects).give)
    return {**obj, 'spec': spec}


def _free_address(objects: store.Store) -> str:
    # The revision differs at every create, so no address is given twice in 65,000 writes.
    number = objects.revision + 1
    return f'10.152.{number // 254 % 256}.{number % 254 + 1}'


class _NodePorts:
    def __init__(self, objects: store.Store) -> None:
        self._next = _FIRST_NODE_PORT + objects.revision

    def give(self, port: trees.Tree) -> trees.Tree:
        """A Service's port with a port on every node."""
        self._next += 1
        return trees.with_defaults(port, nodePort=self._next)


def _job(obj: trees.Tree, objects: store.Store) -> trees.Tree:
    """A Job whose pods are told from those of others by a label that the server makes."""
    metadata = obj['metadata']
    uid, name = metadata['uid'], metadata['name']
    if trees.dig(obj, 'spec', 'manualSelector'):
        return obj
    labels = {
        'batch.kubernetes.io/controller-uid': uid,
        'batch.kubernetes.io/job-name': name,
        'controller-uid': uid,
        'job-name': name,
    }
    present = trees.branch(obj, 'spec', 'template', 'metadata', 'labels')
    given = trees.branch(metadata, 'labels')
    labels = {**present, **labels}
    obj = trees.graft(obj, labels, 'spec', 'template', 'metadata', 'labels')
    if not given:
        # The server takes the labels of the pods for a Job that has none.
        obj = trees.graft(obj, labels, 'metadata', 'labels')
    selector = {'matchLabels': {'batch.kubernetes.io/controller-uid': uid}}
    return trees.graft(obj, selector, 'spec', 'selector')


def _pod(obj: trees.Tree, objects: store.Store) -> trees.Tree:
    pod = trees.branch(obj, 'spec')
    containers = [*trees.items(pod, 'containers'), *trees.items(pod, 'initContainers')]
    needs = [trees.branch(each, 'resources') for each in containers]
    return trees.graft(obj, _quality_of_service(needs), 'status', 'qosClass')


def _quality_of_service(needs: list[trees.Tree]) -> str:
    """How a pod ranks when its node runs out of something."""
    limits = [trees.branch(each, 'limits') for each in needs]
    requests = [trees.branch(each, 'requests') for each in needs]
    counted = {'cpu', 'memory'}
    if not any(counted & each.keys() for each in (*limits, *requests)):
        return 'BestEffort'
    sure = all(
        counted <= limit.keys() and {**limit, **request} == limit
        for limit, request in zip(limits, requests, strict=True)
    )
    return 'Guaranteed' if sure else 'Burstable'


_ADMISSIONS: dict[str, Callable[[trees.Tree, store.Store], trees.Tree]] = {
    'PersistentVolumeClaim': _claim,
    'Service': _service,
    'Job': _job,
    'Namespace': _namespace,
    'PersistentVolume': _volume,
    'Pod': _pod,
}


def keep_allocated(kind: kinds.Kind, old: trees.Tree, new: trees.Tree) -> trees.Tree:
    """An update of a Service that leaves out what the server allocated keeps it."""
    if kind.name != 'Service' or trees.dig(new, 'spec', 'type') == 'ExternalName':
        return new
    for field in ('clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy'):
        value = trees.dig(old, 'spec', field)
        if value is not None and not trees.dig(new, 'spec', field):
            new = trees.graft(new, value, 'spec', field)
    return new


def note_phase(kind: kinds.Kind, old: trees.Tree, new: trees.Tree, now: str) -> trees.Tree:
    """An update of a PersistentVolume says since when it is in its phase."""
    if kind.name != 'PersistentVolume':
        return new
    path = ('status', 'lastPhaseTransitionTime')
    if trees.dig(old, 'status', 'phase') == trees.dig(new, 'status', 'phase'):
        return new
    return trees.graft(new, now, *path) if trees.dig(new, *path) == trees.dig(old, *path) else new


def check_growth(kind: kinds.Kind, old: trees.Tree, new: trees.Tree, objects: store.Store) -> None:
    """Refuse to let a claim grow where its storage cannot.

    Raises:
        Refused: its class does not allow expansion (403).
    """
    if kind.name != 'PersistentVolumeClaim':
        return
    before, after = (
        trees.dig(obj, 'spec', 'resources', 'requests', 'storage') for obj in (old, new)
    )
    if quantities.value(after or '0') <= quantities.value(before or '0'):
        return
    name = old['metadata']['name']
    storage_class = objects.get(
        _STORAGE_CLASS, None, trees.dig(old, 'spec', 'storageClassName') or ''
    )
    if storage_class is None or not storage_class.obj.get('allowVolumeExpansion'):
        detail = (
            'only dynamically provisioned pvc can be resized and the storageclass that '
            'provisions the pvc must support resize'
        )
        raise refusals.not_admitted(kind, name, detail)
