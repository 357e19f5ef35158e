# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Work on the Kubernetes objects of an application.

:class:`Cluster` makes plain calls, with lightkube behind them. :mod:`.overlay` keeps an
application's pod template as its charm wishes, with one server-side apply.

Importing this package costs little: lightkube is imported with the first call.
"""

from ._cluster import (
    Cluster,
    ClusterError,
    Kind,
    Manifest,
    RefusedError,
    UnreachableError,
)
from ._quantity import InvalidQuantityError, parse_quantity
from .overlay import (
    Applied,
    DeviceResource,
    Gone,
    HostDevice,
    LeftOut,
    Outcome,
    Pending,
    PodOverlay,
    Refused,
    ScratchVolume,
    SharedVolume,
    Unchanged,
    Unreachable,
)

__all__ = [
    'Applied',
    'Cluster',
    'ClusterError',
    'DeviceResource',
    'Gone',
    'HostDevice',
    'InvalidQuantityError',
    'Kind',
    'LeftOut',
    'Manifest',
    'Outcome',
    'Pending',
    'PodOverlay',
    'Refused',
    'RefusedError',
    'ScratchVolume',
    'SharedVolume',
    'Unchanged',
    'Unreachable',
    'UnreachableError',
    'parse_quantity',
]
