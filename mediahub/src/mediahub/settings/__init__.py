# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What the hub is set to, from the environment and from the table ``[hub]`` of the TOML file.

One file serves engine and hub. In it a variable is spelt in kebab case and without ``MEDIAHUB_``:
``PLEX_SYNC_INTERVAL`` is ``plex-sync-interval``. The environment wins. Every secret can also be
given as the name of a file that holds it: ``PLEX_TOKEN_FILE``, ``plex-token-file``. Every server
of the file whose type is Plex is one of the hub's; ``PLEX_URL`` and ``PLEX_TOKEN`` describe one
more, named ``plex``, or correct the one of that name.
"""

from .loading import PLEX, load
from .model import CALLBACK, PlexServer, Settings, WebhookAuth, reference, variables

__all__ = [
    'CALLBACK',
    'PLEX',
    'PlexServer',
    'Settings',
    'WebhookAuth',
    'load',
    'reference',
    'variables',
]
