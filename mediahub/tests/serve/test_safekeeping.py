# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Backups and restores by command, beside a hub that runs and without one."""

from __future__ import annotations

import os
import pathlib

import msgspec
import pytest

from mediahub import safekeeping, settings
from mediahub.serve import control
from mediahub.store.database import StoreError, StoreInUse

from .conftest import Start


@pytest.fixture
def chosen(home: pathlib.Path) -> settings.Settings:
    return settings.load({'MEDIAHUB_HOME': str(home)})


def test_a_running_hub_makes_the_backup_and_goes_on(
    start: Start, chosen: settings.Settings, home: pathlib.Path
):
    hub = start()
    hub.wait_until_up()
    made = pathlib.Path(safekeeping.backup(chosen, chosen.database, home / 'backups'))
    assert made.parent == home / 'backups'
    assert made.stat().st_size > 0
    assert hub.data('live') == {'plays': []}
    with pytest.raises(safekeeping.Refused, match='leave --folder out'):
        safekeeping.backup(chosen, chosen.database, home / 'elsewhere')
    with pytest.raises(StoreInUse, match='stop it first'):
        safekeeping.restore(chosen.database, made)
    assert safekeeping.export(chosen, chosen.database) == []
    with pytest.raises(safekeeping.Refused, match='no import of that name'):
        safekeeping.import_tautulli(chosen)
    assert hub.stop() == 0
    kept = safekeeping.restore(chosen.database, made)
    assert pathlib.Path(kept).exists()
    again = start()
    again.wait_until_up()
    assert again.stop() == 0


def test_a_hub_that_was_killed_does_not_stand_in_the_way(start: Start, chosen: settings.Settings):
    hub = start()
    hub.wait_until_up()
    hub.process.kill()
    hub.process.wait()
    # Its file stays; in a container its number is soon another process's, such as this one's.
    left = control.read(chosen.home)
    assert left is not None
    control.write(chosen.home, msgspec.structs.replace(left, pid=os.getpid()))
    made = pathlib.Path(safekeeping.backup(chosen, chosen.database, None))
    assert made.exists()
    assert pathlib.Path(safekeeping.restore(chosen.database, made)).exists()


def test_without_a_hub_an_import_says_what_to_do(chosen: settings.Settings):
    with pytest.raises(safekeeping.Refused, match='mediahub serve'):
        safekeeping.import_tautulli(chosen)


def test_a_backup_of_nothing_makes_no_database(chosen: settings.Settings):
    with pytest.raises(StoreError, match='not there yet'):
        safekeeping.backup(chosen, chosen.database, None)
    assert not chosen.database.exists()
