# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The living Plex, held to python-plexapi and to Home Assistant's websocket client."""

from __future__ import annotations

import queue
import time
from typing import Any

import aiohttp
import anyio
import pytest

from mediahub.testing import plex_delivery
from mediahub.testing.clocks import HandClock
from mediahub.testing.plex_living import LivingPlex

server_module = pytest.importorskip('plexapi.server', reason='python-plexapi is not installed')
plexwebsocket = pytest.importorskip('plexwebsocket', reason='plexwebsocket is not installed')


@pytest.fixture
def plexapi(living_plex: LivingPlex) -> Any:
    server = server_module.PlexServer(living_plex.url, living_plex.token)
    yield server
    server._session.close()


def film(plex: LivingPlex) -> str:
    return plex.shelves.of_kind('movie')[0].id


def test_plexapi_sees_who_plays_what(living_plex: LivingPlex, plexapi: Any, hand_clock: HandClock):
    anna, tv = living_plex.person('Anna'), living_plex.device('Living room')
    session = living_plex.play(
        anna, tv, film(living_plex), plex_delivery.picture('720', burn=True)
    )
    hand_clock.go(90)

    (seen,) = plexapi.sessions()

    assert (seen.title, seen.usernames, seen.viewOffset) == ('The Long Ferry', ['Anna'], 90_000)
    assert (seen.player.title, seen.player.state) == ('Living room', 'playing')
    assert seen.session.id == session.id
    assert seen.transcodeSession.videoDecision == 'transcode'
    assert seen.media[0].videoResolution == '720p'
    (transcode,) = plexapi.transcodeSessions()
    assert transcode.key.endswith(session.transcode_key)
    seen.stop('Bedtime')
    assert living_plex.truth[0].how == 'terminated'


def test_plexapi_knows_accounts_devices_and_history(
    living_plex: LivingPlex, plexapi: Any, hand_clock: HandClock
):
    anna, tv = living_plex.person('Anna'), living_plex.device('Living room')
    session = living_plex.play(anna, tv, film(living_plex), offset_ms=6_000_000)
    session.stop()

    assert plexapi.systemAccount(anna.id).name == 'Anna'
    assert plexapi.systemDevice(tv.id).name == 'Living room'
    (view,) = plexapi.history(accountID=anna.id)
    assert (view.title, view.accountID) == ('The Long Ferry', anna.id)
    assert view.viewedAt.timestamp() == hand_clock().timestamp()


def test_plexapi_hears_alerts(living_plex: LivingPlex, plexapi: Any):
    heard: queue.Queue[Any] = queue.Queue()
    listener = plexapi.startAlertListener(heard.put)
    wait_for_listener(living_plex)

    living_plex.play(living_plex.owner, living_plex.device('Phone'), film(living_plex))

    alert = heard.get(timeout=20)
    listener.stop()
    listener.join(20)
    assert (alert['type'], alert['size']) == ('playing', 1)
    assert alert['PlaySessionStateNotification'][0]['state'] == 'playing'


def wait_for_listener(plex: LivingPlex, count: int = 1) -> None:
    deadline = time.monotonic() + 20
    while plex.notices.listeners < count and time.monotonic() < deadline:
        time.sleep(0.01)
    assert plex.notices.listeners == count


@pytest.mark.anyio
@pytest.mark.parametrize('spelling', ['websockets', 'websocket'])
async def test_home_assistants_client_follows_a_play(
    living_plex: LivingPlex, plexapi: Any, spelling: str
):
    heard: list[Any] = []
    async with aiohttp.ClientSession() as http:
        client = listening(plexapi, http, collector(heard))
        client.uri = client.uri.replace('/:/websockets/', f'/:/{spelling}/')
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(client.running)
            await anyio.to_thread.run_sync(wait_for_listener, living_plex)
            session = living_plex.play(
                living_plex.owner, living_plex.device('Phone'), film(living_plex)
            )
            session.pause()
            session.stop()
            with anyio.fail_after(20):
                while len(states(heard)) < 3:
                    await anyio.sleep(0.01)
            tasks.cancel_scope.cancel()

    assert states(heard) == ['playing', 'paused', 'stopped']


def listening(plexapi: Any, http: Any, callback: Any) -> Any:
    # For a check of certificates it says ssl=None, which aiohttp has a warning for.
    return plexwebsocket.PlexWebsocket(plexapi, callback, session=http, verify_ssl=False)


def collector(heard: list[Any]) -> Any:
    def collect(*told: Any) -> None:
        heard.append(told)

    return collect


def states(heard: list[Any]) -> list[str]:
    frames = [data for kind, data, _ in heard if kind == 'playing']
    return [frame['PlaySessionStateNotification'][0]['state'] for frame in frames]


@pytest.mark.anyio
async def test_home_assistants_client_gives_up_on_a_wrong_token(
    living_plex: LivingPlex, plexapi: Any
):
    heard: list[Any] = []
    living_plex.token = 'another'
    async with aiohttp.ClientSession() as http:
        client = listening(plexapi, http, collector(heard))
        await client.running()

    assert heard[-1][1:] == ('stopped', 'Authorization failure')


def test_plexapi_walks_through_films_and_shows(living_plex: LivingPlex, plexapi: Any):
    films, shows = plexapi.library.section('Films'), plexapi.library.section('Shows')
    ferry = next(film for film in films.all() if film.title == 'The Long Ferry')
    (show,) = shows.all()

    assert (ferry.duration, ferry.media[0].parts[0].streams[0].codec) == (102 * 60_000, 'h264')
    assert [season.index for season in show.seasons()] == [1, 2]
    assert [episode.seasonEpisode for episode in show.episodes()][5:7] == ['s01e06', 's02e01']
    assert plexapi.fetchItem(ferry.ratingKey).title == ferry.title


def test_plexapi_finds_what_may_be_gone_on_with(
    living_plex: LivingPlex, plexapi: Any, hand_clock: HandClock
):
    session = living_plex.play(living_plex.owner, living_plex.device('TV'), film(living_plex))
    hand_clock.go(1_000)
    session.stop()

    (on_deck,) = plexapi.library.onDeck()
    (going_on,) = plexapi.continueWatching()
    assert (on_deck.title, on_deck.viewOffset) == ('The Long Ferry', 1_000_000)
    assert going_on.title == on_deck.title


def test_plexapi_follows_a_scan(living_plex: LivingPlex, plexapi: Any, hand_clock: HandClock):
    films = plexapi.library.section('Films')
    films.update()

    assert [activity.title for activity in plexapi.activities] == ['Scanning Films']
    hand_clock.go(90)
    living_plex.tick()
    assert plexapi.activities == []
