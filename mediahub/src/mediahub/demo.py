# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""``mediahub demo``: the whole hub before an evening of films, with nothing to configure.

Plex and plex.tv are doubles on loopback; the hub is the real one, in a folder that goes when it
stops. Some months of history are there from the start.
"""

from __future__ import annotations

import contextlib
import pathlib
import sys
import tempfile
import threading
from collections.abc import Generator

from . import serve, settings, sign_in_link
from .engine.errors import MediaHubError
from .serve import control
from .testing import clocks
from .testing.evening import Evening

# Seconds between two looks whether the hub listens.
_LOOK = 0.2

_WELCOME = """
The demo plays an evening of films, {speed:g} times as fast as life. Nothing leaves this machine.

  Open {link}
       to sign in at once as its administrator (once, within ten minutes), or
  Open {url}
       and choose "Sign in with Plex" to be somebody else.

Stop it with Ctrl-C; everything it made goes with it.
"""


def run(speed: float, port: int = 0, seed: int = 8) -> int:
    """Run the demo until it is told to stop.

    Args:
        speed: How much faster than life the films are.
        port: To listen on; 0 takes a free one.
        seed: Of the evening; the same one gives the same evening.

    Returns:
        The exit status.

    Raises:
        MediaHubError: A folder or a port cannot be had.
    """
    with _folder() as home, Evening(clocks.real, speed=speed, seed=seed).on_air() as evening:
        chosen = settings.load(
            {
                'ENABLE_PLEX_SYNC': 'true',
                'PLEX_URL': evening.plex.url,
                'PLEX_TOKEN': evening.plex.token,
                'PLEX_SYNC_INTERVAL': '30s',
                'MEDIAHUB_HOME': str(home),
                'MEDIAHUB_PORT': str(port),
                'MEDIAHUB_LOG_LEVEL': 'warning',
                'MEDIAHUB_PLEXTV_URL': evening.tv.url,
                'MEDIAHUB_PLEXTV_CLIENTS_URL': evening.tv.url,
                'MEDIAHUB_PLEXTV_APP_URL': evening.tv.url,
            }
        )
        done = threading.Event()
        greeter = threading.Thread(target=_greet, args=(chosen, speed, done), daemon=True)
        greeter.start()
        try:
            return serve.run(chosen)
        finally:
            done.set()
            greeter.join()


@contextlib.contextmanager
def _folder() -> Generator[pathlib.Path]:
    try:
        folder = tempfile.TemporaryDirectory(prefix='mediahub-demo-')
    except OSError as error:
        raise MediaHubError(
            f'no folder for temporary files ({error.strerror}); set TMPDIR'
        ) from error
    with folder as name:
        yield pathlib.Path(name)


def _greet(chosen: settings.Settings, speed: float, done: threading.Event) -> None:
    """Say where to look, once the hub listens there."""
    while not done.wait(_LOOK):
        running = control.read(chosen.home)
        if running is not None:
            link = sign_in_link.make(chosen).url
            print(_WELCOME.format(speed=speed, link=link, url=running.url), flush=True)
            sys.stdout.flush()
            return
