# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Records once more what the broker still has; what ``mediahub replay`` does."""

from __future__ import annotations

import asyncio
import datetime
import pathlib

from .bus import choice, ports, replay
from .bus.recorder import Recorder
from .engine.errors import ConfigurationError
from .serve import zone
from .settings import Settings
from .settings.kinds import duration
from .store.database import Database
from .store.letters import DeadLetters
from .store.plays import Plays


def moment(text: str, clock: ports.Clock = ports.utc_now) -> datetime.datetime:
    """A moment as people write it: ``36h`` ago, or ``2026-11-01T20:15+01:00``.

    Raises:
        ConfigurationError: It is neither.
    """
    try:
        return clock() - duration(text)
    except ValueError:
        pass
    try:
        found = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(
            [f'--since: {text!r} is neither a duration such as 36h nor a time such as 2026-11-01']
        ) from None
    return found if found.tzinfo else found.astimezone()


def run(
    settings: Settings,
    database: pathlib.Path,
    since: datetime.datetime | None,
    report: replay.Report | None = None,
) -> replay.Replayed:
    """Record once more.

    Args:
        settings: Of the hub, which must not run meanwhile.
        database: Its database.
        since: From when on; None for the dead letters instead.
        report: Told after each batch.

    Raises:
        ConfigurationError: There is no broker to read from.
        MediaHubError: Broker or database cannot be used.
    """
    where = choice.where(settings)
    if where is None and since is not None:
        raise ConfigurationError(
            ['NATS_URL is not set; without a broker there is nothing to read again']
        )
    with Database(database) as opened:
        recorder = Recorder(Plays(opened, zone.local()), opened.run)
        if where is not None and since is not None:
            return asyncio.run(replay.replay(where, recorder, since, report))
        letters = DeadLetters(opened)
        return asyncio.run(replay.replay_letters(where, recorder, letters, opened.run, report))
