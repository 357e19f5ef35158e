# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What a page of history can be asked for."""

from __future__ import annotations

import datetime
import enum

import msgspec

from ..engine import matching
from ..plays import Decision, MediaType, Source
from .database import stored
from .ranges import EVERYTHING, Part


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


def about(query: HistoryQuery) -> Part:
    """The condition that a query makes, without the place of the page."""
    given = {
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
        return EVERYTHING
    contained = ' AND '.join('contains(sought, ?)' for _ in words)
    return Part(f'piece IN (SELECT piece FROM titles WHERE {contained})', tuple(words))  # noqa: S608 - constants


def _named(name: str) -> Part:
    """Search the accounts, which are few, in place of all plays."""
    if not name.strip():
        return EVERYTHING
    named = 'contains(strip_accents(lower(name)), strip_accents(lower(?)))'
    return Part(
        f'(server, viewer_account_id) IN (SELECT (server, account) FROM people WHERE {named})',  # noqa: S608 - constants
        (name.strip(),),
    )
