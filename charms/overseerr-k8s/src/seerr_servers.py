# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Which of the related media servers Seerr shall use.

Seerr uses one. Before the set-up the user may still choose in the browser, so only a hint is
given; afterwards the kind is fixed, because all accounts are tied to it.
"""

from __future__ import annotations

import collections
import dataclasses
import urllib.parse
from collections.abc import Collection, Sequence

from charmarr_lib.interfaces import MediaServer

_DEFAULT_PORTS = {'http': 80, 'https': 443}


@dataclasses.dataclass(frozen=True)
class Address:
    """Where a media server is, in the parts that Seerr has fields for."""

    host: str
    port: int
    tls: bool = False
    base: str = ''

    @classmethod
    def from_url(cls, url: str) -> Address:
        """Take a URL apart that the relation has found to be one."""
        parts = urllib.parse.urlsplit(url)
        port = parts.port or _DEFAULT_PORTS[parts.scheme]
        return cls(parts.hostname or '', port, parts.scheme == 'https', parts.path.rstrip('/'))

    @property
    def url(self) -> str:
        """The address as a URL."""
        host = f'[{self.host}]' if ':' in self.host else self.host
        return f'{"https" if self.tls else "http"}://{host}:{self.port}{self.base}'


@dataclasses.dataclass(frozen=True)
class Server:
    """A related media server."""

    app: str
    kind: MediaServer
    address: Address


@dataclasses.dataclass(frozen=True)
class Configured:
    """What Seerr has been set up with."""

    kind: MediaServer
    address: Address | None


@dataclasses.dataclass(frozen=True)
class Choice:
    """Which server to use.

    Attributes:
        server: The one; None for none, or for none yet.
        others: The related ones that are not used, by name.
        problem: What the operator has to decide, in one line, or empty.
    """

    server: Server | None = None
    others: tuple[str, ...] = ()
    problem: str = ''


def choose(
    servers: Sequence[Server],
    preferred: str,
    *,
    configured: Configured | None,
    usable: Collection[MediaServer],
    pending: Collection[str] = (),
) -> Choice:
    """Choose among the related servers.

    Args:
        servers: In the order in which they were related.
        preferred: Application that the operator wants, or empty.
        configured: What Seerr has been set up with, None before the set-up.
        usable: Kinds that this flavour knows.
        pending: Applications that are related and have not said yet where they are.
    """
    if preferred and preferred in pending:
        return Choice(others=tuple(each.app for each in servers))
    if preferred and preferred not in {each.app for each in servers}:
        return Choice(problem=_unknown(preferred, servers))
    fitting = [each for each in servers if _fits(each, configured, usable)]
    chosen = [each for each in fitting if each.app == preferred] if preferred else fitting
    if servers and not chosen:
        wrong = [each for each in servers if each.app == preferred] or list(servers)
        return Choice(problem=_wrong_kind(wrong, configured))
    if configured is not None:
        return _picked(_kept(chosen, configured), servers)
    return _before_set_up(chosen, servers)


def _fits(server: Server, configured: Configured | None, usable: Collection[MediaServer]) -> bool:
    return server.kind in usable if configured is None else server.kind is configured.kind


def _kept(servers: Sequence[Server], configured: Configured) -> Server | None:
    same = [each for each in servers if each.address == configured.address]
    return next(iter([*same, *servers]), None)


def _before_set_up(servers: Sequence[Server], related: Sequence[Server]) -> Choice:
    kinds = collections.Counter(each.kind for each in servers)
    several = [each.app for each in servers if kinds[each.kind] > 1]
    if several:
        return Choice(others=tuple(several), problem=f'set media-server to {_any_of(several)}')
    plex = [each for each in servers if each.kind is MediaServer.PLEX]
    # Any other could only be named in the settings at the cost of the wizard.
    return _picked(next(iter([*plex, *servers]), None), related)


def _picked(server: Server | None, related: Sequence[Server]) -> Choice:
    return Choice(server, tuple(each.app for each in related if each is not server))


def _unknown(preferred: str, servers: Sequence[Server]) -> str:
    related = ', '.join(each.app for each in servers)
    hint = f'related are {related}' if related else 'relate it first'
    return f'media-server: no media server {preferred} is related, {hint}'


def _wrong_kind(servers: Sequence[Server], configured: Configured | None) -> str:
    names = ', '.join(f'{each.app} ({each.kind})' for each in servers)
    if configured is None:
        return f'this image knows only Plex but is related to {names}'
    return f'set up for {configured.kind} but related to {names}'


def _any_of(names: Sequence[str]) -> str:
    return f'{", ".join(names[:-1])} or {names[-1]}'
