# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Any play that can be kept comes out of its row as it went in."""

import datetime
import enum
import types
import uuid
from typing import Any, get_args

import hypothesis
import msgspec
import pytest
from hypothesis import strategies as st

from mediahub.plays import Play, Stream
from mediahub.store import playrows
from mediahub.store.database import Database
from mediahub.testing.plays import began

BIGINT = st.integers(-(2**63) + 1, 2**63 - 1)
VALUES: dict[object, st.SearchStrategy[Any]] = {
    str: st.text(),
    int: BIGINT,
    bool: st.booleans(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    datetime.datetime: st.datetimes(
        datetime.datetime(1970, 1, 1),
        datetime.datetime(9998, 12, 31),
        timezones=st.just(datetime.UTC),
    ),
}


def values(wanted: Any) -> st.SearchStrategy[Any]:
    """Values of the type of a field."""
    if isinstance(wanted, types.UnionType):
        return st.one_of([values(one) for one in get_args(wanted)])
    if wanted is types.NoneType:
        return st.none()
    if issubclass(wanted, enum.Enum):
        return st.sampled_from(wanted)
    if issubclass(wanted, msgspec.Struct):
        return st.builds(wanted, **fields(wanted))
    return VALUES[wanted]


def fields(struct: type[msgspec.Struct]) -> dict[str, st.SearchStrategy[Any]]:
    return {field.name: values(field.type) for field in msgspec.structs.fields(struct)}


plays = st.builds(Play, **fields(Play) | {'play_id': st.uuids().map(str)})


def kept(database: Database, play: Play) -> list[Play]:
    """What is read of a play that was written."""
    row = playrows.encoded([playrows.row(play, datetime.UTC)])
    database.execute('DELETE FROM finished_plays')
    database.execute(playrows.STAGE, [row])
    database.execute(playrows.KEEP_STAGED)
    rows = database.rows(f'SELECT {playrows.SELECTED} FROM finished_plays')  # noqa: S608 - constants
    return [playrows.play(row) for row in rows]


@pytest.fixture(scope='module')
def store():
    with Database() as database:
        yield database


@hypothesis.settings(suppress_health_check=[hypothesis.HealthCheck.too_slow])
@hypothesis.given(play=plays)
def test_play_comes_back_as_it_was(store: Database, play: Play):
    [found] = kept(store, play)

    assert found == play
    assert found.started_at.tzinfo is found.seen_at.tzinfo is datetime.UTC
    assert uuid.UUID(found.play_id)


@pytest.mark.parametrize('number', [0.1, 1e-310, 1.7976931348623157e308, 2.5e-7, 100.0, -0.0])
def test_rate_comes_back_to_the_last_bit(store: Database, number: float):
    play = began(stream=Stream(speed=number))

    [found] = kept(store, play)

    assert repr(found.stream.speed) == repr(number)
