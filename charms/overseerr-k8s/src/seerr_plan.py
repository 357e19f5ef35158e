# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Decide what shall be, from what was read. Nothing here reads or writes anything."""

from __future__ import annotations

import dataclasses
import enum
import typing
from collections.abc import Collection
from typing import Any, Final, TypeAlias

import seerr
import seerr_settings
from charmarr_lib import config
from charmarr_lib.interfaces import (
    Absent,
    Answer,
    Malformed,
    MediaServer,
    MediaServerProviderData,
    Valid,
)
from seerr import Failed, Flavour, Image
from seerr_folder import Folder, Record
from seerr_options import Options
from seerr_servers import Address, Choice, Configured, Server, choose
from seerr_settings import Fault, Settings, Stage, Wanted

_ONLY_PLEX: Final = frozenset({MediaServer.PLEX})
_ALL: Final = frozenset(MediaServer)

ServerAnswer: TypeAlias = Answer[MediaServerProviderData]


class Duty(enum.Enum):
    """What this unit is there for."""

    RUN = enum.auto()
    IDLE = enum.auto()  # another unit runs Seerr; two would have a database each
    HOLD = enum.auto()  # no leader yet: what runs goes on, and nothing is begun
    LEAVE = enum.auto()  # removed, or scaled to zero: nothing is begun


@dataclasses.dataclass(frozen=True)
class Room:
    """The container.

    Attributes:
        image: What the image holds, None when it is none of the programs.
        folder: The config folder.
        running: Whether Seerr runs.
        up: Whether its check passes.
    """

    image: Image | None
    folder: Folder
    running: bool
    up: bool


@dataclasses.dataclass(frozen=True)
class World:
    """All that was read in one dispatch.

    Attributes:
        model: Name of the model, which is the namespace.
        app: Name of the application.
        unit: Name of the unit.
        options: The options, or what is wrong with them.
        planned: How many units there shall be.
        leader: Whether this unit is the leader.
        servers: What the related media servers say, in the order of their relations.
        ingress: Whether there is an ingress.
        ingress_url: Its URL for people, None while it has none.
        api_key: The key in the secret, None when there is none or it is not ours to read.
        room: The container, None when Pebble does not answer.
    """

    model: str
    app: str
    unit: str
    options: Options | config.Invalid
    planned: int
    leader: bool
    servers: tuple[ServerAnswer, ...]
    ingress: bool
    ingress_url: str | None
    api_key: str | None = dataclasses.field(repr=False)
    room: Room | None

    @property
    def duty(self) -> Duty:
        """What this unit is there for."""
        if self.planned == 0:
            return Duty.LEAVE
        if self.leader:
            return Duty.RUN
        return Duty.IDLE if self.planned > 1 else Duty.HOLD

    @property
    def fault(self) -> Fault | None:
        """Why Seerr must not be started, None if it may or nobody can tell."""
        return fault(self.room) if self.room is not None else None

    @property
    def pending(self) -> tuple[str, ...]:
        """Related applications that have not said where they are."""
        return tuple(each.app for each in self.servers if isinstance(each, Absent))

    @property
    def malformed(self) -> tuple[Malformed, ...]:
        """Answers that do not follow the interface."""
        return tuple(each for each in self.servers if isinstance(each, Malformed))

    @property
    def related(self) -> tuple[Server, ...]:
        """The media servers that have said where they are."""
        return tuple(
            Server(each.app, each.data.server, Address.from_url(each.data.api_url))
            for each in self.servers
            if isinstance(each, Valid)
        )


