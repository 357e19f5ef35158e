# Copyright 2026 The Charmarr authors
# SPDX-License-Identifier: Apache-2.0

"""Publishes a text to those who are related."""

import ops


class Teller(ops.CharmBase):
    """A charm without a workload."""

    def __init__(self, framework: ops.Framework) -> None:
        super().__init__(framework)
        on = self.on
        for event in (on.config_changed, on.leader_elected, on['news'].relation_created):
            framework.observe(event, self._publish)
        framework.observe(on.greet_action, self._greet)
        framework.observe(on.refuse_action, self._refuse)
        framework.observe(on.crash_action, self._crash)

    def _publish(self, event: ops.EventBase) -> None:
        if self.config['breaks'] and isinstance(event, ops.ConfigChangedEvent):
            raise RuntimeError('told to break')
        text = ' '.join([str(self.config['text'])] * int(self.config['count']))
        if self.unit.is_leader():
            for relation in self.model.relations['news']:
                relation.data[self.app]['text'] = text
        self.unit.set_workload_version('1.0')
        self.unit.status = ops.ActiveStatus()

    def _greet(self, event: ops.ActionEvent) -> None:
        event.log('thinking')
        event.set_results({'greeting': f'hello {event.params["name"]}', 'from.unit': 'teller'})

    def _refuse(self, event: ops.ActionEvent) -> None:
        event.fail('no')

    def _crash(self, event: ops.ActionEvent) -> None:
        raise RuntimeError('crashed')


if __name__ == '__main__':
    ops.main(Teller)
