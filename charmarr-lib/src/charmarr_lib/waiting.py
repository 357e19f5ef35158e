# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The one place where Charmarr lets time pass.

Hooks never wait. An action may, for a result that its operator is waiting for too. Tests and the
rehearsal replace the pause, because the time in which their cluster lives is not the wall clock's.
"""

from __future__ import annotations

import contextlib
import contextvars
import time
from collections.abc import Callable, Generator

Pause = Callable[[float], None]

_pause: contextvars.ContextVar[Pause] = contextvars.ContextVar(
    'charmarr_pause', default=time.sleep
)


def pause(seconds: float) -> None:
    """Let ``seconds`` pass."""
    _pause.get()(seconds)


@contextlib.contextmanager
def use_pause(replacement: Pause) -> Generator[None]:
    """Call ``replacement`` in place of every pause inside the ``with`` block."""
    token = _pause.set(replacement)
    try:
        yield
    finally:
        _pause.reset(token)
