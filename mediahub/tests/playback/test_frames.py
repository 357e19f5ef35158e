# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediahub.playback import frames

PLAYING = {
    'sessionKey': '7',
    'guid': '',
    'ratingKey': '1049',
    'url': '',
    'key': '/library/metadata/1049',
    'viewOffset': 12000,
    'clientIdentifier': 'tv',
    'playQueueItemID': 5,
    'state': 'paused',
}


def container(kind: object, name: str, *entries: object, size: object = 1) -> str:
    return json.dumps({'NotificationContainer': {'type': kind, 'size': size, name: entries}})


@pytest.fixture
def reader() -> frames.Reader:
    return frames.Reader()


def test_reads_the_same_from_the_websocket_and_from_an_event(reader: frames.Reader):
    expected = frames.Playing(
        session_key='7', rating_key='1049', client_id='tv', state='paused', offset_ms=12000
    )
    name = 'PlaySessionStateNotification'
    assert reader.frames(container('playing', name, PLAYING)) == [expected]
    assert reader.frames(json.dumps({name: PLAYING}), 'playing') == [expected]
    assert reader.frames(json.dumps({name: [PLAYING]}).encode(), 'playing') == [expected]
    assert (reader.read, reader.skipped, reader.garbage) == (3, 0, 0)


@pytest.mark.parametrize('number', [7, '7'])
def test_ids_come_as_number_or_text(reader: frames.Reader, number: object):
    entry: dict[str, Any] = {'sessionKey': number, 'ratingKey': number, 'viewOffset': number}
    (frame,) = reader.frames(
        container('playing', 'PlaySessionStateNotification', entry, size=str(1))
    )
    assert isinstance(frame, frames.Playing)
    assert (frame.session_key, frame.rating_key, frame.offset_ms) == ('7', '7', 7)
    entry = {'sectionID': number, 'itemID': number, 'type': -1, 'state': number, 'title': 't'}
    (change,) = reader.frames(container('timeline', 'TimelineEntry', entry))
    assert change == frames.LibraryChange(library_id='7', item_id='7', title='t', state=7)


def test_a_stop_without_an_item_is_read_as_such(reader: frames.Reader):
    (frame,) = reader.frames(
        container('playing', 'PlaySessionStateNotification', {'sessionKey': 1, 'state': 'stopped'})
    )
    assert isinstance(frame, frames.Playing)
    assert (frame.state, frame.rating_key, frame.offset_ms) == ('stopped', '', None)


def test_reads_what_the_server_does_in_the_background(reader: frames.Reader):
    activity = {
        'uuid': 'u',
        'type': 'library.update.section',
        'title': 'Scanning Films',
        'progress': 40,
        'userID': 1,
        'Context': {'librarySectionID': '3'},
    }
    (frame,) = reader.frames(
        container('activity', 'ActivityNotification', {'event': 'updated', 'Activity': activity})
    )
    assert isinstance(frame, frames.ActivityChange)
    assert (frame.event, frame.activity.library_id) == ('updated', '3')
    assert frame.activity.progress == 40


def test_reads_that_a_transcode_begins_and_ends(reader: frames.Reader):
    entry = {'key': '/transcode/sessions/abc', 'progress': 1}
    begins = reader.frames(container('transcodeSession.start', 'TranscodeSession', entry))
    ends = reader.frames(json.dumps({'TranscodeSession': entry}), 'transcodeSession.end')
    assert begins == [frames.Transcoding(key='abc', began=True)]
    assert ends == [frames.Transcoding(key='abc', began=False)]


def test_reads_whether_the_server_can_be_reached(reader: frames.Reader):
    said = container('reachability', 'ReachabilityNotification', {'reachability': True})
    assert reader.frames(said) == [frames.Reachability(reachable=True)]


@pytest.mark.parametrize(
    'kind',
    [
        'progress',
        'preference',
        'status',
        'transcodeSession.update',
        'backgroundProcessingQueue',
        'update.statechange',
        'account',
        'something new',
    ],
)
def test_what_is_not_wanted_is_not_decoded(reader: frames.Reader, kind: str):
    assert reader.frames(container(kind, 'PlaySessionStateNotification', PLAYING)) == []
    assert reader.frames('not even JSON', kind) == []
    assert (reader.skipped, reader.garbage) == (2, 0)


@pytest.mark.parametrize(
    'data',
    [
        '',
        'garbage',
        '[]',
        'null',
        '7',
        '{}',
        '{"NotificationContainer": 7}',
        '{"NotificationContainer": {}}',
        '{"NotificationContainer": {"type": 7}}',
        '{"NotificationContainer": {"type": "playing", "PlaySession',
        b'\xff\xfe\x00',
        '[' * 100_000,
        '{"NotificationContainer": {"type": "playing", "PlaySessionStateNotification": '
        + '[' * 20_000,
    ],
)
def test_garbage_is_counted_and_never_raised(reader: frames.Reader, data: str | bytes):
    assert reader.frames(data) == []
    assert reader.garbage == 1


@given(st.binary() | st.text())
def test_no_message_makes_it_fail(data: str | bytes):
    assert frames.Reader().frames(data) == []
