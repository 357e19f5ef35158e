# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0
"""The objects that Juju writes for a sidecar charm, for tests to start from.

Field set and values follow Juju 3.6 as docs and source describe it; 4.0 writes the same apart
from image tags. The server's defaults are left out, as Juju leaves them out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from . import trees

MANAGER = 'juju'
"""The field manager under which Juju writes."""

_CONTROLLER = '5f2c7d0e-6a0b-4a5e-8f57-2f0c5f6b9c11'
_MODEL = '0b8a1f3e-3d0c-4a54-8a52-9f1a8c2f7d21'
_VERSION = '3.6.12'
_CHARM_PORT = 38812


class _Storage(NamedTuple):
    name: str
    path: str
    claim: str


def statefulset(
    app: str,
    namespace: str,
    container: str,
    image: str,
    *,
    replicas: int = 1,
    storage: Mapping[str, str] | None = None,
    storage_class: str | None = None,
    charm_user: bool = False,
    charm_modified_version: int = 0,
    app_uuid: str = '8e0f1b2c',
) -> dict[str, Any]:
    """The StatefulSet of an application with one workload container.

    Args:
        app: the application's name.
        namespace: the model's name.
        container: the name of the workload container.
        image: the workload's image.
        replicas: the number of units.
        storage: where the workload mounts each of its storages, by storage name. Each has 1 GiB.
        storage_class: the class of those storages; None for the cluster's default.
        charm_user: whether the charm declares ``charm-user``, which makes Juju own the pod's
            supplemental groups.
        charm_modified_version: counts refreshes and resource changes; a new value rolls the pods.
        app_uuid: what Juju draws at deploy; part of every claim's name.
    """
    stores = [
        _Storage(name, path, f'{app}-{name}-{app_uuid}') for name, path in (storage or {}).items()
    ]
    claims = [_claim_template(store, storage_class) for store in stores]
    pod = _pod_spec(app, container, image, stores, charm_modified_version)
    if charm_user:
        pod['securityContext'] = {'fsGroup': 170, 'supplementalGroups': [170]}
    spec: dict[str, Any] = {
        'replicas': replicas,
        'serviceName': f'{app}-endpoints',
        'podManagementPolicy': 'Parallel',
        'selector': {'matchLabels': _selector(app)},
        'template': {
            'metadata': {'labels': _selector(app), 'annotations': _annotations()},
            'spec': pod,
        },
    }
    if claims:
        spec['volumeClaimTemplates'] = claims
    return {
        'apiVersion': 'apps/v1',
        'kind': 'StatefulSet',
        'metadata': {
            'name': app,
            'namespace': namespace,
            'labels': _labels(app),
            'annotations': {'app.juju.is/uuid': app_uuid, **_annotations()},
        },
        'spec': spec,
    }


def reapply(obj: Mapping[str, Any], *, resource_version: str | None = None) -> dict[str, Any]:
    """The strategic merge patch that Juju sends for a StatefulSet that exists.

    Juju sends the whole object without replicas, and the resourceVersion that it has read.
    """
    patch = trees.without(trees.copy(dict(obj)), 'spec', 'replicas')
    if resource_version is None:
        return patch
    return trees.graft(patch, resource_version, 'metadata', 'resourceVersion')


def services(app: str, namespace: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The Service of an application, before any port is opened, and the headless one."""
    front: dict[str, Any] = {
        'type': 'ClusterIP',
        'selector': _selector(app),
        'ports': [{'name': 'placeholder', 'port': 65535}],
    }
    endpoints: dict[str, Any] = {
        'type': 'ClusterIP',
        'clusterIP': 'None',
        'publishNotReadyAddresses': True,
        'selector': _selector(app),
    }
    tolerate = {'service.alpha.kubernetes.io/tolerate-unready-endpoints': 'true'}
    return (
        _service(app, app, namespace, front, {}),
        _service(app, f'{app}-endpoints', namespace, endpoints, tolerate),
    )


def _service(
    app: str,
    name: str,
    namespace: str,
    spec: dict[str, Any],
    annotations: Mapping[str, str],
) -> dict[str, Any]:
    return {
        'apiVersion': 'v1',
        'kind': 'Service',
        'metadata': {
            'name': name,
            'namespace': namespace,
            'labels': _labels(app),
            'annotations': {**_annotations(), **annotations},
        },
        'spec': spec,
    }


def _selector(app: str) -> dict[str, str]:
    return {'app.kubernetes.io/name': app}


def _labels(app: str) -> dict[str, str]:
    return {'app.kubernetes.io/managed-by': 'juju', 'app.kubernetes.io/name': app}


def _annotations() -> dict[str, str]:
    return {
        'controller.juju.is/id': _CONTROLLER,
        'juju.is/version': _VERSION,
        'model.juju.is/id': _MODEL,
    }


def _claim_template(store: _Storage, storage_class: str | None) -> dict[str, Any]:
    spec: dict[str, Any] = {
        'accessModes': ['ReadWriteOnce'],
        'resources': {'requests': {'storage': '1024Mi'}},
    }
    if storage_class:
        spec['storageClassName'] = storage_class
    return {
        'metadata': {
            'name': store.claim,
            'labels': {
                'app.kubernetes.io/managed-by': 'juju',
                'storage.juju.is/name': store.name,
            },
            'annotations': {
                'controller.juju.is/id': _CONTROLLER,
                'model.juju.is/id': _MODEL,
                'storage.juju.is/name': store.name,
            },
        },
        'spec': spec,
    }


