# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A hub whose doorkeeper is the real one, before a Plex and a plex.tv that are doubles."""

from __future__ import annotations

import contextlib
import pathlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from mediahub import settings
from mediahub.api.app import create_app
from mediahub.api.auth import installation
from mediahub.api.auth.people import Person, Role
from mediahub.api.auth.service import Auth
from mediahub.api.feed import Feed
from mediahub.api.hub import Hub
from mediahub.api.metrics import Metrics
from mediahub.api.picture_cache import PictureCache
from mediahub.api.servers import Servers
from mediahub.bus.local import LocalBus
from mediahub.bus.recorder import Recorder
from mediahub.engine import wire
from mediahub.store.database import Database
from mediahub.store.expiry import Expiry
from mediahub.store.letters import DeadLetters
from mediahub.store.outbox import Outbox
from mediahub.store.plays import Plays
from mediahub.store.stats import Stats
from mediahub.testing.clocks import HandClock
from mediahub.testing.faults import Faults
from mediahub.testing.http import Answer, Asked, InProcess
from mediahub.testing.plex_living import LivingPlex
from mediahub.testing.plextv import PlexTv, User

SERVER = 'http://plex.test:32400'
PLEXTV = 'http://plextv.test'
OTHER = 'http://other.test:32400'

BROWSER = {'Accept': 'text/html,application/xhtml+xml'}
PROGRAM = {'Accept': 'application/json'}


class Seconds:
    """Monotonic seconds that are turned by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def ada() -> Person:
    return Person('1001', 'ada', Role.ADMIN)


@pytest.fixture
def vera() -> Person:
    return Person('1002', 'vera', Role.VIEWER)


class Network:
    """All that the hub can reach, by host; a host that is down answers nothing."""

    def __init__(self, clock: HandClock):
        self.clock = clock
        self.plex = LivingPlex(clock)
        self.tv = PlexTv(clock).around(self.plex)
        self.down = set[str]()
        self.asked = list[tuple[str, Asked]]()

    def transport(self) -> httpx2.AsyncBaseTransport:
        """The way to it."""
        return _Wires(self)

    def answer(self, host: str, asked: Asked) -> Answer:
        """What a host answers."""
        self.asked.append((host, asked))
        if host == 'plextv.test':
            return _faulty(self.tv.faults, self.tv, asked)
        if host == 'plex.test':
            return _faulty(self.plex.faults, self.plex, asked)
        raise AssertionError(f'the hub asked {host}')

    def ask(self, method: str, path: str, headers: dict[str, str]) -> Answer:
        """What plex.tv answers somebody else."""
        return self.tv(Asked(method, path, (), {'accept': 'application/json', **headers}))

    def count(self, path: str) -> int:
        """How often a path was asked for."""
        return sum(asked.path == path for _, asked in self.asked)


def _faulty(faults: Faults, handler: Callable[[Asked], Answer], asked: Asked) -> Answer:
    fault = faults.take(asked)
    answer = fault.answer() if fault else None
    return answer or handler(asked)


class _Wires(httpx2.AsyncBaseTransport):
    def __init__(self, network: Network):
        self._network = network

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        host = request.url.host
        if host in self._network.down:
            raise httpx2.ConnectError('connection refused', request=request)
        inner = InProcess(lambda asked: self._network.answer(host, asked))
        return await inner.handle_async_request(request)


class Browser(httpx2.AsyncClient):
    """Somebody's browser: it keeps cookies, shows pages, and does as pages of ours do."""

    csrf = ''

    async def begin(self, return_to: str = '/') -> dict[str, Any]:
        """Ask to sign in; returns where to go."""
        answer = await self.get('/api/v1/auth/plex/start', params={'return_to': return_to})
        assert answer.status_code == 200, answer.text
        return answer.json()['data']

    async def come_back(self, state: str, headers: Any = PROGRAM) -> httpx2.Response:
        """Be sent back by Plex."""
        return await self.get(
            '/api/v1/auth/plex/callback', params={'state': state}, headers=headers
        )

    async def change(self, method: str, path: str, **more: Any) -> httpx2.Response:
        """Do what a page of ours does for a change."""
        me = await self.get('/api/v1/auth/session')
        token = me.json()['data']['csrf_token']
        return await self.request(method, path, headers={'X-CSRF-Token': token}, **more)


