# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Runs Python programs, each in a process of its own, without starting Python for each.

This file is a program too: Python that has imported what most programs import, and that divides
for each program it is asked to run. To start Python takes longer than what most Jobs do.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import importlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import traceback
import types
from collections.abc import Sequence
from typing import Any, Final

_TIMEOUT: Final = 60  # seconds
_MOST_NEED: Final = ('argparse', 'dataclasses', 'typing')


class Interpreter:
    """A Python that waits for programs to run."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603  # this file
            [sys.executable, '-I', __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, program: str, arguments: Sequence[str], output: pathlib.Path) -> int:
        """Run a program as ``python3 -I -c PROGRAM ARGUMENTS...`` does, and return its exit code.

        Args:
            program: Its source.
            arguments: What it finds in ``sys.argv[1:]``.
            output: File for what it writes to standard output and standard error.

        Raises:
            RuntimeError: The process that waits is gone.
        """
        asked = {'program': program, 'arguments': list(arguments), 'output': str(output)}
        given, taken = self._process.stdin, self._process.stdout
        answer = ''
        with contextlib.suppress(BrokenPipeError):
            print(json.dumps(asked), file=given, flush=True)
            answer = taken.readline() if taken else ''
        if not answer:
            raise RuntimeError('the Python that runs Jobs has ended')
        return int(answer)

    def close(self) -> None:
        """End the process that waits."""
        self._process.communicate()


@functools.cache
def shared() -> Interpreter:
    """Return this process's own, started when it is needed first."""
    interpreter = Interpreter()
    atexit.register(interpreter.close)
    return interpreter


def _serve() -> None:
    """Run each program that is asked for in a child of this process."""
    for name in _MOST_NEED:
        importlib.import_module(name)
    gc.freeze()  # a child that collects garbage would copy all that it shares with this process
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if not child:
            _surround(asked)
            code = _ended(asked['program'])
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)  # taking Python down in order would take longer than most programs do
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _surround(asked: dict[str, Any]) -> None:
    signal.alarm(_TIMEOUT)
    output = os.open(asked['output'], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for new, old in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(new, old)
    sys.argv = ['-c', *asked['arguments']]


def _ended(program: str) -> int:
    """Run a program, and return the exit code that Python would end with."""
    main = sys.modules['__main__'] = types.ModuleType('__main__')
    try:
        exec(compile(program, '<string>', 'exec'), main.__dict__)  # noqa: S102  # its purpose
    except SystemExit as ended:
        if ended.code is None or isinstance(ended.code, int):
            return ended.code or 0
        print(ended.code, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


if __name__ == '__main__':
    _serve()
