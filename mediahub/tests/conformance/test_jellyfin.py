# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import httpx2

from mediahub.conformance.faults import Fault
from mediahub.conformance.harness import HttpHarness
from mediahub.conformance.suite import DialectConformance
from mediahub.engine.dialect import Dialect
from mediahub.engine.registry import ServerType, Surroundings
from mediahub.engine.values import Kind
from mediahub.servers import jellyfin
from mediahub.testing.http import InProcess
from mediahub.testing.jellyfin import JellyfinDouble


class JellyfinHarness(HttpHarness):
    auth = 'api-key'
    emby = False
    server_type: ServerType = jellyfin.SERVER_TYPE

    def __init__(self) -> None:
        super().__init__()
        self.server = JellyfinDouble(emby=self.emby)
        self.server.library.fill(artists=2, albums=2, tracks=3)
        played = list(self.server.library.tracks.values())[1]
        played.plays, played.last_played = 2, 1_730_000_000

    def transport(self) -> httpx2.AsyncBaseTransport:
        return InProcess(self.server)

    def build(self, around: Surroundings) -> Dialect:
        key = self.auth == 'api-key'
        settings = jellyfin.JellyfinSettings.model_validate(
            {
                'url': 'http://jellyfin.test:8096',
                'auth': self.auth,
                'token': self.server.api_key if key else self.server.user_token,
                'page-size': 5,
            }
        )
        return self.server_type.build('jellyfin', settings, around)

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
        return [track for _, track in found[0].entries] if found else None

    def genres(self, artist_id: str) -> list[str]:
        return self.server.library.artists[artist_id].genres

    def biography(self, artist_id: str) -> str:
        return self.server.library.artists[artist_id].biography

    def poster(self, kind: Kind, item_id: str) -> bytes:
        return self.server.pictures.get(item_id, b'')

    def scans(self) -> int:
        return len(self.server.scans)

    def finish_scan(self) -> None:
        self.server.finish_scan()


class UserTokenHarness(JellyfinHarness):
    auth = 'user-token'
    # What differs is how playlists are edited; these faults need reading back to be seen.
    faults = frozenset({Fault.RESET, Fault.HTML, Fault.EMPTY, Fault.SHORT, Fault.DUPLICATE})


class EmbyHarness(JellyfinHarness):
    emby = True
    server_type = jellyfin.EMBY_SERVER_TYPE
    faults = frozenset({Fault.UNAUTHORISED, Fault.HTML})  # the dialect is the same


class TestJellyfin(DialectConformance):
    def make_harness(self) -> JellyfinHarness:
        return JellyfinHarness()


class TestJellyfinWithUserToken(DialectConformance):
    def make_harness(self) -> JellyfinHarness:
        return UserTokenHarness()


class TestEmby(DialectConformance):
    def make_harness(self) -> JellyfinHarness:
        return EmbyHarness()
