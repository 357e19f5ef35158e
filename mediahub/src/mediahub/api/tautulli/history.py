# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The commands about what was played."""

from __future__ import annotations

import asyncio
import collections
import datetime
from collections.abc import Mapping, Sequence

import msgspec

from ...plays import Decision, MediaType, Play
from ...store.history import LARGEST_PAGE, HistoryPage, HistoryQuery, Order
from .. import envelope
from ..discretion import for_eyes
from . import words
from .asked import Asked
from .words import Node

# Rows of one answer; more is what `start` is for.
MOST = 25_000

_ORDERS: Mapping[str, Order] = {
    '': Order.STARTED,
    'date': Order.STARTED,
    'started': Order.STARTED,
    'stopped': Order.STOPPED,
    'duration': Order.PLAYED,
    'play_duration': Order.PLAYED,
    'paused_counter': Order.PAUSED,
    'full_title': Order.TITLE,
    'friendly_name': Order.USER,
    'user': Order.USER,
    'platform': Order.PLATFORM,
    'player': Order.PLAYER,
}


async def get_history(asked: Asked) -> Node:
    """What was played, row by row; ``include_activity`` puts what plays now first."""
    query, length = _query(asked), asked.number('length', 25, 0, MOST)
    start = asked.number('start', 0, 0, 10_000_000)
    # Each on a cursor of its own.
    page, (total, total_ms) = await asyncio.gather(
        _page(asked, query, start, length), _totals(asked, HistoryQuery(server=query.server))
    )
    rows = [words.history_row(play) for play in page.plays]
    if asked.number('include_activity', 0, 0, 1) and start == 0:
        live = await asked.hub.database.run(lambda: asked.hub.plays.live(query.server))
        rows = [words.history_row(for_eyes(asked.eyes, play)) for play in live] + rows
    return {
        'draw': asked.number('draw', 1),
        'recordsTotal': total,
        'recordsFiltered': page.total,
        'total_duration': words.length(total_ms),
        'filter_duration': words.length(page.played_ms or 0),
        'data': rows,
    }


def _query(asked: Asked) -> HistoryQuery:
    column = asked.query.get('order_column', '')
    if column not in _ORDERS:
        known = ', '.join(name for name in _ORDERS if name)
        raise envelope.invalid(f'order_column: needs one of {known}')
    keys = ('rating_key', 'parent_rating_key', 'grandparent_rating_key')
    day = asked.day('start_date')
    return HistoryQuery(
        server=asked.machine,
        account=asked.text('user_id'),
        viewer=asked.text('user'),
        library=asked.text('section_id'),
        rating_key=next((key for key in map(asked.text, keys) if key), None),
        media_type=asked.one_of('media_type', MediaType),
        decision=asked.one_of('transcode_decision', Decision),
        text=asked.text('search'),
        first=day or asked.day('after'),
        last=day or asked.day('before'),
        order=_ORDERS[column],
        descending=asked.query.get('order_dir', 'desc').lower() != 'asc',
    )


async def _totals(asked: Asked, query: HistoryQuery) -> tuple[int, int]:
    """How many plays there are, and the milliseconds that they were watched."""
    only = msgspec.structs.replace(query, limit=0, counted=True)
    page = await asked.hub.database.run(lambda: asked.hub.plays.history(only))
    return page.total or 0, page.played_ms or 0


async def _page(asked: Asked, query: HistoryQuery, start: int, length: int) -> HistoryPage:
    """Plays, and the totals; more plays than one page of ours has are read page after page."""
    limit = min(LARGEST_PAGE, length)
    part = msgspec.structs.replace(query, limit=limit, offset=start, counted=True)
    first = await asked.hub.database.run(lambda: asked.hub.plays.history(part))
    found, after = list(first.plays), first.next
    while after is not None and len(found) < length:
        limit = min(LARGEST_PAGE, length - len(found))
        part = msgspec.structs.replace(query, limit=limit, after=after, counted=False)
        page = await asked.hub.database.run(lambda part=part: asked.hub.plays.history(part))
        found += page.plays
        after = page.next
    return msgspec.structs.replace(first, plays=[for_eyes(asked.eyes, play) for play in found])


async def get_item_watch_time_stats(asked: Asked) -> list[Node]:
    """How often and how long an item was played in the last so many days; 0 is all of them."""
    return await _watch_times(asked, HistoryQuery(rating_key=_key(asked), server=asked.machine))


async def get_user_watch_time_stats(asked: Asked) -> list[Node]:
    """The same of an account."""
    account = asked.text('user_id')
    if account is None:
        raise envelope.invalid('user_id: is missing')
    return await _watch_times(asked, HistoryQuery(account=account, server=asked.machine))


async def _watch_times(asked: Asked, query: HistoryQuery) -> list[Node]:
    answers = list[Node]()
    today = datetime.datetime.now(asked.hub.plays.zone).date()
    for days in _days(asked):
        first = today - datetime.timedelta(days=days - 1) if days else None
        plays, played_ms = await _totals(asked, msgspec.structs.replace(query, first=first))
        answers.append({'query_days': days, 'total_plays': plays, 'total_time': played_ms // 1000})
    return answers


def _days(asked: Asked) -> Sequence[int]:
    text = asked.query.get('query_days') or '1,7,30,0'
    days = text.split(',')[:20]
    if not all(day.isascii() and day.isdigit() and len(day) <= 5 for day in days):
        raise envelope.invalid('query_days: needs numbers with commas between, such as 1,7,30,0')
    return [int(day) for day in days]


async def get_item_user_stats(asked: Asked) -> list[Node]:
    """Who played an item, and how often and how long."""
    query = HistoryQuery(rating_key=_key(asked), server=asked.machine)
    counts = collections.Counter[str]()
    times = collections.Counter[str]()
    people = dict[str, Play]()
    for play in (await _page(asked, query, 0, MOST)).plays:
        account = play.viewer.account_id
        counts[account] += 1
        times[account] += play.played_ms
        people.setdefault(account, play)
    return [
        {
            'friendly_name': people[account].viewer.name,
            'username': people[account].viewer.name,
            'user_id': words.number(account),
            'user_thumb': people[account].viewer.thumb,
            'total_plays': plays,
            'total_time': times[account] // 1000,
        }
        for account, plays in counts.most_common()
    ]


def _key(asked: Asked) -> str:
    key = asked.text('rating_key')
    if key is None:
        raise envelope.invalid('rating_key: is missing')
    return key


COMMANDS = (
    get_history,
    get_item_user_stats,
    get_item_watch_time_stats,
    get_user_watch_time_stats,
)
