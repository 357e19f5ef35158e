# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Reads the settings and names every mistake in them at once, one line each, without secrets."""

from __future__ import annotations

import dataclasses
import difflib
import pathlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast
from urllib.parse import urlsplit

import pydantic

from ..engine import config, registry
from ..engine.errors import ConfigurationError
from ..servers.plex_settings import PlexSettings
from .model import CALLBACK, TOKEN_VARIABLE, PlexServer, Settings, WebhookAuth, key, variables

# The server that PLEX_URL and PLEX_TOKEN describe.
PLEX = 'plex'

# What Kubernetes tells every container about a Service named plex, mediahub or nats.
_SERVICE_LINK = re.compile(r'\w+_(SERVICE_(HOST|PORT)(_\w+)?|PORT(_\d+_(TCP|UDP)(_\w+)?)?)')
_OURS = ('PLEX_', 'MEDIAHUB_', 'ENABLE_PLEX_', 'TAUTULLI_', 'NATS_')


@dataclasses.dataclass(frozen=True, slots=True)
class _Given:
    """A value that somebody wrote.

    Attributes:
        label: Where, as a mistake names it.
        of_file: The value is the name of a file that holds the value.
    """

    label: str
    value: object
    of_file: bool = False


def load(
    environ: Mapping[str, str],
    file: pathlib.Path | None = None,
    kinds: registry.Registry | None = None,
) -> Settings:
    """Read the settings.

    Args:
        environ: The environment.
        file: The engine's TOML file; None where there is none.
        kinds: The kinds of server that the file may name; those installed by default.

    Raises:
        ConfigurationError: With every mistake in environment and file.
    """
    mistakes, warnings = list[str](), list[str]()
    data = _read(file, mistakes)
    table = data.pop('hub', {})
    given = _from_file(table, mistakes) | _from_environment(environ, mistakes, warnings)
    values = _checked(given, mistakes)
    entries = _entries(data, kinds, mistakes)
    servers = _plexes(entries, values, given, mistakes)
    others = tuple(each for each in entries if not isinstance(each.settings, PlexSettings))
    mistakes.extend(_named_twice(servers, others))
    settings = Settings.model_construct(**values, servers=servers, others=others)
    mistakes.extend(_contradictions(settings, given))
    if mistakes:
        raise ConfigurationError(mistakes)
    warnings.extend(_doubts(settings))
    return Settings(**values, servers=servers, others=others, warnings=tuple(warnings))


def _read(file: pathlib.Path | None, mistakes: list[str]) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        return config.read(file)
    except ConfigurationError as error:
        mistakes.extend(error.mistakes)
        return {}


def _from_file(table: object, mistakes: list[str]) -> dict[str, _Given]:
    if not isinstance(table, dict):
        mistakes.append('[hub] has to be a table')
        return {}
    written = cast('dict[str, object]', table)
    known = dict[str, tuple[str, bool]]()
    for field, variable in variables().items():
        known[key(field)] = (field, False)
        if variable.secret:
            known[f'{key(field)}-file'] = (field, True)
    found = dict[str, _Given]()
    for name, value in written.items():
        label = f'hub.{name}'
        if name not in known:
            mistakes.append(f'{label} is not known{_nearest(name, known)}')
            continue
        field, of_file = known[name]
        _add(found, field, _Given(label, value, of_file), mistakes)
    return found


def _from_environment(
    environ: Mapping[str, str], mistakes: list[str], warnings: list[str]
) -> dict[str, _Given]:
    """What the environment sets; an empty variable sets nothing."""
    known = _known()
    found = dict[str, _Given]()
    for name, (field, of_file) in known.items():
        value = environ.get(name, '')
        if not value.strip():
            continue
        if name == 'MEDIAHUB_PORT' and '://' in value:
            warnings.append(f'{name} is what Kubernetes says of a Service; it is not used')
            continue
        _add(found, field, _Given(name, value.strip(), of_file), mistakes)
    warnings.extend(_unknown(environ, known))
    return found


