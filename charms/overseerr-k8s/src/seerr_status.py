# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Say how the unit is, and what the operator should do next."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import seerr
import seerr_plan
from charmarr_lib import config
from charmarr_lib.interfaces import MediaServer
from charmarr_lib.status import Status, active, blocked, waiting
from seerr_plan import Duty, Ready, World
from seerr_settings import Stage
from seerr_work import Note


@dataclasses.dataclass(frozen=True)
class Seen:
    """The end of one dispatch.

    Attributes:
        world: What was read.
        trouble: What the container refused, empty if nothing.
        notes: What could not be done through Seerr's API.
    """

    world: World
    trouble: str = ''
    notes: tuple[Note, ...] = ()


def report(seen: Seen) -> Status:
    """Return the unit's status: the first thing in the way, or what is worth knowing."""
    obstacle = next(_obstacles(seen), None)
    return obstacle or active('; '.join(_remarks(seen.world)))


def _obstacles(seen: Seen) -> Iterator[Status]:
    world = seen.world
    if isinstance(world.options, config.Invalid):
        yield blocked(str(world.options))
    if world.duty is Duty.IDLE:
        yield blocked(f'only the leader runs Seerr; run: juju scale-application {world.app} 1')
    if world.room is None:
        yield waiting('waiting for Pebble')
        return
    if world.room.image is None:
        yield blocked('the image holds no Seerr: refresh with --resource seerr-image=…')
    if world.fault:
        yield blocked(world.fault.value)
    if seen.trouble:
        yield blocked(seen.trouble) if world.room.running else waiting(seen.trouble)
    if not world.room.running:
        yield waiting(_why_not_running(world.duty))
    elif not world.room.up:
        yield waiting('Seerr runs but does not answer yet')
    yield from _about_servers(seen)


def _why_not_running(duty: Duty) -> str:
    if duty is Duty.LEAVE:
        return 'going away'
    return 'waiting for leadership' if duty is Duty.HOLD else 'starting Seerr'


def _about_servers(seen: Seen) -> Iterator[Status]:
    for malformed in seen.world.malformed:
        yield waiting(str(malformed))
    now = seerr_plan.ready(seen.world)
    if now is not None and now.choice.problem:
        yield blocked(now.choice.problem)
    for note in seen.notes:
        yield blocked(note.message) if note.blocked else waiting(note.message)


def _remarks(world: World) -> Iterator[str]:
    now = seerr_plan.ready(world)
    if now is None:
        return
    if now.stage in (Stage.NEW, Stage.SIGNED_IN):
        yield f'not set up; {_how_to_set_up(now)}'
        if now.options.expose_setup and world.ingress:
            yield 'the ingress is open: the first visitor becomes administrator'
    else:
        yield from _use(now)
    if world.planned > 1:
        yield f'only this unit runs Seerr; run: juju scale-application {world.app} 1'


def _use(now: Ready) -> Iterator[str]:
    choice = now.choice
    if choice.server is not None and choice.others:
        yield f'using {choice.server.app}; ignoring: {", ".join(choice.others)}'


def _how_to_set_up(now: Ready) -> str:
    """Say how to reach the wizard, which no ingress leads to."""
    world = now.world
    browser = (
        f'kubectl -n {world.model} port-forward {world.unit.replace("/", "-")} {seerr.PORT}, '
        f'then open http://localhost:{seerr.PORT}'
    )
    server = now.choice.server
    if server is None:
        return f'run: {browser}'
    action = 'setup-plex' if server.kind is MediaServer.PLEX else 'setup-jellyfin'
    return (
        f'run: juju run {world.app}/leader {action} credentials=(secret), or: {browser}'
        f'{_offer(now)}'
    )


def _offer(now: Ready) -> str:
    kinds = seerr_plan.usable(now.flavour)
    names = [each.app for each in now.world.related if each.kind in kinds]
    return f' (choose one of: {", ".join(names)})' if len(names) > 1 else ''
