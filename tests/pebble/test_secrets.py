# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import pytest
import yaml

from .apps import SECRET
from .daemons import eventually


@pytest.fixture
def lived(app):
    """A workload with a secret that was started, stopped, changed and started again."""
    app.start()
    app.stop()
    app.replan('Europe/Berlin')
    app.daemon.room.wait_for('listening')
    return app


def test_the_secret_is_where_the_workload_looks_for_it(lived):
    assert SECRET in lived.daemon.room.outside(lived.secret_file).read_text()


def test_the_plan_holds_no_secret(lived):
    plan = yaml.safe_dump(lived.container.get_plan().to_dict())
    assert lived.service in plan
    assert SECRET not in plan


def test_the_file_of_pebbles_state_holds_no_secret(lived):
    # Written after the fact: the last change is in it a moment later.
    eventually(lambda: lived.service in lived.daemon.text_of_state())
    assert SECRET not in lived.daemon.text_of_state()


def test_neither_pebble_nor_the_workload_prints_the_secret(lived):
    log = lived.daemon.log.read_text()
    assert f'Service "{lived.service}" starting' in log
    assert SECRET not in log


def test_no_command_line_and_no_environment_holds_the_secret(lived):
    started = [each for each in lived.daemon.room.all_told() if each['event'] == 'started']
    assert len(started) == 2
    for entry in started:
        assert SECRET not in str(entry)


def test_no_layer_lies_on_the_disk(lived):
    folder = lived.daemon.room.outside('/charm/container/pebble/layers')
    assert [each.name for each in folder.rglob('*') if each.is_file()] == []
