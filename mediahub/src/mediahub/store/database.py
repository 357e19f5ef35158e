# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""The hub's DuckDB file: one connection that writes, others that read, blocking calls in a thread.

What has been committed survives the process being killed; what has not is gone as a whole. Readers
see what was committed when their query began, and wait for no writer.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import pathlib
import queue
import threading
from collections.abc import Callable, Generator, Sequence
from typing import Any, Protocol, TypeVar

import duckdb

from ..engine.errors import MediaHubError
from . import schema

T = TypeVar('T')

Row = tuple[Any, ...]


class Query(Protocol):
    """A way to run queries."""

    def __call__(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Run a query."""
        ...


class StoreError(MediaHubError):
    """The database cannot be used; the message says why, and what to do."""


class Database:
    """The open database. Close it.

    Args:
        path: The file; None for one in memory.

    Raises:
        StoreError: It is in use by another process, damaged, or of a newer version.
    """

    def __init__(self, path: pathlib.Path | None = None):
        self._lock = threading.RLock()
        self._idle: queue.SimpleQueue[duckdb.DuckDBPyConnection] = queue.SimpleQueue()
        self._name = str(path or ':memory:')
        try:
            self._connection = duckdb.connect(self._name)
        except duckdb.Error as error:
            raise StoreError(_explained(self._name, error)) from error
        try:
            self._migrate()
        except BaseException:
            self._connection.close()
            raise

    def _migrate(self) -> None:
        self.execute('CREATE TABLE IF NOT EXISTS schema_version (version INTEGER)')
        version = int(self.one('SELECT coalesce(max(version), 0) FROM schema_version') or 0)
        newest = len(schema.STEPS)
        if version > newest:
            raise StoreError(
                f'{self._name} has version {version}, this program knows up to {newest}; '
                'use a newer mediahub, nothing was changed'
            )
        for number, step in enumerate(schema.STEPS[version:], version + 1):
            with self.transaction():
                self.execute(step)
                self.execute('INSERT INTO schema_version VALUES (?)', [number])

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> None:
        """Run a statement.

        Raises:
            StoreError: The disk is full, the file is damaged, or the like.
        """
        self.rows(sql, parameters)

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Run a query."""
        with self._lock:
            try:
                cursor = self._connection.execute(sql, list(parameters))
                return cursor.fetchall() if cursor.description else []
            except duckdb.Error as error:
                raise StoreError(_explained(self._name, error)) from error

    def read(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Run a query on what has been committed, beside the writer and other readers.

        Not for use within a transaction: it would not see what that has done so far.
        """
        with self._reader() as cursor:
            return cursor.execute(sql, list(parameters)).fetchall()

    @contextlib.contextmanager
    def snapshot(self) -> Generator[Query]:
        """Run several queries on one and the same state of what has been committed."""

        def query(sql: str, parameters: Sequence[object] = ()) -> list[Row]:
            return cursor.execute(sql, list(parameters)).fetchall()

        with self._reader() as cursor:
            cursor.execute('BEGIN')
            try:
                yield query
            finally:
                cursor.rollback()

    @contextlib.contextmanager
    def _reader(self) -> Generator[duckdb.DuckDBPyConnection]:
        try:
            cursor = self._idle.get_nowait()
        except queue.Empty:
            cursor = self._connection.cursor()
        try:
            yield cursor
        except duckdb.Error as error:
            raise StoreError(_explained(self._name, error)) from error
        finally:
            self._idle.put(cursor)

    def one(self, sql: str, parameters: Sequence[object] = ()) -> Any:
        """The first column of the first row; None where there is no row."""
        rows = self.rows(sql, parameters)
        return rows[0][0] if rows else None

    @contextlib.contextmanager
    def transaction(self) -> Generator[None]:
        """Make all statements within take effect together, or none of them."""
        with self._lock:
            self.execute('BEGIN')
            try:
                yield
            except BaseException:
                with contextlib.suppress(duckdb.Error):  # the first error is the one that counts
                    self._connection.rollback()
                raise
            self.execute('COMMIT')

    async def run(self, work: Callable[[], T]) -> T:
        """Do blocking work in a thread, not to be interrupted half-way.

        Cancellation is delivered when the work is done: a thread cannot be stopped.
        """
        task = asyncio.ensure_future(asyncio.to_thread(work))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait([task])
            raise

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            while not self._idle.empty():
                self._idle.get_nowait().close()
            self._connection.close()

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()


def stored(moment: datetime.datetime | None) -> datetime.datetime | None:
    """A moment as the database keeps it: UTC without a zone."""
    return moment.astimezone(datetime.UTC).replace(tzinfo=None) if moment else None


def restored(moment: datetime.datetime | None) -> datetime.datetime | None:
    """A moment from the database."""
    return moment.replace(tzinfo=datetime.UTC) if moment else None


def _explained(name: str, error: duckdb.Error) -> str:
    reason = ' '.join(str(error).split())[:200]
    if 'lock' in reason.lower():
        return f'{name} is in use by another process; stop it or use another file ({reason})'
    return f'{name}: {reason}'
