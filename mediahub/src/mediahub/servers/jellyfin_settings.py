# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""How a Jellyfin or Emby server is configured, and what differs between the two."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import Literal, Self
from urllib.parse import quote

import pydantic

from ..engine import config, wire
from ..engine.registry import ServerSettings

PAGE = 1000


@dataclasses.dataclass(frozen=True, slots=True)
class Profile:
    """What differs between the products.

    Attributes:
        product: What the server calls itself, where it does.
        prefix: Path in front of every other.
    """

    product: str
    prefix: str

    def headers(self, device: str, token: str) -> dict[str, str]:
        """How a request says who we are."""
        if self.product == 'Emby':
            return {'X-Emby-Token': token, 'Accept': 'application/json'}
        fields = {
            'Client': wire.PRODUCT,
            'Device': wire.PRODUCT,
            'DeviceId': device,
            'Version': wire.VERSION,
            'Token': token,
        }
        listed = ', '.join(f'{name}="{quote(value)}"' for name, value in fields.items())
        return {'Authorization': f'MediaBrowser {listed}', 'Accept': 'application/json'}


JELLYFIN = Profile('Jellyfin', '')
EMBY = Profile('Emby', '/emby')


class JellyfinSettings(ServerSettings):
    """Configuration of a Jellyfin or Emby server.

    Attributes:
        auth: ``api-key`` for a key from the dashboard, ``user-token`` for one user's token.
        user: With a key, the user whose playlists and history are meant; the first administrator
            where it is not given.
        libraries: Names of the music libraries to use; all of them where it is empty.
    """

    url: config.Url
    auth: Literal['api-key', 'user-token'] = 'api-key'
    token: pydantic.SecretStr | None = None
    token_file: pathlib.Path | None = pydantic.Field(default=None, alias='token-file')
    user: str | None = None
    libraries: tuple[str, ...] = ()
    page_size: int = pydantic.Field(default=PAGE, ge=1, le=5000, alias='page-size')

    @pydantic.model_validator(mode='after')
    def _complete(self) -> Self:
        if self.user is not None and self.auth == 'user-token':
            raise ValueError("auth 'user-token' needs no user: the token names it")
        self.credential()
        return self

    def credential(self) -> str:
        """The key or token."""
        return config.header_secret(self.token, self.token_file, 'token')
