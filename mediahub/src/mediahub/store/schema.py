# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Tables of the hub's database, as the steps that lead from an empty file to today's.

A step is never changed once it was released; another is added behind it. Times are UTC without a
zone. There are no unique indexes: DuckDB checks them row by row, and every table is only written
in transactions that join on the keys.
"""

# Rows of the library, less what tells them apart. Keys are names as mediahub.engine.matching.key
# spells them, for recognising an item under another id.
_DESCRIPTION = """
    title VARCHAR, title_key VARCHAR, artist VARCHAR, artist_key VARCHAR,
    album VARCHAR, album_key VARCHAR, artist_id VARCHAR, album_id VARCHAR,
    disc INTEGER, number INTEGER, year INTEGER, duration_ms BIGINT,
    path VARCHAR, size BIGINT, mbid VARCHAR, play_count BIGINT,
    added_at TIMESTAMP, updated_at TIMESTAMP
"""

_PRESENCE = """
    first_seen TIMESTAMP, last_seen TIMESTAMP,
    missing_since TIMESTAMP, missing_runs INTEGER, missing_scope VARCHAR
"""

STAGED = f"""
CREATE OR REPLACE TEMP TABLE staged (
    place BIGINT, kind VARCHAR, native_id VARCHAR, {_DESCRIPTION}
)
"""

STEPS = (
    f"""
    CREATE SEQUENCE uids;
    CREATE SEQUENCE run_ids;
    CREATE TABLE items (
        uid BIGINT, server VARCHAR, kind VARCHAR, native_id VARCHAR, {_DESCRIPTION}, {_PRESENCE}
    );
    CREATE TABLE gone (
        uid BIGINT, server VARCHAR, kind VARCHAR, native_id VARCHAR, {_DESCRIPTION}, {_PRESENCE},
        deleted_at TIMESTAMP
    );
    CREATE TABLE aliases (
        server VARCHAR, kind VARCHAR, native_id VARCHAR, uid BIGINT, since TIMESTAMP
    );
    CREATE TABLE plays (
        uid BIGINT, played_at TIMESTAMP, account VARCHAR, every_play BOOLEAN
    );
    CREATE TABLE servers (
        server VARCHAR, machine_id VARCHAR, fingerprint VARCHAR, watermark TIMESTAMP
    );
    CREATE TABLE runs (
        run BIGINT, server VARCHAR, mode VARCHAR, state VARCHAR, reason VARCHAR,
        started_at TIMESTAMP, finished_at TIMESTAMP, fingerprint VARCHAR,
        added BIGINT, changed BIGINT, rekeyed BIGINT, missing BIGINT, deleted BIGINT
    );
    CREATE TABLE playlist_journal (
        entry VARCHAR, server VARCHAR, playlist_id VARCHAR, title VARCHAR, saved_at TIMESTAMP,
        place BIGINT, track_id VARCHAR, track_title VARCHAR, track_artist VARCHAR
    );
    """,
)

DESCRIBED = tuple(
    line.split()[0] for line in _DESCRIPTION.replace('\n', ' ').split(',') if line.strip()
)
PRESENT = tuple(
    line.split()[0] for line in _PRESENCE.replace('\n', ' ').split(',') if line.strip()
)
