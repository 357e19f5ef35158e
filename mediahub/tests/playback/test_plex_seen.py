# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediahub import plays
from mediahub.playback import plex_seen, plex_shapes
from mediahub.playback.nodes import Node

STREAMS = [
    {'streamType': 1, 'codec': 'h264', 'decision': 'transcode', 'displayTitle': '4K (HEVC)'},
    {'streamType': 2, 'codec': 'aac', 'decision': 'copy', 'selected': '1'},
    {'streamType': 3, 'codec': 'srt'},
    {'streamType': 3, 'codec': 'ass', 'decision': 'burn', 'selected': True},
]

TRANSCODED = {
    'ratingKey': '1',
    'type': 'movie',
    'duration': 7200000,
    'Media': [
        {
            'videoCodec': 'h264',
            'audioCodec': 'aac',
            'container': 'mp4',
            'videoResolution': '720p',
            'bitrate': 3000,
            'selected': 1,
            'Part': [{'decision': 'transcode', 'Stream': STREAMS, 'selected': 1}],
        }
    ],
    'Session': {'id': 's', 'bandwidth': 3500},
    'TranscodeSession': {
        'key': '/transcode/sessions/tk',
        'videoDecision': 'transcode',
        'audioDecision': 'copy',
        'subtitleDecision': 'burn',
        'videoCodec': 'h264',
        'audioCodec': '*',
        'sourceVideoCodec': 'hevc',
        'sourceAudioCodec': 'aac',
        'container': 'mpegts',
        'progress': 3.5,
        'speed': '2.0',
        'throttled': False,
        'transcodeHwRequested': True,
        'transcodeHwEncoding': 'qsv',
    },
}


def test_tells_what_is_transcoded_and_why():
    stream = plex_seen.seen(Node(TRANSCODED)).stream
    assert stream.decision is plays.Decision.TRANSCODE
    assert stream.video is plays.Decision.TRANSCODE
    assert stream.audio is plays.Decision.COPY
    assert stream.subtitles is plays.Decision.TRANSCODE
    assert stream.reason == 'video hevc to h264, subtitles burnt in'
    assert (stream.source_resolution, stream.resolution) == ('4k', '720')
    assert (stream.container, stream.audio_codec) == ('mpegts', 'aac')
    assert (stream.transcode_key, stream.hardware, stream.speed) == ('tk', True, 2.0)


def played(part: str, *decisions: str) -> plays.Decision:
    streams = [
        {'streamType': kind, 'decision': decision}
        for kind, decision in enumerate(decisions, 1)
        if decision
    ]
    media = {'Part': [{'decision': part, 'Stream': streams}]}
    return plex_seen.stream(Node({'Media': [media]})).decision


@pytest.mark.parametrize(
    ('part', 'decisions', 'expected'),
    [
        ('', (), plays.Decision.DIRECT_PLAY),
        ('directplay', ('', ''), plays.Decision.DIRECT_PLAY),
        ('transcode', ('copy', 'copy'), plays.Decision.COPY),
        ('transcode', ('copy', 'transcode'), plays.Decision.TRANSCODE),
        ('transcode', ('copy', 'copy', 'burn'), plays.Decision.TRANSCODE),
        ('transcode', (), plays.Decision.TRANSCODE),
        ('copy', (), plays.Decision.COPY),
    ],
)
def test_the_whole_is_what_its_costliest_part_is(
    part: str, decisions: tuple[str, ...], expected: plays.Decision
):
    assert played(part, *decisions) is expected


def test_a_file_without_subtitles_shown_has_no_decision_on_them():
    part = {'decision': 'directplay', 'Stream': [{'streamType': 3}, {'streamType': 1}]}
    stream = plex_seen.stream(Node({'Media': [{'Part': [part]}]}))
    assert stream.subtitles is None
    assert stream.video is plays.Decision.DIRECT_PLAY


def test_a_tuner_is_live_and_its_transcode_hides_in_the_media():
    data = {
        'key': '/livetv/sessions/live_tv_1',
        'live': '1',
        'type': 'episode',
        'title': 'Quiz',
        'Media': [
            {
                'origin': 'livetv',
                'TranscodeSession': [{'key': '/transcode/sessions/t', 'videoDecision': 'copy'}],
            }
        ],
    }
    seen = plex_seen.seen(Node(data))
    assert seen.item.media_type is plays.MediaType.LIVE
    assert seen.item.rating_key == '/livetv/sessions/live_tv_1'
    assert (seen.stream.decision, seen.stream.transcode_key) == (plays.Decision.COPY, 't')


def test_a_trailer_is_a_clip_and_an_unknown_kind_is_other():
    assert plex_seen.media_type(Node({'type': 'clip'})) is plays.MediaType.CLIP
    assert plex_seen.media_type(Node({'type': 'hologram'})) is plays.MediaType.OTHER


def snapshot(*sessions: dict[str, Any]) -> list[msgspec.Raw]:
    """As it comes from the wire."""
    return [msgspec.Raw(msgspec.json.encode(session)) for session in sessions]


@pytest.mark.parametrize('state', ['stopped', 'error'])
def test_a_session_that_says_it_is_over_is_none(state: str):
    over = {'sessionKey': '1', 'ratingKey': '1', 'Player': {'state': state}}
    assert plex_seen.Sessions().read(snapshot(over)) == []


