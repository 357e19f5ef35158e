# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The volume that applications share: looked at, and brought to what is wanted.

A reconcile looks, takes the next step that :mod:`storage_plan` names, and goes on with what the
API server answered, until there is nothing left to do for now. Whatever Kubernetes answers,
nothing is undone and nothing is raised: the rest is left to the next event.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping
from typing import Any, Final

import storage_check_job as check_job
import storage_plan as plan
import storage_state as state
from charmarr_lib.kubernetes import (
    Cluster,
    ClusterError,
    Kind,
    Manifest,
    RefusedError,
    UnreachableError,
    claims,
)
from charmarr_lib.status import Level
from storage_options import EVERY_NODE, Backend

logger = logging.getLogger(__name__)

# More than any way from nothing to a checked volume takes; a bound, in case something keeps
# changing an object back.
_MOST_STEPS: Final = 10
_NOT_FOUND: Final = 404
_CONFLICT: Final = 409
_NO_CLAIM: Final = state.Trouble('the claim is not made yet', Level.WAITING)
_NOT_MADE: Final = state.Trouble(
    'the volume is made when the first application mounts it; relate one first',
    Level.WAITING,
)
_GOING: Final = ('Succeeded', 'Failed')


@dataclasses.dataclass(frozen=True)
class Offer:
    """What applications are told.

    Attributes:
        claim: Claim to mount.
        mount_path: Where to mount it.
        puid: User that owns the files.
        pgid: Group that owns the files.
    """

    claim: str
    mount_path: str
    puid: int
    pgid: int


@dataclasses.dataclass(frozen=True)
class Storage:
    """How the storage is.

    Attributes:
        wanted: What it should be.
        seen: What there is; None if it could not be read.
        trouble: Why it is not as wanted, if something has to be done about it.
        delay: Why something takes time, as Kubernetes tells it; may be empty.
    """

    wanted: state.Wanted
    seen: state.Seen | None
    trouble: state.Trouble | None = None
    delay: str = ''

    @property
    def offer(self) -> Offer | None:
        """What may be offered to applications now; None leaves what was offered as it is."""
        if self.seen is None or self.seen.claim is None or self.trouble is not None:
            return None
        options = self.wanted.options
        if self.seen.waits_for_consumer:
            # Only a pod that mounts it makes it real, so nothing can be known before.
            return Offer(self.wanted.claim, options.mount_path, options.puid, options.pgid)
        good = state.last_good(self.seen)
        if good is None or not self.seen.claim.is_bound:
            return None
        return Offer(self.wanted.claim, options.mount_path, good.puid, good.pgid)


