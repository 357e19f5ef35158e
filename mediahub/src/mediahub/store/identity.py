# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Recognises items that come back under another native id.

Navidrome 0.64 gave every item a new id at once, Plex does it to single items, a moved file gets
one from the filesystem dialect. An item that vanished and one that was never seen beside it are
the same when exactly one of each carries the same marks. Rules are tried from the strictest to the
weakest; what is ambiguous stays apart, which loses nothing.
"""

from __future__ import annotations

from .database import Database

# For each kind, expressions that are NULL where a mark is not there.
RULES: dict[str, tuple[str, ...]] = {
    'track': (
        "path || '/' || size::VARCHAR",
        "mbid || '/' || album_key || '/' || coalesce(number, 0)::VARCHAR",
        "title_key || '/' || artist_key || '/' || album_key || '/' || "
        'coalesce(disc, 1)::VARCHAR || coalesce(number, 0)::VARCHAR',
        "title_key || '/' || artist_key || '/' || size::VARCHAR || duration_ms::VARCHAR",
    ),
    'album': (
        'mbid',
        "title_key || '/' || artist_key || '/' || year::VARCHAR",
        "title_key || '/' || artist_key",
    ),
    'artist': ('mbid', 'title_key'),
}

# Items that are not in the snapshot: missing now, or deleted before.
_VANISHED = """
CREATE OR REPLACE TEMP TABLE vanished AS
SELECT uid, kind, path, size, mbid, title_key, artist_key, album_key, disc, number, year,
    duration_ms, last_seen
FROM items WHERE server = $server
    AND (kind, native_id) NOT IN (SELECT (kind, native_id) FROM staged)
UNION ALL
SELECT uid, kind, path, size, mbid, title_key, artist_key, album_key, disc, number, year,
    duration_ms, last_seen
FROM gone WHERE server = $server
"""

# Items in the snapshot, with the time since which they are known under their id.
_APPEARED = """
CREATE OR REPLACE TEMP TABLE appeared AS
SELECT staged.*, items.uid, items.first_seen
FROM staged LEFT JOIN items
    ON items.server = $server AND items.kind = staged.kind AND items.native_id = staged.native_id
WHERE items.uid IS NULL
    OR items.first_seen > (SELECT min(last_seen) FROM vanished WHERE vanished.kind = staged.kind)
"""

_MATCH = """
INSERT INTO recognised
SELECT old.uid, new.uid, new.kind, new.native_id
FROM (
    SELECT {key} AS mark, min(uid) AS uid, min(last_seen) AS last_seen
    FROM vanished WHERE kind = $kind AND uid NOT IN (SELECT uid FROM recognised)
    GROUP BY mark HAVING mark IS NOT NULL AND count(*) = 1
) AS old
JOIN (
    SELECT {key} AS mark, min(uid) AS uid, min(native_id) AS native_id, min(kind) AS kind,
        min(first_seen) AS first_seen
    FROM appeared WHERE kind = $kind
        AND (kind, native_id) NOT IN (SELECT (kind, native_id) FROM recognised)
    GROUP BY mark HAVING mark IS NOT NULL AND count(*) = 1
) AS new ON old.mark = new.mark
WHERE new.first_seen IS NULL OR new.first_seen > old.last_seen
"""


def forget(database: Database) -> None:
    """Start with nothing recognised."""
    database.execute(
        'CREATE OR REPLACE TEMP TABLE recognised '
        '(uid BIGINT, other_uid BIGINT, kind VARCHAR, native_id VARCHAR)'
    )


def recognise(database: Database, server: str) -> None:
    """Fill ``recognised`` with the items of the staged snapshot that have a new native id.

    Only a complete snapshot may be staged: in another, an item that is merely absent would lend
    its identity to its double.

    ``other_uid`` is set where the item was already taken in as a new one, by an incremental run.
    """
    database.execute(_VANISHED.replace('$server', '?'), [server, server])
    kinds = {str(row[0]) for row in database.rows('SELECT DISTINCT kind FROM vanished')}
    if kinds:  # mostly there are none
        database.execute(_APPEARED.replace('$server', '?'), [server])
        for kind in (kind for kind in RULES if kind in kinds):
            _match(database, kind)
        database.execute('DROP TABLE appeared')
    database.execute('DROP TABLE vanished')


def _match(database: Database, kind: str) -> None:
    for key in RULES[kind]:
        # The expressions are the constants above.
        database.execute(_MATCH.format(key=key).replace('$kind', '?'), [kind, kind])


def adopt_history(database: Database) -> None:
    """Give what was recorded for a duplicate to the item that it turned out to be."""
    for table in ('plays', 'aliases'):
        database.execute(
            f'UPDATE {table} SET uid = recognised.uid FROM recognised '  # noqa: S608 - constants
            f'WHERE {table}.uid = recognised.other_uid'
        )