class Rig:
    """The hub, its network and its visitors."""

    def __init__(self, network: Network, auth: Auth, hub: Hub):
        self.network = network
        self.auth = auth
        self.hub = hub
        self.app = create_app(hub)
        self._open = contextlib.AsyncExitStack()

    @property
    def client_id(self) -> str:
        """The installation's identifier at plex.tv."""
        return installation.client_id(self.hub.settings)

    async def browser(
        self, base: str = 'http://127.0.0.1:8484', address: str = '192.0.2.7'
    ) -> Browser:
        """Open a browser."""
        transport = httpx2.ASGITransport(self.app, client=(address, 5000))
        made = Browser(transport=transport, base_url=base)
        return await self._open.enter_async_context(made)

    async def signed_in(self, user: User, base: str = 'http://127.0.0.1:8484') -> Browser:
        """Open a browser and sign a user in."""
        browser = await self.browser(base)
        begun = await browser.begin()
        self.confirm(begun, user)
        answer = await browser.come_back(begun['state'])
        assert answer.status_code == 200, answer.text
        return browser

    def confirm(self, begun: dict[str, Any], user: User) -> None:
        """Confirm at Plex."""
        assert self.network.tv.claim(code_in(begun), user)

    async def close(self) -> None:
        """Close all browsers."""
        await self._open.aclose()


def problem(answer: httpx2.Response) -> tuple[int, str]:
    """Status and code of a refusal."""
    return answer.status_code, answer.json()['error']['code']


def code_in(begun: dict[str, Any]) -> str:
    """The code that Plex's page is given."""
    fragment = urlsplit(str(begun['authorization_url'])).fragment.removeprefix('?')
    return parse_qs(fragment)['code'][0]


@pytest.fixture
def network(hand_clock: HandClock) -> Network:
    return Network(hand_clock)


MakeRig = Callable[..., Awaitable[Rig]]


@pytest.fixture
async def make_rig(
    network: Network, database: Database, tmp_path: pathlib.Path, seconds: Seconds
) -> AsyncGenerator[MakeRig]:
    rigs = list[Rig]()
    async with wire.pool(network.transport()) as pool:

        async def make(file: pathlib.Path | None = None, **environ: str) -> Rig:
            chosen = settings.load(
                {
                    'MEDIAHUB_HOME': str(tmp_path),
                    'PLEX_URL': SERVER,
                    'PLEX_TOKEN': network.plex.token,
                    'MEDIAHUB_PLEXTV_URL': PLEXTV,
                    'MEDIAHUB_PLEXTV_CLIENTS_URL': PLEXTV,
                    'MEDIAHUB_PLEXTV_APP_URL': PLEXTV,
                    **environ,
                },
                file,
            )
            policy = wire.Policy(timeout=5, attempts=2, wait=0, longest_wait=0.01)
            auth = Auth(
                chosen,
                database,
                pool,
                clock=network.clock,
                seconds=seconds,
                policy=policy,
                pauses=(0, 0),
            )
            await auth.load()
            rigs.append(Rig(network, auth, hub_of(chosen, database, auth, tmp_path)))
            return rigs[-1]

        yield make
        for rig in rigs:
            await rig.close()


def hub_of(chosen: settings.Settings, database: Database, auth: Auth, folder: pathlib.Path) -> Hub:
    """A hub with that doorkeeper."""

    async def ready() -> list[str]:
        return []

    metrics = Metrics()
    plays = Plays(database)
    recorder = Recorder(plays, database.run)
    return Hub(
        settings=chosen,
        database=database,
        plays=plays,
        stats=Stats(database),
        servers=Servers(),
        bus=LocalBus(Outbox(database), recorder, DeadLetters(database), database.run),
        auth=auth,
        admit_webhook=auth.admit_webhook,
        metrics=metrics,
        feed=Feed(metrics.cut_off.inc),
        ready=ready,
        pictures=PictureCache(folder / 'pictures'),
        expiry=Expiry(database, plays, 0, folder / 'backups'),
    )


@pytest.fixture
async def rig(make_rig: MakeRig) -> Rig:
    return await make_rig()
