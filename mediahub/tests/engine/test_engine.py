# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Selection, dispatch, fan-out; and that a fifth kind of server needs nothing but itself."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Any

import httpx2
import pytest

from mediahub.engine import config, errors, wire
from mediahub.engine.blocking import BlockingEngine
from mediahub.engine.capabilities import Capability, ConnectionState, Handshake
from mediahub.engine.dialect import Dialect
from mediahub.engine.engine import MediaServerEngine
from mediahub.engine.registry import Registry, ServerSettings, ServerType, Surroundings
from mediahub.engine.snapshot import Evidence, Page
from mediahub.engine.values import Artist, ItemRef, Kind, Track
from mediahub.servers import plex, subsonic
from mediahub.testing.http import Answer, Asked, InProcess
from mediahub.testing.plex import PlexDouble
from mediahub.testing.subsonic import SubsonicDouble

pytestmark = pytest.mark.anyio

POLICY = wire.Policy(timeout=5, first_page_timeout=5, attempts=2, wait=0, longest_wait=0.01)


class ShelfSettings(ServerSettings):
    artists: tuple[str, ...]


class ShelfDialect(Dialect):
    """A fifth kind of server: a shelf of records."""

    def __init__(self, name: str, artists: Sequence[str]):
        super().__init__(name)
        self._artists = artists
        self.closed = False

    async def handshake(self) -> Handshake:
        searches = frozenset({Capability.SEARCH})
        return Handshake(product='shelf', version='1', machine_id='oak', capabilities=searches)

    async def read(self, kinds: Sequence[Kind], evidence: Evidence) -> AsyncGenerator[Page]:
        evidence.scope('oak')
        evidence.total(Kind.ARTIST, '', len(self._artists))
        rows = tuple(
            Artist(ref=ItemRef(self.name, Kind.ARTIST, name), name=name) for name in self._artists
        )
        if rows:
            yield Page(Kind.ARTIST, rows)

    async def search_tracks(self, title: str, artist: str, limit: int) -> Sequence[Track]:
        ref = ItemRef(self.name, Kind.TRACK, 'a-side')
        return [Track(ref=ref, title='Song 0.0.1', artist='Artist 0', duration_ms=121_000)]

    async def aclose(self) -> None:
        self.closed = True


def build_shelf(name: str, settings: Any, around: Surroundings) -> Dialect:
    return ShelfDialect(name, settings.artists)


SHELF = ServerType('shelf', 'Shelf', ShelfSettings, build_shelf)


class Servers:
    """A Plex and a Subsonic double behind one transport, told apart by host."""

    def __init__(self) -> None:
        self.plex, self.subsonic = PlexDouble(), SubsonicDouble()
        for server in (self.plex, self.subsonic):
            server.library.fill(artists=2, albums=1, tracks=3)
        self.down: set[str] = set()
        self.transport = InProcess(self.answer)

    def answer(self, asked: Asked) -> Answer:
        host = asked.headers['host']
        if host in self.down:
            raise httpx2.ConnectError('connection refused')
        return self.plex(asked) if host == 'plex' else self.subsonic(asked)

    def config(self, registry: Registry, active: str | None = 'living-room') -> config.Config:
        registry.register(SHELF)
        return config.parse(
            {
                'server': {'active': active} if active else {},
                'servers': [
                    {
                        'name': 'living-room',
                        'type': 'plex',
                        'url': 'http://plex',
                        'token': self.plex.token,
                    },
                    {
                        'name': 'study',
                        'type': 'navidrome',
                        'url': 'http://subsonic',
                        'username': 'alice',
                        'password': 'sesame',
                    },
                    {'name': 'shelf', 'type': 'shelf', 'artists': ['Artist 0', 'Nobody']},
                ],
            },
            registry,
        )

    def engine(self, registry: Registry, active: str | None = 'living-room'):
        chosen = self.config(registry, active)
        return MediaServerEngine(chosen, transport=self.transport, policy=POLICY)


@pytest.fixture
def servers() -> Servers:
    return Servers()


async def test_dispatches_to_the_active_server(servers: Servers, registry: Registry):
    async with servers.engine(registry) as engine:
        on_plex = await engine.get_all_artists()
        engine.activate('shelf')
        on_shelf = await engine.get_all_artists()

    assert {artist.ref.server for artist in on_plex} == {'living-room'}
    assert [artist.name for artist in on_shelf] == ['Artist 0', 'Nobody']


CALLS: dict[str, Callable[[MediaServerEngine, Track], Awaitable[object]]] = {
    'is_connected': lambda engine, track: engine.is_connected(),
    'ensure_connection': lambda engine, track: engine.ensure_connection(),
    'get_all_artists': lambda engine, track: engine.get_all_artists(),
    'get_all_album_ids': lambda engine, track: engine.get_all_album_ids(),
    'search_tracks': lambda engine, track: engine.search_tracks(track.title, ''),
    'get_recently_added_albums': lambda engine, track: engine.get_recently_added_albums(),
    'trigger_library_scan': lambda engine, track: engine.trigger_library_scan(),
    'is_library_scanning': lambda engine, track: engine.is_library_scanning(),
    'create_playlist': lambda engine, track: engine.create_playlist('New', [track.ref]),
    'update_playlist': lambda engine, track: engine.update_playlist('New', [track.ref]),
    'copy_playlist': lambda engine, track: engine.copy_playlist('Old', 'Copy'),
    'get_play_history': lambda engine, track: engine.get_play_history(),
    'get_track_play_counts': lambda engine, track: engine.get_track_play_counts(),
}


