# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Tokens of plex.tv: undated ones, and signed ones for devices that gave a key."""

from __future__ import annotations

import dataclasses
import datetime
import random
import uuid
from typing import Any, cast

from joserfc import jwk, jws, jwt
from joserfc.errors import ExpiredTokenError, JoseError, UnsupportedAlgorithmError

from .clocks import Clock

# How long a signed token is good, and a nonce.
LIFE = datetime.timedelta(days=7)
NONCE_LIFE = datetime.timedelta(minutes=5)

# An undated token that nobody uses dies after some weeks; nobody says after how many.
UNUSED_LIFE = datetime.timedelta(days=60)

# How far the clock of a device may be off.
LEEWAY = 60

# Nonces that a device gets a minute.
NONCES = 30

_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-'


class TokenRefused(Exception):
    """A token or a signature is no good; carries the status that says so."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status = status


@dataclasses.dataclass
class Token:
    """An undated token of a user for a client."""

    user: int
    client: str
    used: datetime.datetime


@dataclasses.dataclass(frozen=True)
class DeviceKey:
    """The key that a client gave, and whom it speaks for."""

    client: str
    user: int
    key: jwk.OKPKey


class _PlexAlgorithms(jws.JWSRegistry):
    """EdDSA alone, by its old name: Plex has never used another."""

    def get_alg(self, name: str) -> Any:
        if name != 'EdDSA':
            raise UnsupportedAlgorithmError(f'{name} is not taken')
        return self.algorithms[name]


_ALGORITHMS = _PlexAlgorithms(algorithms=['EdDSA'])


class Tokens:
    """All tokens, keys and nonces.

    Attributes:
        nonces: How many a device may have a minute.
    """

    def __init__(self, clock: Clock, seed: int = 8):
        self._clock = clock
        self._random = random.Random(seed)  # noqa: S311 - tokens that a test can repeat
        self._undated: dict[str, Token] = {}
        self._devices: dict[str, DeviceKey] = {}
        self._nonces: dict[str, datetime.datetime] = {}
        self._asked: dict[str, list[datetime.datetime]] = {}
        self._revoked: set[str] = set()
        self._keys: list[jwk.OKPKey] = []
        self.nonces = NONCES
        self.rotate()

    def rotate(self) -> None:
        """Sign with another key from now on; what the older ones signed stays good."""
        name = f'plex-{len(self._keys) + 1}'
        parameters = {'kid': name, 'use': 'sig', 'alg': 'EdDSA'}
        self._keys.append(jwk.OKPKey.generate_key('Ed25519', cast('Any', parameters)))

    @property
    def public_keys(self) -> list[dict[str, Any]]:
        """What plex.tv shows of its keys, the newest last."""
        return [cast('dict[str, Any]', key.as_dict(private=False)) for key in self._keys]

    # Undated tokens

    def issue(self, user: int, client: str) -> str:
        """A new undated token."""
        token = ''.join(self._random.choices(_LETTERS, k=20))
        self._undated[token] = Token(user, client, self._clock())
        return token

    def end(self, token: str) -> None:
        """Make a token worthless."""
        self._undated.pop(token, None)
        self._revoked.add(token)

    def end_all(self, user: int) -> None:
        """Make all tokens of a user worthless, as a new password can."""
        self._undated = {name: each for name, each in self._undated.items() if each.user != user}
        self._devices = {name: each for name, each in self._devices.items() if each.user != user}

    def user(self, token: str) -> int:
        """Whose token it is.

        Raises:
            TokenRefused: 401 where it is nobody's, 498 where it is a signed one that is too old.
        """
        known = self._undated.get(token)
        if known is not None and self._clock() - known.used <= UNUSED_LIFE:
            known.used = self._clock()
            return known.user
        if token.count('.') == 2 and token not in self._revoked:
            return self._user_of_signed(token)
        raise TokenRefused(401, 'User could not be authenticated')

    def _user_of_signed(self, token: str) -> int:
        keys = jwk.KeySet(list(self._keys))
        claims = self._verified(token, keys, {'iss': {'essential': True, 'value': 'plex.tv'}}, 401)
        if claims['thumbprint'] not in self._devices:
            raise TokenRefused(401, 'User could not be authenticated')
        return claims['user']['id']

    # Signed tokens

    def register(self, key: Any, client: str, user: int) -> None:
        """Take a device's key.

        Raises:
            TokenRefused: 400 for what is no such key, 422 for one that another device gave.
        """
        taken = self.imported(key, client)
        self._devices[key['kid']] = DeviceKey(client, user, taken)

    def imported(self, key: Any, client: str) -> jwk.OKPKey:
        """A device's key, checked as for :meth:`register`."""
        wanted = {'kty': 'OKP', 'crv': 'Ed25519', 'alg': 'EdDSA'}
        if not isinstance(key, dict) or not wanted.items() <= cast('Any', key).items():
            raise TokenRefused(400, 'jwk has to be an Ed25519 key')
        known = self._devices.get(cast('Any', key).get('kid', ''))
        if known and known.client != client:
            raise TokenRefused(422, 'Thumbprint has already been taken')
        try:
            return jwk.OKPKey.import_key({**cast('Any', key), 'use': 'sig'})
        except (JoseError, ValueError) as error:
            raise TokenRefused(400, 'jwk is invalid') from error

    def nonce(self, client: str) -> str:
        """A nonce.

        Raises:
            TokenRefused: 429 where a client asks too often.
        """
        now = self._clock()
        lately = [at for at in self._asked.get(client, ()) if now - at < datetime.timedelta(0, 60)]
        if len(lately) >= self.nonces:
            raise TokenRefused(429, 'Too many requests')
        self._asked[client] = [*lately, now]
        made = str(uuid.UUID(int=self._random.getrandbits(128), version=4))
        self._nonces[made] = now
        return made

    def exchange(self, signed: str, client: str) -> tuple[int, set[str]]:
        """Whom a device speaks for that signed a nonce, and the fields that it asks for.

        Raises:
            TokenRefused: 498 for a JWT that is too old, 422 for any other that is no good.
        """
        claims = self.check(signed, client)
        given = self._nonces.pop(str(claims.get('nonce')), None)
        if given is None or self._clock() - given > NONCE_LIFE:
            raise TokenRefused(422, 'Nonce is invalid or has expired')
        device = next(each for each in self._devices.values() if each.client == client)
        return device.user, set(str(claims.get('scope', '')).split(','))

    def check(self, signed: str, client: str, key: jwk.OKPKey | None = None) -> dict[str, Any]:
        """What a device signed.

        Args:
            signed: The JWT.
            client: Whose it has to be.
            key: The key, where it is not registered yet.

        Raises:
            TokenRefused: 498 where it is too old, 422 for any other that is no good.
        """
        keys = [each.key for each in self._devices.values() if each.client == client]
        keys = [key] if key is not None else keys
        if not keys:
            raise TokenRefused(422, 'Signature verification failed')
        wanted: dict[str, Any] = {
            'iss': {'essential': True, 'value': client},
            'aud': {'essential': True, 'value': 'plex.tv'},
        }
        return self._verified(signed, jwk.KeySet(list(keys)), wanted, 422)

    def _verified(
        self, token: str, keys: jwk.KeySet, wanted: dict[str, Any], status: int
    ) -> dict[str, Any]:
        try:
            found = jwt.decode(token, keys, registry=_ALGORITHMS)
            if 'kid' not in found.header:
                raise TokenRefused(status, 'Missing kid in header')
            now = int(self._clock().timestamp())
            jwt.JWTClaimsRegistry(now=now, leeway=LEEWAY, **wanted).validate(found.claims)
        except ExpiredTokenError as error:
            raise TokenRefused(498, 'Token has expired') from error
        except (JoseError, ValueError) as error:
            raise TokenRefused(status, 'Signature verification failed') from error
        return found.claims

    def sign(self, user: dict[str, Any], client: str) -> str:
        """A signed token for a device that gave a key; its undated tokens end."""
        kid = next(name for name, each in self._devices.items() if each.client == client)
        now = int(self._clock().timestamp())
        claims: dict[str, Any] = {
            'iss': 'plex.tv',
            'aud': ['plex.tv', client],
            'iat': now,
            'exp': now + int(LIFE.total_seconds()),
            'nonce': str(uuid.UUID(int=self._random.getrandbits(128), version=4)),
            'thumbprint': kid,
            'user': user,
        }
        for token in [name for name, each in self._undated.items() if each.client == client]:
            self.end(token)
        key = self._keys[-1]
        header = {'kid': key.kid, 'typ': 'JWT', 'alg': 'EdDSA'}
        return jwt.encode(header, claims, key, registry=_ALGORITHMS)
