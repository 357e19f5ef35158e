# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A storm: hundreds of streams while server, network, broker and hubs fail, and then a count.

A living Plex plays in this process; hubs run in processes of their own, as does the broker.
Streams start, pause, go on and stop at times that a seed decides. Meanwhile the server restarts,
the network is cut, the broker is stopped or killed, and hubs are killed. At the end what the hubs'
databases hold is compared with what really happened.

What nobody could see counts for nobody: a play lasts longer than any darkness in the plan.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime
import heapq
import itertools
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

import httpx2

from ..plays import Play
from ..store import playrows
from ..store.database import Database
from ..store.plays import Plays
from . import clocks, plex_delivery
from .broker import NatsServer
from .plex_living import LivingPlex
from .plex_people import TruePlay
from .plex_quirks import Quirks
from .plex_sessions import Session
from .serving import Serving

# Seconds between the server's signs of progress.
TICK = 10.0

# What is not zero while a hub still has something to write down.
_ON_THE_WAY = ('mediahub_sessions', 'mediahub_outbox_events', 'mediahub_bus_behind_events')

# Seconds that hubs get at the end to find out that everything has stopped, and to write it down.
AFTERMATH = 120.0


@dataclasses.dataclass(frozen=True)
class Plan:
    """A storm.

    Attributes:
        streams: Players; most of them play once, some twice.
        seconds: From the first start to the last stop.
        seed: Decides everything that is random.
        shortest: The shortest play, in seconds.
        darkness: The longest time for which anything is away, in seconds.
        server_restarts, cuts, broker_restarts, hub_kills: How often what happens.
    """

    streams: int = 500
    seconds: float = 240.0
    seed: int = 8
    shortest: float = 45.0
    darkness: float = 8.0
    server_restarts: int = 3
    cuts: int = 3
    broker_restarts: int = 3
    hub_kills: int = 4


@dataclasses.dataclass(frozen=True)
class Identity:
    """What makes a play the same in the truth and in a database."""

    account: str
    player: str
    item: str


@dataclasses.dataclass(frozen=True)
class Count:
    """What a database holds, against the truth.

    Attributes:
        expected: Plays that took place.
        lost: Those that are missing, with the time of day at which they took place.
        doubled: Those that are there too often, or never were.
        unfinished: Those that are said to go on.
        started: Seconds by which each start is off; ``stopped`` and ``played`` likewise.
    """

    expected: int
    lost: Sequence[tuple[Identity, str]]
    doubled: Sequence[Identity]
    unfinished: int
    started: Sequence[float]
    stopped: Sequence[float]
    played: Sequence[float]

    def off(self, name: str, share: float = 1.0) -> float:
        """Seconds that no more than this share of the times is off: 0.5 for half of them."""
        values = sorted(getattr(self, name)) or [0.0]
        return values[min(len(values) - 1, int(len(values) * share))]

    def __str__(self) -> str:
        parts = [
            f'{self.expected} plays, {len(self.lost)} lost, {len(self.doubled)} doubled, '
            f'{self.unfinished} unfinished; seconds off (p50, p99, most):'
        ]
        for name in ('started', 'stopped', 'played'):
            shares = ', '.join(f'{self.off(name, share):.1f}' for share in (0.5, 0.99, 1))
            parts.append(f'{name} {shares};')
        return ' '.join(parts)


