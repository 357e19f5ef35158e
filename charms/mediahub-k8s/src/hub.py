# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The program: where it keeps what, and how Pebble runs it."""

from __future__ import annotations

from typing import Any, Final

SERVICE: Final = 'mediahub'
CHECK: Final = 'mediahub-up'
PORT: Final = 8484
OWNER: Final = (584792, 584792)
"""User ``_daemon_`` of every rock."""

FOLDER: Final = '/var/lib/mediahub'
"""Where the data storage is mounted."""

CONFIG: Final = f'{FOLDER}/mediahub.toml'
"""On the storage, so that a server is still known while its application says nothing."""

CONTROL: Final = f'{FOLDER}/control.json'
"""Where the running hub says its address and a token for those who may read its folder."""

BACKUPS: Final = f'{FOLDER}/backups'
SECRETS: Final = '/etc/mediahub/secrets'
"""Not on the storage: a token is with Juju and in the running pod, in no copy of a volume."""

PROGRAM: Final = 'mediahub'
WEBHOOK: Final = '/api/v1/plex/webhook'


class Failed(Exception):
    """What an operator asked for cannot be done; the message is one line for them."""


def command(*words: str) -> list[str]:
    """Return a command line of the program in its container."""
    return [PROGRAM, '--config', CONFIG, *words]


def layer(timezone: str) -> Any:
    """Return the Pebble layer.

    It holds no secret: everybody who may read the plan could read it.
    """
    return {
        'summary': 'mediahub layer',
        'services': {
            SERVICE: {
                'override': 'replace',
                'summary': 'Watches the media servers',
                'command': ' '.join(command('serve')),
                'startup': 'enabled',
                'user-id': OWNER[0],
                'group-id': OWNER[1],
                # It writes down what plays, and folds the write-ahead log into its database.
                'kill-delay': '30s',
                'on-failure': 'restart',
                'environment': {'HOME': FOLDER, 'MEDIAHUB_HOME': FOLDER, 'TZ': timezone},
            },
        },
        'checks': {
            CHECK: {
                'override': 'replace',
                'level': 'ready',
                'startup': 'enabled',
                'period': '10s',
                'timeout': '3s',
                'threshold': 3,
                'http': {'url': f'http://localhost:{PORT}/healthz'},
            },
        },
    }
