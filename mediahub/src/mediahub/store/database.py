# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The hub's DuckDB file: one connection that writes, others that read, blocking calls in a thread.

What has been committed survives the process being killed; what has not is gone as a whole. Readers
see what was committed when their query began, and wait for no writer. When DuckDB gives up, which
it does when the disk is full at the wrong moment, the file is opened anew: nothing committed is
lost, and the hub goes on as soon as there is room again.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import contextvars
import datetime
import enum
import logging
import pathlib
import queue
import shutil
import threading
import time
from collections.abc import Callable, Generator, Sequence
from typing import Any, Protocol, TypeVar

import duckdb
import msgspec

from . import opening, troubles
from .gate import Gate
from .troubles import StoreDamaged, StoreError, StoreFull, StoreInUse

__all__ = [
    'Database',
    'Health',
    'Query',
    'Row',
    'State',
    'StoreDamaged',
    'StoreError',
    'StoreFull',
    'StoreInUse',
    'restored',
    'stored',
]

T = TypeVar('T')

Row = tuple[Any, ...]

_log = logging.getLogger(__name__)

# Bytes that have to be free on the disk before something is written. The log, and what DuckDB
# writes when it folds the log into the file, fit into it, so that it does not give up half-way.
RESERVE = 64 * 1024**2

# Seconds for queries under way, before the file is closed under them.
_PATIENCE = 20.0

# Seconds between attempts to open the file anew.
_PAUSE = 5.0

# Calls at once; those that read wait for nothing else.
_THREADS = 16