@dataclasses.dataclass(frozen=True)
class Ready:
    """A world in which Seerr can be run: nothing is missing and nothing is damaged."""

    world: World
    options: Options
    image: Image
    folder: Folder
    settings: Settings
    running: bool

    @property
    def flavour(self) -> Flavour:
        """Which of the three programs it is."""
        return self.image.flavour

    @property
    def stage(self) -> Stage:
        """How far the set-up is."""
        return seerr_settings.stage(self.settings, self.folder.database, self.flavour)

    @property
    def choice(self) -> Choice:
        """Which media server to use."""
        return choice(self.world, self.options, self.image, self.settings, self.stage)

    @property
    def outside_url(self) -> str | None:
        """URL that people use, None when it is not the charm's to say."""
        return self.options.external_url or self.world.ingress_url


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is to be done.

    Attributes:
        api_key: The key that holds.
        settings: What the settings file shall say, written while Seerr is stopped; None when it
            says so already.
        record: What the charm's note shall say.
        host: Media server whose host is to be set through the API.
        application_url: URL to be set through the API.
    """

    api_key: str = dataclasses.field(repr=False)
    settings: Settings | None
    record: Record | None
    host: Server | None
    application_url: str | None


def fault(room: Room) -> Fault | None:
    """Say why Seerr must not be started, or None.

    While it runs the file may be caught in the middle of a save, and is not looked at.
    """
    if room.folder.restoring:
        return Fault.RESTORING
    if room.running or room.image is None:
        return None
    if room.folder.settings is None:
        return Fault.NOT_JSON
    return seerr_settings.fault(room.folder.settings, room.folder.database, room.image.flavour)


def ready(world: World) -> Ready | None:
    """Return the world as one in which Seerr can be run, or None."""
    room = world.room
    if room is None or room.image is None or isinstance(world.options, config.Invalid):
        return None
    if room.folder.settings is None or fault(room) is not None:
        return None
    return Ready(world, world.options, room.image, room.folder, room.folder.settings, room.running)


def choice(
    world: World, options: Options, image: Image, settings: Settings, stage: Stage
) -> Choice:
    """Choose among the related media servers."""
    return choose(
        world.related,
        options.media_server,
        configured=configured(settings, stage, image.flavour),
        usable=usable(image.flavour),
        pending=world.pending,
    )


def usable(flavour: Flavour) -> Collection[MediaServer]:
    """Return the kinds of media server that a flavour can use."""
    return _ONLY_PLEX if flavour.knows_only_plex else _ALL


def configured(settings: Settings, stage: Stage, flavour: Flavour) -> Configured | None:
    """Return what Seerr has been set up with, or None before anybody has signed in."""
    if stage is Stage.NEW:
        return None
    if flavour.knows_only_plex or stage is Stage.FOREIGN:
        kind = MediaServer.PLEX
    else:
        kind = seerr_settings.SERVER_TYPES[typing.cast('int', settings.server_type)]
    return Configured(kind, settings.address(kind))


def decide(now: Ready, fresh_key: str) -> Plan:
    """Decide what is to be done.

    Args:
        now: What there is.
        fresh_key: The key to use when there is none yet.
    """
    key = now.settings.api_key or now.world.api_key or fresh_key
    wanted = _wanted(now, key)
    through_api = now.running and now.stage in (Stage.SIGNED_IN, Stage.DONE)
    by_file = dataclasses.replace(wanted, application_url=None) if through_api else wanted
    merged = seerr_settings.merge(now.settings, by_file, now.stage, now.flavour)
    url = wanted.application_url
    return Plan(
        api_key=merged.api_key or key,
        settings=None if merged.values == now.settings.values else merged,
        record=_record(now),
        host=_host(now),
        application_url=url if through_api and url != now.settings.application_url else None,
    )


def _wanted(now: Ready, key: str) -> Wanted:
    plex = now.choice.server if now.stage is Stage.NEW else None
    url, trust = _outside(now)
    return Wanted(
        api_key=key,
        plex=plex.address if plex and plex.kind is MediaServer.PLEX else None,
        application_url=url,
        trust_proxy=trust,
    )


def _outside(now: Ready) -> tuple[str | None, bool | None]:
    """Return URL and trust in the proxy as they shall be; None for what is the user's."""
    if now.outside_url:
        return now.outside_url, True
    record = now.folder.record
    if record is None or now.world.ingress:  # a gateway that has lost its host for a moment
        return None, None
    ours = now.settings.application_url == record.url
    return record.url_before if ours else None, record.trust_before


def _record(now: Ready) -> Record | None:
    known = now.folder.record
    if now.stage is Stage.FOREIGN:
        return known
    if not now.outside_url:
        return known if now.world.ingress else None
    if known is not None:
        return dataclasses.replace(known, url=now.outside_url)
    trusts = now.settings.network(now.flavour).get('trustProxy') is True
    return Record(now.outside_url, now.settings.application_url, trusts)


def _host(now: Ready) -> Server | None:
    """Return the server whose host Seerr has to learn through its API.

    Only a finished set-up is touched: before, the user may be typing another host.
    """
    server = now.choice.server
    if now.stage is not Stage.DONE or server is None:
        return None
    return None if now.settings.address(server.kind) == server.address else server


def exposes(now: Ready) -> bool:
    """Tell whether the outside world may reach Seerr.

    Whoever is first to sign in becomes administrator, with any account of any media server.
    """
    return now.settings.is_initialized or now.options.expose_setup


def own(world: World) -> Room:
    """Return the container, if this unit may change it.

    Raises:
        Failed: if not, or if it cannot be reached.
    """
    if world.duty is not Duty.RUN:
        raise Failed(f'only the leader runs Seerr; run the action on {world.app}/leader')
    if world.room is None:
        raise Failed('the container cannot be reached yet')
    return world.room


def running(world: World) -> Ready:
    """Return the world if Seerr runs in it and this unit may change it.

    Raises:
        Failed: if not.
    """
    own(world)
    now = ready(world)
    if now is None or not now.running:
        raise Failed('Seerr does not run; see juju status')
    return now


def layer(world: World) -> Any:
    """Return the layer that would run Seerr in this world, damaged settings or not.

    Raises:
        Failed: if there is none, or this unit may not run it.
    """
    image = own(world).image
    if image is None:
        raise Failed('the image holds no Seerr')
    if isinstance(world.options, config.Invalid):
        raise Failed(str(world.options))
    return seerr.layer(image, world.options.log_level, world.options.timezone)
