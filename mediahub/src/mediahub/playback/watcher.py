# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Follows what is played on one Plex server, for ever.

The bell asks for a snapshot, the tracker compares it with what is followed, and the difference is
committed in one transaction together with the events that tell of it. A snapshot that failed is
none: it neither ends nor begins a play. What cannot be committed waits in memory.

Everything is kept under the server's machine identifier. If another server answers at the URL, the
plays of the first end, and the second gets its own.
"""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import datetime
import logging
import time
from collections.abc import Awaitable, Callable

import msgspec

from ..engine import errors
from ..store.database import Database, StoreError
from ..store.watched import Watched
from ..store.waypoints import Waypoints
from . import frames, tracker
from .backlog import Backlog
from .bell import Bell
from .listener import Listener, Pace
from .plex_api import PlexApi
from .timing import RULES, Rules

_logger = logging.getLogger(__name__)

# What changes a server behind a proxy unnoticed is noticed after so many seconds.
_IDENTIFY_EVERY = 300.0

# An answer that took longer shows the server as it was this long before it came, and not when it
# was asked: a request that waited, in a queue or for a network that came back, was answered at the
# end of its wait. Plays that began meanwhile are in it.
_PROMPT = datetime.timedelta(seconds=1)

# Hints that wait for a good snapshot.
_HINTS = 4096


@dataclasses.dataclass(frozen=True, slots=True)
class Intervals:
    """How often a server is asked without a ring; seconds.

    Attributes:
        playing: While something plays.
        idle: While nothing does and the server would tell.
        deaf: While nothing does and the server cannot tell.
        refused: While it refuses the token.
    """

    playing: float = 10.0
    idle: float = 60.0
    deaf: float = 30.0
    refused: float = 60.0


class WatchState(msgspec.Struct, frozen=True, kw_only=True):
    """How it stands with a server.

    Attributes:
        name: In the configuration.
        machine_id: Empty as long as the server has never answered.
        connected: Whether the last snapshot was a good one.
        realtime: Whether the server tells of changes by itself.
        way: The path by which it does.
        snapshot_at: When the last good snapshot was taken.
        streams: Plays that go on.
        token_dead: Whether the server refuses the token; nothing is recorded then.
        replaced: Machine identifier of the server that was at this URL before.
        unsaved: Events that could not be committed yet.
        failures: Snapshots in a row that failed.
        problem: What is wrong and what to do about it, in one line; empty if nothing is.
    """

    name: str
    machine_id: str = ''
    version: str = ''
    connected: bool = False
    realtime: bool = False
    way: str = ''
    snapshot_at: datetime.datetime | None = None
    streams: int = 0
    token_dead: bool = False
    replaced: str = ''
    unsaved: int = 0
    failures: int = 0
    problem: str = ''


async def _nothing_new(refused: str) -> bool:
    return False


class Watcher:
    """Follows one server.

    Args:
        api: Asks it.
        watched: Keeps what is followed, and the events.
        database: Runs the store's calls.
        wake: Called when there are events for the bus.
        realtime: Whether to listen to notifications; without, the timer alone asks.
        notice: Takes notifications that are not about sessions, such as scans.
        clock: The time, aware and in UTC.
        rules: When what counts as what.
        intervals: How often the server is asked.
        pace: How the listener behaves.
        apart: Seconds between two snapshots.
        claims: Which watcher follows which server; shared by all watchers of a hub.
        told: Told of every change of :attr:`state` that somebody should see.
        renew: Takes a token that the server has refused; whether there is another one, which the
            server is shown from then on.

    Attributes:
        bell: Ring it for a snapshot.
        listener: Rings it when the server tells of a change.
    """

    def __init__(
        self,
        api: PlexApi,
        watched: Watched,
        database: Database,
        *,
        wake: Callable[[], object] = lambda: None,
        realtime: bool = True,
        notice: Callable[[frames.Frame], None] = lambda frame: None,
        clock: Callable[[], datetime.datetime] = lambda: datetime.datetime.now(datetime.UTC),
        rules: Rules = RULES,
        intervals: Intervals | None = None,
        pace: Pace | None = None,
        apart: float = 0.5,
        claims: dict[str, str] | None = None,
        told: Callable[[WatchState], None] = lambda state: None,
        renew: Callable[[str], Awaitable[bool]] = _nothing_new,
    ):
        self.bell = Bell(apart)
        self.listener = Listener(
            api.address, api.client, self.bell, self._hint, notice, clock=clock, pace=pace
        )
        self._api = api
        self._watched = watched
        self._database = database
        self._waypoints = Waypoints(database)
        self._wake = wake
        self._realtime = realtime
        self._clock = clock
        self._rules = rules
        self._intervals = intervals or Intervals()
        self._claims = {} if claims is None else claims
        self._told = told
        self._renew = renew
        self._state = WatchState(name=api.address.name)
        self._followed: dict[str, tracker.State] = {}
        self._hints: collections.deque[tracker.Hint] = collections.deque(maxlen=_HINTS)
        self._backlog = Backlog()
        self._identified_at: float | None = None
        self._answered: float | None = None
        self._unsaved = ''

    @property
    def api(self) -> PlexApi:
        """What it asks the server by."""
        return self._api

    @property
    def machines(self) -> frozenset[str]:
        """Machine identifiers of the servers whose plays are in its hands."""
        return frozenset(self._followed)

    @property
    def machine_id(self) -> str:
        """Of the server; empty as long as it has never answered. Costs less than the state."""
        return self._state.machine_id

    @property
    def state(self) -> WatchState:
        """How it stands with the server just now."""
        followed = self._followed.get(self._state.machine_id, {})
        return msgspec.structs.replace(
            self._state,
            realtime=self.listener.connected,
            way=self.listener.way if self.listener.connected else '',
            streams=tracker.going_on(followed),
            unsaved=self._backlog.size,
            problem='; '.join(filter(None, (self._state.problem, self._unsaved))),
        )

    async def run(self) -> None:
        """Follow it until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.bell.answer(self.snapshot, self._interval))
            if self._realtime:
                tasks.create_task(self.listener.run())

    def _interval(self) -> float:
        if self._state.token_dead:
            return self._intervals.refused
        if any(map(tracker.going_on, self._followed.values())) or self._backlog:
            return self._intervals.playing
        return self._intervals.idle if self.listener.connected else self._intervals.deaf

    # One snapshot

    async def snapshot(self, reasons: frozenset[str] = frozenset()) -> float:
        """Ask the server once and commit what has changed. Raises nothing but cancellation.

        Args:
            reasons: Why it is asked.

        Returns:
            Seconds until the server had answered, or had not.
        """
        began, shown = time.monotonic(), self._api.address.token
        self._answered = None
        try:
            await self._snapshot(reasons)
        except errors.MediaServerError as error:
            if isinstance(error, errors.CredentialsRefused) and await self._renew(shown):
                self.bell.ring('token')  # a token is dead when there is no better one
            else:
                self._failed(error)
            await self._pass_time()
        except StoreError as error:
            self._failed(error)
        except Exception:  # a mistake of ours must not end the watch for ever
            _logger.exception('%s: the snapshot failed', self._state.name)
            self._change(problem='an internal error; see the log')
        return (self._answered or time.monotonic()) - began

    async def _snapshot(self, reasons: frozenset[str]) -> None:
        if 'connected' in reasons or 'disconnected' in reasons:
            self._identified_at = None
        await self._recall()
        await self._identify()
        asked, hints = self._clock(), tuple(self._hints)
        sightings = await self._api.sessions()
        self._answered = time.monotonic()
        now = max(asked, self._clock() - _PROMPT)
        for _ in hints[: len(self._hints)]:  # later ones have come meanwhile, behind these
            self._hints.popleft()
        machine = self._state.machine_id
        step = tracker.observe(
            machine, self._followed[machine], sightings, now, hints, self._rules
        )
        self._well(now)
        self._take(machine, step)
        await self._pass_time(but=machine)

    async def _recall(self) -> None:
        """At first: what was followed when the hub last ran, though the server may be away."""
        if self._state.machine_id:
            return
        name = f'machine {self._state.name}'
        machine = await self._database.run(lambda: self._waypoints.get(name))
        if machine:
            await self._follow(machine)

    async def _identify(self) -> None:
        """Find out which server answers, unless that was proven a moment ago."""
        proven = self._identified_at
        if proven is not None and time.monotonic() - proven < _IDENTIFY_EVERY:
            return
        found = await self._api.identity()
        known, machine = self._state.machine_id, found.machine_id
        self._api.forget()
        self._claim(machine)
        if machine != known:
            await self._follow(machine)
            name = f'machine {self._state.name}'
            await self._database.run(lambda: self._waypoints.put(name, machine))
        if known and known != machine:
            _logger.warning(
                '%s: another server answers: it was %s and is now %s; their plays are kept apart',
                self._state.name, known, machine,
            )  # fmt: skip
            self._change(replaced=known)
        self._change(version=found.version)
        self._identified_at = time.monotonic()

    def _claim(self, machine: str) -> None:
        """Make sure that nobody else follows this server, which would double its plays.

        Raises:
            Incompatible: Somebody does.
        """
        name = self._state.name
        for other in [key for key, owner in self._claims.items() if owner == name]:
            if other != machine:
                del self._claims[other]
        owner = self._claims.setdefault(machine, name)
        if owner != name:
            detail = f'this is the same server as {owner!r}; take one of them out of the settings'
            raise errors.Incompatible(name, detail)

    async def _follow(self, machine: str) -> None:
        if machine not in self._followed:
            kept = await self._database.run(lambda: self._watched.load(machine))
            self._followed[machine] = tracker.restore(kept)
        self._change(machine_id=machine)

    async def _pass_time(self, but: str = '') -> None:
        """Let plays end that were not seen for too long; commit that and whatever waits."""
        now, name = self._clock(), self._state.name
        for machine, followed in list(self._followed.items()):
            if machine != but and self._claims.get(machine, name) == name:
                self._take(machine, tracker.silence(machine, followed, now, self._rules))
        await self._commit()

    def _take(self, machine: str, step: tracker.Step) -> None:
        self._followed[machine] = step.state
        self._backlog.add(step)

    async def _commit(self) -> None:
        """Commit what waits; what cannot be committed waits on."""
        if not self._backlog:
            return
        changed, ended, events = self._backlog.content()
        try:
            await self._database.run(lambda: self._watched.commit(changed, ended, events))
        except StoreError as error:
            if not self._unsaved:
                _logger.error('%s: %s', self._state.name, error)
            self._unsaved = (
                f'{error}; what is played waits in memory, and is lost if the hub stops now'
            )
            return
        self._unsaved = ''
        self._backlog.clear()
        if events:
            self._wake()

    # What is known of it

    def _hint(self, hint: tracker.Hint) -> None:
        self._hints.append(hint)

    def _change(self, **fields: object) -> None:
        before, self._state = self._state, msgspec.structs.replace(self._state, **fields)
        if _outline(before) != _outline(self._state):
            self._told(self.state)

    def _well(self, now: datetime.datetime) -> None:
        if not self._state.connected:
            _logger.info('%s: watching %s', self._state.name, self._state.machine_id)
        self._change(connected=True, snapshot_at=now, token_dead=False, failures=0, problem='')

    def _failed(self, error: errors.MediaHubError) -> None:
        """Note what is wrong, and log it once."""
        before = self._state
        self._identified_at = None
        dead = isinstance(error, errors.CredentialsRefused)
        problem = _advice(error)
        if not before.problem or before.token_dead != dead:
            level = logging.ERROR if dead else logging.WARNING
            _logger.log(level, '%s: %s', before.name, problem)
        self._change(
            connected=False, token_dead=dead, failures=before.failures + 1, problem=problem
        )


def _outline(state: WatchState) -> tuple[object, ...]:
    """What somebody should see of a state."""
    return (state.machine_id, state.connected, state.token_dead, state.replaced, state.problem)


def _advice(error: errors.MediaHubError) -> str:
    """What is wrong and what to do, in one line."""
    if not isinstance(error, errors.MediaServerError):
        return str(error)
    if isinstance(error, errors.CredentialsRefused):
        return (
            'the server refuses the token, so nothing is recorded; give the hub a new one '
            f'({error.detail})'
        )
    if isinstance(error, errors.Forbidden):
        return f"the token may not list sessions; use that of the server's owner ({error.detail})"
    if isinstance(error, errors.Incompatible):
        return error.detail
    if isinstance(error, errors.Unreachable):
        return f'the server cannot be reached; it is tried again ({error.detail})'
    return f'the server gave no usable answer; it is tried again ({error.detail})'
