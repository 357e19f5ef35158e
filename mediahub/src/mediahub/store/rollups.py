# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Counts of plays, kept so that a chart over ten years reads thousands of rows and not millions.

Every play that ends is written down in ``uncounted`` by the transaction that records it, and with
the sign reversed when it is taken back. :func:`fold` adds those rows to the counts from time to
time. A reader adds them up itself (:func:`counts`), so charts are exact at every moment, and a
crash at any point loses and doubles nothing.
"""

from __future__ import annotations

import msgspec

from .database import Database

# Names of counts, and what they count: decisions by their words, media types by theirs.
DECISIONS = {
    'direct': 'direct play',
    'copied': 'copy',
    'transcoded': 'transcode',
    'unknown': 'unknown',
}
MEDIA = {name: f"= '{name}'" for name in ('movie', 'episode', 'track', 'live')} | {
    'other': "NOT IN ('movie', 'episode', 'track', 'live')"
}

# Kinds of plays that are counted apart from all.
_CONDITIONS = {
    **{name: f"decision = '{value}'" for name, value in DECISIONS.items()},
    **{name: f'media_type {test}' for name, test in MEDIA.items()},
}


def _measures(watched: str) -> dict[str, str]:
    found = {'plays': 'sign', 'played_ms': watched}
    for name, test in _CONDITIONS.items():
        found[f'{name}_plays'] = f'CASE WHEN {test} THEN sign ELSE 0 END'
        found[f'{name}_ms'] = f'CASE WHEN {test} THEN {watched} ELSE 0 END'
    return found


# Columns of every table of counts, with what one uncounted row adds to each.
MEASURES = _measures('sign * played_ms')

# The same for plays that were added up by decision and media type.
GROUPED = _measures('played_ms')


class Rollup(msgspec.Struct, frozen=True):
    """A table of counts and the columns that it counts by."""

    table: str
    keys: tuple[str, ...]


DAY = Rollup('count_day', ('day', 'server'))
HOUR = Rollup('count_hour', ('day', 'hour', 'server'))
LIBRARY = Rollup('count_library', ('day', 'server', 'library'))
PLATFORM = Rollup('count_platform', ('day', 'server', 'platform'))
RESOLUTION = Rollup('count_resolution', ('day', 'server', 'resolution'))
SOURCE_RESOLUTION = Rollup('count_source_resolution', ('day', 'server', 'source_resolution'))
ACCOUNT = Rollup('count_account', ('day', 'server', 'account'))
ACCOUNT_MONTH = Rollup('count_account_month', ('month', 'server', 'account'))
PLAYER_MONTH = Rollup('count_player_month', ('month', 'server', 'player'))
WORK_MONTH = Rollup('count_work_month', ('month', 'server', 'work'))
WORK = Rollup('count_work', ('server', 'work'))
PIECE = Rollup('count_piece', ('server', 'piece'))
HEADING = Rollup('count_heading', ('server', 'heading'))
VIEWER_NAME = Rollup('count_viewer_name', ('server', 'viewer_name'))
PLAYER_TITLE = Rollup('count_player_title', ('server', 'player_title'))
MINUTES = Rollup('count_minutes', ('server', 'minutes'))
AUDIENCE = Rollup('count_audience', ('server', 'work', 'account'))

ROLLUPS = (
    DAY,
    HOUR,
    LIBRARY,
    PLATFORM,
    RESOLUTION,
    SOURCE_RESOLUTION,
    ACCOUNT,
    ACCOUNT_MONTH,
    PLAYER_MONTH,
    WORK_MONTH,
    WORK,
    PIECE,
    HEADING,
    VIEWER_NAME,
    PLAYER_TITLE,
    MINUTES,
    AUDIENCE,
)

# Columns of `uncounted` behind the sign, as finished_plays has them.
STATED = {
    'day': 'day',
    'last_day': 'last_day',
    'hour': 'hour',
    'month': "date_trunc('month', day)::DATE",
    'server': 'server',
    'account': 'viewer_account_id',
    'library': 'item_library_id',
    'platform': 'player_platform',
    # Some players have no id; what they are called must do.
    'player': "coalesce(nullif(player_client_id, ''), player_platform || ' ' || player_title)",
    'resolution': 'stream_resolution',
    'source_resolution': 'stream_source_resolution',
    'work': 'work',
    'piece': 'piece',
    'decision': 'stream_decision',
    'media_type': 'item_media_type',
    'played_ms': 'played_ms',
    'heading': 'heading',
    'viewer_name': 'viewer_name',
    'player_title': 'player_title',
    'minutes': 'greatest(played_ms, 0) // 60000',
}

_STATED = ', '.join(f'{expression} AS {column}' for column, expression in STATED.items())


def stated(sign: int, source: str) -> str:
    """The SELECT that makes rows of ``uncounted`` from plays, once more or once less each.

    Args:
        sign: 1 or -1.
        source: What follows FROM: a table with the columns of ``finished_plays``, conditions.
    """
    return f'SELECT {sign}::TINYINT AS sign, {_STATED} FROM {source}'  # noqa: S608 - constants


def note(database: Database, sign: int, source: str, parameters: list[object]) -> None:
    """Write plays down for counting, in the transaction that adds or removes them."""
    columns = ', '.join(('sign', *STATED))
    database.execute(
        f'INSERT INTO uncounted ({columns}) {stated(sign, source)}',
        parameters,
    )


def fold(database: Database) -> int:
    """Add what is uncounted to the counts, in a transaction; answers how many rows that were."""
    with database.transaction():
        rows = int(database.one('SELECT count(*) FROM uncounted') or 0)
        if rows:
            database.execute(_MORE_VIEWERS)  # before the audience is another one
            for rollup in ROLLUPS:
                database.execute(_merge(rollup))
            database.execute(_STALE)
            database.execute('DELETE FROM uncounted')
    return rows


def _merge(rollup: Rollup) -> str:
    keys = ', '.join(rollup.keys)
    sums = ', '.join(f'sum({value})::BIGINT AS {name}' for name, value in MEASURES.items())
    added = ', '.join(f'{name} = kept.{name} + fresh.{name}' for name in MEASURES)
    columns = ', '.join((*rollup.keys, *MEASURES))
    values = ', '.join(f'fresh.{name}' for name in (*rollup.keys, *MEASURES))
    return (
        f'MERGE INTO {rollup.table} AS kept '  # noqa: S608 - constants
        f'USING (SELECT {keys}, {sums} FROM uncounted GROUP BY {keys}) AS fresh USING ({keys}) '
        f'WHEN MATCHED THEN UPDATE SET {added} '
        f'WHEN NOT MATCHED THEN INSERT ({columns}) VALUES ({values})'
    )


# How many viewers more or less each title has by what is not counted yet. A row of the audience
# with plays is a viewer. There are millions of these rows, and a single number of each is compared
# in half the time of three columns.
FRESH_VIEWERS = """
SELECT server, work, sum(
    (coalesce(kept.plays, 0) + fresh.plays > 0)::BIGINT - (coalesce(kept.plays, 0) > 0)::BIGINT
)::BIGINT AS viewers
FROM (
    SELECT server, work, sum(sign)::BIGINT AS plays, hash(server, work, account) AS who
    FROM uncounted GROUP BY server, work, account
) AS fresh LEFT JOIN (
    SELECT plays, hash(server, work, account) AS who FROM count_audience
) AS kept USING (who)
GROUP BY server, work
"""

# No fewer than that, without looking for them in the audience.
MOST_FRESH_VIEWERS = """
SELECT server, work, count(DISTINCT account) FILTER (sign > 0) AS viewers
FROM uncounted GROUP BY server, work
"""

_MORE_VIEWERS = f"""
MERGE INTO count_viewers AS kept USING ({FRESH_VIEWERS}) AS fresh USING (server, work)
WHEN MATCHED THEN UPDATE SET viewers = kept.viewers + fresh.viewers
WHEN NOT MATCHED THEN INSERT (server, work, viewers)
VALUES (fresh.server, fresh.work, fresh.viewers)
"""  # noqa: S608 - constants

# Days whose peaks have to be found anew.
_STALE = """
INSERT INTO stale_peaks
SELECT DISTINCT unnest(generate_series(day, last_day, INTERVAL 1 DAY))::DATE AS day FROM uncounted
EXCEPT SELECT day FROM stale_peaks
"""
