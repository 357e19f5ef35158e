# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Turns into a program inside a root of its own; ``rooms`` runs it under ``unshare``.

    unshare --mount --pid --net --fork python enter.py ORDER

ORDER is a JSON file: ``root``, ``binds`` (source, target below the root, whether read-only),
``environment`` and ``command``. Mounts go away with the namespace, so there is nothing to undo.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import pathlib
import socket
import struct
import sys
from typing import Final

# linux/mount.h
_READ_ONLY: Final = 1
_REMOUNT: Final = 32
_BIND: Final = 4096
_RECURSIVE: Final = 16384
_PRIVATE: Final = 1 << 18

# linux/sockios.h and linux/if.h
_GET_FLAGS: Final = 0x8913
_SET_FLAGS: Final = 0x8914
_UP: Final = 1
_REQUEST: Final = '16sh14x'

_libc = ctypes.CDLL(None, use_errno=True)


def _mount(source: str, target: str, kind: str | None, flags: int) -> None:
    encoded = None if kind is None else kind.encode()
    if _libc.mount(source.encode(), target.encode(), encoded, ctypes.c_ulong(flags), None):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), target)


def _bind(source: str, target: str, *, read_only: bool) -> None:
    _mount(source, target, None, _BIND)
    if read_only:
        # A bind takes its flags in a second step only: mount(2).
        _mount('none', target, None, _BIND | _REMOUNT | _READ_ONLY)


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack(_REQUEST, b'lo', 0)
        _, flags = struct.unpack(_REQUEST, fcntl.ioctl(any_socket, _GET_FLAGS, request))
        fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack(_REQUEST, b'lo', flags | _UP))


def main(order_file: str) -> None:
    """Set everything up and become the command."""
    order = json.loads(pathlib.Path(order_file).read_text())
    root = order['root']
    _mount('none', '/', None, _RECURSIVE | _PRIVATE)
    for source, target, read_only in order['binds']:
        _bind(source, root + target, read_only=read_only)
    _mount('proc', f'{root}/proc', 'proc', 0)
    _raise_loopback()
    os.chroot(root)
    os.chdir('/')
    os.umask(0o022)
    command = order['command']
    os.execve(command[0], command, order['environment'])  # noqa: S606  # no shell is wanted


if __name__ == '__main__':
    main(sys.argv[1])
