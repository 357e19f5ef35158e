# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Takes the pages of a snapshot into a temporary table, where nothing sees them yet.

Hundreds of rows are one statement with one JSON parameter: DuckDB takes in rows one by one a
hundred times more slowly. Small pages wait for each other; the memory of a large one is free again
before the next is fetched.
"""

from __future__ import annotations

import datetime

import msgspec

from ..engine import matching
from ..engine.snapshot import Page
from ..engine.values import Album, Artist, ExternalId, Item, Kind, Track
from . import schema
from .database import Database, stored

_SHAPE = {
    'place': 'BIGINT',
    'kind': 'VARCHAR',
    'native_id': 'VARCHAR',
    **dict.fromkeys(schema.DESCRIBED, 'VARCHAR'),
    **dict.fromkeys(('disc', 'number', 'year'), 'INTEGER'),
    **dict.fromkeys(('duration_ms', 'size', 'play_count'), 'BIGINT'),
    **dict.fromkeys(('added_at', 'updated_at'), 'TIMESTAMP'),
}

_INSERT = (
    f'INSERT INTO staged ({", ".join(_SHAPE)}) '
    f"SELECT unnest(from_json(?, '{msgspec.json.encode([_SHAPE]).decode()}'), recursive := true)"
)

# Rows that are worth a statement, which takes as long to plan as so many to take in.
ENOUGH = 250

# Bounds of DuckDB's INTEGER; a tag can hold any number.
_LARGEST = 2**31 - 1

_DISTINCT = """
CREATE OR REPLACE TEMP TABLE staged AS
SELECT * FROM staged
QUALIFY row_number() OVER (PARTITION BY kind, native_id ORDER BY place DESC) = 1
"""

# What an item refers to and the snapshot does not hold.
_DANGLING = """
SELECT count(*) FROM staged AS child
WHERE child.kind = ? AND child.{column} IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM staged AS parent WHERE parent.kind = ? AND parent.native_id = child.{column}
)
"""


class Staging:
    """The temporary table of one run."""

    def __init__(self, database: Database):
        self._database = database
        self._place = 0
        self._waiting: list[dict[str, object]] = []
        database.execute(schema.STAGED)

    async def add(self, page: Page) -> None:
        """Take in a page."""
        self._waiting += [self._row(page.kind, item) for item in page.items]
        if len(self._waiting) >= ENOUGH:
            await self._database.run(self._insert)

    def _insert(self) -> None:
        content = msgspec.json.encode(self._waiting).decode()
        self._waiting.clear()
        self._database.execute(_INSERT, [content])

    def _row(self, kind: Kind, item: Item) -> dict[str, object]:
        self._place += 1
        common = {'place': self._place, 'kind': kind.value, 'native_id': item.ref.native_id}
        return common | _described(item)

    def settle(self) -> None:
        """Keep one row of each item, the one that came last."""
        if self._waiting:
            self._insert()
        self._database.execute(_DISTINCT)

    def counts(self) -> dict[str, int]:
        """Rows by kind."""
        rows = self._database.rows('SELECT kind, count(*) FROM staged GROUP BY kind')
        return {str(kind): int(count) for kind, count in rows}

    def problems(self, server: str) -> list[str]:
        """What the rows themselves have against being the whole library."""
        return [*self._dangling(), *self._emptied(server)]

    def _dangling(self) -> list[str]:
        found: list[str] = []
        for child, column, parent in (
            ('track', 'album_id', 'album'),
            ('album', 'artist_id', 'artist'),
        ):
            sql = _DANGLING.format(column=column)
            count = self._database.one(sql, [child, parent])
            if count:
                found.append(f'{count} {child}s are of {parent}s that were not listed')
        return found

    def _emptied(self, server: str) -> list[str]:
        """A kind of which nothing is left: an unmounted disk looks exactly like that."""
        rows = self._database.rows(
            'SELECT kind, count(*) FROM items WHERE server = ? '
            'AND kind NOT IN (SELECT kind FROM staged) GROUP BY kind ORDER BY kind',
            [server],
        )
        return [f'no {kind} is left of {count}' for kind, count in rows]

    def newest(self) -> datetime.datetime | None:
        """The latest time that the server gave any item."""
        return self._database.one('SELECT max(greatest(added_at, updated_at)) FROM staged')

    def discard(self) -> None:
        """Forget the rows."""
        self._database.execute('DROP TABLE IF EXISTS staged')


def _described(item: Item) -> dict[str, object]:
    common: dict[str, object] = {
        'title': item.title,
        'title_key': matching.key(item.title) or None,
        'mbid': _mbid(item.external_ids),
        'added_at': stored(item.added_at),
        'updated_at': stored(item.updated_at),
    }
    if isinstance(item, Artist):
        return common
    credited = {'artist': item.artist, 'artist_key': matching.key(item.artist) or None}
    detail = _album(item) if isinstance(item, Album) else _track(item)
    return common | credited | {'year': _small(item.year)} | detail


def _album(item: Album) -> dict[str, object]:
    return {'artist_id': item.artist_ref.native_id if item.artist_ref else None}


def _track(item: Track) -> dict[str, object]:
    return {
        'album': item.album,
        'album_key': matching.key(item.album) or None,
        'artist_id': item.artist_ref.native_id if item.artist_ref else None,
        'album_id': item.album_ref.native_id if item.album_ref else None,
        'number': _small(item.number),
        'disc': _small(item.disc),
        'duration_ms': item.duration_ms,
        'path': item.path,
        'size': item.size,
        'play_count': item.play_count,
    }


def _small(number: int | None) -> int | None:
    return number if number is not None and abs(number) <= _LARGEST else None


def _mbid(ids: tuple[ExternalId, ...]) -> str | None:
    return next((entry.value for entry in ids if entry.scheme == 'mbid'), None)
