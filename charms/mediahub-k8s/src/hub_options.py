# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The charm's options and the parameters of its actions."""

from __future__ import annotations

import enum
import ipaddress
import posixpath
import re
import urllib.parse
from typing import Annotated, Final

import pydantic

import hub
from charmarr_lib import config

_ZONE: Final = re.compile(r'[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*')
_DURATION: Final = re.compile(r'(?:\d+[smhd])+')
_DAYS: Final = 36500


class LogLevel(enum.StrEnum):
    """How much the hub writes to its log."""

    DEBUG = 'debug'
    INFO = 'info'
    WARNING = 'warning'
    ERROR = 'error'


class WebhookAuth(enum.StrEnum):
    """What a webhook has to show."""

    ANY = 'any'
    HMAC = 'hmac'
    TOKEN = 'token'  # noqa: S105  # the name of a way, no token


class AuthFlow(enum.StrEnum):
    """How people sign in at plex.tv."""

    LEGACY = 'legacy'
    JWT = 'jwt'


def _zone(value: str) -> str:
    if not _ZONE.fullmatch(value):
        raise ValueError('must be a time zone such as Etc/UTC or Europe/Berlin')
    return value


def _duration(value: str) -> str:
    if not _DURATION.fullmatch(value):
        raise ValueError('must be a number with a unit, such as 30s, 5m or 24h')
    return value


def _networks(value: str) -> str:
    found = [each.strip() for each in value.split(',') if each.strip()]
    for each in found:
        try:
            ipaddress.ip_network(each)
        except ValueError:
            raise ValueError('must be networks such as 10.1.0.0/16, with commas between') from None
    return ','.join(found)


def _origin(value: str) -> str:
    parts = _split(value, ('http', 'https'), 'must be a URL such as https://hub.example.com')
    if parts is not None and (parts.path.strip('/') or parts.query or parts.fragment):
        raise ValueError('must be a host of its own, without a path: the hub is at its root')
    return value.rstrip('/')


def _url(value: str) -> str:
    _split(value, ('http', 'https'), 'must be a URL such as http://tautulli:8181')
    return value.rstrip('/')


def _nats(value: str) -> str:
    servers = [each.strip() for each in value.split(',') if each.strip()]
    for each in servers:
        _split(each, ('nats', 'tls', 'ws', 'wss'), 'must be URLs such as nats://nats:4222')
    return ','.join(servers)


def _split(value: str, schemes: tuple[str, ...], fault: str) -> urllib.parse.SplitResult | None:
    if not value:
        return None
    try:
        parts = urllib.parse.urlsplit(value)
        port = parts.port
    except ValueError:
        raise ValueError(fault) from None
    if parts.scheme not in schemes or not parts.hostname or port == 0:
        raise ValueError(fault)
    if parts.username or parts.password:
        raise ValueError('must not hold a user or password: give them as a secret')
    return parts


def _archive(value: str) -> str:
    if posixpath.normpath(value) != value or not value.startswith(f'{hub.FOLDER}/'):
        raise ValueError(f'must be a path below {hub.FOLDER}')
    return value


class Options(config.Options):
    """The charm's options. A secret is only known by its id here."""

    plex_token: config.Secret | None = None
    jellyfin_token: config.Secret | None = None
    plex_sync_interval: Annotated[str, pydantic.AfterValidator(_duration)] = '5m'
    plex_realtime: bool = True
    plex_webhooks: bool = False
    plex_webhook_auth: WebhookAuth = WebhookAuth.ANY
    plex_webhook_allow: Annotated[str, pydantic.AfterValidator(_networks)] = ''
    plex_webhook_thumbs: bool = False
    plex_auth_flow: AuthFlow = AuthFlow.LEGACY
    nats_url: Annotated[str, pydantic.AfterValidator(_nats)] = ''
    nats_credentials: config.Secret | None = None
    tautulli_url: Annotated[str, pydantic.AfterValidator(_url)] = ''
    tautulli_api_key: config.Secret | None = None
    external_url: Annotated[str, pydantic.AfterValidator(_origin)] = ''
    ingress_port: Annotated[int, pydantic.Field(ge=1, le=65535)] = 80
    retention_days: Annotated[int, pydantic.Field(ge=0, le=_DAYS)] = 0
    log_level: LogLevel = LogLevel.INFO
    timezone: Annotated[str, pydantic.AfterValidator(_zone)] = 'Etc/UTC'


class NoParams(config.Options):
    """An action without parameters."""


class RestoreParams(config.Options):
    """Parameters of ``restore``."""

    path: Annotated[str, pydantic.AfterValidator(_archive)]


ACTIONS: Final[dict[str, type[config.Options]]] = {
    'backup': NoParams,
    'register-webhook': NoParams,
    'restore': RestoreParams,
    'rotate-webhook-secret': NoParams,
    'show-info': NoParams,
}
