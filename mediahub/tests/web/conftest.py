# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The page in a real browser, in front of a real hub that watches a living Plex."""

from __future__ import annotations

import contextlib
import os
import pathlib
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from typing import Any, Final

import httpx2
import pytest

from mediahub.serve import control
from mediahub.testing import browser, clocks
from mediahub.testing.faults import Faults
from mediahub.testing.jellyfin import JellyfinDouble
from mediahub.testing.plex_living import LivingPlex
from mediahub.testing.plextv import PlexTv
from mediahub.testing.serving import Serving

# Seconds that a busy machine may take; a test that passes waits for none of them.
PATIENCE: Final = 120.0


def until(holds: Callable[[], Any], what: str) -> Any:
    """Wait until something is the case, and return what it was found to be."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = holds()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f'waited in vain: {what}')


class Hub:
    """``mediahub serve`` in a process of its own.

    Attributes:
        url: Where it listens; the same after :meth:`start` again.
    """

    def __init__(self, home: pathlib.Path, plex: LivingPlex, tv: PlexTv):
        self.home = home
        self.url = ''
        self._port = '0'
        self._process: subprocess.Popen[bytes] | None = None
        self._settings = {
            'ENABLE_PLEX_SYNC': 'true',
            'PLEX_URL': plex.url,
            'PLEX_TOKEN': plex.token,
            'PLEX_SYNC_INTERVAL': '10s',
            'MEDIAHUB_HOME': str(home),
            'MEDIAHUB_PLEXTV_URL': tv.url,
            'MEDIAHUB_PLEXTV_CLIENTS_URL': tv.url,
            'MEDIAHUB_PLEXTV_APP_URL': tv.url,
        }

    @property
    def environment(self) -> dict[str, str]:
        ours = ('PLEX_', 'MEDIAHUB_', 'NATS_', 'ENABLE_PLEX', 'TAUTULLI_')
        others = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
        return {**others, **self._settings, 'MEDIAHUB_PORT': self._port}

    def start(self) -> None:
        log = open(self.home.parent / 'hub.log', 'ab')  # noqa: SIM115 - the process keeps it
        with log:
            self._process = subprocess.Popen(
                [sys.executable, '-P', '-m', 'mediahub.cli', 'serve'],
                env=self.environment,
                stdout=log,
                stderr=log,
            )
        running = until(self._running, 'the hub listens')
        self.url = running.url
        self._port = self.url.rpartition(':')[2]

    def _running(self) -> control.Control | None:
        assert self._process is not None
        log = self.home.parent / 'hub.log'
        assert self._process.poll() is None, log.read_text('utf-8', 'replace')[-2000:]
        found = control.read(self.home)
        return found if found is not None and found.pid == self._process.pid else None

    def kill(self) -> None:
        """Let it die as a machine does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def sign_in_link(self) -> str:
        done = subprocess.run(
            [sys.executable, '-P', '-m', 'mediahub.cli', 'sign-in'],
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return next(word for word in done.stdout.split() if word.startswith('http'))


class House:
    """A Plex, its plex.tv, the hub before it, and the people.

    Attributes:
        clock: The servers' time.
    """

    def __init__(self, folder: pathlib.Path) -> None:
        self.clock = clocks.real
        self.plex = LivingPlex(self.clock).stocked()
        self.anna = self.plex.person('Anna')
        self.television = self.plex.device('Living room')
        self.tv = PlexTv(self.clock).around(self.plex)
        self.jellyfin = JellyfinDouble()
        self.home = folder / 'home'
        self.cookies: list[Any] = []

    @contextlib.contextmanager
    def open(self) -> Generator[House]:
        with (
            self.plex.served(strict=False),
            self.tv.served() as serving,
            Serving.of(self.jellyfin, Faults()) as cellar,
        ):
            self.tv.url = serving.url
            self._also(cellar.url)
            self.hub = Hub(self.home, self.plex, self.tv)
            self.hub.start()
            try:
                yield self
            finally:
                self.hub.kill()

    def _also(self, url: str) -> None:
        """Tell the hub of a server of another kind, which its file alone can."""
        self.home.mkdir()
        token = self.jellyfin.api_key
        lines = ['[[servers]]', 'name = "cellar"', 'type = "jellyfin"']
        lines += [f'url = "{url}"', f'token = "{token}"']
        (self.home / 'mediahub.toml').write_text('\n'.join(lines))

    def play(self, title: str) -> Any:
        """Let Anna watch something."""
        item = next(each for each in self.plex.shelves.rows.values() if each.title == title)
        return self.plex.play(self.anna, self.television, item.id)

    # What the hub knows.

    def _ask(self, path: str) -> Any:
        running = control.read(self.home)
        assert running is not None
        headers = {'Authorization': f'Bearer {running.token}'}
        answer = httpx2.get(f'{running.url}/api/v1/{path}', headers=headers, trust_env=False)
        return answer.raise_for_status().json()['data']

    def live(self, title: str) -> bool:
        """Whether the hub shows that somebody watches something."""
        return any(each['item']['title'] == title for each in self._ask('live')['plays'])

    def finished(self, title: str) -> bool:
        """Whether the hub has written down that somebody watched something."""
        return any(each['item']['title'] == title for each in self._ask('history')['plays'])


@pytest.fixture(name='until')
def until_fixture() -> Callable[[Callable[[], Any], str], Any]:
    return until


@pytest.fixture(scope='module')
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with House(tmp_path_factory.mktemp('house')).open() as opened:
        yield opened


@pytest.fixture(scope='module')
def chrome() -> Iterator[Any]:
    program = browser.chromium()
    if program is None:
        pytest.skip(browser.MISSING)
    with browser.opened(program) as opened:
        yield opened


@pytest.fixture
def visitor(house: House, chrome: Any) -> Iterator[Any]:
    """A page of somebody who has not signed in. What it asks for elsewhere is an error."""
    with browser.visit(chrome) as page:
        yield page


@pytest.fixture
def page(house: House, visitor: Any) -> Any:
    """The page of an administrator who has signed in, once for all tests: links are limited."""
    if house.cookies:
        visitor.context.add_cookies(house.cookies)
        visitor.goto(house.hub.url)
        visitor.get_by_role('heading', name='Now playing').wait_for()
    else:
        browser.sign_in(visitor, house.hub.sign_in_link())
    house.cookies = visitor.context.cookies()
    return visitor
