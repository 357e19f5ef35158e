# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""A charm with a workload: mounts a shared volume by a change of its own StatefulSet.

What it sees is written down in :data:`SEEN`, for tests to look at. The option ``mood`` lets it
misbehave.
"""

from typing import Any

import ops

from charmarr_lib import http
from charmarr_lib.kubernetes import Cluster, ClusterError, Kind, RefusedError

SEEN = []


class PlayerCharm(ops.CharmBase):
    """Runs one service and relates to anything."""

    stored = ops.StoredState()

    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        self.stored.set_default(hooks=0)
        for name, event in self.on.events().items():
            kind = event.event_type
            lifecycle = issubclass(kind, ops.HookEvent)
            if lifecycle and not issubclass(kind, ops.CollectMetricsEvent):
                framework.observe(getattr(self.on, name), self._reconcile)
        framework.observe(self.on.greet_action, self._greet)

    def _greet(self, event: ops.ActionEvent):
        event.log('about to greet')
        if event.params['name'] == 'nobody':
            self.unit.status = ops.ActiveStatus('nobody there')
            event.fail('nobody there')
        elif event.params['name'] == 'bug':
            raise RuntimeError('a bug in an action')
        else:
            event.set_results({'greeting': f'hello {event.params["name"]}'})

    def _reconcile(self, event: ops.EventBase):
        self.stored.hooks += 1
        SEEN.append(Sight(self, event))
        self._publish()
        self._workload()
        self._misbehave(event)
        self._overlay(event)

    def _publish(self):
        for relation in [*self.model.relations['stage'], *self.model.relations['band']]:
            relation.data[self.unit]['hooks'] = str(self.config['volume'])
            if self.unit.is_leader():
                relation.data[self.app]['mood'] = str(self.config.get('mood', 'calm'))

    def _workload(self):
        container = self.unit.get_container('player')
        if not container.can_connect():
            self.unit.status = ops.WaitingStatus('waiting for Pebble')
            return
        service = {
            'override': 'replace',
            'command': 'player',
            'startup': 'enabled',
            'environment': {'VOLUME': str(self.config['volume'])},
        }
        check = {'override': 'replace', 'http': {'url': 'http://localhost:8080/'}, 'threshold': 2}
        layer: Any = {'services': {'player': service}, 'checks': {'up': check}}
        container.add_layer('player', layer, combine=True)
        container.replan()
        self.unit.set_ports(8080)
        with http.client('http://localhost:8080') as client:
            answer = client.get('/')
        self.unit.set_workload_version(answer.headers.get('version', '0'))
        if answer.status_code == 200:
            self.unit.status = ops.ActiveStatus()
        else:
            self.unit.status = ops.WaitingStatus('the player is starting')

    def _misbehave(self, event: ops.EventBase):
        mood = self.config.get('mood')
        if mood == 'buggy':
            raise RuntimeError('a bug')
        if mood == 'restless':
            for relation in self.model.relations['band']:
                data = relation.data[self.unit]
                data['turn'] = str(int(data.get('turn', '0')) + 1)

    def _overlay(self, event: ops.EventBase):
        if not self.unit.is_leader():
            return  # units that know of the relation and units that do not would undo each other
        claim = None
        for relation in self.model.relations['store']:
            claim = relation.data[relation.app].get('claim')
        cluster = Cluster(self.app.name, self.model.name, 'player-overlay')
        try:
            present = cluster.get(Kind.STATEFUL_SET, self.app.name)
            if present is not None and _mounted(present) != claim:
                cluster.apply(Kind.STATEFUL_SET, self._template(claim))
        except RefusedError as error:
            self.unit.status = ops.BlockedStatus(str(error))
        except ClusterError as error:
            self.unit.status = ops.WaitingStatus(str(error))

    def _template(self, claim: str | None):
        volumes = [{'name': 'media', 'persistentVolumeClaim': {'claimName': claim}}]
        mounts = [{'name': 'media', 'mountPath': '/media'}]
        container = {'name': 'player', 'volumeMounts': mounts if claim else []}
        pod = {'containers': [container], 'volumes': volumes if claim else []}
        return {'metadata': {'name': self.app.name}, 'spec': {'template': {'spec': pod}}}


class Sight:
    """What a hook saw."""

    def __init__(self, charm: PlayerCharm, event: ops.EventBase):
        self.unit = charm.unit.name
        self.event = event.handle.kind
        self.stored_hooks = charm.stored.hooks
        self.leader = charm.unit.is_leader()
        self.planned = charm.app.planned_units()
        self.remote_unit = getattr(getattr(event, 'unit', None), 'name', None)
        self.departing = getattr(getattr(event, 'departing_unit', None), 'name', None)
        self.relation = getattr(event, 'relation', None)
        self.remote_units = (
            sorted(unit.name for unit in self.relation.units) if self.relation else None
        )
        self.settings = self._settings(charm)

    def _settings(self, charm: PlayerCharm):
        """Read everything about the event's relation that may be read, and say what may not."""
        if self.relation is None:
            return {}
        seen = {}
        for who in {charm.app, charm.unit, self.relation.app, *self.relation.units} - {None}:
            try:
                seen[who.name] = dict(self.relation.data[who])
            except ops.RelationDataAccessError:
                seen[who.name] = 'denied'
        return seen


def _mounted(stateful_set):
    for volume in stateful_set['spec']['template']['spec'].get('volumes', ()):
        if volume['name'] == 'media':
            return volume['persistentVolumeClaim']['claimName']
    return None


if __name__ == '__main__':
    ops.main(PlayerCharm)
