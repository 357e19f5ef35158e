# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Makes ten years of plays in the hub's own database, by SQL, and the counts that belong to them.

One user for every twenty thousand plays, two servers, some thousand films, shows and artists of
which few are played much, as people are. They end with yesterday, as charts that count from today
expect. The same number of plays makes the same database on the same day, but for the ids.
"""

from __future__ import annotations

import datetime
import pathlib
import sys
import time

import msgspec

from mediahub.plays import Item, MediaType
from mediahub.store import peaks, playrows, rollups
from mediahub.store.database import Database
from mediahub.store.plays import Plays

DAY = datetime.timedelta(days=1)
END = datetime.datetime.now(datetime.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
BEGIN = END - 3652 * DAY
SERVERS = ('0123456789abcdef0123456789abcdef01234567', '89abcdef0123456789abcdef0123456789abcdef')

FILMS, SHOWS, EPISODES, ARTISTS, TRACKS = 6000, 600, 50, 800, 25

# Plays that are one statement.
_CHUNK = 2_500_000

# Bytes for making it, which no hub would take.
_MEMORY = 6 * 1024**3


def users(plays: int) -> int:
    """How many people played."""
    return max(20, plays // 20_000)


def made(folder: pathlib.Path, plays: int) -> pathlib.Path:
    """The database of so many plays in a folder, made where it is missing; not to be changed.

    Those of other days are removed, which nobody can use any more; nothing else in the folder is.
    """
    path = folder / f'plays-{plays}-{END:%Y-%m-%d}.duckdb'
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        day = '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'
        for ending in ('duckdb', 'sqlite'):
            for old in folder.glob(f'plays-{plays}-{day}.{ending}'):
                old.unlink()
        unfinished = path.with_suffix('.unfinished')
        unfinished.unlink(missing_ok=True)
        make(unfinished, plays)
        unfinished.rename(path)
    return path


def make(path: pathlib.Path, plays: int) -> None:
    """Fill a new database."""
    with Database(path, memory=_MEMORY) as database:
        Plays(database)
        _catalogue(database)
        for start in range(0, plays, _CHUNK):
            began = time.monotonic()
            _fill(database, start, min(plays, start + _CHUNK), plays)
            _say(f'{start:>12,} plays behind us; the last ones took {_since(began)}')
        began = time.monotonic()
        rollups.note(database, 1, 'finished_plays', [])
        rollups.fold(database)
        _say(f'counting took {_since(began)}')
        began = time.monotonic()
        _name(database, plays)
        while peaks.refresh(database, datetime.UTC):
            pass
        database.checkpoint()
        _say(f'names and peaks took {_since(began)}')


def _since(began: float) -> str:
    return f'{time.monotonic() - began:.1f} s'


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _items() -> list[Item]:
    films = [
        Item(
            rating_key=str(1_000 + number),
            media_type=MediaType.MOVIE,
            title=f'{_word(number)} of {_word(number * 7 + 3)} {number}',
            year=1920 + number % 107,
            duration_ms=5_400_000 + number % 60 * 60_000,
            library_id='1',
            library='Films',
        )
        for number in range(FILMS)
    ]
    episodes = [
        Item(
            rating_key=str(100_000 + show * 100 + number),
            media_type=MediaType.EPISODE,
            title=f'{_word(number)} and {_word(show)}',
            parent_title=f'Season {number // 10 + 1}',
            grandparent_title=f'The {_word(show * 11)} show {show}',
            parent_rating_key=str(90_000 + show * 10 + number // 10),
            grandparent_rating_key=str(80_000 + show),
            index=number % 10 + 1,
            parent_index=number // 10 + 1,
            duration_ms=2_700_000,
            library_id='2',
            library='Series',
        )
        for show in range(SHOWS)
        for number in range(EPISODES)
    ]
    tracks = [
        Item(
            rating_key=str(500_000 + artist * 100 + number),
            media_type=MediaType.TRACK,
            title=f'{_word(number * 3)} song',
            parent_title=f'{_word(artist)} album',
            grandparent_title=f'{_word(artist * 5 + 1)} {artist}',
            parent_rating_key=str(400_000 + artist),
            grandparent_rating_key=str(300_000 + artist),
            index=number + 1,
            duration_ms=240_000,
            library_id='3',
            library='Music',
        )
        for artist in range(ARTISTS)
        for number in range(TRACKS)
    ]
    return films + episodes + tracks


_WORDS = [
    'amber',
    'birch',
    'cedar',
    'dune',
    'ember',
    'fjord',
    'glade',
    'harbour',
    'island',
    'juniper',
    'kestrel',
    'lantern',
    'meadow',
    'northern',
    'orchard',
    'prairie',
    'quarry',
    'river',
    'summit',
    'thunder',
    'umber',
    'valley',
    'willow',
    'yarrow',
    'zephyr',
]


def _word(number: int) -> str:
    return _WORDS[number % len(_WORDS)].title()


def _catalogue(database: Database) -> None:
    """The titles, each with its keys, for the statements below."""
    rows = [
        {'place': place, 'work': playrows.work_key(item), 'piece': playrows.piece_key(item)}
        | msgspec.to_builtins(item)
        for place, item in enumerate(_items())
    ]
    shape = dict.fromkeys(rows[0], 'VARCHAR')
    shape |= dict.fromkeys(('place', 'year', 'index', 'parent_index', 'duration_ms'), 'BIGINT')
    shape |= dict.fromkeys(('work', 'piece'), 'UBIGINT')
    database.execute(
        f'CREATE TEMP TABLE catalogue AS {playrows.unpacked(shape)}',
        [msgspec.json.encode(rows).decode()],
    )


# Chance by hash, so that every run makes the same. Few titles and people make up most plays.
_CHANCE = '((hash(i * 16 + {0}) >> 11)::DOUBLE / 9007199254740992.0)'

_DRAWN = f"""
SELECT i,
    TIMESTAMP '{BEGIN:%Y-%m-%d %H:%M:%S}' + to_microseconds(
        ((i + {_CHANCE.format(0)}) * {(END - BEGIN).total_seconds():.0f} * 1e6 / $total)::BIGINT
    ) AS started_at,
    CASE WHEN {_CHANCE.format(1)} < 0.25 THEN (pow({_CHANCE.format(2)}, 2.5) * {FILMS})::BIGINT
        WHEN {_CHANCE.format(1)} < 0.8 THEN
            {FILMS} + (pow({_CHANCE.format(2)}, 2.5) * {SHOWS * EPISODES - 1})::BIGINT
        ELSE {FILMS + SHOWS * EPISODES}
            + (pow({_CHANCE.format(2)}, 2.5) * {ARTISTS * TRACKS - 1})::BIGINT
    END AS place,
    1 + (pow({_CHANCE.format(3)}, 1.6) * ($users - 1))::BIGINT AS account,
    (hash(i * 16 + 4) % 8)::BIGINT AS platform,
    {_CHANCE.format(5)} AS watched,
    (hash(i * 16 + 6) % 100)::BIGINT AS delivery,
    (hash(i * 16 + 7) % 100)::BIGINT AS quality
