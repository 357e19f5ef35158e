# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The media servers: from what their applications say to what the hub is told."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from charmarr_lib.interfaces import (
    Absent,
    Answer,
    Malformed,
    MediaServer,
    MediaServerProviderData,
    Valid,
)

ServerAnswer = Answer[MediaServerProviderData]

_NAME: Final = re.compile(r'[a-z][a-z0-9-]*')


@dataclasses.dataclass(frozen=True)
class Server:
    """A media server as the hub is told of it.

    Attributes:
        name: What it is called there; its history hangs on its own identity, not on this.
        kind: Its kind.
        url: Where it is.
        app: The application that said so, empty in what the hub was told.
        granted: Id of the secret with its token, where the application grants one.
    """

    name: str
    kind: MediaServer
    url: str
    app: str = dataclasses.field(default='', compare=False)
    granted: str | None = dataclasses.field(default=None, compare=False)


@dataclasses.dataclass(frozen=True)
class Roster:
    """All servers.

    Attributes:
        servers: Those that the hub is told of, by name.
        clashes: One line for each that has the name of another.
    """

    servers: tuple[Server, ...]
    clashes: tuple[str, ...]


def roster(answers: Sequence[ServerAnswer], known: Mapping[str, Server]) -> Roster:
    """Make the roster.

    A server whose application says nothing for a moment, or nonsense, stays as it was known: it
    leaves with its relation only.

    Args:
        answers: One for each relation, oldest first.
        known: What the hub was told last, by name.
    """
    found: dict[str, Server] = {}
    clashes: list[str] = []
    for answer in answers:
        server = _server(answer, known)
        if server is None:
            continue
        first = found.setdefault(server.name, server)
        if first is not server:
            clashes.append(
                f'{answer.app} and {first.app} are both named {server.name}; '
                f'only {first.app} is watched: remove one relation'
            )
    return Roster(tuple(found[name] for name in sorted(found)), tuple(clashes))


def _server(answer: ServerAnswer, known: Mapping[str, Server]) -> Server | None:
    if isinstance(answer, Valid):
        data = answer.data
        name = named(data.instance_name)
        return Server(name, data.server, data.api_url, answer.app, data.credentials_secret_id)
    before = known.get(named(answer.app))
    return dataclasses.replace(before, app=answer.app) if before is not None else None


def named(name: str) -> str:
    """Return a name as the hub takes it: letters, digits and hyphens, a letter first."""
    plain = re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')
    return plain if _NAME.fullmatch(plain) else f'server-{plain}'.rstrip('-')


def malformed(answers: Iterable[ServerAnswer]) -> tuple[str, ...]:
    """Return what is wrong with answers that do not follow the interface."""
    return tuple(str(each) for each in answers if isinstance(each, Malformed))


def pending(answers: Iterable[ServerAnswer]) -> tuple[str, ...]:
    """Return applications that have not said where they are."""
    return tuple(each.app for each in answers if isinstance(each, Absent))
