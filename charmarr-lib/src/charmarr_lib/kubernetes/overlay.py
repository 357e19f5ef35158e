# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What a charm adds to the pod template that Juju writes for it.

One application has one overlay: the union of everything its charm wishes (shared volume, device,
scratch space), applied in one server-side apply under the charm's own field manager. Sending less
releases what is no longer wished, so nothing is left behind. It is never forced: what another
manager owns stays that manager's.

Changing the template restarts the pods, the one that runs this hook among them. So look first,
write only when something differs, and let it be the last thing a reconciler does.

Never part of an overlay, because Juju overwrites it or refuses to upgrade: init containers, the
``charm`` container, ``terminationGracePeriodSeconds``, ``supplementalGroups``.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from ._cluster import Cluster, Kind, Manifest, RefusedError, UnreachableError
from ._fields import holds, owned, wished

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class SharedVolume:
    """Mount a PersistentVolumeClaim that other applications mount too.

    Attributes:
        claim: Name of the claim, in the application's namespace.
        mount_path: Where the workload container sees it.
    """

    claim: str
    mount_path: str


@dataclasses.dataclass(frozen=True)
class DeviceResource:
    """Ask for a device that a device plugin hands out; the pod stays unprivileged.

    Attributes:
        resource: Extended resource, such as ``gpu.intel.com/i915``.
        count: How many of it.
    """

    resource: str
    count: int = 1


@dataclasses.dataclass(frozen=True)
class HostDevice:
    """Mount a device folder of the node, and be privileged, without which it cannot be opened.

    Attributes:
        path: Folder on the node, and in the container. A node that lacks it gets an empty one:
            a mount that fails would keep the pod down, and with it the charm that could undo it.
    """

    path: str = '/dev/dri'


@dataclasses.dataclass(frozen=True)
class ScratchVolume:
    """Mount disk space that lives as long as the pod.

    Attributes:
        mount_path: Where the workload container sees it.
        size_limit: Quantity at which the kubelet evicts the pod, such as ``20Gi``.
    """

    mount_path: str
    size_limit: str


Wish: TypeAlias = SharedVolume | DeviceResource | HostDevice | ScratchVolume

_SHARED: Final = 'charmarr-shared'
_DEVICE: Final = 'charmarr-device'
_SCRATCH: Final = 'charmarr-scratch'


@dataclasses.dataclass(frozen=True)
class PodOverlay:
    """Everything a charm wishes for its pod; empty releases all.

    Attributes:
        container: Name of the workload container.
        wishes: At most one of each kind.
    """

    container: str
    wishes: tuple[Wish, ...] = ()

    def manifest(self, statefulset: str) -> Manifest:
        """Return the partial StatefulSet that says so, and nothing else."""
        metadata = {'name': statefulset}
        if not self.wishes:
            return {'metadata': metadata}
        container: Manifest = {'name': self.container}
        volumes: list[Manifest] = []
        for wish in self.wishes:
            _add(wish, container, volumes)
        pod: Manifest = {'containers': [container]}
        if volumes:
            pod['volumes'] = volumes
        return {'metadata': metadata, 'spec': {'template': {'spec': pod}}}


@dataclasses.dataclass(frozen=True)
class LeftOut:
    """A wish that would keep the pod from starting, and was therefore not applied.

    Attributes:
        wish: The wish.
        reason: What is missing, in one line.
    """

    wish: Wish
    reason: str


@dataclasses.dataclass(frozen=True)
class Unchanged:
    """The template is as wished; nothing was written."""

    left_out: tuple[LeftOut, ...] = ()


@dataclasses.dataclass(frozen=True)
class Applied:
    """The template was changed; if ``rollout``, Kubernetes now replaces the pods."""

    rollout: bool
    left_out: tuple[LeftOut, ...] = ()


@dataclasses.dataclass(frozen=True)
class Refused:
    """The API server said no. Attributes are one line each; the remedy may be empty."""

    reason: str
    remedy: str

    def __str__(self) -> str:
        return f'{self.reason}; {self.remedy}' if self.remedy else self.reason


@dataclasses.dataclass(frozen=True)
class Unreachable:
    """The API server could not be asked; the next event tries again."""

    reason: str

    def __str__(self) -> str:
        return self.reason


@dataclasses.dataclass(frozen=True)
class Gone:
    """There is no StatefulSet: the application is going away. Nothing was written."""


@dataclasses.dataclass(frozen=True)
class Pending:
    """The template differs from the wishes; :func:`commit` changes it.

    Attributes:
        statefulset: Name of the application's StatefulSet.
        rollout: Whether Kubernetes will replace the pods.
        left_out: Wishes that will not be applied.
        manifest: What is going to be applied.
        generation: The StatefulSet's generation before.
    """

    statefulset: str
    rollout: bool
    left_out: tuple[LeftOut, ...]
    manifest: Manifest = dataclasses.field(repr=False)
    generation: int | None = dataclasses.field(repr=False)


Outcome: TypeAlias = Unchanged | Applied | Refused | Unreachable | Gone


def prepare(
    cluster: Cluster, statefulset: str, overlay: PodOverlay
) -> Pending | Unchanged | Refused | Unreachable | Gone:
    """Find out what :func:`reconcile` would do, without doing it. Never raises.

    For a charm that has something to do before its pods go, such as stopping its workload cleanly.
    When something differs, the API server is asked with a dry run whether it will agree.

    Args:
        cluster: The API, with the field manager that owns the overlay.
        statefulset: Name of the application's StatefulSet.
        overlay: What is wished now.
    """
    try:
        looked = _look(cluster, statefulset, overlay)
        if not isinstance(looked, Pending):
            return looked
        answer = cluster.apply(Kind.STATEFUL_SET, looked.manifest, dry_run=True)
    except UnreachableError as error:
        return Unreachable(str(error))
    except RefusedError as error:
        return Refused(error.reason, error.remedy)
    return dataclasses.replace(looked, rollout=_generation(answer) != looked.generation)


