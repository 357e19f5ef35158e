# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import asyncio
import datetime
import pathlib

import pytest

from mediahub.api.auth.people import Person, Role, Way
from mediahub.api.auth.sessions import MOST, Opened, SessionBook
from mediahub.store.database import Database, StoreError
from mediahub.testing.rig import Calendar

pytestmark = pytest.mark.anyio

IDLE, LIFETIME = datetime.timedelta(days=3), datetime.timedelta(days=30)


@pytest.fixture
def book(database: Database, clock: Calendar) -> SessionBook:
    return SessionBook(database, IDLE, LIFETIME, clock)


async def begun(book: SessionBook, person: Person) -> Opened:
    return await book.open(person, Way.PLEX, '10.0.0.1', 'Firefox')


async def test_ticket_opens_the_session(book: SessionBook, ada: Person):
    opened = await begun(book, ada)

    found = book.find(opened.ticket)

    assert found is not None
    assert (found.account, found.name, found.role) == ('1001', 'ada', Role.ADMIN)
    assert book.find(opened.ticket + 'x') is None
    assert book.find('') is None
    assert book.find(found.key) is None


async def test_database_holds_no_ticket(book: SessionBook, database: Database, ada: Person):
    opened = await begun(book, ada)
    renewed = await book.renew(opened.ticket)

    assert renewed is not None
    held = repr(database.rows('SELECT * FROM auth_sessions'))
    assert opened.ticket not in held
    assert renewed.ticket not in held
    assert opened.ticket not in repr(opened)


async def test_session_goes_on_after_a_restart(database: Database, clock: Calendar, ada: Person):
    first = SessionBook(database, IDLE, LIFETIME, clock)
    opened = await begun(first, ada)

    second = SessionBook(database, IDLE, LIFETIME, clock)
    await second.load()

    assert second.find(opened.ticket) == opened.session


async def test_session_ends_when_it_is_idle(book: SessionBook, clock: Calendar, ada: Person):
    opened = await begun(book, ada)
    clock.pass_days(2.9)
    assert book.find(opened.ticket)
    clock.pass_days(2.9)
    assert book.find(opened.ticket)
    clock.pass_days(3)
    assert book.find(opened.ticket) is None


async def test_session_in_use_ends_with_its_lifetime(
    book: SessionBook, clock: Calendar, ada: Person
):
    opened = await begun(book, ada)
    for _ in range(15):
        assert book.find(opened.ticket)
        clock.pass_days(2)
    assert book.find(opened.ticket) is None


async def test_last_use_is_remembered_over_a_restart(
    database: Database, clock: Calendar, ada: Person
):
    first = SessionBook(database, IDLE, LIFETIME, clock)
    opened = await begun(first, ada)
    clock.pass_days(2)
    first.find(opened.ticket)
    await first.sweep()
    clock.pass_days(2)

    second = SessionBook(database, IDLE, LIFETIME, clock)
    await second.load()

    assert second.find(opened.ticket)


async def test_renewing_ends_the_ticket_before(book: SessionBook, clock: Calendar, ada: Person):
    opened = await begun(book, ada)

    renewed = await book.renew(opened.ticket)

    assert renewed is not None
    assert renewed.session.key == opened.session.key
    assert book.find(renewed.ticket)
    assert book.find(opened.ticket), 'a request under way still passes'
    clock.now += datetime.timedelta(seconds=31)
    assert book.find(opened.ticket) is None
    assert book.find(renewed.ticket)


async def test_two_tabs_that_renew_at_once_end_with_one_ticket(book: SessionBook, ada: Person):
    opened = await begun(book, ada)

    first = await book.renew(opened.ticket)
    second = await book.renew(opened.ticket)

    assert first is not None
    assert second is not None
    assert second.ticket == ''
    assert book.find(first.ticket)


async def test_renewed_ticket_outlives_a_restart(database: Database, clock: Calendar, ada: Person):
    first = SessionBook(database, IDLE, LIFETIME, clock)
    renewed = await first.renew((await begun(first, ada)).ticket, Role.VIEWER)
    assert renewed is not None

    second = SessionBook(database, IDLE, LIFETIME, clock)
    await second.load()

    found = second.find(renewed.ticket)
    assert found is not None
    assert found.role is Role.VIEWER


async def test_renewing_does_not_lengthen_the_life(
    book: SessionBook, clock: Calendar, ada: Person
):
    opened = await begun(book, ada)
    clock.pass_days(1)
    renewed = await book.renew(opened.ticket)
    assert renewed is not None
    assert renewed.session.expires_at == opened.session.expires_at


