# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What DuckDB may take of the machine, and how it behaves."""

from __future__ import annotations

import os
import pathlib

_MIB = 1024 * 1024

Setting = str | bool | int | float | list[str]

# A quarter of the machine or container, within these bounds: a media server, its transcodes and
# the page cache want the rest.
LEAST, MOST = 256 * _MIB, 2048 * _MIB

# A hub shares its machine with servers that transcode, and the event loop wants a thread too.
_THREADS = 4

_CGROUP = pathlib.Path('/sys/fs/cgroup/memory.max')


def memory() -> int:
    """Bytes that the database may hold in memory by default."""
    return max(LEAST, min(MOST, _available() // 4))


def _available() -> int:
    physical = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES')
    try:
        return min(physical, int(_CGROUP.read_text()))
    except (OSError, ValueError):  # no container, or one without a bound
        return physical


def configuration(path: pathlib.Path | None, allowed: int) -> dict[str, Setting]:
    """What DuckDB is opened with.

    Args:
        path: The file; None for a database in memory.
        allowed: Bytes that it may hold in memory.
    """
    settings: dict[str, Setting] = {
        'memory_limit': f'{allowed // _MIB}MiB',
        'threads': max(1, min(_THREADS, len(os.sched_getaffinity(0)))),
        # Nothing is fetched from anywhere, and a name in a statement is no variable of Python.
        'autoinstall_known_extensions': False,
        'autoload_known_extensions': False,
        'allow_community_extensions': False,
        'python_enable_replacements': False,
        # A checkpoint stops commits meanwhile, so not too often; the log is replayed when the hub
        # starts after being killed, so not too seldom.
        'checkpoint_threshold': '64MiB',
        # A page of history is looked up by row and not carried through the sort.
        'late_materialization_max_rows': 1001,
        # And looked for only where these rows are, also where they are from all the years.
        'dynamic_or_filter_threshold': 1001,
    }
    if path is not None:
        # Beside the file, on the disk that has room for it; never so much that it fills the disk.
        settings['temp_directory'] = f'{path}.tmp'
        settings['max_temp_directory_size'] = f'{4 * allowed // _MIB}MiB'
    return settings