def commit(cluster: Cluster, pending: Pending) -> Applied | Refused | Unreachable:
    """Change the template as prepared. Never raises."""
    try:
        applied = cluster.apply(Kind.STATEFUL_SET, pending.manifest)
    except UnreachableError as error:
        return Unreachable(str(error))
    except RefusedError as error:
        return Refused(error.reason, error.remedy)
    return Applied(_generation(applied) != pending.generation, pending.left_out)


def reconcile(cluster: Cluster, statefulset: str, overlay: PodOverlay) -> Outcome:
    """Bring the pod template to the overlay, writing only if something differs. Never raises.

    A wish that is not in place yet is left out while it would keep the pod from starting: a claim
    that does not exist, a device that no node offers.

    Args:
        cluster: The API, with the field manager that owns the overlay.
        statefulset: Name of the application's StatefulSet.
        overlay: What is wished now.
    """
    try:
        looked = _look(cluster, statefulset, overlay)
    except UnreachableError as error:
        return Unreachable(str(error))
    except RefusedError as error:
        return Refused(error.reason, error.remedy)
    return commit(cluster, looked) if isinstance(looked, Pending) else looked


def _look(cluster: Cluster, statefulset: str, overlay: PodOverlay) -> Pending | Unchanged | Gone:
    live = cluster.get(Kind.STATEFUL_SET, statefulset)
    if live is None or _is_going(live):
        return Gone()
    left_out = tuple(_infeasible(cluster, live, overlay))
    manifest = _without(overlay, left_out).manifest(statefulset)
    if _in_place(live, manifest, cluster.field_manager):
        return Unchanged(left_out)
    # The uid makes the apply miss a StatefulSet of the same name that Juju created since, and
    # keeps it from creating one that Juju has deleted.
    manifest['metadata']['uid'] = live['metadata']['uid']
    return Pending(statefulset, True, left_out, manifest, _generation(live))


def _add(wish: Wish, container: Manifest, volumes: list[Manifest]) -> None:
    if isinstance(wish, SharedVolume):
        source = {'persistentVolumeClaim': {'claimName': wish.claim}}
        _mount(container, volumes, _SHARED, wish.mount_path, source)
    elif isinstance(wish, HostDevice):
        source = {'hostPath': {'path': wish.path, 'type': 'DirectoryOrCreate'}}
        _mount(container, volumes, _DEVICE, wish.path, source)
        container['securityContext'] = {'privileged': True}
    elif isinstance(wish, ScratchVolume):
        # On disk: memory would count against the container's limit.
        source = {'emptyDir': {'sizeLimit': wish.size_limit}}
        _mount(container, volumes, _SCRATCH, wish.mount_path, source)
    else:
        container['resources'] = {'limits': {wish.resource: str(wish.count)}}


def _mount(
    container: Manifest, volumes: list[Manifest], name: str, path: str, source: Manifest
) -> None:
    container.setdefault('volumeMounts', []).append({'name': name, 'mountPath': path})
    volumes.append({'name': name, **source})


def _in_place(live: Mapping[str, Any], manifest: Manifest, manager: str) -> bool:
    """Tell whether an apply would change neither a value nor who owns it."""
    spec = manifest.get('spec', {})
    return owned(live, manager) == wished(manifest) and holds(live['spec'], spec)


def _infeasible(cluster: Cluster, live: Manifest, overlay: PodOverlay) -> Iterator[LeftOut]:
    for wish in overlay.wishes:
        if isinstance(wish, SharedVolume | DeviceResource) and not _has(live, overlay, wish):
            reason = _obstacle(cluster, wish)
            if reason:
                yield LeftOut(wish, reason)


def _has(live: Manifest, overlay: PodOverlay, wish: Wish) -> bool:
    """Tell whether the template carries a wish already, so that it cannot make things worse."""
    alone = PodOverlay(overlay.container, (wish,)).manifest('')
    return holds(live['spec'], alone['spec'])


def _obstacle(cluster: Cluster, wish: SharedVolume | DeviceResource) -> str:
    if isinstance(wish, SharedVolume):
        claim = cluster.get(Kind.PERSISTENT_VOLUME_CLAIM, wish.claim)
        if claim is None:
            return f'claim {wish.claim} does not exist in namespace {cluster.namespace}'
        return f'claim {wish.claim} is being deleted' if _is_going(claim) else ''
    nodes = cluster.find(Kind.NODE)
    offered = any(_offers(node, wish.resource) for node in nodes)
    return '' if offered else f'no node offers {wish.resource}'


def _is_going(manifest: Mapping[str, Any]) -> bool:
    return 'deletionTimestamp' in manifest['metadata']


def _offers(node: Mapping[str, Any], resource: str) -> bool:
    allocatable = node.get('status', {}).get('allocatable', {})
    return str(allocatable.get(resource, '0')) not in ('', '0')


def _without(overlay: PodOverlay, left_out: Sequence[LeftOut]) -> PodOverlay:
    dropped = [each.wish for each in left_out]
    kept = tuple(wish for wish in overlay.wishes if wish not in dropped)
    return dataclasses.replace(overlay, wishes=kept)


def _generation(manifest: Mapping[str, Any]) -> int | None:
    return manifest['metadata'].get('generation')
