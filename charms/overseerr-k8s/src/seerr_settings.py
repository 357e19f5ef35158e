# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Seerr's ``settings.json``: what it says, what is wrong with it, what the charm changes in it.

Seerr holds the file in memory and writes it as a whole with each save, so an edit only lasts while
Seerr is stopped. Several contents make it crash, or leave a set-up that nobody can finish; they
were all tried on the real program. The charm changes a few keys and keeps every other.
"""

from __future__ import annotations

import copy
import dataclasses
import enum
import json
import math
import typing
from collections.abc import Mapping
from typing import Any, Final

from charmarr_lib.interfaces import MediaServer
from seerr import Flavour
from seerr_servers import Address

PATH: Final = '/app/config/settings.json'
DATABASE: Final = '/app/config/db'
NEW_MODE: Final = 0o600

NOT_CONFIGURED: Final = 4
SERVER_TYPES: Final = {1: MediaServer.PLEX, 2: MediaServer.JELLYFIN, 3: MediaServer.EMBY}
"""Numbers that Seerr has for media servers in ``main.mediaServerType``."""

# In WAL mode a new database is one page, whatever has been written: the rest is in the -wal file.
_ONE_PAGE: Final = 4096


class Database(enum.Enum):
    """What is in the database's folder."""

    ABSENT = enum.auto()
    WITHOUT_LOG = enum.auto()  # one empty page; the -wal file that held the data was not copied
    PRESENT = enum.auto()


class Stage(enum.Enum):
    """How far the set-up is."""

    NEW = enum.auto()  # nobody has signed in
    SIGNED_IN = enum.auto()  # there is an administrator
    DONE = enum.auto()
    FOREIGN = enum.auto()  # Overseerr's data, which Seerr takes over when it starts


class Fault(enum.StrEnum):
    """Why Seerr must not be started with what there is; each says what to do."""

    NOT_JSON = 'settings.json is damaged: repair it, or run the action restore'
    EMPTY = 'there is a database but settings.json is empty: run the action restore'
    NO_MAIN = 'settings.json has no "main" but there is a database: run the action restore'
    NO_DATABASE = 'settings.json is of a set-up Seerr whose database is missing: restore both'
    RESTORING = 'a restore was cut short, and cannot be undone: run the action restore again'
    DATABASE_WITHOUT_LOG = 'the database is empty: copy db.sqlite3-wal as well as db.sqlite3'


class Damaged(Exception):
    """The text is not a JSON object."""


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What the charm wants the file to say; None leaves a thing as it is.

    Attributes:
        api_key: The key that opens the API.
        plex: Host of Plex.
        jellyfin: Host of Jellyfin or Emby; only ever written once the set-up is done.
        application_url: URL that people use; empty takes it out.
        trust_proxy: Whether Seerr believes what a proxy says of the client.
    """

    api_key: str | None = None
    plex: Address | None = None
    jellyfin: Address | None = None
    application_url: str | None = None
    trust_proxy: bool | None = None


@dataclasses.dataclass(frozen=True)
class Settings:
    """The file's content, empty where there is no file.

    A value of another type than Seerr writes counts as none.
    """

    values: Mapping[str, Any] = dataclasses.field(default_factory=dict[str, Any], repr=False)

    def part(self, name: str) -> Mapping[str, Any]:
        """Return a part such as ``main``, or an empty mapping."""
        value = self.values.get(name)
        return typing.cast('Mapping[str, Any]', value) if isinstance(value, dict) else {}

    def text(self, part: str, name: str) -> str:
        """Return a text of a part, or an empty one."""
        value = self.part(part).get(name)
        return value if isinstance(value, str) else ''

    @property
    def api_key(self) -> str:
        """The API key, or empty."""
        return self.text('main', 'apiKey')

    @property
    def server_type(self) -> int | None:
        """``main.mediaServerType``, or None; Overseerr has none."""
        value = self.part('main').get('mediaServerType')
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    @property
    def is_initialized(self) -> bool:
        """Whether the set-up has been finished."""
        return self.part('public').get('initialized') is True

    @property
    def application_url(self) -> str:
        """URL that Seerr puts into its messages, or empty."""
        return self.text('main', 'applicationUrl')

    def network(self, flavour: Flavour) -> Mapping[str, Any]:
        """Return the part that holds ``trustProxy`` and ``csrfProtection``."""
        return self.part(_network_part(flavour))

    def address(self, server: MediaServer) -> Address | None:
        """Return the host that is configured for a kind of media server, if any."""
        part = 'plex' if server is MediaServer.PLEX else 'jellyfin'
        values = self.part(part)
        host, port = values.get('ip'), values.get('port')
        if not isinstance(host, str) or not host or not isinstance(port, int):
            return None
        base = values.get('urlBase') if part == 'jellyfin' else None
        return Address(
            host, port, values.get('useSsl') is True, base if isinstance(base, str) else ''
        )


def parse(content: bytes | None) -> Settings:
    """Read the file's content; none and an empty one are the same to Seerr.

    Raises:
        Damaged: if it is no JSON object. Seerr would exit at once.
    """
    if content is None or not content.strip():
        return Settings()
    try:
        value = json.loads(content.decode(), parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError):
        raise Damaged from None
    if not isinstance(value, dict):
        raise Damaged
    return Settings(typing.cast('dict[str, Any]', value))


def _refuse(constant: str) -> typing.NoReturn:
    raise ValueError(constant)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def render(settings: Settings) -> bytes:
    """Return the file's content as Seerr writes it."""
    return json.dumps(settings.values, indent=1, allow_nan=False).encode()


