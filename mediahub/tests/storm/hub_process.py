# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""As much of a hub as a storm needs, in a process of its own; set up by the hub's own variables.

It writes what it has recorded into ``state.json`` in its home, since nobody else can open the
database while it runs.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import pathlib
import signal

import uvloop

from mediahub import settings
from mediahub.bus import choice, ports
from mediahub.bus.recorder import Recorder
from mediahub.engine import wire
from mediahub.playback.plex_api import Address, PlexApi
from mediahub.playback.watcher import Watcher
from mediahub.store.database import Database
from mediahub.store.outbox import Outbox
from mediahub.store.plays import Plays
from mediahub.store.watched import Watched


async def main() -> None:
    """Run until told to stop."""
    found = settings.load(os.environ)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    with Database(found.database) as database:
        plays = Plays(database)
        recorder = Recorder(plays, database.run)
        bus = choice.chosen(found, database, recorder)
        async with wire.pool() as pool, asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(bus.run())]
            for server in found.servers:
                address = Address(server.name, str(server.url), server.token.get_secret_value())
                api = PlexApi(address, pool)
                watcher = Watcher(api, Watched(database), database, wake=bus.wake)
                running.append(tasks.create_task(watcher.run()))
            running.append(tasks.create_task(report(found.home, database, plays, bus)))
            await stop.wait()
            for task in running:
                task.cancel()


async def report(home: pathlib.Path, database: Database, plays: Plays, bus: ports.Bus) -> None:
    """Write down how far it is, for ever."""
    outbox = Outbox(database)

    def look() -> dict[str, object]:
        finished = database.read('SELECT count(*) FROM finished_plays')[0][0]
        return {'live': len(plays.live()), 'finished': finished, 'outbox': outbox.size()}

    while True:
        status = bus.status
        state = await database.run(look)
        state |= {'behind': status.behind or 0, 'state': status.state.value, 'pid': os.getpid()}
        temporary = home / 'state.new'
        temporary.write_text(json.dumps(state))
        temporary.replace(home / 'state.json')
        await asyncio.sleep(0.5)


if __name__ == '__main__':
    logging.basicConfig(level='INFO', format='%(asctime)s %(levelname)s %(name)s: %(message)s')
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
