# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import httpx2

from mediahub.conformance.harness import HttpHarness
from mediahub.conformance.suite import DialectConformance
from mediahub.engine.dialect import Dialect
from mediahub.engine.registry import Surroundings
from mediahub.engine.values import Kind
from mediahub.servers import subsonic
from mediahub.testing.http import InProcess
from mediahub.testing.subsonic import SubsonicDouble


class SubsonicHarness(HttpHarness):
    totals = False

    def __init__(self) -> None:
        super().__init__()
        self.server = SubsonicDouble()
        self.server.library.fill(artists=2, albums=2, tracks=3)
        played = list(self.server.library.tracks.values())[1]
        played.plays, played.last_played = 2, 1_730_000_000

    def transport(self) -> httpx2.AsyncBaseTransport:
        return InProcess(self.server)

    def build(self, around: Surroundings) -> Dialect:
        settings = subsonic.SubsonicSettings.model_validate(
            {
                'url': 'http://subsonic.test',
                'username': self.server.username,
                'password': self.server.password,
                'page-size': 5,
            }
        )
        return subsonic.SERVER_TYPE.build('subsonic', settings, around)

    def truth(self, kind: Kind) -> frozenset[str]:
        library = self.server.library
        tables = {
            Kind.ARTIST: library.artists,
            Kind.ALBUM: library.albums,
            Kind.TRACK: library.tracks,
        }
        return frozenset(tables[kind])

    def searchable(self) -> tuple[str, str, str]:
        track = list(self.server.library.tracks.values())[4]
        return track.title, self.server.library.artists[track.artist].name, track.id

    def playlist(self, title: str) -> list[str] | None:
        found = [row for row in self.server.playlists.values() if row.name == title]
        return found[0].tracks if found else None

    def scans(self) -> int:
        return self.server.scans

    def finish_scan(self) -> None:
        self.server.finish_scan()


class TestSubsonic(DialectConformance):
    def make_harness(self) -> SubsonicHarness:
        return SubsonicHarness()
