# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Turns snapshots of sessions into plays and their changes. Pure: no clock, no I/O, no memory.

What goes in is what is followed and one good snapshot; what comes out is what is followed now, and
what is to be committed and told. If that cannot be committed, the same call with the next snapshot
makes up for it.

A play ends when two snapshots some seconds apart miss it, at once where a notification said so or
its session goes on with another item, and after a silence. It ends where and when it was last
seen. For a while afterwards the same viewer's return continues it: a server that restarts names
all sessions anew, and lists none for a moment.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from .. import plays
from . import recognise, timing
from .timing import RULES, Rules


class Hint(msgspec.Struct, frozen=True, kw_only=True):
    """A notification that a session stopped. It ends nothing by itself.

    Attributes:
        rating_key: Empty where the notification names no item.
        at: When it came.
    """

    session_key: str
    rating_key: str = ''
    offset_ms: int | None = None
    at: datetime.datetime


class Followed(msgspec.Struct, frozen=True, kw_only=True):
    """A play that is followed, with what only following it needs.

    Attributes:
        told_at: When the last event of it went out.
        moved_at: When its offset or state last changed.
        missed_at: Since when it has not been there; None for one that is listed.
        hint: That it stopped.
        ended_at: The first snapshot after its end that does not list it; the grace counts from
            there, so that it does not run out while the server is away.
    """

    play: plays.Play
    told_at: datetime.datetime
    moved_at: datetime.datetime
    missed_at: datetime.datetime | None = None
    hint: Hint | None = None
    ended_at: datetime.datetime | None = None


