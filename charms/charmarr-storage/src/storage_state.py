# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What the storage should be, what there is, and what can be done about the difference.

Plain frozen values, for :mod:`storage_plan` to decide with and :mod:`shared_storage` to act on.
"""

from __future__ import annotations

import dataclasses
from typing import TypeAlias

import storage_check_job as check_job
import storage_names
from charmarr_lib.kubernetes import Kind, Manifest, claims
from charmarr_lib.status import Level
from storage_options import Backend, StorageOptions


@dataclasses.dataclass(frozen=True)
class Trouble:
    """Why nothing more can be done now, and what the operator can do about it, in one line."""

    text: str
    level: Level = Level.BLOCKED


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What the storage should be.

    Attributes:
        options: The application's options.
        names: What its objects are called.
        has_consumers: Whether any application is related.
        offered: Claims that related applications have been told to mount.
    """

    options: StorageOptions
    names: storage_names.Names
    has_consumers: bool
    offered: frozenset[str]

    @property
    def backend(self) -> Backend:
        """Where the volume comes from."""
        return self.options.backend_type

    @property
    def claim(self) -> str:
        """Name of the claim."""
        return claim_name(self.options, self.names)

    def subject(self, claim: claims.Claim) -> check_job.Subject:
        """Return what is to be checked of the claim."""
        options = self.options
        return check_job.Subject(
            claim.name, claim.uid, options.puid, options.pgid, options.create_layout
        )


@dataclasses.dataclass(frozen=True)
class Seen:
    """What there is.

    Attributes:
        claim: The claim.
        volume: Our static volume.
        runs: Our check's Jobs, the oldest first.
        classes: The cluster's StorageClasses; read only while there is no volume.
        nodes: The cluster's nodes; read only when a volume for one of them is to be made.
    """

    claim: claims.Claim | None = None
    volume: claims.Volume | None = None
    runs: tuple[check_job.Run, ...] = ()
    classes: tuple[Manifest, ...] = ()
    nodes: tuple[Manifest, ...] = ()

    @property
    def run(self) -> check_job.Run | None:
        """The check's newest run."""
        return self.runs[-1] if self.runs else None

    @property
    def waits_for_consumer(self) -> bool:
        """Whether the volume is going to be made where the first pod that mounts it runs."""
        if self.claim is None or self.claim.phase is not claims.Phase.PENDING:
            return False
        wanted = self.claim.storage_class
        found = (each for each in self.classes if each['metadata']['name'] == wanted)
        return claims.waits_for_consumer(next(found, None))


@dataclasses.dataclass(frozen=True)
class Create:
    """Create an object."""

    kind: Kind
    manifest: Manifest


@dataclasses.dataclass(frozen=True)
class Change:
    """Change single fields of an object, unless somebody else has changed it since.

    Attributes:
        kind: Kind of the object.
        name: Its name.
        patch: A JSON merge patch that names the ``resourceVersion``.
        remedy: What an operator can do if it is refused.
    """

    kind: Kind
    name: str
    patch: Manifest
    remedy: str = ''


@dataclasses.dataclass(frozen=True)
class StartCheck:
    """Run the check.

    Attributes:
        number: Number of the run.
        subject: What to check.
        last_good: Answer to carry on.
        previous: Answer to carry on that told nothing.
        mounts_once: Whether the volume can be mounted on one node only.
    """

    number: int
    subject: check_job.Subject
    last_good: check_job.Answer | None
    previous: check_job.Answer | None
    mounts_once: bool


@dataclasses.dataclass(frozen=True)
class Conclude:
    """Record the answer of a run that has ended."""

    run: check_job.Run


@dataclasses.dataclass(frozen=True)
class DropRuns:
    """Delete the Jobs of older runs."""

    names: tuple[str, ...]


Step: TypeAlias = Create | Change | StartCheck | Conclude | DropRuns


def claim_name(options: StorageOptions, names: storage_names.Names) -> str:
    """Return the name of the claim that is used."""
    is_theirs = options.backend_type is Backend.EXISTING_CLAIM
    return options.claim_name if is_theirs else names.claim


def last_good(seen: Seen) -> check_job.Answer | None:
    """Return the last check that this very claim has passed."""
    if seen.run is None or seen.claim is None:
        return None
    good = seen.run.good
    return good if good is not None and good.uid == seen.claim.uid else None
