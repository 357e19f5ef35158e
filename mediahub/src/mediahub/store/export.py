# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The history as Parquet, a file a month, for whatever else people analyse it with."""

from __future__ import annotations

import pathlib

from .database import Database, StoreError

_MONTHS = "SELECT DISTINCT strftime(started_at, '%Y-%m') FROM finished_plays ORDER BY 1"


def export(database: Database, folder: pathlib.Path) -> list[pathlib.Path]:
    """Write every month's plays; each file is whole or as it was before.

    Args:
        database: The open database.
        folder: Where the files go; made where it is not there.

    Returns:
        The files, oldest month first.

    Raises:
        StoreError: They cannot be written.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f'{folder} cannot be made ({error.strerror})') from error
    return [_month(database, folder, month) for (month,) in database.read(_MONTHS)]


def _month(database: Database, folder: pathlib.Path, month: str) -> pathlib.Path:
    target = folder / f'plays-{month}.parquet'
    part = folder / f'{target.name}.part'
    place = str(part).replace("'", "''")
    try:
        database.read(
            f"COPY (SELECT * FROM finished_plays WHERE strftime(started_at, '%Y-%m') = '{month}' "  # noqa: S608 - COPY takes no parameters; both come from here
            f"ORDER BY started_at) TO '{place}' (FORMAT parquet, COMPRESSION zstd)"
        )
        part.replace(target)
    except OSError as error:
        raise StoreError(f'{target} cannot be written ({error.strerror})') from error
    finally:
        part.unlink(missing_ok=True)
    return target
