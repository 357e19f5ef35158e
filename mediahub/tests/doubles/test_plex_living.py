# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The living Plex: what it tells, to whom, and what goes wrong when a test wants it to."""

from __future__ import annotations

import collections
import contextlib
import json
import time
from collections.abc import Generator
from typing import Any

import httpx2
import pytest
from httpx2 import websockets

from mediahub.testing import plex_delivery
from mediahub.testing.clocks import HandClock
from mediahub.testing.faults import Fault
from mediahub.testing.http import NotModelled
from mediahub.testing.plex_living import LivingPlex
from mediahub.testing.plex_sessions import Session


def film(plex: LivingPlex) -> str:
    return plex.shelves.of_kind('movie')[0].id


def play(plex: LivingPlex, **more: Any) -> Session:
    return plex.play(plex.owner, plex.device('Phone'), film(plex), **more)


def ask(plex: LivingPlex, path: str, method: str = 'GET', **more: Any) -> httpx2.Response:
    headers = {'x-plex-token': plex.token, 'accept': 'application/json'}
    return httpx2.request(method, plex.url + path, headers=headers, **more)


def sessions(plex: LivingPlex) -> list[Any]:
    return ask(plex, '/status/sessions').json()['MediaContainer'].get('Metadata', [])


def test_truth_knows_pauses_and_what_was_played(living_plex: LivingPlex, hand_clock: HandClock):
    session = play(living_plex, offset_ms=1_000)
    hand_clock.go(600)
    session.pause()
    hand_clock.go(60)
    session.resume()
    hand_clock.go(30)
    session.stop()

    (true,) = living_plex.truth
    assert (true.played_ms, true.paused_ms, len(true.pauses)) == (630_000, 60_000, 1)
    assert (true.start_offset_ms, true.offset_ms, true.how) == (1_000, 631_000, 'stopped')


def test_a_play_that_comes_to_its_end_stops_and_is_remembered(
    living_plex: LivingPlex, hand_clock: HandClock
):
    session = play(living_plex)
    hand_clock.go(102 * 60)
    living_plex.tick()

    assert (session.live, living_plex.truth[0].how) == (False, 'finished')
    assert [view.item['title'] for view in living_plex.history.views] == ['The Long Ferry']


def test_one_who_vanishes_lingers_where_he_stood(living_plex: LivingPlex, hand_clock: HandClock):
    session = play(living_plex)
    hand_clock.go(100)
    session.vanish(linger=180)
    hand_clock.go(60)

    assert [seen['viewOffset'] for seen in sessions(living_plex)] == [100_000]
    hand_clock.go(121)
    assert sessions(living_plex) == []


def test_a_restart_gives_keys_from_one(living_plex: LivingPlex):
    play(living_plex)
    survivor = play(living_plex)
    living_plex.stage.sessions[0].stop()

    living_plex.restart(survivors=True)

    assert (survivor.key, survivor.truth.session_keys) == ('1', ['2', '1'])
    assert [(seen['sessionKey'], seen['Session']['id']) for seen in sessions(living_plex)] == [
        ('1', survivor.id)
    ]
    living_plex.restart()
    assert (sessions(living_plex), living_plex.truth[1].how) == ([], 'restart')
    assert play(living_plex).key == '1'


def test_a_server_that_starts_lists_nothing_or_refuses(living_plex: LivingPlex):
    play(living_plex)
    living_plex.restart(survivors=True, starting='empty')
    assert sessions(living_plex) == []
    living_plex.restart(survivors=True, starting='503')
    assert ask(living_plex, '/identity').status_code == 503
    living_plex.ready()
    assert len(sessions(living_plex)) == 1


@pytest.mark.parametrize(('era', 'missing', 'known'), [
    ('old', '/library/sections/all', '/library/sections'),
    ('old', '/hubs/continueWatching', '/library/onDeck'),
    ('new', '/accounts', '/library/sections/all'),
    ('new', '/transcode/sessions', '/status/sessions'),
])  # fmt: skip
def test_eras_know_other_paths(living_plex: LivingPlex, era: str, missing: str, known: str):
    living_plex.quirks.era = era

    assert ask(living_plex, missing).status_code == 404
    assert ask(living_plex, known).status_code == 200


def test_one_state_behind_json_and_xml(living_plex: LivingPlex):
    session = play(living_plex, delivery=plex_delivery.SOUND)
    headers = {'x-plex-token': living_plex.token}

    document = httpx2.get(f'{living_plex.url}/status/sessions', headers=headers).text

    assert f'<Session id="{session.id}"' in document
    assert '<Video ratingKey="1001"' in document
    assert sessions(living_plex)[0]['Session']['id'] == session.id


