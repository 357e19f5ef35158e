# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Whether Plex still takes the servers' tokens."""

import asyncio
import datetime
import logging
from collections.abc import AsyncGenerator

import pydantic
import pytest

from mediahub import settings
from mediahub.api.auth import liveness
from mediahub.api.auth.liveness import Health, TokenState, TokenWatch
from mediahub.api.auth.plextv import PlexTv
from mediahub.engine import wire
from mediahub.settings import PlexServer
from mediahub.testing.faults import Fault

from .conftest import PLEXTV, SERVER, Network

pytestmark = pytest.mark.anyio


@pytest.fixture
async def watch(network: Network) -> AsyncGenerator[TokenWatch]:
    token = network.tv.tokens.issue(network.tv.owner.id, 'the-server')
    chosen = settings.load(
        {
            'PLEX_URL': SERVER,
            'PLEX_TOKEN': token,
            'MEDIAHUB_PLEXTV_URL': PLEXTV,
            'MEDIAHUB_PLEXTV_CLIENTS_URL': PLEXTV,
        }
    )
    policy = wire.Policy(timeout=5, attempts=2, wait=0, longest_wait=0.01)
    async with wire.pool(network.transport()) as pool:
        plex = PlexTv(chosen, 'hub', pool, policy)
        yield TokenWatch(chosen.servers, plex, network.clock)


def state(watch: TokenWatch) -> TokenState:
    (found,) = watch.states()
    return found


def kill(network: Network) -> None:
    network.tv.tokens.end_all(network.tv.owner.id)


async def test_nothing_is_known_at_first(watch: TokenWatch, network: Network):
    assert state(watch) == TokenState('plex', Health.UNKNOWN, network.clock.now)


async def test_plextv_knows_a_living_token(watch: TokenWatch):
    await watch.ping()
    assert state(watch).health is Health.ALIVE
    assert state(watch).advice == ''


async def test_pinging_keeps_a_token_alive(watch: TokenWatch, network: Network):
    for _ in range(40):
        network.clock.go(5 * 86400)
        await watch.ping()
    assert state(watch).health is Health.ALIVE
    network.clock.go(70 * 86400)
    await watch.ping()
    assert state(watch).health is Health.DEAD


async def test_dead_token_is_loud_once_and_says_what_to_do(
    watch: TokenWatch, network: Network, caplog: pytest.LogCaptureFixture
):
    heard = list[TokenState]()
    watch.subscribe(heard.append)
    kill(network)
    died = network.clock.now

    for _ in range(3):
        await watch.ping()
        network.clock.go(86400)

    advice = 'Plex refuses the token of plex; put a new one into PLEX_TOKEN and restart the hub'
    assert heard == [TokenState('plex', Health.DEAD, died, advice)]
    assert watch.dead() == heard
    errors = [entry for entry in caplog.records if entry.levelno == logging.ERROR]
    assert [entry.getMessage() for entry in errors] == [advice]


async def test_what_plextv_does_not_say_changes_nothing(watch: TokenWatch, network: Network):
    await watch.ping()
    for status in (403, 404, 429, 500, 503):
        fault = network.tv.faults.add(Fault('/api/v2/ping', status))
        await watch.ping()
        network.tv.faults.remove(fault)
    network.down.add('plextv.test')
    await watch.ping()
    assert state(watch).health is Health.ALIVE


async def test_server_that_takes_the_token_counts_more_than_plextv(
    watch: TokenWatch, network: Network
):
    """A server that asks for no token takes any."""
    kill(network)
    await watch.ping()
    assert state(watch).health is Health.DEAD
    watch.accepted('plex')
    assert state(watch).health is Health.ALIVE
    assert 'plex.tv does not know' in state(watch).advice


async def test_server_that_refuses_the_token_counts_more_than_plextv(watch: TokenWatch):
    await watch.ping()
    watch.refused('plex')
    assert state(watch).health is Health.DEAD


async def test_token_that_lives_again_is_told(watch: TokenWatch, network: Network):
    heard = list[TokenState]()
    watch.refused('plex')
    watch.subscribe(heard.append)
    network.clock.go(60)
    watch.accepted('plex')
    assert heard == [TokenState('plex', Health.ALIVE, network.clock.now)]


async def test_since_is_when_it_began(watch: TokenWatch, network: Network):
    watch.refused('plex')
    died = network.clock.now
    for _ in range(3):
        network.clock.go(3600)
        watch.refused('plex')
    assert state(watch).since == died


async def test_server_that_is_none_of_ours_is_not_watched(watch: TokenWatch):
    watch.refused('attic')
    assert state(watch).health is Health.UNKNOWN


async def test_token_shows_nowhere(
    watch: TokenWatch, network: Network, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    kill(network)
    await watch.ping()
    network.down.add('plextv.test')
    await watch.ping()
    (token,) = {asked.headers['x-plex-token'] for _, asked in network.asked}
    assert token not in caplog.text + repr(watch.states()) + repr(vars(watch))


async def test_plextv_is_asked_by_itself(
    watch: TokenWatch, network: Network, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(liveness, 'FIRST', 0.001)
    monkeypatch.setattr(liveness, 'DAY', 0.001)
    running = asyncio.create_task(watch.run())
    while network.count('/api/v2/ping') < 3:
        await asyncio.sleep(0.005)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


@pytest.mark.parametrize(
    ('origin', 'advised'),
    [
        ('PLEX_TOKEN', 'into PLEX_TOKEN and restart the hub'),
        ('the file of PLEX_TOKEN_FILE', 'PLEX_TOKEN_FILE; it is read again by itself'),
        ("the token of [[servers]] 'attic'", "[[servers]] 'attic'; it is read again by itself"),
    ],
)
def test_advice_says_where_a_new_token_belongs(origin: str, advised: str):
    token = pydantic.SecretStr('a-token')
    server = PlexServer(name='attic', url='http://h', token=token, token_from=origin)

    assert liveness.advice(server).endswith(advised)


async def test_renewed_token_is_what_plextv_is_asked_about(watch: TokenWatch, network: Network):
    kill(network)
    await watch.ping()
    token = pydantic.SecretStr(network.tv.tokens.issue(network.tv.owner.id, 'another'))
    watch.renewed(PlexServer(name='plex', url=SERVER, token=token))

    assert state(watch).health is Health.DEAD
    await watch.ping()
    assert state(watch).health is Health.ALIVE
    assert state(watch).advice == ''


def test_hub_that_starts_again_and_again_leaves_plextv_alone():
    assert datetime.timedelta(seconds=liveness.FIRST) >= datetime.timedelta(minutes=1)