State = Mapping[str, Followed]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What a snapshot led to.

    Attributes:
        state: What is followed now, by play.
        changed: Plays to keep, each in its newest version.
        ended: Plays to forget.
        events: To tell, in order.
    """

    state: State
    changed: tuple[plays.Play, ...] = ()
    ended: tuple[str, ...] = ()
    events: tuple[plays.PlaybackEvent, ...] = ()


def restore(kept: Iterable[plays.Play]) -> State:
    """What is followed after a restart of the hub.

    Args:
        kept: What had been committed.
    """
    return {
        play.play_id: Followed(
            play=play,
            told_at=play.seen_at,
            moved_at=play.seen_at,
            ended_at=play.stopped_at,
        )
        for play in kept
    }


def going_on(state: State) -> int:
    """How many plays have not ended."""
    return sum(followed.play.stopped_at is None for followed in state.values())


def observe(
    server: str,
    state: State,
    sightings: Iterable[plays.Seen],
    now: datetime.datetime,
    hints: Sequence[Hint] = (),
    rules: Rules = RULES,
) -> Step:
    """Take in a good snapshot.

    Args:
        server: Machine identifier.
        state: What was followed before.
        sightings: Everything that the snapshot lists.
        now: When what it shows was so.
        hints: Notifications that came since the last snapshot.
        rules: When what counts as what.
    """
    usable = recognise.usable(sightings)
    found, fresh = recognise.assign(
        usable, [followed.play for followed in state.values()], now, rules
    )
    diff = _Diff(server, now, rules)
    by_key: dict[str, list[Hint]] = {}
    for hint in hints:
        by_key.setdefault(hint.session_key, []).append(hint)
    for play_id, followed in state.items():
        about = by_key.get(followed.play.session_key)
        named = _named(followed, about) if about else followed
        if play_id in found:
            diff.there(named, found[play_id])
        elif followed.play.stopped_at is None:
            diff.missing(named, over=recognise.replaced(followed.play, usable))
        else:
            diff.gone(followed)
    for seen in fresh:
        diff.new(seen)
    return diff.step()


def silence(server: str, state: State, now: datetime.datetime, rules: Rules = RULES) -> Step:
    """Let time pass without a snapshot: what was not seen for too long has ended."""
    diff = _Diff(server, now, rules)
    for followed in state.values():
        diff.unseen(followed)
    return diff.step()


def _named(followed: Followed, hints: Sequence[Hint]) -> Followed:
    """With the notification that it stopped, if one is about it; the most telling one.

    Args:
        followed: The play.
        hints: Those about its session.
    """
    play = followed.play
    about = [
        hint
        for hint in hints
        if hint.rating_key in ('', play.item.rating_key) and hint.at >= play.started_at
    ]
    if not about:
        return followed
    best = max(about, key=lambda hint: (bool(hint.rating_key), hint.offset_ms is not None))
    return msgspec.structs.replace(followed, hint=best)


class _Diff:
    """Collects what a snapshot changes."""

    def __init__(self, server: str, now: datetime.datetime, rules: Rules):
        self._server = server
        self._now = now
        self._rules = rules
        self._state: dict[str, Followed] = {}
        self._changed: dict[str, plays.Play] = {}
        self._ended: list[str] = []
        self._events: list[plays.PlaybackEvent] = []

    def step(self) -> Step:
        """All of it."""
        return Step(
            state=self._state,
            changed=tuple(self._changed.values()),
            ended=tuple(self._ended),
            events=tuple(self._events),
        )

    # What a session can be

    def new(self, seen: plays.Seen) -> None:
        """A session that nothing known goes on with."""
        paused = seen.state is plays.State.PAUSED
        play = plays.Play(
            play_id=plays.play_id(
                self._server,
                seen.session_id,
                seen.session_key,
                seen.item.rating_key,
                self._now.timestamp(),
            ),
            server=self._server,
            ordinal=-1,
            session_id=seen.session_id,
            session_key=seen.session_key,
            started_at=self._now,
            seen_at=self._now,
            state=seen.state,
            start_offset_ms=seen.offset_ms,
            offset_ms=seen.offset_ms,
            pauses=int(paused),
            transcoded=seen.stream.decision is plays.Decision.TRANSCODE,
            item=seen.item,
            viewer=seen.viewer,
            player=seen.player,
            stream=seen.stream,
        )
        if play.play_id in self._state:  # stopped and begun again within one second
            self.there(self._state[play.play_id], seen)
            return
        followed = Followed(play=play, told_at=self._now, moved_at=self._now)
        self._tell(followed, plays.Transition.STARTED)

    def there(self, followed: Followed, seen: plays.Seen) -> None:
        """A session that a play goes on with."""
        before = followed.play
        state = _state(before.state, seen.state)
        absent = followed.missed_at is not None
        moved = absent or state is not before.state or _elsewhere(before, seen)
        # Who was not there the whole time has played what the offset proves.
        step = _NO_TIME if absent or before.stopped_at else self._rules.step
        followed = msgspec.structs.replace(
            followed,
            missed_at=None,
            hint=_still(followed.hint, self._now, self._rules),
            moved_at=self._now if moved else followed.moved_at,
        )
        if not moved and not self._lively(followed):
            self.unseen(followed, listed=True)
            return
        play = msgspec.structs.replace(
            before,
            session_id=seen.session_id,
            session_key=seen.session_key,
            stopped_at=None,
            state=state,
            transcoded=before.transcoded or seen.stream.decision is plays.Decision.TRANSCODE,
            pauses=before.pauses + _became_paused(before.state, state),
            item=seen.item,
            viewer=seen.viewer if seen.viewer.account_id else before.viewer,
            player=seen.player,
            stream=seen.stream,
            **timing.advance(before, state, seen.offset_ms, self._now, step),
        )
        followed = msgspec.structs.replace(followed, play=play, ended_at=None)
        self._tell(followed, *self._transitions(before, play, followed.told_at))

    def missing(self, followed: Followed, *, over: bool) -> None:
        """A play that the snapshot does not list.

        Args:
            followed: The play.
            over: Whether its session goes on with something else.
        """
        first = followed.missed_at or self._now
        followed = msgspec.structs.replace(followed, missed_at=first)
        hinted = _still(followed.hint, self._now, self._rules) is not None
        if over or hinted or self._now - first >= self._rules.confirm:
            self._stop(followed)
        else:
            self.unseen(followed)

    def gone(self, followed: Followed) -> None:
        """A play that has ended, and that the snapshot does not list either."""
        if followed.ended_at is None:
            followed = msgspec.structs.replace(followed, ended_at=self._now)
        if self._now - (followed.ended_at or self._now) >= self._rules.grace:
            self._ended.append(followed.play.play_id)
        else:
            self._keep(followed)

    def unseen(self, followed: Followed, *, listed: bool = False) -> None:
        """A play of which nothing new is known.

        Args:
            followed: The play.
            listed: Whether the server lists it all the same, without any sign of life.
        """
        play = followed.play
        silent = self._now - play.seen_at >= self._rules.silence
        if listed:
            followed = msgspec.structs.replace(followed, ended_at=None)
        elif silent and followed.missed_at is None:
            followed = msgspec.structs.replace(followed, missed_at=self._now)
        if silent and play.stopped_at is None:
            self._stop(followed)
        elif play.stopped_at and not listed and self._now - play.seen_at >= self._rules.forget:
            self._ended.append(play.play_id)
        else:
            self._keep(followed)

    # How it is told

    def _lively(self, followed: Followed) -> bool:
        """Whether a play that does not move is believed to play.

        Servers list sessions for days whose player is long gone. Who is paused does not move, a
        tuner or a picture has nowhere to move to, and some players never tell their offset.
        """
        play = followed.play
        if play.stopped_at is not None:
            return False
        if play.state is plays.State.PAUSED or play.item.media_type in _STILL:
            return True
        if play.offset_ms is None or not play.item.duration_ms:
            return True
        patience = self._rules.stall
        if play.offset_ms == play.start_offset_ms:
            patience += datetime.timedelta(milliseconds=play.item.duration_ms)
        return self._now - followed.moved_at < patience

    def _transitions(
        self, before: plays.Play, after: plays.Play, told_at: datetime.datetime
    ) -> list[plays.Transition]:
        found: list[plays.Transition] = []
        paused = after.state is plays.State.PAUSED
        reopened = before.stopped_at is not None
        if paused and (reopened or before.state is not plays.State.PAUSED):
            found.append(plays.Transition.PAUSED)
        if not paused and (reopened or before.state is plays.State.PAUSED):
            found.append(plays.Transition.RESUMED)
        if _delivery(before.stream) != _delivery(after.stream):
            found.append(plays.Transition.TRANSCODE_CHANGED)
        if not found and timing.is_due(after, told_at, self._now, self._rules):
            found.append(plays.Transition.PROGRESS)
        return found

    def _stop(self, followed: Followed) -> None:
        """End a play where and when it was last known to be."""
        play, hint = followed.play, followed.hint
        changes: dict[str, object] = {'stopped_at': play.seen_at}
        if hint is not None and play.seen_at <= hint.at <= self._now:
            offset = _plausible(play, hint)
            changes = timing.advance(play, play.state, offset, hint.at, self._rules.step)
            changes['stopped_at'] = hint.at
        self._tell(
            msgspec.structs.replace(
                followed,
                play=msgspec.structs.replace(play, **changes),
                hint=None,
            ),
            plays.Transition.STOPPED,
        )

    def _tell(self, followed: Followed, *transitions: plays.Transition) -> None:
        """Keep a play; with each thing told of it, its ordinal grows."""
        play = followed.play
        for transition in transitions:
            play = msgspec.structs.replace(play, ordinal=play.ordinal + 1)
            at = play.stopped_at or self._now
            self._events.append(
                plays.PlaybackEvent(
                    event_id=plays.event_id(play.play_id, transition, play.ordinal),
                    transition=transition,
                    at=at,
                    play=play,
                )
            )
            self._changed[play.play_id] = play
        told_at = self._now if transitions else followed.told_at
        self._keep(msgspec.structs.replace(followed, play=play, told_at=told_at))

    def _keep(self, followed: Followed) -> None:
        self._state[followed.play.play_id] = followed


_NO_TIME = datetime.timedelta(0)

_STILL = frozenset({plays.MediaType.LIVE, plays.MediaType.PHOTO, plays.MediaType.OTHER})


def _state(before: plays.State, now: plays.State) -> plays.State:
    """To buffer is neither to pause nor to go on: a viewer who seeks while paused buffers."""
    if now is plays.State.BUFFERING and before is plays.State.PAUSED:
        return before
    return now


def _became_paused(before: plays.State, after: plays.State) -> bool:
    return after is plays.State.PAUSED and before is not plays.State.PAUSED


def _elsewhere(before: plays.Play, seen: plays.Seen) -> bool:
    """Whether a session shows a sign of life: another offset, or another name."""
    if (seen.session_id, seen.session_key) != (before.session_id, before.session_key):
        return True
    return seen.offset_ms is not None and seen.offset_ms != before.offset_ms


def _still(hint: Hint | None, now: datetime.datetime, rules: Rules) -> Hint | None:
    """A hint for as long as it may be true of a session that is still listed."""
    return hint if hint is not None and now - hint.at <= rules.stall else None


def _plausible(play: plays.Play, hint: Hint) -> int | None:
    """Where a play ended, if that is where it can have come to."""
    if hint.offset_ms is None or play.offset_ms is None or not hint.rating_key:
        return None
    reach = timing.milliseconds(hint.at - play.seen_at) + 2000
    return hint.offset_ms if 0 <= hint.offset_ms - play.offset_ms <= reach else None


def _delivery(stream: plays.Stream) -> tuple[object, ...]:
    """What makes a delivery another one; progress and speed do not."""
    return (
        stream.decision,
        stream.video,
        stream.audio,
        stream.subtitles,
        stream.container,
        stream.video_codec,
        stream.audio_codec,
        stream.resolution,
    )
