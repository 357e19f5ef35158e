# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Whose share was withdrawn is signed out, and nobody is by what plex.tv does not say."""

from __future__ import annotations

import asyncio
import pathlib

import pytest

from mediahub.api.auth import shares
from mediahub.api.auth.people import Person, Role, Way
from mediahub.store.database import Database
from mediahub.testing.faults import Fault
from mediahub.testing.plextv import User

from .conftest import OTHER, Browser, MakeRig, Network, Rig

pytestmark = pytest.mark.anyio

LIST = '/api/users/'

ATTIC = """
[[servers]]
name = "attic"
type = "plex"
url = "{url}"
token = "{token}"
"""


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shares, 'CONFIRM', 0)


def token_of(network: Network, user: User) -> str:
    return network.tv.tokens.issue(user.id, f'the-server-of-{user.name}')


@pytest.fixture(params=['legacy', 'jwt'])
async def rig(request: pytest.FixtureRequest, make_rig: MakeRig, network: Network) -> Rig:
    token = token_of(network, network.tv.owner)
    network.plex.token = token
    return await make_rig(PLEX_TOKEN=token, PLEX_AUTH_FLOW=request.param)


def withdraw(network: Network, user: User) -> None:
    for server in network.tv.servers:
        server.tokens.pop(user.id, None)


async def is_in(browser: Browser) -> bool:
    return (await browser.get('/api/v1/auth/session')).status_code == 200


async def test_friend_is_signed_out_when_the_share_is_withdrawn(rig: Rig):
    owner = await rig.signed_in(rig.network.tv.owner)
    friends = [await rig.signed_in(rig.network.tv.friend) for _ in range(2)]
    assert await rig.auth.shares.look() == 0

    withdraw(rig.network, rig.network.tv.friend)

    assert await rig.auth.shares.look() == 2
    assert [await is_in(browser) for browser in (owner, *friends)] == [True, False, False]
    assert await rig.auth.shares.look() == 0


async def test_end_is_for_good(rig: Rig, database: Database):
    await rig.signed_in(rig.network.tv.friend)
    withdraw(rig.network, rig.network.tv.friend)
    await rig.auth.shares.look()

    assert database.rows('SELECT count(*) FROM auth_sessions') == [(0,)]


async def test_invitation_that_waits_for_an_answer_is_no_access(rig: Rig):
    friend = await rig.signed_in(rig.network.tv.friend)
    rig.network.tv.servers[0].invited.add(rig.network.tv.friend.id)

    assert await rig.auth.shares.look() == 1
    assert not await is_in(friend)


async def test_nobody_asks_plextv_while_nobody_is_signed_in(rig: Rig):
    await rig.auth.shares.look()

    assert rig.network.count(LIST) == 0


HEAD = b'<MediaContainer size="%d" totalSize="%d">'


@pytest.mark.parametrize(
    'fault',
    [
        Fault(LIST, 401),
        Fault(LIST, 403),
        Fault(LIST, 404),
        Fault(LIST, 429),
        Fault(LIST, 500),
        Fault(LIST, 503),
        Fault(LIST, body=b''),
        Fault(LIST, body=b'{}'),
        Fault(LIST, body=b'<html><body>Maintenance</body></html>'),
        Fault(LIST, body=b'<MediaContainer/>'),
        Fault(LIST, body=b'<MediaContainer size="0"/>'),
        Fault(LIST, body=HEAD % (0, 3) + b'</MediaContainer>'),
        Fault(LIST, body=HEAD % (3, 3) + b'</MediaContainer>'),
        Fault(LIST, body=HEAD % (1, 1) + b'<User id="1">'),
        Fault(LIST, body=b'<!DOCTYPE a [<!ENTITY b "c">]>' + HEAD % (0, 0) + b'</MediaContainer>'),
        Fault('/api/v2/resources', 503),
        Fault('/api/v2/resources', body=b'[]'),
        Fault('/api/v2/user', 500),
    ],
    ids=lambda fault: f'{fault.path}-{fault.status}-{(fault.body or b"")[:30]!r}',
)
async def test_what_plextv_does_not_say_signs_nobody_out(rig: Rig, fault: Fault):
    browsers = [
        await rig.signed_in(user) for user in (rig.network.tv.owner, rig.network.tv.friend)
    ]
    withdraw(rig.network, rig.network.tv.friend)
    rig.network.tv.faults.add(fault)

    assert await rig.auth.shares.look() == 0
    assert [await is_in(browser) for browser in browsers] == [True, True]


