# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Every page of history, and its totals, are what sorting all plays one by one gives."""

import datetime
import itertools
import random
import zoneinfo
from collections.abc import Callable, Generator
from typing import Any

import hypothesis
import msgspec
import pytest
from hypothesis import strategies as st

from mediahub.engine import matching
from mediahub.plays import Decision, Item, MediaType, Play, Player, Source, Stream, Viewer
from mediahub.store import asking, places, playrows, rollups
from mediahub.store.asking import HistoryQuery, Order
from mediahub.store.database import Database
from mediahub.store.plays import Plays
from mediahub.testing.plays import began, ended, event

BEGIN = datetime.datetime(2016, 12, 20, 12, tzinfo=datetime.UTC)
SERVERS = ('here', 'there')
NAMES = {'0': '', '1': 'Anna', '2': 'ÖMER', '3': 'Annabel'}
ITEMS = [
    Item(rating_key='1', media_type=MediaType.MOVIE, title='The Général', library_id='1'),
    Item(rating_key='2', media_type=MediaType.MOVIE, title='Metropolis', library_id='1'),
    *(
        Item(
            rating_key=str(30 + number),
            media_type=MediaType.EPISODE,
            title=f'Part {number}',
            parent_title='Season 1',
            grandparent_title='Lighthouse',
            parent_rating_key='301',
            grandparent_rating_key='300',
            parent_index=1,
            index=number,
            library_id='2',
        )
        for number in range(4)
    ),
    Item(rating_key='5', media_type=MediaType.TRACK, title='Aria', grandparent_title='Anna'),
    Item(rating_key='6', media_type=MediaType.LIVE, title='News'),
    Item(rating_key='', media_type=MediaType.CLIP, title='Trailer of Metropolis'),
    Item(rating_key='7', media_type=MediaType.OTHER, title='Something'),
]

# How plays are spread over time, in days: evenly, in a heap at either end, far apart.
SPREADS: dict[str, Callable[[random.Random], float]] = {
    'evenly': lambda chance: chance.uniform(0, 3600),
    'at the beginning': lambda chance: chance.choice([*[0] * 7, 3600]) + chance.random(),
    'at the end': lambda chance: chance.choice([0, *[3600] * 7]) + chance.random(),
    'far apart': lambda chance: chance.choice([0, 13, 14, 15, 119, 121, 999, 1001, 3600]),
}


def made(spread: str, count: int = 260) -> list[Play]:
    chance = random.Random(spread)  # noqa: S311  # no secret
    return [one(chance, number, SPREADS[spread](chance)) for number in range(count)]


def one(chance: random.Random, number: int, day: float) -> Play:
    account = chance.choice('0112233')
    decision = chance.choice(list(Decision))
    return ended(
        began(
            number,
            BEGIN + datetime.timedelta(minutes=round(day * 1440)),
            chance.choice(ITEMS),
            server=chance.choice(SERVERS),
            source=chance.choice([Source.PLEX, Source.PLEX, Source.TAUTULLI]),
            viewer=Viewer(account_id=account, name=NAMES[account]),
            player=Player(
                client_id=chance.choice(['', 'tv', 'phone']),
                title=chance.choice(['', 'TV', 'Phone']),
                platform=chance.choice(['', 'Roku', 'iOS']),
            ),
            stream=Stream(decision=decision),
            transcoded=decision is Decision.TRANSCODE or chance.random() < 0.1,
        ),
        chance.choice([0, 59, 60, 60, 61, 3600, 90_000]),
        paused_ms=chance.choice([0, 0, 1000, 5000]),
    )


class Kept:
    """A database, and the plays in it; without their text, which is long."""

    def __init__(self, plays: Plays, everything: list[Play]):
        self.plays = plays
        self.everything = everything


