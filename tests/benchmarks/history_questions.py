# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What the hub's page, its API and tools that speak to Tautulli ask about plays.

Each question is told twice: as a request of the hub, and as what SQLite would be asked for the
same in Tautulli's tables. SQLite gets the benefit of the doubt: pages are cut in SQL, where
Tautulli itself reads every row and cuts in Python, and nothing is sent over HTTP.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping, Sequence

API, TAUTULLI = '/api/v1', '/api/v2'


@dataclasses.dataclass(frozen=True)
class Question:
    """A question.

    Attributes:
        sqlite: None where Tautulli has nothing of the kind.
    """

    name: str
    path: str
    query: Mapping[str, str]
    sqlite: Sequence[str] | None = None


def everything(last: datetime.date, plays: int) -> list[Question]:
    """All of them.

    Args:
        last: The last day of the plays.
        plays: How many there are.
    """
    return [
        *_page_charts(last),
        *_other_charts(last),
        *_titles(last),
        *_pages(last, plays),
        *_orders(),
        *_searches(),
        *_of_tautulli(plays),
    ]


# Charts

RANGES = {'7 days': 7, '30 days': 30, '90 days': 90, 'a year': 365, 'all time': None}

_TYPES = ', '.join(
    f"SUM(CASE WHEN media_type = '{kind}' THEN 1 ELSE 0 END), "
    f"SUM(CASE WHEN media_type = '{kind}' THEN stopped - started - paused_counter ELSE 0 END)"
    for kind in ('movie', 'episode', 'track', 'live')
)
_WAYS = ', '.join(
    f"SUM(CASE WHEN transcode_decision = '{way}' THEN 1 ELSE 0 END), "
    f"SUM(CASE WHEN transcode_decision = '{way}' THEN stopped - started - paused_counter "
    'ELSE 0 END)'
    for way in ('direct play', 'copy', 'transcode')
)
_BOTH = 'session_history JOIN session_history_media_info USING (id)'


def _grouped(key: str, counts: str, source: str, when: str, rest: str = '') -> str:
    return (
        f'SELECT {key} AS k, COUNT(*) AS n, {counts} FROM {source} '  # noqa: S608 - constants
        f'WHERE {when} GROUP BY k {rest}'
    )


_TOP = 'ORDER BY n DESC LIMIT 15'

_CHARTS = {
    'by-day': ("date(started, 'unixepoch')", _TYPES, 'session_history', 'ORDER BY k'),
    'by-hour': ("strftime('%H', started, 'unixepoch')", _TYPES, 'session_history', ''),
    'by-weekday': ("strftime('%w', started, 'unixepoch')", _TYPES, 'session_history', ''),
    'by-user': ('user_id', _WAYS, _BOTH, _TOP),
    'by-library': ('section_id', _WAYS, _BOTH, _TOP),
    'by-platform': ('platform', _WAYS, _BOTH, _TOP),
    'by-decision': ('transcode_decision', _WAYS, _BOTH, ''),
}


def _window(last: datetime.date, days: int | None) -> tuple[dict[str, str], str]:
    if days is None:
        return {}, '1'
    first = last - datetime.timedelta(days=days - 1)
    begin = datetime.datetime.combine(first, datetime.time(), datetime.UTC).timestamp()
    end = datetime.datetime.combine(last, datetime.time(), datetime.UTC).timestamp() + 86400
    when = f'started >= {begin:.0f} AND started < {end:.0f}'
    return {'first': first.isoformat(), 'last': last.isoformat()}, when


def _page_charts(last: datetime.date) -> list[Question]:
    """Those of the page, over its ranges."""
    found: list[Question] = []
    for title, days in RANGES.items():
        query, when = _window(last, days)
        asked = query | {'limit': '15'}
        for name, (key, counts, source, rest) in _CHARTS.items():
            sql = _grouped(key, counts, source, when, rest)
            found.append(Question(f'{name}, {title}', f'{API}/stats/{name}', asked, (sql,)))
        for name, sqls in (('concurrent', (_concurrent(when),)), ('top-titles', _top(when))):
            found.append(Question(f'{name}, {title}', f'{API}/stats/{name}', asked, sqls))
    return found


def _concurrent(when: str) -> str:
    return (
        "SELECT day, MAX(streams) FROM (SELECT date(moment, 'unixepoch') AS day, SUM(step) OVER "  # noqa: S608 - constants
        '(ORDER BY moment, step ROWS UNBOUNDED PRECEDING) AS streams FROM ('
        f'SELECT started AS moment, 1 AS step FROM session_history WHERE {when} UNION ALL '
        f'SELECT stopped, -1 FROM session_history WHERE {when})) GROUP BY day'
    )


