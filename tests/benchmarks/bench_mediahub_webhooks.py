# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Webhooks: how many a second one worker takes, and how soon one is a row in the database.

The hub runs in a process of its own, as ``mediahub serve`` starts it, with its log in a file. The
generator keeps some connections open and sends the next webhook when the last was answered. Beside
it stands a bare Starlette application on the same server, which parses the form as Starlette does
and the payload with the standard library, and does nothing else.

For the way to the database a Plex double starts plays, says so by webhook alone, and a listener of
live events, which are sent after the commit, notes when each arrives.

    python tests/benchmarks/bench_mediahub_webhooks.py [SECONDS]
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import os
import pathlib
import random
import re
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from urllib.parse import urlsplit

import httpx2
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mediahub.serve import control
from mediahub.testing.clocks import real
from mediahub.testing.plex_living import LivingPlex

SECRET = 'secret-of-the-benchmark'
PATH = '/api/v1/plex/webhook'
CONNECTIONS, SENDERS = 32, 4
LENGTH = re.compile(rb'content-length: *(\d+)', re.IGNORECASE)
PLAYS = 60

# A second, and of seconds.
GOAL_RATE, GOAL_P99 = 2000, 1.0


def payload(machine: str) -> bytes:
    """As large as those of real servers."""
    people = [{'tag': f'Somebody {number}', 'role': 'Somebody else'} for number in range(25)]
    document = {
        'event': 'media.play',
        'user': True,
        'owner': True,
        'Account': {'id': 1, 'thumb': 'https://plex.tv/users/1/avatar', 'title': 'ada'},
        'Server': {'title': 'living-room', 'uuid': machine},
        'Player': {'local': True, 'publicAddress': '203.0.113.9', 'title': 'tv', 'uuid': 'tv-1'},
        'Metadata': {'ratingKey': '7', 'title': 'The Long Ferry', 'Role': people},
    }
    return json.dumps(document).encode()


def request(path: str, machine: str, thumb: int) -> bytes:
    """A whole request, as Plex sends it."""
    parts = [
        b'--b\r\nContent-Disposition: form-data; name="payload"\r\n'
        b'Content-Type: application/json\r\n\r\n' + payload(machine) + b'\r\n'
    ]
    if thumb:
        head = b'--b\r\nContent-Disposition: form-data; name="thumb"; filename="thumb.jpg"\r\n'
        parts.append(head + b'Content-Type: image/jpeg\r\n\r\n' + os.urandom(thumb) + b'\r\n')
    body = b''.join(parts) + b'--b--\r\n'
    head = (
        f'POST {path} HTTP/1.1\r\nHost: hub\r\nContent-Type: multipart/form-data; boundary=b\r\n'
        f'Content-Length: {len(body)}\r\n\r\n'
    )
    return head.encode() + body


@dataclasses.dataclass
class Load:
    """What came of sending for a while; times are seconds."""

    answers: list[float] = dataclasses.field(default_factory=list[float])
    refused: int = 0

    def shown(self, seconds: float) -> str:
        """The figures."""
        rate = len(self.answers) / seconds
        ordered = sorted(self.answers)
        p50, p99 = (1000 * ordered[int(len(ordered) * share)] for share in (0.5, 0.99))
        return f'{rate:8,.0f}/s  p50 {p50:6.2f} ms  p99 {p99:6.2f} ms  refused {self.refused}'


async def send(url: str, content: bytes, seconds: float) -> Load:
    """Send one thing again and again over all connections."""
    place, load = urlsplit(url), Load()
    end = time.perf_counter() + seconds

    async def one(number: int) -> None:
        # From several addresses, since the hub takes 5,000 a second from one.
        sender = (f'127.0.0.{1 + number % SENDERS}', 0)
        reader, writer = await asyncio.open_connection(
            place.hostname, place.port, local_addr=sender
        )
        while time.perf_counter() < end:
            began = time.perf_counter()
            writer.write(content)
            head = await reader.readuntil(b'\r\n\r\n')
            length = next(
                line for line in head.split(b'\r\n') if line.lower()[:14] == b'content-length'
            )
            await reader.readexactly(int(length.partition(b':')[2]))
            load.answers.append(time.perf_counter() - began)
            load.refused += not head.startswith(b'HTTP/1.1 200')
        writer.close()

    await asyncio.gather(*(one(number) for number in range(CONNECTIONS)))
    return load


async def bare(received: Request) -> Response:
    """What a short handler does."""
    async with received.form() as form:
        document = json.loads(str(form['payload']))
    return JSONResponse({'received': True, 'event': document['event']})


def run_bare(port: int) -> None:
    """Serve it."""
    app = Starlette(routes=[Route(f'{PATH}/{{token}}', bare, methods=['POST'])])
    uvicorn.run(app, port=port, loop='uvloop', http='httptools', log_level='error')


@contextlib.contextmanager
def process(*words: str, **environ: str) -> Generator[subprocess.Popen[bytes]]:
    """A process that ends with this one."""
    with open(environ.pop('LOG', os.devnull), 'wb') as log:
        environment = {'PATH': os.environ['PATH'], 'PYTHONPATH': os.pathsep.join(sys.path)}
        found = subprocess.Popen(words, env=environment | environ, stdout=log, stderr=log)  # noqa: S603 - our own commands
        try:
            yield found
        finally:
            found.send_signal(signal.SIGTERM)
            found.wait(30)