@pytest.fixture(scope='module', params=SPREADS)
def kept(request: pytest.FixtureRequest) -> Generator[Kept]:
    """A database of which a part is counted, a part is not, and a part was told twice."""
    everything = made(request.param)
    with Database() as database:
        plays = Plays(database)
        plays.record([event(play) for play in everything[:200]])
        rollups.fold(database)
        plays.record([event(play) for play in everything[200:]])
        again = [
            msgspec.structs.replace(play, ordinal=play.ordinal + 1, played_ms=play.played_ms + 1)
            for play in everything[::40]
        ]
        plays.record([event(play) for play in again])
        # Of plays that overlap and were told by two sources, one is kept.
        rows = database.rows(f'SELECT {playrows.SELECTED} FROM finished_plays')  # noqa: S608 - constants
        yield Kept(plays, [playrows.play(row) for row in rows])


moments = st.one_of(
    st.floats(-30, 3700),
    st.sampled_from([0.0, 13.0, 14.0, 14.5, 120.0, 1000.0, 3599.5, 3600.5]),
).map(lambda day: BEGIN + datetime.timedelta(minutes=round(day * 1440)))
days = moments.map(lambda moment: moment.date())
VALUES: dict[str, st.SearchStrategy[Any]] = {
    'server': st.sampled_from([*SERVERS, 'nowhere']),
    'account': st.sampled_from([*NAMES, '9']),
    'viewer': st.sampled_from(['anna', 'omer', 'ann', ' ', 'nobody']),
    'library': st.sampled_from(['', '1', '2', '9']),
    'media_type': st.sampled_from(MediaType),
    'rating_key': st.sampled_from(['', '1', '31', '300', '301', '9']),
    'platform': st.sampled_from(['', 'Roku', 'tvOS']),
    'player': st.sampled_from(['', 'tv', 'radio']),
    'decision': st.sampled_from(Decision),
    'transcoded': st.booleans(),
    'source': st.sampled_from(Source),
    'text': st.sampled_from(
        ['general', 'METROPOLIS', 'lighthouse part', 'part 2', 'anna', 'a', '', '%', 'zebra']
    ),
    'first': days,
    'last': days,
    'since': moments,
    'until': moments,
}


@st.composite
def queries(draw: st.DrawFn) -> HistoryQuery:
    names = draw(st.lists(st.sampled_from(sorted(VALUES)), max_size=3, unique=True))
    return HistoryQuery(
        **{name: draw(VALUES[name]) for name in names},
        order=draw(st.sampled_from([Order.STARTED, *Order])),
        descending=draw(st.booleans()),
        limit=draw(st.sampled_from([0, 1, 2, 7, 50, 300])),
        offset=draw(st.sampled_from([0, 0, 1, 5, 60, 200, 259, 500])),
        counted=draw(st.booleans()),
    )


KEYS: dict[Order, Callable[[Play], Any]] = {
    Order.STARTED: lambda play: play.started_at,
    Order.STOPPED: lambda play: play.stopped_at,
    Order.PLAYED: lambda play: play.played_ms,
    Order.PAUSED: lambda play: play.paused_ms,
    Order.TITLE: lambda play: (play.item.grandparent_title or play.item.title).encode(),
    Order.USER: lambda play: play.viewer.name.encode(),
    Order.PLATFORM: lambda play: play.player.platform.encode(),
    Order.PLAYER: lambda play: play.player.title.encode(),
}


def asked_for(query: HistoryQuery, play: Play) -> bool:
    item, day = play.item, play.started_at.date()
    told = {
        'server': play.server,
        'account': play.viewer.account_id,
        'library': item.library_id,
        'media_type': item.media_type,
        'platform': play.player.platform,
        'player': play.player.client_id,
        'decision': play.stream.decision,
        'transcoded': play.transcoded,
        'source': play.source,
    }
    keys = (item.rating_key, item.parent_rating_key, item.grandparent_rating_key)
    return (
        all(getattr(query, name) in (None, value) for name, value in told.items())
        and (query.rating_key is None or query.rating_key in keys)
        and (query.first is None or day >= query.first)
        and (query.last is None or day <= query.last)
        and (query.since is None or play.started_at >= query.since)
        and (query.until is None or play.started_at < query.until)
        and matching.key(query.viewer or '') in matching.key(play.viewer.name)
        and _has_words(query.text or '', item)
    )


