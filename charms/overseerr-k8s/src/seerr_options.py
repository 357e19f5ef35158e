# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The charm's options and the parameters of its actions."""

from __future__ import annotations

import enum
import posixpath
import re
import urllib.parse
from typing import Annotated, Final

import pydantic

import seerr
from charmarr_lib import config

_ZONE: Final = re.compile(r'[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*')
_SHA256: Final = re.compile(r'[0-9a-f]{64}')


class LogLevel(enum.StrEnum):
    """What Seerr's ``LOG_LEVEL`` takes, save for two that say nothing more."""

    ERROR = 'error'
    WARN = 'warn'
    INFO = 'info'
    DEBUG = 'debug'
    SILLY = 'silly'


class Rotation(enum.StrEnum):
    """How often the API key is replaced."""

    DISABLED = 'disabled'
    DAILY = 'daily'
    MONTHLY = 'monthly'
    YEARLY = 'yearly'


def _zone(value: str) -> str:
    if not _ZONE.fullmatch(value):
        raise ValueError('must be a time zone such as Etc/UTC or Europe/Berlin')
    return value


def _url(value: str) -> str:
    if not value:
        return value
    try:
        parts = urllib.parse.urlsplit(value)
        port = parts.port
    except ValueError:
        raise ValueError('must be a URL such as https://requests.example.com') from None
    if parts.scheme not in ('http', 'https') or not parts.hostname or port == 0:
        raise ValueError('must be a URL such as https://requests.example.com')
    if parts.path.strip('/') or parts.query or parts.fragment or parts.username:
        raise ValueError('must be a host of its own, without a path: Seerr cannot live below one')
    return value.rstrip('/')


def _archive(value: str) -> str:
    if posixpath.normpath(value) != value or not value.startswith(f'{seerr.FOLDER}/'):
        raise ValueError(f'must be a path below {seerr.FOLDER}')
    return value


def _checksum(value: str) -> str:
    if value and not _SHA256.fullmatch(value.lower()):
        raise ValueError('must be the 64 digits that backup has shown')
    return value.lower()


class Options(config.Options):
    """The charm's options."""

    media_server: str = ''
    expose_setup: bool = False
    ingress_port: Annotated[int, pydantic.Field(ge=1, le=65535)] = 80
    external_url: Annotated[str, pydantic.AfterValidator(_url)] = ''
    api_key_rotation: Rotation = Rotation.DISABLED
    log_level: LogLevel = LogLevel.INFO
    timezone: Annotated[str, pydantic.AfterValidator(_zone)] = 'Etc/UTC'


class NoParams(config.Options):
    """An action without parameters."""


class SetupJellyfinParams(config.Options):
    """Parameters of ``setup-jellyfin``."""

    credentials: str
    server: str = ''
    email: str = ''


class SetupPlexParams(config.Options):
    """Parameters of ``setup-plex``."""

    credentials: str
    server: str = ''


class RestoreParams(config.Options):
    """Parameters of ``restore``."""

    path: Annotated[str, pydantic.AfterValidator(_archive)]
    sha256: Annotated[str, pydantic.AfterValidator(_checksum)] = ''


ACTIONS: Final[dict[str, type[config.Options]]] = {
    'rotate-api-key': NoParams,
    'setup-jellyfin': SetupJellyfinParams,
    'setup-plex': SetupPlexParams,
    'show-info': NoParams,
    'backup': NoParams,
    'restore': RestoreParams,
}
