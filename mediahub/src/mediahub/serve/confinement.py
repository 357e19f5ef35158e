# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Gives up what a hub does not need: core dumps, files for others, ways to more privileges."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import sys

_NO_NEW_PRIVILEGES = 38  # PR_SET_NO_NEW_PRIVS of linux/prctl.h


def confine() -> None:
    """Give it up, as far as the system knows of it."""
    os.umask(0o077)
    # A dump would hold every token.
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == 'linux':
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
