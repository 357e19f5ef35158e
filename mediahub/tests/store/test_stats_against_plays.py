# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Every chart says what counting all plays one by one says, whatever happened to them before."""

import collections
import datetime
import zoneinfo
from collections.abc import Callable, Hashable, Iterable

import hypothesis
import msgspec
import pytest
from hypothesis import strategies as st

from mediahub.plays import Decision, Item, MediaType, Play, Player, Source, Stream, Viewer
from mediahub.store import peaks, playrows, ranges, removal, rollups, titles
from mediahub.store.database import Database
from mediahub.store.plays import Plays
from mediahub.store.stats import Level, Measure, Slice, Stats, StatsQuery
from mediahub.testing.plays import began, event

# Summer time begins and ends in between, offsets of half and quarter hours, a day that is skipped.
ZONES = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu', 'Australia/Lord_Howe']
BEGIN = datetime.datetime(2026, 2, 20, tzinfo=datetime.UTC)
DAYS = 80

# Where days, months and offsets change.
CORNERS = [
    datetime.datetime(2026, 2, 28, 12, tzinfo=datetime.UTC),
    datetime.datetime(2026, 2, 28, 20, tzinfo=datetime.UTC),
    datetime.datetime(2026, 3, 1, 6, tzinfo=datetime.UTC),
    datetime.datetime(2026, 3, 8, 7, tzinfo=datetime.UTC),
    datetime.datetime(2026, 3, 29, 1, tzinfo=datetime.UTC),
    datetime.datetime(2026, 3, 31, 22, tzinfo=datetime.UTC),
    datetime.datetime(2026, 4, 4, 15, tzinfo=datetime.UTC),
    datetime.datetime(2026, 4, 30, 18, tzinfo=datetime.UTC),
]

ITEMS = [
    Item(
        rating_key='1', media_type=MediaType.MOVIE, title='The General', year=1926, library_id='1'
    ),
    Item(
        rating_key='2', media_type=MediaType.MOVIE, title='Metropolis', year=1927, library_id='1'
    ),
    Item(
        rating_key='3',
        media_type=MediaType.EPISODE,
        title='Pilot',
        grandparent_title='Lighthouse',
        grandparent_rating_key='30',
        parent_index=1,
        index=1,
        library_id='2',
        library='Series',
    ),
    Item(
        rating_key='4',
        media_type=MediaType.EPISODE,
        title='Storm',
        grandparent_title='Lighthouse',
        grandparent_rating_key='30',
        parent_index=1,
        index=2,
        library_id='2',
        library='Series',
    ),
    Item(rating_key='5', media_type=MediaType.TRACK, title='Aria', grandparent_title='Anna'),
    Item(rating_key='6', media_type=MediaType.LIVE, title='News'),
    Item(rating_key='', media_type=MediaType.CLIP, title='Trailer'),
]

moments = st.tuples(st.sampled_from(CORNERS), st.integers(-30, 30)).map(
    lambda pair: pair[0] + datetime.timedelta(minutes=15 * pair[1])
)
lengths = st.one_of(st.integers(0, 10_000), st.integers(0, 300_000))


@st.composite
def finished(draw: st.DrawFn) -> Play:
    at = draw(moments)
    seconds = draw(lengths)
    device = draw(st.sampled_from(['', 'tv', 'phone']))
    return began(
        draw(st.integers(1, 4)),
        at,
        draw(st.sampled_from(ITEMS)),
        server=draw(st.sampled_from(['here', 'there'])),
        ordinal=1,
        source=draw(st.sampled_from(Source)),
        seen_at=at + datetime.timedelta(seconds=seconds),
        stopped_at=at + datetime.timedelta(seconds=seconds),
        played_ms=draw(st.integers(0, seconds)) * 1000,
        viewer=Viewer(account_id=draw(st.sampled_from(['', '1', '2', '3'])), name='somebody'),
        player=Player(
            client_id=device,
            title=device.upper(),
            platform=draw(st.sampled_from(['Roku', 'iOS'])),
        ),
        stream=Stream(
            decision=draw(st.sampled_from(Decision)),
            resolution=draw(st.sampled_from(['', '1080', '4k'])),
            source_resolution=draw(st.sampled_from(['1080', '4k'])),
        ),
    )


