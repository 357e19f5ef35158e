#!/usr/bin/env python3
# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A provider of ``media-server`` that runs a Jellyfin and publishes its address."""

from __future__ import annotations

import ops

from charmarr_lib import interfaces, pebble, reconcile

PORT = 8096


class JellyfinStandInCharm(ops.CharmBase):
    """Runs one service and publishes where it is."""

    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        self._media_server = interfaces.MediaServerProvider(self)
        reconcile.observe(self, self._reconcile)

    def _reconcile(self, _: ops.EventBase) -> None:
        self.unit.set_ports(PORT)
        container = self.unit.get_container('jellyfin')
        if container.can_connect():
            service: ops.pebble.ServiceDict = {
                'override': 'replace',
                'command': '/jellyfin/jellyfin',
                'startup': 'enabled',
            }
            pebble.replan(container, 'jellyfin', {'services': {'jellyfin': service}})
        self._media_server.publish_data(
            interfaces.MediaServerProviderData(
                api_url=f'http://{self.app.name}.{self.model.name}.svc.cluster.local:{PORT}',
                server=interfaces.MediaServer.JELLYFIN,
                instance_name=self.app.name,
            )
        )
        self.unit.status = ops.ActiveStatus()


if __name__ == '__main__':
    ops.main(JellyfinStandInCharm)
