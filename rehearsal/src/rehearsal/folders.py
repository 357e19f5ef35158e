# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Temporary folders whose contents charms and programs decide on."""

from __future__ import annotations

import os
import pathlib
import shutil


def remove(folder: pathlib.Path) -> None:
    """Delete a folder, even where modes inside would not let it."""
    for path, names, _ in os.walk(folder):  # top down: what is opened here is entered next
        for child in (pathlib.Path(path, name) for name in names):
            if not child.is_symlink():
                child.chmod(0o700)
    shutil.rmtree(folder)
