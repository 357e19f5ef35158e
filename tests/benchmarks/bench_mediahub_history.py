# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Asks a hub with millions of plays everything that its page and its API offer, in a storm.

The hub is ``mediahub serve`` in a process of its own. A Plex double in a third process plays
hundreds of streams, which start, pause, go on and stop all the time, so that the hub looks, tells
events apart and writes them while it answers. Every question is asked over HTTP with an API token,
several times; nothing but the hub itself may keep answers. Then SQLite is asked the same, with the
same plays in Tautulli's tables, in this process and while nothing else is asked.

The goals are 60 ms for every question of 10 million plays, and 400 ms beyond, at the 95th
percentile.

    python tests/benchmarks/bench_mediahub_history.py [--plays 1000000] [--folder DATA]
        [--repeats 20] [--streams 300] [--memory 4GiB] [--only WORD] [--no-sqlite WHY]
        [--no-storm]

The plays are made once a day for each number and kept in the folder, where one is given; those of
other days are removed. 10 million take some minutes and 1.6 GB, and about 5 GB more for SQLite;
100 million take 16 GB.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import multiprocessing
import os
import pathlib
import random
import secrets
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from multiprocessing.connection import Connection

import history_made
import history_questions
import history_sqlite
import httpx2
from history_questions import Question

from mediahub.testing import storm
from mediahub.testing.storm_hub import HubProcess

# Plays up to which the first goal counts, and the goals in seconds.
FEW, GOAL, GOAL_OF_MANY = 10_000_000, 0.060, 0.400

# What happens in the storm, a second, beside the signs of progress every ten seconds.
CHANGES = 20

# Questions before those that count.
WARM = 2


def rage(streams: int, pipe: Connection) -> None:
    """Run a server whose streams change all the time, until told to stop."""
    chance = random.Random(8)  # noqa: S311 - the same storm every time
    plex = storm.living()
    films = [plex.shelves.add_film(f'Film {number}', 2000, 90).id for number in range(40)]
    people = [
        (plex.person(f'Viewer {number}'), plex.device(f'Player {number}'))
        for number in range(streams)
    ]
    playing = [plex.play(*who, chance.choice(films)) for who in people]
    with plex.served() as network:
        pipe.send((network.url, plex.token))
        ticked = time.monotonic()
        while not pipe.poll(1 / CHANGES):
            place = chance.randrange(streams)
            session = playing[place]
            if not session.live or chance.random() < 0.4:
                if session.live:
                    session.stop()
                playing[place] = plex.play(*people[place], chance.choice(films))
            else:
                chance.choice((session.pause, session.resume))()
            if time.monotonic() - ticked > storm.TICK:
                plex.tick()
                ticked = time.monotonic()


@contextlib.contextmanager
def storming(streams: int) -> Generator[dict[str, str]]:
    """Variables of a hub that watches a server in a storm."""
    if not streams:
        yield {}
        return
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=rage, args=(streams, theirs), daemon=True)
    process.start()
    url, token = ours.recv()
    try:
        yield {'ENABLE_PLEX_SYNC': 'true', 'PLEX_URL': url, 'PLEX_TOKEN': token}
    finally:
        ours.send('stop')
        process.join(10)


class Client:
    """Asks a hub with an API token."""

    def __init__(self, hub: HubProcess, token: str):
        url = (hub.access or ('', ''))[0]
        self._token = token
        self._pid = hub.pid
        headers = {'Authorization': f'Bearer {token}'}
        self._http = httpx2.Client(base_url=url, headers=headers, timeout=120)

    def ask(self, question: Question) -> tuple[float, float, int]:
        """Seconds until the whole answer is there, those of processors, and its bytes."""
        query = dict(question.query)
        if question.path == history_questions.TAUTULLI:
            query['apikey'] = self._token
        began, worked = time.perf_counter(), processor(self._pid)
        answer = self._http.get(question.path, params=query)
        took, work = time.perf_counter() - began, processor(self._pid) - worked
        if answer.status_code != 200:
            raise SystemExit(f'{question.name}: {answer.status_code} {answer.text[:500]}')
        return took, work, answer.num_bytes_downloaded


def processor(pid: int) -> float:
    """Seconds of processor time that the threads of a process have used so far."""
    total = 0
    for thread in pathlib.Path(f'/proc/{pid}/task').iterdir():
        with contextlib.suppress(OSError):  # one that has just ended
            total += int((thread / 'schedstat').read_text().split()[0])
    return total / 1e9