def database(sizes: Mapping[str, int]) -> Database:
    """Judge the database by the sizes of the files in its folder."""
    size = sizes.get('db.sqlite3')
    if size is None:
        return Database.ABSENT
    if size <= _ONE_PAGE and not sizes.get('db.sqlite3-wal'):
        return Database.WITHOUT_LOG
    return Database.PRESENT


def stage(settings: Settings, found: Database, flavour: Flavour) -> Stage:
    """Tell how far the set-up is."""
    if flavour.knows_only_plex:
        return _stage_of_overseerr(settings)
    if settings.server_type is None and found is not Database.ABSENT:
        return Stage.FOREIGN if settings.part('main') else Stage.NEW
    if settings.server_type not in SERVER_TYPES:
        return Stage.NEW
    return Stage.DONE if settings.is_initialized else Stage.SIGNED_IN


def _stage_of_overseerr(settings: Settings) -> Stage:
    if settings.is_initialized:
        return Stage.DONE
    # It has no type that would tell of a sign-in; a Plex that has answered to one does.
    return Stage.SIGNED_IN if settings.text('plex', 'machineId') else Stage.NEW


def fault(settings: Settings, found: Database, flavour: Flavour) -> Fault | None:
    """Say why Seerr must not be started, or None.

    Each of these is a crash, or a set-up that would begin anew over somebody's data.
    """
    if found is Database.ABSENT:
        was_set_up = settings.is_initialized or settings.server_type in SERVER_TYPES
        return Fault.NO_DATABASE if was_set_up else None
    if found is Database.WITHOUT_LOG:
        needed = stage(settings, found, flavour) is not Stage.NEW
        return Fault.DATABASE_WITHOUT_LOG if needed else None
    if not settings.values:
        return Fault.EMPTY
    return None if settings.part('main') else Fault.NO_MAIN


def merge(settings: Settings, wanted: Wanted, now: Stage, flavour: Flavour) -> Settings:
    """Return the settings with what the charm wants in them.

    The result always has a media server type, where the flavour knows such a thing. It never gains
    a Jellyfin host before the set-up is done: the wizard would refuse the sign-in. Overseerr's
    data are left alone until Seerr has taken them over. Doing it again changes nothing.
    """
    if now is Stage.FOREIGN:
        return settings
    values = copy.deepcopy(dict(settings.values))
    main = _ensure(values, 'main')
    if not flavour.knows_only_plex and settings.server_type is None:
        main['mediaServerType'] = NOT_CONFIGURED
        # Else Seerr's migration 0004 takes the missing region for an old file and sets "US".
        main.setdefault('discoverRegion', '')
        main.setdefault('streamingRegion', '')
    if wanted.api_key is not None:
        main['apiKey'] = wanted.api_key
    if wanted.application_url is not None:
        main['applicationUrl'] = wanted.application_url
    if wanted.trust_proxy is not None:
        _ensure(values, _network_part(flavour))['trustProxy'] = wanted.trust_proxy
    if wanted.plex is not None:
        _ensure(values, 'plex').update(plex_fields(wanted.plex))
    if wanted.jellyfin is not None and now is Stage.DONE:
        _ensure(values, 'jellyfin').update(jellyfin_fields(wanted.jellyfin))
    return Settings(values)


def plex_fields(address: Address) -> dict[str, Any]:
    """Return an address as Seerr has it in its settings of Plex."""
    return {'ip': address.host, 'port': address.port, 'useSsl': address.tls}


def jellyfin_fields(address: Address) -> dict[str, Any]:
    """Return an address as Seerr has it in its settings of Jellyfin and Emby."""
    # Without urlBase Seerr appends the word "undefined" to the host.
    return {**plex_fields(address), 'urlBase': address.base}


def _ensure(values: dict[str, Any], name: str) -> dict[str, Any]:
    if not isinstance(values.get(name), dict):
        values[name] = {}
    return values[name]


def _network_part(flavour: Flavour) -> str:
    return 'main' if flavour.knows_only_plex else 'network'
