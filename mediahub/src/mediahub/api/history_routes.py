# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What was played: a page at a time, one play, or everything as a file."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncGenerator, Iterable, Sequence
from typing import Annotated

import fastapi
import msgspec
from starlette.responses import Response, StreamingResponse

from ..plays import Play
from ..store.history import LARGEST_PAGE, HistoryQuery
from . import envelope
from .access import Identity, Viewer
from .asking import Filtered, Paged
from .discretion import for_eyes
from .envelope import Problem
from .hub import Hub, TheHub
from .openapi import answers

router = fastapi.APIRouter(tags=['history'])

CSV, LINES = 'text/csv', 'application/jsonl'


class PlayView(Play, frozen=True, kw_only=True, gc=False):
    """A play, and how far into the item it went.

    Attributes:
        percent: 0 to 100; null where that is not known.
    """

    percent: int | None = None  # pyright: ignore[reportIncompatibleMethodOverride] - the property becomes a field, so that it is sent


class HistoryView(msgspec.Struct, frozen=True, kw_only=True):
    """A page of plays that have ended.

    Attributes:
        total: Plays on all pages.
        played_ms: Time that these were watched.
        next: Cursor of the page behind; null where this is the last one.
    """

    plays: Sequence[PlayView]
    total: int | None
    played_ms: int | None
    next: str | None


def view(eyes: Identity, play: Play) -> PlayView:
    """A play as it is answered."""
    seen = for_eyes(eyes, play)
    return PlayView(**msgspec.structs.asdict(seen), percent=seen.percent)


@router.get('/history')
@answers(HistoryView)
async def history(hub: TheHub, eyes: Viewer, query: Paged) -> Response:
    """Plays that have ended, the newest first."""
    page = await hub.database.run(lambda: hub.plays.history(query))
    shown = [view(eyes, play) for play in page.plays]
    return envelope.success(
        HistoryView(plays=shown, total=page.total, played_ms=page.played_ms, next=page.next)
    )


PlayId = Annotated[
    str, fastapi.Path(alias='playId', pattern=r'^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$')
]


@router.get('/history/{playId}')
@answers(PlayView, 404)
async def history_play(hub: TheHub, eyes: Viewer, play_id: PlayId) -> Response:
    """One play, whether it goes on or has ended."""
    found = await hub.database.run(lambda: hub.plays.find(play_id))
    if found is None:
        raise Problem(404, 'NOT_FOUND', 'there is no such play')
    return envelope.success(view(eyes, found))


@router.get('/export')
@answers(None, media=(CSV, LINES))
async def export(
    hub: TheHub,
    eyes: Viewer,
    query: Filtered,
    form: Annotated[str, fastapi.Query(alias='format', pattern=r'^(csv|jsonl)$')] = 'csv',
) -> Response:
    """All plays that match as a file: CSV, or one JSON object a line."""
    rows = _lines(hub, eyes, query) if form == 'jsonl' else _table(hub, eyes, query)
    name = f'attachment; filename="plays.{form}"'
    media = LINES if form == 'jsonl' else CSV
    return StreamingResponse(rows, media_type=media, headers={'Content-Disposition': name})


async def _pages(hub: Hub, eyes: Identity, query: HistoryQuery) -> AsyncGenerator[list[PlayView]]:
    """Page after page, by cursor, so that plays that come in meanwhile disturb nothing."""
    cursor: str | None = None
    while True:
        asked = msgspec.structs.replace(query, limit=LARGEST_PAGE, after=cursor, counted=False)
        page = await hub.database.run(lambda asked=asked: hub.plays.history(asked))
        yield [view(eyes, play) for play in page.plays]
        if page.next is None:
            return
        cursor = page.next
        await asyncio.sleep(0)


async def _lines(hub: Hub, eyes: Identity, query: HistoryQuery) -> AsyncGenerator[bytes]:
    encoder = msgspec.json.Encoder()
    async for page in _pages(hub, eyes, query):
        yield encoder.encode_lines(page)


async def _table(hub: Hub, eyes: Identity, query: HistoryQuery) -> AsyncGenerator[str]:
    yield _rendered([COLUMNS])
    async for page in _pages(hub, eyes, query):
        yield _rendered(map(cells, page))


COLUMNS = (
    'play_id', 'server', 'source', 'started_at', 'stopped_at', 'viewer', 'account_id',
    'media_type', 'title', 'season_or_album', 'show_or_artist', 'season', 'number', 'year',
    'library', 'rating_key', 'player', 'platform', 'product', 'address', 'decision', 'transcoded',
    'resolution', 'source_resolution', 'bandwidth', 'played_s', 'paused_s', 'percent',
)  # fmt: skip


def cells(play: PlayView) -> Sequence[object]:
    """A play as a row of the table."""
    item, viewer, player, stream = play.item, play.viewer, play.player, play.stream
    return (
        play.play_id, play.server, play.source.value, play.started_at.isoformat(),
        play.stopped_at.isoformat() if play.stopped_at else '', viewer.name, viewer.account_id,
        item.media_type.value, item.title, item.parent_title, item.grandparent_title,
        item.parent_index, item.index, item.year, item.library, item.rating_key, player.title,
        player.platform, player.product, player.address, stream.decision.value, play.transcoded,
        stream.resolution, stream.source_resolution, stream.bandwidth, play.played_ms // 1000,
        play.paused_ms // 1000, play.percent,
    )  # fmt: skip


def _rendered(rows: Iterable[Sequence[object]]) -> str:
    file = io.StringIO()
    csv.writer(file).writerows([harmless(cell) for cell in row] for row in rows)
    return file.getvalue()


def harmless(cell: object) -> object:
    """A cell that no spreadsheet takes for a formula, whoever named the film."""
    if isinstance(cell, str) and cell[:1] in {'=', '+', '-', '@', '\t', '\r'}:
        return f"'{cell}"
    return cell
