# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import httpx2

from mediahub.conformance.harness import HttpHarness
from mediahub.conformance.suite import DialectConformance
from mediahub.engine.dialect import Dialect
from mediahub.engine.registry import Surroundings
from mediahub.engine.values import Kind
from mediahub.servers import plex
from mediahub.testing.http import InProcess
from mediahub.testing.plex import PlexDouble


class PlexHarness(HttpHarness):
    def __init__(self) -> None:
        super().__init__()
        self.server = PlexDouble()
        self.server.library.fill(artists=2, albums=2, tracks=3)
        played = list(self.server.library.tracks.values())[1]
        played.plays, played.last_played = 2, 1_730_000_000
        self.server.plays = [(played.id, 1_720_000_000), (played.id, 1_730_000_000)]

    def transport(self) -> httpx2.AsyncBaseTransport:
        return InProcess(self.server)

    def build(self, around: Surroundings) -> Dialect:
        settings = plex.PlexSettings.model_validate(
            {'url': 'http://plex.test:32400', 'token': self.server.token, 'page-size': 5}
        )
        return plex.SERVER_TYPE.build('plex', settings, around)

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
        found = [row for row in self.server.playlists.values() if row.title == title]
        return [track for _, track in found[0].entries] if found else None

    def genres(self, artist_id: str) -> list[str]:
        return self.server.library.artists[artist_id].genres

    def biography(self, artist_id: str) -> str:
        return self.server.library.artists[artist_id].biography

    def poster(self, kind: Kind, item_id: str) -> bytes:
        library = self.server.library
        return (library.artists if kind is Kind.ARTIST else library.albums)[item_id].poster

    def scans(self) -> int:
        return len(self.server.scans)

    def finish_scan(self) -> None:
        self.server.finish_scan()


class TestPlex(DialectConformance):
    def make_harness(self) -> PlexHarness:
        return PlexHarness()
