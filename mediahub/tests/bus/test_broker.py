# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Signing in to a broker, with every kind of credentials, and without telling them to anybody."""

from __future__ import annotations

import asyncio
import base64
import binascii
import datetime
import ipaddress
import json
import pathlib
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID

from mediahub.bus import broker
from mediahub.bus.broker import Broker, BrokerUnavailable
from mediahub.testing.broker import NatsServer

if TYPE_CHECKING:
    from .conftest import Servers

pytestmark = pytest.mark.anyio

PASSWORD = 'correct-horse/battery'

USERS = f'authorization: {{ users: [{{ user: hub, password: "{PASSWORD}" }}] }}'


async def greeted(where: Broker) -> None:
    """Connect, and have the broker answer."""
    async with broker.connected(where, 'test') as connection:
        await connection.client.flush()


async def test_a_user_and_password_in_the_address_are_used_and_never_shown(
    servers: Servers, caplog: pytest.LogCaptureFixture
):
    caplog.set_level('DEBUG')
    server = servers(USERS)
    where = Broker.at([f'nats://hub:correct-horse%2Fbattery@127.0.0.1:{server.port}'])

    await greeted(where)

    shown = f'{where} {where!r} {caplog.text}'
    assert 'correct-horse' not in shown
    assert str(where) == server.address


async def test_a_wrong_password_is_named_without_showing_it(
    servers: Servers, caplog: pytest.LogCaptureFixture
):
    caplog.set_level('DEBUG')
    server = servers(USERS)
    where = Broker.at([server.address], user='hub', password='wrong-battery')

    with pytest.raises(BrokerUnavailable, match='Authorization') as caught:
        await greeted(where)

    assert 'wrong-battery' not in f'{caught.value} {caught.value.__cause__} {caplog.text}'


async def test_a_token_is_used(servers: Servers):
    server = servers('authorization: { token: "s3cr3t-token" }')

    await greeted(Broker.at([server.address], token='s3cr3t-token'))
    await greeted(Broker.at([f'nats://s3cr3t-token@127.0.0.1:{server.port}']))
    with pytest.raises(BrokerUnavailable):
        await greeted(Broker.at([server.address]))


async def test_the_next_broker_is_tried_when_one_is_away(servers: Servers):
    away, there = servers(), servers()
    away.stop()

    await greeted(Broker.at([away.address, there.address]))


async def test_an_address_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(broker, 'CONNECT_TIMEOUT', 0.2)

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(silent, '127.0.0.1', 0) as listener:
        port = listener.sockets[0].getsockname()[1]
        with pytest.raises(BrokerUnavailable, match='no answer'):
            await greeted(Broker.at([f'nats://127.0.0.1:{port}']))


@pytest.mark.parametrize('greeting', [b'HTTP/1.1 400 Bad Request\r\n\r\n', b'INFO {\r\n', b''])
async def test_something_else_at_the_address_is_an_error(greeting: bytes):
    async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        writer.close()

    async with await asyncio.start_server(other, '127.0.0.1', 0) as listener:
        port = listener.sockets[0].getsockname()[1]
        with pytest.raises(BrokerUnavailable, match=str(port)):
            await greeted(Broker.at([f'nats://127.0.0.1:{port}']))


async def test_a_websocket_address_is_refused_in_words(servers: Servers):
    with pytest.raises(BrokerUnavailable, match='only nats:// and tls://'):
        await greeted(Broker.at(['ws://127.0.0.1:1']))


async def test_a_broker_with_too_small_messages_is_refused(servers: Servers):
    server = servers('max_payload: 1024')

    with pytest.raises(BrokerUnavailable, match='max_payload'):
        await greeted(Broker.at([server.address]))


