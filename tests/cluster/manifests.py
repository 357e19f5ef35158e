# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Objects other than StatefulSets, as small as an API server accepts them."""

from __future__ import annotations

from typing import Any

from . import wire


def claim(name: str = 'shared', size: str = '10Gi', **spec: Any) -> wire.Manifest:
    """Return a PersistentVolumeClaim."""
    wanted = {'accessModes': ['ReadWriteMany'], 'resources': {'requests': {'storage': size}}}
    return {
        'apiVersion': 'v1',
        'kind': 'PersistentVolumeClaim',
        'metadata': {'name': name},
        'spec': {**wanted, **spec},
    }


def volume(name: str, **spec: Any) -> wire.Manifest:
    """Return a PersistentVolume on a file server."""
    wanted = {
        'accessModes': ['ReadWriteMany'],
        'capacity': {'storage': '10Gi'},
        'nfs': {'server': 'nas.lan', 'path': '/media'},
    }
    return {
        'apiVersion': 'v1',
        'kind': 'PersistentVolume',
        'metadata': {'name': name},
        'spec': {**wanted, **spec},
    }


def storage_class(name: str, *, is_default: bool = False, **fields: Any) -> wire.Manifest:
    """Return a StorageClass."""
    key = 'storageclass.kubernetes.io/is-default-class'
    annotations = {'annotations': {key: 'true'}} if is_default else {}
    return {
        'apiVersion': 'storage.k8s.io/v1',
        'kind': 'StorageClass',
        'metadata': {'name': name, **annotations},
        'provisioner': 'example.org/disk',
        **fields,
    }


def job(name: str = 'check', **spec: Any) -> wire.Manifest:
    """Return a Job of one container."""
    pod = {'restartPolicy': 'Never', 'containers': [{'name': 'check', 'image': 'example/c:1'}]}
    return {
        'apiVersion': 'batch/v1',
        'kind': 'Job',
        'metadata': {'name': name},
        'spec': {'template': {'spec': pod}, **spec},
    }


def pod(name: str = 'pod', **spec: Any) -> wire.Manifest:
    """Return a Pod of one container."""
    return {
        'apiVersion': 'v1',
        'kind': 'Pod',
        'metadata': {'name': name},
        'spec': {'containers': [{'name': 'main', 'image': 'example/main:1'}], **spec},
    }


def secret(name: str = 'secret', **fields: Any) -> wire.Manifest:
    """Return a Secret."""
    return {'apiVersion': 'v1', 'kind': 'Secret', 'metadata': {'name': name}, **fields}


def config_map(name: str, **labels: str) -> wire.Manifest:
    """Return a ConfigMap."""
    metadata: dict[str, Any] = {'name': name, 'labels': labels} if labels else {'name': name}
    return {'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': metadata}


def event(name: str, about: wire.Manifest, namespace: str, message: str) -> wire.Manifest:
    """Return an Event."""
    involved = {'kind': about['kind'], 'name': about['metadata']['name'], 'namespace': namespace}
    return {
        'apiVersion': 'v1',
        'kind': 'Event',
        'metadata': {'name': name},
        'involvedObject': involved,
        'reason': 'ProvisioningFailed',
        'type': 'Warning',
        'message': message,
    }


def grown(size: str) -> wire.Manifest:
    """Return the merge patch that asks for another size of a claim."""
    return {'spec': {'resources': {'requests': {'storage': size}}}}


def bound(size: str = '10Gi') -> wire.Manifest:
    """Return the merge patch of a claim's status that a volume controller sends."""
    return {'status': {'phase': 'Bound', 'capacity': {'storage': size}}}
