# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Notices that another hub on the same broker watches a server that this one watches, too.

Each hub names a play by the second in which it saw it first, so that every play of such a server
is counted twice, in the databases of both.
"""

from __future__ import annotations

import datetime
import logging
from collections.abc import Callable, Collection

from ..plays import PlaybackEvent
from . import ports

# For how long a rival is one after its last event.
LASTING = datetime.timedelta(minutes=10)


_logger = logging.getLogger(__name__)


class Rivals:
    """Other hubs that watch the same servers.

    Args:
        hub: This hub's id.
        servers: The servers that it watches.
        clock: The time.

    Attributes:
        hub: This hub's id.
    """

    def __init__(
        self, hub: str, servers: Callable[[], Collection[str]], clock: ports.Clock = ports.utc_now
    ):
        self.hub = hub
        self._servers = servers
        self._clock = clock
        self._last: dict[str, tuple[str, datetime.datetime]] = {}

    def note(self, hub: str, event: PlaybackEvent) -> None:
        """An event came over the broker.

        Args:
            hub: Who sent it; empty where it does not say so.
            event: What it was.
        """
        if not hub or hub == self.hub or event.play.server not in self._servers():
            return
        if abs(self._clock() - event.at) > LASTING:
            return
        before = self.warning
        self._last[event.play.server] = hub, event.at
        if not before:
            _logger.warning('the bus: %s', self.warning)

    @property
    def warning(self) -> str:
        """What to do about it, in one line; empty where there is no rival."""
        moment = self._clock()
        return '; '.join(
            f'hub {hub[:8]} watches the server {server} as well, so that its plays are counted '
            'twice; let one of the hubs watch it'
            for server, (hub, at) in self._last.items()
            if moment - at <= LASTING
        )
