# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Counts what a hub made of the truth: plays that it lost, has twice, or made up."""

from __future__ import annotations

import dataclasses
import datetime
from collections import defaultdict
from collections.abc import Iterable, Sequence

from ..plays import Play
from .plex_people import TruePlay

# How far two clocks may be apart, and how late a stop may be noticed.
SLACK = datetime.timedelta(seconds=30)


@dataclasses.dataclass(frozen=True)
class Tally:
    """What is wrong; nothing, where all are empty.

    Attributes:
        lost: True plays that the hub has not.
        doubled: True plays with all that the hub made of each, two or more.
        invented: Plays of the hub that never took place.
    """

    lost: Sequence[TruePlay]
    doubled: Sequence[tuple[TruePlay, Sequence[Play]]]
    invented: Sequence[Play]

    @property
    def right(self) -> bool:
        """Whether every play is there once."""
        return not (self.lost or self.doubled or self.invented)

    def __str__(self) -> str:
        words = (
            f'{len(self.lost)} lost, {len(self.doubled)} doubled, {len(self.invented)} invented'
        )
        named = [f'lost: {_named(true)}' for true in self.lost[:5]]
        named += [
            f'doubled: {_named(true)} as {[play.play_id for play in plays]}'
            for true, plays in self.doubled[:5]
        ]
        named += [f'invented: {play}' for play in self.invented[:5]]
        return '\n'.join([words, *named])


def tally(
    truth: Iterable[TruePlay],
    plays: Iterable[Play],
    *,
    slack: datetime.timedelta = SLACK,
    shortest: datetime.timedelta = datetime.timedelta(0),
) -> Tally:
    """Compare the truth of one server with a hub's plays of it.

    A play of the hub is that true play of the same account, item, player and session which it
    shares most time with. Plays that come from a server's history tell neither of the last two:
    there any will do.

    Args:
        truth: What took place.
        plays: What the hub has, the newest version of each.
        slack: How much later or earlier the hub may have it.
        shortest: True plays that were shorter than this need not be there: between two looks at a
            server there is nothing to see.
    """
    known: defaultdict[tuple[str, str], list[TruePlay]] = defaultdict(list)
    for true in truth:
        known[str(true.person.id), true.rating_key].append(true)
    found: defaultdict[int, list[Play]] = defaultdict(list)
    invented: list[Play] = []
    for play in plays:
        candidates = known[play.viewer.account_id, play.item.rating_key]
        true = _closest(play, candidates, slack)
        if true is None:
            invented.append(play)
        else:
            found[id(true)].append(play)
    everything = [true for group in known.values() for true in group]
    lost = [true for true in everything if not found[id(true)] and _length(true) >= shortest]
    doubled = [(true, found[id(true)]) for true in everything if len(found[id(true)]) > 1]
    return Tally(lost, doubled, invented)


def _closest(
    play: Play, candidates: Iterable[TruePlay], slack: datetime.timedelta
) -> TruePlay | None:
    shared = [
        (_shared(play, true), true)
        for true in candidates
        if _same(play.player.client_id, true.device.client_id)
        and _same(play.session_id, true.session_id)
    ]
    near = [pair for pair in shared if pair[0] >= -slack]
    return max(near, key=lambda pair: pair[0])[1] if near else None


def _same(told: str, true: str) -> bool:
    return not told or told == true


def _shared(play: Play, true: TruePlay) -> datetime.timedelta:
    """How long both went on; negative is how far they are apart."""
    last = datetime.datetime.max.replace(tzinfo=datetime.UTC)
    end = min(play.stopped_at or play.seen_at, true.stopped or last)
    return end - max(play.started_at, true.started)


def _length(true: TruePlay) -> datetime.timedelta:
    return true.stopped - true.started if true.stopped else datetime.timedelta.max


def _named(true: TruePlay) -> str:
    return f'{true.person.name}: {true.title} at {true.started:%H:%M:%S}, {true.how or "goes on"}'
