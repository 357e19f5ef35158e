# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Random texts that open doors, and what of them is kept: never they themselves."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets


def fresh() -> str:
    """A new one, of 256 bits, safe in URLs and cookies."""
    return secrets.token_urlsafe(32)


def hashed(ticket: str) -> str:
    """What is kept of one. They are random, so that nothing slower than SHA-256 is needed."""
    return hashlib.sha256(ticket.encode()).hexdigest()


def challenge(verifier: str) -> str:
    """The S256 challenge of a verifier, as RFC 7636 spells it."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b'=').decode()


def derived(ticket: str, purpose: str) -> str:
    """Another ticket, which only somebody who has the first can know."""
    digest = hmac.digest(ticket.encode(), purpose.encode(), 'sha256')
    return base64.urlsafe_b64encode(digest).rstrip(b'=').decode()


def same(one: str, other: str) -> bool:
    """Whether two are the same; how long that takes tells nothing of them."""
    return hmac.compare_digest(one.encode(), other.encode())