_KEYS = {
    'movie': 'rating_key',
    'episode': 'grandparent_rating_key',
    'track': 'grandparent_rating_key',
}


def _top(when: str, order: str = 'n', kinds: Sequence[str] = tuple(_KEYS)) -> tuple[str, ...]:
    return tuple(
        'SELECT m.title, m.grandparent_title, t.* FROM ('  # noqa: S608 - constants
        f'SELECT MAX(id) AS id, {_KEYS[kind]} AS k, COUNT(*) AS n, '
        'SUM(stopped - started - paused_counter) AS d, '
        'COUNT(DISTINCT user_id) AS users FROM session_history '
        f"WHERE media_type = '{kind}' AND {when} GROUP BY k ORDER BY {order} DESC LIMIT 15) AS t "
        'JOIN session_history_metadata AS m USING (id)'
        for kind in kinds
    )


def _other_charts(last: datetime.date) -> list[Question]:
    """Those that only the API answers, and those of one account."""
    found: list[Question] = []
    resolution = 'stream_video_full_resolution'
    charts = {
        'totals': ('1', _WAYS, _BOTH, ''),
        'by-month': ("strftime('%Y-%m', started, 'unixepoch')", _TYPES, 'session_history', ''),
        'by-media-type': ('media_type', _TYPES, 'session_history', ''),
        'by-resolution': (resolution, _WAYS, _BOTH, _TOP),
        'by-player': ('machine_id', _WAYS, _BOTH, _TOP),
    }
    for title in ('30 days', 'all time'):
        query, when = _window(last, RANGES[title])
        for name, (key, counts, source, rest) in charts.items():
            sql = _grouped(key, counts, source, when, rest)
            found.append(Question(f'{name}, {title}', f'{API}/stats/{name}', query, (sql,)))
        for name in ('by-day', 'by-hour', 'by-platform', 'concurrent', 'top-titles'):
            asked = query | {'account': '7'}
            mine = f'user_id = 7 AND {when}'
            sqls: Sequence[str]
            if name == 'concurrent':
                sqls = (_concurrent(mine),)
            elif name == 'top-titles':
                sqls = _top(mine)
            else:
                key, counts, source, rest = _CHARTS[name]
                sqls = (_grouped(key, counts, source, mine, rest),)
            path = f'{API}/stats/{name}'
            found.append(Question(f'{name} of an account, {title}', path, asked, sqls))
    return found


def _titles(last: datetime.date) -> list[Question]:
    found: list[Question] = []
    levels = {'movie': 'movie', 'show': 'episode', 'artist': 'track'}
    for title in ('30 days', 'a year', 'all time'):
        query, when = _window(last, RANGES[title])
        for level, kind in levels.items():
            for measure, order in (('time', 'd'), ('viewers', 'users')):
                asked = query | {'level': level, 'measure': measure}
                found.append(
                    Question(
                        f'top {level}s by {measure}, {title}',
                        f'{API}/stats/top-titles',
                        asked,
                        _top(when, order, (kind,)),
                    )
                )
        found.append(
            Question(
                f'top episodes, {title}', f'{API}/stats/top-titles', query | {'level': 'episode'}
            )
        )
    return found


# History

_ROW = (
    'SELECT h.*, m.*, i.* FROM session_history AS h JOIN session_history_metadata AS m USING (id) '
    'JOIN session_history_media_info AS i USING (id)'
)


def _sql_page(when: str = '1', order: str = 'h.started DESC', offset: int = 0) -> tuple[str, str]:
    joined = (
        'session_history AS h JOIN session_history_metadata AS m USING (id) '
        'JOIN session_history_media_info AS i USING (id)'
    )
    return (
        f'{_ROW} WHERE {when} ORDER BY {order} LIMIT 50 OFFSET {offset}',
        'SELECT COUNT(*), SUM(h.stopped - h.started - h.paused_counter) '  # noqa: S608 - constants
        f'FROM {joined} WHERE {when}',
    )


def _history(name: str, query: Mapping[str, str], sqlite: Sequence[str] | None) -> Question:
    return Question(f'history, {name}', f'{API}/history', {'limit': '50', **query}, sqlite)


