# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Work on a workload container through Pebble, doing nothing where nothing differs."""

from ._files import ensure_owner, is_mounted, mounts
from ._program import Disconnected, Entry, Exited, Finished, NotDone, Program, ProgramError
from ._services import is_running, replan, settle, stop

__all__ = [
    'Disconnected',
    'Entry',
    'Exited',
    'Finished',
    'NotDone',
    'Program',
    'ProgramError',
    'ensure_owner',
    'is_mounted',
    'is_running',
    'mounts',
    'replan',
    'settle',
    'stop',
]
