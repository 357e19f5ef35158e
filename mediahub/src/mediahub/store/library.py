# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The library index: what every server holds, kept up to date, and never lost by mistake.

A run reads a server into a staging table and takes it over in one transaction, or not at all.
Deleting is a step of its own, and has to be earned:

1. A snapshot with proof of completeness does not hold the item: it is marked missing.
2. A second such snapshot of the same scope does not hold it either.
3. It has been missing for the grace period.
4. Only a small part of the library is concerned, unless the operator says that it is right.

Deleted rows go to the table ``gone``; their plays stay, and they take their place again when the
item comes back.
"""

from __future__ import annotations

import asyncio
import datetime
import enum
from collections.abc import Callable

import msgspec

from ..engine import errors
from ..engine.capabilities import Capability, Handshake
from ..engine.contract import MediaServerClient
from ..engine.snapshot import Proof, Snapshot
from ..engine.values import Kind, PlayEvent, PlayPrecision
from . import identity, merge
from .database import Database, restored, stored
from .staging import Staging

# An incremental run asks for this much more than it needs: clocks differ, and a server may date
# an item before it lists it.
OVERLAP = datetime.timedelta(minutes=10)

# Plays that a deep run asks for.
HISTORY = 10_000

Clock = Callable[[], datetime.datetime]


class Mode(enum.Enum):
    """How much a run reads."""

    INCREMENTAL = 'incremental'  # what changed since the last run
    FULL = 'full'  # everything; marks what is missing
    DEEP = 'deep'  # everything and the history; deletes what has been earned


class RunState(enum.Enum):
    """How a run ended."""

    RUNNING = 'running'
    COMPLETE = 'complete'
    # Everything that came was taken over, but nothing is concluded from what did not come.
    UNPROVEN = 'unproven'
    FAILED = 'failed'
    CANCELLED = 'cancelled'
    INTERRUPTED = 'interrupted'  # the process was killed


class Guard(msgspec.Struct, frozen=True, kw_only=True):
    """When missing items may be deleted.

    Attributes:
        grace: How long an item must have been missing.
        observations: Complete snapshots that must have missed it.
        ratio: Largest part of a server's items that one run may delete.
        always: That many may be deleted whatever part they are, so that a small library can lose
            an album.
    """

    grace: datetime.timedelta = datetime.timedelta(days=7)
    observations: int = 2
    ratio: float = 0.1
    always: int = 25


class Progress(msgspec.Struct, frozen=True):
    """How far a run is: items of a kind taken in, of how many where that is known."""

    server: str
    kind: Kind
    done: int


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A finished run.

    Attributes:
        reason: Why it is not complete; empty where it is.
        missing: Items that are marked missing now.
        held: Items that could be deleted but for the guard's ratio.
    """

    number: int
    server: str
    mode: Mode
    state: RunState
    reason: str = ''
    added: int = 0
    changed: int = 0
    rekeyed: int = 0
    missing: int = 0
    deleted: int = 0
    held: int = 0

    @property
    def succeeded(self) -> bool:
        """Whether the index now is what the server holds."""
        return self.state is RunState.COMPLETE


