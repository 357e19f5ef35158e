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

# A finished play, as store.playrows flattens mediahub.plays.Play; days and hour are of the
# hub's time zone, work and piece are keys of what people mean by a title,
# and the heading is what plays are sorted by where that is their title.
_FINISHED = """
    play_id UUID, server VARCHAR, source VARCHAR, ordinal BIGINT,
    session_id VARCHAR, session_key VARCHAR,
    started_at TIMESTAMP, seen_at TIMESTAMP, stopped_at TIMESTAMP, state VARCHAR,
    start_offset_ms BIGINT, offset_ms BIGINT,
    played_ms BIGINT, paused_ms BIGINT, pauses BIGINT, transcoded BOOLEAN,
    item_rating_key VARCHAR USING COMPRESSION uncompressed, item_media_type VARCHAR,
    item_title VARCHAR, item_parent_title VARCHAR, item_grandparent_title VARCHAR,
    item_parent_rating_key VARCHAR, item_grandparent_rating_key VARCHAR,
    item_guid VARCHAR, item_year BIGINT, item_index BIGINT, item_parent_index BIGINT,
    item_duration_ms BIGINT, item_library_id VARCHAR, item_library VARCHAR, item_thumb VARCHAR,
    viewer_account_id VARCHAR, viewer_name VARCHAR, viewer_thumb VARCHAR,
    player_client_id VARCHAR, player_title VARCHAR, player_product VARCHAR,
    player_platform VARCHAR, player_device VARCHAR, player_version VARCHAR,
    player_address VARCHAR, player_local BOOLEAN, player_relayed BOOLEAN, player_secure BOOLEAN,
    stream_decision VARCHAR, stream_video VARCHAR, stream_audio VARCHAR, stream_subtitles VARCHAR,
    stream_container VARCHAR, stream_video_codec VARCHAR, stream_audio_codec VARCHAR,
    stream_resolution VARCHAR, stream_source_container VARCHAR,
    stream_source_video_codec VARCHAR, stream_source_audio_codec VARCHAR,
    stream_source_resolution VARCHAR,
    stream_bitrate BIGINT, stream_bandwidth BIGINT, stream_reason VARCHAR,
    stream_transcode_key VARCHAR, stream_transcode_progress DOUBLE, stream_speed DOUBLE,
    stream_throttled BOOLEAN, stream_hardware BOOLEAN,
    day DATE, last_day DATE, hour UTINYINT, work UBIGINT, piece UBIGINT, heading VARCHAR
"""

# What is counted of plays: all, by decision, by media type; number and watched milliseconds.
_COUNTED = """
    plays BIGINT, played_ms BIGINT,
    direct_plays BIGINT, direct_ms BIGINT, copied_plays BIGINT, copied_ms BIGINT,
    transcoded_plays BIGINT, transcoded_ms BIGINT, unknown_plays BIGINT, unknown_ms BIGINT,
    movie_plays BIGINT, movie_ms BIGINT, episode_plays BIGINT, episode_ms BIGINT,
    track_plays BIGINT, track_ms BIGINT, live_plays BIGINT, live_ms BIGINT,
    other_plays BIGINT, other_ms BIGINT
"""


def _counts(plays: str, watched: str, decision: str, media_type: str) -> str:
    """What step 6 fills columns of ``_COUNTED`` with; the arguments are expressions."""
    decisions = ('direct play', 'copy', 'transcode', 'unknown')
    kinds = ('movie', 'episode', 'track', 'live')
    tests = [
        'true',
        *(f"{decision} = '{name}'" for name in decisions),
        *(f"{media_type} = '{name}'" for name in kinds),
        f'{media_type} NOT IN {kinds}',
    ]
    return ', '.join(
        f'sum(CASE WHEN {test} THEN {what} ELSE 0 END)::BIGINT'
        for test in tests
        for what in (plays, watched)
    )


_THERE = _counts('1', 'played_ms', 'stream_decision', 'item_media_type')
_TAKEN_AWAY = _counts('-sign', '-sign * played_ms', 'decision', 'media_type')


