# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

import datetime
from itertools import pairwise

import pytest

from mediahub import plays
from mediahub.plays import MediaType, State, Transition

from .seen import HOUR, START, Hand, at, sighting

STARTED, PAUSED, RESUMED = Transition.STARTED, Transition.PAUSED, Transition.RESUMED
PROGRESS, STOPPED = Transition.PROGRESS, Transition.STOPPED


def seconds(moment: datetime.datetime | None) -> float:
    assert moment is not None
    return (moment - START).total_seconds()


@pytest.fixture
def hand() -> Hand:
    return Hand()


def test_tells_a_play_from_its_start_to_its_end(hand: Hand):
    film = sighting()
    assert hand.snapshot(film) == [STARTED]
    assert hand.snapshot(at(film, 5_000), after=5) == []
    assert hand.snapshot(at(film, 10_000), after=5) == [PROGRESS]
    assert hand.snapshot(at(film, 12_000, state=State.PAUSED), after=2) == [PAUSED]
    assert hand.snapshot(at(film, 12_000), after=4) == [RESUMED]
    assert hand.snapshot(at(film, 20_000), after=8) == []
    assert hand.snapshot(after=3) == []
    assert hand.snapshot(after=6) == [STOPPED]
    play = hand.only
    assert (play.ordinal, play.pauses, play.offset_ms) == (4, 1, 20_000)
    assert (seconds(play.started_at), seconds(play.stopped_at)) == (0, 24)
    assert (play.played_ms, play.paused_ms) == (20_000, 4_000)


def test_an_event_holds_the_whole_play_and_ordinals_grow(hand: Hand):
    film = sighting()
    hand.snapshot(film)
    for step in range(1, 5):
        hand.snapshot(at(film, step * 10_000), after=10)
    assert [event.play.ordinal for event in hand.events] == [0, 1, 2, 3, 4]
    assert len({event.event_id for event in hand.events}) == 5
    assert hand.events[-1].play.item.title == 'Item 100'


def test_one_snapshot_that_misses_a_session_ends_nothing(hand: Hand):
    film = sighting()
    hand.snapshot(film)
    assert hand.snapshot(after=1) == []
    assert hand.snapshot(after=1) == []
    assert hand.snapshot(at(film, 9_000), after=8) == [PROGRESS]
    assert hand.only.stopped_at is None


def test_a_notification_makes_one_snapshot_enough_and_tells_the_end(hand: Hand):
    film = sighting()
    hand.snapshot(film)
    hand.wait(7)
    hint = hand.hint('1', '100', 7_000)
    assert hand.snapshot(after=0.5, hints=[hint]) == [STOPPED]
    play = hand.only
    assert (seconds(play.stopped_at), play.offset_ms, play.played_ms) == (7, 7_000, 7_000)


def test_three_stops_two_without_an_item_are_one(hand: Hand):
    film = sighting()
    hand.snapshot(film)
    hand.wait(5)
    hints = [hand.hint('1'), hand.hint('1', '100', 5_000), hand.hint('1')]
    assert hand.snapshot(hints=hints) == [STOPPED]
    assert hand.snapshot(after=1, hints=hints) == []
    assert hand.only.offset_ms == 5_000


def test_a_notification_alone_ends_and_begins_nothing(hand: Hand):
    film = sighting()
    hand.snapshot(film)
    assert hand.snapshot(at(film, 1_000), after=1, hints=[hand.hint('1', '100')]) == []
    assert hand.snapshot(at(film, 2_000), after=1, hints=[hand.hint('9', '7')]) == []
    assert len(hand.plays()) == 1


def test_a_stop_that_the_server_shows_late_still_needs_one_snapshot_only(hand: Hand):
    film = sighting()
    hand.snapshot(film)
    hand.snapshot(at(film, 1_000), after=1, hints=[hand.hint('1', '100')])
    assert hand.snapshot(after=1) == [STOPPED]


def test_an_absurd_offset_of_a_notification_is_not_believed(hand: Hand):
    hand.snapshot(sighting(offset=60_000))
    hand.wait(5)
    assert hand.snapshot(hints=[hand.hint('1', '100', 2 * HOUR)]) == [STOPPED]
    assert hand.only.offset_ms == 60_000


