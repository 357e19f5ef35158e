# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""How Plex is run: the Pebble layer, and what the container must look like.

The image's own ``/init`` refuses to run under Pebble, because it insists on being process 1. So
the binary is started directly, and the little of ``/init`` that Plex needs is done here.
"""

from __future__ import annotations

import dataclasses
import stat
from collections.abc import Iterable
from typing import Any, Final

CONTAINER: Final = 'plex'
SERVICE: Final = 'plex'
LABEL: Final = 'plex'
PORT: Final = 32400
READY_CHECK: Final = 'plex-ready'
STARTED_CHECK: Final = 'plex-started'
CHECK_PERIOD: Final = 10
"""Seconds between two runs of the readiness check."""

CONFIG: Final = '/config'
TRANSCODE: Final = '/transcode'
DEVICES: Final = '/dev/dri'
HOME: Final = '/usr/lib/plexmediaserver'
SUPPORT: Final = f'{CONFIG}/Library/Application Support'
PREFERENCES: Final = f'{SUPPORT}/Plex Media Server/Preferences.xml'
# The image sets TMPDIR to this, and Pebble passes it on, but only /init creates it.
_TEMPORARY: Final = '/run/plex-temp'

# Folders that Plex or Juju would miss if something else were mounted over them.
_NEEDED: Final = (
    *(CONFIG, TRANSCODE, DEVICES, HOME, _TEMPORARY, '/charm', '/proc', '/sys'),
    *('/etc', '/bin', '/usr/bin', '/lib', '/usr/lib', '/var/lib/pebble'),
)

# Pebble drops supplementary groups for a service with user-id, and the GPU is opened by its group;
# setpriv keeps them. exec hands Pebble's SIGTERM to Plex itself. A pid file that a killed pod left
# behind makes Plex think that it runs already.
_SCRIPT: Final = (
    'set -e; umask 022; '
    'rm -f "$PLEX_MEDIA_SERVER_APPLICATION_SUPPORT_DIR/Plex Media Server/plexmediaserver.pid"; '
    'install -d -o "$RUN_UID" -g "$RUN_GID" '
    '"$TMPDIR" "$HOME/Library" "$PLEX_MEDIA_SERVER_APPLICATION_SUPPORT_DIR"; '
    'exec setpriv --reuid="$RUN_UID" --regid="$RUN_GID" --groups="$RUN_GROUPS" '
    f'"{HOME}/Plex Media Server"'
)


@dataclasses.dataclass(frozen=True)
class Device:
    """A device file of the container.

    Attributes:
        name: Its name below ``/dev/dri``.
        group_id: The group that may use it.
        mode: Its permission bits.
    """

    name: str
    group_id: int
    mode: int

    @property
    def can_render(self) -> bool:
        """Whether this is a render node, which is what Plex opens to transcode."""
        return self.name.startswith('renderD')


@dataclasses.dataclass(frozen=True)
class Launch:
    """What differs from one deployment to the next.

    Attributes:
        user_id: Numeric user that Plex runs as.
        group_id: Its numeric group.
        device_groups: Further groups, which open the GPU.
        timezone: IANA name.
    """

    user_id: int
    group_id: int
    device_groups: tuple[int, ...] = ()
    timezone: str = 'Etc/UTC'


def device_groups(devices: Iterable[Device]) -> tuple[int, ...]:
    """Return the groups needed to open the devices, in order.

    The number varies from node to node; a device that everybody may open needs none.
    """
    everybody = stat.S_IROTH | stat.S_IWOTH
    return tuple(sorted({each.group_id for each in devices if each.mode & everybody != everybody}))


def layer(launch: Launch) -> dict[str, Any]:
    """Return the Pebble layer: the service and its two checks.

    Neither check restarts Plex: a first start or a migration of its database may take minutes.
    """
    groups = dict.fromkeys((launch.group_id, *launch.device_groups))
    return {
        'summary': 'Plex Media Server',
        'services': {
            SERVICE: {
                'override': 'replace',
                'summary': 'Plex Media Server',
                'command': f"/bin/bash -c '{_SCRIPT}'",
                'startup': 'enabled',
                'on-failure': 'restart',
                # On its way out Plex folds the write-ahead log into its database; Pebble would
                # kill it after five seconds.
                'kill-delay': '120s',
                'environment': {
                    'HOME': CONFIG,
                    'PLEX_MEDIA_SERVER_APPLICATION_SUPPORT_DIR': SUPPORT,
                    'PLEX_MEDIA_SERVER_HOME': HOME,
                    'PLEX_MEDIA_SERVER_MAX_PLUGIN_PROCS': '6',
                    'PLEX_MEDIA_SERVER_INFO_VENDOR': 'Juju',
                    'TMPDIR': _TEMPORARY,
                    'TZ': launch.timezone,
                    'RUN_UID': str(launch.user_id),
                    'RUN_GID': str(launch.group_id),
                    'RUN_GROUPS': ','.join(str(each) for each in groups),
                },
            }
        },
        'checks': {
            READY_CHECK: _check(CHECK_PERIOD, 3) | {'level': 'ready'},
            # Fails once while Plex starts, so that Juju tells the charm when it has come up.
            STARTED_CHECK: _check(5, 1),
        },
    }


def _check(period: int, threshold: int) -> dict[str, Any]:
    return {
        'override': 'replace',
        'period': f'{period}s',
        'timeout': '3s',
        'threshold': threshold,
        'http': {'url': f'http://localhost:{PORT}/identity'},
    }


def hides(mount_path: str) -> str | None:
    """Return the folder that a volume mounted at ``mount_path`` would hide from Plex or Juju."""
    return next(
        (each for each in _NEEDED if f'{each}/'.startswith(f'{mount_path}/')),
        None,
    )
