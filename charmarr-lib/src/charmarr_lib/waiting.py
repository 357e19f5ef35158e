# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The one place where Charmarr lets time pass.

Hooks never wait. An action may, for a result that its operator is waiting for too. Where the
network is a stand-in (:mod:`.http`), no time passes: what answers there does not live by the wall
clock. Who has another clock puts it in with :func:`use_pause`.
"""

from __future__ import annotations

import contextlib
import contextvars
import time
from collections.abc import Callable, Generator

from . import http

Pause = Callable[[float], None]

_replacement: contextvars.ContextVar[Pause | None] = contextvars.ContextVar(
    'charmarr_pause', default=None
)


def pause(seconds: float) -> bool:
    """Let ``seconds`` pass; tell whether they have, that is whether looking again makes sense."""
    replacement = _replacement.get()
    if replacement is not None:
        replacement(seconds)
    elif http.transport() is None:
        time.sleep(seconds)
    else:
        return False
    return True


@contextlib.contextmanager
def use_pause(replacement: Pause) -> Generator[None]:
    """Call ``replacement`` in place of every pause inside the ``with`` block."""
    token = _replacement.set(replacement)
    try:
        yield
    finally:
        _replacement.reset(token)