def reopened(play: Play) -> Play:
    return msgspec.structs.replace(play, ordinal=play.ordinal + 1, stopped_at=None)


def ended_again(play: Play, seconds: int) -> Play:
    later = play.started_at + datetime.timedelta(seconds=seconds)
    return msgspec.structs.replace(
        play, ordinal=play.ordinal + 2, stopped_at=later, seen_at=later, played_ms=seconds * 1000
    )


Step = Callable[[Database, Plays], Plays | None]


def record(versions: list[Play]) -> Step:
    return lambda database, plays: plays.record([event(play) for play in versions]) and None


def imported(versions: list[Play]) -> Step:
    return lambda database, plays: plays.import_plays(versions) and None


def counted(database: Database, plays: Plays) -> None:
    rollups.fold(database)


def swept(database: Database, plays: Plays) -> None:
    peaks.refresh(database, plays.zone, 40)


def removed(batches: tuple[datetime.datetime, int, bool]) -> Step:
    """Remove what ended before a moment, whole or only a part of it, as a kill does."""
    until, count, to_the_end = batches

    def remove(database: Database, plays: Plays) -> None:
        for _ in range(count):
            removal.batch(database, until, 2)
        if to_the_end:
            removal.tidy(database, until, plays.forget_names)

    return remove


def moved(zone: str) -> Step:
    return lambda database, plays: Plays(database, zoneinfo.ZoneInfo(zone))


@st.composite
def histories(draw: st.DrawFn) -> list[Step]:
    pool = draw(st.lists(finished(), min_size=5, max_size=14))
    some = st.lists(st.sampled_from(pool), max_size=6)
    step = st.one_of(
        some.map(record),
        some.map(imported),
        some.map(lambda plays: record([reopened(play) for play in plays])),
        st.tuples(some, lengths).map(
            lambda pair: record([ended_again(play, pair[1]) for play in pair[0]])
        ),
        st.just(counted),
        st.just(swept),
        st.tuples(moments, st.integers(1, 9), st.booleans()).map(removed),
        st.sampled_from(ZONES).map(moved),
    )
    return [record(pool), *draw(st.lists(step, max_size=8))]


@st.composite
def queries(draw: st.DrawFn) -> StatsQuery:
    day = st.tuples(st.sampled_from(CORNERS), st.integers(-2, 2)).map(
        lambda pair: pair[0].date() + datetime.timedelta(days=pair[1])
    )
    first, last = draw(st.none() | day), draw(st.none() | day)
    return StatsQuery(
        first=first,
        last=max(last, first) if first and last else last,
        server=draw(st.sampled_from([None, 'here', 'there'])),
        account=draw(st.sampled_from([None, None, '', '1'])),
        limit=1000,
    )


class Plain:
    """Counts of plays, one by one, in Python."""

    def __init__(self, plays: Iterable[Play], zone: datetime.tzinfo, query: StatsQuery):
        self.zone = zone
        self.plays = [play for play in plays if self._asked_for(play, query)]

    def _asked_for(self, play: Play, query: StatsQuery) -> bool:
        return (
            (query.first is None or self.day(play) >= query.first)
            and (query.last is None or self.day(play) <= query.last)
            and query.server in (None, play.server)
            and query.account in (None, play.viewer.account_id)
        )

    def day(self, play: Play) -> datetime.date:
        return play.started_at.astimezone(self.zone).date()

    def by(self, key: Callable[[Play], Hashable]) -> dict[Hashable, tuple[int, int]]:
        plays: collections.Counter[Hashable] = collections.Counter()
        watched: collections.Counter[Hashable] = collections.Counter()
        for play in self.plays:
            plays[key(play)] += 1
            watched[key(play)] += play.played_ms
        return {name: (count, watched[name]) for name, count in plays.items()}


Highest = tuple[int, datetime.datetime]


def highest(plays: list[Play], begin: datetime.datetime, end: datetime.datetime) -> Highest | None:
    """Most plays at once and since when, by looking at every moment at which one begins."""
    spans = [(max(play.started_at, begin), min(play.stopped_at or begin, end)) for play in plays]
    found = [
        (sum(start <= moment < stop for start, stop in spans), moment)
        for moment, stop in spans
        if moment < stop
    ]
    return min(found, key=lambda pair: (-pair[0], pair[1]), default=None)


