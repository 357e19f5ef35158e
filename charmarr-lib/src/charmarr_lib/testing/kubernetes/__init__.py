# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0
"""An in-memory Kubernetes API server, strict about what it does not know."""

from .faults import Fault
from .juju import MANAGER as JUJU_MANAGER
from .juju import reapply as juju_reapply
from .juju import services as juju_services
from .juju import statefulset as juju_statefulset
from .refusals import Refused, UnexpectedRequest
from .server import KubernetesFake, Recorded

__all__ = [
    'JUJU_MANAGER',
    'Fault',
    'KubernetesFake',
    'Recorded',
    'Refused',
    'UnexpectedRequest',
    'juju_reapply',
    'juju_services',
    'juju_statefulset',
]
