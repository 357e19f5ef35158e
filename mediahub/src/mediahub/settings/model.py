# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The settings themselves: name, default and meaning of every one."""

from __future__ import annotations

import datetime
import enum
import pathlib
from collections.abc import Mapping
from typing import Annotated, Literal
from urllib.parse import urlsplit

import pydantic

from ..engine import config
from .kinds import (
    Duration,
    Flag,
    Home,
    Host,
    Hosts,
    LongSecret,
    Memory,
    NatsUrl,
    Networks,
    Origin,
    Secret,
    Variable,
    between,
    spelt,
)

# What the environment says stays as it is for as long as a process runs.
TOKEN_VARIABLE = 'PLEX_TOKEN'  # noqa: S105 - the name of a variable

CALLBACK = '/api/v1/auth/plex/callback'


class WebhookAuth(enum.Enum):
    """What a webhook has to show."""

    ANY = 'any'
    HMAC = 'hmac'
    TOKEN = 'token'  # noqa: S105 - the name of a way, no token


class PlexServer(pydantic.BaseModel):
    """A Plex server to watch; its address and name may change, its machineIdentifier does not.

    Attributes:
        token_from: Where its token was read, for people.
    """

    model_config = pydantic.ConfigDict(frozen=True, extra='forbid', hide_input_in_errors=True)

    name: str
    url: config.Url
    token: Secret
    token_from: str = TOKEN_VARIABLE

    @property
    def renewable(self) -> bool:
        """Whether another token can be read where this one is from, while the hub runs."""
        return self.token_from != TOKEN_VARIABLE


