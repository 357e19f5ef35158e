# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What could not be committed yet, since the disk is full or the like."""

from __future__ import annotations

from .. import plays
from .tracker import Step


class Backlog:
    """Steps that wait to be committed together, in order.

    It stays small: of each play only the newest version counts, and of its events that only tell
    of progress only the last.
    """

    def __init__(self) -> None:
        self._changed: dict[str, plays.Play] = {}
        self._ended: dict[str, None] = {}
        self._events: dict[str, plays.PlaybackEvent] = {}
        self._progress: dict[str, str] = {}

    def __bool__(self) -> bool:
        return bool(self._changed or self._ended or self._events)

    @property
    def size(self) -> int:
        """How many events wait."""
        return len(self._events)

    def add(self, step: Step) -> None:
        """Put a step behind those that wait."""
        for play in step.changed:
            self._changed[play.play_id] = play
            self._ended.pop(play.play_id, None)
        for play_id in step.ended:
            self._changed.pop(play_id, None)
            self._ended[play_id] = None
        for event in step.events:
            if event.transition is plays.Transition.PROGRESS:
                self._events.pop(self._progress.get(event.play.play_id, ''), None)
                self._progress[event.play.play_id] = event.event_id
            self._events[event.event_id] = event

    def content(self) -> tuple[list[plays.Play], list[str], list[plays.PlaybackEvent]]:
        """Everything, as :meth:`mediahub.store.watched.Watched.commit` takes it."""
        return list(self._changed.values()), list(self._ended), list(self._events.values())

    def clear(self) -> None:
        """Forget it: it has been committed."""
        for kept in (self._changed, self._ended, self._events, self._progress):
            kept.clear()
