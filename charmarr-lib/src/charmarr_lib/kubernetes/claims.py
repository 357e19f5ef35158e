# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""PersistentVolumeClaims and PersistentVolumes: written, and read as far as a charm needs them.

Everything here is a pure function of manifests; :class:`.Cluster` makes the calls. What the API
server may leave out reads as empty, because a claim that was made a moment ago has no status yet.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, cast

from ._cluster import Kind, Manifest
from ._quantity import parse_quantity

# https://kubernetes.io/docs/concepts/storage/storage-classes/#default-storageclass
_DEFAULT_CLASS: Final = 'storageclass.kubernetes.io/is-default-class'
_HOSTNAME: Final = 'kubernetes.io/hostname'


class Phase(enum.StrEnum):
    """How far a claim is; ``status.phase`` of the API."""

    PENDING = 'Pending'
    BOUND = 'Bound'
    LOST = 'Lost'


@dataclasses.dataclass(frozen=True)
class Condition:
    """One of ``status.conditions`` that is true."""

    type: str
    message: str


@dataclasses.dataclass(frozen=True)
class Claim:
    """A PersistentVolumeClaim as the API server has it.

    Attributes:
        name: Its name.
        uid: What tells it from another of the same name.
        version: ``resourceVersion``; a change that names it is refused if somebody was faster.
        labels: Its labels.
        annotations: Its annotations.
        owners: ``ownerReferences``: what it will be deleted with.
        is_going: Whether it has been deleted and only waits for the pods that use it.
        phase: How far it is.
        storage_class: Its class; empty for none, None while the server has not chosen.
        access_modes: What it asks for, such as ``ReadWriteMany``.
        is_filesystem: Whether pods see folders, and not a raw device.
        volume: The PersistentVolume that it asks for, or has; empty for any.
        requested: Quantity that it asks for.
        capacity: Quantity that it has; empty before it is bound.
        conditions: The conditions that are true.
        resize: ``allocatedResourceStatuses`` for storage, such as ``NodeResizePending``.
    """

    name: str
    uid: str
    version: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    owners: tuple[Manifest, ...]
    is_going: bool
    phase: Phase
    storage_class: str | None
    access_modes: tuple[str, ...]
    is_filesystem: bool
    volume: str
    requested: str
    capacity: str
    conditions: tuple[Condition, ...]
    resize: str

    @property
    def is_bound(self) -> bool:
        """Whether it has a volume."""
        return self.phase is Phase.BOUND


@dataclasses.dataclass(frozen=True)
class Volume:
    """A PersistentVolume as the API server has it.

    Attributes:
        name: Its name.
        version: ``resourceVersion``.
        labels: Its labels.
        annotations: Its annotations.
        is_going: Whether it has been deleted and only waits for its claim.
        phase: ``Available``, ``Bound``, ``Released`` or ``Failed``; empty when it is new.
        message: Why it failed.
        source: Where the files are, such as ``{'nfs': {'server': ..., 'path': ...}}``.
        capacity: Quantity.
        mount_options: As for ``mount -o``.
        nodes: The nodes that can mount it; empty for all.
        claim: Namespace and name of the claim that it is kept for, or None for any.
        claim_uid: The one claim of that name that it belongs to; empty for any.
    """

    name: str
    version: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    is_going: bool
    phase: str
    message: str
    source: Manifest
    capacity: str
    mount_options: tuple[str, ...]
    nodes: tuple[str, ...]
    claim: tuple[str, str] | None
    claim_uid: str


def read_claim(manifest: Mapping[str, Any]) -> Claim:
    """Read a PersistentVolumeClaim."""
    meta, spec, status = (section(manifest, key) for key in ('metadata', 'spec', 'status'))
    return Claim(
        name=meta.get('name', ''),
        uid=meta.get('uid', ''),
        version=meta.get('resourceVersion', ''),
        labels=section(meta, 'labels'),
        annotations=section(meta, 'annotations'),
        owners=tuple(meta.get('ownerReferences') or ()),
        is_going='deletionTimestamp' in meta,
        phase=_phase(status.get('phase')),
        storage_class=spec.get('storageClassName'),
        access_modes=tuple(spec.get('accessModes') or ()),
        is_filesystem=spec.get('volumeMode', 'Filesystem') == 'Filesystem',
        volume=spec.get('volumeName') or '',
        requested=_storage(section(spec, 'resources', 'requests')),
        capacity=_storage(section(status, 'capacity')),
        conditions=tuple(_conditions(status.get('conditions') or ())),
        resize=_storage(section(status, 'allocatedResourceStatuses')),
    )