@pytest.mark.parametrize('method', CALLS)
@pytest.mark.parametrize(('active', 'host'), [('living-room', 'plex'), ('study', 'subsonic')])
async def test_every_method_of_the_seed_goes_to_the_active_server(
    servers: Servers, registry: Registry, method: str, active: str, host: str
):
    settings = servers.config(registry, active)
    async with MediaServerEngine(settings, transport=servers.transport, policy=POLICY) as engine:
        (track, *_) = await engine.search_tracks('Song 0.0.1', '')
        await engine.create_playlist('Old', [track.ref])
    servers.transport.asked.clear()

    async with MediaServerEngine(settings, transport=servers.transport, policy=POLICY) as engine:
        await CALLS[method](engine, track)

    assert {asked.headers['host'] for asked in servers.transport.asked} == {host}


async def test_fifth_kind_of_server_is_one_registration(servers: Servers, registry: Registry):
    async with servers.engine(registry, 'shelf') as engine:
        assert engine.get_active_client_type() == 'shelf'
        assert await engine.is_connected()
        assert not await engine.supports(Capability.SCAN)
        with pytest.raises(errors.Unsupported, match='starting a library scan'):
            await engine.trigger_library_scan()
        dialect = engine.active.dialect

    assert isinstance(dialect, ShelfDialect)
    assert dialect.closed


async def test_unknown_server_lists_the_valid_ones(servers: Servers, registry: Registry):
    async with servers.engine(registry) as engine:
        for call in (engine.activate, engine.client):
            with pytest.raises(errors.UnknownServer, match='living-room, shelf, study'):
                call('attic')
        assert engine.active_server == 'living-room'


async def test_without_a_choice_no_server_is_guessed(servers: Servers, registry: Registry):
    async with servers.engine(registry, None) as engine:
        with pytest.raises(errors.NoActiveServer, match=r'server\.active'):
            await engine.is_connected()


async def test_search_over_all_servers_puts_the_same_recording_together(
    servers: Servers, registry: Registry
):
    async with servers.engine(registry) as engine:
        answer = await engine.search_everywhere('Song 0.0.1', 'Artist 0')

    assert [copy.ref.server for copy in answer.hits[0].copies] == ['living-room', 'study', 'shelf']
    assert answer.failures == {}


async def test_one_server_down_costs_the_others_nothing(servers: Servers, registry: Registry):
    servers.down.add('subsonic')
    async with servers.engine(registry) as engine:
        answer = await engine.search_everywhere('Song 0.0.1', 'Artist 0')
        states = {name: status.state for name, status in engine.statuses().items()}

    assert [copy.ref.server for copy in answer.hits[0].copies] == ['living-room', 'shelf']
    assert 'connection refused' in answer.failures['study']
    assert states['study'] is ConnectionState.UNREACHABLE


async def test_writeback_goes_to_the_server_that_the_item_is_of(
    servers: Servers, registry: Registry
):
    async with servers.engine(registry, 'shelf') as engine:
        artist = (await engine.client('living-room').get_all_artists())[0]
        await engine.update_artist_genres(artist.ref, ['Jazz'])

    assert servers.plex.library.artists[artist.ref.native_id].genres == ['Jazz']


async def test_server_that_comes_back_is_found_again(servers: Servers, registry: Registry):
    servers.down.add('plex')
    async with servers.engine(registry) as engine:
        assert not await engine.is_connected()
        assert 'refused' in engine.active.status.reason
        servers.down.clear()
        assert await engine.is_connected()
        assert await engine.get_all_artists()


async def test_callers_at_the_same_time_share_one_handshake(servers: Servers, registry: Registry):
    async with servers.engine(registry) as engine:
        await asyncio.gather(*(engine.ensure_connection() for _ in range(8)))

    assert [asked.path for asked in servers.transport.asked] == ['/']


async def test_cancelling_a_fan_out_cancels_its_calls(servers: Servers, registry: Registry):
    cancelled: list[str] = []

    async def never(client: Any) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.append(client.name)

    async with servers.engine(registry) as engine:
        task = asyncio.create_task(engine.fan_out(never))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert sorted(cancelled) == ['living-room', 'shelf', 'study']


async def test_programming_errors_in_a_fan_out_are_raised(servers: Servers, registry: Registry):
    async def stumble(client: Any) -> None:
        raise ZeroDivisionError

    async with servers.engine(registry) as engine:
        with pytest.raises(ExceptionGroup) as raised:
            await engine.fan_out(stumble)

    assert raised.value.subgroup(ZeroDivisionError)


def test_blocking_engine_serves_several_threads(servers: Servers, registry: Registry):
    counts: list[int] = []
    chosen = servers.config(registry)
    with BlockingEngine(chosen, transport=servers.transport, policy=POLICY) as engine:
        threads = [
            threading.Thread(target=lambda: counts.append(len(engine.get_all_artists())))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with pytest.raises(errors.UnknownServer):
            engine.activate('attic')
        track = engine.search_tracks('Song 0.0.1', 'Artist 0')[0]
        engine.create_playlist('Blocking', [track.ref])
        assert [row.title for row in engine.get_playlists()] == ['Blocking']

    assert counts == [2] * 4


def test_kinds_of_server_are_known_in_one_place_only():
    # The seed's point: nothing generic may ask which protocol is spoken.
    import mediahub.engine as package

    folder = next(iter(package.__path__))
    import pathlib

    words = (plex.SERVER_TYPE.name, subsonic.SERVER_TYPE.name, 'jellyfin')
    offenders = [
        (file.name, word)
        for file in pathlib.Path(folder).glob('*.py')
        for word in words
        if f"'{word}'" in file.read_text('utf-8')
    ]
    assert offenders == []