def test_a_notification_of_another_item_or_of_before_the_start_is_not_about_this_play(hand: Hand):
    before = hand.hint('1', '100')
    hand.wait(1)
    hand.snapshot(sighting())
    hints = [before, hand.hint('1', '99')]
    assert hand.snapshot(after=1, hints=hints) == []


def test_buffering_is_neither_a_pause_nor_its_end(hand: Hand):
    film = sighting()
    hand.snapshot(film)
    assert hand.snapshot(at(film, 1_000, state=State.BUFFERING), after=1) == []
    assert hand.snapshot(at(film, 2_000), after=1) == []
    assert hand.snapshot(at(film, 3_000, state=State.PAUSED), after=1) == [PAUSED]
    assert hand.snapshot(at(film, 9_000, state=State.BUFFERING), after=1) == []
    assert hand.snapshot(at(film, 9_000), after=1) == [RESUMED]
    assert hand.events[-1].play.pauses == 1


def test_a_session_first_seen_paused_was_paused_once(hand: Hand):
    film = sighting(offset=60_000, state=State.PAUSED)
    assert hand.snapshot(film) == [STARTED]
    assert hand.snapshot(at(film, 60_000, state=State.PLAYING), after=3) == [RESUMED]
    assert (hand.only.pauses, hand.only.paused_ms, hand.only.start_offset_ms) == (1, 3_000, 60_000)


def test_the_next_episode_in_the_same_session_is_a_stop_and_a_start(hand: Hand):
    first = sighting(item='1', kind=MediaType.EPISODE)
    hand.snapshot(first)
    hand.snapshot(at(first, 10_000), after=10)
    told = hand.snapshot(sighting(item='2', kind=MediaType.EPISODE), after=2)
    assert told == [STOPPED, STARTED]
    ended, begun = hand.plays()
    assert (ended.item.rating_key, ended.offset_ms) == ('1', 10_000)
    assert (begun.item.rating_key, begun.stopped_at) == ('2', None)


def test_a_queue_of_songs_is_a_play_each(hand: Hand):
    for number in range(5):
        song = sighting(item=str(number), kind=MediaType.TRACK, duration=180_000)
        hand.snapshot(song)
        hand.snapshot(at(song, 170_000), after=170)
        hand.wait(10)
    hand.snapshot()
    hand.snapshot(after=6)
    assert [play.item.rating_key for play in hand.plays()] == ['0', '1', '2', '3', '4']
    assert all(play.stopped_at for play in hand.plays())


def test_a_song_on_repeat_is_played_again(hand: Hand):
    song = sighting(kind=MediaType.TRACK, duration=180_000)
    hand.snapshot(song)
    hand.snapshot(at(song, 175_000), after=80)
    assert hand.snapshot(at(song, 2_000), after=7) == [STOPPED, STARTED]
    assert len(hand.plays()) == 2


def test_who_goes_back_to_the_beginning_halfway_through_plays_on(hand: Hand):
    film = sighting(offset=HOUR)
    hand.snapshot(film)
    hand.snapshot(at(film, 0), after=5)
    assert len(hand.plays()) == 1


def test_a_restarted_server_counts_sessions_from_one_and_the_play_goes_on(hand: Hand):
    film = sighting('450', session='before', offset=HOUR)
    hand.snapshot(film)
    hand.snapshot(at(film, HOUR + 10_000), after=10)
    hand.failure(after=20)
    hand.snapshot(after=10)
    assert hand.snapshot(after=8) == [STOPPED]
    back = sighting('1', session='after', offset=HOUR + 15_000)
    assert hand.snapshot(back, after=20) == [RESUMED]
    play = hand.only
    assert (play.session_key, play.session_id, play.stopped_at) == ('1', 'after', None)
    assert play.played_ms == 15_000


def test_another_viewer_who_gets_the_same_session_key_is_another_play(hand: Hand):
    hand.snapshot(sighting('1', session='', player='tv', account='1'))
    hand.snapshot(sighting('1', session='', player='phone', account='2'), after=30)
    hand.snapshot(sighting('1', session='', player='phone', account='2', offset=9_000), after=9)
    assert [play.player.client_id for play in hand.plays()] == ['tv', 'phone']