def read_volume(manifest: Mapping[str, Any]) -> Volume:
    """Read a PersistentVolume."""
    meta, spec, status = (section(manifest, key) for key in ('metadata', 'spec', 'status'))
    reference = section(spec, 'claimRef')
    return Volume(
        name=meta.get('name', ''),
        version=meta.get('resourceVersion', ''),
        labels=section(meta, 'labels'),
        annotations=section(meta, 'annotations'),
        is_going='deletionTimestamp' in meta,
        phase=status.get('phase', ''),
        message=status.get('message', ''),
        source={kind: spec[kind] for kind in _SOURCES if kind in spec},
        capacity=_storage(section(spec, 'capacity')),
        mount_options=tuple(spec.get('mountOptions') or ()),
        nodes=tuple(_nodes(section(spec, 'nodeAffinity', 'required'))),
        claim=(reference.get('namespace', ''), reference.get('name', '')) if reference else None,
        claim_uid=reference.get('uid', ''),
    )


def claim_manifest(
    name: str,
    *,
    access_mode: str,
    size: str,
    storage_class: str | None = None,
    volume: str = '',
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
) -> Manifest:
    """Return a claim to be created.

    Args:
        name: Its name.
        access_mode: Such as ``ReadWriteMany``.
        size: Quantity.
        storage_class: Class that provisions it; empty for none, None for the cluster's default.
        volume: The one PersistentVolume that it takes; empty for any.
        labels: Its labels.
        annotations: Its annotations.
    """
    spec: Manifest = {'accessModes': [access_mode], 'resources': {'requests': {'storage': size}}}
    if storage_class is not None:
        spec['storageClassName'] = storage_class
    if volume:
        spec['volumeName'] = volume
    return {'metadata': _metadata(name, labels, annotations), 'spec': spec}


def volume_manifest(
    name: str,
    source: Mapping[str, Any],
    *,
    access_mode: str,
    size: str,
    claim: tuple[str, str],
    claim_uid: str = '',
    mount_options: Sequence[str] = (),
    node: str = '',
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
) -> Manifest:
    """Return a static volume to be created; it outlives its claim (reclaim policy Retain).

    Args:
        name: Its name.
        source: Where the files are, such as ``{'nfs': {'server': ..., 'path': ...}}``.
        access_mode: Such as ``ReadWriteMany``.
        size: Quantity. Nothing enforces it.
        claim: Namespace and name of the claim that it is kept for.
        claim_uid: Uid of that claim if it exists already: a claim that was bound before takes its
            volume back only by uid.
        mount_options: As for ``mount -o``.
        node: Only node that can mount it, as its label ``kubernetes.io/hostname`` says; empty
            for all.
        labels: Its labels.
        annotations: Its annotations.
    """
    reference = {'apiVersion': 'v1', 'kind': Kind.PERSISTENT_VOLUME_CLAIM.kind}
    reference |= {'namespace': claim[0], 'name': claim[1]}
    if claim_uid:
        reference['uid'] = claim_uid
    spec: Manifest = {
        **source,
        'accessModes': [access_mode],
        'capacity': {'storage': size},
        'claimRef': reference,
        'persistentVolumeReclaimPolicy': 'Retain',
        'storageClassName': '',
    }
    if mount_options:
        spec['mountOptions'] = list(mount_options)
    if node:
        spec['nodeAffinity'] = _only_on(node)
    return {'metadata': _metadata(name, labels, annotations), 'spec': spec}


def default_class(classes: Iterable[Mapping[str, Any]]) -> str | None:
    """Return the name of the class that the cluster uses when none is named, if there is one.

    Of several the newest counts, as for the API server.
    """
    marked = [each['metadata'] for each in classes if _is_default(each)]
    if not marked:
        return None
    return max(marked, key=lambda meta: meta.get('creationTimestamp') or '')['name']


def waits_for_consumer(storage_class: Mapping[str, Any] | None) -> bool:
    """Tell whether volumes of a class are made only when a pod mounts them."""
    return (storage_class or {}).get('volumeBindingMode') == 'WaitForFirstConsumer'