def test_errors_come_as_often_as_they_are_asked_for(living_plex: LivingPlex):
    living_plex.faults.add(Fault('/status/.*', 429, {'Retry-After': '7'}, times=2))

    answers = [ask(living_plex, '/status/sessions') for _ in range(3)]

    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert answers[0].headers['retry-after'] == '7'


@pytest.mark.parametrize(
    ('fault', 'error'),
    [
        (Fault(hang=True), httpx2.ReadTimeout),
        (Fault(reset=True), httpx2.NetworkError),
        (Fault(keep=10), httpx2.RemoteProtocolError),
    ],
)
def test_connections_break(living_plex: LivingPlex, fault: Fault, error: type[Exception]):
    play(living_plex)
    living_plex.faults.add(fault)

    with pytest.raises(error):
        ask(living_plex, '/status/sessions', timeout=0.5)
    living_plex.faults.clear()
    assert len(sessions(living_plex)) == 1


def test_a_server_that_is_away_comes_back_on_its_port(living_plex: LivingPlex):
    with living_plex.served() as serving:
        address = living_plex.url
        serving.go_down()
        with pytest.raises(httpx2.ConnectError):
            ask(living_plex, '/identity')
        serving.come_back()
        assert (ask(living_plex, '/identity').status_code, living_plex.url) == (200, address)


def test_a_path_that_nobody_wrote_fails_the_test(hand_clock: HandClock):
    plex = LivingPlex(hand_clock)

    with pytest.raises(NotModelled, match='/nothing/of/this'), plex.served():
        assert ask(plex, '/nothing/of/this').status_code == 501


@contextlib.contextmanager
def listening(plex: LivingPlex, query: str = '', spelling: str = 'websockets') -> Generator[Any]:
    """A websocket that gets notifications; yields a function for the next so many frames."""
    address = plex.url.replace('http', 'ws') + f'/:/{spelling}/notifications'
    token = f'?X-Plex-Token={plex.token}{query}'
    with httpx2.Client() as client, client.websocket(address + token) as websocket:
        wait_for_listeners(plex)

        def heard(count: int, timeout: float = 20) -> list[Any]:
            texts = [websocket.receive_text(timeout) for _ in range(count)]
            return [json.loads(text)['NotificationContainer'] for text in texts]

        yield heard


def wait_for_listeners(plex: LivingPlex, count: int = 1) -> None:
    deadline = time.monotonic() + 20
    while plex.notices.listeners < count and time.monotonic() < deadline:
        time.sleep(0.01)
    assert plex.notices.listeners == count


def test_a_filter_lets_through_what_it_names(living_plex: LivingPlex):
    with listening(living_plex, '&filters=activity', 'websocket') as heard:
        play(living_plex)
        living_plex.scan('1')
        assert [frame['type'] for frame in heard(1)] == ['activity']


def test_a_scan_tells_of_itself(living_plex: LivingPlex, hand_clock: HandClock):
    with listening(living_plex, '&filters=activity') as heard:
        ask(living_plex, '/library/sections/1/refresh', 'POST')
        hand_clock.go(45)
        living_plex.tick()
        (running,) = ask(living_plex, '/activities').json()['MediaContainer']['Activity']
        hand_clock.go(45)
        living_plex.tick()
        told = [frame['ActivityNotification'][0] for frame in heard(3)]

    assert [(each['event'], each['Activity']['progress']) for each in told] == [
        ('started', 0), ('updated', 50), ('ended', 100)
    ]  # fmt: skip
    assert (running['uuid'], running['progress']) == (told[1]['Activity']['uuid'], 50)


def test_a_stop_is_told_three_times_where_a_client_does_so(living_plex: LivingPlex):
    living_plex.quirks.triple_stops = True
    session = play(living_plex)
    with listening(living_plex) as heard:
        session.stop()
        told = [frame['PlaySessionStateNotification'][0] for frame in heard(3)]

    assert [frame['state'] for frame in told] == ['stopped'] * 3
    assert [frame.get('ratingKey') for frame in told] == [session.truth.rating_key, None, None]


def test_frames_are_repeated_and_out_of_order(living_plex: LivingPlex):
    living_plex.quirks.repeats, living_plex.quirks.shuffle = 1, 3
    session = play(living_plex)
    with listening(living_plex) as heard:
        session.pause()
        session.resume()
        session.stop()
        states = [frame['PlaySessionStateNotification'][0]['state'] for frame in heard(8)]

    assert sorted(states) == sorted(['playing', 'paused', 'playing', 'stopped'] * 2)
    assert states[::2] == states[1::2] != ['playing', 'paused', 'playing', 'stopped']