class SharedStorage:
    """The volume of one application.

    Args:
        cluster: The Kubernetes API.
        wanted: What the volume should be.
    """

    def __init__(self, cluster: Cluster, wanted: state.Wanted):
        self._cluster = cluster
        self._wanted = wanted

    def reconcile(self) -> Storage:
        """Look, and do what there is to do. Never raises."""
        return self._settle(_MOST_STEPS)

    def view(self) -> Storage:
        """Look, and change nothing. Never raises."""
        return self._settle(0)

    def check_anew(self) -> Storage:
        """Run the check whatever is known already. Never raises."""
        seen = None
        try:
            seen = self._look()
            step = plan.next_step(self._wanted, seen)
            if isinstance(step, state.Trouble):
                return Storage(self._wanted, seen, step)
            if seen.claim is None:
                return Storage(self._wanted, seen, _NO_CLAIM)
            if seen.waits_for_consumer:
                return Storage(self._wanted, seen, _NOT_MADE)
            seen = self._take(plan.start_check(self._wanted, seen, seen.claim), seen)
        except ClusterError as error:
            return Storage(self._wanted, seen, _trouble(error))
        return Storage(self._wanted, seen)

    def _settle(self, most_steps: int) -> Storage:
        seen = None
        try:
            seen = self._look()
            for _ in range(most_steps):
                step = plan.next_step(self._wanted, seen)
                if step is None or isinstance(step, state.Trouble):
                    break
                seen = self._take(step, seen)
                if isinstance(step, state.Conclude) and seen.run and seen.run.tells_nothing:
                    break  # not at once: it would tell nothing again
            step = plan.next_step(self._wanted, seen)
        except ClusterError as error:
            return Storage(self._wanted, seen, _trouble(error))
        trouble = step if isinstance(step, state.Trouble) else None
        return Storage(self._wanted, seen, trouble, self._delay(seen))

    def _look(self) -> state.Seen:
        wanted, names = self._wanted, self._wanted.names
        claim = self._claim()
        volume = self._volume() if wanted.backend.is_static else None
        jobs = self._cluster.find(Kind.JOB, labels=names.labels)
        runs = sorted(map(check_job.read, jobs), key=lambda run: run.number)
        return state.Seen(
            claim,
            volume,
            tuple(runs),
            classes=self._classes(claim),
            nodes=self._nodes(volume),
        )

    def _claim(self) -> claims.Claim | None:
        found = self._get(Kind.PERSISTENT_VOLUME_CLAIM, self._wanted.claim)
        return claims.read_claim(found) if found is not None else None

    def _volume(self) -> claims.Volume | None:
        found = self._get(Kind.PERSISTENT_VOLUME, self._wanted.names.volume)
        return claims.read_volume(found) if found is not None else None

    def _get(self, kind: Kind, name: str) -> Manifest | None:
        found = self._cluster.get(kind, name)
        if found is not None and not claims.section(found, 'metadata').get('uid'):
            # What a proxy answers in the API server's place must not pass for a stranger's object.
            raise UnreachableError(f'cannot read {kind.kind} {name}: the answer is something else')
        return found

    def _classes(self, claim: claims.Claim | None) -> tuple[Manifest, ...]:
        """Read the classes while they matter, which is until the claim is bound."""
        if claim is not None and claim.phase is not claims.Phase.PENDING:
            return ()
        if self._wanted.backend.is_static:
            return ()
        return tuple(self._cluster.find(Kind.STORAGE_CLASS))

    def _nodes(self, volume: claims.Volume | None) -> tuple[Manifest, ...]:
        wanted = self._wanted
        if wanted.backend is not Backend.HOSTPATH or volume is not None:
            return ()
        if wanted.options.hostpath_node == EVERY_NODE:
            return ()
        return tuple(self._cluster.find(Kind.NODE))

    def _take(self, step: state.Step, seen: state.Seen) -> state.Seen:
        if isinstance(step, state.Create):
            logger.info('creating %s %s', step.kind.kind, step.manifest['metadata']['name'])
            return _with(seen, step.kind, self._cluster.create(step.kind, step.manifest))
        if isinstance(step, state.Change):
            return self._change(step, seen)
        if isinstance(step, state.StartCheck):
            return self._start_check(step, seen)
        if isinstance(step, state.Conclude):
            return self._conclude(step.run, seen)
        for name in step.names:
            self._cluster.delete(Kind.JOB, name)
        kept = tuple(run for run in seen.runs if run.name not in step.names)
        return dataclasses.replace(seen, runs=kept)

    def _change(self, step: state.Change, seen: state.Seen) -> state.Seen:
        logger.info('changing %s %s', step.kind.kind, step.name)
        try:
            changed = self._cluster.merge(step.kind, step.name, step.patch)
        except RefusedError as error:
            if error.code == _CONFLICT or error.remedy or not step.remedy:
                raise
            raise RefusedError(error.code, error.reason, step.remedy) from None
        return _with(seen, step.kind, changed)

    def _start_check(self, step: state.StartCheck, seen: state.Seen) -> state.Seen:
        names = self._wanted.names
        stateful_set = self._get(Kind.STATEFUL_SET, names.app)
        if stateful_set is None:
            raise UnreachableError(f'there is no StatefulSet {names.app} to take the image from')
        job = check_job.manifest(
            names,
            step.subject,
            step.number,
            stateful_set=stateful_set,
            last_good=step.last_good,
            previous=step.previous,
            nodes=self._mounted_on(step.subject.claim) if step.mounts_once else (),
        )
        logger.info('checking the storage as %d:%d', step.subject.puid, step.subject.pgid)
        run = check_job.read(self._cluster.create(Kind.JOB, job))
        return dataclasses.replace(seen, runs=(*seen.runs, run))

    def _mounted_on(self, claim: str) -> tuple[str, ...]:
        """Return the nodes where pods use the claim."""
        pods = self._cluster.find(Kind.POD)
        found = {
            claims.section(pod, 'spec').get('nodeName', '') for pod in pods if is_using(pod, claim)
        }
        return tuple(sorted(found - {''}))

    def _conclude(self, run: check_job.Run, seen: state.Seen) -> state.Seen:
        pods = self._cluster.find(Kind.POD, labels={check_job.POD: run.name})
        answer = check_job.conclude(run, pods)
        logger.info('the storage check %s: %s', answer.result, answer.reason or 'no complaint')
        recorded = {check_job.ANSWER: answer.text()}
        patch = {'metadata': {'resourceVersion': run.version, 'annotations': recorded}}
        stored = check_job.read(self._cluster.merge(Kind.JOB, run.name, patch))
        runs = tuple(stored if each.name == run.name else each for each in seen.runs)
        return dataclasses.replace(seen, runs=runs)

    def _delay(self, seen: state.Seen) -> str:
        """Ask Kubernetes why something takes time. It may not tell, and that is no trouble."""
        claim, run = seen.claim, seen.run
        try:
            if claim is not None and (not claim.is_bound or claims.is_expanding(claim)):
                return self._complaint(Kind.PERSISTENT_VOLUME_CLAIM, claim.name)
            if run is not None and run.ended is None and run.good is None:
                return self._check_delay(run)
        except ClusterError as error:
            logger.debug('cannot find out why it takes time: %s', error)
        return ''

    def _check_delay(self, run: check_job.Run) -> str:
        pods = self._cluster.find(Kind.POD, labels={check_job.POD: run.name})
        for pod in pods:
            told = self._complaint(Kind.POD, pod['metadata']['name'])
            if told:
                return told
        return self._complaint(Kind.JOB, run.name) if not pods else ''

    def _complaint(self, kind: Kind, name: str) -> str:
        about = {'involvedObject.kind': kind.kind, 'involvedObject.name': name}
        return claims.complaint(self._cluster.find(Kind.EVENT, fields=about))


def is_using(pod: Mapping[str, Any], claim: str) -> bool:
    """Tell whether a pod has a claim mounted, or is about to."""
    is_over = claims.section(pod, 'status').get('phase') in _GOING
    return not is_over and claims.mounts(claims.section(pod, 'spec'), claim)


def _with(seen: state.Seen, kind: Kind, manifest: Manifest) -> state.Seen:
    if kind is Kind.PERSISTENT_VOLUME:
        return dataclasses.replace(seen, volume=claims.read_volume(manifest))
    return dataclasses.replace(seen, claim=claims.read_claim(manifest))


def _trouble(error: ClusterError) -> state.Trouble:
    if isinstance(error, RefusedError) and error.code not in (_NOT_FOUND, _CONFLICT):
        return state.Trouble(str(error))
    # The object has changed or gone since we looked, or nobody answered: the next event looks
    # again.
    return state.Trouble(str(error), Level.WAITING)