def live_at_once(
    plays: list[Play], zone: datetime.tzinfo, query: StatsQuery
) -> dict[object, Highest]:
    found: dict[object, Highest] = {}
    for number in range(-5, DAYS + 10):
        day = BEGIN.date() + datetime.timedelta(days=number)
        if (query.first and day < query.first) or (query.last and day > query.last):
            continue
        begin = datetime.datetime.combine(day, datetime.time(), zone).astimezone(datetime.UTC)
        following = day + datetime.timedelta(days=1)
        end = datetime.datetime.combine(following, datetime.time(), zone).astimezone(datetime.UTC)
        if most := highest(plays, begin, end):
            found[day] = most
    return found


@hypothesis.settings(max_examples=40, suppress_health_check=[hypothesis.HealthCheck.too_slow])
@hypothesis.given(histories(), queries(), st.sampled_from(ZONES))
def test_charts_equal_counting_one_by_one(
    steps: list[Step], query: StatsQuery, zone_name: str
) -> None:
    zone: datetime.tzinfo = zoneinfo.ZoneInfo(zone_name)
    with Database() as database:
        plays = Plays(database, zone)
        for step in steps:
            plays = step(database, plays) or plays
        zone = plays.zone
        rows = database.rows(f'SELECT {playrows.SELECTED} FROM finished_plays')  # noqa: S608 - constants
        kept = [playrows.play(row) for row in rows]
        assert len({play.play_id for play in kept}) == len(kept)
        compare(Stats(database, zone), Plain(kept, zone, query), query)
        compare_peaks(Stats(database, zone), kept, zone, query)


def compare(stats: Stats, plain: Plain, query: StatsQuery) -> None:
    total = stats.totals(query)
    assert (total.plays, total.played_ms) == plain.by(lambda play: 0).get(0, (0, 0))
    assert bars(stats.by_day(query)) == plain.by(lambda play: plain.day(play).isoformat())
    assert bars(stats.by_month(query)) == plain.by(
        lambda play: plain.day(play).replace(day=1).isoformat()
    )
    assert bars(stats.by_weekday(query)) == plain.by(
        lambda play: str(plain.day(play).isoweekday())
    )
    assert bars(stats.by_hour(query)) == plain.by(
        lambda play: str(play.started_at.astimezone(plain.zone).hour)
    )
    assert bars(stats.by_decision(query)) == plain.by(lambda play: play.stream.decision.value)
    assert bars(stats.by_media_type(query)) == plain.by(
        lambda play: (
            'other' if play.item.media_type is MediaType.CLIP else play.item.media_type.value
        )
    )
    assert bars(stats.by_platform(query)) == plain.by(lambda play: play.player.platform)
    assert bars(stats.by_resolution(query)) == plain.by(lambda play: play.stream.resolution)
    assert bars(stats.by_source_resolution(query)) == plain.by(
        lambda play: play.stream.source_resolution
    )
    assert bars(stats.by_player(query)) == plain.by(
        lambda play: play.player.client_id or f'{play.player.platform} {play.player.title}'
    )
    users = {(bar.server, bar.key): (bar.plays, bar.played_ms) for bar in stats.by_user(query)}
    assert users == plain.by(lambda play: (play.server, play.viewer.account_id))
    libraries = {
        (bar.server, bar.key): (bar.plays, bar.played_ms) for bar in stats.by_library(query)
    }
    assert libraries == plain.by(lambda play: (play.server, play.item.library_id))
    for level in Level:
        compare_titles(stats, plain, query, level)


def bars(slices: Iterable[Slice]) -> dict[Hashable, tuple[int, int]]:
    return {bar.key: (bar.plays, bar.played_ms) for bar in slices if bar.plays}