class HubProcess:
    """``mediahub serve`` in a process of its own.

    Args:
        home: Its folder, made where it is missing.
        variables: What it is set to, beside its home and a port of its own.
    """

    def __init__(self, home: pathlib.Path, **variables: str):
        home.mkdir(parents=True, exist_ok=True)
        inherited = {name: os.environ[name] for name in ('PATH', 'HOME') if name in os.environ}
        own = {'MEDIAHUB_HOME': str(home), 'MEDIAHUB_PORT': '0'}
        paths = {'PYTHONPATH': os.pathsep.join(sys.path)}
        self._environment = inherited | own | paths | variables
        self._home = home
        self._log = home / 'hub.log'
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def database(self) -> pathlib.Path:
        """Its database, which nobody can open while it runs."""
        return self._home / 'mediahub.duckdb'

    @property
    def pid(self) -> int:
        """Of its process."""
        if self._process is None:
            raise RuntimeError('the hub does not run')
        return self._process.pid

    def start(self) -> None:
        """Start it."""
        with self._log.open('ab') as log:
            self._process = subprocess.Popen(
                [sys.executable, '-m', 'mediahub.cli', 'serve'],
                env=self._environment,
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        """End it without a warning."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Let it end in peace."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is not None:
            raise RuntimeError(f'the hub ended by itself:\n{self.tail()}')
        process.send_signal(how)
        process.wait(timeout=60)

    def tail(self) -> str:
        """The end of what it said."""
        return self._log.read_text(errors='replace')[-4000:]

    @property
    def access(self) -> tuple[str, str] | None:
        """Its address and an administrator's token; None where it is not up."""
        try:
            found = json.loads((self._home / 'control.json').read_bytes())
        except (OSError, ValueError):
            return None
        running = self._process is not None and found['pid'] == self.pid
        return (found['url'], found['token']) if running else None

    def ask(self, path: str) -> httpx2.Response:
        """Ask it something.

        Raises:
            ConnectionError: It is not up.
        """
        access = self.access
        if access is None:
            raise ConnectionError('the hub is not up')
        url, token = access
        headers = {'Authorization': f'Bearer {token}'}
        return httpx2.get(f'{url}{path}', headers=headers, timeout=30)

    def settled(self, expected: int) -> bool:
        """Whether so many plays have ended in its database, and nothing is on its way."""
        try:
            history = self.ask('/api/v1/history?limit=1').json()
            metrics = self.ask('/metrics').text
        except (OSError, ValueError, httpx2.TransportError):
            return False
        waiting = sum(_sample(metrics, name) for name in _ON_THE_WAY)
        return not waiting and int(history['data']['total'] or 0) >= expected

    def memory(self) -> float:
        """The most that the process has used so far, in megabytes."""
        status = pathlib.Path(f'/proc/{self.pid}/status').read_text()
        return int(status.partition('VmHWM:')[2].split()[0]) / 1024


def _sample(metrics: str, name: str) -> float:
    """The sum of a metric over its labels."""
    lines = [line for line in metrics.splitlines() if line.startswith((f'{name} ', f'{name}{{'))]
    return sum(float(line.rpartition(' ')[2]) for line in lines)


class Storm:
    """A storm over one server.

    Args:
        plan: What happens.
        hubs: The first one watches the server; all hear of it.
        broker: Between them, where there is one.
        plex: The server, stocked.
        network: By which the server is reached.
        say: Told of what happens.
    """

    def __init__(
        self,
        plan: Plan,
        plex: LivingPlex,
        network: Serving,
        hubs: Sequence[HubProcess],
        broker: NatsServer | None = None,
        say: Callable[[str], None] = lambda line: None,
    ):
        self._plan = plan
        self._plex = plex
        self._network = network
        self._hubs = hubs
        self._broker = broker
        self._say = say
        self._random = random.Random(plan.seed)  # noqa: S311 - a storm that can be repeated
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    def rage(self) -> list[Count]:
        """Let it happen; the answer is a count for each hub."""
        for hub in self._hubs:
            hub.start()
        self._prepare()
        began = time.monotonic()
        while self._agenda:
            at, _, act = heapq.heappop(self._agenda)
            time.sleep(max(0.0, began + at - time.monotonic()))
            act()
        self._settle()
        for hub in self._hubs:
            hub.stop()
        return [counted(self._plex, hub.database) for hub in self._hubs]

    def _settle(self) -> None:
        deadline = time.monotonic() + AFTERMATH
        while time.monotonic() < deadline:
            if all(hub.settled(len(self._plex.truth)) for hub in self._hubs):
                return
            time.sleep(0.5)
        self._say('a hub does not settle')

    def _at(self, seconds: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (seconds, next(self._numbers), act))

    def _prepare(self) -> None:
        plan, plex = self._plan, self._plex
        # Frames come in threes, twice and out of order; none of that is believed.
        plex.quirks = Quirks(frame_ids='mixed', triple_stops=True, repeats=1, shuffle=3)
        films = [plex.shelves.add_film(f'Film {n}', 1960 + n % 60, 300).id for n in range(40)]
        for number in range(plan.streams):
            person, device = plex.person(f'Viewer {number}'), plex.device(f'Player {number}')
            named = self._random.random() < 0.9  # some players give sessions no id
            self._stream(
                lambda item, who=(person, device), named=named: plex.play(
                    *who, item, with_id=named
                ),
                iter(self._random.sample(films, 6)),
            )
        for second in range(int(TICK), int(plan.seconds), int(TICK)):
            self._at(second, self._plex.tick)
        self._weather()

    # Streams

    def _stream(self, play: Callable[[str], Session], items: Iterator[str]) -> None:
        """One player's evening."""
        seconds, shortest = self._plan.seconds, self._plan.shortest
        begin = self._random.uniform(0, max(0.0, seconds * 0.6 - shortest))
        for _ in range(3):
            if begin + shortest > seconds:
                return
            end = begin + self._random.uniform(shortest, max(shortest, seconds * 0.6))
            end = min(end, seconds)
            self._play(play, items, begin, end)
            begin = end + self._random.uniform(0.5, 10)
            if self._random.random() < 0.5:
                return

    def _play(
        self, play: Callable[[str], Session], items: Iterator[str], begin: float, end: float
    ) -> None:
        """One play, or two in one session, with its pauses."""
        item, session = next(items), list[Session]()

        def do(what: Callable[[Session], None]) -> Callable[[], None]:
            return lambda: what(session[0])

        self._at(begin, lambda: session.append(play(item)))
        moments = sorted(self._random.uniform(begin, end) for _ in range(4))
        if self._random.random() < 0.5:
            self._at(moments[0], do(Session.pause))
            self._at(moments[1], do(Session.resume))
        if self._random.random() < 0.2:
            self._at(moments[2], do(lambda one: one.deliver(plex_delivery.picture('720'))))
        middle = (begin + end) / 2
        if end - begin > 2 * self._plan.shortest and self._random.random() < 0.3:
            then = self._plex.playable(next(items))
            self._at(middle, do(lambda one: one.next(then)))
        self._at(end, do(self._random.choice((Session.stop, Session.stop, Session.vanish))))

    # Weather

    def _weather(self) -> None:
        plan = self._plan
        kinds = [self._begin_restart] * plan.server_restarts + [self._begin_cut] * plan.cuts
        self._random.shuffle(kinds)
        for kind, (begin, length) in zip(kinds, self._moments(len(kinds)), strict=True):
            kind(begin, length)
        if self._broker:
            for begin, length in self._moments(plan.broker_restarts):
                self._at(begin, self._random.choice((self._stop_broker, self._kill_broker)))
                self._at(begin + length, self._broker.start)
        for begin, length in self._moments(plan.hub_kills * len(self._hubs)):
            hub = self._random.choice(self._hubs)
            self._at(begin, lambda hub=hub: self._kill(hub))
            self._at(begin + length, hub.start)

    def _moments(self, number: int) -> Iterable[tuple[float, float]]:
        """Times at which something begins, and how long it takes; none overlaps the next."""
        slot = self._plan.seconds / max(1, number)
        longest = min(self._plan.darkness, slot / 2)
        for place in range(number):
            length = self._random.uniform(longest / 4, longest)
            yield place * slot + self._random.uniform(0, slot - length - 0.1), length

    def _begin_restart(self, begin: float, length: float) -> None:
        how = self._random.choice(('503', 'empty', ''))
        self._at(begin, lambda: self._restart(how))
        self._at(begin + length, self._plex.ready)

    def _begin_cut(self, begin: float, length: float) -> None:
        self._at(begin, self._cut)
        self._at(begin + length, self._mend)

    def _cut(self) -> None:
        self._say('the network is cut')
        self._network.go_down()

    def _mend(self) -> None:
        self._say('the network is back')
        self._network.come_back()

    def _restart(self, how: str) -> None:
        self._say(f'the server restarts, and answers {how or "at once"}')
        self._plex.restart(survivors=True, starting=how)

    def _stop_broker(self) -> None:
        self._say('the broker stops')
        if self._broker:
            self._broker.stop()

    def _kill_broker(self) -> None:
        self._say('the broker is killed')
        if self._broker:
            self._broker.kill()

    def _kill(self, hub: HubProcess) -> None:
        self._say(f'hub {self._hubs.index(hub)} is killed')
        hub.kill()


def counted(plex: LivingPlex, file: pathlib.Path) -> Count:
    """Compare a database with the truth."""
    with Database(file) as database:
        live = Plays(database).live()
        rows = database.read(f'SELECT {playrows.SELECTED} FROM finished_plays')  # noqa: S608 - constants
        plays = [playrows.play(playrows.COLUMNS, row) for row in rows]
    held: dict[Identity, list[Play]] = collections.defaultdict(list)
    for play in [*plays, *live]:
        held[_identity(play)].append(play)
    truth = {
        Identity(str(true.person.id), true.device.client_id, true.rating_key): true
        for true in plex.truth
    }
    if len(truth) != len(plex.truth):
        raise ValueError('the plan lets two plays be told apart by nothing')
    both = [(true, held[name][0]) for name, true in truth.items() if held.get(name)]
    return Count(
        expected=len(truth),
        lost=[(name, _when(true)) for name, true in truth.items() if not held.get(name)],
        doubled=[name for name in held for _ in held[name][1 if name in truth else 0 :]],
        unfinished=len(live),
        started=[_apart(true.started, play.started_at) for true, play in both],
        stopped=[_apart(true.stopped, play.stopped_at) for true, play in both],
        played=[abs(true.played_ms - play.played_ms) / 1000 for true, play in both],
    )


def _identity(play: Play) -> Identity:
    return Identity(play.viewer.account_id, play.player.client_id, play.item.rating_key)


def _when(true: TruePlay) -> str:
    ended = f'{true.stopped:%H:%M:%S}' if true.stopped else 'now'
    return f'{true.started:%H:%M:%S} to {ended}'


def _apart(one: datetime.datetime | None, other: datetime.datetime | None) -> float:
    if one is None or other is None:
        return float('inf')
    return abs((one - other).total_seconds())


def living() -> LivingPlex:
    """A server on the real clock."""
    return LivingPlex(clocks.real).stocked()