class LibraryIndex:
    """The index of all servers in one database.

    Args:
        database: Where it is kept.
        guard: When missing items may be deleted.
        clock: The time, aware.
    """

    def __init__(self, database: Database, guard: Guard | None = None, clock: Clock | None = None):
        self._database = database
        self._guard = guard or Guard()
        self._clock = clock or (lambda: datetime.datetime.now(datetime.UTC))
        self._turn = asyncio.Lock()
        database.execute(
            "UPDATE runs SET state = 'interrupted', reason = 'the process ended' "
            "WHERE state = 'running'"
        )

    async def update(
        self,
        client: MediaServerClient,
        mode: Mode = Mode.INCREMENTAL,
        *,
        report: Callable[[Progress], None] | None = None,
        accept_replacement: bool = False,
        accept_loss: bool = False,
    ) -> Run:
        """Bring a server's part of the index up to date. One run at a time.

        Args:
            client: The server.
            mode: How much to read. The first run of a server, and those of a server that cannot
                tell what changed, are full.
            report: Called after every page.
            accept_replacement: The server at this address may be another installation than
                before.
            accept_loss: The guard's ratio, and a kind of which nothing is left, do not matter
                this time. Grace and observations do.

        Returns:
            The run. One that failed changed nothing and is no exception: it says why.
        """
        async with self._turn:
            number = await self._begin(client.name, mode)
            attempt = _Attempt(self._database, client, mode, self._clock(), report)
            try:
                run = await self._attempt(
                    attempt, number, accept_replacement=accept_replacement, accept_loss=accept_loss
                )
            except errors.MediaServerError as error:
                run = self._ended(attempt, number, RunState.FAILED, error.detail)
            except BaseException as error:
                self._finish(self._broken_off(attempt, number, error))
                raise
            finally:
                attempt.staging.discard()
            return self._finish(run)

    async def _begin(self, server: str, mode: Mode) -> int:
        database = self._database
        number = int(database.one("SELECT nextval('run_ids')"))
        database.execute(
            'INSERT INTO runs (run, server, mode, state, started_at) VALUES (?, ?, ?, ?, ?)',
            [number, server, mode.value, RunState.RUNNING.value, stored(self._clock())],
        )
        return number

    def _finish(self, run: Run) -> Run:
        self._database.execute(
            'UPDATE runs SET state = ?, reason = ?, finished_at = ?, added = ?, changed = ?, '
            'rekeyed = ?, missing = ?, deleted = ? WHERE run = ?',
            [
                run.state.value,
                run.reason,
                stored(self._clock()),
                run.added,
                run.changed,
                run.rekeyed,
                run.missing,
                run.deleted,
                run.number,
            ],
        )
        return run

    def _ended(self, attempt: _Attempt, number: int, state: RunState, reason: str) -> Run:
        return Run(
            number=number,
            server=attempt.client.name,
            mode=attempt.mode,
            state=state,
            reason=reason,
            missing=merge.missing(self._database, attempt.client.name),
        )

    def _broken_off(self, attempt: _Attempt, number: int, error: BaseException) -> Run:
        """The run that an exception ended; what was taken over before it stays so."""
        if attempt.merged is not None:
            return self._merged(attempt, number, attempt.problems, attempt.merged)
        cancelled = isinstance(error, asyncio.CancelledError)
        state = RunState.CANCELLED if cancelled else RunState.FAILED
        return self._ended(attempt, number, state, type(error).__name__)

    async def _attempt(
        self, attempt: _Attempt, number: int, *, accept_replacement: bool, accept_loss: bool
    ) -> Run:
        handshake = await attempt.client.probe()
        if not accept_replacement:
            self._same_machine(attempt.client.name, handshake)
        proof = await attempt.read(self._since(attempt, handshake))
        problems = list(proof.problems)
        if attempt.whole:
            problems += attempt.doubts(proof, accept_loss=accept_loss)
        plays = await self._history(attempt)
        # Cancellation, if it comes, is delivered behind this: the transaction is all or nothing.
        merged = await self._database.run(lambda: attempt.take_over(proof, problems))
        run = self._merged(attempt, number, problems, merged)
        if attempt.mode is not Mode.DEEP or not run.succeeded:
            return run
        await self._database.run(lambda: self.record_plays(plays))
        deleted, held = await self._database.run(
            lambda: self._delete(attempt.client.name, proof.fingerprint, accept_loss=accept_loss)
        )
        missing = merge.missing(self._database, attempt.client.name)
        return msgspec.structs.replace(run, deleted=deleted, held=held, missing=missing)

    def _merged(
        self, attempt: _Attempt, number: int, problems: list[str], merged: merge.Merged
    ) -> Run:
        return Run(
            number=number,
            server=attempt.client.name,
            mode=attempt.mode,
            state=RunState.UNPROVEN if problems else RunState.COMPLETE,
            reason='; '.join(problems),
            added=merged.added,
            changed=merged.changed,
            rekeyed=merged.rekeyed,
            missing=merged.missing,
        )

    def _same_machine(self, server: str, handshake: Handshake) -> None:
        known = self._database.one('SELECT machine_id FROM servers WHERE server = ?', [server])
        if known is not None and known != handshake.machine_id:
            raise errors.Incompatible(
                server,
                'another installation answers at this address than before; its library would '
                'replace the old one. Accept it explicitly if that is right',
            )

    def _since(self, attempt: _Attempt, handshake: Handshake) -> datetime.datetime | None:
        """Since when to ask for changes; None where everything has to be read."""
        if attempt.mode is not Mode.INCREMENTAL:
            return None
        if Capability.CHANGES not in handshake.capabilities:
            return None
        watermark = self._database.one(
            'SELECT watermark FROM servers WHERE server = ?', [attempt.client.name]
        )
        known = restored(watermark)
        return known - OVERLAP if known else None

    def _delete(self, server: str, fingerprint: str, *, accept_loss: bool) -> tuple[int, int]:
        """Delete what has been earned; answers how many were, and how many are held back."""
        guard, now = self._guard, self._clock()
        due = merge.due(
            self._database, server, fingerprint, guard.observations, stored(now - guard.grace)
        )
        total = int(
            self._database.one('SELECT count(*) FROM items WHERE server = ?', [server]) or 0
        )
        few = due <= guard.always or due <= guard.ratio * total
        if not due or not (few or accept_loss):
            return 0, due
        merge.delete(self._database, stored(now))
        return due, 0

    async def _history(self, attempt: _Attempt) -> tuple[PlayEvent, ...]:
        """What a deep run records; read before anything is taken over, for it may fail too."""
        deep = attempt.mode is Mode.DEEP
        if not deep or not await attempt.client.supports(Capability.HISTORY):
            return ()
        return await attempt.client.get_play_history(limit=HISTORY)

    def record_plays(self, plays: tuple[PlayEvent, ...]) -> None:
        """Keep plays with the items that were played; known ones are not kept twice."""
        with self._database.transaction():
            for play in plays:
                merge.record_play(
                    self._database,
                    play.track.server,
                    play.track.native_id,
                    stored(play.played_at),
                    play.account,
                    every_play=play.precision is PlayPrecision.EVERY_PLAY,
                )

    # What the index knows

    def counts(self, server: str) -> dict[str, int]:
        """Items of a server by kind, those missing included."""
        rows = self._database.rows(
            'SELECT kind, count(*) FROM items WHERE server = ? GROUP BY kind', [server]
        )
        return {str(kind): int(count) for kind, count in rows}

    def native_ids(self, server: str, kind: Kind) -> frozenset[str]:
        """Native ids of a server's items of a kind."""
        rows = self._database.rows(
            'SELECT native_id FROM items WHERE server = ? AND kind = ?', [server, kind.value]
        )
        return frozenset(str(row[0]) for row in rows)

    def uid(self, server: str, kind: Kind, native_id: str) -> int | None:
        """Our own id of an item, which stays when the server's changes.

        Native ids that the item had before find it too.
        """
        return self._database.one(
            'SELECT uid FROM aliases WHERE server = ? AND kind = ? AND native_id = ? '
            'ORDER BY since DESC LIMIT 1',
            [server, kind.value, native_id],
        )

    def plays(self, uid: int) -> int:
        """Number of plays recorded for an item."""
        return int(self._database.one('SELECT count(*) FROM plays WHERE uid = ?', [uid]) or 0)

    def runs(self, server: str, limit: int = 20) -> list[tuple[str, str, str]]:
        """Mode, state and reason of the latest runs, newest first."""
        rows = self._database.rows(
            "SELECT mode, state, coalesce(reason, '') FROM runs WHERE server = ? "
            'ORDER BY run DESC LIMIT ?',
            [server, limit],
        )
        return [(str(mode), str(state), str(reason)) for mode, state, reason in rows]


