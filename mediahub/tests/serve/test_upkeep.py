# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Upkeep folds counts, sweeps stale days, removes old plays; a failing round ends nothing."""

from __future__ import annotations

import asyncio
import datetime
import pathlib

import pytest

from mediahub.serve import upkeep
from mediahub.store import retention
from mediahub.store.database import Database
from mediahub.store.expiry import Expiry
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
    database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
):
    monkeypatch.setattr(upkeep, 'PAUSE', 0.01)
    expiry = Expiry(database, Plays(database), 0, tmp_path)
    database.execute('ALTER TABLE uncounted RENAME TO elsewhere')
    task = asyncio.create_task(upkeep.run(database, datetime.UTC, expiry, lambda line: None))
    await asyncio.sleep(0.1)
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.anyio
async def test_old_plays_are_told_of_and_removed_while_the_hub_runs(
    database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
):
    monkeypatch.setattr(upkeep, 'PAUSE', 0.01)
    plays = Plays(database)
    old = made_plays.ended(made_plays.began(), 60)
    now = datetime.datetime.now(datetime.UTC)
    fresh = made_plays.ended(made_plays.began(2, now), 60)
    plays.record([made_plays.event(old), made_plays.event(fresh)])
    told = list[str]()
    expiry = Expiry(database, plays, 30, tmp_path)
    task = asyncio.create_task(upkeep.run(database, datetime.UTC, expiry, told.append))
    while not told:
        await asyncio.sleep(0.01)
    assert plays.find(old.play_id) == old
    monkeypatch.setattr(retention, 'PATIENCE', datetime.timedelta(milliseconds=20))
    while plays.find(old.play_id):
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert plays.find(fresh.play_id) == fresh
    assert len(told) == 1