class Settings(pydantic.BaseModel):
    """The hub's settings, without mistakes and without contradictions.

    Attributes:
        servers: Every Plex server: that of ``PLEX_URL``, then those of the file.
        others: Every server of another kind, from the file.
        warnings: One line each, for the log at start; never with a secret.
    """

    model_config = pydantic.ConfigDict(frozen=True, extra='forbid', hide_input_in_errors=True)

    enable_plex_sync: Annotated[
        Flag, Variable('ENABLE_PLEX_SYNC', 'Watch the Plex servers: sessions, history, libraries.')
    ] = False
    plex_url: Annotated[
        config.Url | None,
        Variable('PLEX_URL', 'Address of a Plex server, such as `http://localhost:32400`.'),
    ] = None
    plex_token: Annotated[
        Secret | None,
        Variable('PLEX_TOKEN', "The server's `X-Plex-Token`, of its owner.", secret=True),
    ] = None
    plex_sync_interval: Annotated[
        Duration,
        between('10s', '7d'),
        Variable('PLEX_SYNC_INTERVAL', 'How often to look for what was missed.'),
    ] = datetime.timedelta(minutes=5)
    plex_realtime_enabled: Annotated[
        Flag,
        Variable(
            'PLEX_REALTIME_ENABLED',
            'Listen to the server (websocket, else events), beside asking it.',
            also=('ENABLE_PLEX_REALTIME',),
        ),
    ] = True
    enable_plex_webhooks: Annotated[
        Flag, Variable('ENABLE_PLEX_WEBHOOKS', 'Take webhooks at `/api/v1/plex/webhook`.')
    ] = False
    plex_webhook_secret: Annotated[
        Secret | None,
        Variable(
            'PLEX_WEBHOOK_SECRET',
            'In the path or as `?token=`, or the key of HMAC-SHA256 in `X-Plex-Signature`.',
            secret=True,
        ),
    ] = None
    plex_webhook_secret_previous: Annotated[
        Secret | None,
        Variable(
            'PLEX_WEBHOOK_SECRET_PREVIOUS',
            'Also taken, while the secret is being replaced.',
            secret=True,
        ),
    ] = None
    plex_webhook_auth: Annotated[
        WebhookAuth,
        Variable(
            'PLEX_WEBHOOK_AUTH',
            '`hmac` or `token`: only that; `any`: one of them, or an allowed address.',
        ),
    ] = WebhookAuth.ANY
    plex_webhook_allow: Annotated[
        Networks,
        Variable('PLEX_WEBHOOK_ALLOW', 'Networks that may send webhooks, with commas between.'),
    ] = ()
    plex_webhook_thumbs: Annotated[
        Flag, Variable('PLEX_WEBHOOK_THUMBS', 'Keep the pictures that come with webhooks.')
    ] = False
    plex_oauth_client_id: Annotated[
        Annotated[str, pydantic.StringConstraints(pattern=r'^[A-Za-z0-9._-]{1,128}$')] | None,
        Variable(
            'PLEX_OAUTH_CLIENT_ID',
            'Identifier of this installation at plex.tv; made and kept in the home by default.',
        ),
    ] = None
    plex_oauth_redirect_uri: Annotated[
        config.Url | None,
        Variable(
            'PLEX_OAUTH_REDIRECT_URI',
            f'Where Plex sends the browser back to; by default the public URL with `{CALLBACK}`.',
        ),
    ] = None
    plex_auth_flow: Annotated[
        Literal['legacy', 'jwt'],
        Variable('PLEX_AUTH_FLOW', '`legacy`: PIN; `jwt`: PIN with a key of ours.'),
    ] = 'legacy'
    nats_url: Annotated[
        NatsUrl | None,
        Variable('NATS_URL', 'Broker with JetStream; without one the bus is in the process.'),
    ] = None
    nats_credentials_file: Annotated[
        pathlib.Path | None,
        Variable('NATS_CREDENTIALS_FILE', 'A `.creds` file of NATS.'),
    ] = None
    nats_user: Annotated[str | None, Variable('NATS_USER', 'User at the broker.')] = None
    nats_password: Annotated[
        Secret | None, Variable('NATS_PASSWORD', "The user's password.", secret=True)
    ] = None
    nats_token: Annotated[
        Secret | None, Variable('NATS_TOKEN', 'Token, in place of a user.', secret=True)
    ] = None
    nats_ca_file: Annotated[
        pathlib.Path | None,
        Variable('NATS_CA_FILE', "Certificates that the broker's is checked against."),
    ] = None
    tautulli_url: Annotated[
        config.Url | None,
        Variable('TAUTULLI_URL', 'A Tautulli whose history is imported.'),
    ] = None
    tautulli_api_key: Annotated[
        Secret | None, Variable('TAUTULLI_API_KEY', 'Its API key.', secret=True)
    ] = None
    home: Annotated[
        Home,
        pydantic.Field(validate_default=True),
        Variable('MEDIAHUB_HOME', 'Folder of the database and of what the hub makes for itself.'),
    ] = pathlib.Path('~/.config/mediahub')
    host: Annotated[
        Host,
        Variable('MEDIAHUB_HOST', 'Address to listen on; `0.0.0.0` or `::` for all.'),
    ] = '127.0.0.1'
    port: Annotated[
        int, pydantic.Field(ge=0, le=65535), Variable('MEDIAHUB_PORT', 'Port; 0 takes a free one.')
    ] = 8484
    public_url: Annotated[
        Origin | None,
        Variable('MEDIAHUB_PUBLIC_URL', 'Where browsers find the hub: scheme, host and port.'),
    ] = None
    allowed_hosts: Annotated[
        Hosts,
        Variable(
            'MEDIAHUB_ALLOWED_HOSTS',
            "Further names that browsers may use; the public URL's, `localhost` and addresses "
            'always may.',
        ),
    ] = ()
    trusted_proxies: Annotated[
        Networks,
        Variable(
            'MEDIAHUB_TRUSTED_PROXIES',
            'Networks of reverse proxies whose `X-Forwarded-For` and `-Proto` are believed.',
        ),
    ] = ()
    session_idle: Annotated[
        Duration,
        between('5m', '90d'),
        Variable('MEDIAHUB_SESSION_IDLE', 'A session ends when it was not used for so long.'),
    ] = datetime.timedelta(days=3)
    session_lifetime: Annotated[
        Duration,
        between('5m', '365d'),
        Variable('MEDIAHUB_SESSION_LIFETIME', 'A session ends so long after signing in.'),
    ] = datetime.timedelta(days=30)
    shared_users: Annotated[
        Flag,
        Variable(
            'MEDIAHUB_SHARED_USERS',
            'Whom a server is shared with may sign in and look at what everybody plays.',
        ),
    ] = True
    api_token: Annotated[
        LongSecret | None,
        Variable('MEDIAHUB_API_TOKEN', 'An API token that may change things.', secret=True),
    ] = None
    viewer_api_token: Annotated[
        LongSecret | None,
        Variable('MEDIAHUB_VIEWER_API_TOKEN', 'An API token that may only read.', secret=True),
    ] = None
    rate_limit: Annotated[
        int,
        pydantic.Field(ge=0, le=1_000_000),
        Variable(
            'MEDIAHUB_RATE_LIMIT', 'Requests a minute of one session or token; 0 is no limit.'
        ),
    ] = 6000
    retention_days: Annotated[
        int,
        pydantic.Field(ge=0, le=36500),
        Variable(
            'MEDIAHUB_RETENTION_DAYS',
            'Days that plays are kept; 0 keeps them for ever. Those that ended before are '
            'removed, the first ones after a day and a backup.',
        ),
    ] = 0
    database_memory: Annotated[
        Memory | None,
        Variable(
            'MEDIAHUB_DATABASE_MEMORY',
            'What the database may hold in memory, such as `4GiB`; by default a quarter of the '
            'machine or container, between `256MiB` and `2GiB`.',
        ),
    ] = None
    log_level: Annotated[
        Literal['debug', 'info', 'warning', 'error'],
        pydantic.BeforeValidator(lambda value: str(value).lower()),
        Variable('MEDIAHUB_LOG_LEVEL', '`debug`, `info`, `warning` or `error`.'),
    ] = 'info'
    plextv_url: Annotated[
        Origin, Variable('MEDIAHUB_PLEXTV_URL', 'plex.tv; another one is for tests.')
    ] = 'https://plex.tv'
    plextv_clients_url: Annotated[
        Origin, Variable('MEDIAHUB_PLEXTV_CLIENTS_URL', 'Likewise, for what clients ask.')
    ] = 'https://clients.plex.tv'
    plextv_app_url: Annotated[
        Origin, Variable('MEDIAHUB_PLEXTV_APP_URL', 'Likewise, for the page to sign in on.')
    ] = 'https://app.plex.tv'

    servers: tuple[PlexServer, ...] = ()
    others: tuple[pydantic.InstanceOf[config.ServerEntry], ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def database(self) -> pathlib.Path:
        """The hub's database."""
        return self.home / 'mediahub.duckdb'

    @property
    def nats_servers(self) -> list[str]:
        """The brokers to try; empty where there is none."""
        return self.nats_url.split(',') if self.nats_url else []

    @property
    def origin(self) -> str | None:
        """Scheme, host and port under which browsers find the hub; None where nothing says so."""
        if self.public_url:
            return self.public_url
        if self.plex_oauth_redirect_uri:
            parts = urlsplit(self.plex_oauth_redirect_uri)
            return f'{parts.scheme}://{parts.netloc}'
        return None


def variables() -> Mapping[str, Variable]:
    """The variable of every setting, by the setting's name."""
    found = dict[str, Variable]()
    for field, info in Settings.model_fields.items():
        for mark in info.metadata:
            if isinstance(mark, Variable):
                found[field] = mark
    return found


def key(field: str) -> str:
    """A setting's name in the file."""
    return field.replace('_', '-')


def reference() -> list[str]:
    """The rows of the reference's table: variable, key, default, meaning."""
    rows = list[str]()
    for field, variable in variables().items():
        default = Settings.model_fields[field].default
        shown = spelt(default.value if isinstance(default, enum.Enum) else default)
        names = ', '.join(f'`{name}`' for name in variable.names)
        file = ' (or `…_FILE`)' if variable.secret else ''
        default_cell = f'`{shown}`' if shown else 'none'
        rows.append(f'| {names}{file} | `{key(field)}` | {default_cell} | {variable.text} |')
    return rows
