# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Temporary folders whose contents charms and programs decide on."""

from __future__ import annotations

import pathlib
import shutil


def remove(folder: pathlib.Path) -> None:
    """Delete a folder, even where modes inside would not let it."""
    for path in [folder, *folder.rglob('*')]:
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o700)
    shutil.rmtree(folder)
