# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Webhooks of the living Plex, taken apart by the parser that Starlette uses."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Generator, Mapping
from typing import Any

import pytest
from python_multipart.multipart import parse_form

from mediahub.testing.clocks import HandClock
from mediahub.testing.http import Answer, Asked, loopback
from mediahub.testing.plex_living import LivingPlex


class Receiver:
    """Takes webhooks apart."""

    def __init__(self) -> None:
        self.status = 200
        self.got: list[tuple[Any, bytes]] = []
        self.headers: list[Mapping[str, str]] = []
        self.bodies: list[bytes] = []

    def __call__(self, asked: Asked) -> Answer:
        parts: dict[str, Any] = {}

        def on_file(part: Any) -> None:
            part.file_object.seek(0)
            parts[part.field_name.decode()] = (part.file_name, part.file_object.read())

        def on_field(part: Any) -> None:
            parts[part.field_name.decode()] = json.loads(part.value)

        headers: Any = {name: value.encode() for name, value in asked.headers.items()}
        headers = {name.title(): value for name, value in headers.items()}
        parse_form(headers, _Stream(asked.body), on_field, on_file)
        self.got.append((parts['payload'], parts.get('thumb', (b'', b''))[1]))
        self.headers.append(asked.headers)
        self.bodies.append(asked.body)
        return Answer(self.status)

    @property
    def events(self) -> list[str]:
        return [payload['event'] for payload, _ in self.got]


class _Stream:
    def __init__(self, content: bytes):
        self._content = content

    def read(self, size: int) -> bytes:
        piece, self._content = self._content[:size], self._content[size:]
        return piece


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def plex(receiver: Receiver, hand_clock: HandClock) -> Generator[LivingPlex]:
    made = LivingPlex(hand_clock).stocked()
    with loopback(receiver) as url:
        made.hooks.urls.append(f'{url}/hook')
        yield made
        made.hooks.close()


def test_a_play_is_told_from_its_start_to_its_end(
    plex: LivingPlex, receiver: Receiver, hand_clock: HandClock
):
    session = plex.play(plex.owner, plex.device('TV'), '1001')
    session.pause()
    session.resume()
    session.rate(8)
    hand_clock.go(95 * 60)
    plex.tick()
    session.stop()
    plex.hooks.flush()

    assert receiver.events == [
        'device.new', 'media.play', 'media.pause', 'media.resume', 'media.rate', 'media.scrobble',
        'media.stop',
    ]  # fmt: skip
    assert set(plex.hooks.answers) == {200}


def test_a_message_has_what_plex_puts_into_it(plex: LivingPlex, receiver: Receiver):
    anna = plex.person('Anna')
    plex.play(anna, plex.device('TV', local=False), '1001').rate(7.5)
    plex.hooks.flush()

    payload, thumb = receiver.got[-1]
    assert (payload['event'], payload['user'], payload['owner']) == ('media.rate', False, True)
    assert payload['rating'] == '7.5'
    assert payload['Account'] == {'id': anna.id, 'thumb': anna.thumb, 'title': 'Anna'}
    assert payload['Server'] == {'title': plex.name, 'uuid': plex.machine}
    assert (payload['Player']['title'], payload['Player']['local']) == ('TV', False)
    assert {'guid', 'Guid', 'rating', 'Rating'} <= payload['Metadata'].keys()
    assert thumb.startswith(b'\xff\xd8\xff')
    assert receiver.headers[-1]['user-agent'].startswith('PlexMediaServer/')


def test_only_some_events_come_with_a_poster(plex: LivingPlex, receiver: Receiver):
    plex.play(plex.person('Anna'), plex.device('TV'), '1001').pause()
    plex.arrive(plex.shelves.add_film('A New One'))
    plex.telling.post('admin.database.backup')
    plex.hooks.flush()

    with_thumb = {payload['event']: bool(thumb) for payload, thumb in receiver.got}
    assert with_thumb == {
        'device.new': False,
        'playback.started': True,
        'media.play': True,
        'media.pause': False,
        'library.new': True,
        'admin.database.backup': False,
    }


def test_posters_can_be_left_out(plex: LivingPlex, receiver: Receiver):
    plex.hooks.thumbs = False
    plex.play(plex.owner, plex.device('TV'), '1001')
    plex.hooks.flush()

    assert [thumb for _, thumb in receiver.got] == [b'', b'']


def test_webhooks_travel_with_the_account(plex: LivingPlex, receiver: Receiver):
    friend = LivingPlex(plex.clock, machine='f' * 40, name='A friend').stocked()
    session = friend.play(friend.person('Owner'), friend.device('TV'), '1001')
    plex.hooks.send(friend.telling.webhook('media.play', session))
    plex.hooks.flush()

    payload, _ = receiver.got[-1]
    assert payload['Server'] == {'title': 'A friend', 'uuid': 'f' * 40}


def test_a_proxy_in_front_signs(plex: LivingPlex, receiver: Receiver):
    plex.hooks.signing_key = b'key'
    plex.play(plex.owner, plex.device('TV'), '1001')
    plex.hooks.flush()

    expected = hmac.new(b'key', receiver.bodies[-1], hashlib.sha256).hexdigest()
    assert receiver.headers[-1]['x-plex-signature'] == expected


def test_a_message_that_is_refused_is_not_sent_again(plex: LivingPlex, receiver: Receiver):
    receiver.status = 503
    plex.telling.post('admin.database.backup')
    plex.hooks.flush()

    assert (receiver.events, list(plex.hooks.answers)) == (['admin.database.backup'], [503])


def test_a_receiver_that_is_not_there_harms_nobody(hand_clock: HandClock):
    plex = LivingPlex(hand_clock).stocked()
    plex.hooks.urls.append('http://127.0.0.1:1/hook')
    plex.telling.post('admin.database.backup')
    plex.hooks.close()

    assert list(plex.hooks.answers) == ['ConnectError']


def test_what_goes_on_deck_is_told(plex: LivingPlex, receiver: Receiver, hand_clock: HandClock):
    first, second = plex.shelves.of_kind('episode')[:2]
    session = plex.play(plex.owner, plex.device('TV'), first.id)
    hand_clock.go(60 * 42)
    plex.tick()
    plex.hooks.flush()

    assert not session.live
    assert plex.on_deck == {second.id: 0}
    told = [payload for payload, _ in receiver.got if payload['event'] == 'library.on.deck']
    assert [payload['Metadata']['ratingKey'] for payload in told] == [second.id]
