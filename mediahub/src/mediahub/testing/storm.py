# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A storm: hundreds of streams while server, network, broker and hubs fail, and then a count.

A living Plex plays in this process; hubs run in processes of their own, as does the broker.
Streams start, pause, go on and stop at times that a seed decides. Meanwhile the server restarts,
the network is cut, the broker is stopped or killed, and hubs are killed. At the end what the hubs'
databases hold is compared with what really happened.

A play that nobody could see need not be there: the watching hub is asked, all the time, when it
last looked and wrote down what it saw.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import heapq
import itertools
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from . import clocks, plex_delivery
from .broker import NatsServer
from .plex_living import LivingPlex
from .plex_quirks import Quirks
from .plex_sessions import Session
from .serving import Serving
from .storm_count import Count, Looks, counted
from .storm_hub import HubProcess

# Seconds between the server's signs of progress.
TICK = 10.0

# Metrics: when a hub last looked at the server, what it has seen and not written down, and what is
# not zero while something is on its way.
_LOOKED = 'mediahub_server_snapshot_timestamp_seconds'
_UNSAVED = 'mediahub_server_unsaved_events'
_ON_THE_WAY = ('mediahub_sessions', 'mediahub_outbox_events', 'mediahub_bus_behind_events')

# Seconds between two questions when that was.
LOOK = 0.25

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
        self._looks: list[datetime.datetime] = []
        self._blank: list[tuple[datetime.datetime, datetime.datetime]] = []

    def rage(self) -> list[Count]:
        """Let it happen; the answer is a count for each hub."""
        for hub in self._hubs:
            hub.start()
        self._prepare()
        over = threading.Event()
        looking = threading.Thread(target=self._look, args=(over,))
        looking.start()
        try:
            self._happen()
            self._settle()
        finally:
            over.set()
            looking.join()
        for hub in self._hubs:
            hub.stop()
        looks = Looks(self._looks, self._blank)
        return [counted(self._plex, hub.database, looks) for hub in self._hubs]

    def _happen(self) -> None:
        began = time.monotonic()
        while self._agenda:
            at, _, act = heapq.heappop(self._agenda)
            time.sleep(max(0.0, began + at - time.monotonic()))
            act()

    def _look(self, over: threading.Event) -> None:
        """Note when the first hub last looked, and had committed all that it saw."""
        while not over.wait(LOOK):
            try:
                found = self._hubs[0].sample(_LOOKED, _UNSAVED)
            except ConnectionError:
                continue
            if found[_LOOKED] and not found[_UNSAVED]:
                self._looks.append(datetime.datetime.fromtimestamp(found[_LOOKED], datetime.UTC))

    def _settle(self) -> None:
        """Wait until the first hub has seen that all is over, and all know what it knows."""
        deadline, ended = time.monotonic() + AFTERMATH, clocks.real().timestamp()
        while time.monotonic() < deadline:
            with contextlib.suppress(ConnectionError):
                first = self._hubs[0].sample(_LOOKED, *_ON_THE_WAY)
                done = first.pop(_LOOKED) > ended and not any(first.values())
                expected = self._hubs[0].plays()
                if done and all(_knows(hub, expected) for hub in self._hubs[1:]):
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
        restarted: list[datetime.datetime] = []
        self._at(begin, lambda: restarted.append(self._restart(how)))
        self._at(begin + length, lambda: self._ready(how, restarted[0]))

    def _begin_cut(self, begin: float, length: float) -> None:
        self._at(begin, self._cut)
        self._at(begin + length, self._mend)

    def _cut(self) -> None:
        self._say('the network is cut')
        self._network.go_down()

    def _mend(self) -> None:
        self._say('the network is back')
        self._network.come_back()

    def _restart(self, how: str) -> datetime.datetime:
        self._say(f'the server restarts, and answers {how or "at once"}')
        began = clocks.real()
        self._plex.restart(survivors=True, starting=how)
        return began

    def _ready(self, how: str, restarted: datetime.datetime) -> None:
        self._plex.ready()
        if how == 'empty':
            self._blank.append((restarted, clocks.real()))

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


def _knows(hub: HubProcess, expected: int) -> bool:
    return hub.plays() >= expected and not any(hub.sample(*_ON_THE_WAY).values())


def living() -> LivingPlex:
    """A server on the real clock."""
    return LivingPlex(clocks.real).stocked()
