# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import base64
import datetime
import random
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from mediahub.plays import Decision, MediaType, Play, Player, Source, Stream, Viewer
from mediahub.store.database import Database
from mediahub.store.history import HistoryPage, HistoryQuery, Order, QueryError
from mediahub.store.plays import Plays
from mediahub.testing.plays import EPISODE, FILM, SERVER, START, began, ended, event, later

MINUTE = datetime.timedelta(minutes=1)

KEYS: dict[Order, Callable[[Play], Any]] = {
    Order.STARTED: lambda play: play.started_at,
    Order.STOPPED: lambda play: play.stopped_at,
    Order.PLAYED: lambda play: play.played_ms,
    Order.PAUSED: lambda play: play.paused_ms,
    Order.TITLE: lambda play: play.item.grandparent_title or play.item.title,
    Order.USER: lambda play: play.viewer.name,
    Order.PLATFORM: lambda play: play.player.platform,
    Order.PLAYER: lambda play: play.player.title,
}


@pytest.fixture
def plays(database: Database) -> Plays:
    return Plays(database)


def some(count: int = 47) -> list[Play]:
    """Plays of which many agree in what they are sorted by, given in no order."""
    chance = random.Random(47)  # noqa: S311  # no secret
    made = [
        ended(
            began(
                number,
                START + MINUTE * chance.randrange(12),
                chance.choice([FILM, EPISODE]),
                server=chance.choice([SERVER, 'other']),
                viewer=Viewer(
                    account_id=chance.choice('12'), name=chance.choice(['Anna', 'Ömer'])
                ),
                player=Player(title=chance.choice(['TV', 'phone']), platform='Roku'),
            ),
            chance.choice([60, 120]),
            paused_ms=chance.choice([0, 1000]),
        )
        for number in range(count)
    ]
    chance.shuffle(made)
    return made


def keep(plays: Plays, made: list[Play]) -> list[Play]:
    plays.record([event(play) for play in made])
    return made


def walk(plays: Plays, query: HistoryQuery) -> list[HistoryPage]:
    pages = [plays.history(query)]
    while pages[-1].next is not None:
        pages.append(plays.history(msgspec.structs.replace(query, after=pages[-1].next)))
    return pages


@pytest.mark.parametrize('descending', [True, False])
@pytest.mark.parametrize('order', Order)
def test_pages_follow_each_other_in_every_order(plays: Plays, order: Order, descending: bool):
    made = keep(plays, some())
    query = HistoryQuery(order=order, descending=descending, limit=10)

    pages = walk(plays, query)

    assert [len(page.plays) for page in pages] == [10, 10, 10, 10, 7]
    expected = sorted(
        made,
        key=lambda play: (KEYS[order](play), play.started_at, play.play_id),
        reverse=descending,
    )
    assert [play for page in pages for play in page.plays] == expected
    for number, page in enumerate(pages):
        there = plays.history(msgspec.structs.replace(query, offset=10 * number))
        assert there.plays == page.plays


def test_page_that_is_just_full_is_the_last(plays: Plays):
    keep(plays, some(10))

    assert plays.history(HistoryQuery(limit=10)).next is None
    assert plays.history(HistoryQuery(limit=9)).next is not None


def test_totals_are_of_all_pages(plays: Plays):
    made = keep(plays, some())

    page = plays.history(HistoryQuery(limit=3, account='1'))

    chosen = [play for play in made if play.viewer.account_id == '1']
    assert (page.total, page.played_ms) == (len(chosen), sum(play.played_ms for play in chosen))


def test_nothing_is_counted_where_that_is_not_asked_for(plays: Plays):
    keep(plays, some(5))

    page = plays.history(HistoryQuery(counted=False))

    assert (page.total, page.played_ms, len(page.plays)) == (None, None, 5)


def test_limit_of_zero_only_counts(plays: Plays):
    keep(plays, some(5))

    page = plays.history(HistoryQuery(limit=0))

    assert (page.total, page.plays, page.next) == (5, [], None)


def test_plays_that_are_added_meanwhile_move_nobody_to_another_page(plays: Plays):
    made = keep(plays, some(20))
    query = HistoryQuery(limit=10)
    first = plays.history(query)
    keep(plays, [ended(began(99, START + 60 * MINUTE), 60)])

    second = plays.history(msgspec.structs.replace(query, after=first.next))

    ids = [play.play_id for play in first.plays + second.plays]
    assert sorted(ids) == sorted(play.play_id for play in made)


FILTERS: dict[str, tuple[HistoryQuery, Callable[[Play], bool]]] = {
    'server': (HistoryQuery(server=SERVER), lambda play: play.server == SERVER),
    'account': (HistoryQuery(account='2'), lambda play: play.viewer.account_id == '2'),
    'library': (HistoryQuery(library='2'), lambda play: play.item.library_id == '2'),
    'media type': (
        HistoryQuery(media_type=MediaType.EPISODE),
        lambda play: play.item.media_type is MediaType.EPISODE,
    ),
    'media type of a user': (
        HistoryQuery(media_type=MediaType.EPISODE, account='1', server=SERVER),
        lambda play: (
            play.item.media_type is MediaType.EPISODE
            and play.viewer.account_id == '1'
            and play.server == SERVER
        ),
    ),
    'clips': (HistoryQuery(media_type=MediaType.CLIP), lambda play: False),
    'something else': (HistoryQuery(media_type=MediaType.OTHER), lambda play: False),
    'library of a user': (
        HistoryQuery(library='2', account='1'),
        lambda play: play.item.library_id == '2' and play.viewer.account_id == '1',
    ),
    'item': (HistoryQuery(rating_key='1001'), lambda play: play.item == FILM),
    'season': (HistoryQuery(rating_key='2010'), lambda play: play.item == EPISODE),
    'show': (HistoryQuery(rating_key='2000'), lambda play: play.item == EPISODE),
    'from': (
        HistoryQuery(since=START + 5 * MINUTE),
        lambda play: play.started_at >= START + 5 * MINUTE,
    ),
    'until': (
        HistoryQuery(until=START + 5 * MINUTE),
        lambda play: play.started_at < START + 5 * MINUTE,
    ),
    'first': (HistoryQuery(first=START.date()), lambda play: True),
    'last': (HistoryQuery(last=START.date() - datetime.timedelta(days=1)), lambda play: False),
    'text': (HistoryQuery(text='GÉNÉRAL'), lambda play: play.item == FILM),
    'words': (HistoryQuery(text='pilot lighthouse'), lambda play: play.item == EPISODE),
    'sign': (HistoryQuery(text='%'), lambda play: False),
    'two': (
        HistoryQuery(text='pilot', account='1'),
        lambda play: play.item == EPISODE and play.viewer.account_id == '1',
    ),
}


