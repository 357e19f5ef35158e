# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The tests of the kit. Subclass :class:`DialectConformance`.

The law: **no single fault may cause a deletion or a reported success.** Put so that it can be
tested: with a fault at any request, and with one that lasts from any request on,

- a call either raises a ``MediaServerError`` or has done, or answers, what it would have without;
- the library index loses no row and marks none as missing.

Searches and lists of the newest are the exception: no server tells how much they should hold, so
a well-formed lie may make them shorter, never different. Without totals that goes for changes too,
and with totals for a lie that lasts.
"""

from __future__ import annotations

import collections
import datetime

import pytest

from ..engine.capabilities import Capability
from ..engine.contract import MediaServerClient
from ..engine.errors import Incomplete, MediaServerError, Unsupported
from ..engine.scans import ScanResult
from ..engine.values import LIBRARY_KINDS, ItemRef, Kind
from ..store.database import Database
from ..store.library import Guard, LibraryIndex, Mode, RunState
from .driver import MOST_REQUESTS, Call
from .faults import LIES, Fault
from .harness import Harness
from .uses import BIOGRAPHY, CALLS, GENRES, IMAGE, LONG_AGO, Uses

HOSTILE = (
    '"quoted" \'title\'',
    '🎸 emoji \U0001f468\u200d\U0001f3a4',
    'x' * 10_000,
    'nul \0 inside',
    '../../etc/passwd?x=1&y=2#z',
    '%00 %2F ; DROP TABLE items',
)


@pytest.mark.conformance
class DialectConformance(Uses):
    """Every test that a dialect has to pass."""

    # Without faults

    def test_answers_a_handshake_with_all_its_fields(self) -> None:
        async def check(client: MediaServerClient) -> None:
            handshake = await client.probe()
            assert handshake.product
            assert handshake.machine_id
            assert handshake == await client.probe()
            assert await client.is_connected()
            assert client.status.handshake == handshake

        self._with_client(check)

    def test_reads_the_whole_library_and_proves_it(self) -> None:
        harness = self.make_harness()

        async def check(client: MediaServerClient) -> None:
            found: dict[Kind, set[str]] = {kind: set() for kind in LIBRARY_KINDS}
            snapshot = client.snapshot()
            async for page in snapshot:
                found[page.kind] |= {item.ref.native_id for item in page.items}
                assert {item.ref.kind for item in page.items} == {page.kind}
                assert {item.ref.server for item in page.items} == {client.name}
            assert snapshot.proof.problems == ()
            for kind in LIBRARY_KINDS:
                assert found[kind] == harness.truth(kind)

        self._with_client(check, harness)

    def test_lists_artists_and_album_ids(self) -> None:
        harness = self.make_harness()

        async def check(client: MediaServerClient) -> None:
            artists = await client.get_all_artists()
            assert {artist.ref.native_id for artist in artists} == harness.truth(Kind.ARTIST)
            assert all(artist.name for artist in artists)
            assert await client.get_all_album_ids() == harness.truth(Kind.ALBUM)

        self._with_client(check, harness)

    def test_reads_in_bulk(self) -> None:
        harness = self.make_harness()

        async def check(client: MediaServerClient) -> None:
            page = (await client.probe()).page_size
            for _ in range(2):  # the first time may fill a cache
                harness.interposer.arm(None)
                async for _ in client.snapshot():
                    pass
            pages = sum(-(-len(harness.truth(kind)) // page) for kind in LIBRARY_KINDS)
            assert harness.interposer.count <= harness.most_requests(pages)

        self._with_client(check, harness)

    def test_does_what_it_declares_and_refuses_the_rest(self) -> None:
        async def check(client: MediaServerClient) -> None:
            declared = (await client.probe()).capabilities
            for capability, use in CALLS.items():
                if capability in declared:
                    await use(self, client)
                    continue
                with pytest.raises(Unsupported) as refused:
                    await use(self, client)
                assert refused.value.capability in set(Capability) - declared

        harness = self.make_harness()
        self._harness = harness
        self._with_client(check, harness)

    @pytest.mark.parametrize('text', HOSTILE, ids=range(len(HOSTILE)))
    def test_survives_hostile_titles(self, text: str) -> None:
        harness = self.make_harness()

        async def check(client: MediaServerClient) -> None:
            capabilities = (await client.probe()).capabilities
            if Capability.SEARCH in capabilities:
                assert await client.search_tracks(text, text) == ()
            if Capability.PLAYLIST_EDIT in capabilities:
                tracks = self._tracks(client, harness)[:2]
                await self._either(lambda: client.create_playlist(text.replace('\0', ''), tracks))

        self._with_client(check, harness)

    def test_refuses_items_of_another_server(self) -> None:
        async def check(client: MediaServerClient) -> None:
            if not await client.supports(Capability.PLAYLIST_EDIT):
                return
            stranger = ItemRef('another-server', Kind.TRACK, '1')
            with pytest.raises(MediaServerError):
                await client.create_playlist('Mixed', [stranger])

        self._with_client(check)

    # With faults

    @pytest.mark.parametrize('lasting', [False, True], ids=['once', 'lasting'])
    @pytest.mark.parametrize('fault', list(Fault), ids=lambda fault: fault.name)
    def test_no_fault_deletes_from_the_index(self, fault: Fault, lasting: bool) -> None:
        harness = self._harness_for(fault)

        async def check(client: MediaServerClient) -> None:
            with Database() as database:
                clock = _Clock()
                index = LibraryIndex(database, Guard(grace=datetime.timedelta(0)), clock)
                assert (await index.update(client, Mode.DEEP)).succeeded
                for position in range(MOST_REQUESTS):
                    # A fault that lasts must not pass for two observations either.
                    for _ in range(2 if lasting else 1):
                        harness.interposer.arm(fault, position, lasting=lasting)
                        run = await index.update(client, Mode.DEEP)
                        assert (run.deleted, run.missing) == (0, 0), f'{fault} at {position}'
                        if run.state is RunState.FAILED:
                            break  # it observed nothing, and the next would be the same
                    for kind in LIBRARY_KINDS:
                        assert index.native_ids(client.name, kind) == harness.truth(kind)
                    if not harness.interposer.struck:
                        break
                harness.interposer.arm(None)
                assert (await index.update(client, Mode.DEEP)).succeeded

        self._with_client(check, harness)

    @pytest.mark.parametrize('lasting', [False, True], ids=['once', 'lasting'])
    @pytest.mark.parametrize('fault', list(Fault), ids=lambda fault: fault.name)
    def test_no_fault_passes_for_an_answer(self, fault: Fault, lasting: bool) -> None:
        self._answers_truly(fault, _handshake, lasting=lasting, exactly=True)
        exactly = self._harness.totals or not (lasting and fault in LIES)
        for read in (_artists, _albums):
            self._answers_truly(fault, read, lasting=lasting, exactly=exactly)
        self._answers_truly(
            fault,
            # An item may come in several answers, each of which counts; but not one answer twice.
            _changes if fault is not Fault.DUPLICATE else _changed,
            lasting=lasting,
            exactly=fault not in LIES or (self._harness.totals and not lasting),
            needs=Capability.CHANGES,
        )
        optional: dict[Capability, Call] = {
            Capability.SEARCH: lambda client: _search(client, self._harness),
            Capability.RECENTLY_ADDED: _recent,
            Capability.HISTORY: _history,
            Capability.PLAY_COUNTS: _play_counts,
            Capability.PLAYLISTS: _playlists,
        }
        for capability, call in optional.items():
            self._answers_truly(
                fault, call, lasting=lasting, exactly=fault not in LIES, needs=capability
            )

    @pytest.mark.parametrize('fault', list(Fault), ids=lambda fault: fault.name)
    def test_no_fault_passes_for_a_written_playlist(self, fault: Fault) -> None:
        for position in range(MOST_REQUESTS):
            harness = self._harness_for(fault)

            async def attempt(
                client: MediaServerClient, harness: Harness = harness, position: int = position
            ) -> bool:
                if not await client.supports(Capability.PLAYLIST_EDIT):
                    return False
                return await self._rewrite_playlist(client, harness, fault, position)

            if not self._with_client(attempt, harness):
                return
        pytest.fail(f'changing a playlist took more than {MOST_REQUESTS} requests')

    async def _rewrite_playlist(
        self, client: MediaServerClient, harness: Harness, fault: Fault, position: int
    ) -> bool:
        tracks = self._tracks(client, harness)
        before = [tracks[0], tracks[1], tracks[2], tracks[1]]
        after = [tracks[2], tracks[3], tracks[0], tracks[3]]
        await client.create_playlist('Mix', before)
        harness.interposer.arm(fault, position)
        done = await self._either(lambda: client.update_playlist('Mix', after))
        struck = harness.interposer.struck
        harness.interposer.arm(None)
        now = harness.playlist('Mix')
        assert now is not None, f'{fault} at {position} lost the playlist'
        stays = {ref.native_id for ref in after if ref in before}
        assert stays <= set(now), f'{fault} at {position} lost tracks'
        if done:
            assert now == [ref.native_id for ref in after], f'{fault} at {position}'
        return struck

    @pytest.mark.parametrize('fault', list(Fault), ids=lambda fault: fault.name)
    def test_no_fault_passes_for_a_created_playlist(self, fault: Fault) -> None:
        def shows(harness: Harness, client: MediaServerClient) -> bool:
            wanted = [ref.native_id for ref in self._tracks(client, harness)[:3]]
            return harness.playlist('New') == wanted

        async def create(client: MediaServerClient) -> None:
            await client.create_playlist('New', self._tracks(client, self._harness)[:3])

        self._writes_truly(fault, create, shows, Capability.PLAYLIST_EDIT)

    @pytest.mark.parametrize('fault', list(Fault), ids=lambda fault: fault.name)
    def test_no_fault_passes_for_written_metadata(self, fault: Fault) -> None:
        def artist(harness: Harness) -> str:
            return min(harness.truth(Kind.ARTIST))

        def album(harness: Harness) -> str:
            return min(harness.truth(Kind.ALBUM))

        self._writes_truly(
            fault,
            self.use_artist_genres,
            lambda harness, _: sorted(harness.genres(artist(harness))) == sorted(GENRES),
            Capability.ARTIST_GENRES,
        )
        self._writes_truly(
            fault,
            self.use_artist_biography,
            lambda harness, _: harness.biography(artist(harness)) == BIOGRAPHY,
            Capability.ARTIST_BIOGRAPHY,
        )
        self._writes_truly(
            fault,
            self.use_artist_poster,
            lambda harness, _: harness.poster(Kind.ARTIST, artist(harness)) == IMAGE,
            Capability.ARTIST_POSTER,
        )
        self._writes_truly(
            fault,
            self.use_album_poster,
            lambda harness, _: harness.poster(Kind.ALBUM, album(harness)) == IMAGE,
            Capability.ALBUM_POSTER,
        )

    @pytest.mark.parametrize('fault', list(Fault), ids=lambda fault: fault.name)
    def test_no_fault_passes_for_a_finished_scan(self, fault: Fault) -> None:
        async def scan(client: MediaServerClient) -> None:
            job = await client.trigger_library_scan()
            if self._harness.scans():
                assert (await job.progress()).scanning or self._harness.interposer.struck
                self._harness.finish_scan()
            if await job.wait(timeout=0.01, poll=0) is not ScanResult.FINISHED:
                raise MediaServerError(client.name, 'no scan was seen')

        self._writes_truly(fault, scan, lambda harness, _: harness.scans() > 0, Capability.SCAN)


class _Clock:
    """A clock that goes on a day with every look at it."""

    def __init__(self) -> None:
        self._now = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)

    def __call__(self) -> datetime.datetime:
        self._now += datetime.timedelta(days=1)
        return self._now


async def _handshake(client: MediaServerClient) -> object:
    return await client.probe()


async def _artists(client: MediaServerClient) -> object:
    return {artist.ref for artist in await client.get_all_artists()}


async def _albums(client: MediaServerClient) -> object:
    return await client.get_all_album_ids()


async def _changed(client: MediaServerClient) -> object:
    return set(await _changes(client))


async def _changes(client: MediaServerClient) -> collections.Counter[ItemRef]:
    snapshot = await client.changes(LONG_AGO)
    found = collections.Counter([item.ref async for page in snapshot for item in page.items])
    if snapshot.proof.problems:
        raise Incomplete(client.name, snapshot.proof.problems)
    return found


async def _search(client: MediaServerClient, harness: Harness) -> object:
    title, artist, _ = harness.searchable()
    return {track.ref for track in await client.search_tracks(title, artist)}


async def _recent(client: MediaServerClient) -> object:
    return {album.ref for album in await client.get_recently_added_albums()}


async def _history(client: MediaServerClient) -> object:
    return {(play.track, play.played_at) for play in await client.get_play_history()}


async def _play_counts(client: MediaServerClient) -> object:
    return set((await client.get_track_play_counts()).items())


async def _playlists(client: MediaServerClient) -> object:
    return {(playlist.ref, playlist.title) for playlist in await client.get_playlists()}
