# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Say how the unit is, and what the operator should do next."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import hub_plan
import hub_servers
from charmarr_lib import config
from charmarr_lib.interfaces import MediaServer
from charmarr_lib.status import Status, active, blocked, waiting
from hub_container import Health
from hub_plan import Duty, Plan, World
from hub_servers import Server


@dataclasses.dataclass(frozen=True)
class Seen:
    """The end of one dispatch.

    Attributes:
        world: What was read.
        trouble: What the container refused, empty if nothing.
        health: How the hub is, None where it was not asked.
    """

    world: World
    trouble: str = ''
    health: Health | None = None


def report(seen: Seen) -> Status:
    """Return the unit's status: the first thing in the way, or what is worth knowing."""
    obstacle = next(_obstacles(seen), None)
    return obstacle or active('; '.join(_remarks(seen)))


def _obstacles(seen: Seen) -> Iterator[Status]:
    world = seen.world
    if isinstance(world.options, config.Invalid):
        yield blocked(str(world.options))
    if world.duty is Duty.IDLE:
        yield blocked(f'only the leader runs the hub; run: juju scale-application {world.app} 1')
    if world.room is None:
        yield waiting('waiting for Pebble')
        return
    if not world.room.mounted:
        yield waiting('waiting for the storage "data"')
    for fault in world.secrets.faults:
        yield blocked(fault)
    if seen.trouble:
        yield blocked(seen.trouble)
    if not world.room.running:
        yield waiting(_why_not_running(world.duty))
    elif seen.health is not None and not seen.health.answers:
        yield waiting('the hub runs but does not answer yet')
    yield from _about_servers(seen)


def _why_not_running(duty: Duty) -> str:
    if duty is Duty.LEAVE:
        return 'going away'
    return 'waiting for leadership' if duty is Duty.HOLD else 'starting the hub'


def _about_servers(seen: Seen) -> Iterator[Status]:
    world = seen.world
    for clash in world.roster.clashes:
        yield blocked(clash)
    for malformed in hub_servers.malformed(world.answers):
        yield waiting(malformed)
    for problem in seen.health.problems if seen.health else ():
        yield waiting(problem)


def _remarks(seen: Seen) -> Iterator[str]:
    world = seen.world
    if not world.answers:
        yield f'no media server; run: juju relate {world.app} plex'
    plan = hub_plan.decide(world)
    if plan is not None:
        yield from _about_watching(world, plan)
    for app in hub_servers.pending(world.answers):
        yield f'waiting for {app} to say where it is'
    if world.planned > 1:
        yield f'only this unit runs the hub; run: juju scale-application {world.app} 1'


def _about_watching(world: World, plan: Plan) -> Iterator[str]:
    silent = set(hub_servers.pending(world.answers))
    told = [each.name for each in plan.watched if each.app not in silent]
    if told:
        yield f'watching {", ".join(told)}'
    if plan.missing:
        yield _missing(world, plan.missing)


def _missing(world: World, servers: tuple[Server, ...]) -> str:
    names = ', '.join(each.name for each in servers)
    plex = servers[0].kind is MediaServer.PLEX
    option = 'plex-token' if plex else 'jellyfin-token'
    return (
        f'no token for {names}; run: juju add-secret {option} token#file=./token, '
        f'juju grant-secret {option} {world.app}, '
        f'juju config {world.app} {option}=(id of the secret)'
    )
