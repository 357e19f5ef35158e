# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Decide what to do from what was read: pure functions of frozen values."""

from __future__ import annotations

import dataclasses
import enum
from typing import TypeAlias

import plex_layer
import plex_options
from charmarr_lib import config, kubernetes
from charmarr_lib.interfaces import Answer, MediaStorageProviderData, Valid
from charmarr_lib.kubernetes import overlay as overlays

Storage: TypeAlias = Answer[MediaStorageProviderData] | None
"""What the storage relation says; None when there is no relation."""

PodOutcome: TypeAlias = kubernetes.Outcome | kubernetes.Pending
"""What became of the pod's overlay, or what would."""


class Duty(enum.Enum):
    """What this unit is there for."""

    RUN = 'run'
    """It is the leader, and runs Plex."""
    IDLE = 'idle'
    """Another unit is; two Plex must never write one database."""
    HOLD = 'hold'
    """Neither: the only unit between two leaderships, or one that is on its way out."""


class Rest(enum.Enum):
    """The workload is not to be run."""

    STOP = 'stop'
    HOLD = 'hold'
    """It stays as it is: nothing is started, nothing is stopped."""


@dataclasses.dataclass(frozen=True)
class Run:
    """The workload is to be run.

    Attributes:
        launch: How it is started.
        log_level: What it should log.
        has_scratch: Whether there is a folder for transcoding.
    """

    launch: plex_layer.Launch
    log_level: plex_options.LogLevel
    has_scratch: bool


Course: TypeAlias = Run | Rest
"""What happens to the workload."""


@dataclasses.dataclass(frozen=True)
class Room:
    """The workload container, seen from inside.

    Attributes:
        mounts: Mount points.
        devices: Device files of the GPU.
    """

    mounts: frozenset[str]
    devices: tuple[plex_layer.Device, ...]


@dataclasses.dataclass(frozen=True)
class World:
    """Everything that a decision rests on.

    Attributes:
        app: Name of the Juju application.
        options: What the operator wants, or what is wrong with it.
        planned: How many units the operator wants.
        leader: Whether this unit is the leader.
        storage: What the storage relation says.
        room: The workload container, None while Pebble cannot be reached.
    """

    app: str
    options: plex_options.PlexOptions | config.Invalid
    planned: int
    leader: bool
    storage: Storage
    room: Room | None

    @property
    def duty(self) -> Duty:
        """What this unit is there for."""
        if not self.leader:
            return Duty.IDLE if self.planned > 1 else Duty.HOLD
        return Duty.RUN if self.planned > 0 else Duty.HOLD

    @property
    def volume(self) -> MediaStorageProviderData | None:
        """The shared volume, None while nobody has published one."""
        return self.storage.data if isinstance(self.storage, Valid) else None


def overlay(world: World) -> kubernetes.PodOverlay | None:
    """Return all that the pod should carry, or None when it should stay as it is.

    Without storage nothing is asked for, not even the GPU: Plex does not run then, and asking for
    all at once restarts the pod once.
    """
    if world.duty is not Duty.RUN:
        return None
    if world.storage is None:
        return kubernetes.PodOverlay(plex_layer.CONTAINER)
    if world.volume is None or isinstance(world.options, config.Invalid):
        return None
    if plex_layer.hides(world.volume.mount_path):
        return None
    wishes = (
        kubernetes.SharedVolume(world.volume.pvc_name, world.volume.mount_path),
        *_device(world.options),
        *_scratch(world.options),
    )
    return kubernetes.PodOverlay(plex_layer.CONTAINER, wishes)


def _device(options: plex_options.PlexOptions) -> tuple[overlays.Wish, ...]:
    if not options.hardware_transcoding:
        return ()
    if options.gpu_resource:
        return (kubernetes.DeviceResource(options.gpu_resource),)
    return (kubernetes.HostDevice(plex_layer.DEVICES),)


def _scratch(options: plex_options.PlexOptions) -> tuple[overlays.Wish, ...]:
    if not options.transcode_size:
        return ()
    return (kubernetes.ScratchVolume(plex_layer.TRANSCODE, options.transcode_size),)


def settled(outcome: PodOutcome) -> PodOutcome:
    """Leave the pod as it is while the volume that it should carry cannot be mounted.

    What it carries now may be all that there is to watch, and the rest can wait for one rollout.
    """
    if isinstance(outcome, kubernetes.Pending) and any(
        isinstance(each.wish, kubernetes.SharedVolume) for each in outcome.left_out
    ):
        return kubernetes.Unchanged(outcome.left_out)
    return outcome


def course(world: World, *, rollout: bool) -> Course:
    """Decide what happens to the workload.

    Args:
        world: What was read.
        rollout: Whether the pod is about to be replaced; Plex is stopped first, because the pod's
            own grace is too short for it.
    """
    duty = world.duty
    if world.storage is None or duty is Duty.IDLE or (rollout and duty is Duty.RUN):
        return Rest.STOP
    ready = duty is Duty.RUN and missing_mount(world) is None
    if not ready or world.volume is None or world.room is None:
        return Rest.HOLD
    if isinstance(world.options, config.Invalid):
        return Rest.HOLD
    return _run(world.options, world.volume, world.room)


def _run(options: plex_options.PlexOptions, volume: MediaStorageProviderData, room: Room) -> Run:
    devices = room.devices if options.hardware_transcoding else ()
    launch = plex_layer.Launch(
        user_id=volume.puid,
        group_id=volume.pgid,
        device_groups=plex_layer.device_groups(devices),
        timezone=options.timezone,
    )
    return Run(launch, options.log_level, plex_layer.TRANSCODE in room.mounts)


def missing_mount(world: World) -> str | None:
    """Return what Plex needs and this pod does not have mounted yet, None if it has all."""
    if world.volume is None or plex_layer.hides(world.volume.mount_path):
        return 'the shared volume'
    mounts = world.room.mounts if world.room else frozenset[str]()
    needed = (plex_layer.CONFIG, world.volume.mount_path)
    return next((each for each in needed if each not in mounts), None)