def compare_titles(stats: Stats, plain: Plain, query: StatsQuery, level: Level) -> None:
    key = playrows.piece_key if level.key == 'piece' else playrows.work_key
    chosen = [play for play in plain.plays if play.item.media_type.value == level.media_type]
    plain.plays, everything = chosen, plain.plays
    expected = plain.by(lambda play: str(key(play.item)))
    plain.plays = everything
    found = stats.top_titles(query, level)
    assert {title.key: (title.plays, title.played_ms) for title in found} == expected
    assert [title.plays for title in found] == sorted(
        (title.plays for title in found), reverse=True
    )
    if level.key == 'piece':
        return
    audience: dict[str, set[tuple[str, str]]] = collections.defaultdict(set)
    for play in chosen:
        audience[str(key(play.item))].add((play.server, play.viewer.account_id))
    by_viewers = stats.top_titles(query, level, Measure.VIEWERS)
    assert {title.key: title.viewers for title in by_viewers} == {
        name: len(viewers) for name, viewers in audience.items()
    }
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(titles, '_BITS', 0)
        assert stats.top_titles(query, level, Measure.VIEWERS) == by_viewers
    twice = stats.rankings(query, [(level, Measure.VIEWERS)] * 2)
    assert twice == [by_viewers, by_viewers]


def compare_peaks(
    stats: Stats, kept: list[Play], zone: datetime.tzinfo, query: StatsQuery
) -> None:
    chosen = [
        play
        for play in kept
        if query.server in (None, play.server) and query.account in (None, play.viewer.account_id)
    ]
    found = stats.concurrent(query)
    assert {
        peak.day: (peak.streams, peak.moment) for peak in found if peak.streams
    } == live_at_once(chosen, zone, query)
    for decision in Decision:
        of_decision = [play for play in chosen if play.stream.decision is decision]
        assert {
            peak.day: peak.decisions[decision.value]
            for peak in found
            if peak.decisions.get(decision.value)
        } == {day: most for day, (most, _) in live_at_once(of_decision, zone, query).items()}
    everything = [None, *Decision]
    assert stats.highest(query, everything) == [
        max(found, key=lambda peak: peak.of(decision), default=None) for decision in everything
    ]


@hypothesis.settings(max_examples=40, suppress_health_check=[hypothesis.HealthCheck.too_slow])
@hypothesis.given(histories(), queries(), st.sampled_from(ZONES), st.sampled_from(['', '1']))
def test_peaks_of_an_account_are_those_of_now_however_often_they_are_asked_for(
    steps: list[Step], query: StatsQuery, zone_name: str, account: str
) -> None:
    query = msgspec.structs.replace(query, account=account)
    with Database() as database:
        plays = Plays(database, zoneinfo.ZoneInfo(zone_name))
        for step in steps:
            plays = step(database, plays) or plays
            found = Stats(database, plays.zone).concurrent(query)
            assert found == swept_anew(database, plays.zone, query)


def swept_anew(database: Database, zone: datetime.tzinfo, query: StatsQuery) -> list[peaks.Peak]:
    days = [BEGIN.date() + datetime.timedelta(days=number) for number in range(-5, DAYS + 10)]
    asked = [
        day
        for day in days
        if (query.first is None or day >= query.first)
        and (query.last is None or day <= query.last)
    ]
    about = ranges.all_of({'server = ?': query.server, 'viewer_account_id = ?': query.account})
    rows = peaks.sweep(database.rows, asked, zone, about=about) if asked else []
    return [
        peaks.Peak(day=row[0], streams=row[2], began=row[3], most=row[4:]) for row in sorted(rows)
    ]


days = st.integers(0, 200).map(lambda count: BEGIN.date() + datetime.timedelta(days=count))


@hypothesis.given(st.none() | days, st.none() | days)
def test_range_is_split_into_months_and_days_without_gap_or_overlap(
    first: datetime.date | None, last: datetime.date | None
) -> None:
    if first and last and first > last:
        first, last = last, first
    span = ranges.split(first, last)
    for number in range(-60, 300):
        day = BEGIN.date() + datetime.timedelta(days=number)
        month = day.replace(day=1)
        low, high = span.months
        in_months = (
            not span.none and (low is None or month >= low) and (high is None or month <= high)
        )
        in_edges = sum(start <= day <= end for start, end in span.edges)
        asked = (first is None or day >= first) and (last is None or day <= last)
        assert in_months + in_edges == asked