def test_the_same_item_begun_again_from_the_start_is_a_new_play(hand: Hand):
    hand.snapshot(sighting('5', session='a', offset=HOUR))
    hand.wait(5)
    hand.snapshot(hints=[hand.hint('5', '100')])
    assert hand.snapshot(sighting('6', session='b', offset=0), after=20) == [STARTED]
    assert len(hand.plays()) == 2


def test_a_return_after_the_grace_is_a_new_play(hand: Hand):
    hand.snapshot(sighting('5', session='a', offset=HOUR))
    hand.snapshot(after=10)
    hand.snapshot(after=10)
    hand.snapshot(after=10)
    hand.snapshot(after=121)
    assert hand.kept == {}
    assert hand.snapshot(sighting('6', session='b', offset=HOUR), after=1) == [STARTED]
    assert len(hand.plays()) == 2


def test_a_server_that_cannot_be_asked_for_five_minutes_has_ended_its_plays(hand: Hand):
    film = sighting()
    hand.snapshot(film)
    hand.snapshot(at(film, 10_000), after=10)
    assert hand.failure(after=200) == []
    assert hand.failure(after=101) == [STOPPED]
    assert seconds(hand.only.stopped_at) == 10
    assert hand.failure(after=3600) == []


def test_the_grace_does_not_run_out_while_the_server_is_away(hand: Hand):
    hand.snapshot(sighting('9', session='a', offset=HOUR))
    hand.failure(after=301)
    hand.failure(after=600)
    assert hand.snapshot(after=1) == []
    assert hand.snapshot(sighting('1', session='b', offset=HOUR), after=60) == [RESUMED]
    assert len(hand.plays()) == 1


def test_a_session_that_is_listed_for_ever_but_does_not_move_ends(hand: Hand):
    film = sighting(offset=HOUR)
    hand.snapshot(film)
    ghost = at(film, HOUR + 10_000)
    hand.snapshot(ghost, after=10)
    told = [transition for _ in range(60) for transition in hand.snapshot(ghost, after=10)]
    assert told.count(STOPPED) == 1
    assert seconds(hand.only.stopped_at) < 80
    assert hand.only.played_ms < 80_000
    # As long as it is listed it is no new play, and if it moves it lives.
    assert hand.snapshot(ghost, after=10_000) == []
    assert hand.snapshot(at(film, HOUR + 20_000), after=10) == [RESUMED]
    assert len(hand.plays()) == 1


@pytest.mark.parametrize(
    'still',
    [
        sighting(state=State.PAUSED, offset=HOUR),
        sighting(kind=MediaType.LIVE, offset=0, duration=None),
        sighting(kind=MediaType.LIVE, offset=None),
        sighting(kind=MediaType.PHOTO, offset=0),
        sighting(offset=0),  # a player that never tells
    ],
)
def test_what_has_no_reason_to_move_goes_on(hand: Hand, still: plays.Seen):
    hand.snapshot(still)
    told = [transition for _ in range(90) for transition in hand.snapshot(still, after=10)]
    assert STOPPED not in told
    assert hand.only.stopped_at is None
    # As it was told last: a pause is told once a minute.
    assert 840_000 <= hand.only.played_ms + hand.only.paused_ms <= 900_000


def test_a_pause_is_told_less_often(hand: Hand):
    film = sighting(state=State.PAUSED)
    hand.snapshot(film)
    told = [transition for _ in range(30) for transition in hand.snapshot(film, after=10)]
    assert told == [PROGRESS] * 5


def test_plays_that_begin_together_are_not_told_together(hand: Hand):
    films = [sighting(str(number), player=f'tv-{number}') for number in range(100)]
    hand.snapshot(*films)
    told = [
        hand.snapshot(*(at(film, turn * 500) for film in films), after=0.5)
        for turn in range(1, 61)
    ]
    assert [len(turn) for turn in told if len(turn) > 20] == []
    assert sum(map(len, told)) == 300
    for play_id in {event.play.play_id for event in hand.events}:
        moments = [event.at for event in hand.events if event.play.play_id == play_id][1:]
        pauses = [(after - before).total_seconds() for before, after in pairwise(moments)]
        assert pauses == [10, 10]


def test_a_change_of_delivery_is_told_and_remembered(hand: Hand):
    film = sighting()
    hand.snapshot(film)
    transcoded = sighting(offset=3_000, decision=plays.Decision.TRANSCODE)
    assert hand.snapshot(transcoded, after=3) == [Transition.TRANSCODE_CHANGED]
    assert hand.snapshot(at(film, 6_000), after=3) == [Transition.TRANSCODE_CHANGED]
    assert hand.only.transcoded
    assert hand.only.stream.decision is plays.Decision.DIRECT_PLAY


