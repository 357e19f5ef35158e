# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What the author of a dialect hands to the kit."""

from __future__ import annotations

import abc
import contextlib
from collections.abc import AsyncGenerator

import httpx2

from ..engine import wire
from ..engine.contract import MediaServerClient
from ..engine.dialect import Dialect
from ..engine.registry import Surroundings
from ..engine.values import Kind
from .faults import Fault, FaultyTransport, Interposer

# Quick to give up: a test does not wait for a server to recover.
POLICY = wire.Policy(timeout=5, first_page_timeout=5, attempts=2, wait=0, longest_wait=0.01)


class Harness(abc.ABC):
    """A server whose content is known, fresh with every harness.

    It needs at least two artists, three albums and six tracks, more than one page of tracks (set
    a small page), and one play of a track where it keeps a history.

    Attributes:
        faults: What can go wrong with this kind of server.
        totals: Whether the protocol says how long a list is. Where it does not, nobody can tell a
            list from half of it that comes every time; deleting on its strength is out of the
            question all the same.
    """

    faults: frozenset[Fault] = frozenset(Fault)
    totals: bool = True

    def __init__(self) -> None:
        self.interposer = Interposer()

    @abc.abstractmethod
    def open(self) -> contextlib.AbstractAsyncContextManager[MediaServerClient]:
        """Connect; every request has to ask ``self.interposer`` first."""

    @abc.abstractmethod
    def truth(self, kind: Kind) -> frozenset[str]:
        """Native ids of what the server really holds, not asked through the dialect."""

    @abc.abstractmethod
    def searchable(self) -> tuple[str, str, str]:
        """Title and artist of a track, and its native id."""

    def most_requests(self, pages: int) -> int:
        """How many requests the whole library may take, given its pages over all kinds.

        By default one before, one after, and an empty page where a protocol has no totals.
        """
        return pages + 3

    def playlist(self, title: str) -> list[str] | None:
        """Native ids in the playlist of that title, None where there is none."""
        raise NotImplementedError('needed by dialects that declare PLAYLIST_EDIT')

    def genres(self, artist_id: str) -> list[str]:
        """Genres that the server really holds for an artist."""
        raise NotImplementedError('needed by dialects that declare ARTIST_GENRES')

    def biography(self, artist_id: str) -> str:
        """Biography that the server really holds for an artist."""
        raise NotImplementedError('needed by dialects that declare ARTIST_BIOGRAPHY')

    def poster(self, kind: Kind, item_id: str) -> bytes:
        """Picture that the server really holds for an artist or album."""
        raise NotImplementedError('needed by dialects that declare a poster capability')

    def scans(self) -> int:
        """How many scans the server was really asked for."""
        raise NotImplementedError('needed by dialects that declare SCAN')

    def finish_scan(self) -> None:
        """End a running scan."""
        raise NotImplementedError('needed by dialects that declare SCAN')


class HttpHarness(Harness):
    """A harness for a server that is spoken to over HTTP."""

    @abc.abstractmethod
    def transport(self) -> httpx2.AsyncBaseTransport:
        """The server: a double in this process, or the way to a real one."""

    @abc.abstractmethod
    def build(self, around: Surroundings) -> Dialect:
        """The dialect, from what the engine would lend to it."""

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncGenerator[MediaServerClient]:
        """Connect through the faulty transport."""
        transport = FaultyTransport(self.transport(), self.interposer)
        async with wire.pool(transport) as pool:
            ticks = iter(range(10**9))
            client = MediaServerClient(self.build(Surroundings(pool, POLICY, lambda: next(ticks))))
            yield client
            await client.aclose()
