# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What accounts, libraries, players and titles are called, by the newest play that tells.

Charts count by ids, which outlive a change of name, and look the names up here.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Sequence

import msgspec

from ..engine import matching
from ..plays import Play
from . import playrows
from .database import Database, Query, Row, stored

Value = object

# Names that are remembered as being stored already; more are looked up again.
_REMEMBERED = 200_000


class Names(msgspec.Struct, frozen=True):
    """A table of names.

    Attributes:
        keys: Columns that tell its rows apart.
        shape: All columns but the time, with their types.
        told: What a play tells, in that order; None where it tells nothing.
    """

    table: str
    keys: tuple[str, ...]
    shape: dict[str, str]
    told: Callable[[Play], tuple[Value, ...] | None]


def _person(play: Play) -> tuple[Value, ...] | None:
    viewer = play.viewer
    return (play.server, viewer.account_id, viewer.name, viewer.thumb) if viewer.name else None


def _section(play: Play) -> tuple[Value, ...] | None:
    item = play.item
    return (play.server, item.library_id, item.library) if item.library else None


def _device(play: Play) -> tuple[Value, ...] | None:
    player = play.player
    key = player.client_id or f'{player.platform} {player.title}'
    return key, player.title, player.product, player.platform, player.device


def _title(play: Play) -> tuple[Value, ...] | None:
    item = play.item
    spoken = (item.title, item.parent_title, item.grandparent_title)
    return (
        play.server,
        item.rating_key,
        playrows.piece_key(item),
        item.parent_rating_key,
        item.grandparent_rating_key,
        playrows.work_key(item),
        item.media_type.value,
        *spoken,
        playrows.bounded(item.year),
        item.thumb,
        ' '.join(matching.key(text) for text in spoken),
    )


PEOPLE = Names(
    'people',
    ('server', 'account'),
    dict.fromkeys(('server', 'account', 'name', 'thumb'), 'VARCHAR'),
    _person,
)
SECTIONS = Names(
    'sections',
    ('server', 'library'),
    dict.fromkeys(('server', 'library', 'name'), 'VARCHAR'),
    _section,
)
DEVICES = Names(
    'devices',
    ('player',),
    dict.fromkeys(('player', 'title', 'product', 'platform', 'device'), 'VARCHAR'),
    _device,
)
TITLES = Names(
    'titles',
    # All that an item is found by, as it ever was.
    ('server', 'rating_key', 'piece', 'parent_rating_key', 'grandparent_rating_key'),
    {
        'server': 'VARCHAR',
        'rating_key': 'VARCHAR',
        'piece': 'UBIGINT',
        'parent_rating_key': 'VARCHAR',
        'grandparent_rating_key': 'VARCHAR',
        'work': 'UBIGINT',
        'media_type': 'VARCHAR',
        'title': 'VARCHAR',
        'parent_title': 'VARCHAR',
        'grandparent_title': 'VARCHAR',
        'year': 'BIGINT',
        'thumb': 'VARCHAR',
        'sought': 'VARCHAR',
    },
    _title,
)

TABLES = (PEOPLE, SECTIONS, DEVICES, TITLES)


class Learned:
    """Learns names from finished plays.

    Args:
        database: Where they are kept.
    """

    def __init__(self, database: Database):
        self._database = database
        # Hash of what is stored under the hash of its key, so that a name is written once and not
        # with every play.
        self._stored: dict[int, int] = {}
        self._pending: dict[int, int] = {}

    def learn(self, plays: Iterable[Play]) -> None:
        """Keep what plays tell, within the transaction that records them."""
        self._pending.clear()
        ordered = sorted(plays, key=lambda play: play.started_at)
        for names in TABLES:
            self._write(names, ordered)

    def settled(self) -> None:
        """Say that the transaction was committed."""
        if len(self._stored) > _REMEMBERED:
            self._stored.clear()
        self._stored.update(self._pending)
        self._pending.clear()

    def forget(self) -> None:
        """Take nothing for stored any more."""
        self._stored.clear()

    def _write(self, names: Names, plays: Sequence[Play]) -> None:
        newest: dict[int, tuple[tuple[Value, ...], datetime.datetime]] = {}
        for play in plays:
            told = names.told(play)
            if told is not None:
                key = hash((names.table, told[: len(names.keys)]))
                if self._stored.get(key) != hash(told):
                    newest[key] = (told, play.started_at)
        if not newest:
            return
        self._pending.update({key: hash(told) for key, (told, _) in newest.items()})
        rows = [
            dict(zip(names.shape, told, strict=True)) | {'seen_at': stored(at)}
            for told, at in newest.values()
        ]
        self._database.execute(_merge(names), [playrows.encoded(rows)])


def _merge(names: Names) -> str:
    columns = [*names.shape, 'seen_at']
    changing = [name for name in columns if name not in names.keys]
    updates = ', '.join(f'{name} = fresh.{name}' for name in changing)
    fresh = playrows.unpacked(names.shape | {'seen_at': 'TIMESTAMP'})
    return (
        f'MERGE INTO {names.table} AS kept USING ({fresh}) AS fresh '  # noqa: S608 - constants
        f'USING ({", ".join(names.keys)}) '
        f'WHEN MATCHED AND fresh.seen_at >= kept.seen_at THEN UPDATE SET {updates} '
        f'WHEN NOT MATCHED THEN INSERT ({", ".join(columns)}) '
        f'VALUES ({", ".join(f"fresh.{name}" for name in columns)})'
    )


def called(
    query: Query, names: Names | None, keys: Sequence[str], wanted: Sequence[Row]
) -> dict[Row, dict[str, str]]:
    """Names of some keys.

    Args:
        query: Runs a query.
        names: The table; None where keys are names themselves.
        keys: Its key columns, in the order of the values wanted.
        wanted: Values of these.
    """
    if names is None or not wanted:
        return {}
    columns = [name for name in names.shape if name not in names.keys]
    lists = ', '.join(f'unnest(?::{names.shape[key]}[]) AS {key}' for key in keys)
    rows = query(
        f'SELECT {", ".join((*keys, *columns))} FROM {names.table} '  # noqa: S608 - constants
        f'SEMI JOIN (SELECT {lists}) AS wanted USING ({", ".join(keys)})',
        [list(column) for column in zip(*wanted, strict=True)],
    )
    width = len(keys)
    return {row[:width]: dict(zip(columns, row[width:], strict=True)) for row in rows}