@pytest.mark.parametrize('name', FILTERS)
def test_filter_keeps_what_it_says(plays: Plays, name: str):
    made = keep(plays, some())
    query, wanted = FILTERS[name]

    page = plays.history(query)

    assert {play.play_id for play in page.plays} == {play.play_id for play in made if wanted(play)}
    assert page.total == len(page.plays)
    assert page.played_ms == sum(play.played_ms for play in page.plays)


def test_delivery_source_and_player_can_be_asked_for(plays: Plays):
    play = ended(
        began(
            stream=Stream(decision=Decision.TRANSCODE),
            transcoded=True,
            player=Player(client_id='x', platform='tvOS'),
        )
    )
    keep(plays, [play, ended(began(2))])

    for query in (
        HistoryQuery(decision=Decision.TRANSCODE),
        HistoryQuery(transcoded=True),
        HistoryQuery(player='x'),
        HistoryQuery(platform='tvOS'),
    ):
        page = plays.history(query)
        assert (page.plays, page.total, page.played_ms) == ([play], 1, play.played_ms)
    assert plays.history(HistoryQuery(source=Source.TAUTULLI)).plays == []


def test_plays_that_go_on_are_no_history(plays: Plays):
    plays.record([event(began()), event(later(began(2), 5))])

    assert plays.history(HistoryQuery()).total == 0


def test_text_that_is_all_blank_searches_nothing(plays: Plays):
    keep(plays, some(5))

    assert plays.history(HistoryQuery(text='  ')).total == 5


@pytest.mark.parametrize(
    ('query', 'reason'),
    [
        (HistoryQuery(limit=-1), 'a page has 0 to 1000'),
        (HistoryQuery(limit=1001), 'a page has 0 to 1000'),
        (HistoryQuery(offset=-1), 'not negative'),
        (HistoryQuery(offset=1, after='x'), 'not by both'),
        (HistoryQuery(after='x'), 'none of ours'),
        (HistoryQuery(after='Ö'), 'none of ours'),
        (HistoryQuery(after='bnVsbA'), 'none of ours'),
        (HistoryQuery(since=datetime.datetime(2026, 1, 1)), 'no zone'),  # noqa: DTZ001, RUF100
    ],
)
def test_query_that_makes_no_sense_is_refused(plays: Plays, query: HistoryQuery, reason: str):
    with pytest.raises(QueryError, match=reason):
        plays.history(query)


def forged(*place: object) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip('=')


SOME_ID = '6f0c2b1e-5a55-4c1d-9d3f-0f5f7d0f8c11'
NOON = datetime.datetime(2026, 3, 1, 12)  # as the database keeps it


@pytest.mark.parametrize(
    'place',
    [
        ('title', True, 5, NOON, SOME_ID),
        ('played', True, 'long', NOON, SOME_ID),
        ('played', True, 2**63, NOON, SOME_ID),
        ('started', True, 'yesterday', NOON, SOME_ID),
        ('started', True, NOON, START, SOME_ID),
        ('started', True, NOON, NOON, 'play'),
        ('shoe size', True, 43, NOON, SOME_ID),
        ('started', True, NOON, NOON),
    ],
)
def test_cursor_that_somebody_made_up_is_refused(plays: Plays, place: tuple[object, ...]):
    order = Order(place[0]) if place[0] != 'shoe size' else Order.STARTED

    with pytest.raises(QueryError, match='none of ours'):
        plays.history(HistoryQuery(order=order, after=forged(*place)))


@pytest.mark.parametrize('descending', [True, False])
@pytest.mark.parametrize('edge', [datetime.datetime.min, datetime.datetime.max])
def test_pages_may_begin_at_the_end_of_the_calendar(
    plays: Plays, edge: datetime.datetime, descending: bool
):
    keep(plays, some(10))
    moment = edge.replace(tzinfo=datetime.UTC)
    cursor = forged('started', descending, edge, edge, SOME_ID)
    asked = HistoryQuery(descending=descending)

    between = msgspec.structs.replace(asked, since=moment, until=moment)
    behind = plays.history(msgspec.structs.replace(asked, after=cursor, counted=False))

    assert plays.history(between).plays == []
    assert len(behind.plays) == (10 if (edge.year == 1) != descending else 0)


def test_cursor_of_another_order_is_refused(plays: Plays):
    keep(plays, some())
    cursor = plays.history(HistoryQuery(limit=1)).next

    with pytest.raises(QueryError, match='another order'):
        plays.history(HistoryQuery(order=Order.TITLE, after=cursor))
