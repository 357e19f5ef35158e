# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Upkeep folds counts and sweeps stale days, and a failing round ends nothing."""

from __future__ import annotations

import asyncio
import datetime

import pytest

from mediahub.serve import upkeep
from mediahub.store.database import Database
from mediahub.store.plays import Plays
from mediahub.testing import plays as made_plays


def test_a_round_leaves_nothing_uncounted_and_nothing_stale(database: Database):
    play = made_plays.ended(made_plays.began(), 60)
    Plays(database).record([made_plays.event(play)])
    assert database.one('SELECT count(*) FROM uncounted') > 0
    upkeep.once(database, datetime.UTC)
    assert database.one('SELECT count(*) FROM uncounted') == 0
    assert database.one('SELECT count(*) FROM stale_peaks') == 0


@pytest.mark.anyio
async def test_goes_on_after_a_round_that_failed(
    database: Database, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(upkeep, 'PAUSE', 0.01)
    database.execute('ALTER TABLE uncounted RENAME TO elsewhere')
    task = asyncio.create_task(upkeep.run(database, datetime.UTC))
    await asyncio.sleep(0.1)
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
