# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""From which day on plays are kept.

Nothing removes plays yet, so there is no such day. What reads and records plays already minds it:
what was counted stays, and nothing older is taken in again, because it is counted already.
"""

from __future__ import annotations

import datetime

from .database import Query


def horizon(query: Query) -> datetime.date | None:
    """The first day whose plays are kept; None where nothing was ever removed."""
    rows = query("SELECT value FROM facts WHERE name = 'horizon'")
    return datetime.date.fromisoformat(rows[0][0]) if rows else None
