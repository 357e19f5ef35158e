# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The same plays in SQLite as Tautulli lays them out: three tables, its indexes, its settings."""

from __future__ import annotations

import pathlib
import sqlite3
import sys
import time
from collections.abc import Sequence

import duckdb

# Seconds after which a question is given up.
PATIENCE = 20.0

_TABLES = """
CREATE TABLE session_history (
    id INTEGER PRIMARY KEY AUTOINCREMENT, reference_id INTEGER, started INTEGER, stopped INTEGER,
    rating_key INTEGER, user_id INTEGER, user TEXT, ip_address TEXT,
    paused_counter INTEGER DEFAULT 0, player TEXT, product TEXT, product_version TEXT,
    platform TEXT, platform_version TEXT, profile TEXT, machine_id TEXT, bandwidth INTEGER,
    location TEXT, quality_profile TEXT, secure INTEGER, relayed INTEGER,
    parent_rating_key INTEGER, grandparent_rating_key INTEGER, media_type TEXT,
    section_id INTEGER, view_offset INTEGER DEFAULT 0
);
CREATE TABLE session_history_metadata (
    id INTEGER PRIMARY KEY, rating_key INTEGER, parent_rating_key INTEGER,
    grandparent_rating_key INTEGER, title TEXT, parent_title TEXT, grandparent_title TEXT,
    full_title TEXT, media_index INTEGER, parent_media_index INTEGER, thumb TEXT,
    media_type TEXT, year INTEGER, duration INTEGER DEFAULT 0, guid TEXT, live INTEGER DEFAULT 0
);
CREATE TABLE session_history_media_info (
    id INTEGER PRIMARY KEY, rating_key INTEGER, video_decision TEXT, audio_decision TEXT,
    transcode_decision TEXT, duration INTEGER DEFAULT 0, container TEXT, bitrate INTEGER,
    video_codec TEXT, audio_codec TEXT, video_full_resolution TEXT,
    stream_container TEXT, stream_bitrate INTEGER, stream_video_full_resolution TEXT
);
"""

_INDEXES = {
    'session_history': (
        'media_type',
        'media_type, stopped',
        'rating_key',
        'parent_rating_key',
        'grandparent_rating_key',
        'user',
        'user_id',
        'user_id, stopped',
        'section_id',
        'section_id, stopped',
        'reference_id, stopped',
    ),
    'session_history_metadata': ('rating_key', 'guid', 'live'),
    'session_history_media_info': ('transcode_decision',),
}

_PLAYS = """
SELECT rowid + 1, epoch(started_at)::BIGINT, epoch(stopped_at)::BIGINT,
    item_rating_key::BIGINT, viewer_account_id::BIGINT, viewer_name, player_address,
    paused_ms // 1000, player_title, player_product, player_version, player_platform,
    player_client_id, stream_bandwidth, CASE WHEN player_local THEN 'lan' ELSE 'wan' END,
    try_cast(item_parent_rating_key AS BIGINT), try_cast(item_grandparent_rating_key AS BIGINT),
    item_media_type, item_library_id::BIGINT, offset_ms,
    item_title, item_parent_title, item_grandparent_title, item_index, item_parent_index,
    item_thumb, item_year, item_duration_ms, item_guid,
    stream_video, stream_audio, stream_decision, stream_source_container, stream_bitrate,
    stream_source_video_codec, stream_source_audio_codec, stream_source_resolution,
    stream_container, stream_resolution
FROM finished_plays
"""

_AT_ONCE = 20_000

_HISTORY = """
INSERT INTO session_history (
    id, reference_id, started, stopped, rating_key, user_id, user, ip_address, paused_counter,
    player, product, product_version, platform, machine_id, bandwidth, location,
    parent_rating_key, grandparent_rating_key, media_type, section_id, view_offset
) VALUES (?1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,
    ?19, ?20)
"""

_METADATA = """
INSERT INTO session_history_metadata (
    id, rating_key, parent_rating_key, grandparent_rating_key, title, parent_title,
    grandparent_title, full_title, media_index, parent_media_index, thumb, media_type, year,
    duration, guid
) VALUES (?1, ?4, ?16, ?17, ?21, ?22, ?23,
    CASE WHEN ?23 <> '' THEN ?23 || ' - ' || ?21 ELSE ?21 END, ?24, ?25, ?26, ?18, ?27, ?28, ?29)
"""

_MEDIA_INFO = """
INSERT INTO session_history_media_info (
    id, rating_key, video_decision, audio_decision, transcode_decision, duration, container,
    bitrate, video_codec, audio_codec, video_full_resolution, stream_container, stream_bitrate,
    stream_video_full_resolution
) VALUES (?1, ?4, ?30, ?31, ?32, ?28, ?33, ?34, ?35, ?36, ?37, ?38, ?34, ?39)
"""


def made(plays: pathlib.Path) -> pathlib.Path:
    """The database beside that of the hub, made where it is missing; not to be changed."""
    path = plays.with_suffix('.sqlite')
    if not path.exists():
        unfinished = path.with_suffix('.half')
        unfinished.unlink(missing_ok=True)
        began = time.monotonic()
        _make(plays, unfinished)
        unfinished.rename(path)
        print(f'SQLite took {time.monotonic() - began:.0f} s to make', file=sys.stderr)
    return path


def _make(plays: pathlib.Path, path: pathlib.Path) -> None:
    with duckdb.connect(str(plays), read_only=True) as source:
        target = sqlite3.connect(path, isolation_level=None)
        target.executescript('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;')
        target.executescript(_TABLES)
        cursor = source.execute(_PLAYS)
        target.execute('BEGIN')
        while rows := cursor.fetchmany(_AT_ONCE):
            for statement, width in ((_HISTORY, 20), (_METADATA, 29), (_MEDIA_INFO, 39)):
                target.executemany(statement, (row[:width] for row in rows))
        target.execute('COMMIT')
    for table, indexes in _INDEXES.items():
        for columns in indexes:
            name = f'idx_{table}_{columns.replace(", ", "_")}'
            target.execute(f'CREATE INDEX {name} ON {table} ({columns})')
    target.close()


class Tautulli:
    """The database, opened as Tautulli does. Close it."""

    def __init__(self, path: pathlib.Path):
        self._connection = sqlite3.connect(path)
        self._connection.execute('PRAGMA cache_size = -32768')
        self._deadline = 0.0
        self._connection.set_progress_handler(self._is_over, 100_000)

    def _is_over(self) -> bool:
        return time.monotonic() > self._deadline

    def ask(self, statements: Sequence[str]) -> float | None:
        """Seconds that a question takes; None where it takes longer than anybody waits."""
        began = time.monotonic()
        self._deadline = began + PATIENCE
        try:
            for statement in statements:
                self._connection.execute(statement).fetchall()
        except sqlite3.OperationalError as error:
            if str(error) != 'interrupted':
                raise
            return None
        return time.monotonic() - began

    def close(self) -> None:
        """Close it."""
        self._connection.close()
