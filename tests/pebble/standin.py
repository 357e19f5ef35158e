# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Stands in for Plex and for Seerr: answers health checks, and tells what happens to it.

It lies at the real program's path in the root that ``rooms`` makes, and is run by its name. Each
thing that happens goes to a socket as one datagram of JSON, so that a test waits for it and does
not poll. How it behaves is in a file that it reads at each start and for each request.
"""

from __future__ import annotations

import http.server
import json
import os
import pathlib
import signal
import socket
import sys
import threading
from typing import Any, Final

FOLDER: Final = pathlib.Path('/run/standin')
JOURNAL: Final = FOLDER / 'journal'
BEHAVIOUR: Final = FOLDER / 'behaviour.json'

_PLACES: Final = {
    'Plex Media Server': (32400, '/identity'),
    'node': (5055, '/api/v1/settings/public'),
}
_CRASH: Final = signal.SIGUSR1
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, _CRASH)


def tell(event: str, **details: Any) -> None:
    """Send one entry of the journal; nobody may be listening any more."""
    entry = json.dumps({'event': event, 'pid': os.getpid(), **details}).encode()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        try:
            sender.sendto(entry, str(JOURNAL))
        except (FileNotFoundError, ConnectionRefusedError):
            print('the journal is closed', file=sys.stderr)


def behaviour() -> dict[str, Any]:
    """Return how to behave: ``exit``, ``ends_after``, ``stubborn``, ``healthy``."""
    return json.loads(BEHAVIOUR.read_text())


def _handler(path: str) -> type[http.server.BaseHTTPRequestHandler]:
    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.path == path
            status = 404 if not known else 200 if behaviour().get('healthy', True) else 503
            # Told first: whoever reads of it may find that Pebble has not yet seen the answer.
            tell('asked', path=self.path, status=status)
            self.send_response(status)
            self.send_header('Content-Length', '0')
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # its name there
            """Say nothing: Pebble would keep it."""

    return Answers


def _opened(paths: list[str]) -> dict[str, bool]:
    return {path: os.access(path, os.R_OK | os.W_OK) for path in paths}


def _wait(ends_after: float, *, stubborn: bool) -> None:
    """Take signals until one ends the program."""
    while True:
        caught = signal.sigwait(_SIGNALS)
        tell('signal', signal=signal.Signals(caught).name)
        if caught == _CRASH:
            tell('crashed')
            os._exit(7)
        if caught == signal.SIGTERM and not stubborn:
            break
    # SIGTERM was for the whole group; another one must not cut short what is being saved.
    threading.Event().wait(ends_after)
    tell('ended')


def main() -> int:
    """Run until told to stop."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    orders = behaviour()
    name = pathlib.Path(sys.argv[0]).name
    port, path = _PLACES[name]
    umask = os.umask(0)
    os.umask(umask)
    tell(
        'started',
        arguments=sys.argv,
        folder=os.getcwd(),
        umask=umask,
        environment=dict(os.environ),
        opened=_opened(orders.get('open', [])),
    )
    if name == 'node' and not pathlib.Path(sys.argv[1]).is_file():
        print(f'Cannot find module {sys.argv[1]}', file=sys.stderr)
        return 1
    if 'exit' in orders:
        print(orders.get('says', 'as told'), file=sys.stderr)
        return orders['exit']
    server = http.server.ThreadingHTTPServer(('127.0.0.1', port), _handler(path))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    tell('listening', port=port)
    _wait(orders.get('ends_after', 0), stubborn=orders.get('stubborn', False))
    return 0


if __name__ == '__main__':
    # Not sys.exit: it would wait for requests that are being answered.
    status = main()
    sys.stderr.flush()
    os._exit(status)
