# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The relations of the suite: what is written to the databags, and how it is read.

Two interfaces, ``media-storage`` and ``media-server``, each with a provider and a requirer class.
Every databag holds one key, ``config``, with one JSON object in it. Reading never raises and never
hides: a relation answers :class:`Absent`, :class:`Malformed` or :class:`Valid`.
"""

from ._answers import Absent, Answer, Malformed, Valid
from ._media_server import (
    MediaServer,
    MediaServerChangedEvent,
    MediaServerProvider,
    MediaServerProviderData,
    MediaServerRequirer,
    MediaServerRequirerData,
    RequestManager,
)
from ._media_storage import (
    MediaStorageChangedEvent,
    MediaStorageProvider,
    MediaStorageProviderData,
    MediaStorageRequirer,
    MediaStorageRequirerData,
)

__all__ = [
    'Absent',
    'Answer',
    'Malformed',
    'MediaServer',
    'MediaServerChangedEvent',
    'MediaServerProvider',
    'MediaServerProviderData',
    'MediaServerRequirer',
    'MediaServerRequirerData',
    'MediaStorageChangedEvent',
    'MediaStorageProvider',
    'MediaStorageProviderData',
    'MediaStorageRequirer',
    'MediaStorageRequirerData',
    'RequestManager',
    'Valid',
]
