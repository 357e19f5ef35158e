# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Who plays what with which player, and the truth of every play."""

from __future__ import annotations

import dataclasses
import datetime

from .plex_documents import Node


@dataclasses.dataclass(frozen=True)
class Person:
    """An account; 1 is the server's owner.

    Attributes:
        plextv: Its number on plex.tv, by which friends are known here too.
    """

    id: int
    name: str
    plextv: int

    @property
    def thumb(self) -> str:
        """Address of the picture."""
        return f'https://plex.tv/users/{self.plextv:016x}/avatar?c=1700000000'


@dataclasses.dataclass(frozen=True)
class Device:
    """What somebody plays with; ``id`` is its number in the server's list."""

    id: int
    client_id: str
    title: str
    product: str = 'Plex for Android (TV)'
    platform: str = 'Android'
    platform_version: str = '14'
    device: str = 'SHIELD Android TV'
    vendor: str = 'NVIDIA'
    version: str = '10.20.0.5522'
    address: str = '192.168.1.20'
    public_address: str = '203.0.113.7'
    local: bool = True
    relayed: bool = False
    secure: bool = True


@dataclasses.dataclass(frozen=True)
class Playable:
    """Something that can be played: as a listing shows it, its media, and its length.

    Attributes:
        duration_ms: 0 for a broadcast, which has no end.
    """

    node: Node
    media: list[Node]
    duration_ms: int


@dataclasses.dataclass
class Pause:
    """A pause; ``ended`` is None while it lasts."""

    began: datetime.datetime
    ended: datetime.datetime | None = None


@dataclasses.dataclass
class TruePlay:
    """A play that really took place, whatever the server told of it.

    Attributes:
        session_keys: All it had: a server that starts again gives another.
        start_offset_ms: Where in the item it began.
        offset_ms: Where in the item it ended; while it goes on, where it was last changed.
        stopped: None while it goes on.
        how: How it ended: ``stopped``, ``finished``, ``vanished``, ``terminated`` or ``restart``.
    """

    session_id: str
    session_keys: list[str]
    rating_key: str
    kind: str
    title: str
    person: Person
    device: Device
    started: datetime.datetime
    start_offset_ms: int
    offset_ms: int
    pauses: list[Pause] = dataclasses.field(default_factory=list[Pause])
    transcoded: bool = False
    stopped: datetime.datetime | None = None
    how: str = ''

    @property
    def paused_ms(self) -> int:
        """Time paused, of pauses that are over."""
        return sum(milliseconds(pause.ended - pause.began) for pause in self.pauses if pause.ended)

    @property
    def played_ms(self) -> int:
        """Time spent playing; 0 while it goes on."""
        return milliseconds(self.stopped - self.started) - self.paused_ms if self.stopped else 0


def user(person: Person) -> Node:
    """An account as a session shows it."""
    return {'id': str(person.id), 'thumb': person.thumb, 'title': person.name}


def player(device: Device, person: Person) -> Node:
    """A player as a session shows it."""
    return {
        'address': device.address,
        'device': device.device,
        'machineIdentifier': device.client_id,
        'model': device.device,
        'platform': device.platform,
        'platformVersion': device.platform_version,
        'product': device.product,
        'profile': device.platform,
        'remotePublicAddress': device.public_address,
        'state': 'playing',
        'title': device.title,
        'vendor': device.vendor,
        'version': device.version,
        'local': device.local,
        'relayed': device.relayed,
        'secure': device.secure,
        'userID': person.id,
    }


def milliseconds(span: datetime.timedelta) -> int:
    """A span in whole milliseconds."""
    return span // datetime.timedelta(milliseconds=1)
