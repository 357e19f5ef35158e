# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Say how the unit is, and what the operator should do next."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Final

import plex
import plex_container
import plex_layer
import plex_plan
from charmarr_lib import config, kubernetes, pebble
from charmarr_lib.interfaces import Absent, Malformed
from charmarr_lib.status import Status, active, blocked, waiting


@dataclasses.dataclass(frozen=True)
class Seen:
    """The end of one dispatch.

    Attributes:
        world: What was read.
        pod: What became of the pod's overlay, None if it was not looked at.
        trouble: What came in the way in the container, None if nothing.
        identity: What Plex says of itself, None while it does not answer.
        notes: What is not as the operator wants it, though Plex runs.
    """

    world: plex_plan.World
    pod: plex_plan.PodOutcome | None = None
    trouble: Status | None = None
    identity: plex.Identity | None = None
    notes: tuple[str, ...] = ()


def trouble(error: pebble.ProgramError, namespace: str, pod: str) -> Status:
    """Return what to say when the container did not do what was decided."""
    if isinstance(error, pebble.Exited):
        return blocked(
            f'Plex does not stay up; run: kubectl logs -n {namespace} {pod} '
            f'-c {plex_layer.CONTAINER}'
        )
    if isinstance(error, plex_container.OwnerError):
        return blocked(str(error))
    return waiting(str(error))


def report(seen: Seen) -> Status:
    """Return the unit's status: the first thing in the way, or what is worth knowing."""
    return next(_obstacles(seen), None) or active('; '.join(_remarks(seen)))


def _obstacles(seen: Seen) -> Iterator[Status]:
    if seen.world.planned == 0 and seen.identity is None:
        yield waiting('going away, or scaled to zero')
    yield from _in_the_model(seen.world)
    yield from _in_the_pod(seen.pod)
    yield from _in_the_container(seen)


def _in_the_model(world: plex_plan.World) -> Iterator[Status]:
    if world.room is None:
        yield waiting('waiting for Pebble')
    if isinstance(world.options, config.Invalid):
        yield blocked(str(world.options))
    if world.duty is plex_plan.Duty.IDLE:
        yield blocked(f'only the leader runs Plex; run: juju scale-application {world.app} 1')
    if world.storage is None:
        yield blocked(f'needs storage; run: juju relate {world.app} charmarr-storage')
    if isinstance(world.storage, Absent):
        yield waiting(f'waiting for {world.storage.app or "the storage"} to publish its volume')
    if isinstance(world.storage, Malformed):
        yield waiting(str(world.storage))
    if world.volume and plex_layer.hides(world.volume.mount_path):
        yield blocked(
            f'the storage wants to be mounted at {world.volume.mount_path}, which would hide '
            f'{plex_layer.hides(world.volume.mount_path)}; change its mount-path, such as to /data'
        )


def _in_the_pod(pod: plex_plan.PodOutcome | None) -> Iterator[Status]:
    if isinstance(pod, kubernetes.Refused):
        yield blocked(str(pod))
    elif isinstance(pod, kubernetes.Unreachable):
        yield waiting(f'{pod}; trying again at the next event')
    elif isinstance(pod, kubernetes.Gone):
        yield waiting('the application is going away')
    elif isinstance(pod, kubernetes.Pending):
        yield waiting('the pod is about to change')
    elif isinstance(pod, kubernetes.Applied) and pod.rollout:
        yield waiting('waiting for the pod to be replaced')
    for each in _left_out(pod):
        if isinstance(each.wish, kubernetes.SharedVolume):
            yield blocked(f'cannot mount the shared volume: {each.reason}')


def _in_the_container(seen: Seen) -> Iterator[Status]:
    missing = plex_plan.missing_mount(seen.world)
    if missing:
        yield waiting(f'waiting for {missing} to be mounted')
    if seen.trouble:
        yield seen.trouble
    if seen.world.duty is plex_plan.Duty.HOLD and seen.identity is None:
        yield waiting('waiting for leadership')
    if seen.identity is None:
        yield waiting('starting Plex')


def _remarks(seen: Seen) -> Iterator[str]:
    world = seen.world
    if seen.identity and not seen.identity.claimed:
        yield _unclaimed(world.app)
    if isinstance(world.options, config.Invalid):
        return
    if world.options.hardware_transcoding and not found_gpu(world):
        yield f'hardware transcoding is on, but {_why_no_gpu(seen.pod)}'
    if world.planned > 1:
        yield f'only this unit runs Plex; run: juju scale-application {world.app} 1'
    yield from seen.notes


def _unclaimed(app: str) -> str:
    return f'unclaimed; run: juju run {app}/leader claim-server token=(from https://plex.tv/claim)'


def found_gpu(world: plex_plan.World) -> bool:
    """Tell whether the container has a device that can transcode."""
    return world.room is not None and any(each.can_render for each in world.room.devices)


_NO_RENDER_NODE: Final = f'this node has no {plex_layer.DEVICES}/renderD*'


def _why_no_gpu(pod: plex_plan.PodOutcome | None) -> str:
    reasons = (
        each.reason for each in _left_out(pod) if isinstance(each.wish, kubernetes.DeviceResource)
    )
    return next(reasons, _NO_RENDER_NODE)


def _left_out(pod: plex_plan.PodOutcome | None) -> tuple[kubernetes.LeftOut, ...]:
    if isinstance(pod, kubernetes.Applied | kubernetes.Unchanged | kubernetes.Pending):
        return pod.left_out
    return ()
