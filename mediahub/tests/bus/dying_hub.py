# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A hub that is killed right after its first commit, before the broker hears of it.

python dying_hub.py BROKER DATABASE HUB
"""

from __future__ import annotations

import asyncio
import os
import pathlib
import signal
import sys
from collections.abc import Sequence

from mediahub.bus.broker import Broker
from mediahub.bus.jetstream import JetStreamBus
from mediahub.bus.recorder import Recorder
from mediahub.plays import PlaybackEvent
from mediahub.store.database import Database
from mediahub.store.letters import DeadLetters
from mediahub.store.outbox import Outbox
from mediahub.store.plays import Plays, Recorded


class Last(Plays):
    """Plays whose first batch is their last."""

    def record(self, events: Sequence[PlaybackEvent]) -> Recorded:
        """Commit, and die."""
        super().record(events)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError('nobody survives that')


def main(arguments: Sequence[str]) -> int:
    """Live for as long as it takes."""
    if len(arguments) != 3:
        print('usage: dying_hub.py BROKER DATABASE HUB', file=sys.stderr)
        return 2
    address, file, hub = arguments
    with Database(pathlib.Path(file)) as database:
        bus = JetStreamBus(
            Broker.at([address]),
            Outbox(database),
            Recorder(Last(database), database.run),
            DeadLetters(database),
            database.run,
            hub,
            lambda: hub,
        )
        asyncio.run(bus.run())
    return 1


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