def _known() -> dict[str, tuple[str, bool]]:
    """Setting, and whether by file, for every variable there is."""
    found = dict[str, tuple[str, bool]]()
    for field, variable in variables().items():
        for name in variable.names:
            found[name] = (field, False)
        if variable.secret:
            found[f'{variable.name}_FILE'] = (field, True)
    return found


def _add(found: dict[str, _Given], field: str, given: _Given, mistakes: list[str]) -> None:
    other = found.get(field)
    if other is None:
        found[field] = given
    elif (other.value, other.of_file) != (given.value, given.of_file):
        mistakes.append(f'{other.label} and {given.label} contradict each other; set one of them')


def _unknown(environ: Mapping[str, str], known: Iterable[str]) -> Iterator[str]:
    names = set(known)
    for name in sorted(environ):
        if name.startswith(_OURS) and name not in names and not _SERVICE_LINK.fullmatch(name):
            yield f'{name} is not known and not used{_nearest(name, names)}'


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.7)
    return f'; did you mean {near[0]}?' if near else ''


def _checked(given: Mapping[str, _Given], mistakes: list[str]) -> dict[str, Any]:
    """The values that are right."""
    values = dict[str, Any]()
    for field, one in given.items():
        adapter = pydantic.TypeAdapter[Any](
            Settings.model_fields[field].rebuild_annotation(),
            config=pydantic.ConfigDict(hide_input_in_errors=True),
        )
        try:
            values[field] = adapter.validate_python(_content(one))
        except pydantic.ValidationError as error:
            mistakes.extend(_explained(one, part['msg']) for part in error.errors())
        except ValueError as error:
            mistakes.append(_explained(one, str(error)))
    return values


def _content(given: _Given) -> object:
    if not given.of_file:
        return given.value
    return config.secret_file(pathlib.Path(str(given.value)).expanduser())


def _explained(given: _Given, message: str) -> str:
    return f'{given.label}: {message.removeprefix("Value error, ")}'


def _entries(
    data: Mapping[str, object], kinds: registry.Registry | None, mistakes: list[str]
) -> tuple[config.ServerEntry, ...]:
    """The servers of the file."""
    try:
        return config.parse(data, kinds or registry.installed()).servers
    except ConfigurationError as error:
        mistakes.extend(error.mistakes)
        return ()


def _plexes(
    entries: Iterable[config.ServerEntry],
    values: Mapping[str, Any],
    given: Mapping[str, _Given],
    mistakes: list[str],
) -> tuple[PlexServer, ...]:
    """The server of the environment, then those of the file."""
    found = dict[str, PlexServer]()
    for entry in entries:
        if isinstance(entry.settings, PlexSettings):
            token = pydantic.SecretStr(entry.settings.credential())
            found[entry.name] = PlexServer(
                name=entry.name,
                url=entry.settings.url,
                token=token,
                token_from=f'the token of [[servers]] {entry.name!r}',
            )
    first = _of_environment(found.pop(PLEX, None), values, given, mistakes)
    servers = (*([first] if first else []), *found.values())
    mistakes.extend(_twice(servers))
    return servers


def _of_environment(
    of_file: PlexServer | None,
    values: Mapping[str, Any],
    given: Mapping[str, _Given],
    mistakes: list[str],
) -> PlexServer | None:
    """The server of PLEX_URL and PLEX_TOKEN, which correct that of the file."""
    url = values.get('plex_url') or (of_file.url if of_file else None)
    token = values.get('plex_token') or (of_file.token if of_file else None)
    if url and token:
        return PlexServer(name=PLEX, url=url, token=token, token_from=_token_from(of_file, given))
    if url and 'plex_token' not in given:
        mistakes.append(f'{given["plex_url"].label} needs PLEX_TOKEN or PLEX_TOKEN_FILE beside it')
    if token and 'plex_url' not in given:
        mistakes.append(f'{given["plex_token"].label} needs PLEX_URL beside it')
    return None


def _named_twice(
    servers: Iterable[PlexServer], others: Iterable[config.ServerEntry]
) -> Iterator[str]:
    """The server of the environment has a name that the file may give to another kind."""
    taken = {server.name for server in servers}
    for other in others:
        if other.name in taken:
            yield f'PLEX_URL is the server {other.name!r}, and the file has another of that name'


