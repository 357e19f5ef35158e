# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The command behind Tautulli's front page: what and who is on top."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Callable, Mapping, Sequence

from ...plays import Decision
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
    chosen = query, measure, wanted
    run = asked.hub.database.run
    parts = await asyncio.gather(  # each on a cursor of its own, and none takes much longer
        run(lambda: _rankings(asked.hub.stats, *chosen)),
        run(lambda: _usage(asked, *chosen)),
        run(lambda: _streams(asked.hub.stats, *chosen)),
    )
    rows = {name: found for part in parts for name, found in part.items()}
    if wanted and not rows:
        raise envelope.invalid(f'stat_id: {wanted[:40]} is none that is known here')
    last = rows.pop('last_watched', None)
    found = [
        {'stat_id': name, 'stat_type': f'total_{measure.value}', 'stat_title': name, 'rows': each}
        for name, each in rows.items()
    ]
    if last is not None:
        found.append({'stat_id': 'last_watched', 'stat_title': 'last_watched', 'rows': last})
    return found


Rows = dict[str, Sequence[Node]]


def _usage(asked: Asked, query: StatsQuery, measure: Measure, wanted: str | None) -> Rows:
    """What is used and by whom, and what was watched last."""
    stats = asked.hub.stats
    return _made(
        {
            'top_libraries': lambda: [
                _row(found) | {'section_name': found.label, 'section_id': words.number(found.key)}
                for found in stats.by_library(query, measure)
            ],
            'top_users': lambda: [_user(found) for found in stats.by_user(query, measure)],
            'last_watched': lambda: _last_watched(asked, query),
        },
        wanted,
    )


def _streams(stats: Stats, query: StatsQuery, measure: Measure, wanted: str | None) -> Rows:
    """Where streams went, and how many at once."""
    return _made(
        {
            'top_platforms': lambda: [
                _row(found) | {'platform': found.label, 'platform_name': found.label.lower()}
                for found in stats.by_platform(query, measure)
            ],
            'most_concurrent': lambda: _most_concurrent(stats, query),
        },
        wanted,
    )


def _made(makers: Mapping[str, Callable[[], Sequence[Node]]], wanted: str | None) -> Rows:
    return {name: make() for name, make in makers.items() if wanted in {None, name}}


def _rankings(stats: Stats, query: StatsQuery, measure: Measure, wanted: str | None) -> Rows:
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


_CONCURRENT: dict[str, Decision | None] = {
    'Concurrent Streams': None,
    'Concurrent Transcodes': Decision.TRANSCODE,
    'Concurrent Direct Streams': Decision.COPY,
    'Concurrent Direct Plays': Decision.DIRECT_PLAY,
}


def _most_concurrent(stats: Stats, query: StatsQuery) -> list[Node]:
    rows = list[Node]()
    highest = stats.highest(query, list(_CONCURRENT.values()))
    for (title, decision), peak in zip(_CONCURRENT.items(), highest, strict=True):
        moment = peak.moment if peak else None
        when = int(moment.timestamp()) if moment else ''
        count = peak.of(decision) if peak else 0
        rows.append({'title': title, 'count': count, 'started': when, 'stopped': ''})
    return rows


def _last_watched(asked: Asked, query: StatsQuery) -> list[Node]:
    newest = HistoryQuery(
        server=query.server, first=query.first, last=query.last, limit=query.limit, counted=False
    )
    plays = asked.hub.plays.history(newest).plays
    return [words.history_row(for_eyes(asked.eyes, play)) for play in plays]


COMMANDS = (get_home_stats,)