@pytest.mark.parametrize(
    ('style', 'size', 'key'), [('text', '1', '1'), ('number', '1', 1), ('number', 1, 1)]
)
def test_ids_and_sizes_come_as_texts_or_as_numbers(
    living_plex: LivingPlex, style: str, size: object, key: object
):
    living_plex.quirks.frame_ids = style
    living_plex.quirks.text_sizes = isinstance(size, str)
    with listening(living_plex) as heard:
        play(living_plex)
        (frame,) = heard(1)

    assert (frame['size'], frame['PlaySessionStateNotification'][0]['sessionKey']) == (size, key)


def test_a_silent_server_says_nothing_to_those_connected(living_plex: LivingPlex):
    living_plex.quirks.silent = True
    with listening(living_plex) as heard:
        play(living_plex)
        with pytest.raises(TimeoutError):
            heard(1, 0.3)


def test_sockets_that_are_dropped_end_without_a_goodbye(living_plex: LivingPlex):
    with living_plex.served() as serving, listening(living_plex) as heard:
        serving.drop_connections()
        with pytest.raises(websockets.WebSocketNetworkError):
            heard(1)


def test_an_event_source_gets_single_objects(living_plex: LivingPlex):
    address = f'{living_plex.url}/:/eventsource/notifications?X-Plex-Token={living_plex.token}'
    with httpx2.Client() as client, client.sse(address) as source:
        events = iter(source)
        assert next(events).event == 'ping'
        play(living_plex)
        event = next(events)

    assert event.event == 'playing'
    assert json.loads(event.data)['PlaySessionStateNotification']['state'] == 'playing'


def test_a_silent_server_answers_no_ping(living_plex: LivingPlex):
    living_plex.quirks.silent = True
    address = living_plex.url.replace('http', 'ws') + '/:/websockets/notifications'
    query = {'X-Plex-Token': living_plex.token}
    with httpx2.Client() as client, client.websocket(address, params=query) as websocket:
        assert not websocket.ping().wait(0.3)
        living_plex.quirks.silent = False
        assert websocket.ping().wait(20)


@pytest.mark.parametrize('fault', [Fault(after=0.3), Fault(drip=2_000)])
def test_a_slow_answer_is_late_and_whole(living_plex: LivingPlex, fault: Fault):
    play(living_plex)
    whole = ask(living_plex, '/status/sessions').content
    living_plex.faults.add(fault)

    with pytest.raises(httpx2.ReadTimeout):
        ask(living_plex, '/status/sessions', timeout=0.05)
    assert ask(living_plex, '/status/sessions').content == whole


def test_a_garbled_answer_is_answered_once(living_plex: LivingPlex):
    living_plex.faults.add(Fault('/status/sessions', body=b'{"Media', times=1))

    assert ask(living_plex, '/status/sessions').content == b'{"Media'
    assert sessions(living_plex) == []


def test_faults_befall_those_who_want_to_listen(living_plex: LivingPlex):
    living_plex.faults.add(Fault('/:/.*', 503))
    with (
        pytest.raises(websockets.WebSocketUpgradeError),
        listening(living_plex),
    ):
        raise AssertionError('it listens')


def test_what_listings_are_not_known_to_take_is_refused(living_plex: LivingPlex):
    with pytest.raises(NotModelled, match='studio'), living_plex.served():
        assert ask(living_plex, '/library/sections/1/all?studio=none').status_code == 501


def test_history_is_filtered_sorted_and_cut(living_plex: LivingPlex, hand_clock: HandClock):
    anna = living_plex.person('Anna')
    node = living_plex.playable('1001').node
    for number in range(5):
        living_plex.history.add(node, 100 + number, anna.id if number % 2 else 1, 7)

    def ask_for(query: str) -> list[int]:
        document = ask(living_plex, f'/status/sessions/history/all?{query}').json()
        return [view['viewedAt'] for view in document['MediaContainer'].get('Metadata', [])]

    assert ask_for('viewedAt>=102') == [102, 103, 104]
    assert ask_for('viewedAt>>=102&sort=viewedAt:desc') == [104, 103]
    assert ask_for(f'accountID={anna.id}') == [101, 103]
    assert ask_for('sort=accountID:desc,viewedAt:desc') == [103, 101, 104, 102, 100]
    assert ask_for('X-Plex-Container-Start=1&X-Plex-Container-Size=2') == [101, 102]


