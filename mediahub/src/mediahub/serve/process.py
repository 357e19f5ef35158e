# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The process: starts in an order in which a failure costs nothing, stops so that nothing is lost.

Exit statuses: 0, it was told to stop; 2, the settings are wrong; 3, the address cannot be listened
on; 4, the home or the database cannot be used; 1, anything else. Each comes with one line.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import pathlib
import signal
import socket
import sys
from collections.abc import Callable, Generator

import uvicorn
import uvloop
from starlette.types import ASGIApp

from ..api.app import create_app
from ..engine import wire
from ..engine.errors import MediaHubError
from ..settings import Settings
from ..store.database import Database, StoreError
from ..web import pages
from . import control, listening, logs, notify
from .confinement import confine
from .parts import Parts, assembled
from .whole_answers import WholeAnswers

log = logging.getLogger('mediahub')

# Seconds after which a thread that has something to do is let in. The store's thread comes back
# from DuckDB a dozen times on a play's way into the database, and each time waits that long for an
# event loop that is busy with webhooks; Python's own 5 ms made the way twice as long.
TURN = 0.001

STOPPED, FAILED, NO_ADDRESS, NO_STORE = 0, 1, 3, 4

# Seconds that requests under way are given when the hub stops, and then the bus.
FINISH_REQUESTS = 3
FINISH_EVENTS = 5.0

# Bytes of a message that a listener of live events may send: its token.
SOCKET_MESSAGE = 16 * 1024


def run(
    settings: Settings,
    database: pathlib.Path | None = None,
    read: Callable[[], Settings] | None = None,
) -> int:
    """Run the hub until it is told to stop.

    Args:
        settings: Without mistakes.
        database: In place of the one in the home.
        read: Reads the settings again, for tokens that were renewed.

    Returns:
        The exit status.
    """
    confine()
    sys.setswitchinterval(TURN)
    token = control.fresh_token()
    logs.configure(settings, [token])
    for warning in settings.warnings:
        log.warning('%s', warning)
    try:
        _prepare(settings.home)
        with (
            _listening(settings) as listener,
            Database(database or settings.database, settings.database_memory) as store,
            asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        ):
            runner.run(_serve(settings, store, listener, token, read))
    except listening.CannotListen as error:
        return _complain(error, NO_ADDRESS)
    except StoreError as error:
        return _complain(error, NO_STORE)
    except MediaHubError as error:
        return _complain(error, FAILED)
    log.info('stopped; everything is written')
    return STOPPED


def _complain(error: MediaHubError, status: int) -> int:
    print(f'mediahub: {error}', file=sys.stderr)
    return status


def _prepare(home: pathlib.Path) -> None:
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        usable = os.access(home, os.W_OK | os.X_OK)
    except OSError as error:
        raise StoreError(f'MEDIAHUB_HOME: {home} cannot be made ({error.strerror})') from error
    if not usable:
        raise StoreError(f'MEDIAHUB_HOME: {home} cannot be written to by this user')


@contextlib.contextmanager
def _listening(settings: Settings) -> Generator[socket.socket]:
    found = listening.listen(settings.host, settings.port)
    try:
        yield found
    finally:
        found.close()


async def _serve(
    settings: Settings,
    store: Database,
    listener: socket.socket,
    token: str,
    read: Callable[[], Settings] | None,
) -> None:
    stop = _told_to_stop()
    async with assembled(settings, store, token, read) as parts:
        server = _Server(_uvicorn(parts))
        serving = asyncio.create_task(server.serve([listener]))
        parts.start()
        url = listening.url(listener)
        control.write(settings.home, control.Control(url, token, os.getpid(), wire.VERSION))
        log.info('mediahub %s listens on %s', wire.VERSION, url)
        notify.tell('READY=1')
        try:
            with _settled():
                await asyncio.wait(
                    {serving, asyncio.create_task(stop.wait())},
                    return_when=asyncio.FIRST_COMPLETED,
                )
        finally:
            notify.tell('STOPPING=1')
            control.remove(settings.home, os.getpid())
            await _stop(parts, server, serving)


@contextlib.contextmanager
def _settled() -> Generator[None]:
    """Have Python look for rubbish only among what is made from now on.

    Looking through all that is there would hold everybody up for a tenth of a second, whenever
    some snapshots of hundreds of sessions have been read.
    """
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


async def _stop(parts: Parts, server: uvicorn.Server, serving: asyncio.Task[None]) -> None:
    """First whoever asks, then whoever watches, then what is still on its way to the database."""
    parts.hub.feed.close()
    server.should_exit = True
    await serving
    await parts.stop(FINISH_EVENTS)


def _told_to_stop() -> asyncio.Event:
    """Set by SIGTERM or SIGINT; a second one ends the process at once, which loses nothing."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def told(number: signal.Signals) -> None:
        if stop.is_set():
            log.warning('%s again: stopping without waiting', number.name)
            os._exit(128 + number)
        log.info('%s: stopping', number.name)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told, number)
    return stop


class _Server(uvicorn.Server):
    """Leaves signals to us."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Capture none."""
        yield


def _application(parts: Parts) -> ASGIApp:
    app = create_app(parts.hub)
    app.router.routes.extend(pages.routes())
    return app


def _uvicorn(parts: Parts) -> uvicorn.Config:
    proxies = [str(network) for network in parts.hub.settings.trusted_proxies]
    return uvicorn.Config(
        _application(parts),
        loop='none',
        http=WholeAnswers,
        ws='wsproto',
        lifespan='off',
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies,
        ws_max_size=SOCKET_MESSAGE,
        ws_ping_interval=20,
        ws_ping_timeout=20,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=FINISH_REQUESTS,
        limit_concurrency=2000,
        backlog=listening.BACKLOG,
    )
