# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Removes plays that are older than they shall be kept; what was counted of them stays.

The first day that is kept is the horizon. It only moves forward, and nothing older is taken in
again, by a replay or an import, because it is counted already.
"""

from __future__ import annotations

import datetime

from .database import Query


def horizon(query: Query) -> datetime.date | None:
    """The first day whose plays are kept; None where nothing was ever removed."""
    rows = query("SELECT value FROM facts WHERE name = 'horizon'")
    return datetime.date.fromisoformat(rows[0][0]) if rows else None