def test_history_of_what_is_gone_has_a_title_and_no_more(living_plex: LivingPlex):
    living_plex.history.add(living_plex.playable('1001').node, 100, 1, 7)
    with listening(living_plex, '&filters=timeline') as heard:
        living_plex.remove('1001')
        (frame,) = heard(1)

    (view,) = ask(living_plex, '/status/sessions/history/all').json()['MediaContainer']['Metadata']
    assert (view['title'], 'ratingKey' in view) == ('The Long Ferry', False)
    assert (frame['TimelineEntry'][0]['state'], frame['TimelineEntry'][0]['type']) == (9, -1)
    assert ask(living_plex, '/library/metadata/1001').status_code == 404


def test_a_music_player_goes_on_in_one_session(living_plex: LivingPlex, hand_clock: HandClock):
    first, second = list(living_plex.music.library.tracks)[:2]
    session = living_plex.play(living_plex.owner, living_plex.device('Kitchen'), first)
    hand_clock.go(100)
    session.next(living_plex.playable(second))

    (seen,) = sessions(living_plex)
    assert (seen['ratingKey'], seen['sessionKey'], seen['viewOffset']) == (second, '1', 0)
    assert [play.rating_key for play in living_plex.truth] == [first, second]


def test_a_transcode_that_is_cancelled_ends_its_session(living_plex: LivingPlex):
    session = play(living_plex, delivery=plex_delivery.picture())

    answer = ask(living_plex, f'/transcode/sessions/{session.transcode_key}', 'DELETE')

    assert (answer.status_code, session.truth.how) == (204, 'terminated')
    assert ask(living_plex, '/transcode/sessions/none', 'DELETE').status_code == 404


def test_posters_come_in_both_forms(living_plex: LivingPlex):
    path = '/photo/:/transcode?url=/library/metadata/1001/thumb/1&width=200&height=300'
    found = [ask(living_plex, f'{path}&format={form}') for form in ('jpeg', 'png')]

    assert [answer.headers['content-type'] for answer in found] == ['image/jpeg', 'image/png']
    assert found[0].content[:3] == b'\xff\xd8\xff'
    assert found[1].content[:8] == b'\x89PNG\r\n\x1a\n'


def test_a_restart_breaks_connections(living_plex: LivingPlex, hand_clock: HandClock):
    plex = LivingPlex(hand_clock).stocked()
    with plex.served(), listening(plex) as heard:
        plex.restart()
        with pytest.raises(websockets.WebSocketNetworkError):
            heard(1)


def test_sessions_come_late_and_stay_for_a_while(living_plex: LivingPlex, hand_clock: HandClock):
    living_plex.quirks.lag = 3
    session = play(living_plex)
    assert sessions(living_plex) == []
    hand_clock.go(3)
    assert len(sessions(living_plex)) == 1
    session.stop()
    assert len(sessions(living_plex)) == 1
    hand_clock.go(3)
    assert sessions(living_plex) == []


def test_ids_of_sessions_come_as_numbers_where_a_server_does_so(living_plex: LivingPlex):
    session = play(living_plex)
    living_plex.quirks.number_ids = living_plex.quirks.text_sizes = True

    document = ask(living_plex, '/status/sessions').json()['MediaContainer']
    (seen,) = document['Metadata']

    assert (seen['sessionKey'], seen['ratingKey'], seen['User']['id']) == (1, 1001, 1)
    assert (seen['Session']['id'], document['size']) == (session.id, '1')


def test_a_server_behind_a_proxy_stands_below_a_path(living_plex: LivingPlex):
    with living_plex.served(prefix='/plex') as serving:
        assert living_plex.url == f'{serving.url}/plex'
        assert ask(living_plex, '/identity').status_code == 200
        assert httpx2.get(f'{serving.url}/identity').status_code == 404
        with listening(living_plex) as heard:
            play(living_plex)
            assert heard(1)[0]['type'] == 'playing'


def test_five_hundred_streams_are_listed_and_told(living_plex: LivingPlex, hand_clock: HandClock):
    for number in range(500):
        device = living_plex.device(f'TV {number}')
        living_plex.play(living_plex.owner, device, film(living_plex))
    hand_clock.go(10)

    with listening(living_plex) as heard:
        living_plex.tick()
        keys = {frame['PlaySessionStateNotification'][0]['sessionKey'] for frame in heard(500)}

    assert len(keys) == 500
    assert {seen['viewOffset'] for seen in sessions(living_plex)} == {10_000}
    assert len(sessions(living_plex)) == 500


def test_one_new_film_is_told_of_many_times(living_plex: LivingPlex):
    row = living_plex.shelves.add_film('A New One')
    with listening(living_plex) as heard:
        living_plex.arrive(row)
        kinds = collections.Counter(frame['type'] for frame in heard(146))

    assert kinds == {'activity': 80, 'progress': 52, 'timeline': 14}
