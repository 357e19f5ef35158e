# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What servers tell of their libraries: a scan that goes on, an item that came or went.

It makes answers about libraries that are kept out of date, and open pages ask again. One film that
is added makes some 150 notifications, so pages are told once a second at most.
"""

from __future__ import annotations

import asyncio

from ..api.answers_cache import AnswerCache
from ..api.feed import Feed
from ..playback import frames

# Seconds in which what a server tells is one change.
PAUSE = 1.0

# States of an item, as servers count, in which a library has more or fewer of them.
_DONE, _DELETED = 5, 9


class Notices:
    """Hears what servers tell beside their sessions.

    Args:
        answers: What servers answered, by their name.
        feed: Those who listen to live events.
    """

    def __init__(self, answers: AnswerCache, feed: Feed):
        self._answers = answers
        self._feed = feed
        self._waiting = set[str]()

    def heard(self, server: str, frame: frames.Frame) -> None:
        """A server told something. Returns at once."""
        stale = _stale(frame)
        for what in stale:
            self._answers.forget((server, what))
        if stale and server not in self._waiting:
            self._waiting.add(server)
            asyncio.get_running_loop().call_later(PAUSE, self._tell, server)

    def _tell(self, server: str) -> None:
        self._waiting.discard(server)
        self._feed.libraries(server)


def _stale(frame: frames.Frame) -> tuple[str, ...]:
    """Which answers about libraries are not true any more."""
    if isinstance(frame, frames.ActivityChange) and frame.activity.type.startswith('library.'):
        ended = frame.event == 'ended'
        return ('sections', 'activities', 'counts') if ended else ('sections', 'activities')
    if isinstance(frame, frames.LibraryChange) and frame.state in (_DONE, _DELETED):
        return ('counts', 'on deck')
    return ()
