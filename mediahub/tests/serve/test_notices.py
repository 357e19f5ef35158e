# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What a server tells of its libraries reaches open pages, at a pace that they can follow."""

from __future__ import annotations

import asyncio
import pathlib
from collections.abc import AsyncGenerator

import msgspec
import pytest

from mediahub import settings
from mediahub.api.answers_cache import AnswerCache
from mediahub.api.feed import Feed
from mediahub.api.feed import Listener as Page
from mediahub.api.servers import Server
from mediahub.engine import wire
from mediahub.playback import frames, plex_shapes
from mediahub.serve import notices, watching
from mediahub.serve.notices import Notices
from mediahub.store.database import Database
from mediahub.store.outbox import Outbox
from mediahub.testing.clocks import HandClock
from mediahub.testing.plex_living import LivingPlex
from mediahub.testing.tasks import running, until

pytestmark = pytest.mark.anyio


class Rig:
    """Kept answers, a page that listens, and what hears servers."""

    def __init__(self):
        self.answers = AnswerCache()
        self.feed = Feed(lambda: None)
        self.page: Page = self.feed.join('anna', admin=False)
        self.notices = Notices(self.answers, self.feed)
        self.asked = list[str]()

    async def ask(self, what: str) -> None:
        """Ask a server, whose answer is good for an hour."""

        async def answer() -> str:
            self.asked.append(what)
            return what

        await self.answers.get(('den', what), 3600, answer)

    async def told(self) -> object:
        async with asyncio.timeout(30):
            return msgspec.json.decode(await self.page.next())


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch) -> Rig:
    monkeypatch.setattr(notices, 'PAUSE', 0.05)
    return Rig()


async def no_other(server: str, refused: str) -> bool:
    return False


@pytest.fixture
async def den(
    rig: Rig, living_plex: LivingPlex, database: Database, tmp_path: pathlib.Path
) -> AsyncGenerator[Server]:
    chosen = settings.load(
        {
            'MEDIAHUB_HOME': str(tmp_path),
            'ENABLE_PLEX_SYNC': 'true',
            'PLEX_URL': living_plex.url,
            'PLEX_TOKEN': living_plex.token,
        }
    )
    async with wire.pool() as pool:
        made = watching.servers(
            chosen,
            database,
            Outbox(database),
            pool,
            client_id='hub-1',
            wake=lambda: None,
            told=lambda server, state: None,
            noticed=lambda server, frame: rig.notices.heard('den', frame),
            renew=no_other,
        )
        (server,) = made
        async with running(server.watcher):
            await until(lambda: server.watcher.listener.connected)
            await until(lambda: living_plex.notices.listeners == 1)
            yield server


async def test_scan_that_begins_at_the_server_is_told(
    rig: Rig, den: Server, living_plex: LivingPlex, hand_clock: HandClock
):
    for what in ('sections', 'activities', 'counts', 'accounts'):
        await rig.ask(what)

    living_plex.scan('1')
    assert await rig.told() == {'type': 'libraries', 'server': 'den'}
    for what in ('sections', 'activities', 'counts', 'accounts'):
        await rig.ask(what)
    hand_clock.go(1000)
    living_plex.tick()
    assert await rig.told() == {'type': 'libraries', 'server': 'den'}
    for what in ('sections', 'activities', 'counts', 'accounts'):
        await rig.ask(what)

    everything = ['sections', 'activities', 'counts', 'accounts']
    assert rig.asked[:4] == everything
    assert rig.asked[4:6] == ['sections', 'activities']
    assert rig.asked[6:] == ['sections', 'activities', 'counts']


async def test_many_notifications_are_told_once(rig: Rig):
    change = frames.LibraryChange(library_id='1', item_id='7', title='Nosferatu', state=5)
    for _ in range(150):
        rig.notices.heard('den', change)
    rig.notices.heard('attic', change)

    assert [await rig.told(), await rig.told()] == [
        {'type': 'libraries', 'server': 'den'},
        {'type': 'libraries', 'server': 'attic'},
    ]
    rig.feed.alert('that was all')
    assert await rig.told() == {'type': 'alert', 'text': 'that was all'}


@pytest.mark.parametrize(
    'frame',
    [
        frames.LibraryChange(library_id='1', item_id='7', title='Nosferatu', state=3),
        frames.Reachability(reachable=True),
        frames.ActivityChange(
            event='ended',
            activity=plex_shapes.Activity(
                activity_id='1',
                type='media.generate.bif',
                title='',
                subtitle='',
                progress=None,
                cancellable=None,
                account_id='1',
                library_id='',
            ),
        ),
    ],
)
async def test_what_changes_no_library_is_not_told(rig: Rig, frame: frames.Frame):
    await rig.ask('counts')

    rig.notices.heard('den', frame)
    await asyncio.sleep(0.2)
    rig.feed.alert('nothing before')

    assert await rig.told() == {'type': 'alert', 'text': 'nothing before'}
    await rig.ask('counts')
    assert rig.asked == ['counts']
