# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Which hub a database belongs to.

The id names the hub's consumer at the broker, which remembers what this database has recorded. So
it belongs to the database, and a database that was brought back from a backup needs another: with
the old one the broker would pass over what the backup does not hold.
"""

from __future__ import annotations

from .database import Database


def identity(database: Database) -> str:
    """The id, made with the database."""
    return str(database.read('SELECT id FROM hub')[0][0])


def renew(database: Database) -> str:
    """Give the database another id, as a new hub would have."""
    database.execute('UPDATE hub SET id = uuid()::VARCHAR')
    return identity(database)
