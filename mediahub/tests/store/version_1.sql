-- Copyright 2026 The Charmarr authors
-- SPDX-License-Identifier: Apache-2.0
--
-- Step 1 as it was released; a step is never changed afterwards.
    CREATE SEQUENCE uids;
    CREATE SEQUENCE run_ids;
    CREATE TABLE items (
        uid BIGINT, server VARCHAR, kind VARCHAR, native_id VARCHAR, 
    title VARCHAR, title_key VARCHAR, artist VARCHAR, artist_key VARCHAR,
    album VARCHAR, album_key VARCHAR, artist_id VARCHAR, album_id VARCHAR,
    disc INTEGER, number INTEGER, year INTEGER, duration_ms BIGINT,
    path VARCHAR, size BIGINT, mbid VARCHAR, play_count BIGINT,
    added_at TIMESTAMP, updated_at TIMESTAMP
, 
    first_seen TIMESTAMP, last_seen TIMESTAMP,
    missing_since TIMESTAMP, missing_runs INTEGER, missing_scope VARCHAR

    );
    CREATE TABLE gone (
        uid BIGINT, server VARCHAR, kind VARCHAR, native_id VARCHAR, 
    title VARCHAR, title_key VARCHAR, artist VARCHAR, artist_key VARCHAR,
    album VARCHAR, album_key VARCHAR, artist_id VARCHAR, album_id VARCHAR,
    disc INTEGER, number INTEGER, year INTEGER, duration_ms BIGINT,
    path VARCHAR, size BIGINT, mbid VARCHAR, play_count BIGINT,
    added_at TIMESTAMP, updated_at TIMESTAMP
, 
    first_seen TIMESTAMP, last_seen TIMESTAMP,
    missing_since TIMESTAMP, missing_runs INTEGER, missing_scope VARCHAR
,
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
