# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The list of plays that have ended: filtered, searched, sorted, and a page at a time.

Pages are asked for by number of plays to pass over, as tables do, or behind the last play of the
page before, which costs the same however far one has come and misses nothing when plays are added.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import enum
from typing import Any

import msgspec

from ..engine import matching
from ..engine.errors import MediaHubError
from ..plays import Decision, MediaType, Play, Source
from . import playrows
from .database import Database, Query, Row, stored
from .ranges import Part


class QueryError(MediaHubError):
    """The query makes no sense; the message says which part of it."""


class Order(enum.Enum):
    """What plays are sorted by; those that agree, by when they began."""

    STARTED = 'started'
    STOPPED = 'stopped'
    PLAYED = 'played'
    PAUSED = 'paused'
    TITLE = 'title'
    USER = 'user'
    PLATFORM = 'platform'
    PLAYER = 'player'


_COLUMNS = {
    Order.STARTED: 'started_at',
    Order.STOPPED: 'stopped_at',
    Order.PLAYED: 'played_ms',
    Order.PAUSED: 'paused_ms',
    Order.TITLE: "coalesce(nullif(item_grandparent_title, ''), item_title)",
    Order.USER: 'viewer_name',
    Order.PLATFORM: 'player_platform',
    Order.PLAYER: 'player_title',
}

LARGEST_PAGE = 1000


class HistoryQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which plays, and how; None asks for all.

    Attributes:
        server: Machine identifier of a server.
        account: Account on its server.
        viewer: A part of the name by which the account is known; case and accents do not count.
        library: Key of a library on its server.
        rating_key: Of the item, or of its season, show, album or artist.
        player: Id of a player.
        text: Words that must all occur in title, season or show; accents and case do not count.
        first, last: Days on which plays began, both included, in the hub's time zone.
        since, until: Moments between which they began, the second not included.
        descending: The greatest or latest first.
        limit: Plays of a page, at most :data:`LARGEST_PAGE`; 0 only counts.
        offset: Plays to pass over.
        after: The cursor of the page before; in place of an offset.
        counted: Whether to count all plays that match, and the time that they were watched.
    """

    server: str | None = None
    account: str | None = None
    viewer: str | None = None
    library: str | None = None
    media_type: MediaType | None = None
    rating_key: str | None = None
    platform: str | None = None
    player: str | None = None
    decision: Decision | None = None
    transcoded: bool | None = None
    source: Source | None = None
    text: str | None = None
    first: datetime.date | None = None
    last: datetime.date | None = None
    since: datetime.datetime | None = None
    until: datetime.datetime | None = None
    order: Order = Order.STARTED
    descending: bool = True
    limit: int = 50
    offset: int = 0
    after: str | None = None
    counted: bool = True


class HistoryPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page.

    Attributes:
        total: Plays that match, on all pages; None where that was not asked for.
        played_ms: Time that these were watched; likewise.
        next: The cursor for the page behind; None where this is the last one.
    """

    plays: list[Play]
    total: int | None = None
    played_ms: int | None = None
    next: str | None = None


def page(database: Database, query: HistoryQuery) -> HistoryPage:
    """Read a page, and its totals from the same state of the database.

    Raises:
        QueryError: The query makes no sense.
    """
    _check(query)
    condition = _condition(query)
    with database.snapshot() as run:
        rows = _rows(run, query, condition)
        total, played_ms = _total(run, condition) if query.counted else (None, None)
    shown = rows[: query.limit]
    more = bool(shown) and len(rows) > query.limit
    return HistoryPage(
        plays=[playrows.play(playrows.COLUMNS, row[1:]) for row in shown],
        total=total,
        played_ms=played_ms,
        next=_cursor(query, shown[-1]) if more else None,
    )


def _check(query: HistoryQuery) -> None:
    if not 0 <= query.limit <= LARGEST_PAGE:
        raise QueryError(f'a page has 0 to {LARGEST_PAGE} plays, not {query.limit}')
    if query.offset < 0:
        raise QueryError(f'an offset is not negative, as {query.offset} is')
    if query.offset and query.after is not None:
        raise QueryError('ask for a page by its offset or by a cursor, not by both')
    for moment in (query.since, query.until):
        if moment is not None and moment.tzinfo is None:
            raise QueryError(f'the time {moment} has no zone')


