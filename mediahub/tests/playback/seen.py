# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Sightings for tests, and a tracker that is fed by hand."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import msgspec

from mediahub import plays
from mediahub.playback import tracker

START = datetime.datetime(2026, 11, 28, 20, 0, tzinfo=datetime.UTC)

SERVER = 'machine'

HOUR = 3_600_000


def sighting(
    key: str = '1',
    item: str = '100',
    *,
    offset: int | None = 0,
    session: str | None = None,
    state: plays.State = plays.State.PLAYING,
    player: str = 'tv',
    account: str = '1',
    kind: plays.MediaType = plays.MediaType.MOVIE,
    duration: int | None = 2 * HOUR,
    decision: plays.Decision = plays.Decision.DIRECT_PLAY,
) -> plays.Seen:
    """One session of a snapshot; its id is made of player and item where none is given."""
    return plays.Seen(
        session_id=f'{player}-{account}' if session is None else session,
        session_key=key,
        state=state,
        offset_ms=offset,
        item=plays.Item(
            rating_key=item, media_type=kind, title=f'Item {item}', duration_ms=duration
        ),
        viewer=plays.Viewer(account_id=account, name=f'account {account}'),
        player=plays.Player(client_id=player, title=player),
        stream=plays.Stream(decision=decision),
    )


class Hand:
    """A tracker that is fed by hand.

    Attributes:
        now: Moved by hand.
        kept: What a store would hold.
        events: All so far.
    """

    def __init__(self) -> None:
        self.now = START
        self.state: tracker.State = {}
        self.kept: dict[str, plays.Play] = {}
        self.events: list[plays.PlaybackEvent] = []

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now += datetime.timedelta(seconds=seconds)

    def snapshot(
        self, *sightings: plays.Seen, after: float = 0, hints: Sequence[tracker.Hint] = ()
    ) -> list[plays.Transition]:
        """Let time pass and take a good snapshot; returns what was told."""
        self.wait(after)
        return self._take(tracker.observe(SERVER, self.state, sightings, self.now, hints))

    def failure(self, after: float = 0) -> list[plays.Transition]:
        """Let time pass and fail to get a snapshot."""
        self.wait(after)
        return self._take(tracker.silence(SERVER, self.state, self.now))

    def restart(self) -> None:
        """Forget everything but what was committed."""
        self.state = tracker.restore(self.kept.values())

    def hint(self, key: str, item: str = '', offset: int | None = None) -> tracker.Hint:
        """A notification, come just now, that a session stopped."""
        return tracker.Hint(session_key=key, rating_key=item, offset_ms=offset, at=self.now)

    def _take(self, step: tracker.Step) -> list[plays.Transition]:
        self.state = step.state
        self.kept.update((play.play_id, play) for play in step.changed)
        for play_id in step.ended:
            del self.kept[play_id]
        self.events += step.events
        return [event.transition for event in step.events]

    def plays(self) -> list[plays.Play]:
        """The newest version of each play, in the order of their beginning."""
        latest: dict[str, plays.Play] = {}
        for event in self.events:
            known = latest.get(event.play.play_id)
            if known is None or known.ordinal < event.play.ordinal:
                latest[event.play.play_id] = event.play
        return sorted(latest.values(), key=lambda play: play.started_at)

    @property
    def only(self) -> plays.Play:
        """The only play there was."""
        (play,) = self.plays()
        return play


def at(seen: plays.Seen, offset: int | None, **changes: object) -> plays.Seen:
    """The same session somewhere else in its item."""
    return msgspec.structs.replace(seen, offset_ms=offset, **changes)