@contextlib.contextmanager
def hub(home: pathlib.Path, plex: LivingPlex) -> Generator[control.Control]:
    """A running hub that watches the double, without listening to it."""
    environ = {
        'MEDIAHUB_HOME': str(home),
        'MEDIAHUB_PORT': '0',
        'ENABLE_PLEX_SYNC': 'true',
        'PLEX_REALTIME_ENABLED': 'false',
        'PLEX_URL': plex.url,
        'PLEX_TOKEN': plex.token,
        'ENABLE_PLEX_WEBHOOKS': 'true',
        'PLEX_WEBHOOK_SECRET': SECRET,
        'LOG': str(home.parent / 'log'),
    }
    with process(sys.executable, '-m', 'mediahub.cli', 'serve', **environ) as running:
        while (found := control.read(home)) is None or not _watching(found):
            if running.poll() is not None:
                sys.exit((home.parent / 'log').read_text())
            time.sleep(0.1)
        yield found


def _watching(found: control.Control) -> bool:
    headers = {'Authorization': f'Bearer {found.token}'}
    answer = httpx2.get(f'{found.url}/api/v1/servers', headers=headers, timeout=10)
    return bool(answer.json()['data']['servers'][0]['connected'])


async def to_the_row(found: control.Control, plex: LivingPlex) -> list[float]:
    """Seconds from sending a webhook until its play has been committed and told of."""
    film = next(iter(plex.shelves.rows))
    delays, arrived = list[float](), asyncio.Queue[str]()
    headers = {'Authorization': f'Bearer {found.token}'}
    url = found.url.replace('http', 'ws', 1) + '/api/v1/ws'
    async with (
        httpx2.AsyncClient(headers=headers, timeout=10) as client,
        client.websocket(url) as socket,
    ):

        async def listen() -> None:
            while True:
                message = json.loads(await socket.receive_text())
                for play in message.get('plays', ()):
                    arrived.put_nowait(play['session_id'])

        listening = asyncio.create_task(listen())
        for number in range(PLAYS):
            session = plex.play(plex.person(f'P{number}'), plex.device(f'D{number}'), film)
            began = time.perf_counter()
            await client.post(
                f'{found.url}{PATH}/{SECRET}',
                content=payload(plex.machine),
                headers={'Content-Type': 'application/json'},
            )
            while await asyncio.wait_for(arrived.get(), 30) != session.id:
                pass
            delays.append(time.perf_counter() - began)
            session.stop()
            await asyncio.sleep(random.random())  # noqa: S311 - no secret
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
    return delays


def processor(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = pathlib.Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def measured(name: str, url: str, pid: int, content: bytes, seconds: float) -> tuple[Load, float]:
    """Send for a while; the load, and the processor time of one webhook."""
    before = processor(pid)
    load = asyncio.run(send(url, content, seconds))
    cost = (processor(pid) - before) / len(load.answers)
    print(f'{name}: {load.shown(seconds)}  {cost * 1000:.3f} ms of processor time each')
    return load, cost


def of_hub(folder: pathlib.Path, seconds: float) -> bool:
    """Measure the hub; whether the goals are met."""
    plex = LivingPlex(real).stocked()
    met = True
    with plex.served(), hub(folder / 'home', plex) as found:
        for kilobytes in (0, 20, 100):
            content = request(f'{PATH}/{SECRET}', plex.machine, kilobytes * 1000)
            name = f'mediahub, thumb of {kilobytes:3} kB'
            load, cost = measured(name, found.url, found.pid, content, seconds)
            # Where others use the machine as well, what one costs says what one worker can take.
            enough = len(load.answers) / seconds >= GOAL_RATE or cost <= 1 / GOAL_RATE
            met = met and not load.refused and (kilobytes > 20 or enough)
        forged = request(f'{PATH}/wrong', plex.machine, 20_000)
        measured('mediahub, forged, 20 kB   ', found.url, found.pid, forged, seconds / 2)
        delays = sorted(asyncio.run(to_the_row(found, plex)))
    p50, p99 = statistics.median(delays), delays[int(len(delays) * 0.99)]
    print(f'webhook to committed row: p50 {p50:.3f} s, p99 {p99:.3f} s, {len(delays)} plays')
    return met and p99 < GOAL_P99


def of_bare(seconds: float) -> None:
    """Measure the short handler."""
    with process(sys.executable, __file__, 'bare', '18499') as running:
        time.sleep(3)
        for kilobytes in (0, 20, 100):
            content = request(f'{PATH}/{SECRET}', 'machine', kilobytes * 1000)
            name = f'bare,     thumb of {kilobytes:3} kB'
            measured(name, 'http://127.0.0.1:18499', running.pid, content, seconds)


def main() -> int:
    """Measure, print, and say by the exit status whether the goals are met."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    with tempfile.TemporaryDirectory() as folder:
        met = of_hub(pathlib.Path(folder), seconds)
    of_bare(seconds)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f'largest process {used.ru_maxrss / 1024:.0f} MB; {os.getloadavg()[0]:.0f} others run')
    print('goals met' if met else 'goals missed')
    return 0 if met else 1


if __name__ == '__main__':
    if sys.argv[1:2] == ['bare']:
        run_bare(int(sys.argv[2]))
    else:
        sys.exit(main())
