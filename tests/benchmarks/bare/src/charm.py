#!/usr/bin/env python3
# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A charm that does nothing: what ops itself takes."""

import ops


class BareCharm(ops.CharmBase):
    """Says that it is active."""

    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        framework.observe(self.on.update_status, self._on_update_status)

    def _on_update_status(self, _: ops.UpdateStatusEvent) -> None:
        self.unit.status = ops.ActiveStatus()


if __name__ == '__main__':
    ops.main(BareCharm)
