# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import datetime

import pytest

from mediahub.api.auth import flows
from mediahub.api.auth.flows import Flow, FlowBook
from mediahub.api.envelope import Problem
from mediahub.store.database import Database
from mediahub.testing.rig import Calendar

pytestmark = pytest.mark.anyio

MINE = 'v' * 43


@pytest.fixture
def book(database: Database, clock: Calendar) -> FlowBook:
    return FlowBook(database, clock)


async def begun(book: FlowBook, verifier: str = MINE) -> Flow:
    return await book.begin('4711', 'legacy', '/history', verifier, 1800)


async def test_browser_that_began_it_takes_it_once(book: FlowBook):
    flow = await begun(book)

    assert await book.take(flow.state, ['other', MINE]) == flow
    with pytest.raises(Problem, match='over'):
        await book.take(flow.state, [MINE])


async def test_other_browser_ends_it_for_everybody(book: FlowBook):
    flow = await begun(book)

    with pytest.raises(Problem) as found:
        await book.take(flow.state, ['x' * 43])
    assert (found.value.status, found.value.code) == (403, 'OTHER_BROWSER')
    with pytest.raises(Problem, match='over'):
        await book.take(flow.state, [MINE])


async def test_without_a_cookie_it_ends_too(book: FlowBook):
    flow = await begun(book)
    with pytest.raises(Problem, match='another browser'):
        await book.take(flow.state, [])


async def test_database_holds_neither_state_nor_verifier(book: FlowBook, database: Database):
    flow = await begun(book)
    held = repr(database.rows('SELECT * FROM auth_flows'))
    assert flow.state not in held
    assert MINE not in held
    assert '4711' not in repr(flow)


async def test_it_lives_no_longer_than_the_pin(book: FlowBook, clock: Calendar):
    flow = await book.begin('1', 'legacy', '/', MINE, 60)
    clock.now += datetime.timedelta(seconds=60)
    with pytest.raises(Problem, match='took too long'):
        await book.take(flow.state, [MINE])


async def test_it_lives_a_quarter_of_an_hour_at_most(book: FlowBook, clock: Calendar):
    flow = await book.begin('1', 'legacy', '/', MINE, 1e6)
    clock.now += flows.LONGEST
    with pytest.raises(Problem, match='took too long'):
        await book.take(flow.state, [MINE])


async def test_flow_of_a_clock_far_ahead_is_over(book: FlowBook, clock: Calendar):
    flow = await begun(book)
    clock.pass_days(-30)
    with pytest.raises(Problem, match='over'):
        await book.take(flow.state, [MINE])


async def test_unconfirmed_pin_is_looked_at_a_few_times_only(book: FlowBook):
    flow = await begun(book)
    for _ in range(flows.CHECKS - 1):
        flow = await book.take(flow.state, [MINE])
        await book.put_back(flow, checked=True)
    flow = await book.take(flow.state, [MINE])
    await book.put_back(flow, checked=True)
    with pytest.raises(Problem, match='over'):
        await book.take(flow.state, [MINE])


async def test_lost_network_costs_no_attempt(book: FlowBook):
    flow = await begun(book)
    for _ in range(flows.CHECKS + 2):
        flow = await book.take(flow.state, [MINE])
        await book.put_back(flow, checked=False)
    assert flow.checks == 0


async def test_it_goes_on_after_a_restart(database: Database, clock: Calendar):
    flow = await begun(FlowBook(database, clock))
    assert await FlowBook(database, clock).take(flow.state, [MINE]) == flow


async def test_there_are_only_so_many(
    book: FlowBook, clock: Calendar, database: Database, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(flows, 'MOST', 3)
    first = last = await begun(book)
    for _ in range(3):
        clock.now += datetime.timedelta(seconds=1)
        last = await begun(book)
    assert database.one('SELECT count(*) FROM auth_flows') == 3
    assert await book.take(last.state, [MINE])
    with pytest.raises(Problem, match='over'):
        await book.take(first.state, [MINE])


async def test_sweeping_forgets_what_is_over(book: FlowBook, clock: Calendar, database: Database):
    await begun(book)
    clock.pass_days(1)
    await book.sweep()
    assert database.one('SELECT count(*) FROM auth_flows') == 0
