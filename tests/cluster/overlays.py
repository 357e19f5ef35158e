# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What a charm adds to the StatefulSet that Juju wrote for it, and how to look at the outcome."""

from __future__ import annotations

from typing import Any

from . import wire

MOUNT = {'name': 'charmarr-shared', 'mountPath': '/data'}
VOLUME = {'name': 'charmarr-shared', 'persistentVolumeClaim': {'claimName': 'shared'}}
GPU = {'gpu.intel.com/i915': '1'}


def wish(pod: dict[str, Any] | None = None) -> wire.Manifest:
    """Return the partial StatefulSet that says something of the pod, or nothing at all."""
    partial: wire.Manifest = {
        'apiVersion': 'apps/v1',
        'kind': 'StatefulSet',
        'metadata': {'name': 'plex'},
    }
    return {**partial, 'spec': {'template': {'spec': pod}}} if pod is not None else partial


def overlay(*, storage: bool = True, gpu: bool = True) -> wire.Manifest:
    """Return the partial StatefulSet with a shared volume, a device, or both."""
    workload: dict[str, Any] = {'name': 'plex'}
    if gpu:
        workload['resources'] = {'limits': GPU}
    if storage:
        workload['volumeMounts'] = [MOUNT]
    volumes = {'volumes': [VOLUME]} if storage else {}
    return wish({'containers': [workload], **volumes})


def pod(stateful_set: wire.Manifest) -> dict[str, Any]:
    """Return the pod spec of a StatefulSet."""
    return stateful_set['spec']['template']['spec']


def workload(stateful_set: wire.Manifest) -> dict[str, Any]:
    """Return the workload container of a StatefulSet."""
    return next(each for each in pod(stateful_set)['containers'] if each['name'] == 'plex')


def managers(obj: wire.Manifest) -> list[tuple[str, str]]:
    """Return who owns fields of an object, and by which operation."""
    entries = obj['metadata']['managedFields']
    return [(entry['manager'], entry['operation']) for entry in entries]


def owned(obj: wire.Manifest, manager: str) -> dict[str, Any]:
    """Return the fields that a manager owns by applying them, as FieldsV1."""
    [found] = [
        entry['fieldsV1']
        for entry in obj['metadata']['managedFields']
        if entry['manager'] == manager and entry['operation'] == 'Apply'
    ]
    return found