def _condition(query: HistoryQuery) -> Part:
    """What plays match, without the place of the page."""
    given: dict[str, object] = {
        'server = ?': query.server,
        'viewer_account_id = ?': query.account,
        'item_library_id = ?': query.library,
        'item_media_type = ?': query.media_type and query.media_type.value,
        '? IN (item_rating_key, item_parent_rating_key, item_grandparent_rating_key)': (
            query.rating_key
        ),
        'player_platform = ?': query.platform,
        'player_client_id = ?': query.player,
        'stream_decision = ?': query.decision and query.decision.value,
        'transcoded = ?': query.transcoded,
        'source = ?': query.source and query.source.value,
        'day >= ?': query.first,
        'day <= ?': query.last,
        'started_at >= ?': stored(query.since),
        'started_at < ?': stored(query.until),
    }
    chosen = {text: value for text, value in given.items() if value is not None}
    sought = [part for part in (_search(query.text or ''), _named(query.viewer or '')) if part.sql]
    return Part(
        ' AND '.join([*chosen, *(part.sql for part in sought)]) or 'true',
        (*chosen.values(), *(value for part in sought for value in part.parameters)),
    )


def _search(text: str) -> Part:
    """Search the titles that were ever played, which are few, in place of all plays."""
    words = matching.key(text).split()
    if not words:
        return Part('')
    contained = ' AND '.join('contains(sought, ?)' for _ in words)
    return Part(f'piece IN (SELECT piece FROM titles WHERE {contained})', tuple(words))  # noqa: S608 - constants


def _named(name: str) -> Part:
    """Search the accounts, which are few, in place of all plays."""
    if not name.strip():
        return Part('')
    named = 'contains(strip_accents(lower(name)), strip_accents(lower(?)))'
    return Part(
        f'(server, viewer_account_id) IN (SELECT (server, account) FROM people WHERE {named})',  # noqa: S608 - constants
        (name.strip(),),
    )


def _rows(run: Query, query: HistoryQuery, condition: Part) -> list[Row]:
    """The page's rows and one more, which tells whether there is another page."""
    if not query.limit:
        return []
    behind = _behind(query)
    column, direction = _COLUMNS[query.order], 'DESC' if query.descending else 'ASC'
    return run(
        f'SELECT {column}, {playrows.SELECTED} FROM finished_plays '  # noqa: S608 - constants
        f'WHERE {condition.sql} AND {behind.sql} '
        f'ORDER BY {column} {direction}, started_at {direction}, play_id {direction} '
        'LIMIT ? OFFSET ?',
        [*condition.parameters, *behind.parameters, query.limit + 1, query.offset],
    )


def _behind(query: HistoryQuery) -> Part:
    """That a play comes behind the cursor."""
    if query.after is None:
        return Part('true')
    order, descending, value, started, play_id = _decoded(query.after)
    if (order, descending) != (query.order.value, query.descending):
        raise QueryError('the cursor belongs to another order; begin at the first page')
    column, sign = _COLUMNS[query.order], '<' if query.descending else '>'
    return Part(
        # The first condition says nothing new, but lets DuckDB pass over parts of the file.
        f'{column} {sign}= ? AND ({column} {sign} ? '
        f'OR started_at {sign} ? OR (started_at = ? AND play_id {sign} ?::UUID))',
        (value, value, started, started, play_id),
    )


def _cursor(query: HistoryQuery, row: Row) -> str:
    started = row[1 + playrows.COLUMNS.index('started_at')]
    play_id = str(row[1 + playrows.COLUMNS.index('play_id')])
    place = [query.order.value, query.descending, row[0], started, play_id]
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip('=')


_PLACE = msgspec.json.Decoder(tuple[str, bool, int | str, datetime.datetime, str])
_TIMED_PLACE = msgspec.json.Decoder(tuple[str, bool, datetime.datetime, datetime.datetime, str])


def _decoded(cursor: str) -> tuple[str, bool, Any, datetime.datetime, str]:
    try:
        content = base64.urlsafe_b64decode(cursor + '=' * (-len(cursor) % 4))
        place = _PLACE.decode(content)
        if place[0] in (Order.STARTED.value, Order.STOPPED.value):
            place = _TIMED_PLACE.decode(content)
    except (binascii.Error, ValueError) as error:
        raise QueryError('the cursor is none of ours; begin at the first page') from error
    if not playrows.is_uuid(place[4]):
        raise QueryError('the cursor is none of ours; begin at the first page')
    return place


def _total(run: Query, condition: Part) -> tuple[int, int]:
    rows = run(
        'SELECT count(*), coalesce(sum(played_ms), 0)::BIGINT FROM finished_plays '  # noqa: S608 - constants
        f'WHERE {condition.sql}',
        condition.parameters,
    )
    return rows[0][0], rows[0][1]
