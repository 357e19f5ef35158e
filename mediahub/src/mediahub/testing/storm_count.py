# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""What a hub's database holds after a storm, against what the double knows."""

from __future__ import annotations

import bisect
import collections
import dataclasses
import datetime
import pathlib
from collections.abc import Mapping, Sequence

from ..plays import Play
from ..store import playrows
from ..store.database import Database
from ..store.plays import Plays
from .plex_living import LivingPlex
from .plex_people import TruePlay

# Seconds between a look at the server and what it shows; and those by which a time may be off
# beside what could not be seen.
EDGE, SLACK = 1.0, 5.0

# Seconds between two versions of a play that are kept while it goes on, and while it is paused: a
# hub that is killed knows no more of it than the last of them.
KEPT, KEPT_PAUSED = 10.0, 60.0


@dataclasses.dataclass(frozen=True)
class Identity:
    """What makes a play the same in the truth and in a database."""

    account: str
    player: str
    item: str


@dataclasses.dataclass(frozen=True)
class Count:
    """What a database holds, against the truth.

    Attributes:
        expected: Plays that took place while somebody looked.
        unseen: Plays that took place while nobody did; they need not be there.
        lost: Expected ones that are missing, with the time of day at which they took place.
        doubled: Plays that are there too often, or never were.
        unfinished: Plays that are said to go on.
        astray: Plays whose start or end is off by more than what nobody could see.
        started: Seconds by which each start is off; ``stopped`` and ``played`` likewise.
    """

    expected: int
    unseen: int
    lost: Sequence[tuple[Identity, str]]
    doubled: Sequence[Identity]
    unfinished: int
    astray: Sequence[tuple[Identity, str]]
    started: Sequence[float]
    stopped: Sequence[float]
    played: Sequence[float]

    @property
    def right(self) -> bool:
        """Whether every play is there once, with its times."""
        return not (self.lost or self.doubled or self.unfinished or self.astray)

    def off(self, name: str, share: float = 1.0) -> float:
        """Seconds that no more than this share of the times is off: 0.5 for half of them."""
        values = sorted(getattr(self, name)) or [0.0]
        return values[min(len(values) - 1, int(len(values) * share))]

    def __str__(self) -> str:
        parts = [
            f'{self.expected} plays, {len(self.lost)} lost, {len(self.doubled)} doubled, '
            f'{self.unfinished} unfinished, {len(self.astray)} astray, {self.unseen} unseen; '
            'seconds off (p50, p99, most):'
        ]
        for name in ('started', 'stopped', 'played'):
            shares = ', '.join(f'{self.off(name, share):.1f}' for share in (0.5, 0.99, 1))
            parts.append(f'{name} {shares};')
        return ' '.join(parts)


class Looks:
    """When somebody looked at the server and wrote down what it showed.

    Args:
        moments: Those moments; None stands for always.
        blank: From when to when the server listed nothing whatever was played, as one does that
            is starting; a look meanwhile saw nothing.
    """

    def __init__(
        self,
        moments: Sequence[datetime.datetime] | None = None,
        blank: Sequence[tuple[datetime.datetime, datetime.datetime]] = (),
    ):
        self._moments = (
            None
            if moments is None
            else sorted(
                moment
                for moment in moments
                if not any(begin <= moment <= end for begin, end in blank)
            )
        )

    def between(self, begin: datetime.datetime, end: datetime.datetime) -> bool:
        """Whether somebody looked then."""
        if self._moments is None:
            return True
        place = bisect.bisect(self._moments, begin)
        return place < len(self._moments) and self._moments[place] < end

    def after(self, moment: datetime.datetime) -> float:
        """Seconds to the next look."""
        if self._moments is None:
            return 0.0
        place = bisect.bisect(self._moments, moment)
        if place == len(self._moments):
            return float('inf')
        return (self._moments[place] - moment).total_seconds()

    def before(self, moment: datetime.datetime) -> float:
        """Seconds since the last look."""
        if self._moments is None:
            return 0.0
        place = bisect.bisect(self._moments, moment)
        if not place:
            return float('inf')
        return (moment - self._moments[place - 1]).total_seconds()


def counted(plex: LivingPlex, file: pathlib.Path, looks: Looks | None = None) -> Count:
    """Compare a database with the truth.

    Args:
        plex: Knows it.
        file: The database, which no hub has open.
        looks: When the hub could see it.
    """
    looks = looks or Looks()
    held, live = _held(file)
    truth = _truth(plex)
    seen = {name for name, true in truth.items() if _visible(true, looks)}
    both = [(name, true, held[name][0]) for name, true in truth.items() if name in held]
    return Count(
        expected=len(seen),
        unseen=len(truth) - len(seen),
        lost=[(name, _when(truth[name])) for name in truth if name in seen and name not in held],
        doubled=[name for name in held for _ in held[name][1 if name in truth else 0 :]],
        unfinished=live,
        astray=[(name, _when(true)) for name, true, play in both if _astray(true, play, looks)],
        started=[_apart(true.started, play.started_at) for _, true, play in both],
        stopped=[_apart(true.stopped, play.stopped_at) for _, true, play in both],
        played=[abs(true.played_ms - play.played_ms) / 1000 for _, true, play in both],
    )


def _held(file: pathlib.Path) -> tuple[Mapping[Identity, list[Play]], int]:
    with Database(file) as database:
        live = Plays(database).live()
        rows = database.read(f'SELECT {playrows.SELECTED} FROM finished_plays')  # noqa: S608 - constants
    held: dict[Identity, list[Play]] = collections.defaultdict(list)
    for play in [*(playrows.play(row) for row in rows), *live]:
        viewer, player, item = play.viewer, play.player, play.item
        held[Identity(viewer.account_id, player.client_id, item.rating_key)].append(play)
    return dict(held), len(live)


def _truth(plex: LivingPlex) -> Mapping[Identity, TruePlay]:
    truth = {
        Identity(str(true.person.id), true.device.client_id, true.rating_key): true
        for true in plex.truth
    }
    if len(truth) != len(plex.truth):
        raise ValueError('two plays can be told apart by nothing')
    return truth


def _visible(true: TruePlay, looks: Looks) -> bool:
    edge = datetime.timedelta(seconds=EDGE)
    return true.stopped is None or looks.between(true.started + edge, true.stopped - edge)


def _astray(true: TruePlay, play: Play, looks: Looks) -> bool:
    if true.stopped is None:
        return False
    edge = datetime.timedelta(seconds=EDGE)
    late = looks.after(true.started + edge) + SLACK
    minute = true.stopped - datetime.timedelta(seconds=KEPT_PAUSED)
    paused = any(pause.ended is None or pause.ended > minute for pause in true.pauses)
    early = looks.before(true.stopped - edge) + SLACK + (KEPT_PAUSED if paused else KEPT)
    return (
        _apart(true.started, play.started_at) > late
        or _apart(true.stopped, play.stopped_at) > early
    )


def _when(true: TruePlay) -> str:
    ended = f'{true.stopped:%H:%M:%S}' if true.stopped else 'now'
    return f'{true.started:%H:%M:%S} to {ended}'


def _apart(one: datetime.datetime | None, other: datetime.datetime | None) -> float:
    if one is None or other is None:
        return float('inf')
    return abs((one - other).total_seconds())
