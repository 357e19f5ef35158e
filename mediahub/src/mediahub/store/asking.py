# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What a page of history can be asked for."""

from __future__ import annotations

import datetime
import enum
from collections.abc import Sequence

import msgspec

from ..engine import matching
from ..plays import Decision, MediaType, Source
from .database import Query, stored
from .ranges import Part, all_of, together


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


# Titles or accounts that are named one by one; DuckDB passes over more of the file by that.
_FEW = 500

_NOTHING = Part('false')


class Keyed(msgspec.Struct, frozen=True):
    """That a play is of something with a rating key.

    Attributes:
        column: Which tells, ``work`` or ``piece``.
        condition: On that column.
    """

    column: str
    condition: Part


class Found(msgspec.Struct, frozen=True):
    """What a query's words stand for in a state of the database; None where there are none.

    Attributes:
        pieces: A condition on ``piece``, for the text.
        sought: The SELECT of pieces within that condition, which may be there several times; None
            where the condition names them.
        keyed: For the rating key; None as well where no column of titles tells whether a play
            has it.
        accounts: Of each server the accounts.
    """

    pieces: Part | None = None
    sought: Part | None = None
    keyed: Keyed | None = None
    accounts: tuple[tuple[str, tuple[str, ...]], ...] | None = None


def found(run: Query, query: HistoryQuery) -> Found:
    """Look words up among titles and accounts, which are few, in place of all plays."""
    words = matching.key(query.text or '').split()
    name = (query.viewer or '').strip()
    key = query.rating_key
    pieces, sought = _spoken(run, words) if words else (None, None)
    return Found(
        pieces,
        sought,
        _keyed(run, key, query.server) if key is not None else None,
        _named(run, name, query.server),
    )


def _spoken(run: Query, words: Sequence[str]) -> tuple[Part, Part | None]:
    """That a play is of one of the titles in which all words occur, and the SELECT of many."""
    contained = ' AND '.join('contains(sought, ?)' for _ in words)
    source = f'piece FROM titles WHERE {contained}'
    distinct = f'SELECT DISTINCT {source}'
    rows = run(f'{distinct} LIMIT ?', [*words, _FEW + 1])
    if len(rows) > _FEW:
        return Part(f'piece IN ({distinct})', tuple(words)), Part(f'SELECT {source}', tuple(words))
    return _one_of('piece', [row[0] for row in rows], 'UBIGINT'), None


_KEYS = ('rating_key', 'parent_rating_key', 'grandparent_rating_key')

# Of every title of a film or show that has a key, whether it has been known by it always.
_BY_KEY = f"""
WITH named AS (
    SELECT work, piece, {' OR '.join(f'{name} = $1' for name in _KEYS)} AS has
    FROM titles WHERE $2::VARCHAR IS NULL OR server = $2
)
SELECT work, piece, bool_and(has), bool_or(has) FROM named
WHERE work IN (SELECT work FROM named WHERE has) GROUP BY work, piece LIMIT $3
"""  # noqa: S608 - constants


def _keyed(run: Query, key: str, server: str | None) -> Keyed | None:
    """That a play is of something with a key, if that is all that is to be known.

    Texts of all plays need not be read then, which takes ten times as long. An item that got
    another key is one that is only told by those.
    """
    rows = run(_BY_KEY, [key, server, _FEW + 1])
    if len(rows) > _FEW or any(some and not every for _, _, every, some in rows):
        return None
    if all(every for _, _, every, _ in rows):
        works = sorted({work for work, *_ in rows})
        return Keyed('work', _one_of('work', works, 'UBIGINT'))
    pieces = [piece for _, piece, every, _ in rows if every]
    return Keyed('piece', _one_of('piece', pieces, 'UBIGINT'))


def _one_of(column: str, values: Sequence[object], kind: str) -> Part:
    """That a column, which is of a type, has one of some values."""
    if not values:
        return _NOTHING
    if len(values) <= _FEW:
        named = ', '.join([f'?::{kind}'] * len(values))
        return Part(f'{column} IN ({named})', tuple(values))
    return Part(f'{column} IN (SELECT unnest(?::{kind}[]))', (list(values),))


def _named(
    run: Query, name: str, server: str | None
) -> tuple[tuple[str, tuple[str, ...]], ...] | None:
    if not name:
        return None
    rows = run(
        'SELECT server, list(account ORDER BY account) FROM people '
        'WHERE contains(strip_accents(lower(name)), strip_accents(lower(?))) '
        'AND (?::VARCHAR IS NULL OR server = ?) GROUP BY server ORDER BY server',
        [name, server, server],
    )
    return tuple((row[0], tuple(row[1])) for row in rows)


def of_accounts(accounts: tuple[tuple[str, tuple[str, ...]], ...], column: str) -> Part:
    """That a play is of one of the accounts of :class:`Found`.

    Args:
        accounts: Of each server.
        column: That of the account.
    """
    pairs = [(server, name) for server, names in accounts for name in names]
    names = sorted({name for _, name in pairs})
    return together(
        (
            # Says nothing new, but is quick to find out.
            Part(f'{column} IN (SELECT unnest(?::VARCHAR[]))', (names,)),
            Part(
                f'(server, {column}) IN (SELECT unnest(?::VARCHAR[]), unnest(?::VARCHAR[]))',
                ([server for server, _ in pairs], [name for _, name in pairs]),
            ),
        )
    )


def about(query: HistoryQuery, words: Found) -> Part:
    """The condition on plays that a query makes, without the place of the page."""
    given = {
        'server = ?': query.server,
        'viewer_account_id = ?': query.account,
        'item_library_id = ?': query.library,
        'item_media_type = ?': query.media_type and query.media_type.value,
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
    parts = [all_of(given)]
    if words.keyed is not None:
        parts.append(words.keyed.condition)
    elif query.rating_key is not None:
        parts.append(_read(query.rating_key))
    if words.pieces is not None:
        parts.append(words.pieces)
    if words.accounts is not None:
        parts.append(of_accounts(words.accounts, 'viewer_account_id'))
    return together(parts)


def _read(key: str) -> Part:
    return Part(' OR '.join(f'item_{name} = ?' for name in _KEYS), (key,) * len(_KEYS))
