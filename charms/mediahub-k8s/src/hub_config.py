# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The hub's configuration: one TOML file without a secret, and a file for each secret.

Its keys are those of docs/reference/mediahub-settings.md.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import hub
from charmarr_lib.interfaces import MediaServer
from hub_options import Options
from hub_servers import Server

WEBHOOK_SECRET: Final = 'plex-webhook-secret'  # noqa: S105  # the name of a setting
PREVIOUS: Final = 'plex-webhook-secret-previous'
_SECRETS: Final = (
    WEBHOOK_SECRET,
    PREVIOUS,
    'nats-user',
    'nats-password',
    'nats-token',
    'tautulli-api-key',
)


def path(secret: str) -> str:
    """Return where a secret lies in the container."""
    return f'{hub.SECRETS}/{secret}'


def token_name(server: str) -> str:
    """Return the name of the file with a server's token."""
    return f'server-{server}'


def render(
    options: Options,
    servers: Sequence[Server],
    secrets: Mapping[str, str],
    origin: str | None,
    hosts: Sequence[str],
) -> bytes:
    """Return the file's content.

    Args:
        options: The charm's options.
        servers: Those that have a token.
        secrets: Secrets by name, of which only the names are used.
        origin: URL for people, None where nothing says so.
        hosts: Names of the hub inside the cluster.
    """
    table: dict[str, object] = {
        'home': hub.FOLDER,
        'host': '0.0.0.0',  # noqa: S104  # the pod's Service leads here
        'port': hub.PORT,
        'enable-plex-sync': any(each.kind is MediaServer.PLEX for each in servers),
        'plex-sync-interval': options.plex_sync_interval,
        'plex-realtime-enabled': options.plex_realtime,
        'enable-plex-webhooks': options.plex_webhooks and WEBHOOK_SECRET in secrets,
        'plex-webhook-auth': options.plex_webhook_auth.value,
        'plex-webhook-allow': options.plex_webhook_allow,
        'plex-webhook-thumbs': options.plex_webhook_thumbs,
        'plex-auth-flow': options.plex_auth_flow.value,
        'nats-url': options.nats_url,
        'tautulli-url': options.tautulli_url if 'tautulli-api-key' in secrets else '',
        'public-url': origin,
        'allowed-hosts': ','.join(hosts),
        'retention-days': options.retention_days,
        'log-level': options.log_level.value,
    }
    lines = ['# Written by the charm; changes are overwritten.', '[hub]']
    given = {key: value for key, value in table.items() if value not in ('', None)}
    lines += [f'{key} = {_value(value)}' for key, value in given.items()]
    lines += [f'{key}-file = {_value(path(key))}' for key in _SECRETS if key in secrets]
    for server in servers:
        lines += ['', '[[servers]]', *_server(server)]
    return '\n'.join([*lines, '']).encode()


def _server(server: Server) -> list[str]:
    values = {
        'name': server.name,
        'type': server.kind.value,
        'url': server.url,
        'token-file': path(token_name(server.name)),
    }
    return [f'{key} = {_value(value)}' for key, value in values.items()]


def _value(value: object) -> str:
    # JSON's notation of texts, numbers and truth is TOML's too, but for one character.
    return json.dumps(value, ensure_ascii=False).replace('\x7f', '\\u007f')


def known(content: bytes | None) -> dict[str, Server]:
    """Return the servers of the file that is there, by name; none where it cannot be read."""
    try:
        table = tomllib.loads((content or b'').decode())
        servers = [_known(each) for each in cast('list[dict[str, Any]]', table.get('servers', []))]
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, AttributeError, LookupError, TypeError):
        return {}
    except ValueError:  # a kind that only a newer revision knows
        return {}
    return {each.name: each for each in servers}


def _known(table: dict[str, Any]) -> Server:
    return Server(str(table['name']), MediaServer(table['type']), str(table['url']))