@dataclasses.dataclass(frozen=True)
class Measured:
    """How long the answers to a question took, in seconds, and how large they were.

    Attributes:
        first: How long it took when it was asked for the first time, after the hub's start.
        work: The least processor time of the hub for one, with what the storm took meanwhile.
    """

    question: Question
    first: float
    times: list[float]
    work: float
    size: int

    @property
    def p50(self) -> float:
        """The median."""
        return statistics.median(self.times)

    @property
    def p95(self) -> float:
        """What 19 of 20 did not exceed."""
        found = sorted(self.times)
        return found[max(0, -(-len(found) * 95 // 100) - 1)]


def measured(client: Client, questions: Sequence[Question], repeats: int) -> list[Measured]:
    """Ask all questions in turn, so often; whatever else happens, happens to all of them."""
    sizes: dict[str, int] = {}
    times: dict[str, list[float]] = {question.name: [] for question in questions}
    works: dict[str, list[float]] = {question.name: [] for question in questions}
    firsts: dict[str, float] = {}
    for turn in range(repeats + WARM):
        for question in questions:
            took, work, sizes[question.name] = client.ask(question)
            firsts.setdefault(question.name, took)
            if turn >= WARM:
                times[question.name].append(took)
                works[question.name].append(work)
        load = os.getloadavg()[0]
        print(f'turn {turn + 1} of {repeats + WARM}, load {load:.1f}', file=sys.stderr, flush=True)
    return [
        Measured(question, firsts[name], times[name], min(works[name]), sizes[name])
        for question in questions
        for name in [question.name]
    ]


def of_sqlite(path: pathlib.Path, questions: Sequence[Question]) -> dict[str, float | None]:
    """The best of a few times, for each question; None where nobody waits so long."""
    database = history_sqlite.Tautulli(path)
    found: dict[str, float | None] = {}
    for question in questions:
        if question.sqlite is None:
            continue
        took = database.ask(question.sqlite)
        if took is not None and took < 2:
            took = min(filter(None, [took, *(database.ask(question.sqlite) for _ in range(2))]))
        found[question.name] = took
    database.close()
    return found


def told(measures: Sequence[Measured], sqlite: dict[str, float | None], goal: float) -> None:
    """Print the table."""
    width = max(len(measure.question.name) for measure in measures)
    print(f'{"":{width}}  p50 ms  p95 ms 1st ms  CPU ms      kB  SQLite ms  times')
    for measure in measures:
        name = measure.question.name
        line = f'{name:{width}} {measure.p50 * 1000:7.1f} {measure.p95 * 1000:7.1f}'
        line += (
            f' {measure.first * 1000:6.1f} {measure.work * 1000:7.1f} {measure.size / 1000:7.1f}'
        )
        if name in sqlite:
            took = sqlite[name]
            bound = '' if took is not None else '>'
            seconds = history_sqlite.PATIENCE if took is None else took
            line += f' {bound + format(seconds * 1000, ".1f"):>10}'
            line += f' {bound + format(seconds / measure.p50, ".1f"):>6}'
        print(line + (' *' if measure.p95 > goal else ''), flush=True)


@contextlib.contextmanager
def running(
    home: pathlib.Path, variables: dict[str, str], token: str, memory: str
) -> Generator[HubProcess]:
    """A hub that is up."""
    own = {'MEDIAHUB_API_TOKEN': token, 'MEDIAHUB_DATABASE_MEMORY': memory}
    hub = HubProcess(home, **own, **variables)
    hub.start()
    try:
        while not ready(hub, watching=bool(variables)):
            time.sleep(0.2)
        yield hub
    finally:
        hub.stop()


def ready(hub: HubProcess, *, watching: bool) -> bool:
    """Whether it answers, and has seen the server that it watches."""
    try:
        servers = hub.ask('/api/v1/servers').json()['data']['servers']
    except (OSError, httpx2.TransportError, LookupError, ValueError):
        return False
    return not watching or bool(servers and servers[0]['connected'])


def size(folder: pathlib.Path) -> float:
    """Of a hub's database and its log, in gigabytes."""
    return sum(path.stat().st_size for path in folder.glob('mediahub.duckdb*')) / 1e9


def asked(given: argparse.Namespace, folder: pathlib.Path) -> bool:
    """Measure and print; whether the goal is met."""
    goal = GOAL if given.plays <= FEW else GOAL_OF_MANY
    last = history_made.END.date() - history_made.DAY
    questions = [
        question
        for question in history_questions.everything(last, given.plays)
        if given.only in question.name
    ]
    if not questions:
        raise SystemExit(f'no question has {given.only!r} in its name')
    plays = history_made.made(folder, given.plays)
    with tempfile.TemporaryDirectory(dir=folder) as name:
        home = pathlib.Path(name)
        shutil.copyfile(plays, home / 'mediahub.duckdb')
        token = secrets.token_urlsafe(32)
        with (
            storming(0 if given.no_storm else given.streams) as variables,
            running(home, variables, token, given.memory) as hub,
        ):
            before = hub.sample('mediahub_bus_recorded_events')
            began = time.monotonic()
            measures = measured(Client(hub, token), questions, given.repeats)
            took = time.monotonic() - began
            recorded = hub.sample('mediahub_bus_recorded_events')
            memory = hub.memory()
        on_disk = size(home)
    tautulli = None if given.no_sqlite else history_sqlite.made(plays)
    sqlite = of_sqlite(tautulli, questions) if tautulli else {}
    told(measures, sqlite, goal)
    events = sum(recorded.values()) - sum(before.values())
    print(
        f'{given.plays:,} plays; {events / took:.1f} events a second recorded meanwhile; the hub '
        f'used {memory:.0f} MB at most; {on_disk:.2f} GB on disk'
    )
    if tautulli:
        print(f'SQLite: {tautulli.stat().st_size / 1e9:.2f} GB on disk')
    else:
        print(f'SQLite was left out: {given.no_sqlite}')
    missed = sum(measure.p95 > goal for measure in measures)
    print(f'load average {os.getloadavg()[0]:.1f}, {len(os.sched_getaffinity(0))} cores')
    print(f'{missed} of {len(measures)} questions miss {goal * 1000:.0f} ms at p95')
    return not missed


def main(arguments: list[str]) -> int:
    """Measure and print; 1 where the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--plays', type=int, default=1_000_000)
    parser.add_argument('--folder', type=pathlib.Path, help='where plays are kept')
    parser.add_argument('--repeats', type=int, default=20)
    parser.add_argument('--streams', type=int, default=300)
    parser.add_argument('--memory', default='', help="what the hub's database may hold in memory")
    parser.add_argument('--only', default='', help='questions with this in their name')
    parser.add_argument('--no-sqlite', default='', metavar='WHY', help='leave SQLite out')
    parser.add_argument('--no-storm', action='store_true', help='let nothing be written')
    given = parser.parse_args(arguments)
    with contextlib.ExitStack() as stack:
        folder = given.folder
        if folder is None:
            folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        return 0 if asked(given, folder) else 1


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
