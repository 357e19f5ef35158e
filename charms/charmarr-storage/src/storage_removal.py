# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What becomes of the volume when the last unit goes.

Juju runs the same hooks for ``remove-application`` and for ``scale-application 0``, and nothing in
them tells one from the other. Kubernetes can: Juju deletes the application's StatefulSet only when
the application is removed. So the charm never deletes a claim. Where the claim may go, it makes
the StatefulSet its owner, and Kubernetes deletes it with the StatefulSet, or not at all: after
scaling up again the charm takes the ownership back.

"Nobody is related" cannot be seen in the last hook either, because by then all relations are gone.
The claim says it (``storage_names.DELETABLE``): the mark is set only while nobody is related, and
taken away before anybody is told of the claim. A mark that could not be written means: keep.
"""

from __future__ import annotations

import dataclasses
import logging
from typing import TypeAlias

import storage_check_job as check_job
import storage_names
from charmarr_lib.kubernetes import Cluster, ClusterError, Kind, UnreachableError, claims
from shared_storage import is_using
from storage_options import Backend, StorageOptions

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Kept:
    """The claim stays, and why."""

    claim: str
    reason: str


@dataclasses.dataclass(frozen=True)
class Handed:
    """The claim is deleted with the application's StatefulSet, if that ever is."""

    claim: str


@dataclasses.dataclass(frozen=True)
class Absent:
    """There is no claim."""


Outcome: TypeAlias = Kept | Handed | Absent


def conclude(
    cluster: Cluster, names: storage_names.Names, options: StorageOptions | None
) -> Outcome:
    """Decide what becomes of the claim, and see to it. Never raises.

    Args:
        cluster: The Kubernetes API.
        names: Names and labels.
        options: The application's options; None if they cannot be used, which keeps everything.
    """
    if options is None:
        return Kept(names.claim, 'the options are invalid')
    if options.backend_type is Backend.EXISTING_CLAIM:
        return Kept(options.claim_name, 'it was not made by this charm')
    if not options.cleanup_on_remove:
        return Kept(names.claim, 'cleanup-on-remove is false')
    try:
        return _hand_over(cluster, names)
    except ClusterError as error:
        return Kept(names.claim, str(error))


def log(outcome: Outcome, names: storage_names.Names, *, with_volume: bool) -> None:
    """Write down what stays, and the commands that find it.

    Args:
        outcome: What became of the claim.
        names: Names and labels.
        with_volume: Whether the charm made the volume, which always stays.
    """
    where = names.namespace
    if isinstance(outcome, Kept):
        logger.warning(
            'kept PersistentVolumeClaim %s with the media on it (%s);'
            ' find it with: kubectl get pvc %s --namespace %s',
            *(outcome.claim, outcome.reason, outcome.claim, where),
        )
    elif isinstance(outcome, Handed):
        logger.warning('PersistentVolumeClaim %s goes with the application', outcome.claim)
    if with_volume:
        logger.warning(
            'kept PersistentVolume %s; find it with: kubectl get pv --selector %s',
            *(names.volume, names.selector),
        )


def _hand_over(cluster: Cluster, names: storage_names.Names) -> Outcome:
    found = cluster.get(Kind.PERSISTENT_VOLUME_CLAIM, names.claim)
    if found is None:
        return Absent()
    claim = claims.read_claim(found)
    stateful_set = cluster.get(Kind.STATEFUL_SET, names.app)
    reason = _reason_to_keep(cluster, names, claim)
    if reason or stateful_set is None:
        return Kept(claim.name, reason or 'the StatefulSet is gone')
    owners = [*claim.owners, check_job.owner(stateful_set)]
    metadata = {'resourceVersion': claim.version, 'ownerReferences': owners}
    try:
        cluster.merge(Kind.PERSISTENT_VOLUME_CLAIM, claim.name, {'metadata': metadata})
    except UnreachableError as error:
        return Kept(claim.name, f'unless it goes with the application after all: {error}')
    return Handed(claim.name)


def _reason_to_keep(
    cluster: Cluster, names: storage_names.Names, claim: claims.Claim
) -> str | None:
    if not names.are_on(claim.labels):
        return 'it was not made by this application'
    if storage_names.DELETABLE not in claim.annotations:
        return 'applications were related when the removal began'
    user = _user(cluster, claim.name)
    return f'{user} uses it' if user else None


def _user(cluster: Cluster, claim: str) -> str:
    """Return what uses the claim, related or not; the check's pods do not count."""
    for pod in cluster.find(Kind.POD):
        labels = claims.section(pod, 'metadata', 'labels')
        if check_job.POD not in labels and is_using(pod, claim):
            return f'Pod {pod["metadata"]["name"]}'
    for each in cluster.find(Kind.STATEFUL_SET):
        if claims.mounts(claims.section(each, 'spec', 'template', 'spec'), claim):
            return f'StatefulSet {each["metadata"]["name"]}'
    return ''
