# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""How events get into the database, and what is in their way."""

from __future__ import annotations

import fastapi
import msgspec
from starlette.responses import Response

from . import envelope
from .access import Admin
from .hub import TheHub
from .openapi import answers

router = fastapi.APIRouter(tags=['bus'])


class BusView(msgspec.Struct, frozen=True, kw_only=True):
    """The way of events from the watchers into the database.

    Attributes:
        transport: ``local``, or ``nats`` where a broker is between.
        state: ``starting``, ``running``, ``waiting`` or ``stopped``.
        reason: What is in the way, in one line; empty where nothing is.
        warning: What to look at although all is moving; empty where nothing is.
        outbox: Events that wait to be passed on; nothing is ever dropped from there.
        behind: Events in the broker's stream that were not read; null without a broker.
        recorded: Events that told something, since the start.
        repeated: Events that were known already, since the start.
        published: Events that the broker confirmed, since the start.
        dead_letters: Events that could not be recorded and were set aside, since the start.
        lag_seconds: From the last event to its commit; null before the first.
    """

    transport: str
    state: str
    reason: str
    warning: str
    outbox: int
    behind: int | None
    recorded: int
    repeated: int
    published: int
    dead_letters: int
    lag_seconds: float | None


@router.get('/bus')
@answers(BusView)
async def bus(hub: TheHub, _: Admin) -> Response:
    """How the bus is, and what is in its way."""
    status = hub.bus.status
    return envelope.success(
        BusView(
            transport=status.transport,
            state=status.state.value,
            reason=status.reason,
            warning=status.warning,
            outbox=status.outbox,
            behind=status.behind,
            recorded=status.recorded,
            repeated=status.repeated,
            published=status.published,
            dead_letters=status.dead,
            lag_seconds=status.lag,
        )
    )
