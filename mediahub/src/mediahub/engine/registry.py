# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The kinds of server that there are, ours and those of installed plugins.

A kind of server is one module that defines a :class:`ServerType`, and one line of package metadata
that names it (entry point group ``mediahub.servers``). Nothing else knows the kinds.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
import re
from collections.abc import Callable, Iterable, Iterator

import httpx2
import pydantic

from . import breaker, errors, wire
from .dialect import Dialect

GROUP = 'mediahub.servers'

_NAME = re.compile(r'[a-z][a-z0-9-]*')


@dataclasses.dataclass(frozen=True, slots=True)
class Surroundings:
    """What the engine lends to a dialect.

    Attributes:
        pool: HTTP connections shared by all servers.
        policy: Timeouts and retries.
        clock: Monotonic seconds.
    """

    pool: httpx2.AsyncClient
    policy: wire.Policy
    clock: breaker.Clock


class ServerSettings(pydantic.BaseModel):
    """Base of what a kind of server is configured with; unknown keys are mistakes."""

    model_config = pydantic.ConfigDict(extra='forbid', frozen=True, hide_input_in_errors=True)


@dataclasses.dataclass(frozen=True, slots=True)
class ServerType:
    """A kind of server.

    Attributes:
        name: What ``type`` says in the configuration.
        title: For people.
        settings: Model of the remaining keys.
        build: Makes the dialect of one server from its name, settings and surroundings.
        aliases: Other words for ``type``.
    """

    name: str
    title: str
    settings: type[ServerSettings]
    build: Callable[[str, ServerSettings, Surroundings], Dialect]
    aliases: tuple[str, ...] = ()


class Registry:
    """The kinds of server by name and alias."""

    def __init__(self, types: Iterable[ServerType] = ()):
        self._types: dict[str, ServerType] = {}
        self._words: dict[str, ServerType] = {}
        for server_type in types:
            self.register(server_type)

    def register(self, server_type: ServerType) -> None:
        """Add a kind of server.

        Raises:
            ConfigurationError: A name or alias is taken, or is none.
        """
        words = (server_type.name, *server_type.aliases)
        mistakes = [f'{word!r} is no name for a server type' for word in words if not named(word)]
        mistakes += [
            f'server type {server_type.name!r}: {word!r} already means {self._words[word].name!r}'
            for word in words
            if word in self._words
        ]
        if len(set(words)) < len(words):
            mistakes.append(f'server type {server_type.name!r} has an alias twice')
        if mistakes:
            raise errors.ConfigurationError(mistakes)
        self._types[server_type.name] = server_type
        self._words.update(dict.fromkeys(words, server_type))

    def find(self, word: str) -> ServerType | None:
        """The kind of that name or alias."""
        return self._words.get(word)

    def __iter__(self) -> Iterator[ServerType]:
        return iter(self._types.values())

    @property
    def names(self) -> tuple[str, ...]:
        """All names, sorted, without aliases."""
        return tuple(sorted(self._types))


def installed() -> Registry:
    """Load the kinds of server that installed packages announce.

    Raises:
        ConfigurationError: A plugin cannot be imported, or takes a name that is in use; with the
            plugin's name. Going on without it would make its servers look unknown.
    """
    registry, mistakes = Registry(), list[str]()
    points = sorted(importlib.metadata.entry_points(group=GROUP), key=lambda point: point.name)
    for point in points:
        try:
            registry.register(_loaded(point))
        except errors.ConfigurationError as error:
            mistakes.extend(f'plugin {point.value}: {mistake}' for mistake in error.mistakes)
    if mistakes:
        raise errors.ConfigurationError(mistakes)
    return registry


def _loaded(point: importlib.metadata.EntryPoint) -> ServerType:
    try:
        found = point.load()
    except (ImportError, AttributeError) as error:
        raise errors.ConfigurationError([f'cannot be loaded: {error}']) from error
    if not isinstance(found, ServerType):
        raise errors.ConfigurationError([f'is a {type(found).__name__}, not a ServerType'])
    return found


def named(word: str) -> bool:
    """Whether a word can be a name of a server or server type: ``a-z``, digits and hyphens."""
    return bool(_NAME.fullmatch(word))
