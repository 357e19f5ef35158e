# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A charm without workload: makes a claim and tells related applications its name."""

import ops

from charmarr_lib.kubernetes import Cluster, ClusterError, Kind, RefusedError


class ShelfCharm(ops.CharmBase):
    """Makes a claim and publishes it once it is bound."""

    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        for event in (
            self.on.config_changed,
            self.on.update_status,
            self.on['store'].relation_created,
        ):
            framework.observe(event, self._reconcile)

    def _reconcile(self, _: ops.EventBase):
        cluster = Cluster(self.app.name, self.model.name, 'shelf')
        try:
            claim = cluster.get(Kind.PERSISTENT_VOLUME_CLAIM, 'media')
            if claim is None:
                claim = cluster.create(Kind.PERSISTENT_VOLUME_CLAIM, self._claim())
        except RefusedError as error:
            self.unit.status = ops.BlockedStatus(str(error))
            return
        except ClusterError as error:
            self.unit.status = ops.WaitingStatus(str(error))
            return
        if (claim.get('status') or {}).get('phase') != 'Bound':
            self.unit.status = ops.WaitingStatus('waiting for the claim')
            return
        if self.unit.is_leader():
            for relation in self.model.relations['store']:
                relation.data[self.app]['claim'] = 'media'
        self.unit.status = ops.ActiveStatus()

    def _claim(self):
        return {
            'metadata': {'name': 'media'},
            'spec': {
                'accessModes': ['ReadWriteMany'],
                'resources': {'requests': {'storage': self.config['size']}},
            },
        }


if __name__ == '__main__':
    ops.main(ShelfCharm)
