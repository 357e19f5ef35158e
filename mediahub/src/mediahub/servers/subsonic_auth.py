# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""How a Subsonic server is configured, and how we say who we are."""

from __future__ import annotations

import hashlib
import pathlib
import secrets
from typing import Literal, Self

import pydantic

from ..engine import config, wire
from ..engine.registry import ServerSettings

PAGE = 500  # the protocol's limit for lists of albums


class SubsonicSettings(ServerSettings):
    """Configuration of a Subsonic server.

    Attributes:
        auth: ``token`` sends a salted digest of the password; ``password`` sends the password,
            for servers that know no tokens; ``api-key`` sends a key.
        libraries: Names of the music folders to use; all of them where it is empty.
    """

    url: config.Url
    auth: Literal['token', 'password', 'api-key'] = 'token'
    username: str | None = pydantic.Field(default=None, min_length=1, max_length=200)
    password: pydantic.SecretStr | None = None
    password_file: pathlib.Path | None = pydantic.Field(default=None, alias='password-file')
    api_key: pydantic.SecretStr | None = pydantic.Field(default=None, alias='api-key')
    api_key_file: pathlib.Path | None = pydantic.Field(default=None, alias='api-key-file')
    libraries: tuple[str, ...] = ()
    page_size: int = pydantic.Field(default=PAGE, ge=1, le=PAGE, alias='page-size')

    @pydantic.model_validator(mode='after')
    def _complete(self) -> Self:
        if (self.username is None) != (self.auth == 'api-key'):
            needs = 'no username: the key names it' if self.username else 'a username'
            raise ValueError(f'auth {self.auth!r} needs {needs}')
        self.credential()
        return self

    def credential(self) -> str:
        """The password or key."""
        if self.auth == 'api-key':
            return config.secret(self.api_key, self.api_key_file, 'api-key')
        return config.secret(self.password, self.password_file, 'password')


class Credentials:
    """Says who we are, in every request anew."""

    def __init__(self, settings: SubsonicSettings):
        self._auth = settings.auth
        self._username = settings.username or ''
        self._secret = settings.credential()

    @property
    def username(self) -> str | None:
        """The account; None where the server has to say which one the key belongs to."""
        return self._username or None

    @property
    def hidden(self) -> str:
        """What must not be shown."""
        return self._secret

    def fields(self) -> wire.Params:
        """The fields of a request."""
        if self._auth == 'api-key':
            return (('apiKey', self._secret),)
        if self._auth == 'password':
            return (('u', self._username), ('p', 'enc:' + self._secret.encode().hex()))
        salt = secrets.token_hex(8)
        # The protocol wants MD5.
        digest = hashlib.md5((self._secret + salt).encode(), usedforsecurity=False).hexdigest()
        return (('u', self._username), ('t', digest), ('s', salt))
