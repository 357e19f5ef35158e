# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The Kubernetes objects that Juju writes for one of the model's applications."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from charmarr_lib.testing import kubernetes

from . import model

Manifest = dict[str, Any]

PLACEHOLDER: Final = {'name': 'placeholder', 'port': 65535}
"""The port of a Service that has none of its own."""

_FIRST_PORT: Final = 38813  # of the workloads' Pebbles, which count up from it


def claim_template(application: model.Application, storage: str) -> str:
    """Return the name of a storage's claim template; a claim adds the pod's name."""
    return f'{application.name}-{storage}-{application.uuid}'


def stateful_set(application: model.Application, namespace: str) -> Manifest:
    """Return the StatefulSet as Juju creates it."""
    containers = sorted(application.charm.containers)
    whole = _built(
        application, namespace, ','.join(containers), dict.fromkeys(application.charm.storage, '')
    )
    pod = whole['spec']['template']['spec']
    pod['containers'][1:] = [
        _workload(application, namespace, name, _FIRST_PORT + number)
        for number, name in enumerate(containers)
    ]
    for template in whole['spec'].get('volumeClaimTemplates') or ():
        name = template['metadata']['labels']['storage.juju.is/name']
        size = _size(application, name)
        template['spec']['resources']['requests']['storage'] = size
    return whole


def _built(
    application: model.Application, namespace: str, container: str, storage: dict[str, str]
) -> Manifest:
    declared = application.charm.containers.get(container, {})
    return kubernetes.juju_statefulset(
        application.name,
        namespace,
        container,
        application.resources.get(declared.get('resource', ''), 'unknown'),
        replicas=application.scale,
        storage=storage,
        charm_modified_version=application.revision,
        app_uuid=application.uuid,
    )


def _workload(application: model.Application, namespace: str, name: str, port: int) -> Manifest:
    mounts = application.charm.containers[name].get('mounts') or ()
    storage = {mount['storage']: mount['location'] for mount in mounts}
    built = _built(application, namespace, name, storage)
    workload = built['spec']['template']['spec']['containers'][1]
    workload['args'] = [
        f':{port}' if word == f':{_FIRST_PORT}' else word for word in workload['args']
    ]
    for probe in ('livenessProbe', 'readinessProbe', 'startupProbe'):
        workload[probe]['httpGet']['port'] = port
    return workload


def _size(application: model.Application, storage: str) -> str:
    declared = application.charm.storage[storage].get('minimum-size')
    return quantity(application.storage.get(storage) or declared or '1024M')


def quantity(size: str) -> str:
    """Turn Juju's notation of a size, where ``10G`` counts in 1024, into a quantity."""
    return f'{size}i' if size[-1:] in ('M', 'G', 'T', 'P') else size


def account(application: str, namespace: str) -> Iterator[Manifest]:
    """Yield the ServiceAccount, and the Secret that the pod's agent reads its settings from.

    The real Secret holds a password and the controller's addresses; here nobody logs in anywhere.
    """
    labels = {'app.kubernetes.io/managed-by': 'juju', 'app.kubernetes.io/name': application}
    for kind, name in (
        ('ServiceAccount', application),
        ('Secret', f'{application}-application-config'),
    ):
        metadata = {'name': name, 'namespace': namespace, 'labels': labels}
        yield {'apiVersion': 'v1', 'kind': kind, 'metadata': metadata}
