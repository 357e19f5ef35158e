# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Tells which plays of two sources are one and the same.

Sources give a play ids of their own, see it begin and end at slightly different moments, and break
it into parts differently. It is the same play where server, account and item are the same and the
time that both have in common is at least half of the shorter one: repeats of a short track touch
each other, but are not the same.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence

from ..plays import Play, Source
from . import playrows
from .database import Database

# Who is believed: what we saw, then Tautulli that saw it too, then what the server only noted.
_RANKS = {Source.PLEX: 3, Source.TAUTULLI: 2, Source.PLEX_HISTORY: 1}

_RANK = (
    'CASE {}.source '
    + ' '.join(f"WHEN '{source.value}' THEN {rank}" for source, rank in _RANKS.items())
    + ' ELSE 0 END'
)

# Pairs of a play in `fresh_plays` and one that is kept. Of the same source, only what agrees in
# every respect is the same: the row of a second Tautulli, for example.
_PAIRS = f"""
SELECT fresh.play_id::VARCHAR, kept.play_id::VARCHAR,
    {_RANK.format('kept')} >= {_RANK.format('fresh')} AS stays
FROM fresh_plays AS fresh
JOIN finished_plays AS kept
    ON kept.server = fresh.server AND kept.viewer_account_id = fresh.viewer_account_id
    AND (kept.piece = fresh.piece
        OR (kept.item_rating_key = fresh.item_rating_key AND fresh.item_rating_key <> ''))
    AND kept.started_at <= fresh.stopped_at AND kept.stopped_at >= fresh.started_at
WHERE kept.play_id <> fresh.play_id
    AND kept.last_day >= ? AND kept.day <= ?
    AND CASE WHEN kept.source = fresh.source
        THEN fresh.source <> 'plex'
            AND kept.started_at = fresh.started_at AND kept.stopped_at = fresh.stopped_at
            AND kept.player_client_id = fresh.player_client_id
        ELSE 2 * (epoch_us(least(kept.stopped_at, fresh.stopped_at))
                - epoch_us(greatest(kept.started_at, fresh.started_at)))
            >= least(epoch_us(kept.stopped_at) - epoch_us(kept.started_at),
                epoch_us(fresh.stopped_at) - epoch_us(fresh.started_at))
        END
"""  # noqa: S608 - constants

_FRESH = "SELECT min(day), max(last_day), bool_and(source = 'plex') FROM fresh_plays"

# What we saw ourselves is never the same as something else that we saw, and on most days there is
# nothing but that. It takes a tenth of the time to find that out.
_OTHERS = """
SELECT 1 FROM finished_plays WHERE last_day >= ? AND day <= ? AND source <> 'plex' LIMIT 1
"""


class Pairs:
    """What the plays in ``fresh_plays`` have in common with those that are kept.

    Attributes:
        stays: The kept play that stands for a fresh one.
        yields: The kept plays that give way to a fresh one, and to which.
    """

    def __init__(self, found: Iterable[tuple[str, str, bool]]):
        rows = sorted(found)
        self.stays: dict[str, str] = {fresh: kept for fresh, kept, stays in rows if stays}
        self.yields: dict[str, str] = {
            kept: fresh for fresh, kept, stays in rows if not stays and fresh not in self.stays
        }


def pairs(database: Database) -> Pairs:
    """Compare ``fresh_plays`` with what is kept, within the caller's transaction."""
    first, last, ours = database.rows(_FRESH)[0]
    if ours and not database.rows(_OTHERS, [first, last]):
        return Pairs([])
    rows = database.rows(_PAIRS, [first, last])
    return Pairs((str(fresh), str(kept), bool(stays)) for fresh, kept, stays in rows)


def going_on(plays: Sequence[Play], live: Iterable[Play]) -> dict[str, str]:
    """The live play that an imported one is the same as, by their ids."""
    by_viewer: dict[tuple[str, str], list[Play]] = {}
    for play in live:
        by_viewer.setdefault((play.server, play.viewer.account_id), []).append(play)
    found: dict[str, str] = {}
    for play in plays if by_viewer else ():
        for other in by_viewer.get((play.server, play.viewer.account_id), ()):
            if _same_item(play, other) and _together(_interval(play), _interval(other)):
                found[play.play_id] = other.play_id
    return found


def _same_item(one: Play, other: Play) -> bool:
    if one.item.rating_key and one.item.rating_key == other.item.rating_key:
        return True
    return playrows.piece_key(one.item) == playrows.piece_key(other.item)


Interval = tuple[datetime.datetime, datetime.datetime]


def _interval(play: Play) -> Interval:
    return play.started_at, play.stopped_at or play.seen_at


def _together(one: Interval, other: Interval) -> bool:
    common = min(one[1], other[1]) - max(one[0], other[0])
    shorter = min(one[1] - one[0], other[1] - other[0])
    return common >= datetime.timedelta(0) and 2 * common >= shorter


def by_source(plays: Iterable[Play]) -> Mapping[Source, list[Play]]:
    """Plays by their source, the most believed first."""
    found: dict[Source, list[Play]] = {}
    for play in plays:
        found.setdefault(play.source, []).append(play)
    return dict(sorted(found.items(), key=lambda entry: -_RANKS[entry[0]]))
