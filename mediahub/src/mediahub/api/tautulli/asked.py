# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A command that was asked for, and what its parameters mean."""

from __future__ import annotations

import dataclasses
import datetime
import enum
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from .. import envelope
from ..access import Identity
from ..hub import Hub
from ..servers import Server

E = TypeVar('E', bound=enum.Enum)


@dataclasses.dataclass(frozen=True)
class Asked:
    """A command, by whom it was asked for, and its parameters."""

    hub: Hub
    eyes: Identity
    query: Mapping[str, str]

    @property
    def server(self) -> Server | None:
        """The one that is meant; None for all."""
        name = self.query.get('server')
        return self.hub.servers.choose(name) if name else None

    @property
    def one_server(self) -> Server:
        """The one that is meant, or the first.

        Raises:
            Problem: There is none.
        """
        found = self.server or next(iter(self.hub.servers), None)
        if found is None:
            raise envelope.disabled()
        return found

    @property
    def machine(self) -> str | None:
        """Machine identifier of the server that is meant; None for all."""
        return self.server.machine_id if self.server else None

    def text(self, name: str) -> str | None:
        """A parameter; None where it is absent or empty."""
        return self.query.get(name) or None

    def number(self, name: str, default: int, least: int = 0, most: int = 1_000_000) -> int:
        """A parameter that is a number.

        Raises:
            Problem: It is none, or out of bounds.
        """
        text = self.query.get(name) or str(default)
        if not text.isascii() or not text.isdigit() or not least <= int(text[:12]) <= most:
            raise envelope.invalid(f'{name}: needs a number between {least} and {most}')
        return int(text)

    def day(self, name: str) -> datetime.date | None:
        """A parameter that is a day.

        Raises:
            Problem: It is none.
        """
        text = self.text(name)
        try:
            return datetime.date.fromisoformat(text) if text else None
        except ValueError as error:
            raise envelope.invalid(f'{name}: needs a day such as 2026-01-31') from error

    def one_of(self, name: str, kinds: type[E]) -> E | None:
        """A parameter that is one of a few words.

        Raises:
            Problem: It is none of them.
        """
        text = self.text(name)
        try:
            return kinds(text) if text else None
        except ValueError as error:
            known = ', '.join(str(kind.value) for kind in kinds)
            raise envelope.invalid(f'{name}: needs one of {known}') from error


Command = Callable[[Asked], Awaitable[Any]]