def _has_words(text: str, item: Item) -> bool:
    sought = matching.key(f'{item.title} {item.parent_title} {item.grandparent_title}')
    return all(word in sought for word in matching.key(text).split())


def expected(query: HistoryQuery, everything: list[Play]) -> list[Play]:
    return sorted(
        (play for play in everything if asked_for(query, play)),
        key=lambda play: (KEYS[query.order](play), play.started_at, play.play_id),
        reverse=query.descending,
    )


@hypothesis.settings(max_examples=150)
@hypothesis.given(queries())
def test_page_is_what_sorting_all_plays_gives(kept: Kept, query: HistoryQuery) -> None:
    matching_plays = expected(query, kept.everything)

    page = kept.plays.history(query)

    behind = query.offset + query.limit
    assert page.plays == matching_plays[query.offset : behind]
    assert (page.next is not None) == bool(page.plays and len(matching_plays) > behind)
    if query.counted:
        total = (len(matching_plays), sum(play.played_ms for play in matching_plays))
        assert (page.total, page.played_ms) == total


@hypothesis.settings(max_examples=40)
@hypothesis.given(queries(), st.sampled_from([23, 90]))
def test_pages_behind_cursors_are_what_sorting_all_plays_gives(
    kept: Kept, query: HistoryQuery, limit: int
) -> None:
    asked = msgspec.structs.replace(query, limit=limit, offset=0)
    matching_plays = expected(asked, kept.everything)

    found: list[Play] = []
    for _ in itertools.count():
        page = kept.plays.history(asked)
        found += page.plays
        if page.next is None:
            break
        asked = msgspec.structs.replace(asked, after=page.next)

    assert found == matching_plays


@hypothesis.settings(max_examples=80)
@hypothesis.given(queries(), st.integers(0, 4))
def test_deep_pages_are_found_by_counts_where_counts_know(
    kept: Kept, query: HistoryQuery, few: int
) -> None:
    asked = msgspec.structs.replace(query, order=Order.STARTED)
    matching_plays = expected(asked, kept.everything)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(places, '_DEEP', 0)
        patched.setattr(asking, '_FEW', few)
        page = kept.plays.history(asked)

    assert page.plays == matching_plays[asked.offset : asked.offset + asked.limit]


@hypothesis.settings(max_examples=120)
@hypothesis.given(queries(), st.sampled_from([0, 3, 40]), st.sampled_from([1, 10]), st.booleans())
def test_sorted_pages_are_found_by_counts_where_counts_know(
    kept: Kept, query: HistoryQuery, few: int, ties: int, behind: bool
) -> None:
    order = query.order if query.order is not Order.STARTED else Order.TITLE
    asked = msgspec.structs.replace(query, order=order, limit=max(1, query.limit))
    matching_plays = expected(asked, kept.everything)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(places, '_FEW', few)
        patched.setattr(places, '_TIES', ties)
        page = kept.plays.history(asked)
        place = asked.offset
        if behind and page.next is not None:
            place += len(page.plays)
            page = kept.plays.history(msgspec.structs.replace(asked, offset=0, after=page.next))

    assert page.plays == matching_plays[place : place + asked.limit]


def test_clock_that_was_put_back_over_midnight_hides_no_play(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(places, '_DEEP', 0)
    # At 00:01 on Sunday it became 23:01 on Saturday.
    moment = datetime.datetime(2006, 10, 29, 1, 0, tzinfo=datetime.UTC)
    minutes = [datetime.timedelta(minutes=3 * number) for number in range(80)]
    with Database() as database:
        plays = Plays(database, zoneinfo.ZoneInfo('America/St_Johns'))
        made_here = [ended(began(number, moment + since)) for number, since in enumerate(minutes)]
        plays.record([event(play) for play in made_here])
        days = database.rows('SELECT day FROM finished_plays ORDER BY started_at')
        assert days != sorted(days)
        for offset, descending in itertools.product(range(80), (True, False)):
            query = HistoryQuery(limit=2, offset=offset, descending=descending)
            in_order = made_here[::-1] if descending else made_here
            assert plays.history(query).plays == in_order[offset : offset + 2]
