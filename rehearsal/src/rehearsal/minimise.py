# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Finds the few lines of a long script that it takes to fail (Zeller's delta debugging)."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

Fails = Callable[[Sequence[str]], bool]
"""Tells whether a script still fails in the way that is looked for."""

PATIENCE: Final = 60.0
"""Seconds after which the shortest script so far has to do."""


def minimise(
    lines: Sequence[str],
    fails: Fails,
    *,
    patience: float = PATIENCE,
    clock: Callable[[], float] = time.monotonic,
) -> tuple[str, ...]:
    """Return a script that fails, of which no part can be left out as far as was tried.

    Args:
        lines: A script that fails.
        fails: Tries a shorter one.
        patience: Seconds that may be spent.
        clock: Tells the time in seconds.
    """
    until = clock() + patience
    left, parts = list(lines), 2
    while len(left) >= 2 and clock() < until:
        shorter = _without_one_part(left, parts, fails, lambda: clock() < until)
        if shorter is not None:
            left, parts = shorter, max(parts - 1, 2)
        elif parts >= len(left):
            break
        else:
            parts = min(parts * 2, len(left))
    return tuple(left)


def _without_one_part(
    lines: list[str], parts: int, fails: Fails, goes_on: Callable[[], bool]
) -> list[str] | None:
    size = -(-len(lines) // parts)
    for start in range(0, len(lines), size):
        if not goes_on():
            return None
        rest = lines[:start] + lines[start + size :]
        if fails(rest):
            return rest
    return None
