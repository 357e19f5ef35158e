# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The configuration: which servers there are, which one is active, how patient to be.

A TOML file::

    [server]
    active = "music"

    [[servers]]
    name = "music"
    type = "plex"
    url = "http://plex.local:32400"
    token-file = "/run/secrets/plex-token"
    libraries = ["Music"]

Every mistake in it is found at start, and all of them are named at once.
"""

from __future__ import annotations

import pathlib
import tomllib
from collections.abc import Mapping, Sequence
from typing import Annotated, cast
from urllib.parse import urlsplit

import msgspec
import pydantic

from . import errors
from .registry import Registry, ServerSettings, ServerType, named

# What the file may hold; hub belongs to mediahub.settings.
TABLES = frozenset({'server', 'servers', 'hub'})

# A secret is one line; a file much longer than that is not the one that was meant.
LONGEST_SECRET = 4096


class ServerEntry(msgspec.Struct, frozen=True):
    """One configured server."""

    name: str
    server_type: ServerType
    settings: ServerSettings


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """A configuration without mistakes.

    Attributes:
        servers: In the order of the file.
        active: Name of the active server; None where several are configured and none is chosen.
    """

    servers: tuple[ServerEntry, ...] = ()
    active: str | None = None


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
        valid = parts.scheme in {'http', 'https'} and parts.hostname and parts.port != 0
    except ValueError:
        valid = False
        parts = urlsplit('')
    if not valid:
        raise ValueError('needs http:// or https:// and a host')
    if parts.username or parts.password:
        raise ValueError('must not hold a user or password; use the keys for them')
    if parts.query or parts.fragment:
        raise ValueError('must not hold a query or fragment')
    return value.rstrip('/')


Url = Annotated[str, pydantic.AfterValidator(_url)]


def secret_file(value: pathlib.Path) -> pydantic.SecretStr:
    """Read a secret from a file, without the line end.

    Raises:
        ValueError: The file cannot be read, is empty, or is too long for a secret.
    """
    try:
        with value.open('rb') as file:
            content = file.read(LONGEST_SECRET + 1).decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f'{value} cannot be read: {_reason(error)}') from error
    if not content or len(content) > LONGEST_SECRET:
        raise ValueError(f'{value} holds no secret of 1 to {LONGEST_SECRET} characters')
    return pydantic.SecretStr(content)


def secret(given: pydantic.SecretStr | None, file: pathlib.Path | None, key: str) -> str:
    """The secret that was given by value or by file, exactly one of them.

    Raises:
        ValueError: Both or neither, or the file cannot be read.
    """
    if (given is None) == (file is None):
        raise ValueError(f'needs exactly one of {key} and {key}-file')
    found = given if given is not None else secret_file(cast('pathlib.Path', file))
    value = found.get_secret_value().strip()
    if not value or not value.isprintable():
        raise ValueError(f'{key} is empty or holds control characters')
    return value


def header_secret(given: pydantic.SecretStr | None, file: pathlib.Path | None, key: str) -> str:
    """A secret that travels in an HTTP header, which takes ASCII only.

    Raises:
        ValueError: As :func:`secret`, or it holds other characters.
    """
    found = secret(given, file, key)
    if not found.isascii():
        raise ValueError(f'{key} holds characters that no token has; is it another text?')
    return found


def load(path: pathlib.Path, registry: Registry) -> Config:
    """Read the configuration file.

    Raises:
        ConfigurationError: With every mistake in it.
    """
    return parse(read(path), registry)


def read(path: pathlib.Path) -> dict[str, object]:
    """Read the file without checking what it says.

    Raises:
        ConfigurationError: It cannot be read or is no TOML.
    """
    try:
        return tomllib.loads(path.read_text('utf-8'))
    except (OSError, UnicodeDecodeError) as error:
        raise errors.ConfigurationError([f'{path}: {_reason(error)}']) from error
    except tomllib.TOMLDecodeError as error:
        raise errors.ConfigurationError([f'{path}: {error}']) from error


def parse(data: Mapping[str, object], registry: Registry) -> Config:
    """Check a configuration that was read already.

    Raises:
        ConfigurationError: With every mistake in it.
    """
    mistakes = [f'unknown key {key!r}' for key in data if key not in TABLES]
    tables = _tables(data.get('servers', []), mistakes)
    entries = [_entry(number, table, registry, mistakes) for number, table in tables]
    mistakes += _repeated([str(table.get('name', '')) for _, table in tables])
    names = [str(table['name']) for _, table in tables if isinstance(table.get('name'), str)]
    active = _active(data.get('server', {}), names, mistakes)
    if mistakes:
        raise errors.ConfigurationError(mistakes)
    servers = tuple(entry for entry in entries if entry is not None)
    return Config(servers=servers, active=active)


def from_relation(
    registry: Registry, *, api_url: str, server: str, instance_name: str, **credential: str
) -> ServerEntry:
    """A server as the ``media-server`` relation describes it, with a credential of one's own.

    Raises:
        ConfigurationError: The relation's data or the credential is not usable.
    """
    table = {'name': instance_name, 'type': server, 'url': api_url, **credential}
    return parse({'servers': [table]}, registry).servers[0]


def _tables(value: object, mistakes: list[str]) -> list[tuple[int, dict[str, object]]]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        mistakes.append('servers has to be a list of tables: [[servers]]')
        return []
    items = cast('Sequence[object]', value)
    for number, item in enumerate(items, 1):
        if not isinstance(item, dict):
            mistakes.append(f'server {number} is no table')
    return [
        (number, cast('dict[str, object]', item))
        for number, item in enumerate(items, 1)
        if isinstance(item, dict)
    ]


def _entry(
    number: int, table: dict[str, object], registry: Registry, mistakes: list[str]
) -> ServerEntry | None:
    name, word = table.get('name'), table.get('type')
    label = f'server {name!r}' if isinstance(name, str) else f'server {number}'
    if not isinstance(name, str) or not named(name):
        mistakes.append(f'{label}: name has to begin with a-z and hold only a-z, 0-9 and hyphens')
    server_type = registry.find(word) if isinstance(word, str) else None
    if server_type is None:
        valid = ', '.join(registry.names)
        problem = 'type is missing' if word is None else f'unknown type {word!r}'
        mistakes.append(f'{label}: {problem}; valid: {valid}')
        return None
    settings = _settings(label, table, server_type, mistakes)
    return ServerEntry(str(name), server_type, settings) if settings else None


def _settings(
    label: str, table: dict[str, object], server_type: ServerType, mistakes: list[str]
) -> ServerSettings | None:
    keys = {key: value for key, value in table.items() if key not in {'name', 'type'}}
    try:
        return server_type.settings.model_validate(keys)
    except pydantic.ValidationError as error:
        mistakes.extend(f'{label}: {_explained(part)}' for part in error.errors())
        return None


def _explained(error: Mapping[str, object]) -> str:
    """One of pydantic's errors in a line, without the value, which may be a secret."""
    place = '.'.join(str(step) for step in cast('tuple[object, ...]', error['loc']))
    message = _WORDS.get(str(error['type']), str(error['msg']).removeprefix('Value error, '))
    return f'{place} {message}' if place else message


# Where pydantic speaks to programmers.
_WORDS = {'missing': 'is missing', 'extra_forbidden': 'is no key of this type of server'}


def _repeated(names: list[str]) -> list[str]:
    repeated = sorted({name for name in names if name and names.count(name) > 1})
    return [f'{names.count(name)} servers are named {name!r}' for name in repeated]


def _active(value: object, names: list[str], mistakes: list[str]) -> str | None:
    table = cast('dict[str, object]', value) if isinstance(value, dict) else None
    if table is None or set(table) - {'active'}:
        mistakes.append('[server] has to be a table with the one key active')
        return None
    active = table.get('active')
    if active is None:
        return names[0] if len(names) == 1 else None
    if active not in names:
        valid = ', '.join(names) or 'none'
        mistakes.append(f'server.active is {active!r}; configured servers: {valid}')
    return str(active)


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else 'is not UTF-8 text'
