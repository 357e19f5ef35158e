# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Paths of ours to which a browser may be sent after signing in."""

from __future__ import annotations

import re
from urllib.parse import unquote

from ..envelope import invalid

LONGEST = 512

# One slash, then nothing that any browser takes for a host, a scheme, a header or a line end.
PATTERN = r"^/([A-Za-z0-9._~!$&'()*+,;=:@%?#-][A-Za-z0-9._~!$&'()*+,;=:@%/?#-]*)?$"
_PATH = re.compile(PATTERN)
_TRICK = re.compile(r'^/[/\\]|\\|[\x00-\x1f\x7f]')


def checked(path: str) -> str:
    """The path, if it leads nowhere but to us.

    Raises:
        Problem: It could lead elsewhere.
    """
    if len(path) > LONGEST or not _PATH.fullmatch(path) or _tricky(path):
        raise invalid('return_to has to be a path of the hub, such as /history')
    return path


def _tricky(path: str) -> bool:
    """Whether it becomes something else when a proxy or browser decodes it, even repeatedly."""
    for _ in range(4):
        if _TRICK.search(path):
            return True
        decoded = unquote(path, errors='replace')
        if decoded == path:
            return False
        path = decoded
    return True
