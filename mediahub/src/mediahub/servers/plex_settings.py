# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""How a Plex server is configured."""

from __future__ import annotations

import pathlib
from typing import Self

import pydantic

from ..engine import config
from ..engine.registry import ServerSettings

PAGE = 1000


class PlexSettings(ServerSettings):
    """Configuration of a Plex server.

    Attributes:
        token: An ``X-Plex-Token`` of the server's owner.
        libraries: Titles of the music libraries to use; all of them where it is empty.
        page_size: Items that one request asks for.
    """

    url: config.Url
    token: pydantic.SecretStr | None = None
    token_file: pathlib.Path | None = pydantic.Field(default=None, alias='token-file')
    libraries: tuple[str, ...] = ()
    page_size: int = pydantic.Field(default=PAGE, ge=1, le=5000, alias='page-size')

    @pydantic.model_validator(mode='after')
    def _readable(self) -> Self:
        self.credential()
        return self

    def credential(self) -> str:
        """The token."""
        return config.header_secret(self.token, self.token_file, 'token')
