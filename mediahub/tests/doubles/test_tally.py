# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The count of lost, doubled and invented plays can find each of them."""

from __future__ import annotations

import datetime

import msgspec

from mediahub import plays
from mediahub.plays import Play
from mediahub.testing.clocks import HandClock
from mediahub.testing.plex_living import LivingPlex
from mediahub.testing.plex_people import TruePlay
from mediahub.testing.tally import tally


def truth(plex: LivingPlex, clock: HandClock, count: int = 3) -> list[TruePlay]:
    """That many plays of one film, one after the other on one player."""
    tv = plex.device('TV')
    for _ in range(count):
        session = plex.play(plex.owner, tv, '1001')
        clock.go(600)
        session.stop()
        clock.go(60)
    return plex.truth


def seen(true: TruePlay, name: str = '') -> Play:
    """What a hub makes of a play."""
    end = true.stopped or true.started
    return Play(
        play_id=name or f'{true.started}',
        server='s',
        started_at=true.started + datetime.timedelta(seconds=2),
        seen_at=end,
        stopped_at=true.stopped and end + datetime.timedelta(seconds=5),
        item=plays.Item(rating_key=true.rating_key),
        viewer=plays.Viewer(account_id=str(true.person.id)),
        player=plays.Player(client_id=true.device.client_id),
    )


def test_all_is_right_where_every_play_is_there_once(hand_clock: HandClock):
    played = truth(LivingPlex(hand_clock).stocked(), hand_clock)

    assert tally(played, map(seen, played)).right


def test_what_is_missing_is_lost(hand_clock: HandClock):
    played = truth(LivingPlex(hand_clock).stocked(), hand_clock)

    found = tally(played, map(seen, [played[0], played[2]]))

    assert (found.lost, found.doubled, found.invented) == ([played[1]], [], [])
    assert str(found).startswith('1 lost, 0 doubled, 0 invented\nlost: Owner: The Long Ferry')


def test_what_is_there_twice_is_doubled(hand_clock: HandClock):
    played = truth(LivingPlex(hand_clock).stocked(), hand_clock)
    hub = [*map(seen, played), seen(played[1], 'again')]

    found = tally(played, hub)

    assert (found.lost, found.invented) == ([], [])
    assert [(true, len(each)) for true, each in found.doubled] == [(played[1], 2)]


def test_a_play_that_was_cut_in_two_is_doubled(hand_clock: HandClock):
    (played,) = truth(LivingPlex(hand_clock).stocked(), hand_clock, 1)
    whole = seen(played)
    middle = played.started + datetime.timedelta(seconds=300)
    halves = [
        msgspec.structs.replace(whole, stopped_at=middle, seen_at=middle),
        msgspec.structs.replace(whole, play_id='rest', started_at=middle),
    ]

    assert len(tally([played], halves).doubled) == 1


def test_what_never_was_is_invented(hand_clock: HandClock):
    played = truth(LivingPlex(hand_clock).stocked(), hand_clock)
    day = datetime.timedelta(days=1)
    later = msgspec.structs.replace(
        seen(played[0]), started_at=played[0].started + day, seen_at=played[0].started + day,
        stopped_at=None,
    )  # fmt: skip
    elsewhere = msgspec.structs.replace(seen(played[1]), player=plays.Player(client_id='other'))

    found = tally(played, [*map(seen, played), later, elsewhere])

    assert found.invented == [later, elsewhere]


def test_history_tells_no_player(hand_clock: HandClock):
    (played,) = truth(LivingPlex(hand_clock).stocked(), hand_clock, 1)
    known = msgspec.structs.replace(seen(played), player=plays.Player())

    assert tally([played], [known]).right


def test_what_was_too_short_to_see_need_not_be_there(hand_clock: HandClock):
    plex = LivingPlex(hand_clock).stocked()
    session = plex.play(plex.owner, plex.device('TV'), '1001')
    hand_clock.go(0.4)
    session.stop()

    assert tally(plex.truth, [], shortest=datetime.timedelta(seconds=1)).right
    assert not tally(plex.truth, []).right


def test_a_ghost_of_one_session_is_not_taken_for_the_next(hand_clock: HandClock):
    plex = LivingPlex(hand_clock).stocked()
    phone = plex.device('Phone')
    first = plex.play(plex.owner, phone, '1001')
    hand_clock.go(10)
    first.vanish(linger=60)
    hand_clock.go(5)
    second = plex.play(plex.owner, phone, '1001')
    hand_clock.go(60)
    second.stop()
    ghost, rest = (
        msgspec.structs.replace(seen(true, true.session_id), session_id=true.session_id)
        for true in plex.truth
    )
    ghost = msgspec.structs.replace(ghost, stopped_at=second.truth.stopped)

    assert tally(plex.truth, [ghost, rest]).right
