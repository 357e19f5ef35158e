# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Plays and their events with as little writing as possible."""

from __future__ import annotations

import datetime
from typing import Any

import msgspec

from ..plays import (
    Item,
    MediaType,
    Play,
    PlaybackEvent,
    Player,
    State,
    Stream,
    Transition,
    Viewer,
    event_id,
    play_id,
)

SERVER = '0123456789abcdef0123456789abcdef01234567'
START = datetime.datetime(2026, 3, 1, 20, 15, tzinfo=datetime.UTC)

FILM = Item(
    rating_key='1001',
    media_type=MediaType.MOVIE,
    title='The General',
    year=1926,
    duration_ms=4_500_000,
    library_id='1',
    library='Films',
    thumb='/library/metadata/1001/thumb/1',
)
EPISODE = Item(
    rating_key='2011',
    media_type=MediaType.EPISODE,
    title='Pilot',
    parent_title='Season 1',
    grandparent_title='Lighthouse',
    parent_rating_key='2010',
    grandparent_rating_key='2000',
    index=1,
    parent_index=1,
    duration_ms=2_700_000,
    library_id='2',
    library='Series',
)


def began(
    number: int = 1, at: datetime.datetime = START, item: Item = FILM, **changes: Any
) -> Play:
    """A play that has just begun; the number is its session's."""
    made = Play(
        play_id=play_id(
            changes.get('server', SERVER),
            f's{number}',
            str(number),
            item.rating_key,
            at.timestamp(),
        ),
        server=SERVER,
        session_id=f's{number}',
        session_key=str(number),
        started_at=at,
        seen_at=at,
        start_offset_ms=0,
        offset_ms=0,
        item=item,
        viewer=Viewer(account_id='1', name='anna'),
        player=Player(client_id='tv', title='Living room', platform='Roku', product='Plex'),
        stream=Stream(resolution='1080', source_resolution='4k', bitrate=8000),
    )
    return msgspec.structs.replace(made, **changes)


def later(play: Play, seconds: float, **changes: Any) -> Play:
    """The play's next version, so much later and played all the time."""
    moment = play.seen_at + datetime.timedelta(seconds=seconds)
    passed = round(seconds * 1000)
    told = {
        'ordinal': play.ordinal + 1,
        'seen_at': moment,
        'offset_ms': (play.offset_ms or 0) + passed,
        'played_ms': play.played_ms + passed,
        'state': State.PLAYING,
    }
    return msgspec.structs.replace(play, **(told | changes))


def ended(play: Play, seconds: float = 0, **changes: Any) -> Play:
    """The play's next and last version."""
    last = later(play, seconds)
    return msgspec.structs.replace(last, stopped_at=last.seen_at, **changes)


def event(play: Play, transition: Transition | None = None) -> PlaybackEvent:
    """The event that tells of a version; by default of its start, its end or its progress."""
    if transition is None:
        transition = Transition.STARTED if not play.ordinal else Transition.PROGRESS
        transition = Transition.STOPPED if play.stopped_at else transition
    return PlaybackEvent(
        event_id=event_id(play.play_id, transition, play.ordinal),
        transition=transition,
        at=play.stopped_at or play.seen_at,
        play=play,
    )