FROM range($first, $behind) AS numbers(i)
"""  # noqa: S608 - constants

_PLATFORMS = "['Android', 'Chrome', 'iOS', 'Roku', 'Samsung', 'tvOS', 'webOS', 'Windows']"

_PLAYS = f"""
SELECT
    uuid() AS play_id, CASE WHEN account % 5 = 0 THEN '{SERVERS[1]}' ELSE '{SERVERS[0]}' END
        AS server,
    'plex' AS source, 12 AS ordinal, 's' || i % 4000 AS session_id, (i % 900)::VARCHAR
        AS session_key,
    started_at, stopped_at AS seen_at, stopped_at, 'playing' AS state,
    0 AS start_offset_ms, played_ms AS offset_ms, played_ms,
    CASE WHEN delivery % 7 = 0 THEN 120000 ELSE 0 END AS paused_ms,
    CASE WHEN delivery % 7 = 0 THEN 2 ELSE 0 END AS pauses, delivery >= 70 AS transcoded,
    rating_key AS item_rating_key, media_type AS item_media_type, title AS item_title,
    parent_title AS item_parent_title, grandparent_title AS item_grandparent_title,
    parent_rating_key AS item_parent_rating_key,
    grandparent_rating_key AS item_grandparent_rating_key, guid AS item_guid, year AS item_year,
    index AS item_index, parent_index AS item_parent_index, duration_ms AS item_duration_ms,
    library_id AS item_library_id, library AS item_library, thumb AS item_thumb,
    account::VARCHAR AS viewer_account_id, 'user ' || account AS viewer_name,
    '' AS viewer_thumb, 'client-' || account || '-' || platform % 3 AS player_client_id,
    'Player ' || platform % 3 || ' of ' || account AS player_title, 'Plex' AS player_product,
    {_PLATFORMS}[1 + (account + platform % 3) % 8] AS player_platform,
    '' AS player_device, '9.1' AS player_version,
    '192.0.2.' || account % 250 AS player_address, platform > 2 AS player_local,
    false AS player_relayed, true AS player_secure,
    CASE WHEN delivery >= 70 THEN 'transcode' WHEN delivery >= 55 THEN 'copy'
        ELSE 'direct play' END AS stream_decision,
    CASE WHEN delivery >= 70 THEN 'transcode' END AS stream_video, 'copy' AS stream_audio,
    NULL AS stream_subtitles, 'mkv' AS stream_container, 'h264' AS stream_video_codec,
    'aac' AS stream_audio_codec,
    CASE WHEN delivery >= 70 THEN '720' WHEN quality < 30 THEN '4k' ELSE '1080' END
        AS stream_resolution,
    'mkv' AS stream_source_container, 'hevc' AS stream_source_video_codec,
    'eac3' AS stream_source_audio_codec,
    CASE WHEN quality < 30 THEN '4k' ELSE '1080' END AS stream_source_resolution,
    4000 + quality * 100 AS stream_bitrate, 9000 AS stream_bandwidth, '' AS stream_reason,
    '' AS stream_transcode_key, NULL AS stream_transcode_progress, NULL AS stream_speed,
    NULL AS stream_throttled, NULL AS stream_hardware,
    started_at::DATE AS day, stopped_at::DATE AS last_day, hour(started_at) AS hour, work, piece,
    coalesce(nullif(grandparent_title, ''), title) AS heading
