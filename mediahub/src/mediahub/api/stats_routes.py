# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The charts. Every one is asked for in the same way, and answers rows of the same form."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated

import fastapi
import msgspec
from starlette.responses import Response

from ..store.peaks import Peak
from ..store.ranges import Apart, Measure, StatsQuery
from ..store.stats import Slice, Stats
from ..store.titles import Level, Title
from ..store.zones import name as zone_name
from . import envelope
from .access import Viewer
from .asking import TEXT, Day, machine
from .hub import Hub, TheHub
from .openapi import answers
from .servers import ServerName

router = fastapi.APIRouter(prefix='/stats', tags=['stats'])


class Split(enum.Enum):
    """What the rows of a chart are divided by."""

    DECISION = 'decision'
    MEDIA_TYPE = 'media_type'
    NONE = 'none'


class Part(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A part of a row: plays and the time they were watched, or streams at once."""

    plays: int = 0
    played_ms: int = 0
    streams: int = 0


class StatsRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A row of a chart.

    Attributes:
        key: What it stands for: an ISO day or month, an hour, a weekday (1 is Monday), an id.
        label: The same for people.
        server: Machine identifier, where the row is of one server.
        streams: The most at once; null in charts that count plays.
        viewers: How many accounts; null where that was not asked for.
        parts: By decision or media type.
        detail: What else is known of it, such as a poster's path.
    """

    key: str
    label: str = ''
    server: str = ''
    plays: int = 0
    played_ms: int = 0
    streams: int | None = None
    viewers: int | None = None
    parts: Mapping[str, Part] = msgspec.field(default_factory=dict[str, Part])
    detail: Mapping[str, str] = msgspec.field(default_factory=dict[str, str])


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """A chart.

    Attributes:
        first: The first day that was asked for; null for no bound.
        last: The last one.
        zone: The hub's time zone, whose days and hours these are.
    """

    rows: Sequence[StatsRow]
    first: datetime.date | None
    last: datetime.date | None
    zone: str


@dataclasses.dataclass(frozen=True)
class Range:
    """What plays a chart is about."""

    query: StatsQuery


async def ranged(
    hub: TheHub,
    days: Annotated[
        int | None, fastapi.Query(ge=1, le=36_500, description='The last so many, with today.')
    ] = None,
    first: Day = None,
    last: Day = None,
    server: ServerName = None,
    account: Annotated[
        str | None, fastapi.Query(pattern=TEXT, description='Account number on its server.')
    ] = None,
    limit: Annotated[int, fastapi.Query(ge=1, le=1000, description='Rows of a ranking.')] = 10,
) -> Range:
    """The plays that a request is about."""
    if days is not None and (first or last):
        raise envelope.invalid('ask either for days, or for first and last')
    if first and last and first > last:
        raise envelope.invalid('first is after last')
    if days is not None:
        last = datetime.datetime.now(hub.plays.zone).date()
        first = last - datetime.timedelta(days=days - 1)
    return Range(
        StatsQuery(
            first=first, last=last, server=machine(hub, server), account=account, limit=limit
        )
    )


Asked = Annotated[Range, fastapi.Depends(ranged)]


class PlaysOrTime(enum.Enum):
    """What a ranking of anything but titles goes by."""

    PLAYS = 'plays'
    TIME = 'time'

    @property
    def measure(self) -> Measure:
        """The same, as the store calls it."""
        return Measure(self.value)


Ranking = Annotated[
    PlaysOrTime, fastapi.Query(alias='measure', description='What a ranking goes by.')
]
Divided = Annotated[Split, fastapi.Query(description='What rows are divided by.')]


async def _chart(
    hub: Hub, asked: Range, read: Callable[[Stats, StatsQuery], Sequence[StatsRow]]
) -> Response:
    """Read a chart in a thread, on a cursor of its own: it does not wait for who writes."""
    query = asked.query
    rows = await hub.database.run(lambda: read(hub.stats, query))
    zone = zone_name(hub.plays.zone)
    return envelope.success(Chart(rows=rows, first=query.first, last=query.last, zone=zone))


_APART = {
    Split.DECISION: Apart.DECISIONS,
    Split.MEDIA_TYPE: Apart.MEDIA_TYPES,
    Split.NONE: Apart.NOTHING,
}


def _divided(
    split: Split, chart: Callable[[Stats, StatsQuery], Sequence[Slice]]
) -> Callable[[Stats, StatsQuery], Sequence[StatsRow]]:
    """Reads a chart, and no more than its rows are divided by."""

    def read(stats: Stats, query: StatsQuery) -> Sequence[StatsRow]:
        narrowed = msgspec.structs.replace(query, apart=_APART[split])
        return [_row(found) for found in chart(stats, narrowed)]

    return read


def _row(found: Slice) -> StatsRow:
    return StatsRow(
        key=found.key,
        label=found.label,
        server=found.server,
        plays=found.plays,
        played_ms=found.played_ms,
        parts=found.parts(Part),
        detail=found.detail,
    )


@router.get('/totals')
@answers(Chart)
async def stats_totals(
    hub: TheHub, _: Viewer, asked: Asked, split: Divided = Split.DECISION
) -> Response:
    """Everything together, in one row."""
    return await _chart(hub, asked, _divided(split, lambda stats, query: [stats.totals(query)]))


@router.get('/by-day')
@answers(Chart)
async def stats_by_day(
    hub: TheHub, _: Viewer, asked: Asked, split: Divided = Split.MEDIA_TYPE
) -> Response:
    """Plays by the day on which they began; also days without any."""
    return await _chart(hub, asked, _divided(split, Stats.by_day))


@router.get('/by-month')
@answers(Chart)
async def stats_by_month(
    hub: TheHub, _: Viewer, asked: Asked, split: Divided = Split.MEDIA_TYPE
) -> Response:
    """Plays by month; the key is its first day."""
    return await _chart(hub, asked, _divided(split, Stats.by_month))


@router.get('/by-weekday')
@answers(Chart)
async def stats_by_weekday(
    hub: TheHub, _: Viewer, asked: Asked, split: Divided = Split.MEDIA_TYPE
) -> Response:
    """Plays by weekday, 1 is Monday."""
    return await _chart(hub, asked, _divided(split, Stats.by_weekday))


@router.get('/by-hour')
@answers(Chart)
async def stats_by_hour(
    hub: TheHub, _: Viewer, asked: Asked, split: Divided = Split.MEDIA_TYPE
) -> Response:
    """Plays by the hour in which they began."""
    return await _chart(hub, asked, _divided(split, Stats.by_hour))


@router.get('/by-user')
@answers(Chart)
async def stats_by_user(
    hub: TheHub,
    _: Viewer,
    asked: Asked,
    split: Divided = Split.DECISION,
    by: Ranking = PlaysOrTime.PLAYS,
) -> Response:
    """Those who played most; the key is the account on its server."""
    return await _chart(
        hub, asked, _divided(split, lambda stats, query: stats.by_user(query, by.measure))
    )


@router.get('/by-library')
@answers(Chart)
async def stats_by_library(
    hub: TheHub,
    _: Viewer,
    asked: Asked,
    split: Divided = Split.DECISION,
    by: Ranking = PlaysOrTime.PLAYS,
) -> Response:
    """Libraries that were played from most."""
    return await _chart(
        hub, asked, _divided(split, lambda stats, query: stats.by_library(query, by.measure))
    )


@router.get('/by-platform')
@answers(Chart)
async def stats_by_platform(
    hub: TheHub,
    _: Viewer,
    asked: Asked,
    split: Divided = Split.DECISION,
    by: Ranking = PlaysOrTime.PLAYS,
) -> Response:
    """Platforms of players."""
    return await _chart(
        hub, asked, _divided(split, lambda stats, query: stats.by_platform(query, by.measure))
    )


@router.get('/by-player')
@answers(Chart)
async def stats_by_player(
    hub: TheHub,
    _: Viewer,
    asked: Asked,
    split: Divided = Split.DECISION,
    by: Ranking = PlaysOrTime.PLAYS,
) -> Response:
    """Players, by their own identifiers."""
    return await _chart(
        hub, asked, _divided(split, lambda stats, query: stats.by_player(query, by.measure))
    )


@router.get('/by-resolution')
@answers(Chart)
async def stats_by_resolution(
    hub: TheHub,
    _: Viewer,
    asked: Asked,
    split: Divided = Split.DECISION,
    of: Annotated[str, fastapi.Query(pattern=r'^(stream|file)$')] = 'stream',
) -> Response:
    """Resolutions of what was sent, or of the files."""
    chart = Stats.by_resolution if of == 'stream' else Stats.by_source_resolution
    return await _chart(hub, asked, _divided(split, chart))


@router.get('/by-decision')
@answers(Chart)
async def stats_by_decision(hub: TheHub, _: Viewer, asked: Asked) -> Response:
    """How plays were delivered."""
    return await _chart(hub, asked, _divided(Split.NONE, Stats.by_decision))


@router.get('/by-media-type')
@answers(Chart)
async def stats_by_media_type(hub: TheHub, _: Viewer, asked: Asked) -> Response:
    """Films, episodes, tracks, live TV and the rest."""
    return await _chart(hub, asked, _divided(Split.NONE, Stats.by_media_type))


@router.get('/concurrent')
@answers(Chart)
async def stats_concurrent(hub: TheHub, _: Viewer, asked: Asked) -> Response:
    """The most streams at once, by day; each part has its peak at a time of its own."""
    return await _chart(
        hub, asked, lambda stats, query: [_peak(found) for found in stats.concurrent(query)]
    )


@functools.lru_cache(1000)
def _at_once(streams: int) -> Part:
    return Part(streams=streams)


def _peak(found: Peak) -> StatsRow:
    return StatsRow(
        key=found.day.isoformat(),
        streams=found.streams,
        parts=found.parts(_at_once),
        detail={'moment': found.told} if found.began else {},
    )


@router.get('/top-titles')
@answers(Chart)
async def stats_top_titles(
    hub: TheHub,
    _: Viewer,
    asked: Asked,
    level: Annotated[
        Level | None, fastapi.Query(description='Films, shows and artists together by default.')
    ] = None,
    measure: Annotated[
        Measure,
        fastapi.Query(
            description='What the ranking goes by; viewers are not counted of episodes and tracks.'
        ),
    ] = Measure.PLAYS,
) -> Response:
    """What was played most, longest, or by most accounts."""

    def read(stats: Stats, query: StatsQuery) -> Sequence[StatsRow]:
        levels = (level,) if level else (Level.MOVIE, Level.SHOW, Level.ARTIST)
        ranked = stats.rankings(query, [(which, measure) for which in levels])
        found = [
            (which, title)
            for which, titles in zip(levels, ranked, strict=True)
            for title in titles
        ]
        found.sort(key=lambda entry: _weight(entry[1], measure), reverse=True)
        return [_title(which, title) for which, title in found[: query.limit]]

    return await _chart(hub, asked, read)


def _weight(title: Title, measure: Measure) -> tuple[int, int]:
    if measure is Measure.TIME:
        return title.played_ms, title.plays
    if measure is Measure.VIEWERS:
        return title.viewers or 0, title.plays
    return title.plays, title.played_ms


def _title(level: Level, title: Title) -> StatsRow:
    known = {
        'level': level.value,
        'rating_key': title.rating_key,
        'parent_title': title.parent_title,
        'grandparent_title': title.grandparent_title,
        'year': '' if title.year is None else str(title.year),
        'thumb': title.thumb,
    }
    return StatsRow(
        key=title.key,
        label=title.title,
        server=title.server,
        plays=title.plays,
        played_ms=title.played_ms,
        viewers=title.viewers,
        detail={name: value for name, value in known.items() if value},
    )
