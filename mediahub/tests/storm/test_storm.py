# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""500 streams, and everything around them fails: nothing is lost and nothing is counted twice.

Here the storm is short. ``STORM=full`` makes it as long as the plan in
:class:`mediahub.testing.storm.Plan`; ``STORM_SEED`` chooses another one.
"""

from __future__ import annotations

import dataclasses
import datetime
import fcntl
import os
import pathlib
import tempfile
from collections.abc import Generator

import pytest

from mediahub.testing import storm
from mediahub.testing.broker import NatsServer, program
from mediahub.testing.storm_count import Count
from mediahub.testing.storm_hub import HubProcess

FULL = os.environ.get('STORM') == 'full'


def plan() -> storm.Plan:
    full = storm.Plan(seed=int(os.environ.get('STORM_SEED') or 8))
    if FULL:
        return full
    return dataclasses.replace(
        full,
        seconds=75,
        shortest=30,
        darkness=4,
        server_restarts=1,
        cuts=1,
        broker_restarts=2,
        hub_kills=1,
    )


def say(line: str) -> None:
    print(f'{datetime.datetime.now(datetime.UTC):%H:%M:%S} {line}')


@pytest.fixture(autouse=True)
def alone() -> Generator[None]:
    """One storm at a time: on a small machine two would be about the machine."""
    with (pathlib.Path(tempfile.gettempdir()) / 'mediahub-storm.lock').open('w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture
def broker(tmp_path: pathlib.Path) -> Generator[NatsServer]:
    if program() is None:
        pytest.skip(
            'nats-server is not installed; apt-get install nats-server, or set NATS_SERVER'
        )
    folder = tmp_path / 'nats'
    folder.mkdir()
    server = NatsServer(folder)
    server.start()
    yield server
    server.stop()


def raged(folder: pathlib.Path, broker: NatsServer | None, hubs: int) -> list[Count]:
    """Let a storm rage over so many hubs; what it left is in the folder."""
    plex = storm.living()
    with plex.served() as network:
        by_nats = {'NATS_URL': broker.address} if broker else {}
        watching = {'ENABLE_PLEX_SYNC': 'true', 'PLEX_URL': network.url, 'PLEX_TOKEN': plex.token}
        first = HubProcess(folder / 'first', **watching, **by_nats)
        others = [HubProcess(folder / f'{n}', **by_nats) for n in range(1, hubs)]
        return storm.Storm(plan(), plex, network, [first, *others], broker, say).rage()


def assert_nothing_happened(count: Count) -> None:
    say(str(count))
    assert count.expected >= 400
    assert count.lost == []
    assert count.doubled == []
    assert count.unfinished == 0
    assert count.astray == []


def test_a_storm_over_a_hub_by_itself_costs_no_play(tmp_path: pathlib.Path):
    (count,) = raged(tmp_path, None, 1)

    assert_nothing_happened(count)


def test_a_storm_over_two_hubs_and_their_broker_costs_neither_a_play(
    tmp_path: pathlib.Path, broker: NatsServer
):
    counts = raged(tmp_path, broker, 2)

    for count in counts:
        assert_nothing_happened(count)
