# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Files of a workload container: who owns them, and what is mounted."""

from __future__ import annotations

import logging
import re
from typing import Final

import ops

logger = logging.getLogger(__name__)

# Pebble serves the workload container's files, so this is the container's own mount table.
_MOUNTINFO: Final = '/proc/self/mountinfo'
_MOUNT_POINT: Final = 4  # fifth field, proc_pid_mountinfo(5)
_OCTAL_ESCAPE: Final = re.compile(r'\\([0-7]{3})')
# A tree with millions of thumbnails takes a while; the hook waits for it once in a lifetime.
_CHOWN_TIMEOUT: Final = 3600.0


def mounts(container: ops.Container) -> frozenset[str]:
    """Return the mount points inside the container.

    Raises:
        ops.pebble.ConnectionError: if Pebble has gone away.
        ops.pebble.PathError: if the mount table cannot be read.
    """
    with container.pull(_MOUNTINFO) as file:
        table = file.read()
    return frozenset(
        _OCTAL_ESCAPE.sub(lambda found: chr(int(found[1], 8)), fields[_MOUNT_POINT])
        for fields in (line.split(' ') for line in table.splitlines())
        if len(fields) > _MOUNT_POINT
    )


def is_mounted(container: ops.Container, path: str) -> bool:
    """Tell whether a volume is really mounted at ``path``, seen from inside the container.

    The pod template may already name the volume while this pod still runs without it.
    """
    return path in mounts(container)


def ensure_owner(container: ops.Container, path: str, user_id: int, group_id: int) -> bool:
    """Give a folder and all below it to a user and group, if the folder itself is not theirs.

    Only the top is looked at: walking a large metadata tree on every event would cost minutes, and
    whoever owns the top has written the rest.

    Returns:
        Whether the owner had to be changed.

    Raises:
        ops.pebble.ConnectionError: if Pebble has gone away.
        ops.pebble.APIError: if the folder does not exist.
        ops.pebble.ExecError: if the owner cannot be changed, as on a read-only volume.
    """
    top = container.list_files(path, itself=True)[0]
    if (top.user_id, top.group_id) == (user_id, group_id):
        return False
    logger.info('giving %s to %d:%d', path, user_id, group_id)
    # The top goes last: if this is cut short, the next event sees that it is not done.
    chown = ['chown', '-h', f'{user_id}:{group_id}']
    below = ['find', path, '-mindepth', '1', '-exec', *chown, '{}', '+']
    container.exec(below, timeout=_CHOWN_TIMEOUT).wait_output()
    container.exec([*chown, path]).wait_output()
    return True