def test_what_did_not_change_is_not_read_again_and_still_told_right():
    reader = plex_seen.Sessions()
    first = TRANSCODED | {'sessionKey': '1', 'viewOffset': 1000, 'Player': {'state': 'playing'}}
    other = TRANSCODED | {'sessionKey': '2', 'viewOffset': '5', 'Player': {'state': 'paused'}}
    before = reader.read(snapshot(first, other))
    again = reader.read(snapshot(other | {'viewOffset': 7}, first | {'viewOffset': 2000}))
    assert [seen.offset_ms for seen in before] == [1000, 5]
    assert [seen.offset_ms for seen in again] == [7, 2000]
    assert again[1].stream is before[0].stream
    paused = reader.read(snapshot(first | {'Player': {'state': 'paused'}}))
    assert [seen.state for seen in paused] == [plays.State.PAUSED]
    assert reader.read(snapshot()) == []


def test_a_session_is_compared_with_how_it_was_last_however_long_it_stayed_the_same():
    reader = plex_seen.Sessions()
    session = TRANSCODED | {'sessionKey': '1', 'viewOffset': 1000}
    (first,) = reader.read(snapshot(session))
    (second,) = reader.read(snapshot(session))
    assert second is first
    reader.read(snapshot(session))
    (moved,) = reader.read(snapshot(session | {'viewOffset': 11_000}))
    assert moved.offset_ms == 11_000
    assert moved.stream is first.stream


@pytest.mark.parametrize('offsets', [('0e3', '1e3'), ('5.7', '6.7'), ('-1', '-2'), ('"1"', '"2"')])
def test_an_offset_in_another_notation_is_not_taken_for_a_part_of_it(offsets: tuple[str, str]):
    reader = plex_seen.Sessions()
    for offset in offsets:
        sent = f'{{"ratingKey": "1", "viewOffset": {offset}, "title": "a"}}'.encode()
        (now,) = reader.read([msgspec.Raw(sent)])
        assert now == plex_seen.seen(Node(msgspec.json.decode(sent)))


def test_two_sessions_of_one_key_are_read_each_for_itself():
    reader = plex_seen.Sessions()
    one = {'sessionKey': '1', 'ratingKey': '1', 'User': {'id': '1'}}
    two = {'sessionKey': '1', 'ratingKey': '1', 'User': {'id': '2'}}
    for _ in range(2):
        accounts = [seen.viewer.account_id for seen in reader.read(snapshot(one, two))]
        assert accounts == ['1', '2']


@pytest.mark.parametrize('key', [[], {}, 1.5, True, None])
def test_a_session_whose_key_makes_no_sense_is_read_all_the_same(key: object):
    reader = plex_seen.Sessions()
    for offset in (1, 2):
        (seen,) = reader.read(
            snapshot({'sessionKey': key, 'ratingKey': '3', 'viewOffset': offset})
        )
        assert (seen.item.rating_key, seen.offset_ms) == ('3', offset)


FIELDS = (
    'ratingKey', 'sessionKey', 'type', 'live', 'User', 'Player', 'Session', 'Media', 'Part',
    'Stream', 'decision', 'TranscodeSession', 'key', 'id', 'state', 'streamType', 'duration',
    'viewOffset', 'progress',
)  # fmt: skip

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=6)
    ),
    max_leaves=20,
)


@given(anything)
def test_nothing_that_a_server_sends_makes_it_fail(data: object):
    node = Node(data)
    seen = plex_seen.seen(node)
    assert isinstance(seen.item.rating_key, str)
    assert seen.stream.speed is None or math.isfinite(seen.stream.speed)
    plex_shapes.metadata(node)
    plex_shapes.transcode(node)
    plex_shapes.capabilities(node)
    plex_shapes.history_row(node)


offsets = (
    st.integers(-5, 12)
    | st.sampled_from(['7', '', '1e3', 1e3, 5.7, 10**14, 10**16, None, True, [], '"viewOffset":3'])
    | st.dictionaries(st.just('viewOffset'), st.integers(0, 3), max_size=1)
)
moving = st.fixed_dictionaries(
    {'ratingKey': st.sampled_from(['1', 2]), 'sessionKey': st.sampled_from(['1', 2])},
    optional={'viewOffset': offsets, 'title': st.sampled_from(['a', '"viewOffset": 4']),
              'Player': st.sampled_from([{'state': 'playing'}, {'state': 'stopped'}]),
              'Media': st.just({'viewOffset': 3})},
)  # fmt: skip


@given(st.lists(st.lists(moving, max_size=4), min_size=2, max_size=4))
def test_whatever_was_read_before_a_snapshot_says_the_same(snapshots: list[list[dict[str, Any]]]):
    reader = plex_seen.Sessions()
    for sessions in snapshots:
        assert reader.read(snapshot(*sessions)) == plex_seen.Sessions().read(snapshot(*sessions))
        alone = [plex_seen.seen(Node(session)) for session in sessions if not over(session)]
        assert reader.read(snapshot(*sessions)) == alone


def over(session: dict[str, Any]) -> bool:
    return session.get('Player') == {'state': 'stopped'}
