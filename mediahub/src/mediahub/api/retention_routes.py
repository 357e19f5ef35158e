# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""For how long plays are kept, and how far older ones are removed."""

from __future__ import annotations

import datetime

import fastapi
import msgspec
from starlette.responses import Response

from . import envelope
from .access import Admin
from .hub import TheHub
from .openapi import answers

router = fastapi.APIRouter(tags=['retention'])


class RetentionView(msgspec.Struct, frozen=True, kw_only=True):
    """How long plays are kept.

    Attributes:
        days: As set; 0 keeps everything.
        until: Plays that ended before are removed; null where nothing was removed yet.
        goal: The moment before which plays will be removed at once, because the setting is new or
            the clock made a leap; null where nothing of that kind is about to happen.
        wait_seconds: How long the hub has to run before that.
        due: Plays that wait for being removed.
        removed: Plays that were removed since the start.
        backup: The last backup that was made before plays were removed, since the start.
        problem: Why plays cannot be removed; empty where nothing is in the way.
        notice: All this for people, in one line; empty where there is nothing to tell.
    """

    days: int
    until: datetime.datetime | None
    goal: datetime.datetime | None
    wait_seconds: float
    due: int
    removed: int
    backup: str
    problem: str
    notice: str


@router.get('/retention')
@answers(RetentionView, 403)
async def retention(hub: TheHub, _: Admin) -> Response:
    """How far plays are removed that are older than `MEDIAHUB_RETENTION_DAYS`."""
    found = hub.expiry.standing
    return envelope.success(
        RetentionView(
            days=found.days,
            until=found.until,
            goal=found.goal,
            wait_seconds=found.left,
            due=found.due,
            removed=found.removed,
            backup=found.backup,
            problem=found.problem,
            notice=found.notice,
        )
    )
