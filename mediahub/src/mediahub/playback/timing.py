# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""How long a play has been played and paused, from the moments at which it was seen.

Between two looks that lie close together the clock decides. Where nobody looked for a while, since
the hub or the server was away, only what the offset proves counts as played.
"""

from __future__ import annotations

import dataclasses
import datetime
import zlib

from .. import plays


@dataclasses.dataclass(frozen=True, slots=True)
class Rules:
    """When what counts as what.

    Attributes:
        progress: Between two events that only tell of progress; a pause is told at a sixth of
            that pace. See :func:`is_due`.
        confirm: Between the first snapshot that misses a session and the one that ends it.
        silence: After which a play has ended that was not seen, or did not move.
        stall: After which a player that says it plays but does not move is no longer believed.
        grace: In which the same viewer's return to an item continues the play that ended.
        forget: After which a play that ended is not followed any more, though the server was away
            all the time.
        memory: After which nothing is continued under another session's name.
        step: The longest time between two looks that is still taken for uninterrupted.
        rewind: How far back a return may be without being a new beginning.
    """

    progress: datetime.timedelta = datetime.timedelta(seconds=10)
    confirm: datetime.timedelta = datetime.timedelta(seconds=5)
    silence: datetime.timedelta = datetime.timedelta(minutes=5)
    stall: datetime.timedelta = datetime.timedelta(seconds=60)
    grace: datetime.timedelta = datetime.timedelta(minutes=2)
    forget: datetime.timedelta = datetime.timedelta(days=1)
    memory: datetime.timedelta = datetime.timedelta(minutes=30)
    step: datetime.timedelta = datetime.timedelta(seconds=90)
    rewind: datetime.timedelta = datetime.timedelta(seconds=60)


RULES = Rules()


def milliseconds(span: datetime.timedelta) -> int:
    """A span in whole milliseconds; none that is negative, for clocks are set back."""
    return max(0, span // datetime.timedelta(milliseconds=1))


def is_due(
    play: plays.Play, told_at: datetime.datetime, now: datetime.datetime, rules: Rules
) -> bool:
    """Whether it is time to tell how far a play is.

    Every play has moments of its own for that, by its id. Hundreds that begin together, as they do
    for a hub that starts, would otherwise be told together for ever, and whatever happens at that
    moment would stand behind them.

    Args:
        play: As it is now.
        told_at: When the last event of it went out.
        now: The time.
        rules: How often.
    """
    pace = rules.progress * (6 if play.state is plays.State.PAUSED else 1)
    first = _BEGINNING + pace * (zlib.crc32(play.play_id.encode()) / 2**32)
    return (now - first) // pace > (told_at - first) // pace


_BEGINNING = datetime.datetime.fromtimestamp(0, datetime.UTC)


def spent(
    play: plays.Play,
    state: plays.State,
    offset_ms: int | None,
    now: datetime.datetime,
    step: datetime.timedelta,
) -> tuple[int, int]:
    """Milliseconds played and paused since a play was last seen; together at most that long.

    Args:
        play: As it was then.
        state: What it does now.
        offset_ms: Where it is now.
        now: When that is.
        step: See :class:`Rules`.
    """
    gap = milliseconds(now - play.seen_at)
    moved = None
    if offset_ms is not None and play.offset_ms is not None:
        moved = offset_ms - play.offset_ms
    was_paused = play.state is plays.State.PAUSED
    if was_paused:
        # It may have gone on meanwhile, and been paused again.
        played = min(gap, max(0, moved or 0))
        return played, gap - played
    if gap > milliseconds(step):
        return min(gap, milliseconds(step) if moved is None else max(0, moved)), 0
    if state is plays.State.PAUSED and moved is not None and 0 <= moved < gap:
        return moved, gap - moved
    return gap, 0


def advance(
    play: plays.Play,
    state: plays.State,
    offset_ms: int | None,
    now: datetime.datetime,
    step: datetime.timedelta,
) -> dict[str, object]:
    """The fields of a play that time changes, up to a moment at which it was there."""
    played, paused = spent(play, state, offset_ms, now, step)
    return {
        'seen_at': max(now, play.seen_at),
        'offset_ms': play.offset_ms if offset_ms is None else offset_ms,
        'played_ms': play.played_ms + played,
        'paused_ms': play.paused_ms + paused,
    }