def _counted_by(table: str, key: str, kind: str, value: str) -> str:
    """A table of counts by a value of plays, filled with those that there are.

    Rows of ``uncounted`` do not know the value yet. They will be added as of none, and a row of
    none takes them away before.
    """
    return f"""
    CREATE TABLE {table} (server VARCHAR, {key} {kind}, {_COUNTED});
    INSERT INTO {table} SELECT server, {value}, {_THERE} FROM finished_plays GROUP BY ALL;
    INSERT INTO {table} SELECT server, NULL, {_TAKEN_AWAY} FROM uncounted GROUP BY ALL;
    ALTER TABLE uncounted ADD COLUMN {key} {kind};
    """  # noqa: S608 - constants


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
    f"""
    CREATE TABLE watched (play_id VARCHAR, server VARCHAR, document VARCHAR);
    CREATE SEQUENCE outbox_numbers;
    CREATE TABLE outbox (number BIGINT, document VARCHAR);
    CREATE TABLE live_plays (
        play_id UUID, server VARCHAR, ordinal BIGINT, started_at TIMESTAMP, document VARCHAR
    );
    CREATE TABLE finished_plays ({_FINISHED});
    CREATE TABLE imported_plays (play_id UUID, source VARCHAR, server VARCHAR, kept UUID);
    CREATE TABLE facts (name VARCHAR, value VARCHAR);

    CREATE TABLE people (
        server VARCHAR, account VARCHAR, name VARCHAR, thumb VARCHAR, seen_at TIMESTAMP
    );
    CREATE TABLE sections (server VARCHAR, library VARCHAR, name VARCHAR, seen_at TIMESTAMP);
    CREATE TABLE devices (
        player VARCHAR, title VARCHAR, product VARCHAR, platform VARCHAR, device VARCHAR,
        seen_at TIMESTAMP
    );
    CREATE TABLE titles (
        server VARCHAR, rating_key VARCHAR, piece UBIGINT, work UBIGINT, media_type VARCHAR,
        title VARCHAR, parent_title VARCHAR, grandparent_title VARCHAR, year BIGINT,
        parent_rating_key VARCHAR, grandparent_rating_key VARCHAR, thumb VARCHAR,
        sought VARCHAR, seen_at TIMESTAMP
    );

    CREATE TABLE uncounted (
        sign TINYINT, day DATE, last_day DATE, hour UTINYINT, month DATE,
        server VARCHAR, account VARCHAR, library VARCHAR, platform VARCHAR, player VARCHAR,
        resolution VARCHAR, source_resolution VARCHAR, work UBIGINT, piece UBIGINT,
        decision VARCHAR, media_type VARCHAR, played_ms BIGINT
    );
    CREATE TABLE count_day (day DATE, server VARCHAR, {_COUNTED});
    CREATE TABLE count_hour (day DATE, hour UTINYINT, server VARCHAR, {_COUNTED});
    CREATE TABLE count_library (day DATE, server VARCHAR, library VARCHAR, {_COUNTED});
    CREATE TABLE count_platform (day DATE, server VARCHAR, platform VARCHAR, {_COUNTED});
    CREATE TABLE count_resolution (day DATE, server VARCHAR, resolution VARCHAR, {_COUNTED});
    CREATE TABLE count_source_resolution (
        day DATE, server VARCHAR, source_resolution VARCHAR, {_COUNTED}
    );
    CREATE TABLE count_account (day DATE, server VARCHAR, account VARCHAR, {_COUNTED});
    CREATE TABLE count_account_month (month DATE, server VARCHAR, account VARCHAR, {_COUNTED});
    CREATE TABLE count_player_month (month DATE, server VARCHAR, player VARCHAR, {_COUNTED});
    CREATE TABLE count_work_month (month DATE, server VARCHAR, work UBIGINT, {_COUNTED});
    CREATE TABLE count_piece (server VARCHAR, piece UBIGINT, {_COUNTED});
    CREATE TABLE count_audience (server VARCHAR, work UBIGINT, account VARCHAR, {_COUNTED});
    CREATE TABLE peaks (
        day DATE, server VARCHAR, streams BIGINT, moment TIMESTAMP,
        direct BIGINT, copied BIGINT, transcoded BIGINT, unknown BIGINT
    );
    CREATE TABLE stale_peaks (day DATE);
    """,
    # Sign-in. What opens something (state, ticket, token) is kept as its SHA-256, in mark.
    """
    CREATE TABLE auth_flows (
        mark VARCHAR, challenge VARCHAR, pin VARCHAR, way VARCHAR, return_to VARCHAR,
        checks INTEGER, created_at TIMESTAMP, expires_at TIMESTAMP
    );
    CREATE TABLE auth_sessions (
        session VARCHAR, mark VARCHAR, account VARCHAR, name VARCHAR, role VARCHAR, way VARCHAR,
        address VARCHAR, agent VARCHAR,
        created_at TIMESTAMP, seen_at TIMESTAMP, expires_at TIMESTAMP
    );
    CREATE TABLE api_tokens (
        token VARCHAR, mark VARCHAR, name VARCHAR, role VARCHAR, created_by VARCHAR,
        created_at TIMESTAMP, expires_at TIMESTAMP, used_at TIMESTAMP
    );
    CREATE TABLE plex_machines (url VARCHAR, machine_id VARCHAR);
    """,
    """
    CREATE SEQUENCE dead_letter_numbers;
    CREATE TABLE dead_letters (
        number BIGINT, subject VARCHAR, payload BLOB, reason VARCHAR, times BIGINT,
        buried_at TIMESTAMP
    );
    CREATE TABLE hub (id VARCHAR);
    INSERT INTO hub SELECT uuid()::VARCHAR;
    """,
    'CREATE TABLE waypoints (name VARCHAR, value VARCHAR);',
    f"""
    {_counted_by('count_heading', 'heading', 'VARCHAR', 'heading')}
    {_counted_by('count_viewer_name', 'viewer_name', 'VARCHAR', 'viewer_name')}
    {_counted_by('count_player_title', 'player_title', 'VARCHAR', 'player_title')}
    {_counted_by('count_minutes', 'minutes', 'BIGINT', 'greatest(played_ms, 0) // 60000')}
    CREATE TABLE count_work (server VARCHAR, work UBIGINT, {_COUNTED});
    INSERT INTO count_work
    SELECT server, work, sum(COLUMNS(* EXCLUDE (server, work, account)))::BIGINT
    FROM count_audience GROUP BY server, work;
    CREATE TABLE count_viewers (server VARCHAR, work UBIGINT, viewers BIGINT);
    INSERT INTO count_viewers
    SELECT server, work, count(*) FILTER (plays > 0) FROM count_audience GROUP BY ALL;
    """,  # noqa: S608 - constants
)

DESCRIBED = tuple(
    line.split()[0] for line in _DESCRIPTION.replace('\n', ' ').split(',') if line.strip()
)
PRESENT = tuple(
    line.split()[0] for line in _PRESENCE.replace('\n', ' ').split(',') if line.strip()
)
