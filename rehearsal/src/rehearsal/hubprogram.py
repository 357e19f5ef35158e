# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Starts mediahub's command line in processes of its own, without waiting for its imports.

They take longer than the whole rehearsal of a bundle. So one process, the nursery, imports them
while charms are already deployed, and every command is a fork of it. It ends with whoever started
it, and all that it started ends with it.
"""

from __future__ import annotations

import atexit
import functools
import importlib
import importlib.util
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from typing import Any, Final, NoReturn

PACKAGE: Final = 'mediahub'
_COMMANDS: Final = 'mediahub.cli'
_IMPORTED: Final = (_COMMANDS, 'mediahub.serve', 'mediahub.checking', 'mediahub.safekeeping')
_STEP: Final = 0.01


def is_installed() -> bool:
    """Tell whether there is a mediahub to start."""
    return importlib.util.find_spec(PACKAGE) is not None


def prepare() -> None:
    """Begin to import it, and return at once.

    Raises:
        OSError: No process can be started.
    """
    _nursery()


class Process:
    """A command that was started."""

    def __init__(self, nursery: _Nursery, pid: int) -> None:
        self.pid = pid
        self._nursery = nursery
        self._status: int | None = None

    def poll(self) -> int | None:
        """Return its exit status, negative for a signal; None while it runs."""
        if self._status is None:
            self._status = self._nursery.ask({'poll': self.pid})['status']
        return self._status

    def wait(self, seconds: float) -> int | None:
        """Wait until it has ended, for at most so long, and return as :meth:`poll` does."""
        end = time.monotonic() + seconds
        while self.poll() is None and time.monotonic() < end:
            time.sleep(_STEP)
        return self.poll()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, number)  # nobody else waits for it, so the number is still its own


def start(
    words: Sequence[str],
    environment: Mapping[str, str],
    out: pathlib.Path,
    err: pathlib.Path | None = None,
) -> Process:
    """Start a command.

    Args:
        words: Its arguments.
        environment: All of its environment.
        out: File that its output goes to.
        err: Likewise for its errors; None for the same file.

    Raises:
        OSError: No process can be started.
    """
    nursery = _nursery()
    order = {'words': list(words), 'environment': dict(environment)}
    answer = nursery.ask({**order, 'out': str(out), 'err': str(err or out)})
    if 'error' in answer:
        raise OSError(answer['error'])
    return Process(nursery, answer['pid'])


class _Nursery:
    """The process that starts all others, as whoever started it sees it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process = subprocess.Popen(  # noqa: S603  # this module
            [sys.executable, '-P', '-m', __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C at the rehearsal's prompt is not meant for it
        )
        atexit.register(self.close)

    def ask(self, order: Mapping[str, Any]) -> Any:
        if self._process.stdin is None or self._process.stdout is None:
            raise AssertionError('it has pipes')
        with self._lock:
            self._process.stdin.write(json.dumps(order).encode() + b'\n')
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        if not answer:
            raise OSError(f'it ended with {self._process.wait()} (out of memory?)')
        return json.loads(answer)

    def close(self) -> None:
        """End it, and with it all that it started."""
        self._process.communicate()


@functools.cache
def _nursery() -> _Nursery:
    return _Nursery()


# From here on: the nursery itself.


def main() -> None:
    """Start what is asked for, until nobody can ask any more."""
    answers = os.fdopen(os.dup(1), 'wb', buffering=0)
    os.dup2(2, 1)  # whatever prints while it is imported is no answer
    for name in _IMPORTED:
        importlib.import_module(name)
    children = set[int]()
    for line in sys.stdin.buffer:
        answers.write(json.dumps(_answer(json.loads(line), children)).encode() + b'\n')
    for pid in children:
        os.kill(pid, signal.SIGTERM)


def _answer(order: Mapping[str, Any], children: set[int]) -> dict[str, Any]:
    if 'poll' in order:
        return {'status': _poll(order['poll'], children)}
    try:
        pid = os.fork()
    except OSError as error:
        return {'error': f'no process can be started: {error.strerror}'}
    if pid == 0:
        _be(order)
    children.add(pid)
    return {'pid': pid}


def _poll(pid: int, children: set[int]) -> int | None:
    found, status = os.waitpid(pid, os.WNOHANG)
    if not found:
        return None
    children.discard(pid)
    return os.waitstatus_to_exitcode(status)


def _be(order: Mapping[str, Any]) -> NoReturn:
    """Be the command; nothing of the nursery goes on behind it."""
    status = 1
    try:
        _furnish(order)
        status = importlib.import_module(_COMMANDS).main(order['words'])
    except SystemExit as leaving:
        status = leaving.code if isinstance(leaving.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _furnish(order: Mapping[str, Any]) -> None:
    for name, number in ((os.devnull, 0), (order['out'], 1), (order['err'], 2)):
        handle = os.open(name, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(handle, number)
        os.close(handle)
    os.closerange(3, 256)  # the nursery's answers among them
    os.environ.clear()
    os.environ.update(order['environment'])
    time.tzset()
    sys.argv = [PACKAGE, *order['words']]


if __name__ == '__main__':
    main()