FROM (
    SELECT drawn.*, catalogue.* EXCLUDE place, (watched * duration_ms)::BIGINT AS played_ms,
        started_at + to_milliseconds((watched * duration_ms)::BIGINT) AS stopped_at
    FROM ({_DRAWN}) AS drawn JOIN catalogue USING (place)
)
"""  # noqa: S608 - constants


def _fill(database: Database, first: int, behind: int, plays: int) -> None:
    numbers = {'$total': plays, '$users': users(plays), '$first': first, '$behind': behind}
    drawn = _PLAYS
    for name, value in numbers.items():
        drawn = drawn.replace(name, str(value))
    columns = ', '.join(playrows.SHAPE)
    database.execute(f'INSERT INTO finished_plays ({columns}) SELECT {columns} FROM ({drawn})')  # noqa: S608 - constants


def _name(database: Database, plays: int) -> None:
    """What the recorder learns from plays: titles, people, libraries, players."""
    database.execute(
        'INSERT INTO titles SELECT server, rating_key, piece, work, media_type, title, '
        'parent_title, grandparent_title, year, parent_rating_key, grandparent_rating_key, thumb, '
        "lower(title || ' ' || parent_title || ' ' || grandparent_title), ? "
        'FROM catalogue, (SELECT unnest(?::VARCHAR[]) AS server)',
        [END.replace(tzinfo=None), list(SERVERS)],
    )
    account = f'(SELECT unnest(range(1, {users(plays)} + 1)) AS account)'
    server = f"CASE WHEN account % 5 = 0 THEN '{SERVERS[1]}' ELSE '{SERVERS[0]}' END"
    database.execute(
        f"INSERT INTO people SELECT {server}, account::VARCHAR, 'user ' || account, '', ? "  # noqa: S608 - constants
        f'FROM {account}',
        [END.replace(tzinfo=None)],
    )
    database.execute(
        "INSERT INTO devices SELECT 'client-' || account || '-' || number, "  # noqa: S608 - constants
        f"'Player ' || number || ' of ' || account, 'Plex', '', '', ? FROM {account}, "
        '(SELECT unnest([0, 1, 2]) AS number)',
        [END.replace(tzinfo=None)],
    )
    for library, name in (('1', 'Films'), ('2', 'Series'), ('3', 'Music')):
        for server_id in SERVERS:
            database.execute(
                'INSERT INTO sections VALUES (?, ?, ?, ?)',
                [server_id, library, name, END.replace(tzinfo=None)],
            )