def hostname(node: Mapping[str, Any]) -> str:
    """Return what a node affinity calls a node."""
    meta = section(node, 'metadata')
    return section(meta, 'labels').get(_HOSTNAME) or meta.get('name', '')


def is_expanding(claim: Claim) -> bool:
    """Tell whether a bound claim has less than it asks for."""
    if not claim.is_bound or not claim.capacity or not claim.requested:
        return False
    return parse_quantity(claim.capacity) < parse_quantity(claim.requested)


def expansion_failure(claim: Claim) -> str | None:
    """Return why an expansion cannot go on, in one line, or None if nothing says that it cannot.

    Kubernetes 1.31 and newer say so in conditions and in ``allocatedResourceStatuses``; with an
    older one only the events tell.
    """
    for condition in claim.conditions:
        if condition.type in ('ControllerResizeError', 'NodeResizeError'):
            return one_line(condition.message) or condition.type
    return claim.resize if claim.resize.endswith('Infeasible') else None


def waits_for_mount(claim: Claim) -> bool:
    """Tell whether only the file system is left to grow, which happens when a pod mounts it."""
    pending = any(each.type == 'FileSystemResizePending' for each in claim.conditions)
    return pending or claim.resize == 'NodeResizePending'


def complaint(events: Iterable[Mapping[str, Any]]) -> str:
    """Return what the newest event that explains a delay says, in one line, or nothing.

    Warnings come before notices: a provisioner that keeps failing also keeps saying that it waits.
    """
    told = [each for each in events if _explains(each)]
    return one_line(max(told, key=_rank).get('message') or '') if told else ''


def mounts(pod_spec: Mapping[str, Any], claim: str) -> bool:
    """Tell whether a pod, or a template of one, mounts a claim."""
    return any(
        section(each, 'persistentVolumeClaim').get('claimName') == claim
        for each in pod_spec.get('volumes') or ()
    )


def section(manifest: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    """Return the object under a path of keys, or an empty one where any of them is missing."""
    found: Any = manifest
    for key in keys:
        found = cast('Mapping[str, Any]', found).get(key)
        if not isinstance(found, Mapping):
            return {}
    return cast('Mapping[str, Any]', found)


def one_line(text: str) -> str:
    """Return a text with every run of white space made one space."""
    return ' '.join(text.split())


_SOURCES: Final = ('nfs', 'hostPath', 'local', 'csi')
_TELLING: Final = frozenset({'FailedBinding', 'ExternalProvisioning'})


def _metadata(
    name: str, labels: Mapping[str, str] | None, annotations: Mapping[str, str] | None
) -> Manifest:
    return {'name': name, 'labels': dict(labels or {}), 'annotations': dict(annotations or {})}


def _explains(event: Mapping[str, Any]) -> bool:
    return event.get('type') == 'Warning' or event.get('reason') in _TELLING


def _rank(event: Mapping[str, Any]) -> tuple[bool, str]:
    stamps = (event.get(key) for key in ('lastTimestamp', 'eventTime', 'firstTimestamp'))
    return event.get('type') == 'Warning', next((each for each in stamps if each), '')


def _is_default(storage_class: Mapping[str, Any]) -> bool:
    return section(storage_class, 'metadata', 'annotations').get(_DEFAULT_CLASS) == 'true'


def _phase(text: str | None) -> Phase:
    return Phase(text) if text in tuple(Phase) else Phase.PENDING


def _conditions(found: Iterable[Mapping[str, Any]]) -> Iterable[Condition]:
    for each in found:
        if each.get('status') == 'True':
            yield Condition(each.get('type', ''), each.get('message', ''))


def _only_on(node: str) -> Manifest:
    expression = {'key': _HOSTNAME, 'operator': 'In', 'values': [node]}
    return {'required': {'nodeSelectorTerms': [{'matchExpressions': [expression]}]}}


def _nodes(required: Mapping[str, Any]) -> Iterable[str]:
    for term in required.get('nodeSelectorTerms') or ():
        for each in term.get('matchExpressions') or ():
            if each.get('key') == _HOSTNAME:
                yield from each.get('values') or ()


def _storage(quantities: Mapping[str, Any]) -> str:
    return str(quantities.get('storage', ''))
