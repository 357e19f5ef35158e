# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Decide what shall be, from what was read. Nothing here reads or writes anything."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Collection, Mapping

import hub
import hub_config
from charmarr_lib import config
from hub_options import Options
from hub_servers import Roster, Server, ServerAnswer


class Duty(enum.Enum):
    """What this unit is there for."""

    RUN = enum.auto()
    IDLE = enum.auto()  # another unit runs the hub; two would have a history each
    HOLD = enum.auto()  # no leader yet: what runs goes on, and nothing is begun
    LEAVE = enum.auto()  # removed, or scaled to zero: nothing is begun


@dataclasses.dataclass(frozen=True)
class Room:
    """The container.

    Attributes:
        mounted: Whether the data storage is there.
        config: The configuration file, None where there is none.
        secrets: Names of the secrets whose files are there.
        running: Whether the hub runs.
    """

    mounted: bool
    config: bytes | None
    secrets: frozenset[str]
    running: bool


@dataclasses.dataclass(frozen=True)
class Secrets:
    """What the charm may know and nobody else.

    Attributes:
        values: By the name of their file.
        tokens: Tokens by server, for those that have one.
        faults: One line for each secret that cannot be used.
    """

    values: Mapping[str, str] = dataclasses.field(default_factory=dict[str, str], repr=False)
    tokens: Mapping[str, str] = dataclasses.field(default_factory=dict[str, str], repr=False)
    faults: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class World:
    """All that was read in one dispatch.

    Attributes:
        model: Name of the model, which is the namespace.
        app: Name of the application.
        options: The options, or what is wrong with them.
        planned: How many units there shall be.
        leader: Whether this unit is the leader.
        answers: What the related media servers say, in the order of their relations.
        roster: The media servers, as far as anybody knows them.
        ingress_url: The ingress's URL for people, None while it has none.
        secrets: Tokens and keys.
        room: The container, None when Pebble does not answer.
    """

    model: str
    app: str
    options: Options | config.Invalid
    planned: int
    leader: bool
    answers: tuple[ServerAnswer, ...]
    roster: Roster
    ingress_url: str | None
    secrets: Secrets
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
    def origin(self) -> str | None:
        """URL for people, None where nothing says so."""
        if isinstance(self.options, config.Invalid):
            return None
        return self.options.external_url or self.ingress_url

    @property
    def hosts(self) -> tuple[str, ...]:
        """Names of the hub's Service, the full one first."""
        short = f'{self.app}.{self.model}'
        return f'{short}.svc.cluster.local', f'{short}.svc', short

    @property
    def url(self) -> str:
        """URL inside the cluster."""
        return f'http://{self.hosts[0]}:{hub.PORT}'


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is to be.

    Attributes:
        config: The configuration file.
        secrets: Secrets to be written, by name.
        keep: Names of secrets that stay as they are; all others go.
        watched: Servers that the hub is told of.
        missing: Servers that it is not told of, because nobody gave their token.
        timezone: The hub's.
    """

    config: bytes
    secrets: Mapping[str, str] = dataclasses.field(repr=False)
    keep: Collection[str]
    watched: tuple[Server, ...]
    missing: tuple[Server, ...]
    timezone: str


def decide(world: World) -> Plan | None:
    """Decide what the hub is told; None when it cannot be said just now."""
    room = world.room
    if room is None or not room.mounted or isinstance(world.options, config.Invalid):
        return None
    secrets = dict(world.secrets.values)
    for name, token in world.secrets.tokens.items():
        secrets[hub_config.token_name(name)] = token
    # A secret that cannot be read for a moment is still where it was written before.
    keep = room.secrets if world.secrets.faults else frozenset[str]()
    there = keep | secrets.keys()
    servers = world.roster.servers
    watched = tuple(each for each in servers if hub_config.token_name(each.name) in there)
    named = dict.fromkeys(there, '')
    return Plan(
        config=hub_config.render(world.options, watched, named, world.origin, world.hosts),
        secrets=secrets,
        keep=keep,
        watched=watched,
        missing=tuple(each for each in servers if each not in watched),
        timezone=world.options.timezone,
    )


def own(world: World) -> Room:
    """Return the container, if this unit may change it.

    Raises:
        hub.Failed: if not, or if it cannot be reached.
    """
    if world.duty is not Duty.RUN:
        raise hub.Failed(f'only the leader runs the hub; run the action on {world.app}/leader')
    if world.room is None:
        raise hub.Failed('the container cannot be reached yet')
    return world.room


def running(world: World) -> Room:
    """Return the container if the hub runs in it and this unit may change it.

    Raises:
        hub.Failed: if not.
    """
    room = own(world)
    if not room.running:
        raise hub.Failed('the hub does not run; see juju status')
    return room
