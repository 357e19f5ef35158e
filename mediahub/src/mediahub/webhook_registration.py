# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Has plex.tv send webhooks to the hub, beside those that are there; ``register-webhook``."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from urllib.parse import quote, urlsplit

import pydantic

from .api.auth.installation import client_id
from .api.auth.plextv import NAME, PlexTv
from .engine import wire
from .engine.errors import ConfigurationError, CredentialsRefused, Forbidden
from .settings import Settings, WebhookAuth


def register(settings: Settings, url: str) -> int:
    """Register an address with the account of every configured Plex server.

    plex.tv keeps one list for an account, and takes only whole ones. What others put there stays;
    an entry of the same address with another secret gives way.

    Args:
        settings: The hub's; its secret is appended to the address.
        url: Where plex.tv reaches the hub's webhook route, without a query.

    Returns:
        How many lists were changed; those that hold the address already are not.

    Raises:
        ConfigurationError: The settings take no such webhooks, or the address is none.
        MediaServerError: plex.tv does not answer, or refuses.
    """
    mistakes = [*_of_settings(settings), *_of_address(url)]
    if mistakes:
        raise ConfigurationError(mistakes)
    return asyncio.run(_registered(settings, url))


def _of_settings(settings: Settings) -> Sequence[str]:
    if not settings.enable_plex_webhooks:
        return ['ENABLE_PLEX_WEBHOOKS is not true: the hub takes no webhooks']
    if settings.plex_webhook_auth is WebhookAuth.HMAC:
        return ['PLEX_WEBHOOK_AUTH=hmac refuses what plex.tv sends: it does not sign']
    if not settings.servers:
        return ['no Plex server is configured; its token says whose webhooks these are']
    return []


def _of_address(url: str) -> Sequence[str]:
    parts = urlsplit(url)
    if parts.scheme not in {'http', 'https'} or not parts.hostname:
        return ['--url needs an address such as https://hub.example.com/api/v1/plex/webhook']
    if parts.query or parts.fragment or parts.username:
        return ['--url must hold no query, fragment or user; the secret is appended']
    return []


async def _registered(settings: Settings, url: str) -> int:
    changed = 0
    tokens = {server.token.get_secret_value(): server.name for server in settings.servers}
    async with wire.pool() as pool:
        tv = PlexTv(settings, client_id(settings), pool)
        for token, server in tokens.items():
            try:
                changed += await _added(tv, token, url, _secret(settings.plex_webhook_secret))
            except CredentialsRefused as error:
                detail = f'the token of the server {server} is not taken; give another one'
                raise CredentialsRefused(NAME, detail) from error
            except Forbidden as error:
                detail = f'webhooks need a Plex Pass; the owner of {server} has none'
                raise Forbidden(NAME, detail) from error
    return changed


async def _added(tv: PlexTv, token: str, url: str, query: str) -> int:
    before = await tv.webhooks(token)
    others = [each for each in before if each.partition('?')[0] != url]
    wanted = [*others, url + query]
    if sorted(wanted) == sorted(before):
        return 0
    await tv.set_webhooks(token, wanted)
    return 1


def _secret(secret: pydantic.SecretStr | None) -> str:
    return f'?token={quote(secret.get_secret_value(), safe="")}' if secret else ''
