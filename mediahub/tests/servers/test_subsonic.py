# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""How a Subsonic library is proven without totals."""

from __future__ import annotations

import itertools
from collections.abc import AsyncGenerator, Callable, Sequence

import pytest

from mediahub.engine import wire
from mediahub.engine.contract import MediaServerClient
from mediahub.engine.registry import Surroundings
from mediahub.engine.snapshot import Proof
from mediahub.engine.values import LIBRARY_KINDS, Kind
from mediahub.servers import subsonic
from mediahub.testing.http import Answer, Asked, InProcess
from mediahub.testing.subsonic import SubsonicDouble

pytestmark = pytest.mark.anyio


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Rig:
    """A double and a client of it; ``on`` is called before each answer."""

    def __init__(self) -> None:
        self.server = SubsonicDouble()
        self.server.library.fill(artists=3, albums=2, tracks=4)
        self.clock = Clock()
        self.on: Callable[[Asked], None] = lambda asked: None
        self.transport = InProcess(self._answer)

    def _answer(self, asked: Asked) -> Answer:
        self.on(asked)
        return self.server(asked)

    def methods(self) -> list[str]:
        return [asked.path.split('/')[-1].removesuffix('.view') for asked in self.transport.asked]

    async def client(self) -> AsyncGenerator[MediaServerClient]:
        settings = subsonic.SubsonicSettings.model_validate(
            {
                'url': 'http://subsonic.test',
                'username': self.server.username,
                'password': self.server.password,
                'page-size': 4,
            }
        )
        async with wire.pool(self.transport) as pool:
            around = Surroundings(pool, wire.Policy(wait=0), self.clock)
            yield MediaServerClient(subsonic.SERVER_TYPE.build('cellar', settings, around))


@pytest.fixture
def rig() -> Rig:
    return Rig()


async def proof_of(client: MediaServerClient, kinds: Sequence[Kind] = LIBRARY_KINDS) -> Proof:
    snapshot = client.snapshot(kinds)
    async for _ in snapshot:
        pass
    return snapshot.proof


@pytest.mark.parametrize(
    'kinds',
    [kinds for length in (1, 2, 3) for kinds in itertools.permutations(LIBRARY_KINDS, length)],
    ids=lambda kinds: '-'.join(kind.value for kind in kinds),
)
async def test_any_kinds_in_any_order_are_proven(rig: Rig, kinds: tuple[Kind, ...]):
    async for client in rig.client():
        proof = await proof_of(client, kinds)
        counts = {Kind.ARTIST: 3, Kind.ALBUM: 6, Kind.TRACK: 24}

        assert proof.problems == ()
        assert proof.counts == {kind.value: counts[kind] for kind in kinds}


async def test_wrong_count_of_albums_costs_a_request_and_no_proof(rig: Rig):
    async for client in rig.client():
        await client.probe()
        right = len(rig.transport.asked)
        assert (await proof_of(client)).complete
        right = len(rig.transport.asked) - right

        first = next(iter(rig.server.library.artists.values()))
        rig.server.counted_albums[first.id] = 7
        await client.probe()
        before = len(rig.transport.asked)
        assert (await proof_of(client)).complete
        assert len(rig.transport.asked) - before == right + 1


async def test_looks_at_the_scan_before_and_after(rig: Rig):
    async for client in rig.client():
        await client.probe()
        rig.transport.asked.clear()
        await proof_of(client)
        assert rig.methods().count('getScanStatus') == 1, 'the handshake had looked just before'

        rig.transport.asked.clear()
        await proof_of(client)
        assert rig.methods().count('getScanStatus') == 2, 'its look counts once'

        await client.probe()
        rig.clock.now += subsonic.JUST_NOW
        rig.transport.asked.clear()
        await proof_of(client)
        assert rig.methods().count('getScanStatus') == 2, 'and not for long'


async def test_scan_between_handshake_and_read_is_none_of_its_business(rig: Rig):
    async for client in rig.client():
        job = await client.trigger_library_scan()
        rig.server.finish_scan()
        await job.wait(timeout=1, poll=0)

        assert (await proof_of(client)).complete


async def test_scan_that_runs_its_course_during_the_read_is_seen(rig: Rig):
    def scan(asked: Asked) -> None:
        if 'getAlbumList2' in asked.path:
            rig.server.scanned_at += 60

    async for client in rig.client():
        await client.probe()
        rig.on = scan
        assert (await proof_of(client)).problems == ('the library changed while it was read',)
