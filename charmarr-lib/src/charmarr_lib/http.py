# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The one place where Charmarr opens an HTTP connection.

Every request a charm makes, to its workload or to the Kubernetes API, goes through a client whose
transport can be replaced for the length of a ``with`` block. Tests and the rehearsal do that with
:func:`use_transport`; in production nothing is replaced.

A quiet hook asks one or two questions, and ``httpx2`` takes longer to import than all the rest of
it. So :func:`request` makes do with Python's own HTTP client, which ops has loaded for Pebble;
``httpx2`` is imported by :func:`client`, on first use, for those who have a conversation.
"""

from __future__ import annotations

import contextlib
import contextvars
import dataclasses
import http.client
import json
import logging
import time
import typing
import urllib.parse
from collections.abc import Generator, Mapping
from typing import Any

if typing.TYPE_CHECKING:
    import ssl

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


class RequestError(Exception):
    """There is no answer. The text is one line and holds no address."""


class NotConnectedError(RequestError):
    """Nobody listens there; the request was not sent."""


class TooLateError(RequestError):
    """There was no answer in time; the request may have been carried out."""


@dataclasses.dataclass(frozen=True)
class Reply:
    """An answer, whatever its status.

    Attributes:
        status: The status code.
        content_type: The media type without parameters, in lower case; empty if there is none.
        body: The whole content.
    """

    status: int
    content_type: str
    body: bytes = dataclasses.field(repr=False)

    def json(self) -> Any:
        """Return the body read as JSON.

        Raises:
            ValueError: if it is not JSON.
        """
        try:
            return json.loads(self.body)
        except RecursionError:
            raise ValueError('nested too deeply') from None


def request(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    timeout: float = 5.0,
    connect_retries: int = 0,
    tls: ssl.SSLContext | None = None,
) -> Reply:
    """Send one request without a body, on a connection of its own.

    As with :func:`client`, proxy variables are ignored and redirects are not followed.

    Args:
        method: The verb.
        url: Where to; its query goes along.
        headers: Further headers.
        timeout: Seconds allowed for connecting, and again for each read and write.
        connect_retries: As :func:`client` has it.
        tls: Whom to trust, for a URL that starts with ``https``; this machine's authorities if
            it is not given.

    Raises:
        RequestError: if there is no answer.
    """
    carrier = _replacement.get()
    if carrier is not None:
        return _through(carrier, method, url, headers or {}, timeout)
    for delay in (0.0, *(0.5 * 2**each for each in range(connect_retries - 1)))[:connect_retries]:
        with contextlib.suppress(NotConnectedError):
            return _send(method, url, headers or {}, timeout, tls)
        time.sleep(delay)
    return _send(method, url, headers or {}, timeout, tls)


def _send(
    method: str, url: str, headers: Mapping[str, str], timeout: float, tls: ssl.SSLContext | None
) -> Reply:
    parts = urllib.parse.urlsplit(url)
    target = f'{parts.path or "/"}?{parts.query}' if parts.query else parts.path or '/'
    connection = _connection(parts, timeout, tls)
    with contextlib.closing(connection):
        try:
            connection.connect()
        except TimeoutError:
            raise NotConnectedError('it did not answer in time') from None
        except OSError:
            raise NotConnectedError('it cannot be reached') from None
        try:
            connection.request(method, target, headers=dict(headers))
            response = connection.getresponse()
            body = response.read()
        except TimeoutError:
            raise TooLateError('it did not answer in time') from None
        except (OSError, http.client.HTTPException):
            raise RequestError('it broke off its answer') from None
    return Reply(response.status, _media_type(response.headers.get('Content-Type')), body)


def _connection(
    parts: urllib.parse.SplitResult, timeout: float, tls: ssl.SSLContext | None
) -> http.client.HTTPConnection:
    host = parts.hostname or ''
    if parts.scheme == 'https':
        return http.client.HTTPSConnection(host, parts.port, timeout=timeout, context=tls)
    return http.client.HTTPConnection(host, parts.port, timeout=timeout)


def _through(
    carrier: httpx2.BaseTransport,
    method: str,
    url: str,
    headers: Mapping[str, str],
    timeout: float,
) -> Reply:
    """Ask what stands in for the network."""
    import httpx2

    silence()
    try:
        with httpx2.Client(transport=carrier, timeout=timeout, trust_env=False) as stand_in:
            response = stand_in.request(method, url, headers=dict(headers))
    except httpx2.ConnectError:
        raise NotConnectedError('it cannot be reached') from None
    except httpx2.TimeoutException:
        raise TooLateError('it did not answer in time') from None
    except httpx2.HTTPError:
        raise RequestError('it broke off its answer') from None
    media_type = _media_type(response.headers.get('Content-Type'))
    return Reply(response.status_code, media_type, response.content)


def _media_type(header: str | None) -> str:
    return (header or '').partition(';')[0].strip().lower()
