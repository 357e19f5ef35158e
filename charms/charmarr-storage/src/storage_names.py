# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What the charm's Kubernetes objects are called, and how it knows its own again.

The labels are the identity: a PersistentVolume with them is taken up again by an application of
the same name in a model of the same name, and an object without them is never touched.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Final

MANAGER: Final = 'charmarr-storage'
"""Who the API server records as the writer of our objects."""

MANAGED_BY: Final = 'app.kubernetes.io/managed-by'
NAME: Final = 'app.kubernetes.io/name'
MODEL: Final = 'charmarr.io/model'

BACKEND: Final = 'charmarr.io/backend'
"""Annotation of a claim: the backend-type it was made for."""
CLASS: Final = 'charmarr.io/storage-class'
"""Annotation of a claim: what the option storage-class was; empty for the cluster's default."""
NODE: Final = 'charmarr.io/hostpath-node'
"""Annotation of a volume: the node that has the folder, ``*`` for all of them."""
DELETABLE: Final = 'charmarr.io/delete-with-application'
"""Annotation of a claim that may go with the application: cleanup is on and nobody was related."""

_LONGEST_JOB: Final = 63  # a Job's name becomes a label of its pods
_LONGEST_NUMBER: Final = 8


@dataclasses.dataclass(frozen=True)
class Names:
    """Names and labels of one application's objects.

    Attributes:
        app: Name of the Juju application.
        namespace: Namespace of the model, which is the model's name.
    """

    app: str
    namespace: str

    @property
    def claim(self) -> str:
        """Name of the claim."""
        return f'{self.app}-shared'

    @property
    def volume(self) -> str:
        """Name of the volume. Volumes have no namespace, so the model is part of it."""
        return f'{self.namespace}-{self.app}-shared'

    def job(self, run: int) -> str:
        """Name of the check's Job of one run."""
        room = _LONGEST_JOB - len('-check-') - _LONGEST_NUMBER
        return f'{self.app[:room].rstrip("-")}-check-{run}'

    @property
    def labels(self) -> dict[str, str]:
        """Labels of every object."""
        return {MANAGED_BY: MANAGER, NAME: self.app, MODEL: self.namespace}

    @property
    def selector(self) -> str:
        """The labels as ``kubectl --selector`` takes them."""
        return ','.join(f'{key}={value}' for key, value in self.labels.items())

    def are_on(self, labels: Mapping[str, str]) -> bool:
        """Tell whether an object with these labels is ours."""
        return all(labels.get(key) == value for key, value in self.labels.items())
