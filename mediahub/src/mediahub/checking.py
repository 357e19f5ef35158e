# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Looks for what would keep the hub from starting and changes nothing; ``mediahub check``."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterator

from .settings import Settings
from .store import opening
from .store.troubles import StoreError


def problems(settings: Settings, database: pathlib.Path) -> list[str]:
    """Everything that is wrong with what the settings name, one line each.

    Args:
        settings: Without mistakes of their own.
        database: The hub's, which need not be there yet.
    """
    found = list(_of_home(settings.home))
    if not database.exists():
        return found
    if not os.access(database, os.R_OK | os.W_OK):
        return [*found, f'{database} cannot be read and written to by this user']
    return [*found, *_of_database(database)]


def _of_home(home: pathlib.Path) -> Iterator[str]:
    """The home, or where it would be made: the nearest folder above that there is."""
    there = next(folder for folder in (home, *home.absolute().parents) if folder.exists())
    if not there.is_dir():
        yield f'MEDIAHUB_HOME: {there} is no folder'
    elif not os.access(there, os.W_OK | os.X_OK):
        yield f'MEDIAHUB_HOME: {there} cannot be written to by this user'


def _of_database(database: pathlib.Path) -> Iterator[str]:
    try:
        with opening.examined(database):
            pass
    except StoreError as error:
        yield str(error)