def _pod_spec(
    app: str, container: str, image: str, stores: list[_Storage], modified: int
) -> dict[str, Any]:
    return {
        'serviceAccountName': app,
        'automountServiceAccountToken': True,
        'terminationGracePeriodSeconds': 30,
        'nodeSelector': {'kubernetes.io/arch': 'amd64'},
        'initContainers': [_charm_init(app, container, modified)],
        'containers': [_charm(container, stores), _workload(container, image, stores)],
        'volumes': [{'name': 'charm-data', 'emptyDir': {}}],
    }


def _charm_init(app: str, container: str, modified: int) -> dict[str, Any]:
    pebble, profile = '/containeragent/pebble', '/containeragent/etc/profile.d'
    arguments = {
        '--containeragent-pebble-dir': pebble,
        '--charm-modified-version': str(modified),
        '--data-dir': '/var/lib/juju',
        '--bin-dir': '/charm/bin',
        '--profile-dir': profile,
    }
    args = ['init', *(word for pair in arguments.items() for word in pair)]
    fields = {'JUJU_K8S_POD_NAME': 'metadata.name', 'JUJU_K8S_POD_UUID': 'metadata.uid'}
    from_pod = [
        {'name': name, 'valueFrom': {'fieldRef': {'fieldPath': path}}}
        for name, path in fields.items()
    ]
    mounts = ('/var/lib/juju', '/charm/bin', '/charm/containers', pebble, profile)
    return {
        'name': 'charm-init',
        'image': f'jujusolutions/jujud-operator:{_VERSION}',
        'imagePullPolicy': 'IfNotPresent',
        'workingDir': '/var/lib/juju',
        'command': ['/opt/containeragent'],
        'args': args,
        'env': [{'name': 'JUJU_CONTAINER_NAMES', 'value': container}, *from_pod],
        'envFrom': [{'secretRef': {'name': f'{app}-application-config'}}],
        'volumeMounts': [_mount(path, path.lstrip('/')) for path in mounts],
    }


def _charm(container: str, stores: list[_Storage]) -> dict[str, Any]:
    mounts = [
        _mount('/charm/bin', 'charm/bin', read_only=True),
        _mount('/var/lib/juju', 'var/lib/juju'),
        _mount('/charm/containers', 'charm/containers'),
        _mount('/var/lib/pebble/default', 'containeragent/pebble'),
        _mount('/var/log/juju', 'containeragent/var/log/juju'),
        _mount('/usr/bin/juju-introspect', 'charm/bin/containeragent', read_only=True),
        _mount('/usr/bin/juju-exec', 'charm/bin/containeragent', read_only=True),
    ]
    for store in stores:
        place = f'/var/lib/juju/storage/{store.name}/0'
        mounts.append({'name': store.claim, 'mountPath': place})
    return {
        'name': 'charm',
        'image': 'jujusolutions/charm-base:ubuntu-24.04',
        'imagePullPolicy': 'IfNotPresent',
        'workingDir': '/var/lib/juju',
        'command': ['/charm/bin/pebble'],
        'args': ['run', '--http', f':{_CHARM_PORT}', '--verbose'],
        'env': [
            {'name': 'JUJU_CONTAINER_NAMES', 'value': container},
            {'name': 'HTTP_PROBE_PORT', 'value': '3856'},
        ],
        **_probes(_CHARM_PORT),
        'resources': {'requests': {'memory': '64Mi'}, 'limits': {'memory': '1024Mi'}},
        'securityContext': {'runAsUser': 0, 'runAsGroup': 0},
        'volumeMounts': mounts,
    }


def _workload(container: str, image: str, stores: list[_Storage]) -> dict[str, Any]:
    environment = {
        'JUJU_CONTAINER_NAME': container,
        'PEBBLE_SOCKET': '/charm/container/pebble.socket',
        'PEBBLE': '/charm/container/pebble',
        'PEBBLE_COPY_ONCE': '/var/lib/pebble/default',
    }
    port = _CHARM_PORT + 1
    return {
        'name': container,
        'image': image,
        'imagePullPolicy': 'IfNotPresent',
        'command': ['/charm/bin/pebble'],
        'args': ['run', '--create-dirs', '--hold', '--http', f':{port}', '--verbose'],
        'env': [{'name': name, 'value': value} for name, value in environment.items()],
        **_probes(port),
        'securityContext': {'runAsUser': 0, 'runAsGroup': 0},
        'volumeMounts': [
            _mount('/charm/bin/pebble', 'charm/bin/pebble', read_only=True),
            _mount('/charm/container', f'charm/containers/{container}'),
            *({'name': store.claim, 'mountPath': store.path} for store in stores),
        ],
    }


def _mount(path: str, sub_path: str, *, read_only: bool = False) -> dict[str, Any]:
    mount: dict[str, Any] = {'name': 'charm-data', 'mountPath': path, 'subPath': sub_path}
    return {**mount, 'readOnly': True} if read_only else mount


def _probes(port: int) -> dict[str, Any]:
    return {
        'livenessProbe': _probe('alive', port, period=5, failures=3),
        'readinessProbe': _probe('ready', port, period=5, failures=1),
        'startupProbe': _probe('alive', port, period=1, failures=30),
    }


def _probe(level: str, port: int, *, period: int, failures: int) -> dict[str, Any]:
    return {
        'httpGet': {'path': f'/v1/health?level={level}', 'port': port},
        'timeoutSeconds': 1,
        'periodSeconds': period,
        'successThreshold': 1,
        'failureThreshold': failures,
    }
