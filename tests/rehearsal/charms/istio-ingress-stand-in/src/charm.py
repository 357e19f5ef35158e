#!/usr/bin/env python3
# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A provider of ``istio_ingress_route`` that publishes a host, through the interface's library."""

from __future__ import annotations

import ops
from charmlibs.interfaces import istio_ingress_route as istio


class IstioIngressStandInCharm(ops.CharmBase):
    """Gives every application the host ``plex.example.org``."""

    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        self._provider = istio.IstioIngressRouteProvider(self, external_host='plex.example.org')
        framework.observe(self.on.start, self._on_start)

    def _on_start(self, _: ops.EventBase) -> None:
        self.unit.status = ops.ActiveStatus()


if __name__ == '__main__':
    ops.main(IstioIngressStandInCharm)
