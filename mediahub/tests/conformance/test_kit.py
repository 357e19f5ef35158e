# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The kit itself: it has to find fault with dialects that break the law."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import httpx2
import pytest

from mediahub.conformance.faults import Fault, Interposer, tampered
from mediahub.conformance.harness import HttpHarness
from mediahub.conformance.suite import DialectConformance
from mediahub.engine import errors
from mediahub.engine.capabilities import Handshake
from mediahub.engine.dialect import Dialect
from mediahub.engine.registry import Surroundings
from mediahub.engine.snapshot import Evidence, Page
from mediahub.engine.values import Kind
from mediahub.servers import plex
from mediahub.servers.plex import PlexDialect, PlexSettings
from mediahub.testing.http import InProcess
from mediahub.testing.plex import PlexDouble


class SwallowingPlex(PlexDialect):
    """Takes an error for the end of the list, as the original did."""

    async def read(self, kinds: Sequence[Kind], evidence: Evidence) -> AsyncGenerator[Page]:
        counts = dict.fromkeys(kinds, 0)
        with contextlib.suppress(errors.MediaServerError):
            async for page in super().read(kinds, Evidence()):
                counts[page.kind] += len(page.items)
                yield page
        evidence.scope('always the same')
        for kind, count in counts.items():
            evidence.total(kind, '', count)


class BoastingPlex(PlexDialect):
    """Declares what it cannot do."""

    async def search_tracks(self, title: str, artist: str, limit: int) -> Sequence[Any]:
        return ()


class ForgetfulPlex(PlexDialect):
    """Says that it wrote, whatever the server said."""

    async def write_artist_biography(self, artist_id: str, biography: str) -> None:
        with contextlib.suppress(errors.MediaServerError):
            await super().write_artist_biography(artist_id, biography)


class ModestPlex(PlexDialect):
    """Can do nothing, and says so."""

    async def handshake(self) -> Handshake:
        found = await super().handshake()
        return Handshake(
            product=found.product,
            version=found.version,
            machine_id=found.machine_id,
            capabilities=frozenset(),
        )


class Harness(HttpHarness):
    def __init__(self, dialect: type[PlexDialect]):
        super().__init__()
        self.server = PlexDouble()
        self.server.library.fill(artists=2, albums=2, tracks=3)
        self._dialect = dialect

    def transport(self) -> httpx2.AsyncBaseTransport:
        return InProcess(self.server)

    def build(self, around: Surroundings) -> Dialect:
        settings = PlexSettings.model_validate(
            {'url': 'http://plex.test', 'token': self.server.token, 'page-size': 5}
        )
        made = plex.SERVER_TYPE.build('plex', settings, around)
        made.__class__ = self._dialect
        return made

    def truth(self, kind: Kind) -> frozenset[str]:
        library = self.server.library
        tables = {Kind.ARTIST: library.artists, Kind.ALBUM: library.albums}
        return frozenset(tables.get(kind, library.tracks))

    def searchable(self) -> tuple[str, str, str]:
        track = next(iter(self.server.library.tracks.values()))
        return track.title, 'Artist 0', track.id

    def genres(self, artist_id: str) -> list[str]:
        return self.server.library.artists[artist_id].genres

    def biography(self, artist_id: str) -> str:
        return self.server.library.artists[artist_id].biography


def suite(dialect: type[PlexDialect]) -> DialectConformance:
    class Suite(DialectConformance):
        def make_harness(self) -> Harness:
            return Harness(dialect)

    return Suite()


def test_kit_finds_swallowed_errors():
    with pytest.raises(AssertionError):
        suite(SwallowingPlex).test_no_fault_deletes_from_the_index(Fault.TIMEOUT, lasting=True)
    with pytest.raises(AssertionError):
        suite(SwallowingPlex).test_no_fault_passes_for_an_answer(Fault.SERVER_ERROR, lasting=True)


def test_kit_finds_false_capabilities():
    with pytest.raises(AssertionError):
        suite(BoastingPlex).test_does_what_it_declares_and_refuses_the_rest()


def test_kit_finds_reported_success_without_the_deed():
    with pytest.raises(AssertionError):
        suite(ForgetfulPlex).test_no_fault_passes_for_written_metadata(Fault.FORBIDDEN)


def test_kit_lets_a_modest_dialect_pass():
    suite(ModestPlex).test_does_what_it_declares_and_refuses_the_rest()


def test_single_fault_strikes_once():
    interposer = Interposer()
    interposer.arm(Fault.RESET, 1)

    assert [interposer.strike() for _ in range(3)] == [None, Fault.RESET, None]


def test_lasting_fault_strikes_from_there_on():
    interposer = Interposer()
    interposer.arm(Fault.RESET, 1, lasting=True)

    assert [interposer.strike() for _ in range(3)] == [None, Fault.RESET, Fault.RESET]


@pytest.mark.parametrize(
    ('fault', 'content'),
    [
        (Fault.EMPTY, b'{"a": {"totalSize": 0, "rows": []}}'),
        (Fault.SHORT, b'{"a": {"totalSize": 2, "rows": [{"x": 1}]}}'),
        (Fault.TOTAL, b'{"a": {"totalSize": 3, "rows": [{"x": 1}, {"x": 2}]}}'),
        (Fault.DUPLICATE, b'before'),
    ],
)
def test_lies_are_well_formed(fault: Fault, content: bytes):
    true = b'{"a": {"totalSize": 2, "rows": [{"x": 1}, {"x": 2}]}}'
    assert tampered(fault, true, b'before') == content
