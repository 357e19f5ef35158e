# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import pytest

from mediahub.api.auth.people import Role
from mediahub.api.auth.tokens import MOST, PREFIX, TokenBook
from mediahub.api.envelope import Problem
from mediahub.store.database import Database
from mediahub.testing.rig import Calendar

pytestmark = pytest.mark.anyio

CONFIGURED = {'MEDIAHUB_API_TOKEN': ('of-the-settings-0123456789', Role.ADMIN)}


@pytest.fixture
def book(database: Database, clock: Calendar) -> TokenBook:
    return TokenBook(database, CONFIGURED, clock)


async def test_token_is_shown_once_and_kept_as_a_hash(book: TokenBook, database: Database):
    made = await book.make('grafana', Role.VIEWER, 'ada')

    assert made.text.startswith(PREFIX)
    assert made.text not in repr(database.rows('SELECT * FROM api_tokens'))
    assert made.text not in repr(made) + repr(book.all())
    found = book.find(made.text)
    assert found is not None
    assert (found.name, found.role, found.created_by) == ('grafana', Role.VIEWER, 'ada')


async def test_token_outlives_a_restart(database: Database, clock: Calendar):
    first = TokenBook(database, {}, clock)
    made = await first.make('grafana', Role.VIEWER, 'ada')

    second = TokenBook(database, {}, clock)
    await second.load()

    assert second.find(made.text)


async def test_revoked_token_opens_nothing_ever_again(database: Database, clock: Calendar):
    book = TokenBook(database, {}, clock)
    made = await book.make('grafana', Role.ADMIN, 'ada')

    assert await book.revoke(made.token.key)
    assert not await book.revoke(made.token.key)

    assert book.find(made.text) is None
    again = TokenBook(database, {}, clock)
    await again.load()
    assert again.find(made.text) is None


async def test_token_expires(book: TokenBook, database: Database, clock: Calendar):
    made = await book.make('grafana', Role.VIEWER, 'ada', days=7)
    clock.pass_days(6.9)
    assert book.find(made.text)
    clock.pass_days(0.2)
    assert book.find(made.text) is None
    assert [token.key for token in book.all()] == ['MEDIAHUB_API_TOKEN']
    await book.sweep()
    assert database.rows('SELECT * FROM api_tokens') == []


async def test_token_of_the_settings_works_and_is_not_revoked_here(book: TokenBook):
    found = book.find('of-the-settings-0123456789')
    assert found is not None
    assert found.role is Role.ADMIN
    assert book.find('of-the-settings') is None
    with pytest.raises(Problem, match='unset it there'):
        await book.revoke(found.key)


async def test_last_use_is_kept_to_the_minute(database: Database, clock: Calendar):
    book = TokenBook(database, {}, clock)
    made = await book.make('grafana', Role.VIEWER, 'ada')
    assert made.token.used_at is None
    clock.pass_days(1)
    book.find(made.text)
    await book.sweep()

    again = TokenBook(database, {}, clock)
    await again.load()

    assert again.all()[0].used_at == clock.now


@pytest.mark.parametrize('name', ['', ' ', 'a\nb', 'x' * 81, 'a\x00'])
async def test_name_is_one_line(book: TokenBook, name: str):
    with pytest.raises(Problem, match='name needs'):
        await book.make(name, Role.VIEWER, 'ada')


async def test_there_are_only_so_many(book: TokenBook):
    for number in range(MOST):
        await book.make(f'token {number}', Role.VIEWER, 'ada')
    with pytest.raises(Problem, match='revoke one'):
        await book.make('one more', Role.VIEWER, 'ada')