class Authority:
    """A certificate authority of one's own."""

    def __init__(self, folder: pathlib.Path):
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, 'an authority')])
        self.file = folder / 'ca.pem'
        self.certificate, self.key = folder / 'cert.pem', folder / 'key.pem'
        own = self._signed(self._name, self._key, authority=True)
        self.file.write_bytes(own.public_bytes(serialization.Encoding.PEM))
        self._issue()

    def _issue(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, 'broker')])
        issued = self._signed(name, key, authority=False)
        self.certificate.write_bytes(issued.public_bytes(serialization.Encoding.PEM))
        self.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )

    def _signed(
        self, name: x509.Name, key: ec.EllipticCurvePrivateKey, *, authority: bool
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if not authority:
            address = x509.IPAddress(ipaddress.ip_address('127.0.0.1'))
            builder = builder.add_extension(x509.SubjectAlternativeName([address]), critical=False)
        return builder.sign(self._key, hashes.SHA256())


@pytest.fixture
def authority(tmp_path: pathlib.Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def encrypted(servers: Servers, authority: Authority) -> NatsServer:
    files = f'cert_file: "{authority.certificate}", key_file: "{authority.key}"'
    return servers(f'{USERS}\ntls: {{ {files} }}')


async def test_an_encrypted_broker_is_checked_against_the_authority(
    encrypted: NatsServer, authority: Authority
):
    address = f'tls://127.0.0.1:{encrypted.port}'

    await greeted(Broker.at([address], user='hub', password=PASSWORD, authority=authority.file))
    with pytest.raises(BrokerUnavailable, match='certificate verify failed'):
        await greeted(Broker.at([address], user='hub', password=PASSWORD))


async def test_a_password_never_leaves_in_clear_text_where_tls_was_asked_for():
    heard: list[bytes] = []
    information = {'server_id': 'x', 'version': '2.9.10', 'max_payload': 1048576, 'headers': True}

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'INFO ' + json.dumps(information).encode() + b'\r\n')
        heard.append(await reader.read())
        writer.close()

    async with await asyncio.start_server(plain, '127.0.0.1', 0) as listener:
        port = listener.sockets[0].getsockname()[1]
        where = Broker.at([f'tls://127.0.0.1:{port}'], user='hub', password=PASSWORD)
        with pytest.raises(BrokerUnavailable, match='offers no encryption'):
            await greeted(where)
        await asyncio.sleep(0.05)

    assert b''.join(heard) == b''


async def test_a_file_of_authorities_that_is_missing_is_named(servers: Servers):
    server = servers()

    with pytest.raises(BrokerUnavailable, match='No such file'):
        await greeted(Broker.at([server.address], authority=pathlib.Path('/nowhere/ca.pem')))


def crc16(data: bytes) -> int:
    """The checksum of NATS's keys: CRC-16/XMODEM."""
    return binascii.crc_hqx(data, 0)


# Of operators, accounts and users, by NATS's own specification.
PREFIXES = {'O': 14 << 3, 'A': 0, 'U': 20 << 3}


class Key:
    """A key as NATS writes it."""

    def __init__(self, kind: str):
        self._key = Ed25519PrivateKey.generate()
        self._prefix = PREFIXES[kind]

    @property
    def public(self) -> str:
        raw = bytes([self._prefix]) + self._key.public_key().public_bytes_raw()
        return self._written(raw)

    @property
    def seed(self) -> str:
        seed_prefix = 18 << 3
        first = seed_prefix | (self._prefix >> 5)
        second = (self._prefix & 31) << 3
        return self._written(bytes([first, second]) + self._key.private_bytes_raw())

    @staticmethod
    def _written(raw: bytes) -> str:
        whole = raw + crc16(raw).to_bytes(2, 'little')
        return base64.b32encode(whole).decode().rstrip('=')

    def token(self, subject: str, name: str, nats: dict[str, object]) -> str:
        """A JWT that this key issues."""
        claims = {
            'jti': uuid.uuid4().hex,
            'iat': int(datetime.datetime.now(datetime.UTC).timestamp()),
            'iss': self.public,
            'name': name,
            'sub': subject,
            'nats': nats | {'version': 2},
        }
        head = _part({'typ': 'JWT', 'alg': 'ed25519-nkey'})
        body = f'{head}.{_part(claims)}'
        signature = base64.urlsafe_b64encode(self._key.sign(body.encode())).decode()
        return f'{body}.{signature.rstrip("=")}'


def _part(document: Mapping[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip('=')


@pytest.fixture
def credentials(servers: Servers, tmp_path: pathlib.Path) -> tuple[NatsServer, pathlib.Path]:
    """A broker with an operator, an account and a user, and the user's file."""
    operator, account, user = Key('O'), Key('A'), Key('U')
    anything = {
        'subs': -1,
        'conn': -1,
        'leaf': -1,
        'imports': -1,
        'exports': -1,
        'data': -1,
        'payload': -1,
        'wildcards': True,
    }
    tokens = {
        'operator': operator.token(operator.public, 'operator', {'type': 'operator'}),
        'account': operator.token(
            account.public, 'account', {'type': 'account', 'limits': anything}
        ),
        'user': account.token(
            user.public, 'user', {'type': 'user', 'subs': -1, 'data': -1, 'payload': -1}
        ),
    }
    server = servers(
        f'operator: {tokens["operator"]}\nresolver: MEMORY\n'
        f'resolver_preload: {{ {account.public}: {tokens["account"]} }}',
        jetstream=None,
    )
    file = tmp_path / 'hub.creds'
    file.write_text(
        f'-----BEGIN NATS USER JWT-----\n{tokens["user"]}\n------END NATS USER JWT------\n\n'
        f'-----BEGIN USER NKEY SEED-----\n{user.seed}\n------END USER NKEY SEED------\n'
    )
    return server, file


async def test_a_credentials_file_opens_a_broker_that_wants_one(
    credentials: tuple[NatsServer, pathlib.Path],
):
    server, file = credentials

    await greeted(Broker.at([server.address], credentials=file))
    with pytest.raises(BrokerUnavailable, match='Authorization'):
        await greeted(Broker.at([server.address]))


async def test_a_credentials_file_of_somebody_else_is_refused(
    credentials: tuple[NatsServer, pathlib.Path],
):
    server, file = credentials
    jwt, _ = broker.read_credentials(file)
    file.write_text(
        f'-----BEGIN NATS USER JWT-----\n{jwt.decode()}\n------END NATS USER JWT------\n'
        f'-----BEGIN USER NKEY SEED-----\n{Key("U").seed}\n------END USER NKEY SEED------\n'
    )

    with pytest.raises(BrokerUnavailable, match='Authorization'):
        await greeted(Broker.at([server.address], credentials=file))


@pytest.mark.parametrize(
    ('content', 'said'),
    [
        (None, 'No such file'),
        (b'', 'nsc writes one'),
        (b'-----BEGIN NATS USER JWT-----\n', 'nsc writes one'),
        (b'\xff\xfe', 'no text'),
        (
            b'-----BEGIN NATS USER JWT-----\nx\n--\n-----BEGIN USER NKEY SEED-----\nSUshort\n--',
            'no valid seed',
        ),
    ],
)
async def test_a_credentials_file_that_cannot_be_used_is_named(
    server: NatsServer, tmp_path: pathlib.Path, content: bytes | None, said: str
):
    file = tmp_path / 'hub.creds'
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(BrokerUnavailable, match=said):
        await greeted(Broker.at([server.address], credentials=file))
