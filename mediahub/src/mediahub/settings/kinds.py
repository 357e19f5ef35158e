# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The kinds of value that a setting can have, and how each is written."""

from __future__ import annotations

import dataclasses
import datetime
import ipaddress
import pathlib
import re
from collections.abc import Sequence
from typing import Annotated, cast
from urllib.parse import urlsplit

import pydantic

from ..engine import config

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_UNITS = {'s': 1, 'm': 60, 'h': 3600, 'd': 86400}
_DURATION = re.compile(r'(?:\d+[smhd])+')
_FLAGS = {'true': True, '1': True, 'yes': True, 'on': True} | {
    'false': False,
    '0': False,
    'no': False,
    'off': False,
}
_HOST = re.compile(r'(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?')


@dataclasses.dataclass(frozen=True, slots=True)
class Variable:
    """What is to be known of a setting beside its type.

    Attributes:
        name: The environment variable.
        text: Its meaning, for the reference.
        also: Other variables that mean the same.
        secret: It can be given as a file, and its value never shows.
    """

    name: str
    text: str
    also: tuple[str, ...] = ()
    secret: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """All environment variables that it can come from by value."""
        return (self.name, *self.also)


def duration(text: str) -> datetime.timedelta:
    """Read a time such as ``30s``, ``5m``, ``24h``, ``7d`` or ``1h30m``.

    Raises:
        ValueError: It is none.
    """
    if not _DURATION.fullmatch(text):
        raise ValueError('needs a number with a unit: 30s, 5m, 24h, 7d')
    parts = re.findall(r'(\d+)([smhd])', text)
    try:
        return datetime.timedelta(seconds=sum(int(n) * _UNITS[unit] for n, unit in parts))
    except (OverflowError, ValueError) as error:
        raise ValueError('is too long') from error


def spelt(value: object) -> str:
    """A setting as it would be written in the environment; empty for none."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime.timedelta):
        seconds = int(value.total_seconds())
        unit = next(unit for unit in 'dhms' if seconds % _UNITS[unit] == 0)
        return f'{seconds // _UNITS[unit]}{unit}'
    if isinstance(value, tuple | list):
        return ','.join(spelt(item) for item in cast('Sequence[object]', value))
    return '' if value is None else str(value)


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word not in _FLAGS:
        raise ValueError('has to be true or false')
    return _FLAGS[word]


def _duration(value: object) -> datetime.timedelta:
    return value if isinstance(value, datetime.timedelta) else duration(str(value).strip())


def _listed(value: object) -> object:
    """Items separated by commas."""
    if isinstance(value, str):
        return [item.strip() for item in value.split(',') if item.strip()]
    return value


def _network(value: object) -> Network:
    if isinstance(value, ipaddress.IPv4Network | ipaddress.IPv6Network):
        return value
    try:
        return ipaddress.ip_network(str(value))
    except ValueError as error:
        raise ValueError(f'{value} is no address or network such as 10.1.0.0/16') from error


def _origin(value: str) -> str:
    if urlsplit(value).path not in {'', '/'}:
        raise ValueError('must not hold a path; the hub is at the root of its host')
    return value.rstrip('/')


def _usable(value: pydantic.SecretStr) -> pydantic.SecretStr:
    text = value.get_secret_value().strip()
    if not text or not text.isprintable() or not text.isascii():
        raise ValueError('is empty or holds control characters or letters beyond ASCII')
    if len(text) > config.LONGEST_SECRET:
        raise ValueError(f'is longer than {config.LONGEST_SECRET} characters')
    return pydantic.SecretStr(text)


def _long(value: pydantic.SecretStr) -> pydantic.SecretStr:
    if len(value.get_secret_value()) < 20:
        raise ValueError('needs at least 20 characters; make one with: openssl rand -hex 32')
    return value


def _host(value: str) -> str:
    host = value.strip().lower()
    try:
        ipaddress.ip_address(host)
    except ValueError:
        if not _HOST.fullmatch(host):
            raise ValueError('has to be host names or addresses, without scheme or port') from None
    return host


def _nats(value: str) -> str:
    servers = [server.strip() for server in value.split(',') if server.strip()]
    for server in servers:
        parts = urlsplit(server)
        if parts.scheme not in {'nats', 'tls'} or not parts.hostname:
            raise ValueError('needs nats://host:4222 or tls://host:4222, more with commas between')
        if parts.username or parts.password:
            raise ValueError('must not hold a user or password; use the other NATS variables')
    return ','.join(servers)


def _home(value: pathlib.Path) -> pathlib.Path:
    return value.expanduser()


Flag = Annotated[bool, pydantic.BeforeValidator(_flag)]
Duration = Annotated[datetime.timedelta, pydantic.BeforeValidator(_duration)]
Networks = Annotated[
    tuple[Annotated[Network, pydantic.PlainValidator(_network)], ...],
    pydantic.BeforeValidator(_listed),
]
Host = Annotated[str, pydantic.AfterValidator(_host)]
Hosts = Annotated[tuple[Host, ...], pydantic.BeforeValidator(_listed)]
Secret = Annotated[pydantic.SecretStr, pydantic.AfterValidator(_usable)]
LongSecret = Annotated[Secret, pydantic.AfterValidator(_long)]
Origin = Annotated[config.Url, pydantic.AfterValidator(_origin)]
NatsUrl = Annotated[str, pydantic.AfterValidator(_nats)]
Home = Annotated[pathlib.Path, pydantic.AfterValidator(_home)]


# Less than DuckDB needs for a large statement.
_LEAST = 256 * 1024**2


def _enough(value: pydantic.ByteSize) -> pydantic.ByteSize:
    if value < _LEAST:
        raise ValueError('has to be at least 256MiB')
    return value


Memory = Annotated[pydantic.ByteSize, pydantic.AfterValidator(_enough)]


def between(low: str, high: str) -> pydantic.AfterValidator:
    """Hold a time within bounds."""
    least, most = duration(low), duration(high)

    def check(value: datetime.timedelta) -> datetime.timedelta:
        if not least <= value <= most:
            raise ValueError(f'has to be between {low} and {high}')
        return value

    return pydantic.AfterValidator(check)
