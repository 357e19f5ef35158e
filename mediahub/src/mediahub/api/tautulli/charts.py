# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The command behind Tautulli's front page: what and who is on top."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence

from ...store.history import HistoryQuery
from ...store.ranges import Apart, Measure, StatsQuery
from ...store.stats import Slice, Stats
from ...store.titles import Level, Title
from .. import envelope
from ..discretion import for_eyes
from . import words
from .asked import Asked
from .words import Node

_LEVELS: Mapping[str, Level] = {
    'movies': Level.MOVIE,
    'tv': Level.SHOW,
    'music': Level.ARTIST,
}


async def get_home_stats(asked: Asked) -> list[Node]:
    """What was played most, by how many, where and by whom; ``stat_id`` picks one of them."""
    days = asked.number('time_range', 30, 0, 36_500)
    today = datetime.datetime.now(asked.hub.plays.zone).date()
    query = StatsQuery(
        first=today - datetime.timedelta(days=days - 1) if days else None,
        last=today if days else None,
        server=asked.machine,
        limit=asked.number('stats_count', 5, 1, 100),
        apart=Apart.NOTHING,
    )
    measure = {'plays': Measure.PLAYS, 'duration': Measure.TIME}.get(
        asked.query.get('stats_type', 'plays')
    )
    if measure is None:
        raise envelope.invalid('stats_type: needs one of plays, duration')
    wanted = asked.text('stat_id')
    found = await asked.hub.database.run(lambda: _charts(asked.hub.stats, query, measure, wanted))
    if wanted in {None, 'last_watched'}:
        found.append(await _last_watched(asked, query))
    if wanted and not found:
        raise envelope.invalid(f'stat_id: {wanted[:40]} is none that is known here')
    return found


def _charts(stats: Stats, query: StatsQuery, measure: Measure, wanted: str | None) -> list[Node]:
    makers: dict[str, Callable[[], Sequence[Node]]] = {
        'top_libraries': lambda: [
            _row(found) | {'section_name': found.label, 'section_id': words.number(found.key)}
            for found in stats.by_library(query, measure)
        ],
        'top_users': lambda: [_user(found) for found in stats.by_user(query, measure)],
        'top_platforms': lambda: [
            _row(found) | {'platform': found.label, 'platform_name': found.label.lower()}
            for found in stats.by_platform(query, measure)
        ],
        'most_concurrent': lambda: _most_concurrent(stats, query),
    }
    rows = _rankings(stats, query, measure, wanted) | {
        name: list(make()) for name, make in makers.items() if wanted in {None, name}
    }
    return [
        {'stat_id': name, 'stat_type': f'total_{measure.value}', 'stat_title': name, 'rows': each}
        for name, each in rows.items()
    ]


def _rankings(
    stats: Stats, query: StatsQuery, measure: Measure, wanted: str | None
) -> dict[str, list[Node]]:
    """Those of titles, which are found together."""
    asked = {
        f'{start}_{name}': (level, by)
        for name, level in _LEVELS.items()
        for start, by in (('top', measure), ('popular', Measure.VIEWERS))
        if wanted in {None, f'{start}_{name}'}
    }
    found = stats.rankings(query, list(asked.values())) if asked else []
    return {
        name: [_title(title, level.media_type) for title in titles]
        for (name, (level, _)), titles in zip(asked.items(), found, strict=True)
    }


def _title(title: Title, kind: str) -> Node:
    return {
        'title': title.title,
        'year': title.year if title.year is not None else '',
        'total_plays': title.plays,
        'total_duration': title.played_ms // 1000,
        'users_watched': '' if title.viewers is None else title.viewers,
        'rating_key': words.number(title.rating_key),
        'thumb': title.thumb,
        'grandparent_thumb': '',
        'media_type': kind,
        'user': '',
        'friendly_name': '',
        'platform': '',
        'live': 0,
    }


def _row(found: Slice) -> Node:
    return {'total_plays': found.plays, 'total_duration': found.played_ms // 1000}


def _user(found: Slice) -> Node:
    named = {'user': found.label, 'friendly_name': found.label, 'title': found.label}
    return _row(found) | named | {'user_id': words.number(found.key)}


def _most_concurrent(stats: Stats, query: StatsQuery) -> list[Node]:
    peaks = stats.concurrent(query)
    rows = list[Node]()
    for title, decision in (
        ('Concurrent Streams', None),
        ('Concurrent Transcodes', 'transcode'),
        ('Concurrent Direct Streams', 'copy'),
        ('Concurrent Direct Plays', 'direct play'),
    ):
        counts = [
            (peak.streams if decision is None else peak.decisions.get(decision, 0), peak.moment)
            for peak in peaks
        ]
        most, moment = max(counts, key=lambda entry: entry[0], default=(0, None))
        when = int(moment.timestamp()) if moment else ''
        rows.append({'title': title, 'count': most, 'started': when, 'stopped': ''})
    return rows


async def _last_watched(asked: Asked, query: StatsQuery) -> Node:
    newest = HistoryQuery(
        server=query.server, first=query.first, last=query.last, limit=query.limit, counted=False
    )
    page = await asked.hub.database.run(lambda: asked.hub.plays.history(newest))
    rows = [words.history_row(for_eyes(asked.eyes, play)) for play in page.plays]
    return {'stat_id': 'last_watched', 'stat_title': 'last_watched', 'rows': rows}


COMMANDS = (get_home_stats,)
