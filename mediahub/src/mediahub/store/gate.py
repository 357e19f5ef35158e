# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A gate that many pass at once, and that closes for a moment when somebody needs to be alone."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Generator


class Gate:
    """The gate; open at first."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0
        self._closed = False

    @contextlib.contextmanager
    def passing(self) -> Generator[None]:
        """Be inside; waits while the gate is closed."""
        with self._changed:
            self._changed.wait_for(lambda: not self._closed)
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    @contextlib.contextmanager
    def closed(self, patience: float) -> Generator[bool]:
        """Let nobody in, and wait for those inside to come out. One at a time may ask for it.

        Args:
            patience: Seconds to wait.

        Yields:
            Whether nobody is inside.
        """
        until = time.monotonic() + patience
        with self._changed:
            self._closed = True
            alone = self._changed.wait_for(
                lambda: not self._inside, max(0, until - time.monotonic())
            )
        try:
            yield alone
        finally:
            with self._changed:
                self._closed = False
                self._changed.notify_all()
