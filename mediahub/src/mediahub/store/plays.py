# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Plays as the hub knows them: ``live_plays`` are going on, ``finished_plays`` have ended.

Of a play the version with the greatest ordinal is kept, so events may come repeated, late and in
any order. A batch takes effect as a whole, together with everything that is counted from it.
"""

from __future__ import annotations

import datetime
import itertools
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from ..plays import Play, PlaybackEvent, Source
from . import history, matching, playrows, retention, rollups, zones
from .database import Database, StoreError, restored, stored
from .history import HistoryPage, HistoryQuery
from .names import Learned
from .readplays import ReadPlays

_log = logging.getLogger(__name__)

_DECODER = msgspec.json.Decoder(Play)

# A play's beginning is part of its id and does not change; this much is allowed for all the same.
_SLACK = datetime.timedelta(days=1)

# Imported plays that are one transaction.
_CHUNK = 2000

# Uncounted rows from which on the recorder counts them itself; a chart adds up so many at most.
_FOLD_AT = 5000

# An import recounts less often: it may touch all months again and again.
_FOLD_IMPORTS_AT = 50_000

_LIVE_ORDINALS = """
SELECT play_id::VARCHAR, ordinal FROM live_plays
WHERE play_id IN (SELECT unnest(?::UUID[]))
"""

# Plays lie in the file about in the order of time, so the range lets DuckDB pass over most of it.
_AMONG = 'started_at BETWEEN ? AND ? AND play_id IN (SELECT unnest(?::UUID[]))'


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a batch of events.

    Attributes:
        new: Events that told something new.
        known: Events that did not: repeated, older than what was known, or of a play that
            retention has removed.
        told: The new ones themselves.
        finished: Plays that ended by this batch, or whose end was told anew.
        refused: Events that cannot be kept, with the reason; they belong among the dead letters.
    """

    new: int = 0
    known: int = 0
    told: list[PlaybackEvent] = msgspec.field(default_factory=list[PlaybackEvent])
    finished: list[Play] = msgspec.field(default_factory=list[Play])
    refused: list[tuple[PlaybackEvent, str]] = msgspec.field(
        default_factory=list[tuple[PlaybackEvent, str]]
    )


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What became of imported plays.

    Attributes:
        new: Plays that filled a gap.
        known: Plays that were imported before, or that we or a better source know.
        expired: Plays that ended before the time for which plays are kept.
        refused: Plays that cannot be kept, because they have not ended or make no sense.
        reasons: Why, for the first few.
    """

    new: int = 0
    known: int = 0
    expired: int = 0
    refused: int = 0
    reasons: tuple[str, ...] = ()

    def __add__(self, other: Imported) -> Imported:
        return Imported(
            new=self.new + other.new,
            known=self.known + other.known,
            expired=self.expired + other.expired,
            refused=self.refused + other.refused,
            reasons=(self.reasons + other.reasons)[:5],
        )


class Plays:
    """The plays of all servers.

    Args:
        database: Where they are kept.
        zone: Time zone whose days and hours plays are counted by. If the database was counted by
            another one, that is done anew, which takes seconds for a million plays.
    """

    def __init__(self, database: Database, zone: datetime.tzinfo = datetime.UTC):
        self._database = database
        self.zone = zone
        self._names = Learned(database)
        self._read = ReadPlays()
        zones.adopt(database, zone)
        self._uncounted = int(database.one('SELECT count(*) FROM uncounted') or 0)

    def record(self, events: Sequence[PlaybackEvent]) -> Recorded:
        """Take in a batch; committed when this returns.

        Raises:
            StoreError: Nothing of the batch was kept; it may be given again.
        """
        refused = [(event, why) for event in events if (why := playrows.unfit(event.play))]
        told = _distinct(event.play for event in events if not playrows.unfit(event.play))
        with self._database.transaction():
            live, finished = self._ordinals([play for found in told.values() for play in found])
            new = self._news(told, finished | live)
            latest = [versions[-1] for versions in new.values()]
            self._replace(latest, live.keys(), finished.keys())
        self._settle(_FOLD_AT)
        told_by = {(event.play.play_id, event.play.ordinal): event for event in events}
        fresh = [
            told_by[play.play_id, play.ordinal] for versions in new.values() for play in versions
        ]
        return Recorded(
            new=len(fresh),
            known=len(events) - len(refused) - len(fresh),
            told=fresh,
            finished=[play for play in latest if play.stopped_at is not None],
            refused=refused,
        )

    def _news(
        self, told: Mapping[str, list[Play]], known: Mapping[str, int]
    ) -> dict[str, list[Play]]:
        """The versions that are newer than what is kept."""
        horizon = retention.until(self._database.rows)
        found: dict[str, list[Play]] = {}
        for play_id, versions in told.items():
            fresh = [play for play in versions if play.ordinal > known.get(play_id, -1)]
            # What retention has removed must not come back by a replay or by a late event.
            removed = play_id not in known and _expired(versions[-1], horizon)
            if fresh and not removed:
                found[play_id] = fresh
        return found

    def _ordinals(self, plays: Sequence[Play]) -> tuple[dict[str, int], dict[str, int]]:
        """The kept version of each play that is known, of live and of finished ones."""
        if not plays:
            return {}, {}
        live = self._database.rows(_LIVE_ORDINALS, [[play.play_id for play in plays]])
        finished = self._database.rows(
            f'SELECT play_id::VARCHAR, ordinal FROM finished_plays WHERE {_AMONG}',  # noqa: S608 - constants
            _among(plays),
        )
        return dict(live), dict(finished)

    def _replace(
        self, latest: Sequence[Play], live: Collection[str], finished: Collection[str]
    ) -> None:
        """Put plays where they belong now, in place of what was known of them."""
        begun = [play.play_id for play in latest if play.play_id in live]
        if begun:
            self._database.execute(
                'DELETE FROM live_plays WHERE play_id IN (SELECT unnest(?::UUID[]))', [begun]
            )
        # Hardly ever: a play whose end is told anew, or was none.
        if ended := [play for play in latest if play.play_id in finished]:
            self._take_back(_AMONG, _among(ended))
        self._go_on([play for play in latest if play.stopped_at is None])
        over = [play for play in latest if play.stopped_at is not None]
        if over:
            self._stage(over)
            self._give_way(matching.pairs(self._database))
            self._finish(over)

    def _take_back(self, condition: str, parameters: list[object]) -> None:
        """Remove finished plays, and what they counted for."""
        rollups.note(self._database, -1, f'finished_plays WHERE {condition}', parameters)
        self._database.execute(f'DELETE FROM finished_plays WHERE {condition}', parameters)  # noqa: S608 - constants

    def _go_on(self, plays: Sequence[Play]) -> None:
        if plays:
            self._database.execute(
                'INSERT INTO live_plays SELECT unnest(?::UUID[]), unnest(?::VARCHAR[]), '
                'unnest(?::BIGINT[]), unnest(?::TIMESTAMP[]), unnest(?::VARCHAR[])',
                [
                    [play.play_id for play in plays],
                    [play.server for play in plays],
                    [playrows.bounded(play.ordinal) for play in plays],
                    [stored(play.started_at) for play in plays],
                    [msgspec.json.encode(play).decode() for play in plays],
                ],
            )

    def _stage(self, plays: Sequence[Play]) -> None:
        rows = (playrows.row(play, self.zone) for play in plays)
        self._database.execute(playrows.STAGE, [playrows.encoded(rows)])

    def _finish(self, plays: Sequence[Play]) -> None:
        """Keep the staged plays, which these are."""
        self._database.execute(playrows.KEEP_STAGED)
        rollups.note(self._database, 1, 'fresh_plays', [])
        self._uncounted += len(plays)
        self._names.learn(plays)

    def _give_way(self, found: matching.Pairs) -> None:
        """Remove what a better source knows better now."""
        if found.yields:
            gone = list(found.yields)
            self._take_back('play_id IN (SELECT unnest(?::UUID[]))', [gone])
            self._database.execute(
                'UPDATE imported_plays SET kept = fresh.kept FROM ('
                'SELECT unnest(?::UUID[]) AS gone, unnest(?::UUID[]) AS kept) AS fresh '
                'WHERE imported_plays.kept = fresh.gone',
                [gone, list(found.yields.values())],
            )

    def _settle(self, limit: int) -> None:
        """Go on after a commit."""
        self._names.settled()
        if self._uncounted >= limit:
            self._uncounted = 0
            try:
                rollups.fold(self._database)
            except StoreError as error:  # charts are exact without it, and it is tried again
                _log.warning('plays could not be counted: %s', error)

    def import_plays(self, plays: Iterable[Play]) -> Imported:
        """Take in plays that another program has recorded, where they fill a gap.

        Each is told by its id, so a second import finds them known; what we saw ourselves wins
        over Tautulli, and that over the server's own history. Plays are taken in as they come,
        some thousands a transaction: an import that breaks off is begun again and goes on.

        Raises:
            StoreError: What was not committed yet may be given again.
        """
        total = Imported()
        remaining = iter(plays)
        while chunk := list(itertools.islice(remaining, _CHUNK)):
            for group in matching.by_source(chunk).values():
                total += self._import(group)
            self._settle(_FOLD_IMPORTS_AT)
        self._settle(1)
        return total

    def _import(self, given: Sequence[Play]) -> Imported:
        """Take in plays of one source."""
        reasons = [why for play in given if (why := _unfit_for_import(play))]
        fit = _once(play for play in given if not _unfit_for_import(play))
        with self._database.transaction():
            horizon = retention.until(self._database.rows)
            current = [play for play in fit if not _expired(play, horizon)]
            unknown = self._not_imported(current)
            same = matching.going_on(unknown, self._live_now())
            candidates = [play for play in unknown if play.play_id not in same]
            fresh, matched = self._fill(candidates)
            self._remember(unknown, same | matched)
        expired = len(fit) - len(current)
        return Imported(
            new=len(fresh),
            known=len(given) - len(reasons) - expired - len(fresh),
            expired=expired,
            refused=len(reasons),
            reasons=tuple(dict.fromkeys(reasons))[:5],
        )

    def _fill(self, candidates: list[Play]) -> tuple[list[Play], dict[str, str]]:
        """Keep what nobody knows better; answers that, and what stands for the others."""
        if not candidates:
            return [], {}
        self._stage(candidates)
        found = matching.pairs(self._database)
        fresh = [play for play in candidates if play.play_id not in found.stays]
        self._database.execute(
            'DELETE FROM fresh_plays WHERE play_id IN (SELECT unnest(?::UUID[]))',
            [list(found.stays)],
        )
        self._give_way(found)
        self._finish(fresh)
        return fresh, found.stays

    def _not_imported(self, plays: list[Play]) -> list[Play]:
        if not plays:
            return []
        rows = self._database.rows(
            'SELECT play_id::VARCHAR FROM imported_plays '
            'WHERE play_id IN (SELECT unnest(?::UUID[]))',
            [[play.play_id for play in plays]],
        )
        live, finished = self._ordinals(plays)
        known = {row[0] for row in rows} | live.keys() | finished.keys()
        return [play for play in plays if play.play_id not in known]

    def _remember(self, plays: Sequence[Play], stands_for: Mapping[str, str]) -> None:
        """Keep the ids, so that the next import passes over them."""
        if plays:
            self._database.execute(
                'INSERT INTO imported_plays SELECT unnest(?::UUID[]), unnest(?::VARCHAR[]), '
                'unnest(?::VARCHAR[]), unnest(?::UUID[])',
                [
                    [play.play_id for play in plays],
                    [play.source.value for play in plays],
                    [play.server for play in plays],
                    [stands_for.get(play.play_id, play.play_id) for play in plays],
                ],
            )

    def forget_names(self) -> None:
        """Say that names may have been removed; each is written anew with its next play."""
        self._names.forget()

    def newest_import(self, source: Source, server: str) -> datetime.datetime | None:
        """When the latest play that was kept from a source began; the next import may begin there.

        What is older and was not imported yet is only found by a whole import.
        """
        rows = self._database.read(
            'SELECT max(started_at) FROM finished_plays WHERE source = ? AND server = ?',
            [source.value, server],
        )
        return restored(rows[0][0])

    def live(self, server: str | None = None) -> list[Play]:
        """The plays that go on, of one server or of all, in the order of their beginning."""
        rows = self._database.read(
            'SELECT document FROM live_plays WHERE ?::VARCHAR IS NULL OR server = ?',
            [server, server],
        )
        plays = [_DECODER.decode(document) for (document,) in rows]
        return sorted(plays, key=lambda play: (play.started_at, play.play_id))

    def _live_now(self) -> list[Play]:
        """Likewise, as the transaction sees it."""
        rows = self._database.rows('SELECT document FROM live_plays')
        return [_DECODER.decode(document) for (document,) in rows]

    def history(self, query: HistoryQuery) -> HistoryPage:
        """A page of the plays that have ended.

        Raises:
            QueryError: The query makes no sense.
        """
        return history.page(self._database, query, self._read)

    def find(self, play_id: str) -> Play | None:
        """A play by its id, whether it goes on or has ended."""
        if playrows.is_uuid(play_id):
            rows = self._database.read(
                'SELECT document FROM live_plays WHERE play_id = ?::UUID', [play_id]
            )
            if rows:
                return _DECODER.decode(rows[0][0])
            rows = self._database.read(
                f'SELECT {playrows.SELECTED} FROM finished_plays WHERE play_id = ?::UUID',  # noqa: S608 - constants
                [play_id],
            )
            if rows:
                return playrows.play(rows[0])
        return None


def _distinct(plays: Iterable[Play]) -> Mapping[str, list[Play]]:
    """The different versions of each play, the greatest ordinal last."""
    found: dict[str, dict[int, Play]] = {}
    for play in plays:
        found.setdefault(play.play_id, {})[play.ordinal] = play
    return {
        play_id: [versions[ordinal] for ordinal in sorted(versions)]
        for play_id, versions in found.items()
    }


def _expired(play: Play, horizon: datetime.datetime | None) -> bool:
    """Whether a play ended, or was last there, before the time for which plays are kept."""
    return horizon is not None and (play.stopped_at or play.seen_at) < horizon


def _among(plays: Sequence[Play]) -> list[object]:
    begun = [play.started_at for play in plays]
    ids = [play.play_id for play in plays]
    return [stored(min(begun) - _SLACK), stored(max(begun) + _SLACK), ids]


def _unfit_for_import(play: Play) -> str:
    if play.stopped_at is None:
        return f'play {play.play_id[:50]} has not ended'
    if why := playrows.unfit(play):
        return why
    return '' if play.stopped_at >= play.started_at else f'play {play.play_id} ends too early'


def _once(plays: Iterable[Play]) -> list[Play]:
    """Each play once: by its id, and by what makes two rows of one source the same."""
    by_id = {play.play_id: play for play in plays}
    alike = {
        (
            play.server,
            play.viewer.account_id,
            playrows.piece_key(play.item),
            play.started_at,
            play.stopped_at,
            play.player.client_id,
        ): play
        for play in by_id.values()
    }
    return list(alike.values())
