# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The statements that make a staged snapshot the index's next generation.

All of them run inside the caller's transaction. The next generation is built beside the current
one and then takes its place.
"""

from __future__ import annotations

import datetime

import msgspec

from ..engine.snapshot import Proof
from . import identity, schema
from .database import Database

_DESCRIBED = ', '.join(schema.DESCRIBED)
_PRESENT = ', '.join(schema.PRESENT)
_COLUMNS = f'uid, server, kind, native_id, {_DESCRIBED}, {_PRESENT}'
_NEW = ', '.join(f'staged.{column}' for column in schema.DESCRIBED)

# Every staged row with the item that it is: recognised under its new id, known, or new.
_PRESENT_ROWS = f"""
CREATE OR REPLACE TEMP TABLE present AS
SELECT coalesce(recognised.uid, items.uid, nextval('uids')) AS uid,
    recognised.uid IS NOT NULL AS rekeyed,
    recognised.uid IS NULL AND items.uid IS NULL AS added,
    items.uid IS NOT NULL
        AND (items.title, items.updated_at, items.path, items.album_id) IS DISTINCT FROM
            (staged.title, staged.updated_at, staged.path, staged.album_id) AS changed,
    coalesce(
        (SELECT min(first_seen) FROM items AS old WHERE old.uid = recognised.uid),
        (SELECT min(first_seen) FROM gone AS old WHERE old.uid = recognised.uid),
        items.first_seen, ?
    ) AS first_seen,
    staged.kind, staged.native_id, {_NEW}
FROM staged
LEFT JOIN recognised USING (kind, native_id)
LEFT JOIN items
    ON items.server = ? AND items.kind = staged.kind AND items.native_id = staged.native_id
"""  # noqa: S608 - constants

# Items that stay as they are, or are missing. A scope that is NULL concludes nothing.
_ABSENT_ROWS = f"""
CREATE OR REPLACE TEMP TABLE absent AS
SELECT uid, server, kind, native_id, {_DESCRIBED}, first_seen, last_seen,
    CASE WHEN scope IS NULL THEN missing_since
         WHEN missing_scope = scope THEN coalesce(missing_since, now)
         ELSE now END AS missing_since,
    CASE WHEN scope IS NULL THEN missing_runs
         WHEN missing_scope = scope THEN coalesce(missing_runs, 0) + 1
         ELSE 1 END AS missing_runs,
    coalesce(scope, missing_scope) AS missing_scope
FROM items, (SELECT ?::VARCHAR AS scope, ?::TIMESTAMP AS now)
WHERE server = ? AND uid NOT IN (SELECT uid FROM present)
    AND uid NOT IN (SELECT other_uid FROM recognised WHERE other_uid IS NOT NULL)
"""  # noqa: S608 - constants

_TAKE_PLACE = (
    'DELETE FROM items WHERE server = ?',
    f'INSERT INTO items ({_COLUMNS}) '  # noqa: S608 - constants
    f'SELECT uid, ?, kind, native_id, {_DESCRIBED}, first_seen, ?, NULL, 0, NULL FROM present',
    f'INSERT INTO items ({_COLUMNS}) SELECT {_COLUMNS} FROM absent',  # noqa: S608 - constants
)

_ALIASES = """
INSERT INTO aliases
SELECT ?, present.kind, present.native_id, present.uid, ?
FROM present ANTI JOIN aliases ON aliases.server = ? AND aliases.kind = present.kind
    AND aliases.native_id = present.native_id AND aliases.uid = present.uid
"""

_DUE = """
CREATE OR REPLACE TEMP TABLE due AS
SELECT uid FROM items
WHERE server = ? AND missing_scope = ? AND missing_runs >= ? AND missing_since <= ?
"""

_PLAY = """
INSERT INTO plays
SELECT play.uid, play.played_at, play.account, play.every_play
FROM (
    SELECT uid, ?::TIMESTAMP AS played_at, ?::VARCHAR AS account, ?::BOOLEAN AS every_play
    FROM aliases WHERE server = ? AND kind = 'track' AND native_id = ? ORDER BY since DESC LIMIT 1
) AS play
ANTI JOIN plays AS known ON known.uid = play.uid AND known.played_at = play.played_at
    AND known.account IS NOT DISTINCT FROM play.account
"""


class Merged(msgspec.Struct, frozen=True):
    """What a merge did, in items; ``missing`` counts all that are missing now."""

    added: int
    changed: int
    rekeyed: int
    missing: int


def merge(
    database: Database, server: str, now: datetime.datetime | None, *, scope: str | None
) -> Merged:
    """Build the next generation of a server's items and put it in place.

    Args:
        database: With ``staged`` and ``recognised`` filled.
        server: Whose items.
        now: When the snapshot was begun.
        scope: Fingerprint of a complete snapshot, which makes what it does not hold missing; None
            where absence means nothing.
    """
    database.execute(_PRESENT_ROWS, [now, server])
    database.execute(_ABSENT_ROWS, [scope, now, server])
    identity.adopt_history(database)
    counted = database.rows(
        'SELECT count(*) FILTER (added), count(*) FILTER (changed), count(*) FILTER (rekeyed) '
        'FROM present'
    )[0]
    clear, insert_present, insert_absent = _TAKE_PLACE
    database.execute(clear, [server])
    database.execute(insert_present, [server, now])
    database.execute(insert_absent)
    database.execute('DELETE FROM gone WHERE uid IN (SELECT uid FROM present)')
    database.execute(_ALIASES, [server, now, server])
    for table in ('present', 'absent'):
        database.execute(f'DROP TABLE {table}')
    added, changed, rekeyed = (int(count) for count in counted)
    return Merged(added, changed, rekeyed, missing(database, server))


def remember(
    database: Database, server: str, proof: Proof, watermark: datetime.datetime | None
) -> None:
    """Keep who the server is, and up to when its changes are known."""
    known = database.rows('SELECT watermark FROM servers WHERE server = ?', [server])
    kept = known[0][0] if known else None
    database.execute('DELETE FROM servers WHERE server = ?', [server])
    database.execute(
        'INSERT INTO servers VALUES (?, ?, ?, ?)',
        [server, proof.machine_id, proof.fingerprint, watermark or kept],
    )


def missing(database: Database, server: str) -> int:
    """Number of a server's items that the last complete snapshot did not hold."""
    sql = 'SELECT count(*) FROM items WHERE server = ? AND missing_since IS NOT NULL'
    return int(database.one(sql, [server]) or 0)


def due(
    database: Database,
    server: str,
    scope: str,
    observations: int,
    since: datetime.datetime | None,
) -> int:
    """Note the items that may be deleted by every rule but the ratio; answers how many."""
    database.execute(_DUE, [server, scope, observations, since])
    return int(database.one('SELECT count(*) FROM due') or 0)


def delete(database: Database, now: datetime.datetime | None) -> None:
    """Move the items that are due to ``gone``."""
    with database.transaction():
        database.execute(
            f'INSERT INTO gone ({_COLUMNS}, deleted_at) '  # noqa: S608 - constants
            f'SELECT {_COLUMNS}, ? FROM items WHERE uid IN (SELECT uid FROM due)',
            [now],
        )
        database.execute('DELETE FROM items WHERE uid IN (SELECT uid FROM due)')


def record_play(
    database: Database,
    server: str,
    native_id: str,
    played_at: datetime.datetime | None,
    account: str | None,
    *,
    every_play: bool,
) -> None:
    """Keep a play unless it is known; one of an item that was never indexed is dropped."""
    database.execute(_PLAY, [played_at, account, every_play, server, native_id])