def _token_from(of_file: PlexServer | None, given: Mapping[str, _Given]) -> str:
    """Where the token of the environment's server was read."""
    one = given.get('plex_token')
    if one is not None:
        return f'the file of {one.label}' if one.of_file else one.label
    return of_file.token_from if of_file else TOKEN_VARIABLE


def _twice(servers: Iterable[PlexServer]) -> Iterator[str]:
    names = dict[str, str]()
    for server in servers:
        other = names.setdefault(server.url.lower(), server.name)
        if other != server.name:
            yield f'servers {other!r} and {server.name!r} have the same address; remove one'


def _contradictions(settings: Settings, given: Mapping[str, _Given]) -> Iterator[str]:
    """Settings that are right one by one and not together."""
    if settings.enable_plex_sync and not settings.servers and 'plex_url' not in given:
        yield (
            'ENABLE_PLEX_SYNC needs a server: set PLEX_URL and PLEX_TOKEN, or add [[servers]] of '
            'type plex to the file'
        )
    auth = settings.plex_webhook_auth
    if auth is not WebhookAuth.ANY and 'plex_webhook_secret' not in given:
        yield f'PLEX_WEBHOOK_AUTH={auth.value} needs PLEX_WEBHOOK_SECRET'
    if settings.session_idle > settings.session_lifetime:
        yield 'MEDIAHUB_SESSION_IDLE has to be no longer than MEDIAHUB_SESSION_LIFETIME'
    if (settings.tautulli_url is None) != ('tautulli_api_key' not in given):
        yield 'TAUTULLI_URL and TAUTULLI_API_KEY need each other'
    yield from _broker(settings, given)
    yield from _way_back(settings)


def _broker(settings: Settings, given: Mapping[str, _Given]) -> Iterator[str]:
    if ('nats_user' in given) != ('nats_password' in given):
        yield 'NATS_USER and NATS_PASSWORD need each other'
    ways = {'nats_user', 'nats_token', 'nats_credentials_file'} & set(given)
    if len(ways) > 1:
        named = ' and '.join(sorted(variables()[way].name for way in ways))
        yield f'{named} are different ways to sign in to NATS; set one of them'
    for file in (settings.nats_credentials_file, settings.nats_ca_file):
        if file is not None and not file.is_file():
            yield f'{file} is no file'


def _way_back(settings: Settings) -> Iterator[str]:
    """The cookie that ties a sign-in to its browser is only sent to the host that set it."""
    public, back = settings.public_url, settings.plex_oauth_redirect_uri
    if not public or not back:
        return
    if _place(public) != _place(back):
        yield 'PLEX_OAUTH_REDIRECT_URI has to be on the host of MEDIAHUB_PUBLIC_URL'


def _place(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    default = 443 if parts.scheme == 'https' else 80
    return parts.scheme, parts.hostname, parts.port or default


def _doubts(settings: Settings) -> Iterator[str]:
    """What works and is probably not meant."""
    back = settings.plex_oauth_redirect_uri
    if back and urlsplit(back).path != CALLBACK:
        yield f'PLEX_OAUTH_REDIRECT_URI does not end in {CALLBACK}; that page has to call it'
    if settings.enable_plex_webhooks:
        yield from _webhook_doubts(settings)
    nats = (settings.nats_user, settings.nats_token, settings.nats_credentials_file)
    if any(nats) and not settings.nats_url:
        yield 'NATS_URL is not set, so that the other NATS variables have no effect'


def _webhook_doubts(settings: Settings) -> Iterator[str]:
    secret = settings.plex_webhook_secret
    if secret is None and not settings.plex_webhook_allow:
        yield (
            'ENABLE_PLEX_WEBHOOKS without PLEX_WEBHOOK_SECRET or PLEX_WEBHOOK_ALLOW: anybody who '
            'reaches the hub can make it ask Plex for its sessions'
        )
    if secret is not None and len(secret.get_secret_value()) < 16:
        yield 'PLEX_WEBHOOK_SECRET is short; make one with: openssl rand -hex 32'
    if not settings.enable_plex_sync:
        yield 'ENABLE_PLEX_WEBHOOKS has no effect without ENABLE_PLEX_SYNC'
