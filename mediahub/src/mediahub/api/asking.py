# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Parameters that several routes about plays take, and what they mean to the store."""

from __future__ import annotations

import datetime
from typing import Annotated

import fastapi
import msgspec

from ..plays import Decision, MediaType, Source
from ..store.history import LARGEST_PAGE, HistoryQuery, Order
from .hub import Hub, TheHub
from .servers import ServerName

# A text to search for, or an id: no control characters, and not endless.
TEXT = r'^[^\x00-\x1f\x7f]{1,200}$'

Text = Annotated[str | None, fastapi.Query(pattern=TEXT)]
Moment = Annotated[
    datetime.datetime | None, fastapi.Query(description='With a zone, such as 2026-01-31T20:00Z.')
]
Day = Annotated[datetime.date | None, fastapi.Query(description="In the hub's time zone.")]


def machine(hub: Hub, wanted: str | None) -> str | None:
    """The machine identifier of a server; one that is not set up any more can be asked for too."""
    if wanted is None:
        return None
    for server in hub.servers:
        if wanted == server.name and server.machine_id:
            return server.machine_id
    return wanted


async def filtered(
    hub: TheHub,
    server: ServerName = None,
    search: Annotated[
        str | None, fastapi.Query(pattern=TEXT, description='Words of title, season or show.')
    ] = None,
    user: Annotated[
        str | None, fastapi.Query(pattern=TEXT, description="A part of the viewer's name.")
    ] = None,
    account: Annotated[
        str | None, fastapi.Query(pattern=TEXT, description='Account number on its server.')
    ] = None,
    library: Annotated[
        str | None, fastapi.Query(pattern=TEXT, description='Key of a library on its server.')
    ] = None,
    rating_key: Annotated[
        str | None,
        fastapi.Query(pattern=TEXT, description='Of the item, or what it is part of.'),
    ] = None,
    platform: Text = None,
    player: Annotated[
        str | None, fastapi.Query(pattern=TEXT, description='Identifier of the player.')
    ] = None,
    media_type: MediaType | None = None,
    decision: Decision | None = None,
    transcoded: Annotated[
        bool | None, fastapi.Query(description='Whether it was transcoded at any time.')
    ] = None,
    source: Source | None = None,
    start: Moment = None,
    end: Moment = None,
    first: Day = None,
    last: Day = None,
    order: Order = Order.STARTED,
    direction: Annotated[str, fastapi.Query(pattern=r'^(asc|desc)$')] = 'desc',
) -> HistoryQuery:
    """The plays that a request is about."""
    return HistoryQuery(
        server=machine(hub, server),
        text=search,
        viewer=user,
        account=account,
        library=library,
        rating_key=rating_key,
        platform=platform,
        player=player,
        media_type=media_type,
        decision=decision,
        transcoded=transcoded,
        source=source,
        since=_zoned(start),
        until=_zoned(end),
        first=first,
        last=last,
        order=order,
        descending=direction == 'desc',
    )


Filtered = Annotated[HistoryQuery, fastapi.Depends(filtered)]


async def paged(
    query: Filtered,
    limit: Annotated[int, fastapi.Query(ge=1, le=LARGEST_PAGE)] = 50,
    offset: Annotated[int, fastapi.Query(ge=0, le=10_000_000)] = 0,
    cursor: Annotated[
        str | None,
        fastapi.Query(
            pattern=r'^[A-Za-z0-9_-]{1,2000}$', description='`next` of the page before.'
        ),
    ] = None,
) -> HistoryQuery:
    """The page of them."""
    return msgspec.structs.replace(query, limit=limit, offset=offset, after=cursor)


Paged = Annotated[HistoryQuery, fastapi.Depends(paged)]


def _zoned(moment: datetime.datetime | None) -> datetime.datetime | None:
    """A time without a zone is UTC, as everywhere in the API."""
    if moment is None or moment.tzinfo is not None:
        return moment
    return moment.replace(tzinfo=datetime.UTC)