class Query(Protocol):
    """A way to run queries."""

    def __call__(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Run a query."""
        ...


class State(enum.Enum):
    """How the database is."""

    OK = 'ok'
    FULL = 'full'  # the disk: it can be read, and what was stored is safe
    DOWN = 'down'  # it cannot be opened any more


class Health(msgspec.Struct, frozen=True):
    """How the database is, and since when.

    Attributes:
        reason: What to do, in one line; empty where all is well.
    """

    state: State
    reason: str
    since: datetime.datetime


class Database:
    """The open database. Close it.

    Args:
        path: The file; None for one in memory.
        memory: Bytes that it may hold in memory; by default a part of what the machine has.
        reserve: Bytes of the disk that are left free.

    Raises:
        StoreError: It is in use by another process, damaged, of a newer version, or the like.
    """

    def __init__(
        self,
        path: pathlib.Path | None = None,
        memory: int | None = None,
        reserve: int = RESERVE,
    ):
        self._path, self._memory, self._reserve = path, memory, reserve
        self._name = str(path or ':memory:')
        self._lock = threading.RLock()
        self._gate = Gate()
        self._readers: queue.SimpleQueue[duckdb.DuckDBPyConnection] = queue.SimpleQueue()
        self._pool = concurrent.futures.ThreadPoolExecutor(_THREADS, 'database')
        self._connection = opening.opened(path, memory)
        self._down: StoreError | None = None
        self._tried = 0.0
        self._health = _healthy()

    @property
    def path(self) -> pathlib.Path | None:
        """The file; None where it is in memory."""
        return self._path

    @property
    def health(self) -> Health:
        """How it is, by the last attempts to use it."""
        return self._health

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> None:
        """Run a statement.

        Raises:
            StoreError: The disk is full, the file is damaged, or the like.
        """
        self.rows(sql, parameters)

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Run a query, within the transaction where there is one."""
        with self._lock:
            self._ensure_open()
            try:
                cursor = self._connection.execute(sql, list(parameters))
                return cursor.fetchall() if cursor.description else []
            except duckdb.Error as error:
                raise self._failed(error, self._connection) from error

    def read(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Run a query on what has been committed, beside the writer and other readers.

        Not for use within a transaction: it would not see what that has done so far.
        """
        with self.snapshot() as query:
            return query(sql, parameters)

    @contextlib.contextmanager
    def snapshot(self) -> Generator[Query]:
        """Run several queries on one and the same state of what has been committed."""
        self._ensure_open()
        owner = self._connection
        try:
            with self._gate.passing(), self._reader(owner) as cursor:
                yield _query(cursor)
        except duckdb.Error as error:
            raise self._failed(error, owner) from error

    @contextlib.contextmanager
    def _reader(self, owner: duckdb.DuckDBPyConnection) -> Generator[duckdb.DuckDBPyConnection]:
        try:
            cursor = self._readers.get_nowait()
        except queue.Empty:
            cursor = self._connection.cursor()
        cursor.execute('BEGIN TRANSACTION READ ONLY')
        try:
            yield cursor
        finally:
            with contextlib.suppress(duckdb.Error):
                cursor.rollback()
            if owner is self._connection:
                self._readers.put(cursor)
            else:
                cursor.close()

    def one(self, sql: str, parameters: Sequence[object] = ()) -> Any:
        """The first column of the first row; None where there is no row."""
        rows = self.rows(sql, parameters)
        return rows[0][0] if rows else None

    @contextlib.contextmanager
    def transaction(self) -> Generator[None]:
        """Make all statements within take effect together, or none of them.

        Raises:
            StoreFull: There is no room; nothing took effect.
        """
        with self._lock:
            self._check_room()
            self.execute('BEGIN')
            try:
                yield
            except BaseException:
                with contextlib.suppress(duckdb.Error):  # the first error is the one that counts
                    self._connection.rollback()
                raise
            self.execute('COMMIT')
            self._recovered()

    def _check_room(self) -> None:
        """Refuse to write before DuckDB has to, and may give up for it."""
        if self._path is None:
            return
        room = shutil.disk_usage(self._path.parent).free
        if room < self._reserve:
            full = StoreFull(
                f'the disk of {self._name} has only {room // 1024**2} MB left: make room; '
                'nothing stored is lost, and it goes on by itself'
            )
            self._note(State.FULL, full)
            raise full

    def _failed(self, error: duckdb.Error, owner: duckdb.DuckDBPyConnection) -> StoreError:
        """What an error means; opens the file anew where DuckDB does nothing more."""
        meant = troubles.explained(self._name, error)
        if isinstance(meant, StoreFull):
            self._note(State.FULL, meant)
        if troubles.ends_connection(error) and self._path is not None:
            with self._lock:
                if owner is self._connection:
                    _log.error('%s', meant)
                    self._open_anew()
        return meant

    def _open_anew(self) -> None:
        self._tried = time.monotonic()
        with self._gate.closed(_PATIENCE):
            self._close_connections()
            try:
                self._connection = opening.opened(self._path, self._memory, again=True)
                self._down = None
                _log.warning('%s was opened anew; nothing that was committed is lost', self._name)
            except StoreError as error:
                self._down = error
                self._note(State.DOWN, error)

    def _ensure_open(self) -> None:
        """Raise where the file could not be opened anew, after trying it again now and then."""
        if self._down is not None:
            with self._lock:
                if self._is_down() and time.monotonic() - self._tried >= _PAUSE:
                    self._open_anew()
                self._raise_if_down()

    def _is_down(self) -> bool:
        return self._down is not None

    def _raise_if_down(self) -> None:
        if self._down is not None:
            raise self._down

    def _note(self, state: State, reason: StoreError) -> None:
        if self._health.state is not state:
            _log.error('%s', reason)
            self._health = Health(state, str(reason), _now())

    def _recovered(self) -> None:
        if self._health.state is not State.OK:
            _log.warning('%s can be written to again', self._name)
            self._health = _healthy()

    def probe(self) -> Health:
        """Find out whether it can be written to, where that failed before."""
        if self._health.state is not State.OK:
            with contextlib.suppress(StoreError), self.transaction():
                self.execute("DELETE FROM facts WHERE name = 'probe'")
                self.execute("INSERT INTO facts VALUES ('probe', ?)", [_now().isoformat()])
        return self._health

    def checkpoint(self) -> None:
        """Fold the log into the file, after the queries under way and before the next ones.

        DuckDB does so by itself as well, but not while an earlier state is being read.
        """
        with self._lock, self._gate.closed(_PATIENCE):
            self._check_room()
            self.execute('CHECKPOINT')

    @contextlib.contextmanager
    def at_rest(self) -> Generator[pathlib.Path]:
        """Let nobody write, with everything that is committed in the file; readers go on.

        Raises:
            StoreError: It is in memory, or cannot be written to.
        """
        if self._path is None:
            raise StoreError('a database in memory has no file')
        with self._lock:
            self.checkpoint()
            yield self._path

    async def run(self, work: Callable[[], T]) -> T:
        """Do blocking work in a thread, not to be interrupted half-way.

        Cancellation is delivered when the work is done: a thread cannot be stopped.
        """
        context = contextvars.copy_context()
        loop = asyncio.get_running_loop()
        task = loop.run_in_executor(self._pool, lambda: context.run(work))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait([task])
            if not task.cancelled() and (failure := task.exception()):
                _log.warning('what nobody waits for any more failed: %s', failure)
            raise

    def close(self) -> None:
        """Close the file."""
        with self._lock, self._gate.closed(_PATIENCE):
            self._close_connections()
        self._pool.shutdown(wait=False)

    def _close_connections(self) -> None:
        while not self._readers.empty():
            with contextlib.suppress(duckdb.Error):
                self._readers.get_nowait().close()
        with contextlib.suppress(duckdb.Error):
            self._connection.close()

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()


def _query(cursor: duckdb.DuckDBPyConnection) -> Query:
    def query(sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        return cursor.execute(sql, list(parameters)).fetchall()

    return query


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _healthy() -> Health:
    return Health(State.OK, '', _now())


def stored(moment: datetime.datetime | None) -> datetime.datetime | None:
    """A moment as the database keeps it: UTC without a zone."""
    return moment.astimezone(datetime.UTC).replace(tzinfo=None) if moment else None


def restored(moment: datetime.datetime | None) -> datetime.datetime | None:
    """A moment from the database."""
    return moment.replace(tzinfo=datetime.UTC) if moment else None
