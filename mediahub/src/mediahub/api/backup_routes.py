# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Copies of the history, made while the hub goes on."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import fastapi
import msgspec
from starlette.responses import Response

from ..store import backup, export
from . import envelope
from .access import Admin
from .hub import TheHub
from .openapi import answers

router = fastapi.APIRouter(tags=['backup'])

BACKUPS, EXPORTS = 'backups', 'exports'


class BackedUp(msgspec.Struct, frozen=True):
    """A backup on the hub's machine; ``size`` in bytes."""

    path: str
    size: int


class Exported(msgspec.Struct, frozen=True):
    """Parquet files on the hub's machine, a month each."""

    paths: Sequence[str]


@router.post('/backup')
@answers(BackedUp, 403, status=201)
async def make_backup(hub: TheHub, _: Admin) -> Response:
    """Write everything that is known to one file in the hub's home. Nothing stands still."""
    now, folder = datetime.datetime.now(datetime.UTC), hub.settings.home / BACKUPS
    made = await hub.database.run(lambda: backup.backup(hub.database, folder, now))
    return envelope.success(BackedUp(str(made), made.stat().st_size), status=201)


@router.post('/export/parquet')
@answers(Exported, 403, status=201)
async def make_export(hub: TheHub, _: Admin) -> Response:
    """Write the history as Parquet files in the hub's home."""
    folder = hub.settings.home / EXPORTS
    made = await hub.database.run(lambda: export.export(hub.database, folder))
    return envelope.success(Exported([str(path) for path in made]), status=201)
