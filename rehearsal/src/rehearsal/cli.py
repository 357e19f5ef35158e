# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The console command ``rehearse``."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Sequence

from . import arguments, errors

INTERRUPTED = 130
BROKEN_PIPE = 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    wanted = arguments.parse(argv)
    try:
        # Takes a second to import: --help does without it, and an interrupt meanwhile is caught.
        from . import run

        return run.run(wanted)
    except errors.RehearsalError as error:
        print(f'ERROR {error}', file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _drop_output()
        return BROKEN_PIPE


def _drop_output() -> None:
    """Send what is still buffered nowhere, or Python complains about the pipe when it exits."""
    with contextlib.suppress(io.UnsupportedOperation):
        stdout = sys.stdout.fileno()
        os.dup2(os.open(os.devnull, os.O_WRONLY), stdout)
