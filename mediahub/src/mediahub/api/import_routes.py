# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Imports from other histories: how far they are, and one now rather than at its time."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Sequence
from typing import Annotated

import fastapi
import msgspec
from starlette.responses import Response

from ..playback.importing import Importing
from . import envelope
from .access import Admin, Viewer
from .envelope import Problem
from .hub import TheHub
from .openapi import answers
from .servers import SERVER_PATTERN

router = fastapi.APIRouter(prefix='/imports', tags=['imports'])


class ImportView(msgspec.Struct, frozen=True, kw_only=True):
    """An import.

    Attributes:
        name: The server whose own history it is, or ``tautulli``.
        done_at: When the last one was complete.
        reached: Up to where that history is known.
        read: Entries that were read since the hub started.
        new: Plays that they added.
        problem: Why the last one failed; empty if it did not.
    """

    name: str
    running: bool
    done_at: datetime.datetime | None
    reached: datetime.datetime | None
    read: int
    new: int
    problem: str


class ImportList(msgspec.Struct, frozen=True):
    """All imports."""

    imports: Sequence[ImportView]


@router.get('')
@answers(ImportList)
async def imports(hub: TheHub, _: Viewer) -> Response:
    """What fills gaps in the history, and how far it is."""
    return envelope.success(ImportList([_view(name, one) for name, one in hub.imports.items()]))


Name = Annotated[str, fastapi.Path(pattern=SERVER_PATTERN)]


@router.post('/{name}')
@answers(ImportView, 403, 404, 409, status=202)
async def import_now(hub: TheHub, _: Admin, name: Name) -> Response:
    """Begin one now. What is known already is not doubled, however often this is done."""
    found = hub.imports.get(name)
    if found is None:
        known = ', '.join(hub.imports) or 'none'
        raise Problem(404, 'NOT_FOUND', f'there is no import of that name; there are: {known}')
    if found.state.running:
        raise Problem(409, 'CONFLICT', 'it is under way already')
    task = asyncio.create_task(found.try_once())
    hub.tasks.add(task)
    task.add_done_callback(hub.tasks.discard)
    await asyncio.sleep(0)
    return envelope.success(_view(name, found), status=202)


def _view(name: str, one: Importing) -> ImportView:
    state = one.state
    return ImportView(
        name=name,
        running=state.running,
        done_at=state.done_at,
        reached=state.reached,
        read=state.read,
        new=state.new,
        problem=state.problem,
    )
