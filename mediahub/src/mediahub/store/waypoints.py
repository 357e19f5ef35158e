# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""How far long work has come, so that a restart goes on from there: one small text by name."""

from __future__ import annotations

from .database import Database


class Waypoints:
    """The texts.

    Args:
        database: Where they are kept.
    """

    def __init__(self, database: Database):
        self._database = database

    def get(self, name: str) -> str:
        """The text of a name; empty where there is none."""
        rows = self._database.read('SELECT value FROM waypoints WHERE name = ?', [name])
        return str(rows[0][0]) if rows else ''

    def put(self, name: str, value: str) -> None:
        """Replace the text of a name."""
        with self._database.transaction():
            self._database.execute('DELETE FROM waypoints WHERE name = ?', [name])
            self._database.execute('INSERT INTO waypoints VALUES (?, ?)', [name, value])
