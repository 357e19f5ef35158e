# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A connection to a NATS broker: with credentials, encrypted where that is asked for, or an error.

A connection is used until it breaks and is then made anew. The client's own reconnecting is not
used: it would go on with streams and consumers that are gone by now, and tries for ever inside of
the first connect, where nobody sees why.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import dataclasses
import pathlib
import ssl
from collections.abc import AsyncGenerator, Callable, Iterable
from typing import Any
from urllib.parse import unquote, urlsplit

import nats.aio.client
import nats.errors
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ..engine.errors import MediaHubError

CONNECT_TIMEOUT = 5

# Seconds between two signs of life that we ask for; two without an answer end the connection.
PING = 10

# An event is two or three kilobytes; a broker that takes less than this was set up for others.
LEAST_PAYLOAD = 64 * 1024


class BrokerUnavailable(MediaHubError):
    """The broker cannot be used at the moment; the message says why, without credentials."""


@dataclasses.dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is, and how to sign in.

    Attributes:
        servers: Addresses, ``nats://host:port`` or ``tls://host:port``, without credentials.
        credentials: A ``.creds`` file of NATS, read at each connect.
        authority: Certificates that the broker's is checked against; the system's by default.
    """

    servers: tuple[str, ...]
    user: str | None = dataclasses.field(default=None, repr=False)
    password: str | None = dataclasses.field(default=None, repr=False)
    token: str | None = dataclasses.field(default=None, repr=False)
    credentials: pathlib.Path | None = None
    authority: pathlib.Path | None = None

    @classmethod
    def at(cls, addresses: Iterable[str], **how: Any) -> Broker:
        """A broker by its addresses; a user and password in one of them are taken out of it."""
        bare: list[str] = []
        for address in addresses:
            parts = urlsplit(address)
            if parts.username and parts.password:
                how |= {'user': unquote(parts.username), 'password': unquote(parts.password)}
            elif parts.username:
                how |= {'token': unquote(parts.username)}
            bare.append(parts._replace(netloc=parts.netloc.rpartition('@')[2]).geturl())
        return cls(tuple(bare), **how)

    @property
    def encrypted(self) -> bool:
        """Whether a connection in clear text is refused."""
        return any(address.startswith('tls://') for address in self.servers)

    def __str__(self) -> str:
        return ', '.join(self.servers)


class _Client(nats.aio.client.Client):
    """The client, which with ``tls://`` does not sign in where the broker offers no encryption."""

    def __init__(self, encrypted: bool):
        super().__init__()
        self._encrypted = encrypted

    def _connect_command(self) -> bytes:
        # The one place that is passed before the credentials leave, and after TLS was agreed on.
        if self._encrypted and not self._server_info.get('tls_required'):
            raise nats.errors.SecureConnWantedError
        return super()._connect_command()


@dataclasses.dataclass(frozen=True, slots=True)
class Connection:
    """An open connection.

    Attributes:
        client: The client.
        closed: Set when the connection is gone.
    """

    client: nats.aio.client.Client
    closed: asyncio.Event


@contextlib.asynccontextmanager
async def connected(broker: Broker, name: str) -> AsyncGenerator[Connection]:
    """Connect, and close at the end.

    Args:
        broker: Where to.
        name: Of the connection, for the broker's operator.

    Raises:
        BrokerUnavailable: No connection could be made.
    """
    client = _Client(broker.encrypted)
    closed = asyncio.Event()
    try:
        await _connect(client, broker, name, closed)
        yield Connection(client, closed)
    finally:
        with contextlib.suppress(Exception):  # it is closed one way or the other
            async with asyncio.timeout(CONNECT_TIMEOUT):
                await client.close()


async def _connect(
    client: nats.aio.client.Client, broker: Broker, name: str, closed: asyncio.Event
) -> None:
    if not all(address.startswith(('nats://', 'tls://')) for address in broker.servers):
        raise BrokerUnavailable(f'{broker}: only nats:// and tls:// can be used')
    problems: list[Exception] = []

    async def note(error: Exception) -> None:
        problems.append(error)

    async def gone() -> None:
        closed.set()

    try:
        async with asyncio.timeout(CONNECT_TIMEOUT * (len(broker.servers) + 1)):
            await client.connect(
                servers=list(broker.servers),
                name=name,
                error_cb=note,
                closed_cb=gone,
                allow_reconnect=False,
                max_reconnect_attempts=1,
                reconnect_time_wait=0,
                connect_timeout=CONNECT_TIMEOUT,
                ping_interval=PING,
                tls=_encryption(broker),
                **_sign_in(broker),
            )
    except (OSError, ValueError, nats.errors.Error) as error:
        cause = problems[-1] if problems else error
        raise BrokerUnavailable(f'{broker}: {_explained(cause)}') from error
    if client.max_payload < LEAST_PAYLOAD:
        raise BrokerUnavailable(
            f'{broker}: takes messages up to {client.max_payload} bytes; '
            f'set max_payload to {LEAST_PAYLOAD} or more'
        )


def _encryption(broker: Broker) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=broker.authority)


def _sign_in(broker: Broker) -> dict[str, Any]:
    if broker.credentials:
        jwt, seed = read_credentials(broker.credentials)
        return {'user_jwt_cb': lambda: bytearray(jwt), 'signature_cb': signer(seed)}
    if broker.token:
        return {'token': broker.token}
    if broker.user:
        return {'user': broker.user, 'password': broker.password or ''}
    return {}


def read_credentials(file: pathlib.Path) -> tuple[bytes, bytes]:
    """The token and the seed in a ``.creds`` file.

    Raises:
        BrokerUnavailable: It cannot be read, or lacks one of them.
    """
    try:
        lines = [line.strip() for line in file.read_text('ascii').splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else 'it is no text'
        raise BrokerUnavailable(f'cannot read the credentials in {file}: {reason}') from error
    found = [_under(lines, 'BEGIN NATS USER JWT'), _under(lines, 'BEGIN USER NKEY SEED')]
    if not all(found):
        raise BrokerUnavailable(f'{file} is no credentials file of NATS: nsc writes one')
    return found[0].encode(), found[1].encode()


def _under(lines: list[str], heading: str) -> str:
    """The line under a heading; empty where there is none."""
    places = [number for number, line in enumerate(lines) if heading in line]
    return lines[places[0] + 1] if places and places[0] + 1 < len(lines) else ''


def signer(seed: bytes) -> Callable[[str], bytes]:
    """Signs what the broker sends to prove that we hold a seed (a key of NATS begins with S).

    Raises:
        BrokerUnavailable: It is no seed.
    """
    try:
        # Two bytes say what kind of key it is, the last two are a checksum.
        raw = base64.b32decode(seed + b'=' * (-len(seed) % 8))
        key = Ed25519PrivateKey.from_private_bytes(raw[2:34])
    except ValueError as error:
        raise BrokerUnavailable('the credentials file holds no valid seed') from error
    return lambda nonce: base64.b64encode(key.sign(nonce.encode()))


def _explained(error: BaseException) -> str:
    if isinstance(error, nats.errors.SecureConnWantedError):
        return 'offers no encryption, and the address says tls://'
    if isinstance(error, TimeoutError):
        return 'no answer'
    text = ' '.join(str(error).split())
    return text.removeprefix('nats: ')[:200] or type(error).__name__