class _Attempt:
    """One run while it lasts."""

    def __init__(
        self,
        database: Database,
        client: MediaServerClient,
        mode: Mode,
        started: datetime.datetime,
        report: Callable[[Progress], None] | None,
    ):
        self.client = client
        self.mode = mode
        self.staging = Staging(database)
        self.whole = True
        self.merged: merge.Merged | None = None
        self.problems: list[str] = []
        self._database = database
        self._started = started
        self._report = report

    async def read(self, since: datetime.datetime | None) -> Proof:
        """Stage the snapshot, or the changes since a moment."""
        self.whole = since is None
        snapshot = self.client.snapshot() if since is None else await self.client.changes(since)
        try:
            await self._stage(snapshot)
        finally:
            await snapshot.aclose()
        await self._database.run(self.staging.settle)
        return snapshot.proof

    async def _stage(self, snapshot: Snapshot) -> None:
        done: dict[Kind, int] = {}
        async for page in snapshot:
            await self.staging.add(page)
            done[page.kind] = done.get(page.kind, 0) + len(page.items)
            if self._report is not None:
                self._report(Progress(self.client.name, page.kind, done[page.kind]))

    def doubts(self, proof: Proof, *, accept_loss: bool) -> list[str]:
        """What the staged rows have against the proof."""
        counts = self.staging.counts()
        found = [
            f'only {counts.get(kind, 0)} of {count} {kind}s are different ones'
            for kind, count in proof.counts.items()
            if counts.get(kind, 0) != count
        ]
        return found + self.staging.problems('' if accept_loss else self.client.name)

    def take_over(self, proof: Proof, problems: list[str]) -> merge.Merged:
        """Make the staged rows the index's, in one transaction."""
        server, now = self.client.name, stored(self._started)
        complete = self.whole and not problems
        with self._database.transaction():
            identity.forget(self._database)
            if complete:
                identity.recognise(self._database, server)
            merged = merge.merge(
                self._database, server, now, scope=proof.fingerprint if complete else None
            )
            merge.remember(self._database, server, proof, self._watermark(problems))
        self.merged, self.problems = merged, problems
        return merged

    def _watermark(self, problems: list[str]) -> datetime.datetime | None:
        """Up to when everything is known; None where this run does not tell."""
        if problems:
            return None
        started = stored(self._started)
        newest = self.staging.newest()
        # A file dated in the future must not hide everything up to then.
        return min(newest, started) if newest and started else None
