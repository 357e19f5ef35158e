# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Whether a webhook may be believed. Plex signs nothing, so that there are three ways.

The secret in the path or as ``token`` in the query; HMAC-SHA256 of the body with the secret, from
a proxy that signs; an address of a network that may. Two secrets can be valid at a time, so that
one can be replaced without losing a webhook.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Sequence
from typing import Protocol

from ..settings import Settings, WebhookAuth
from .envelope import Problem

SIGNATURE = b'x-plex-signature'


class Signed(Protocol):
    """Takes a body in pieces and judges it at its end."""

    def feed(self, piece: bytes) -> None:
        """Take the next piece."""
        ...

    def finish(self) -> None:
        """Raise what is wrong with the body as a whole."""
        ...


class Trust:
    """Judges webhooks as the settings say.

    Attributes:
        open: Whether anybody may send one.
    """

    def __init__(self, settings: Settings):
        given = (settings.plex_webhook_secret, settings.plex_webhook_secret_previous)
        self._secrets = [secret.get_secret_value().encode() for secret in given if secret]
        self._hashed = [hashlib.sha256(secret).digest() for secret in self._secrets]
        self._way = settings.plex_webhook_auth
        self._networks = settings.plex_webhook_allow
        self.open = not self._secrets and not self._networks

    def judge(self, token: bytes, signature: bytes, address: str) -> Signed:
        """Judge what is known before the body; the rest is for what is returned.

        Args:
            token: From path or query; empty where there is none.
            signature: Value of the header; empty where there is none.
            address: Of the sender.

        Raises:
            Problem: It must not be believed, whatever its body is.
        """
        hmac_counts = self._way is not WebhookAuth.TOKEN and bool(self._secrets)
        if self._way is WebhookAuth.ANY and (self.open or self._allowed(address)):
            return _Unsigned()
        if self._way is not WebhookAuth.HMAC and self._known(token):
            return _Unsigned()
        if hmac_counts and signature:
            return _Signature(self._secrets, signature)
        raise self._refusal(token)

    def _known(self, token: bytes) -> bool:
        """Whether it is one of the secrets; how long that takes tells nothing of them."""
        digest = hashlib.sha256(token).digest()
        matches = [hmac.compare_digest(digest, known) for known in self._hashed]
        return bool(token) and any(matches)

    def _allowed(self, address: str) -> bool:
        if not self._networks:
            return False
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        mapped = getattr(found, 'ipv4_mapped', None)
        return any((mapped or found) in network for network in self._networks)

    def _refusal(self, token: bytes) -> Problem:
        if token and self._way is not WebhookAuth.HMAC:
            return Problem(401, 'INVALID_TOKEN', 'the token of the webhook is not ours')
        if self._way is WebhookAuth.HMAC:
            return Problem(401, 'MISSING_SIGNATURE', 'a webhook needs X-Plex-Signature here')
        if not self._secrets:
            return Problem(403, 'ADDRESS_NOT_ALLOWED', 'no webhooks are taken from this address')
        message = 'a webhook needs its token: /api/v1/plex/webhook/TOKEN'
        if self._way is WebhookAuth.TOKEN:
            return Problem(401, 'MISSING_TOKEN', message)
        return Problem(401, 'MISSING_SIGNATURE', f'{message}, or X-Plex-Signature')


class _Unsigned:
    """Needs no signature."""

    def feed(self, piece: bytes) -> None:
        """Look at nothing."""

    def finish(self) -> None:
        """Have nothing against it."""


class _Signature:
    """Compares HMAC-SHA256 over the raw body with what the header says, in hexadecimal."""

    def __init__(self, secrets: Sequence[bytes], signature: bytes):
        self._macs = [hmac.new(secret, digestmod=hashlib.sha256) for secret in secrets]
        self._claimed = signature.strip().removeprefix(b'sha256=').lower()

    def feed(self, piece: bytes) -> None:
        for mac in self._macs:
            mac.update(piece)

    def finish(self) -> None:
        made = [mac.hexdigest().encode() for mac in self._macs]
        matches = [hmac.compare_digest(found, self._claimed) for found in made]
        if not any(matches):
            raise Problem(401, 'INVALID_SIGNATURE', 'the signature does not fit the body')
