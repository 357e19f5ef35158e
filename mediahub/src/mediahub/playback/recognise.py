# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Tells which play a session of a snapshot belongs to.

No single mark will do. Session keys are small numbers that start at 1 with the server; session ids
are made by players, and not all make one; players may show an item twice while they change its
quality. So the surest mark is tried first, and the others where it finds nothing.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Hashable, Iterable, Sequence

from .. import plays
from .timing import Rules, milliseconds

# A play that came this far was watched to its end, so that another beginning is another play.
_ENDED_PERCENT = 90

# What tells sessions apart, an item's key among it; None where a session has none.
Mark = tuple[Hashable, ...] | None


def usable(sightings: Iterable[plays.Seen]) -> list[plays.Seen]:
    """The sessions that can be followed, each once.

    One without an item is a player that just sits there; one without any name of its own could
    not be told from the next.
    """
    found: dict[Mark, plays.Seen] = {}
    for seen in sightings:
        if seen.item.rating_key and (seen.session_id or seen.session_key):
            found.setdefault(_session(seen), seen)
    return list(found.values())


def assign(
    sightings: Sequence[plays.Seen],
    known: Sequence[plays.Play],
    now: datetime.datetime,
    rules: Rules,
) -> tuple[dict[str, plays.Seen], list[plays.Seen]]:
    """Give each play the session that continues it.

    Args:
        sightings: Of one snapshot, usable.
        known: Plays that go on or ended a moment ago.
        now: When the snapshot was taken.
        rules: What counts as a return.

    Returns:
        The session of each play by the play's id, and the sessions that are new plays.
    """
    found: dict[str, plays.Seen] = {}
    left = list(sightings)
    going_on = [play for play in known if play.stopped_at is None]
    ended = [play for play in known if play.stopped_at is not None]
    recent = [play for play in known if now - play.seen_at <= rules.memory]
    returns = _Returns(rules, now)
    for mark in (_session, _by_id):
        left = _match(left, going_on, mark, found, returns.same)
    for mark, candidates in ((_session, ended), (_by_id, ended), (_viewing, recent)):
        left = _match(left, candidates, mark, found, returns.plausible)
    return found, _without_twins(left, known, found, rules)


def _match(
    sightings: list[plays.Seen],
    candidates: Sequence[plays.Play],
    mark: Callable[[plays.Seen | plays.Play], Mark],
    found: dict[str, plays.Seen],
    accepts: Callable[[plays.Play, plays.Seen], bool],
) -> list[plays.Seen]:
    """Add to ``found`` what has the same mark; returns the rest.

    There may be a thousand candidates for a single session, of which few are of its item.
    """
    items = {seen.item.rating_key for seen in sightings}
    by_mark: dict[Mark, list[plays.Play]] = {}
    for play in candidates:
        if play.item.rating_key in items and play.play_id not in found:
            by_mark.setdefault(mark(play), []).append(play)
    by_mark.pop(None, None)
    left: list[plays.Seen] = []
    for seen in sightings:
        same = by_mark.get(mark(seen), [])
        play = next((play for play in reversed(same) if accepts(play, seen)), None)
        if play is None:
            left.append(seen)
        else:
            same.remove(play)
            found[play.play_id] = seen
    return left


def _without_twins(
    sightings: list[plays.Seen],
    known: Sequence[plays.Play],
    found: dict[str, plays.Seen],
    rules: Rules,
) -> list[plays.Seen]:
    """Less what is another session of a play that is there already.

    While a player changes quality, its old and its new session are listed side by side.
    """
    there = {
        _viewing(play): play for play in known if play.play_id in found and play.player.client_id
    }
    rewind = milliseconds(rules.rewind)
    fresh: list[plays.Seen] = []
    for seen in sightings:
        twin = there.get(_viewing(seen))
        if twin is None or not _near(twin.offset_ms, seen.offset_ms, rewind):
            fresh.append(seen)
    return fresh


def replaced(play: plays.Play, sightings: Iterable[plays.Seen]) -> bool:
    """Whether the session of a play goes on with something else: it is over for sure."""
    return any(
        (seen.session_id, seen.session_key) == (play.session_id, play.session_key)
        and _player(seen) == _player(play)
        for seen in sightings
    )


class _Returns:
    def __init__(self, rules: Rules, now: datetime.datetime):
        self._rewind = milliseconds(rules.rewind)
        self._step = rules.step
        self._now = now

    def same(self, play: plays.Play, seen: plays.Seen) -> bool:
        """Whether a session of the same name is the same play.

        A name without a session id is given out again; after a while it proves little.
        """
        if _again(play, seen):
            return False
        watched = self._now - play.seen_at <= self._step
        return bool(seen.session_id) or watched or self.plausible(play, seen)

    def plausible(self, play: plays.Play, seen: plays.Seen) -> bool:
        """Whether a session goes on where a play was, and does not begin it again."""
        if play.offset_ms is None or seen.offset_ms is None:
            return True
        back = play.offset_ms - seen.offset_ms
        return seen.offset_ms > self._rewind or back <= self._tolerance(play)

    def _tolerance(self, play: plays.Play) -> int:
        """Of a song, a minute would be most."""
        return min(self._rewind, (play.item.duration_ms or self._rewind) // 4)


def _again(play: plays.Play, seen: plays.Seen) -> bool:
    """Whether a session has come to the item's end and begun it anew, as on repeat."""
    if play.percent is None or seen.offset_ms is None or not play.item.duration_ms:
        return False
    beginning = seen.offset_ms <= play.item.duration_ms * (100 - _ENDED_PERCENT) // 100
    return play.percent >= _ENDED_PERCENT and beginning


def _near(one: int | None, other: int | None, distance: int) -> bool:
    return one is None or other is None or abs(one - other) <= distance


def _session(one: plays.Seen | plays.Play) -> Mark:
    """All that a server says of a session."""
    return (one.session_id, one.session_key, one.item.rating_key, _player(one))


def _by_id(one: plays.Seen | plays.Play) -> Mark:
    """The player's own name of the session, which outlives a restart of the server."""
    return (one.session_id, one.item.rating_key, _player(one)) if one.session_id else None


def _viewing(one: plays.Seen | plays.Play) -> Mark:
    """Who plays what on which player; None where the player has no name at all."""
    player = _player(one)
    return (player, one.viewer.account_id, one.item.rating_key) if any(player) else None


def _player(one: plays.Seen | plays.Play) -> tuple[str, ...]:
    player = one.player
    if player.client_id:
        return (player.client_id,)
    return (player.title, player.product, player.device, player.address)