def test_two_things_at_once_are_two_events_in_order(hand: Hand):
    hand.snapshot(sighting())
    both = sighting(offset=2_000, state=State.PAUSED, decision=plays.Decision.TRANSCODE)
    assert hand.snapshot(both, after=2) == [PAUSED, Transition.TRANSCODE_CHANGED]
    assert [event.play.ordinal for event in hand.events] == [0, 1, 2]


def test_a_change_of_quality_shows_two_sessions_and_is_one_play(hand: Hand):
    old = sighting('7', session='old', offset=60_000)
    hand.snapshot(old)
    new = sighting('8', session='new', offset=70_000)
    assert STARTED not in hand.snapshot(at(old, 70_000), new, after=10)
    hand.snapshot(at(new, 80_000), after=10)
    hand.snapshot(at(new, 90_000), after=10)
    assert hand.only.session_key == '8'
    assert hand.only.played_ms == 30_000


def test_two_viewers_of_one_film_are_two_plays(hand: Hand):
    hand.snapshot(sighting('1', player='tv', account='1'), sighting('2', player='pc', account='2'))
    assert len(hand.plays()) == 2


def test_a_session_listed_twice_is_one(hand: Hand):
    film = sighting()
    assert hand.snapshot(film, at(film, 1)) == [STARTED]


def test_a_player_that_just_sits_there_is_no_play(hand: Hand):
    assert hand.snapshot(sighting(item=''), sighting(key='', session='')) == []


def test_a_restart_of_the_hub_continues_and_counts_what_the_offset_proves(hand: Hand):
    film = sighting()
    hand.snapshot(film)
    hand.snapshot(at(film, 10_000), after=10)
    hand.restart()
    assert hand.snapshot(at(film, 610_000), after=1200) == [PROGRESS]
    play = hand.only
    assert (play.ordinal, play.played_ms, play.paused_ms) == (2, 610_000, 0)
    assert seconds(play.seen_at) == 1210


def test_a_play_that_ended_while_the_hub_was_away_ends_when_it_was_last_seen(hand: Hand):
    film = sighting()
    hand.snapshot(film)
    hand.snapshot(at(film, 10_000), after=10)
    hand.restart()
    assert hand.snapshot(after=1200) == [STOPPED]
    assert seconds(hand.only.stopped_at) == 10


def test_a_session_key_without_an_id_proves_little_after_a_while(hand: Hand):
    hand.snapshot(sighting('1', session='', offset=HOUR))
    hand.restart()
    told = hand.snapshot(sighting('1', session='', offset=1_000), after=8 * 3600)
    assert sorted(told, key=str) == [STARTED, STOPPED]


def test_stopped_and_begun_again_within_a_second_is_not_counted_twice(hand: Hand):
    hand.snapshot(sighting(item='1'))
    hand.snapshot(sighting(item='2'), after=0.3)
    hand.snapshot(sighting(item='1'), after=0.3)
    assert len(hand.plays()) == 2
    assert [play.stopped_at is None for play in hand.plays()] == [True, False]


def test_a_clock_that_is_set_back_makes_no_time_negative(hand: Hand):
    film = sighting()
    hand.snapshot(film)
    hand.snapshot(at(film, 10_000), after=10)
    hand.snapshot(at(film, 20_000), after=-3600)
    hand.snapshot(at(film, 30_000), after=3620)
    play = hand.only
    assert play.seen_at >= play.started_at
    assert 0 <= play.played_ms <= 3_630_000


def test_a_commit_that_failed_is_made_up_for_by_the_next_snapshot(hand: Hand):
    film = sighting()
    hand.snapshot(film)
    before = hand.state
    lost = hand.snapshot(at(film, 5_000, state=State.PAUSED), after=5)
    assert lost == [PAUSED]
    hand.events.pop()
    hand.state = before
    assert hand.snapshot(at(film, 5_000, state=State.PAUSED), after=5) == [PAUSED]
    assert (hand.only.ordinal, hand.only.played_ms, hand.only.paused_ms) == (1, 5_000, 5_000)