async def test_plextv_that_is_down_signs_nobody_out(rig: Rig):
    friend = await rig.signed_in(rig.network.tv.friend)
    withdraw(rig.network, rig.network.tv.friend)
    rig.network.down.add('plextv.test')

    assert await rig.auth.shares.look() == 0
    assert await is_in(friend)


async def test_one_list_that_misses_somebody_is_not_enough(rig: Rig):
    friend = await rig.signed_in(rig.network.tv.friend)
    empty = HEAD % (0, 0) + b'</MediaContainer>'
    rig.network.tv.faults.add(Fault(LIST, body=empty, times=1))

    assert await rig.auth.shares.look() == 0
    assert await is_in(friend)
    assert rig.network.count(LIST) == 2


async def test_list_without_anybody_is_one(rig: Rig):
    friend = await rig.signed_in(rig.network.tv.friend)
    for user in rig.network.tv.all_users:
        if user != rig.network.tv.owner:
            withdraw(rig.network, user)

    assert await rig.auth.shares.look() == 1
    assert not await is_in(friend)


async def test_token_of_a_guest_proves_nothing(make_rig: MakeRig, network: Network):
    token = token_of(network, network.tv.friend)
    rig = await make_rig(PLEX_TOKEN=token)
    other = network.tv.user('Other')
    network.tv.servers[0].tokens[other.id] = 'shared'
    browser = await rig.signed_in(other)
    withdraw(network, other)

    assert await rig.auth.shares.look() == 0
    assert await is_in(browser)


async def test_server_whose_owner_is_somebody_else_could_let_them_in(
    make_rig: MakeRig, network: Network, tmp_path: pathlib.Path
):
    token = token_of(network, network.tv.owner)
    file = tmp_path / 'hub.toml'
    file.write_text(ATTIC.format(url=OTHER, token=token))
    rig = await make_rig(file=file, PLEX_TOKEN=token)
    await rig.auth.machines.learn(OTHER, 'machine-of-the-attic')
    friend = await rig.signed_in(network.tv.friend)
    withdraw(network, network.tv.friend)

    assert await rig.auth.shares.look() == 0
    assert await is_in(friend)


async def test_owner_who_owns_the_server_no_more_is_signed_out(rig: Rig):
    browser = await rig.signed_in(rig.network.tv.owner)
    heir = rig.network.tv.user('Heir')
    server = rig.network.tv.servers[0]
    server.owner, server.tokens[heir.id] = heir, 'of-the-heir'
    token = token_of(rig.network, heir)
    (configured,) = rig.auth.plex_tokens.servers
    renewed = configured.model_copy(update={'token': type(configured.token)(token)})
    rig.auth.plex_tokens.renewed(renewed)

    assert await rig.auth.shares.look() == 1
    assert not await is_in(browser)


async def test_session_by_link_has_nothing_to_do_with_plextv(rig: Rig):
    by_link = Person('', 'whoever has the key', Role.ADMIN)
    opened = await rig.auth.sessions.open(by_link, Way.LINK, '192.0.2.7', 'Firefox')

    assert await rig.auth.shares.look() == 0
    assert rig.auth.sessions.find(opened.ticket)
    assert rig.network.count(LIST) == 0


async def test_it_looks_by_itself(rig: Rig, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shares, 'FIRST', 0.001)
    monkeypatch.setattr(shares, 'EVERY', 0.001)
    friend = await rig.signed_in(rig.network.tv.friend)
    running = asyncio.create_task(rig.auth.shares.run())
    withdraw(rig.network, rig.network.tv.friend)
    while await is_in(friend):
        await asyncio.sleep(0.005)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_no_log_holds_a_token(rig: Rig, caplog: pytest.LogCaptureFixture):
    caplog.set_level('DEBUG', 'mediahub')
    await rig.signed_in(rig.network.tv.friend)
    withdraw(rig.network, rig.network.tv.friend)
    await rig.auth.shares.look()

    (server,) = rig.auth.plex_tokens.servers
    assert server.token.get_secret_value() not in caplog.text
    assert 'nothing is shared with account' in caplog.text
