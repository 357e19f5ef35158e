# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A thousand nights have to fit into the memory of a small machine."""

import gc

import ops


def frameworks_alive() -> int:
    gc.collect()
    return sum(isinstance(each, ops.Framework) for each in gc.get_objects())


def test_what_a_hook_made_is_let_go_when_it_has_ended(rehearsal):
    before = frameworks_alive()
    rehearsal.deploy('player', trust=True)
    rehearsal.settle()
    assert len(rehearsal.history) > 3
    # What keeps the state of the unit's last hook may keep the framework of that hook.
    assert frameworks_alive() - before <= 1
