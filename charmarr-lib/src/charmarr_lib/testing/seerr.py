# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A double of Seerr and its forerunners, held to answers that were recorded from the real ones.

It does what makes life hard for a charm: it refuses the right API key until somebody has signed
in, keeps the host of a Plex that it could not reach, loses every edit of its settings file while
it runs, and crashes on several settings files. ``tests/unit/test_testing_seerr.py`` replays the
recordings against it.
"""

from __future__ import annotations

import enum
import json
import posixpath
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import httpx2

from ._seerr_answers import Json, refusal
from ._seerr_api import Api
from ._seerr_libraries import Libraries
from ._seerr_state import State
from ._seerr_store import Database, Settings
from .workload import CannotStart, Launch, Ran

__all__ = ['Mood', 'PlexTvDouble', 'SeerrDouble']


class Mood(enum.Enum):
    """How it answers."""

    WELL = enum.auto()
    BROKEN = enum.auto()  # 500 to everything
    HANGING = enum.auto()  # no answer at all
    GARBLED = enum.auto()  # 200 and a page for people


class SeerrDouble:
    """Seerr, Jellyseerr or Overseerr.

    It reaches media servers and plex.tv through :func:`charmarr_lib.http.client`, so they answer
    as the test's or the rehearsal's network lets them.

    Args:
        flavour: ``seerr``, ``jellyseerr`` or ``overseerr``.
        version: The release that its package.json names; ``0.1.0`` for an unreleased one.
        linuxserver: Whether the image is LinuxServer's, which has the program elsewhere.
        one_by_one: Whether libraries are switched one by one, as in Seerr's sources after 3.4;
            before, one GET switched all of them.
        slow_start: How many requests it refuses before it listens.

    Attributes:
        mood: How it answers.
        heard: Requests it was sent: method, path with query, status (0 for none).
        github_drops: Whether packets to GitHub vanish, so that ``/status`` never answers.
        crashes: What it printed when it could not start, oldest first.
        launched: How it was started last.
    """

    port = 5055

    def __init__(
        self,
        flavour: str = 'seerr',
        version: str = '3.4.1',
        *,
        linuxserver: bool = False,
        one_by_one: bool = False,
        slow_start: int = 0,
    ) -> None:
        self.flavour = flavour
        self.version = version
        self.slow_start = slow_start
        self.mood = Mood.WELL
        self.heard: list[tuple[str, str, int]] = []
        self.github_drops = False
        self.crashes: list[str] = []
        self.running = False
        self.launched: Launch | None = None
        self._place = '/app/overseerr' if linuxserver else '/app'
        self._one_by_one = one_by_one
        self._starting = 0
        self._state: State | None = None
        self._api: Api | None = None

    # charmarr_lib.testing.workload.Workload

    def image_files(self) -> Mapping[str, str]:
        """Return the files its image brings."""
        package = {'name': self.flavour, 'version': self.version}
        return {
            f'{self._place}/package.json': json.dumps(package),
            f'{self._place}/committag.json': json.dumps({'commitTag': 'local'}),
            f'{self._place}/dist/index.js': '',
        }

    def start(self, launch: Launch) -> None:
        """Start the program.

        Raises:
            CannotStart: if it would exit straight away.
        """
        try:
            self._start(launch)
        except CannotStart as error:
            self.crashes.append(str(error))
            raise

    def _start(self, launch: Launch) -> None:
        if shlex.split(launch.command) != ['node', 'dist/index.js']:
            raise CannotStart(f'{launch.command}: not found')
        if launch.working_dir != self._place:
            script = posixpath.join(launch.working_dir, 'dist/index.js')
            raise CannotStart(f"Error: Cannot find module '{script}'")
        path = launch.environment.get('CONFIG_DIRECTORY', f'{self._place}/config')
        _check_access(launch, path, overseerr=self._is_overseerr)
        folder = launch.root / path.lstrip('/')
        (folder / 'logs').mkdir(exist_ok=True)
        database, settings = Database(folder), Settings(folder, overseerr=self._is_overseerr)
        database.open()
        try:
            settings.load(database, launch.environment.get('API_KEY', ''))
            database.create()
        except CannotStart:
            database.close()
            raise
        self._state = State(settings, database, launch, self._is_overseerr, self.version)
        self._api = Api(self._state, Libraries(self._state, one_by_one=self._one_by_one))
        self.launched = launch
        self._starting = self.slow_start
        self.running = True

    def stop(self) -> None:
        """Stop as SIGTERM does: at once. Nothing is folded and nothing is saved."""
        if self.running:
            self.state.database.close()
        self.running = False

    def tick(self) -> None:
        """Let ten seconds pass."""
        self._starting = 0

    def execute(self, command: Sequence[str]) -> Ran | None:
        """Run a command of the image; a charm needs none but core utilities."""
        return None

    def handle(self, request: httpx2.Request, peer: str) -> httpx2.Response:
        """Answer a request that came from the address ``peer``."""
        if not self.running or self._starting:
            self._starting = max(0, self._starting - 1)
            raise httpx2.ConnectError('[Errno 111] Connection refused', request=request)
        target = request.url.raw_path.decode()
        try:
            response = self._moody(request) or self._answer(request)
        except httpx2.TimeoutException:
            self.heard.append((request.method, target, 0))
            raise
        self.heard.append((request.method, target, response.status_code))
        return response

    def _moody(self, request: httpx2.Request) -> httpx2.Response | None:
        if self.mood is Mood.HANGING:
            raise httpx2.ReadTimeout('The read operation timed out', request=request)
        if self.mood is Mood.BROKEN:
            return refusal(500, message='Internal Server Error')
        if self.mood is Mood.GARBLED:
            return httpx2.Response(200, text='<!DOCTYPE html><html></html>')
        return None

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        assert self._api is not None  # noqa: S101  # it runs
        self._api.github_drops = self.github_drops
        return self._api.answer(request)

    # For tests to arrange and look.

    @property
    def state(self) -> State:
        """What the program has in memory, or had when it was stopped."""
        if self._state is None:
            raise AssertionError('it was never started')
        return self._state

    @property
    def settings(self) -> Json:
        """The settings in memory; to change them is what a user of the web interface does."""
        return self.state.settings

    def save(self) -> None:
        """Write the settings, as the next change of anything does."""
        self.state.store.save()

    def add_administrator(self, plex_token: str | None = None) -> None:
        """Make user 1, as the first sign-in with Plex does, and nothing else."""
        self.state.add_administrator(
            email='admin@example.com',
            plexUsername='admin',
            plexId=42,
            plexToken=plex_token,
            userType=1,
        )

    @property
    def _is_overseerr(self) -> bool:
        return self.flavour == 'overseerr'


def _check_access(launch: Launch, path: str, *, overseerr: bool) -> None:
    """Exit where the program's user may not do what it does first.

    Raises:
        CannotStart: if it would.
    """
    user = launch.user_id or 0
    file = posixpath.join(path, 'settings.json')
    place = launch.root / file.lstrip('/')
    if not user:
        return
    if launch.owner(path)[0] != user:
        raise CannotStart(f"EACCES: permission denied, mkdir '{path}/logs/'")
    if not place.exists() or launch.owner(file)[0] == user:
        return
    # Seerr renames a new file over the old one, Overseerr writes into it.
    if overseerr or not place.stat().st_mode & 0o004:
        raise CannotStart(f"EACCES: permission denied, open '{file}'")


class PlexTvDouble:
    """plex.tv, as far as it tells Seerr whose token it has.

    Args:
        accounts: Names of accounts by token.
    """

    def __init__(self, accounts: Mapping[str, str]) -> None:
        self.accounts = dict(accounts)

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """Answer a request to plex.tv."""
        token = request.headers.get('X-Plex-Token', '')
        if request.url.path != '/users/account.json':
            return httpx2.Response(404)
        if token not in self.accounts:
            return httpx2.Response(401)
        name = self.accounts[token]
        user: dict[str, Any] = {'id': 42, 'username': name, 'email': f'{name}@example.com'}
        return httpx2.Response(200, json={'user': {**user, 'authToken': token}})
