# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The hub's key at plex.tv, for ``PLEX_AUTH_FLOW=jwt``: who steals a PIN's id cannot redeem it.

The key has a client identifier of its own: a token by key makes plex.tv drop the older kind of
token that the same client had. What plex.tv grants is a JWT of seven days, which media servers do
not take; the hub only asks plex.tv with it who signs in, and keeps none.
"""

from __future__ import annotations

import json
import logging
import pathlib
import stat
from collections.abc import Mapping
from typing import Any, cast

import joserfc.errors
from joserfc import jwk, jws
from joserfc import jwt as jose

from ...engine import errors
from ...engine.errors import ConfigurationError
from . import installation, plextv
from .people import Clock, now
from .plextv import NAME, Pin, PlexTv

log = logging.getLogger(__name__)

FILE = 'plex-device-key.json'
SUFFIX = '-jwt'

AUDIENCE = 'plex.tv'
SCOPE = 'username,email,friendly_name'
SECONDS = 300


class _EdDSA(jws.JWSRegistry):
    """EdDSA by its older name, which is the one that plex.tv knows, and nothing else."""

    def get_alg(self, name: str) -> Any:
        if name != 'EdDSA':
            raise joserfc.errors.UnsupportedAlgorithmError(f'{name} is not taken')
        return self.algorithms[name]


_REGISTRY = _EdDSA(algorithms=['EdDSA'])


class DeviceKey:
    """An Ed25519 key in the hub's home, readable for the hub alone.

    Args:
        home: The hub's folder.

    Raises:
        ConfigurationError: The file can be neither read nor written, or holds no such key.
    """

    def __init__(self, home: pathlib.Path):
        self._place = home / FILE
        self._key = self._load()

    @property
    def name(self) -> str:
        """The key's thumbprint, which plex.tv knows it by."""
        return self._key.thumbprint()

    @property
    def public(self) -> dict[str, Any]:
        """What plex.tv is given."""
        shown = cast('dict[str, Any]', self._key.as_dict(private=False))
        return {**shown, 'kid': self.name, 'alg': 'EdDSA', 'use': 'sig'}

    def sign(self, claims: Mapping[str, Any]) -> str:
        """A JWT with these claims."""
        header = {'alg': 'EdDSA', 'kid': self.name, 'typ': 'JWT'}
        return jose.encode(header, dict(claims), self._key, registry=_REGISTRY)

    def replace(self) -> None:
        """Make a new key. The one before stays beside it: only we made it, but who knows."""
        self._place.replace(self._place.with_suffix('.old'))
        self._key = self._load()

    def _load(self) -> jwk.OKPKey:
        fresh = jwk.OKPKey.generate_key('Ed25519')
        content = installation.kept(self._place, json.dumps(fresh.as_dict(private=True)).encode())
        self._shut()
        try:
            key = jwk.OKPKey.import_key(cast('dict[str, Any]', json.loads(content)))
        except (ValueError, TypeError, joserfc.errors.JoseError) as error:
            message = f'{self._place} holds no key; remove it to have a new one'
            raise ConfigurationError([message]) from error
        if not key.is_private or key.curve_name != 'Ed25519':
            raise ConfigurationError([f'{self._place} holds no private Ed25519 key; remove it'])
        return key

    def _shut(self) -> None:
        mode = self._place.stat().st_mode
        if stat.S_IMODE(mode) & 0o077:
            log.warning('%s could be read by others; it no longer can', self._place)
            self._place.chmod(0o600)


class KeyedPins:
    """PINs that only our key redeems.

    Args:
        plex: plex.tv, as the client with the key sees it.
        key: The key.
        clock: The time.
    """

    def __init__(self, plex: PlexTv, key: DeviceKey, clock: Clock = now):
        self._plex = plex
        self._key = key
        self._clock = clock
        self._proof, self._proved = '', 0

    async def make(self) -> Pin:
        """Make a PIN."""
        return await self._plex.make_pin_for(self._key.public)

    async def confirmed(self, pin: str) -> str | None:
        """The token of a confirmed PIN; None while it is not confirmed.

        Raises:
            NotFound: It has expired.
            KeyRefused: plex.tv does not take the key; there is another one now.
        """
        try:
            token = await self._plex.confirmed_for(pin, await self._proven())
        except plextv.KeyRefused:
            log.warning('plex.tv refuses the key in %s; a new one takes its place', FILE)
            self._key.replace()
            self._proof = ''
            raise
        if token:
            await self._verify(token)
        return token

    async def renewed(self) -> str:
        """Another token for whoever confirmed a PIN of this key last; also after it expired.

        Raises:
            KeyRefused: Nobody did, or not with this key.
        """
        token = await self._plex.exchange(await self._signed())
        await self._verify(token)
        return token

    async def _proven(self) -> str:
        """That we hold the key; good for a while, because plex.tv is sparing with nonces."""
        today = int(self._clock().timestamp())
        if not self._proof or not 0 <= today - self._proved < SECONDS / 2:
            self._proof, self._proved = await self._signed(), today
        return self._proof

    async def _signed(self) -> str:
        today = int(self._clock().timestamp())
        claims = {
            'nonce': await self._plex.nonce(),
            'scope': SCOPE,
            'aud': AUDIENCE,
            'iss': self._plex.client_id,
            'iat': today,
            'exp': today + SECONDS,
        }
        return self._key.sign(claims)

    async def _verify(self, token: str) -> None:
        """See that a token is of plex.tv, for us and for our key.

        Raises:
            ProtocolError: It is not.
        """
        try:
            keys = jwk.KeySet.import_key_set({'keys': cast('Any', await self._plex.keys())})
            found = jose.decode(token, keys, registry=_REGISTRY)
            claims = jose.JWTClaimsRegistry(
                now=int(self._clock().timestamp()),
                leeway=SECONDS,
                iss={'essential': True, 'value': AUDIENCE},
                aud={'essential': True, 'values': [AUDIENCE, self._plex.client_id]},
                exp={'essential': True},
                iat={'essential': True},
                thumbprint={'essential': True, 'value': self._key.name},
            )
            claims.validate(found.claims)
        except (ValueError, TypeError, joserfc.errors.JoseError) as error:
            # Its name and no more: the message could quote the token.
            detail = f'granted a token that cannot be verified ({type(error).__name__})'
            raise errors.ProtocolError(NAME, detail) from None
