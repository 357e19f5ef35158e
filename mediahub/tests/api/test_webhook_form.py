# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A form is taken apart as python-multipart does it, in whatever pieces it comes."""

from __future__ import annotations

import pytest
import python_multipart
from hypothesis import given
from hypothesis import strategies as st
from python_multipart.multipart import parse_options_header

from mediahub.api.envelope import Problem
from mediahub.api.webhook_form import Form, boundary

Parts = list[tuple[bytes, bytes]]

# Of letters from which boundaries and ends of lines are easily made.
CONTENT = st.lists(
    st.sampled_from([b'\r', b'\n', b'-', b'b', b'\r\n', b'--b', b'\r\n--', b'x' * 50, b'\x00'])
).map(b''.join)
NAMES = st.sampled_from([b'payload', b'thumb', b'a b', b'na\\"me', b''])


def whole(parts: Parts, between: bytes) -> bytes:
    """The form that holds these."""
    body = b''.join(
        b'--' + between + b'\r\nContent-Disposition: form-data; name="' + name + b'"\r\n'
        b'Content-Type: image/jpeg\r\n\r\n' + content + b'\r\n'
        for name, content in parts
    )
    return body + b'--' + between + b'--\r\n'


def ours(body: bytes, between: bytes, size: int, headers: int = 8) -> tuple[Parts, bool]:
    """The parts that we find in it, and whether its end comes."""
    found: list[tuple[bytes, bytearray]] = []

    def begin(name: bytes):
        found.append((name, bytearray()))
        return found[-1][1].extend

    form = Form(between, begin, headers=headers, header=2048)
    for start in range(0, len(body), size):
        form.feed(body[start : start + size])
    return [(name, bytes(content)) for name, content in found], form.complete


def theirs(body: bytes, between: bytes) -> Parts:
    """The parts that python-multipart finds in it."""
    found: list[tuple[bytearray, bytearray]] = []
    parser = python_multipart.MultipartParser(
        between,
        {
            'on_part_begin': lambda: found.append((bytearray(), bytearray())),
            'on_header_value': lambda data, start, end: found[-1][0].extend(data[start:end]),
            'on_header_end': lambda: found[-1][0].extend(b'\n'),
            'on_part_data': lambda data, start, end: found[-1][1].extend(data[start:end]),
        },
    )
    parser.write(body)
    return [
        (parse_options_header(bytes(head).split(b'\n')[0])[1].get(b'name', b''), bytes(content))
        for head, content in found
    ]


@given(st.lists(st.tuples(NAMES, CONTENT), min_size=1, max_size=5), st.integers(1, 200))
def test_parts_are_those_of_python_multipart(parts: Parts, size: int):
    between = b'never-in-a-part'
    body = whole(parts, between)

    assert ours(body, between, size) == (theirs(body, between), True)


@given(CONTENT, st.integers(1, 60))
def test_content_that_looks_like_a_boundary_is_content_unless_it_is_one(content: bytes, size: int):
    body = whole([(b'payload', content)], b'b')
    try:
        expected = ours(body, b'b', len(body))
    except Problem:
        with pytest.raises(Problem):
            ours(body, b'b', size)
    else:
        assert ours(body, b'b', size) == expected
        if b'\r\n--b' not in b'\r\n' + content:
            assert expected == ([(b'payload', content)], True)


def test_form_that_ends_too_early_is_not_complete():
    body = whole([(b'payload', b'{}')], b'b')

    for length in range(len(body) - 4):
        assert ours(body[:length], b'b', 7)[1] is False


def test_what_stands_before_and_behind_a_form_is_let_go():
    body = b'before\r\n' + whole([(b'payload', b'{}')], b'b') + b'behind\r\n--b\r\n'

    assert ours(body, b'b', 5) == ([(b'payload', b'{}')], True)


@pytest.mark.parametrize('head', [b'X: y\r\n' * 9, b'X: ' + b'y' * 2048 + b'\r\n', b'none\r\n'])
@pytest.mark.parametrize('size', [1, 10_000])
def test_head_that_is_none_is_refused(head: bytes, size: int):
    with pytest.raises(Problem, match='the form is damaged'):
        ours(b'--b\r\n' + head + b'\r\n{}\r\n--b--\r\n', b'b', size)


def test_head_without_end_is_not_kept_for_ever():
    with pytest.raises(Problem, match='the form is damaged'):
        ours(b'--b\r\nX: ' + b'y' * 1_000_000, b'b', 1000)


@pytest.mark.parametrize(
    ('content_type', 'found'),
    [
        (b'multipart/form-data; boundary=--------------d74496d66958', b'-' * 14 + b'd74496d66958'),
        (b'multipart/form-data;boundary=b', b'b'),
        (b'Multipart/Form-Data; Boundary=b', b'b'),
        (b'multipart/form-data; boundary="b b"', b'b b'),
        (b'multipart/form-data; charset=utf-8; boundary=b', b'b'),
        (b'multipart/form-data', b''),
        (b'multipart/mixed; boundary=b', b''),
        (b'application/json', b''),
        (b'', b''),
    ],
)
def test_boundary_is_found_however_it_is_written(content_type: bytes, found: bytes):
    assert boundary(content_type) == found
