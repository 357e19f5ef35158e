# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""How the running hub is found by whoever may read its folder: commands, and its charm.

The file holds the hub's address and an API token that ends with the process.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import secrets

import msgspec

FILE = 'control.json'


class Control(msgspec.Struct, frozen=True):
    """What the file says.

    Attributes:
        url: Where the hub listens, as seen from this machine.
        token: Of an administrator.
        pid: Of the process.
    """

    url: str
    token: str
    pid: int
    version: str


def fresh_token() -> str:
    """A token for one run of the hub."""
    return f'mediahub_{secrets.token_urlsafe(32)}'


def write(home: pathlib.Path, control: Control) -> None:
    """Write the file, readable for its owner alone from its first moment."""
    path = home / FILE
    temporary = path.with_suffix('.new')
    with contextlib.suppress(FileNotFoundError):
        temporary.unlink()
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, 'wb') as file:
        file.write(msgspec.json.encode(control))
    temporary.replace(path)


def read(home: pathlib.Path) -> Control | None:
    """What the file says; None where there is none that can be read."""
    try:
        return msgspec.json.decode((home / FILE).read_bytes(), type=Control)
    except (OSError, msgspec.DecodeError):
        return None


def remove(home: pathlib.Path, pid: int) -> None:
    """Remove the file, unless it is already another process's."""
    with contextlib.suppress(OSError, json.JSONDecodeError):
        found = read(home)
        if found is not None and found.pid == pid:
            (home / FILE).unlink()
