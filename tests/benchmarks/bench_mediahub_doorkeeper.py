# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What it costs to know who asks: the hub's sessions and API tokens beside signed tokens.

Every request is identified, so that this is paid for every one. A signed token (JWT, HS256 and
EdDSA by joserfc) needs no memory and cannot be revoked; it is here to be compared with. The hub
holds as many sessions as a large household will never have.

    python tests/benchmarks/bench_mediahub_doorkeeper.py [SESSIONS]
"""

from __future__ import annotations

import asyncio
import pathlib
import resource
import sys
import tempfile
import time
from collections.abc import Callable

from joserfc import jwk, jwt
from starlette.requests import HTTPConnection

from mediahub import settings
from mediahub.api.auth import service
from mediahub.api.auth.people import Person, Role, Way
from mediahub.api.auth.service import Auth
from mediahub.engine import wire
from mediahub.store.database import Database

TURNS = 20_000
GOAL = 0.1  # milliseconds for one request


def connection(*headers: tuple[bytes, bytes]) -> HTTPConnection:
    """A request of a browser or a program."""
    sent = [(b'host', b'127.0.0.1:8484'), *headers]
    scope = {'type': 'http', 'method': 'GET', 'scheme': 'http', 'path': '/', 'headers': sent}
    return HTTPConnection({**scope, 'client': ('192.0.2.7', 5000)})


async def identified(auth: Auth, make: Callable[[], HTTPConnection]) -> float:
    """Microseconds for one request."""
    began = time.perf_counter()
    for _ in range(TURNS):
        await auth.identify(make())
    return (time.perf_counter() - began) / TURNS * 1e6


def verified(algorithm: str, key: jwk.OctKey | jwk.OKPKey) -> float:
    """Microseconds to verify a signed token."""
    text = jwt.encode({'alg': algorithm}, {'sub': 'ada'}, key, algorithms=[algorithm])
    began = time.perf_counter()
    for _ in range(TURNS // 10):
        jwt.decode(text, key, algorithms=[algorithm])
    return (time.perf_counter() - began) / TURNS * 10 * 1e6


async def measure(sessions: int, home: pathlib.Path) -> float:
    """Print all of it; returns what a session costs."""
    chosen = settings.load({'MEDIAHUB_HOME': str(home), 'MEDIAHUB_RATE_LIMIT': '0'})
    async with wire.pool() as pool:
        with Database(home / 'hub.duckdb') as database:
            auth = Auth(chosen, database, pool)
            await fill(database, sessions)
            began, before = time.perf_counter(), memory()
            await auth.load()
            loaded, held = time.perf_counter() - began, memory() - before
            opened = await auth.sessions.open(Person('1', 'ada', Role.ADMIN), Way.PLEX, '', '')
            made = await auth.tokens.make('bench', Role.VIEWER, 'ada')
            cookie = f'mediahub={opened.ticket}'.encode()
            by_session = await identified(auth, lambda: connection((b'cookie', cookie)))
            bearer = f'Bearer {made.text}'.encode()
            by_token = await identified(auth, lambda: connection((b'authorization', bearer)))
            began = time.perf_counter()
            await auth.sweep()
            swept = time.perf_counter() - began
    print(f'{sessions} sessions: read in {loaded:.2f} s, {held / 1024:.0f} MB')
    print(f'all of it tidied up in {swept:.2f} s')
    print(f'session    {by_session:8.1f} us')
    print(f'API token  {by_token:8.1f} us')
    signed = verified('HS256', jwk.OctKey.generate_key(256))
    print(f'JWT HS256  {signed:8.1f} us   {signed / by_session:5.2f} of a session')
    signed = verified('Ed25519', jwk.OKPKey.generate_key('Ed25519'))
    print(f'JWT Ed25519{signed:8.1f} us   {signed / by_session:5.2f} of a session')
    return by_session


async def fill(database: Database, sessions: int) -> None:
    """Put that many sessions into the database at once."""
    sql = """
        INSERT INTO auth_sessions
        SELECT 'key' || i, sha256('ticket' || i), i, 'user' || i, 'viewer', 'plex', '192.0.2.7',
            'Mozilla/5.0', now()::TIMESTAMP, now()::TIMESTAMP, now()::TIMESTAMP + INTERVAL 30 DAY
        FROM range(?) AS r(i)
    """
    await database.run(lambda: database.execute(sql, [sessions]))


def memory() -> int:
    """Kilobytes of the process at most so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> int:
    """Measure; the status says whether the goal is reached."""
    sessions = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    service.log.disabled = True
    with tempfile.TemporaryDirectory() as folder:
        cost = asyncio.run(measure(sessions, pathlib.Path(folder)))
    return 0 if cost / 1000 <= GOAL else 1


if __name__ == '__main__':
    sys.exit(main())