async def test_ended_session_stays_ended(database: Database, clock: Calendar, ada: Person):
    book = SessionBook(database, IDLE, LIFETIME, clock)
    opened = await begun(book, ada)
    renewed = await book.renew(opened.ticket)
    assert renewed is not None

    assert await book.end(opened.session.key)
    assert not await book.end(opened.session.key)

    assert book.find(opened.ticket) is None
    assert book.find(renewed.ticket) is None
    assert await book.renew(renewed.ticket) is None
    again = SessionBook(database, IDLE, LIFETIME, clock)
    await again.load()
    assert again.living() == []


async def test_all_sessions_can_be_ended_but_ones_own(
    book: SessionBook, ada: Person, vera: Person
):
    mine, other = await begun(book, ada), await begun(book, vera)

    assert await book.end_all(but=mine.session.key) == 1

    assert book.find(mine.ticket)
    assert book.find(other.ticket) is None


async def test_all_sessions_of_an_account_can_be_ended(
    book: SessionBook, ada: Person, vera: Person
):
    mine, other = await begun(book, ada), await begun(book, vera)
    assert await book.end_account(vera.account) == 1
    assert book.find(mine.ticket)
    assert book.find(other.ticket) is None


async def test_clock_that_was_wrong_for_a_moment_signs_nobody_out(
    book: SessionBook, clock: Calendar, ada: Person
):
    opened = await begun(book, ada)

    clock.pass_days(3.5)
    assert book.find(opened.ticket) is None
    await book.sweep()
    clock.pass_days(-3.5)
    assert book.find(opened.ticket)
    clock.pass_days(-0.5)
    assert book.find(opened.ticket)


async def test_session_of_a_clock_far_ahead_does_not_live_for_years(
    book: SessionBook, clock: Calendar, ada: Person
):
    opened = await begun(book, ada)
    clock.pass_days(-1000)
    assert book.find(opened.ticket) is None


async def test_sweeping_forgets_what_ended_long_ago(
    book: SessionBook, database: Database, clock: Calendar, ada: Person
):
    await begun(book, ada)
    clock.pass_days(5)
    await book.sweep()
    assert database.rows('SELECT * FROM auth_sessions') == []


async def test_one_person_has_only_so_many(
    book: SessionBook, clock: Calendar, ada: Person, vera: Person
):
    other = await begun(book, vera)
    first = await begun(book, ada)
    for _ in range(MOST):
        clock.now += datetime.timedelta(seconds=1)
        await begun(book, ada)

    assert len(book.living()) == MOST + 1
    assert book.find(first.ticket) is None
    assert book.find(other.ticket)


async def test_session_that_cannot_be_deleted_is_over_all_the_same(
    tmp_path: pathlib.Path, clock: Calendar, ada: Person
):
    database = Database(tmp_path / 'hub.duckdb')
    book = SessionBook(database, IDLE, LIFETIME, clock)
    opened = await begun(book, ada)
    database.execute('ALTER TABLE auth_sessions RENAME TO elsewhere')

    with pytest.raises(Exception, match='auth_sessions'):
        await book.end(opened.session.key)
    assert book.find(opened.ticket) is None

    database.execute('ALTER TABLE elsewhere RENAME TO auth_sessions')
    await book.sweep()
    assert database.rows('SELECT * FROM auth_sessions') == []
    database.close()


async def test_session_that_cannot_be_kept_is_none(
    database: Database, clock: Calendar, ada: Person
):
    book = SessionBook(database, IDLE, LIFETIME, clock)
    database.execute('DROP TABLE auth_sessions')
    with pytest.raises(Exception, match='auth_sessions'):
        await begun(book, ada)
    assert book.living() == []


async def test_requests_while_a_session_is_renewed_still_pass(book: SessionBook, ada: Person):
    opened = await begun(book, ada)

    renewals = await asyncio.gather(*(book.renew(opened.ticket) for _ in range(5)))

    assert None not in renewals
    fresh = [one.ticket for one in renewals if one and one.ticket]
    assert len(fresh) == 1
    assert book.find(fresh[0])
    assert book.find(opened.ticket)


async def test_renewal_that_cannot_be_kept_leaves_the_session_as_it_was(
    database: Database, clock: Calendar, ada: Person
):
    book = SessionBook(database, IDLE, LIFETIME, clock)
    opened = await begun(book, ada)
    database.execute('ALTER TABLE auth_sessions RENAME TO away')
    with pytest.raises(StoreError):
        await book.renew(opened.ticket, Role.VIEWER)
    database.execute('ALTER TABLE away RENAME TO auth_sessions')

    found = book.find(opened.ticket)
    assert found is not None
    assert found.role is Role.ADMIN
    assert await book.renew(opened.ticket)