def _pages(last: datetime.date, plays: int) -> list[Question]:
    _, when = _window(last, 30)
    begin = last - datetime.timedelta(days=29)
    month = {'start': f'{begin}T00:00Z', 'end': f'{last + datetime.timedelta(days=1)}T00:00Z'}
    return [
        _history('first page', {}, _sql_page()),
        _history('1,000 rows', {'limit': '1000'}, None),
        _history('the oldest', {'direction': 'asc'}, _sql_page(order='h.started ASC')),
        *(
            _history(f'page {share} %', {'offset': str(at)}, _sql_page(offset=at))
            for share in (10, 50)
            for at in [min(10_000_000, plays * share // 100)]
        ),
        _history('a month', month, _sql_page(when)),
        _history('an account', {'account': '7'}, _sql_page('h.user_id = 7')),
        _history('a viewer by name', {'user': 'user 1'}, _sql_page("h.user LIKE '%user 1%'")),
        _history('a library', {'library': '1'}, _sql_page('h.section_id = 1')),
        _history('a platform', {'platform': 'Roku'}, _sql_page("h.platform = 'Roku'")),
        _history('films', {'media_type': 'movie'}, _sql_page("h.media_type = 'movie'")),
        _history(
            'transcodes',
            {'decision': 'transcode'},
            _sql_page("i.transcode_decision = 'transcode'"),
        ),
        _history(
            'transcodes of an account',
            {'decision': 'transcode', 'account': '7'},
            _sql_page("i.transcode_decision = 'transcode' AND h.user_id = 7"),
        ),
        _history('a film', {'rating_key': '1042'}, _sql_page('h.rating_key = 1042')),
        _history('a show', {'rating_key': '80042'}, _sql_page('h.grandparent_rating_key = 80042')),
        _history('a player', {'player': 'client-7-1'}, _sql_page("h.machine_id = 'client-7-1'")),
        _history(
            'films of an account in a month',
            month | {'media_type': 'movie', 'account': '7'},
            _sql_page(f"h.media_type = 'movie' AND h.user_id = 7 AND {when}"),
        ),
    ]


def _orders() -> list[Question]:
    columns = {
        'stopped': 'h.stopped',
        'played': '(h.stopped - h.started - h.paused_counter)',
        'paused': 'h.paused_counter',
        'title': 'm.full_title',
        'user': 'h.user',
        'platform': 'h.platform',
        'player': 'h.player',
    }
    return [
        _history(
            f'by {name} {way}',
            {'order': name, 'direction': way},
            _sql_page(order=f'{column} {way.upper()}'),
        )
        for name, column in columns.items()
        for way in ('desc', 'asc')
    ]


def _searches() -> list[Question]:
    searches = {
        'a common word': 'harbour',
        'two words': 'the kestrel',
        'a rare title': 'of Dune 4321',
        'nothing there': 'zebra crossing',
        'one letter': 'a',
    }
    found = [
        _history(
            f'searched for {name}', {'search': text}, _sql_page(f"m.full_title LIKE '%{text}%'")
        )
        for name, text in searches.items()
    ]
    both = "m.full_title LIKE '%harbour%' AND h.user LIKE '%user 17%'"
    query = {'search': 'harbour', 'user': 'user 17'}
    return [*found, _history('searched, of a viewer', query, _sql_page(both))]


# Tools that speak to Tautulli


def _of_tautulli(plays: int) -> list[Question]:
    def question(name: str, query: Mapping[str, str], sqlite: Sequence[str] | None) -> Question:
        return Question(f'Tautulli: {name}', TAUTULLI, query, sqlite)

    history = {'cmd': 'get_history'}
    deep = min(10_000_000, plays // 2)
    return [
        question('get_history', history, _sql_page()),
        question('get_history, deep', history | {'start': str(deep)}, _sql_page(offset=deep)),
        question('get_history of a user', history | {'user_id': '7'}, _sql_page('h.user_id = 7')),
        question(
            'get_history, searched',
            history | {'search': 'harbour'},
            _sql_page("m.full_title LIKE '%harbour%'"),
        ),
        question(
            'get_history of a show',
            history | {'grandparent_rating_key': '80042'},
            _sql_page('h.grandparent_rating_key = 80042'),
        ),
        question('get_home_stats, all time', {'cmd': 'get_home_stats', 'time_range': '0'}, None),
        question('get_home_stats, 60 days', {'cmd': 'get_home_stats', 'time_range': '60'}, None),
    ]
