# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""``/metrics``: what is true when Prometheus asks, and what was counted since the start."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..bus.ports import State as BusState
from ..engine import wire
from ..plays import Play
from ..store.database import State, StoreError
from . import metrics
from .hub import Hub
from .metrics import Gauge

PATH = '/metrics'


def route(hub: Hub) -> Route:
    """The route. It is open: it tells no names of viewers or titles, and no addresses."""

    async def exposed(request: Request) -> Response:
        gauges = await _gauges(hub)
        return Response(hub.metrics.exposed(gauges), media_type=metrics.CONTENT_TYPE)

    return Route(PATH, exposed)


async def _gauges(hub: Hub) -> list[Gauge]:
    answers, plays = True, list[Play]()
    try:
        plays = await hub.database.run(hub.plays.live)
    except StoreError:
        answers = False
    writable = answers and hub.database.health.state is State.OK
    return [
        Gauge('mediahub_info', 'The running hub.', ('version',)).set(1, wire.VERSION),
        Gauge('mediahub_store_up', 'Whether the database answers.').set(answers),
        Gauge('mediahub_store_writable', 'Whether it takes what is new.').set(writable),
        *_of_plays(hub, plays),
        *_of_servers(hub),
        *_of_bus(hub),
        _database(hub),
        *_of_retention(hub),
        Gauge('mediahub_live_listeners', 'Listeners of live events.').set(len(hub.feed)),
    ]


def _of_plays(hub: Hub, plays: Sequence[Play]) -> Iterable[Gauge]:
    sessions = Gauge('mediahub_sessions', 'What plays, by server and state.', ('server', 'state'))
    streams = Gauge(
        'mediahub_streams', 'What plays, by server and decision.', ('server', 'decision')
    )
    bandwidth = Gauge(
        'mediahub_bandwidth_kilobits', 'Reserved bandwidth, by server and place.', ('server', 'to')
    )
    names = {server.machine_id: server.name for server in hub.servers}
    for play in plays:
        name = names.get(play.server, play.server)
        sessions.add(1, name, play.state.value)
        streams.add(1, name, play.stream.decision.value)
        bandwidth.add(play.stream.bandwidth or 0, name, 'lan' if play.player.local else 'wan')
    return sessions, streams, bandwidth


def _of_servers(hub: Hub) -> Iterable[Gauge]:
    label = ('server',)
    up = Gauge('mediahub_server_up', 'Whether the last look at a server was a good one.', label)
    live = Gauge('mediahub_server_realtime', 'Whether a server tells of changes itself.', label)
    token = Gauge('mediahub_server_token_valid', "Whether a server takes the hub's token.", label)
    seen = Gauge(
        'mediahub_server_snapshot_timestamp_seconds', 'When a server last answered well.', label
    )
    failures = Gauge(
        'mediahub_server_failures',
        'Looks in a row that failed.',
        label,
    )
    unsaved = Gauge('mediahub_server_unsaved_events', 'Events that wait in memory.', label)
    for server in hub.servers:
        state = server.watcher.state
        up.set(state.connected, server.name)
        live.set(state.realtime, server.name)
        token.set(not state.token_dead, server.name)
        seen.set(state.snapshot_at.timestamp() if state.snapshot_at else None, server.name)
        failures.set(state.failures, server.name)
        unsaved.set(state.unsaved, server.name)
    return up, live, token, seen, failures, unsaved


def _of_bus(hub: Hub) -> Iterable[Gauge]:
    status = hub.bus.status
    running = status.state is BusState.RUNNING
    yield Gauge('mediahub_bus_up', 'Whether events move.', ('transport',)).set(
        running, status.transport
    )
    yield Gauge('mediahub_outbox_events', 'Events that wait to be passed on.').set(status.outbox)
    yield Gauge('mediahub_bus_behind_events', "Events of the broker's that were not read.").set(
        status.behind
    )
    yield Gauge('mediahub_bus_lag_seconds', 'From the last event to its commit.').set(status.lag)
    yield Gauge('mediahub_bus_recorded_events', 'Events that told something.').set(status.recorded)
    yield Gauge('mediahub_bus_repeated_events', 'Events that were known.').set(status.repeated)
    yield Gauge('mediahub_bus_published_events', 'Events that the broker confirmed.').set(
        status.published
    )
    yield Gauge('mediahub_bus_dead_letters', 'Events that were set aside.').set(status.dead)


def _database(hub: Hub) -> Gauge:
    gauge = Gauge('mediahub_database_bytes', 'Size of the database and its log.', ('file',))
    for file, suffix in (('database', ''), ('log', '.wal')):
        with contextlib.suppress(OSError):
            gauge.set(os.stat(f'{hub.settings.database}{suffix}').st_size, file)
    return gauge


def _of_retention(hub: Hub) -> Iterable[Gauge]:
    standing = hub.expiry.standing
    yield Gauge('mediahub_retention_days', 'Days that plays are kept; 0 is for ever.').set(
        standing.days
    )
    yield Gauge(
        'mediahub_retention_horizon_timestamp_seconds', 'Plays that ended before are removed.'
    ).set(standing.until.timestamp() if standing.until else None)
    yield Gauge('mediahub_retention_due_plays', 'Plays that wait for being removed.').set(
        standing.due
    )
    yield Gauge(
        'mediahub_retention_wait_seconds', 'Time to run before many plays are removed at once.'
    ).set(standing.left if standing.goal else None)
    yield Gauge('mediahub_retention_removed_plays', 'Plays removed since the start.').set(
        standing.removed
    )
    yield Gauge('mediahub_retention_blocked', 'Whether plays cannot be removed.').set(
        bool(standing.problem)
    )
