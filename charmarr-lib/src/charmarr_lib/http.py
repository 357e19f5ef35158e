# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The one place where Charmarr opens an HTTP connection.

Every request a charm makes, to its workload or to the Kubernetes API, goes through a client whose
transport can be replaced for the length of a ``with`` block. Tests and the rehearsal do that with
:func:`use_transport`; in production nothing is replaced.

``httpx2`` takes longer to import than a quiet hook takes to run, so it is imported on first use.
"""

from __future__ import annotations

import contextlib
import contextvars
import logging
import typing
from collections.abc import Generator

if typing.TYPE_CHECKING:
    import httpx2

_replacement: contextvars.ContextVar[httpx2.BaseTransport | None] = contextvars.ContextVar(
    'charmarr_http_transport', default=None
)


def transport() -> httpx2.BaseTransport | None:
    """Return the transport that replaces the network just now, or None in production."""
    return _replacement.get()


@contextlib.contextmanager
def use_transport(replacement: httpx2.BaseTransport) -> Generator[None]:
    """Send every request made inside the ``with`` block to ``replacement``."""
    token = _replacement.set(replacement)
    try:
        yield
    finally:
        _replacement.reset(token)


def silence() -> None:
    """Keep ``httpx2`` from logging every URL; some programs take a secret in the query."""
    for name in ('httpx2', 'httpcore2'):
        logging.getLogger(name).setLevel(logging.WARNING)


def client(base_url: str = '', *, timeout: float = 5.0, connect_retries: int = 0) -> httpx2.Client:
    """Open an HTTP client.

    Args:
        base_url: Prefix of every relative URL, such as ``http://localhost:32400``.
        timeout: Seconds allowed for connecting, and again for each read and write.
        connect_retries: How often to try again when nobody listens, after 0, 0.5, 1, 2, 4...
            seconds. For a program that was started a moment ago. A replaced transport answers
            as it will answer, so there is no waiting in tests.

    Returns:
        A client that ignores proxy variables: a charm's peers are its own pod and its cluster, and
        a proxy that an operator set for image pulls must not see them.
    """
    import httpx2

    silence()
    carrier = _replacement.get()
    if carrier is None and connect_retries:
        carrier = httpx2.HTTPTransport(retries=connect_retries, trust_env=False)
    return httpx2.Client(
        base_url=base_url,
        timeout=timeout,
        transport=carrier,
        trust_env=False,
        follow_redirects=False,
    )
