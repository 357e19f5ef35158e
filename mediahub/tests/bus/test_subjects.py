# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediahub.bus import subjects
from mediahub.plays import MediaType, PlaybackEvent, Source
from mediahub.testing.plays import began, ended, event


def test_an_event_arrives_as_it_was_sent():
    sent = event(ended(began(), 60))

    assert subjects.decode(subjects.encode(sent)) == sent


@pytest.mark.parametrize('source', Source)
@pytest.mark.parametrize('kind', MediaType)
def test_every_subject_is_one_that_the_stream_takes(source: Source, kind: MediaType):
    play = began(source=source, item=msgspec.structs.replace(began().item, media_type=kind))

    subject = subjects.subject(event(play))

    assert subject == f'playback.{source.value}.{kind.value}'
    assert not set(subject.split('.')[-1]) & set('.*> \t')
    assert len(subject.split('.')) == 3


def test_fields_of_later_programs_are_passed_over():
    document = json.loads(subjects.encode(event(began())))
    document['mood'] = 'cosy'
    document['play']['item']['colour'] = 'black and white'

    assert subjects.decode(json.dumps(document).encode()) == event(began())


def test_a_newer_schema_is_not_guessed_at():
    document = json.loads(subjects.encode(event(began()))) | {'schema_version': 2}

    with pytest.raises(subjects.Unreadable, match=r'schema version 2.*upgrade'):
        subjects.decode(json.dumps(document).encode())


def test_a_newer_schema_is_recognised_whatever_else_has_changed():
    with pytest.raises(subjects.Unreadable, match='schema version 7'):
        subjects.decode(b'{"schema_version": 7, "event_id": [], "play": "elsewhere"}')


@pytest.mark.parametrize(
    'payload',
    [
        b'',
        b'null',
        b'[]',
        b'{}',
        b'"text"',
        b'\xff\xfe',
        b'{"schema_version": "one"}',
        b'{"schema_version": 1',
        b'[' * 100_000,
        subjects.encode(event(began())).replace(b'"started"', b'"exploded"'),
        subjects.encode(event(began(server=''))),
        subjects.encode(event(began())).replace(b'2026-03-01T20:15:00Z', b'2026-03-01T20:15:00'),
    ],
)
def test_what_is_no_event_is_unreadable(payload: bytes):
    with pytest.raises(subjects.Unreadable):
        subjects.decode(payload)


@given(st.binary())
def test_no_bytes_at_all_raise_anything_else(payload: bytes):
    try:
        found = subjects.decode(payload)
    except subjects.Unreadable:
        return
    assert isinstance(found, PlaybackEvent)


def test_text_that_is_no_unicode_is_named_with_its_event():
    broken = event(began(item=msgspec.structs.replace(began().item, title='\ud800')))

    with pytest.raises(subjects.Unreadable, match=broken.event_id):
        subjects.encode(broken)
